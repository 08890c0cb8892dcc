//! One condition of a query for sessions, typed by its key, and how it is written.
//!
//! Refuses nothing: whoever builds one with a value that no query can have (`Code(9)`) writes what
//! is refused when it is read.

use super::write::{exact, keyed, words};
use super::{Network, Words, moment};
use std::fmt;
use time::OffsetDateTime;

/// One condition on a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionTerm {
    /// Words in the transcript.
    Text(Words),
    /// The name of the door; its case does not matter.
    Door(String),
    /// A user who had logged in.
    User(String),
    /// The address of the client is one of these.
    Client(Network),
    /// Words in what the client called itself in HELO or EHLO.
    Hello(Words),
    /// Words in a reverse-path or a forward-path of one of its transactions.
    Envelope(Words),
    /// A reply with this code, 200 to 599.
    Code(u16),
    /// A reply whose code begins with this digit, 2 to 5: `code:5xx` is 5.
    CodeClass(u8),
    /// The stable name of something that was noticed, such as `bare-lf`; its case does not matter.
    Finding(String),
    /// What it is.
    Is(SessionFlag),
    /// It began at this time or later.
    After(OffsetDateTime),
    /// It began earlier than this.
    Before(OffsetDateTime),
    /// Its number, 1 or more.
    Id(u64),
    /// The number of a message that it brought, 1 or more.
    Message(u64),
}

/// What a session can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionFlag {
    /// It has not ended.
    Running,
    /// It has ended.
    Ended,
    /// Something was refused in it, or it failed.
    Refused,
    /// Doorpost was the client.
    Outbound,
    /// It went through TLS, in whole or in part.
    Tls,
}

impl fmt::Display for SessionTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => words(f, text),
            Self::Door(name) => exact(f, "door", name),
            Self::User(name) => exact(f, "user", name),
            Self::Client(network) => write!(f, "client:{network}"),
            Self::Hello(text) => keyed(f, "hello", text),
            Self::Envelope(text) => keyed(f, "envelope", text),
            Self::Code(code) => write!(f, "code:{code}"),
            Self::CodeClass(class) => write!(f, "code:{class}xx"),
            Self::Finding(name) => exact(f, "finding", name),
            Self::Is(SessionFlag::Running) => f.write_str("is:running"),
            Self::Is(SessionFlag::Ended) => f.write_str("is:ended"),
            Self::Is(SessionFlag::Refused) => f.write_str("is:refused"),
            Self::Is(SessionFlag::Outbound) => f.write_str("is:outbound"),
            Self::Is(SessionFlag::Tls) => f.write_str("is:tls"),
            Self::After(time) => write!(f, "after:{}", moment::Shown(*time)),
            Self::Before(time) => write!(f, "before:{}", moment::Shown(*time)),
            Self::Id(number) => write!(f, "id:{number}"),
            Self::Message(number) => write!(f, "message:{number}"),
        }
    }
}
