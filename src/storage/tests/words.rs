//! What the words of a query find in a message, and what they do not.

use super::*;
use crate::mime::Searchable;
use crate::search::Words;
use crate::storage::Selection;
use proptest::prelude::*;

fn alternatives(text: &str, html: &str) -> String {
    format!(
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n{text}\r\n--b\r\n\
        Content-Type: text/html\r\n\r\n{html}\r\n--b--\r\n"
    )
}

fn finds(store: &Store, query: &str) -> bool {
    !numbers(store, query).is_empty()
}

#[test]
fn words_of_the_html_that_others_in_the_text_begin_with_are_found() {
    for kept in [Kept::Memory, Kept::Disk] {
        let store = kept.open();
        let text = "Your orders: 47110815\r\nConfirmation link: below\r\n";
        let html = "<p>Your order</p><a href=x>Confirm</a><p>4711</p>";
        keep(&store, to(&["bob@example.org"]), alternatives(text, html));
        for query in ["order", "\"your order\"", "4711", "confirm", "orders", "confirmation"] {
            assert!(finds(&store, query), "{kept:?} {query}");
        }
        assert!(!finds(&store, "-order"), "{kept:?}");
    }
}

#[test]
fn no_phrase_runs_from_one_thing_into_the_next() {
    for kept in [Kept::Memory, Kept::Disk] {
        let store = kept.open();
        let text = "one two O'Neil";
        let html = "<p>42 first</p><p>one two</p><p>last</p>";
        let header = "To: Bob <bob@example.co>, Uk Zuuk <zuuk@example.net>\r\n\
            X-One: alpha\r\nX-Two: beta\r\nFrom: root\r\nFrom: other\r\n";
        let message = format!("{header}{}", alternatives(text, html));
        keep(&store, to(&["bob@example.org"]), message);
        let apart = [
            "\"o'neil 42\"",
            "\"first last\"",
            "to:bob@example.co.uk",
            "\"alpha x-two\"",
            "from:\"root other\"",
        ];
        for query in apart {
            assert!(!finds(&store, query), "{kept:?} {query}");
        }
        for query in [
            "\"two o'neil\"",
            "\"42 first\"",
            "last",
            "to:bob@example.co",
            "alpha beta",
            "to:\"uk zuuk\"",
        ] {
            assert!(finds(&store, query), "{kept:?} {query}");
        }
    }
}

#[test]
fn a_field_without_an_address_is_found_by_what_it_says() {
    let store = Kept::Memory.open();
    for from in ["root", "MyApp =?utf-8?q?gr=C3=BC=C3=9Fe?=", "undisclosed-recipients:;"] {
        let message = format!("From: {from}\r\nTo: {from}\r\nCc: {from}\r\n\r\nx");
        keep(&store, to(&["bob@example.org"]), message);
    }
    assert_eq!(numbers(&store, "from:root"), [1]);
    assert_eq!(numbers(&store, "cc:\"myapp grüße\""), [2]);
    assert_eq!(numbers(&store, "to:undisclosed-recipients"), [3]);
}

#[test]
fn a_letter_is_the_same_whether_or_not_it_is_composed() {
    let store = Kept::Memory.open();
    // Composed and decomposed.
    let spellings = [
        ["йод", "и\u{306}од"],
        ["ガイド", "カ\u{3099}イト\u{3099}"],
        ["한국어", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}\u{110b}\u{1165}"],
        ["ёлка", "е\u{308}лка"],
        ["άλφα", "α\u{301}λφα"],
        ["über", "u\u{308}ber"],
    ];
    for spelling in spellings.as_flattened() {
        let header = "Content-Type: text/plain; charset=utf-8";
        keep(&store, to(&["bob@example.org"]), format!("{header}\r\n\r\n{spelling}"));
    }
    for (number, pair) in (1..).step_by(2).zip(spellings) {
        for word in pair {
            assert_eq!(numbers(&store, &format!("\"{word}\"")), [number + 1, number], "{word}");
        }
    }
}

#[test]
fn an_inbox_by_recipient_is_found_in_any_spelling() {
    for kept in [Kept::Memory, Kept::Disk] {
        let store = kept.open_with(|settings| settings.inbox_by = Some(by("recipient")));
        for recipient in ["Bob@Example.org", "carol@example.org"] {
            keep(&store, to(&[recipient]), "\r\nhello");
        }
        for (query, inbox, found) in [
            ("", Some("Bob@Example.org"), &[1][..]),
            ("is:unread", Some("BOB@example.org"), &[1]),
            ("hello", Some("Bob@Example.org"), &[1]),
            ("inbox:Bob@Example.org", None, &[1]),
            ("inbox:Bob@Example.org hello", None, &[1]),
            ("-inbox:Bob@Example.org", None, &[2]),
            ("inbox:Bob@Example.org OR inbox:CAROL@example.org", None, &[2, 1]),
        ] {
            let asked = Find { inbox: inbox.map(str::to_owned), ..find(query) };
            let answer = store.find(&asked).unwrap();
            let names: Vec<_> = answer.entries.iter().map(|entry| entry.id.get()).collect();
            assert_eq!(
                (&*names, answer.total.count),
                (found, found.len() as u64),
                "{kept:?} {query} {inbox:?}"
            );
        }
        let query = find("").query;
        let bob = Selection::Matching { query, inbox: Some("Bob@Example.org".into()), up_to: None };
        assert_eq!(store.remove(&bob), Ok(1));
    }
}

#[test]
fn an_inbox_is_found_by_a_name_that_is_longer_than_is_kept() {
    let store = Kept::Memory.open();
    let user = "\u{fc}".repeat(200);
    let mut came = to(&["bob@example.org"]);
    came.auth_user = Some(user.as_str().into());
    keep(&store, came, "\r\nhello");
    let asked = Find { inbox: Some(user.clone()), ..find("") };
    assert_eq!(store.find(&asked).unwrap().total.count, 1);
    assert_eq!(numbers(&store, &format!("inbox:{user} hello")), [1]);
}

/// Lines of words that begin and end like others.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let word = prop::sample::select(&["a", "ab", "b", "ba", "a1", "1", "\u{e4}", "a\u{308}"][..]);
    let between = prop::sample::select(&[" ", "-", ". ", ""][..]);
    let line = prop::collection::vec((word, between), 1..5)
        .prop_map(|words| words.into_iter().map(|(word, end)| format!("{word}{end}")).collect());
    prop::collection::vec(line, 1..8)
}

proptest! {
    /// Whatever of the HTML is left out, its words are found in the plain text.
    #[test]
    fn every_line_of_both_alternatives_is_found(text in lines(), html in lines()) {
        let message = alternatives(&text.join("\r\n"), &html.join("<br>"));
        let message = message.replace("text/html", "text/html; charset=utf-8");
        let passages = Searchable::of(message.as_bytes()).text;
        for line in text.iter().chain(&html) {
            let words = Words::new(line.as_str(), false).unwrap();
            let found = passages.iter().any(|passage| words.matches(passage));
            prop_assert!(found, "{line:?} in {passages:?}");
        }
    }
}
