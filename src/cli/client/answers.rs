//! What a doorpost answers, as far as the commands look at it. Fields that are not here are left alone, and
//! those that an older doorpost does not have are empty.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;
use time::OffsetDateTime;

/// What names a message or a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Id(pub(in crate::cli) String);

/// A string or a number.
impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            other => Ok(Self(other.to_string())),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A message in a list, or whole.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Message {
    pub(in crate::cli) id: Id,
    #[serde(with = "time::serde::rfc3339")]
    pub(in crate::cli) received_at: OffsetDateTime,
    #[serde(default)]
    pub(in crate::cli) door: String,
    pub(in crate::cli) session: Option<Id>,
    #[serde(default)]
    pub(in crate::cli) size: u64,
    #[serde(default)]
    pub(in crate::cli) findings: Vec<Found>,
    pub(in crate::cli) auth_user: Option<String>,
    pub(in crate::cli) tls: Option<Tls>,
    #[serde(default)]
    pub(in crate::cli) envelope: Envelope,
    pub(in crate::cli) subject: Option<String>,
    #[serde(default)]
    pub(in crate::cli) from: Vec<Address>,
    #[serde(default)]
    pub(in crate::cli) to: Vec<Address>,
    /// Absent where no read marks are kept.
    pub(in crate::cli) read: Option<bool>,
    #[serde(default)]
    pub(in crate::cli) tags: Vec<String>,
    #[serde(default)]
    pub(in crate::cli) inboxes: Vec<String>,
}

/// An address in a header.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::cli) struct Address {
    pub(in crate::cli) name: Option<String>,
    #[serde(default)]
    pub(in crate::cli) address: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::cli) struct Envelope {
    #[serde(default)]
    pub(in crate::cli) reverse_path: String,
    #[serde(default)]
    pub(in crate::cli) forward_paths: Vec<Recipient>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Recipient {
    pub(in crate::cli) path: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Tls {
    #[serde(default)]
    pub(in crate::cli) version: String,
}

/// A page of messages.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct MessageList {
    pub(in crate::cli) messages: Vec<Message>,
}

/// A session in a list, in an event, or whole.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Session {
    pub(in crate::cli) id: Id,
    #[serde(default)]
    pub(in crate::cli) door: String,
    #[serde(default)]
    pub(in crate::cli) peer: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(in crate::cli) connected_at: OffsetDateTime,
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(in crate::cli) ended_at: Option<OffsetDateTime>,
    pub(in crate::cli) hello: Option<Hello>,
    pub(in crate::cli) tls: Option<Tls>,
    pub(in crate::cli) auth: Option<Auth>,
    #[serde(default)]
    pub(in crate::cli) messages: u64,
    #[serde(default)]
    pub(in crate::cli) transactions: Vec<Transaction>,
    pub(in crate::cli) last_refusal: Option<Refusal>,
    #[serde(default)]
    pub(in crate::cli) notes: Vec<String>,
    #[serde(default)]
    pub(in crate::cli) findings: Vec<Found>,
    pub(in crate::cli) ended: Option<Ended>,
    /// In an event: whether it began or ended.
    pub(in crate::cli) phase: Option<String>,
    #[serde(default)]
    pub(in crate::cli) transcript: Vec<Line>,
    pub(in crate::cli) omitted_lines: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Hello {
    #[serde(default)]
    pub(in crate::cli) name: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Auth {
    #[serde(default)]
    pub(in crate::cli) user: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Transaction {
    #[serde(default)]
    pub(in crate::cli) verdict: String,
    pub(in crate::cli) message: Option<Id>,
    pub(in crate::cli) reply: Option<Reply>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Refusal {
    #[serde(default)]
    pub(in crate::cli) command: String,
    pub(in crate::cli) reply: Reply,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Reply {
    pub(in crate::cli) code: u16,
    #[serde(default)]
    pub(in crate::cli) text: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Ended {
    #[serde(default)]
    pub(in crate::cli) text: String,
}

/// A line of a conversation.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Line {
    #[serde(default)]
    pub(in crate::cli) at_us: u64,
    #[serde(default)]
    pub(in crate::cli) kind: String,
    #[serde(default)]
    pub(in crate::cli) tls: bool,
    #[serde(default)]
    pub(in crate::cli) text: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct SessionList {
    pub(in crate::cli) sessions: Vec<Session>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Headers {
    pub(in crate::cli) headers: Vec<Header>,
}

/// A field of a header.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Header {
    pub(in crate::cli) name: String,
    #[serde(default)]
    pub(in crate::cli) value: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Text {
    pub(in crate::cli) text: Option<String>,
    pub(in crate::cli) text_of_html: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Html {
    pub(in crate::cli) html: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Parts {
    #[serde(default)]
    pub(in crate::cli) attachments: Vec<Attachment>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Attachment {
    pub(in crate::cli) id: String,
    #[serde(default)]
    pub(in crate::cli) content_type: String,
    pub(in crate::cli) file_name: Option<String>,
    #[serde(default)]
    pub(in crate::cli) size: u64,
    #[serde(default)]
    pub(in crate::cli) inline: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Links {
    pub(in crate::cli) links: Vec<Link>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Link {
    pub(in crate::cli) url: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Codes {
    pub(in crate::cli) codes: Vec<Code>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Code {
    pub(in crate::cli) code: String,
    #[serde(default)]
    pub(in crate::cli) likely: bool,
}

/// A mistake of a client.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Found {
    #[serde(default)]
    pub(in crate::cli) code: String,
    #[serde(default)]
    pub(in crate::cli) severity: String,
    pub(in crate::cli) line: Option<usize>,
    #[serde(default)]
    pub(in crate::cli) what: String,
    #[serde(default)]
    pub(in crate::cli) change: String,
    #[serde(default)]
    pub(in crate::cli) rfc: String,
}

/// What a doorpost noticed in a session.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Finding {
    pub(in crate::cli) session: Id,
    #[serde(default)]
    pub(in crate::cli) code: String,
    #[serde(default)]
    pub(in crate::cli) text: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Doors {
    pub(in crate::cli) doors: Vec<Door>,
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Door {
    pub(in crate::cli) name: String,
    #[serde(default)]
    pub(in crate::cli) addresses: Vec<String>,
    #[serde(default)]
    pub(in crate::cli) tls: String,
    #[serde(default)]
    pub(in crate::cli) auth: String,
}
