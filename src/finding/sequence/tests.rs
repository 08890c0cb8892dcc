//! Sessions one after the other, with the clock moved by hand.

use super::*;
use crate::finding::Letter;
use crate::mail::{Envelope, ForwardPath, Recipient, ReversePath};
use crate::smtp::auth::Directory;
use crate::smtp::policy::{
    AuthMode, BareLf, Deadlines, Extensions, Limits, Policy, RecipientRules, TlsMode,
};
use crate::smtp::{Budget, Context, Input, Session};
use std::sync::Arc;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const HOUR: Duration = Duration::from_hours(1);

/// A session that said this; RCPT is refused for now where there is room for no recipient.
fn session(said: &[u8]) -> Session {
    ended_by(said, Input::Closed, Duration::ZERO)
}

/// One that ended like this, then.
fn ended_by(said: &[u8], end: Input<'_>, at: Duration) -> Session {
    with_room(Limits { recipients: 0, ..Limits::default() }, said, end, at)
}

/// A message from `a@b.example` for these.
fn envelope(to: &[&str]) -> Envelope {
    let mut envelope = Envelope::new(ReversePath::parse_front("<a@b.example>").unwrap().0);
    let recipients = to.iter().map(|path| Recipient {
        path: ForwardPath::parse_front(path).unwrap().0,
        notify: None,
        orcpt: None,
    });
    envelope.forward_paths.extend(recipients);
    envelope
}

fn with_room(limits: Limits, said: &[u8], end: Input<'_>, at: Duration) -> Session {
    let policy = Policy {
        door: "relay".into(),
        hostname: "doorpost.test".into(),
        tls: TlsMode::None,
        auth: AuthMode::None,
        auth_before_tls: false,
        mechanisms: Vec::new(),
        directory: Arc::new(Directory::open()),
        recipients: RecipientRules::default(),
        qualified_only: false,
        bare_lf: BareLf::Reject,
        extensions: Extensions::default(),
        limits,
        deadlines: Deadlines::default(),
        show_secrets: false,
        judge: None,
    };
    let context =
        Context { peer: PEER, budget: Budget::new(1 << 20), faults: None, entropy: [0; 16] };
    let mut session = Session::new(Arc::new(policy), context);
    let mut actions = Vec::new();
    for input in [Input::Connected, Input::Bytes(b"EHLO c.example\r\n"), Input::Bytes(said)] {
        session.handle(input, Duration::ZERO, &mut actions);
    }
    session.handle(end, at, &mut actions);
    session
}

fn id(number: u64) -> SessionId {
    SessionId::new(number).unwrap()
}

#[test]
fn who_does_not_come_back_is_named_once() {
    let mut all = Sequences::new(Patience::default());
    let refused = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
    all.session_ended(id(1), PEER, Attempts::of(&refused), None, Duration::ZERO);
    assert!(all.overdue(HOUR / 2).is_empty());
    let overdue = all.overdue(HOUR);
    assert_eq!(overdue.len(), 1);
    assert_eq!((overdue[0].0, &*overdue[0].1.code), (id(1), "never-retried"));
    assert!(overdue[0].1.what.contains("452"), "{}", overdue[0].1.what);
    assert!(all.overdue(HOUR * 9).is_empty());
}

#[test]
fn who_comes_back_is_not_named() {
    let mut all = Sequences::new(Patience::default());
    let refused = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
    all.session_ended(id(1), PEER, Attempts::of(&refused), None, Duration::ZERO);
    let again = session(b"MAIL FROM:<a@b.example>\r\n");
    all.session_ended(id(2), PEER, Attempts::of(&again), None, HOUR / 2);
    assert!(all.overdue(HOUR * 2).is_empty());
    // It came back for that recipient, however it was written.
    let room = Limits { recipients: 1, ..Limits::default() };
    let said = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<C@d.example>\r\nQUIT\r\n";
    let taken = with_room(room, said, Input::Closed, Duration::ZERO);
    let mut all = Sequences::new(Patience::default());
    all.session_ended(id(1), PEER, Attempts::of(&refused), None, Duration::ZERO);
    all.session_ended(id(2), PEER, Attempts::of(&taken), None, HOUR / 2);
    assert!(all.overdue(HOUR * 2).is_empty());
    // Filed late, after the one in which it came back.
    let mut late = Sequences::new(Patience::default());
    late.session_ended(id(2), PEER, Attempts::of(&again), None, HOUR / 2);
    late.session_ended(id(1), PEER, Attempts::of(&refused), None, HOUR / 4);
    assert!(late.overdue(HOUR * 2).is_empty());
    // Put off twice, the time runs from the second.
    all.session_ended(id(3), PEER, Attempts::of(&refused), None, HOUR);
    all.session_ended(id(4), PEER, Attempts::of(&refused), None, HOUR * 3 / 2);
    assert!(all.overdue(HOUR * 2).is_empty());
    assert_eq!(all.overdue(HOUR * 5 / 2)[0].0, id(4));
}

#[test]
fn who_comes_back_over_an_older_connection_has_come_back() {
    let mut all = Sequences::new(Patience::default());
    let refused = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
    all.session_ended(id(2), PEER, Attempts::of(&refused), None, HOUR / 2);
    let again = session(b"MAIL FROM:<a@b.example>\r\n");
    all.session_ended(id(1), PEER, Attempts::of(&again), None, HOUR);
    assert!(all.overdue(HOUR * 2).is_empty());
}

#[test]
fn a_recipient_that_was_put_off_is_owed_a_try_of_its_own() {
    let limits = Limits { recipients: 1, ..Limits::default() };
    let said =
        b"MAIL FROM:<a@b.example>\r\nRCPT TO:<bob@d.example>\r\nRCPT TO:<Full@d.example>\r\n\
        DATA\r\ntext\r\n.\r\n";
    let first = || Attempts::of(&with_room(limits, said, Input::Closed, Duration::ZERO));
    let key = |to: &[&str]| MessageKey::new(PEER, &envelope(to), &Letter::default(), b"text");
    let mut all = Sequences::new(Patience::default());
    // The message was kept, for the one that was taken.
    let taken = ["<bob@d.example>"];
    all.message(&key(&taken), Some(id(1)), HOUR / 9);
    all.session_ended(id(1), PEER, first(), None, HOUR / 9);
    let other = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<carol@d.example>\r\n");
    all.session_ended(id(2), PEER, Attempts::of(&other), None, HOUR / 2);
    let overdue = all.overdue(HOUR * 4 / 3);
    assert_eq!(overdue.len(), 1);
    assert!(overdue[0].0 == id(1) && overdue[0].1.what.contains("452"), "{overdue:?}");
    // Who comes for it is not named, also while that session lasts.
    all.session_ended(id(3), PEER, first(), None, HOUR * 2);
    let owed = ["<full@d.example>"];
    all.message(&key(&owed), Some(id(4)), HOUR * 5 / 2);
    assert!(all.overdue(HOUR * 9).iter().all(|(id, _)| id.get() == 2));
}

#[test]
fn what_the_transcript_does_not_hold_may_have_been_a_try() {
    let mut all = Sequences::new(Patience::default());
    let refused = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
    all.session_ended(id(1), PEER, Attempts::of(&refused), None, Duration::ZERO);
    let limits = Limits { transcript: 60, ..Limits::default() };
    let said =
        b"MAIL FROM:<x@b.example>\r\nRSET\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n";
    let cut = with_room(limits, said, Input::Closed, Duration::ZERO);
    assert!(cut.transcript().omitted() > 0);
    all.session_ended(id(2), PEER, Attempts::of(&cut), None, HOUR / 2);
    assert!(all.overdue(HOUR * 9).is_empty());
}

#[test]
fn a_message_is_the_same_in_whatever_order_its_recipients_come() {
    let key = |to: &[&str]| MessageKey::new(PEER, &envelope(to), &Letter::default(), b"text");
    let (bob, carol) = ("<bob@d.example>", "<carol@d.example>");
    assert_eq!(key(&[bob, carol]).hash, key(&[carol, bob]).hash);
    assert_ne!(key(&[bob, carol]).hash, key(&[carol]).hash);
}

#[test]
fn whoever_only_fell_idle_was_not_told_to_try_later() {
    let idle = ended_by(b"MAIL FROM:<a@b.example>\r\n", Input::Time, HOUR);
    assert!(idle.transcript().to_string().contains("421 4.4.2"), "{}", idle.transcript());
    assert!(Attempts::of(&idle).deferred.is_empty());
    // A recipient that was put off is another matter.
    let refused = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
    assert_eq!(Attempts::of(&refused).deferred.len(), 1);
}

#[test]
fn the_same_message_is_a_duplicate_by_its_name() {
    let mut all = Sequences::new(Patience::default());
    let envelope = envelope(&["<c@d.example>"]);
    let key = |name: Option<&str>| {
        let head = name.map_or_else(String::new, |name| format!("Message-ID: {name}\r\n"));
        let octets = format!("{head}\r\ntext");
        let letter = Letter::read(octets.as_bytes());
        MessageKey::new(PEER, &envelope, &letter, octets.as_bytes())
    };
    let mut come = |name: Option<&str>, now| {
        let before = all.duplicate_of(&key(name), now);
        all.message(&key(name), Some(id(1)), now);
        before
    };
    assert_eq!(come(Some("<1@b.example>"), Duration::ZERO), None);
    assert_eq!(come(Some("<1@b.example>"), HOUR / 2).as_deref(), Some(" in session 1"));
    assert_eq!(come(Some("<2@b.example>"), HOUR / 2), None);
    assert_eq!(come(Some("<1@b.example>"), HOUR * 2), None, "too long ago");
    assert_eq!(come(None, HOUR), None);
    assert_eq!(come(None, HOUR), None, "the same text may be sent twice on purpose");
    all.unanswered.insert(id(1));
    let lost = all.duplicate_of(&key(None), HOUR);
    assert_eq!(lost.as_deref(), Some(" in session 1, where its 250 was lost"));
}

#[test]
fn memory_is_bounded() {
    let mut all = Sequences::new(Patience::default());
    for number in 0..REMEMBERED as u64 + 50 {
        let octets = number.to_string();
        let letter = Letter::default();
        let key = MessageKey::new(PEER, &envelope(&[]), &letter, octets.as_bytes());
        all.message(&key, None, Duration::ZERO);
    }
    let refused = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
    for number in 0..REMEMBERED as u64 + 50 {
        let mut attempts = Attempts::of(&refused);
        attempts.deferred[0].reverse_path = number.to_string();
        attempts.is_unanswered = true;
        all.session_ended(id(number + 1), PEER, attempts, None, Duration::ZERO);
    }
    assert_eq!((all.seen.len(), all.seen_order.len()), (REMEMBERED, REMEMBERED));
    assert_eq!((all.deferred.len(), all.order.len()), (REMEMBERED, REMEMBERED));
    assert_eq!(all.unanswered.len(), REMEMBERED);
    assert_eq!(all.overdue(HOUR).len(), REMEMBERED);
}
