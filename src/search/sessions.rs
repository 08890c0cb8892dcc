//! The keys of queries for sessions.
//!
//! Refuses nothing itself: what a key takes stands in its row.

use super::key::{Key, Reads};
use super::language::{Language, Other};
use super::{SessionFlag, SessionTerm, messages};

pub(super) static LANGUAGE: Language<SessionTerm> = Language {
    finds: "sessions",
    text: SessionTerm::Text,
    keys: KEYS,
    foreign: &[
        ("newer", "after"),
        ("newer_than", "after"),
        ("older", "before"),
        ("older_than", "before"),
        ("helo", "hello"),
        ("ehlo", "hello"),
        ("ip", "client"),
        ("peer", "client"),
        ("reply", "code"),
        ("status", "code"),
        ("note", "finding"),
        // Keys for messages that sessions have under another name.
        ("from", "envelope"),
        ("to", "envelope"),
        ("rcpt", "envelope"),
        ("inbox", "user"),
    ],
    other: Other {
        finds: "messages",
        key: |name| messages::LANGUAGE.find(name).map(|key| key.name),
    },
};

const fn key(
    name: &'static str,
    finds: &'static str,
    reads: Reads<SessionTerm>,
) -> Key<SessionTerm> {
    Key { name, finds, reads }
}

const KEYS: &[Key<SessionTerm>] = &[
    key("door", "the name of the door", Reads::Whole(SessionTerm::Door)),
    key("user", "the user who had logged in", Reads::Whole(SessionTerm::User)),
    key("client", "an address or a network", Reads::Network(SessionTerm::Client)),
    key("hello", "words in what HELO or EHLO said", Reads::Words(SessionTerm::Hello)),
    key(
        "envelope",
        "words in a reverse-path or a forward-path",
        Reads::Words(SessionTerm::Envelope),
    ),
    key("code", "a reply code, or all of 5xx", CODE),
    key("finding", "the name of a finding, such as bare-lf", Reads::Whole(SessionTerm::Finding)),
    key("is", "running, ended, refused, outbound or tls", Reads::OneOf(IS)),
    key("after", "began since a day, a time, or 1h ago", Reads::Moment(SessionTerm::After)),
    key("before", "began before a day, a time, or 1h ago", Reads::Moment(SessionTerm::Before)),
    key("id", "the number of the session", Reads::Number("a session", SessionTerm::Id)),
    key(
        "message",
        "the number of a message that it brought",
        Reads::Number("a message", SessionTerm::Message),
    ),
];

const CODE: Reads<SessionTerm> = Reads::Code(SessionTerm::Code, SessionTerm::CodeClass);

const IS: &[(&str, SessionTerm)] = &[
    ("running", SessionTerm::Is(SessionFlag::Running)),
    ("ended", SessionTerm::Is(SessionFlag::Ended)),
    ("refused", SessionTerm::Is(SessionFlag::Refused)),
    ("outbound", SessionTerm::Is(SessionFlag::Outbound)),
    ("tls", SessionTerm::Is(SessionFlag::Tls)),
];
