//! The keys of queries for messages.
//!
//! Refuses nothing itself: what a key takes stands in its row.

use super::key::{Key, Reads};
use super::language::{Language, Other};
use super::{Flag, Term, sessions};

pub(super) static LANGUAGE: Language<Term> = Language {
    finds: "messages",
    text: Term::Text,
    keys: KEYS,
    foreign: &[
        ("newer", "after"),
        ("newer_than", "after"),
        ("older", "before"),
        ("older_than", "before"),
        ("size", "larger"),
        ("label", "tag"),
        ("sender", "from"),
        ("recipient", "rcpt"),
        ("deliveredto", "rcpt"),
        ("msgid", "message-id"),
    ],
    other: Other {
        finds: "sessions",
        key: |name| sessions::LANGUAGE.find(name).map(|key| key.name),
    },
};

const fn key(name: &'static str, finds: &'static str, reads: Reads<Term>) -> Key<Term> {
    Key { name, finds, reads }
}

const KEYS: &[Key<Term>] = &[
    key("from", "words in the header field From", Reads::Words(Term::From)),
    key("to", "words in the header field To", Reads::Words(Term::To)),
    key("cc", "words in the header field Cc", Reads::Words(Term::Cc)),
    key("bcc", "words in the header field Bcc", Reads::Words(Term::Bcc)),
    key("reply-to", "words in the header field Reply-To", Reads::Words(Term::ReplyTo)),
    key("envelope", "words in the reverse-path or a forward-path", Reads::Words(Term::Envelope)),
    key("rcpt", "words in a forward-path", Reads::Words(Term::Rcpt)),
    key("subject", "words in the header field Subject", Reads::Words(Term::Subject)),
    key("header", "words in any one header field: header:X-Name:value", HEADER),
    key("message-id", "the header field Message-ID", Reads::Whole(message_id)),
    key("tag", "a tag", Reads::Whole(Term::Tag)),
    key("door", "the name of the door that took it", Reads::Whole(Term::Door)),
    key("user", "the user who had logged in", Reads::Whole(Term::User)),
    key("inbox", "the inbox it is in", Reads::Whole(Term::Inbox)),
    key("finding", "the name of a finding, such as date-missing", Reads::Whole(Term::Finding)),
    key("is", "read, unread or bounce", Reads::OneOf(IS)),
    key("has", "attachment", Reads::OneOf(HAS)),
    key("larger", "more octets than 10k or 1.5MB", Reads::Size(Term::Larger)),
    key("smaller", "fewer octets than 10k or 1.5MB", Reads::Size(Term::Smaller)),
    key("after", "received since a day, a time, or 1h ago", Reads::Moment(Term::After)),
    key("before", "received before a day, a time, or 1h ago", Reads::Moment(Term::Before)),
    key("id", "the number of the message", Reads::Number("a message", Term::Id)),
];

const HEADER: Reads<Term> = Reads::Header(|name, value| Term::Header { name, value });

const IS: &[(&str, Term)] = &[
    ("read", Term::Is(Flag::Read)),
    ("unread", Term::Is(Flag::Unread)),
    ("bounce", Term::Is(Flag::Bounce)),
];

/// The plural is Mailpit's.
const HAS: &[(&str, Term)] =
    &[("attachment", Term::HasAttachment), ("attachments", Term::HasAttachment)];

/// A message identifier is the same with its angle brackets and without.
fn message_id(text: String) -> Term {
    match text.trim_start_matches('<').trim_end_matches('>') {
        "" => Term::MessageId(text),
        bare => Term::MessageId(bare.to_owned()),
    }
}
