//! One entry of the queue: a message on its way to one target, with what has become of it so far.
//!
//! Plain values, since they are kept as JSON where the store is on a disk, and shown as JSON by the API. Names here
//! never change their meaning; new ones may come.

use crate::mail::{Body, ForwardPath, MessageId, Notify, Recipient, Ret, ReversePath, SessionId};
use crate::smtp::client::{Mail, Said};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

pub use crate::mail::QueueId;

/// Attempts of one entry that are remembered one by one.
pub const REMEMBERED: usize = 50;

/// Why a message is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// A route says so.
    Route,
    /// Somebody released it.
    Release,
    /// It reports what has become of another message (RFC 3464).
    Report,
    /// It complains about another message (RFC 5965).
    Complaint,
    /// It says that somebody is away (RFC 3834).
    AutoReply,
}

impl Reason {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Release => "release",
            Self::Report => "report",
            Self::Complaint => "complaint",
            Self::AutoReply => "auto-reply",
        }
    }

    /// Whether doorpost wrote the message itself.
    #[must_use]
    pub const fn is_made_here(self) -> bool {
        matches!(self, Self::Report | Self::Complaint | Self::AutoReply)
    }
}

/// How far an entry has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// For its next attempt.
    Waiting,
    /// An attempt is being made.
    Running,
    /// Every recipient is served.
    Done,
    /// Given up for one recipient at least.
    Failed,
    /// Somebody took it out.
    Dropped,
}

impl State {
    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Dropped)
    }
}

/// What has become of it for one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nothing yet.
    Waiting,
    /// The target has taken it, and answers for it from there.
    Delivered,
    /// The target has taken it, and knows nothing of delivery status (RFC 3461 §5.2.2).
    Relayed,
    /// Given up.
    Failed,
}

/// A recipient on the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The forward-path, without brackets.
    pub path: String,
    /// NOTIFY, as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<String>,
    /// ORCPT, decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orcpt: Option<String>,
    /// What has become of it.
    pub standing: Standing,
    /// What was said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The session that it was.
    pub session: Option<SessionId>,
    /// In one line.
    pub outcome: String,
    /// Whether the message was sent whole and no reply came: the next attempt may double it.
    #[serde(default)]
    pub reply_lost: bool,
}

/// What is to be put into the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewItem {
    /// Why.
    pub reason: Reason,
    /// The message that is sent, or that the report is about.
    pub message: Option<MessageId>,
    /// Where to, with its secret ([`crate::smtp::client`] gets it parsed).
    pub target: String,
    /// Without brackets; empty for the null reverse-path.
    pub reverse_path: String,
    /// Whom it is for.
    pub recipients: Vec<Bound>,
    /// RET, as it was written.
    pub ret: Option<String>,
    /// ENVID, decoded.
    pub envid: Option<String>,
    /// BODY, as it was written.
    pub body: String,
    /// Whether SMTPUTF8 was asked for.
    pub smtputf8: bool,
    /// Header fields in front.
    pub head: String,
    /// Not before this.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// Refused before any attempt, for this reason.
    pub refused: Option<Said>,
    /// The message's octets.
    #[serde(skip)]
    pub bytes: Bytes,
}

/// An entry of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its name.
    pub id: QueueId,
    /// What was asked for.
    #[serde(flatten)]
    pub new: NewItem,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// How far it has come.
    pub state: State,
    /// When the next attempt is due.
    #[serde(with = "time::serde::rfc3339")]
    pub next_at: OffsetDateTime,
    /// How many attempts were made.
    pub tries: u32,
    /// The last of them.
    pub attempts: Vec<Attempt>,
    /// Whether the sender was told that it takes long.
    #[serde(default)]
    pub delay_told: bool,
    /// Messages that came of it here.
    #[serde(default)]
    pub arrived: Vec<MessageId>,
}

impl Bound {
    /// A recipient of an envelope.
    #[must_use]
    pub fn of(recipient: &Recipient) -> Self {
        Self {
            path: recipient.path.to_string(),
            notify: recipient.notify.map(|notify| notify.to_string()),
            orcpt: recipient.orcpt.clone(),
            standing: Standing::Waiting,
            said: None,
        }
    }

    /// NOTIFY, read.
    #[must_use]
    pub fn notify(&self) -> Option<Notify> {
        let text = self.notify.as_deref()?;
        let has = |word: &str| text.split(',').any(|one| one.eq_ignore_ascii_case(word));
        Some(Notify { success: has("SUCCESS"), failure: has("FAILURE"), delay: has("DELAY") })
    }

    fn recipient(&self) -> Option<Recipient> {
        let path = ForwardPath::parse_front(&format!("<{}>", self.path)).ok()?.0;
        Some(Recipient { path, notify: self.notify(), orcpt: self.orcpt.clone() })
    }
}

impl Item {
    /// The places of the recipients that are still to be served.
    #[must_use]
    pub fn waiting(&self) -> Vec<usize> {
        let all = self.new.recipients.iter().enumerate();
        let waits = all.filter(|(_, bound)| bound.standing == Standing::Waiting);
        waits.map(|(at, _)| at).collect()
    }

    /// The reverse-path, read; what cannot be read is null, so that nothing is bounced to it.
    #[must_use]
    pub fn reverse_path(&self) -> ReversePath {
        let text = format!("<{}>", self.new.reverse_path);
        ReversePath::parse_front(&text).map_or(ReversePath::Null, |(path, _)| path)
    }

    /// The message for these recipients; `None` where one of them cannot be read.
    #[must_use]
    pub fn mail(&self, recipients: &[usize]) -> Option<Mail> {
        let new = &self.new;
        let bound = |at: &usize| new.recipients.get(*at).and_then(Bound::recipient);
        Some(Mail {
            reverse_path: self.reverse_path(),
            recipients: recipients.iter().map(bound).collect::<Option<_>>()?,
            ret: self.ret(),
            envid: new.envid.clone(),
            body: match &*new.body {
                "8BITMIME" => Body::EightBitMime,
                "BINARYMIME" => Body::BinaryMime,
                _ => Body::SevenBit,
            },
            smtputf8: new.smtputf8,
            head: Bytes::from(new.head.clone()),
            bytes: new.bytes.clone(),
        })
    }

    /// RET, read.
    #[must_use]
    pub fn ret(&self) -> Option<Ret> {
        match self.new.ret.as_deref() {
            Some("FULL") => Some(Ret::Full),
            Some("HDRS") => Some(Ret::Hdrs),
            _ => None,
        }
    }

    /// Remembers an attempt.
    pub fn remember(&mut self, attempt: Attempt) {
        self.tries += 1;
        if self.attempts.len() == REMEMBERED {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
    }
}
