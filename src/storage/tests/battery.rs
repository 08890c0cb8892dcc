//! What every store does, kept in memory or on a disk.

use super::super::{Change, Group, Marks, Selection, StoreError, Total};
use super::*;
use crate::mail::SessionId;
use std::collections::BTreeSet;

macro_rules! battery {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            $(#[test] fn $name() { super::$name(super::Kept::Memory); })+
        }
        mod disk {
            $(#[test] fn $name() { super::$name(super::Kept::Disk); })+
        }
    };
}

battery! {
    what_is_kept_comes_back_as_it_was,
    whoever_has_a_250_finds_the_message,
    pages_lead_from_the_newest_to_the_oldest,
    what_came_behind_the_last_that_is_meant_stays,
    removal_is_final_and_names_do_not_come_again,
    marks_are_counted,
    inboxes_part_messages,
    the_oldest_go_where_a_bound_is_reached,
    the_old_go_by_age,
    events_tell_everything_in_order,
    large_totals_stop_somewhere,
    what_is_too_large_is_refused_and_leaves_nothing,
    a_closed_store_says_so,
    a_date_beyond_all_clocks_is_old,
    an_import_says_that_it_is_one,
    a_question_may_be_as_deep_as_it_is_read,
    a_phrase_ends_with_its_path,
}

const LETTER: &str = "From: Alice <alice@example.org>\r\nTo: Bob <bob@example.org>\r\n\
    Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@example.org>\r\n\
    X-Trace: Seven Seas\r\n\r\nYour code is 123456.\r\n";

fn what_is_kept_comes_back_as_it_was(kept: Kept) {
    let store = kept.open();
    let mut came = to(&["bob@example.org", "Carol@Example.org"]);
    came.auth_user = Some("alice".into());
    came.received_at = OffsetDateTime::now_utc();
    let octets: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for bytes in [LETTER.as_bytes(), b"", &octets] {
        let message = keep(&store, came.clone(), bytes);
        let again = store.message(message.id()).unwrap().unwrap();
        assert_eq!((again.bytes(), &**again.arrival()), (message.bytes(), &came));
        assert_eq!(&again.bytes()[..], bytes);
    }
    let entry = store.entry(id(1)).unwrap().unwrap();
    assert_eq!(entry.summary.subject.as_deref(), Some("Grüße"));
    assert_eq!((entry.size, entry.is_read, entry.is_bounce), (LETTER.len() as u64, false, false));
    assert_eq!((entry.inboxes, entry.tags), (vec!["alice".to_owned()], Vec::new()));
    assert_eq!(*entry.arrival, came);
    assert!(store.message(id(4)).unwrap().is_none() && store.entry(id(4)).unwrap().is_none());
    assert_eq!(store.usage().messages, 3);
    let all: Vec<_> = store.newest().map(|message| message.id().get()).collect();
    assert_eq!(all, [3, 2, 1]);
}

fn whoever_has_a_250_finds_the_message(kept: Kept) {
    let store = kept.open();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..50 {
                    let word = format!("word{thread}x{number}");
                    let message = keep(store, to(&["bob@example.org"]), format!("\r\n{word}"));
                    assert_eq!(numbers(store, &word), [message.id().get()]);
                }
            });
        }
    });
    assert_eq!(store.find(&find("")).unwrap().total, Total { count: 200, is_more: false });
    assert_eq!(store.index_is_behind_by(), 0);
}

fn pages_lead_from_the_newest_to_the_oldest(kept: Kept) {
    let store = kept.open();
    for number in 0..31 {
        let subject = if number % 2 == 0 { "even" } else { "odd" };
        keep(&store, to(&["bob@example.org"]), format!("Subject: {subject}\r\n\r\n"));
    }
    for (query, count) in [("", 31), ("subject:even", 16), ("-subject:even", 15)] {
        let mut seen = Vec::new();
        let mut page = Find { limit: 4, ..find(query) };
        loop {
            let found = store.find(&page).unwrap();
            assert_eq!(found.total.count, count, "{query}");
            seen.extend(found.entries.iter().map(|entry| entry.id.get()));
            match found.next {
                Some(next) => page.before = Some(next),
                None => break,
            }
        }
        assert_eq!(seen.len() as u64, count);
        assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");
    }
    let newer = Find { after: Some(id(26)), ..find("subject:even") };
    let found = store.find(&newer).unwrap();
    assert_eq!(found.entries.iter().map(|e| e.id.get()).collect::<Vec<_>>(), [31, 29, 27]);
    assert_eq!(found.total.count, 3, "only the newer ones are counted");
    let all = store.find(&Find { after: Some(id(30)), ..find("") }).unwrap();
    assert_eq!((all.total.count, all.entries.len()), (1, 1));
}

fn what_came_behind_the_last_that_is_meant_stays(kept: Kept) {
    let store = kept.open();
    for subject in ["a", "b", "a", "b", "a"] {
        keep(&store, to(&["bob@example.org"]), format!("Subject: {subject}\r\n\r\n"));
    }
    let up_to = |last| Selection::Matching {
        query: find("subject:a").query,
        inbox: None,
        up_to: Some(id(last)),
    };
    let read = Marks { read: Some(true), ..Marks::default() };
    assert_eq!(store.mark(&up_to(3), &read), Ok(2));
    assert_eq!(store.mark(&Selection::UpTo(id(2)), &read), Ok(2));
    assert_eq!(numbers(&store, "is:read"), [3, 2, 1]);
    assert_eq!(store.remove(&up_to(3)), Ok(2));
    assert_eq!(numbers(&store, ""), [5, 4, 2]);
    assert_eq!(store.remove(&Selection::UpTo(id(4))), Ok(2));
    // One that nobody has yet takes nothing with it that is still to come.
    assert_eq!(store.remove(&Selection::UpTo(id(1000))), Ok(1));
    keep(&store, to(&["bob@example.org"]), "");
    assert_eq!(numbers(&store, ""), [6]);
}

fn removal_is_final_and_names_do_not_come_again(kept: Kept) {
    let store = kept.open();
    for subject in ["a", "b", "a", "c"] {
        keep(&store, to(&["bob@example.org"]), format!("Subject: {subject}\r\n\r\n"));
    }
    assert_eq!(store.remove(&Selection::Ids(vec![id(4), id(4), id(9)])), Ok(1));
    let query = find("subject:a").query;
    assert_eq!(store.remove(&Selection::Matching { query, inbox: None, up_to: None }), Ok(2));
    assert_eq!(numbers(&store, ""), [2]);
    assert!(store.message(id(3)).unwrap().is_none());
    assert_eq!(numbers(&store, "subject:a OR subject:c"), [0; 0]);
    assert_eq!(store.remove(&Selection::All), Ok(1));
    assert_eq!((numbers(&store, "").len(), store.usage().messages, store.usage().bytes), (0, 0, 0));
    assert_eq!(store.remove(&Selection::All), Ok(0));
    assert_eq!(keep(&store, to(&["bob@example.org"]), "").id(), id(5));
    assert_eq!(numbers(&store, "to:bob OR rcpt:bob"), [5]);
}

fn marks_are_counted(kept: Kept) {
    let store = kept.open();
    for _ in 0..4 {
        keep(&store, to(&["bob@example.org"]), "");
    }
    let mark = |ids: &[u64], marks: &Marks| {
        store.mark(&Selection::Ids(ids.iter().map(|n| id(*n)).collect()), marks).unwrap()
    };
    let read = |read| Marks { read: Some(read), ..Marks::default() };
    let add = |tags: &[&str]| Marks {
        add_tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..Marks::default()
    };
    assert_eq!(mark(&[1, 2, 9], &read(true)), 2);
    assert_eq!(mark(&[2], &read(true)), 1);
    mark(&[1, 3], &add(&["Ünï", "x"]));
    mark(&[1], &add(&["x"]));
    assert_eq!(numbers(&store, "is:read"), [2, 1]);
    assert_eq!((numbers(&store, "is:unread"), store.unread().unwrap()), (vec![4, 3], 2));
    assert_eq!(numbers(&store, "tag:x is:unread"), [3]);
    let group = |name: &str, messages, unread| Group { name: name.into(), messages, unread };
    assert_eq!(store.tags().unwrap(), [group("x", 2, 1), group("Ünï", 2, 1)]);
    mark(&[3], &Marks { remove_tags: vec!["x".into()], read: Some(true), ..Marks::default() });
    mark(&[1], &Marks { tags: Some(vec!["y".into()]), ..Marks::default() });
    assert_eq!(store.tags().unwrap(), [group("y", 1, 0), group("Ünï", 1, 0)]);
    assert_eq!(store.entry(id(1)).unwrap().unwrap().tags, ["y"]);
    assert_eq!(store.mark(&Selection::All, &read(false)), Ok(4));
    assert_eq!(store.unread(), Ok(4));
    store.remove(&Selection::Ids(vec![id(1)])).unwrap();
    assert_eq!(store.tags().unwrap(), [group("Ünï", 1, 1)]);
    assert_eq!(store.unread(), Ok(3));
}

fn inboxes_part_messages(kept: Kept) {
    let store = kept.open_with(|settings| settings.inbox_by = Some(by("recipient")));
    keep(&store, to(&["a@example.org", "B@example.org"]), "Subject: hello\r\n\r\n");
    keep(&store, to(&["b@example.org", "b@example.org"]), "Subject: hello\r\n\r\n");
    let group = |name: &str, messages| Group { name: name.into(), messages, unread: messages };
    let groups = [group("a@example.org", 1), group("b@example.org", 2)];
    assert_eq!(store.inboxes().unwrap(), groups);
    assert_eq!(numbers(&store, "inbox:a@example.org"), [1]);
    let inbox = Some("b@example.org".to_owned());
    let hello = Find { inbox: inbox.clone(), ..find("hello") };
    assert_eq!(store.find(&hello).unwrap().total.count, 2);
    assert_eq!(store.find(&Find { inbox: inbox.clone(), ..find("") }).unwrap().total.count, 2);
    let nobody = Find { inbox: Some("nobody".into()), ..find("hello") };
    assert_eq!(store.find(&nobody).unwrap().total.count, 0);
    let query = find("").query;
    let selection = Selection::Matching { query, inbox: Some("a@example.org".into()), up_to: None };
    assert_eq!(store.remove(&selection), Ok(1));
    assert_eq!(store.inboxes().unwrap(), [group("b@example.org", 1)]);
    assert_eq!(store.outside(), Ok(0));
    assert_eq!(numbers(&store, "-inbox:b@example.org"), [0; 0]);
    let store = kept.open();
    keep(&store, to(&["a@example.org"]), "");
    assert_eq!((store.outside(), store.inboxes()), (Ok(1), Ok(Vec::new())));
    assert_eq!(store.entry(id(1)).unwrap().unwrap().inboxes, [""; 0]);
}

fn the_oldest_go_where_a_bound_is_reached(kept: Kept) {
    let store = kept.open_with(|settings| settings.bounds = few(3));
    for number in 1..=10 {
        keep(&store, to(&["bob@example.org"]), format!("Subject: n{number}\r\n\r\n"));
    }
    assert_eq!(numbers(&store, ""), [10, 9, 8]);
    assert_eq!(numbers(&store, "n7 OR n8"), [8]);
    let usage = store.usage();
    assert_eq!((usage.messages, usage.pruned), (3, 7));

    let octets = |octets| move |settings: &mut Settings| settings.bounds.message_bytes = octets;
    let store = kept.open_with(octets(100_000));
    for _ in 0..10 {
        keep(&store, to(&["bob@example.org"]), vec![b'x'; 30_000]);
    }
    assert_eq!(numbers(&store, ""), [10, 9, 8]);
    assert!(store.usage().bytes <= 100_000);
}

fn the_old_go_by_age(kept: Kept) {
    let age = Some(std::time::Duration::from_hours(1));
    let store = kept.open_with(|settings| settings.max_age = age);
    for minutes in [200, 100, 50, 100] {
        let mut came = to(&["bob@example.org"]);
        came.received_at = OffsetDateTime::now_utc() - Duration::minutes(minutes);
        keep(&store, came, "");
    }
    assert_eq!(store.remove_what_is_old(), Ok(2));
    assert_eq!(store.remove_what_is_old(), Ok(0));
    assert_eq!(numbers(&store, ""), [4, 3]);
    assert_eq!(kept.open().remove_what_is_old(), Ok(0), "without a bound");
}

fn a_date_beyond_all_clocks_is_old(kept: Kept) {
    let age = Some(std::time::Duration::from_hours(1));
    let store = kept.open_with(|settings| settings.max_age = age);
    let mut came = to(&["bob@example.org"]);
    came.received_at = OffsetDateTime::UNIX_EPOCH - Duration::days(365 * 370);
    keep(&store, came, "");
    assert!(store.message(id(1)).unwrap().unwrap().arrival().received_at.year() < 1700);
    assert_eq!(numbers(&store, "before:1700-01-01"), [1]);
    assert_eq!(store.remove_what_is_old(), Ok(1));
}

fn an_import_says_that_it_is_one(kept: Kept) {
    let store = kept.open();
    let mut came = to(&["bob@example.org"]);
    came.protocol = "HTTP";
    keep(&store, came, "");
    assert_eq!(store.message(id(1)).unwrap().unwrap().arrival().protocol, "HTTP");
}

fn a_question_may_be_as_deep_as_it_is_read(kept: Kept) {
    let store = kept.open();
    keep(&store, to(&["bob@example.org"]), "Subject: deep\r\n\r\n");
    for levels in 1..24 {
        let deep = (0..levels).fold("deep".to_owned(), |inner, _| format!("b OR (deep ({inner}))"));
        assert_eq!(numbers(&store, &deep), [1], "{levels} levels");
        let not = (0..levels).fold("deep".to_owned(), |inner, _| format!("deep -(b ({inner}))"));
        assert_eq!(numbers(&store, &not), [1], "{levels} levels");
    }
}

fn a_phrase_ends_with_its_path(kept: Kept) {
    let store = kept.open();
    keep(&store, to(&["bob@example.org", "carol@example.net"]), "");
    for (query, found) in [
        ("rcpt:\"carol example net\"", &[1][..]),
        ("rcpt:\"example.org carol\"", &[]),
        ("envelope:\"org carol\"", &[]),
        ("-rcpt:\"example.org carol\" rcpt:carol", &[1]),
    ] {
        assert_eq!(numbers(&store, query), found, "{query}");
    }
}

fn events_tell_everything_in_order(kept: Kept) {
    let store = kept.open_with(|settings| settings.bounds = few(2));
    for _ in 0..3 {
        keep(&store, to(&["bob@example.org"]), "");
    }
    let read = Marks { read: Some(true), ..Marks::default() };
    store.mark(&Selection::Ids(vec![id(3)]), &read).unwrap();
    store.remove(&Selection::Ids(vec![id(2)])).unwrap();
    store.remove(&Selection::All).unwrap();
    let changes: Vec<_> = store.events().after(0, 100).unwrap();
    let changes: Vec<_> = changes.iter().map(|event| event.change.clone()).collect();
    assert_eq!(
        changes,
        [
            Change::Message(id(1)),
            Change::Message(id(2)),
            Change::Message(id(3)),
            Change::Deleted(vec![id(1)]),
            Change::Marked(vec![id(3)]),
            Change::Deleted(vec![id(2)]),
            Change::DeletedUpTo(id(3)),
        ]
    );
}

fn large_totals_stop_somewhere(kept: Kept) {
    let store = kept.open();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let keeping = (0..10_020).map(|_| store.keep(to(&["b@example.org"]), "\r\nword".into()));
        futures_util::future::join_all(keeping).await
    });
    let total = |query: &str| store.find(&Find { limit: 1, ..find(query) }).unwrap().total;
    assert_eq!(total("word"), Total { count: 10_000, is_more: true });
    assert_eq!(total(""), Total { count: 10_020, is_more: false });
    assert_eq!(total("is:unread"), Total { count: 10_020, is_more: false });
    let page = store.find(&Find { limit: 3, before: Some(id(4)), ..find("word") }).unwrap();
    assert_eq!(page.entries.iter().map(|e| e.id.get()).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(page.next, None);
    let query = find("word").query;
    assert_eq!(store.remove(&Selection::Matching { query, inbox: None, up_to: None }), Ok(10_020));
}

fn what_is_too_large_is_refused_and_leaves_nothing(kept: Kept) {
    let store = kept.open_with(|settings| settings.bounds.message_bytes = 10_000);
    keep(&store, to(&["bob@example.org"]), "");
    // What a message takes beside its octets counts as well: one that fits without it would push
    // out all others, and then itself.
    for octets in [10_001, 9_990] {
        let kept = wait(store.keep(to(&["bob@example.org"]), vec![0; octets].into()));
        assert_eq!(kept.err(), Some(StoreError::Full), "{octets}");
    }
    assert_eq!(numbers(&store, ""), [1], "the small one is not pushed out");
}

fn a_closed_store_says_so(kept: Kept) {
    let store = kept.open();
    keep(&store, to(&["bob@example.org"]), "");
    assert_eq!(numbers(&store, ""), [1], "an index that is not ready would be given up");
    store.close();
    assert_eq!(numbers(&store, ""), [1], "what was kept can still be found");
    if let Kept::Disk = kept {
        let word = wait(store.keep(to(&["bob@example.org"]), Default::default()));
        assert_eq!(word.err(), Some(StoreError::Failed("the store is closed".into())));
        assert!(store.remove(&Selection::All).is_err());
    }
    let unknown = SessionId::new(77).unwrap();
    assert_eq!(store.session(unknown), Ok(None));
}

#[test]
fn tags_are_sets() {
    let before: BTreeSet<_> = ["a".to_owned(), "b".to_owned()].into();
    let marks = Marks {
        tags: Some(vec!["c".into(), "c".into()]),
        add_tags: vec!["d".into()],
        remove_tags: vec!["c".into()],
        read: None,
    };
    assert_eq!(marks.applied_to(&before), ["d".to_owned()].into());
    assert!(Marks::default().is_empty() && !marks.is_empty());
}
