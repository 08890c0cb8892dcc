//! One condition of a query for messages, typed by its key, and how it is written.

use super::write::{exact, keyed, words};
use super::{Words, moment, size};
use std::fmt;
use time::OffsetDateTime;

/// One condition on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Term {
    /// Words in any header field, the text, the HTML's text or an attachment's name.
    Text(Words),
    /// Words in the header field `From`.
    From(Words),
    /// Words in the header field `To`.
    To(Words),
    /// Words in the header field `Cc`.
    Cc(Words),
    /// Words in the header field `Bcc`, which few messages have.
    Bcc(Words),
    /// Words in the header field `Reply-To`.
    ReplyTo(Words),
    /// Words in the reverse-path or one of the forward-paths.
    Envelope(Words),
    /// Words in one of the forward-paths.
    Rcpt(Words),
    /// Words in the header field `Subject`.
    Subject(Words),
    /// Words in a header field.
    Header {
        /// The field's name as it was written; its case does not matter.
        name: String,
        /// What its value has.
        value: Words,
    },
    /// The header field `Message-ID`, without angle brackets.
    MessageId(String),
    /// A tag.
    Tag(String),
    /// The name of the door that took it.
    Door(String),
    /// The user who had logged in.
    User(String),
    /// The inbox it is in.
    Inbox(String),
    /// The stable name of something that whoever sent it did wrong, such as `date-missing`.
    Finding(String),
    /// What it is.
    Is(Flag),
    /// It has an attachment at least.
    HasAttachment,
    /// It has more octets than this.
    Larger(u64),
    /// It has fewer octets than this.
    Smaller(u64),
    /// It was received at this time or later.
    After(OffsetDateTime),
    /// It was received earlier than this.
    Before(OffsetDateTime),
    /// Its number, 1 or more.
    Id(u64),
}

/// What a message can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flag {
    /// Somebody has read it.
    Read,
    /// Nobody has read it.
    Unread,
    /// Its reverse-path is null (`<>`), and not only because nobody said one; or it reports that mail was
    /// not delivered.
    Bounce,
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => words(f, text),
            Self::From(text) => keyed(f, "from", text),
            Self::To(text) => keyed(f, "to", text),
            Self::Cc(text) => keyed(f, "cc", text),
            Self::Bcc(text) => keyed(f, "bcc", text),
            Self::ReplyTo(text) => keyed(f, "reply-to", text),
            Self::Envelope(text) => keyed(f, "envelope", text),
            Self::Rcpt(text) => keyed(f, "rcpt", text),
            Self::Subject(text) => keyed(f, "subject", text),
            Self::Header { name, value } => keyed(f, &format!("header:{name}"), value),
            Self::MessageId(id) => exact(f, "message-id", id),
            Self::Tag(tag) => exact(f, "tag", tag),
            Self::Door(name) => exact(f, "door", name),
            Self::User(name) => exact(f, "user", name),
            Self::Inbox(name) => exact(f, "inbox", name),
            Self::Finding(name) => exact(f, "finding", name),
            Self::Is(Flag::Read) => f.write_str("is:read"),
            Self::Is(Flag::Unread) => f.write_str("is:unread"),
            Self::Is(Flag::Bounce) => f.write_str("is:bounce"),
            Self::HasAttachment => f.write_str("has:attachment"),
            Self::Larger(octets) => write!(f, "larger:{}", size::Shown(*octets)),
            Self::Smaller(octets) => write!(f, "smaller:{}", size::Shown(*octets)),
            Self::After(time) => write!(f, "after:{}", moment::Shown(*time)),
            Self::Before(time) => write!(f, "before:{}", moment::Shown(*time)),
            Self::Id(number) => write!(f, "id:{number}"),
        }
    }
}
