//! What the API shows of messages and doors. Field names are part of the contract; what it shows of
//! sessions is [`SessionRecord`](crate::storage::SessionRecord).

use crate::finding::Finding;
use crate::mail::{Envelope, MessageId, SessionId};
use crate::mime::{Correspondent, Summary};
use crate::smtp::policy::{AuthMode, TlsMode};
use crate::storage::{Door, Entry, TlsRecord};
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub(super) struct MessageView {
    /// Its name: a number, given as text. Later messages have larger ones.
    #[schema(value_type = String, pattern = "^[1-9][0-9]*$")]
    id: MessageId,
    /// When its last octet came.
    #[serde(with = "time::serde::rfc3339")]
    received_at: OffsetDateTime,
    /// The door that it came through, or `import`.
    door: String,
    /// The session that brought it.
    #[schema(value_type = Option<String>)]
    session: Option<SessionId>,
    /// Its octets.
    size: u64,
    /// Who had logged in.
    auth_user: Option<String>,
    /// TLS, if it was on.
    tls: Option<TlsRecord>,
    /// Whom it is from and for, as MAIL and RCPT said.
    envelope: EnvelopeView,
    /// Subject, decoded.
    subject: Option<String>,
    /// The header field From.
    from: Vec<Correspondent>,
    /// The header field To.
    to: Vec<Correspondent>,
    /// The header field Date.
    #[serde(with = "time::serde::rfc3339::option")]
    date: Option<OffsetDateTime>,
    /// The header field Message-ID, without brackets.
    message_id: Option<String>,
    /// The inboxes that it is in.
    inboxes: Vec<String>,
    /// Whether somebody has read it.
    read: bool,
    /// What it was tagged with.
    tags: Vec<String>,
    /// Whether it has a file that does not belong to the text.
    has_attachment: bool,
    /// Whether it reports that mail was not delivered.
    is_bounce: bool,
    /// What whoever sent it did wrong about it.
    #[schema(value_type = Vec<Finding>)]
    findings: Arc<[Finding]>,
    /// The client's address.
    #[schema(value_type = String)]
    peer: SocketAddr,
    /// The name that the client gave itself.
    hello: String,
    /// How it came: `ESMTPSA` and its like (RFC 3848), or `HTTP`.
    protocol: String,
    /// The trace line that belongs in front of it where it travels on. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<String>,
}

/// An envelope.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Envelope)]
struct EnvelopeView {
    /// The reverse-path, without brackets; empty for `<>`.
    reverse_path: String,
    /// The forward-paths that were taken.
    forward_paths: Vec<RecipientView>,
    /// RET.
    ret: Option<String>,
    /// ENVID, decoded.
    envid: Option<String>,
    /// BODY.
    body: String,
    /// Whether SMTPUTF8 was asked for.
    smtputf8: bool,
}

/// A forward-path.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recipient)]
struct RecipientView {
    /// The path, without brackets.
    path: String,
    /// NOTIFY.
    notify: Option<String>,
    /// ORCPT, decoded.
    orcpt: Option<String>,
}

impl EnvelopeView {
    fn new(envelope: &Envelope) -> Self {
        let recipients = envelope.forward_paths.iter().map(|recipient| RecipientView {
            path: recipient.path.to_string(),
            notify: recipient.notify.map(|notify| notify.to_string()),
            orcpt: recipient.orcpt.clone(),
        });
        Self {
            reverse_path: envelope.reverse_path.to_string(),
            forward_paths: recipients.collect(),
            ret: envelope.ret.map(|ret| ret.to_string()),
            envid: envelope.envid.clone(),
            body: envelope.body.to_string(),
            smtputf8: envelope.smtputf8,
        }
    }
}

impl MessageView {
    /// As lists show it.
    pub(super) fn new(entry: Entry) -> Self {
        let Summary { subject, from, to, date, message_id } = entry.summary;
        let arrival = &entry.arrival;
        Self {
            id: entry.id,
            received_at: arrival.received_at,
            door: arrival.door.to_string(),
            session: arrival.session,
            size: entry.size,
            auth_user: arrival.auth_user.as_deref().map(str::to_owned),
            tls: arrival.tls.as_deref().map(TlsRecord::from),
            envelope: EnvelopeView::new(&arrival.envelope),
            subject,
            from,
            to,
            date,
            message_id,
            inboxes: entry.inboxes,
            read: entry.is_read,
            tags: entry.tags,
            has_attachment: entry.has_attachment,
            is_bounce: entry.is_bounce,
            findings: Arc::clone(&arrival.findings),
            peer: arrival.peer,
            hello: arrival.hello.to_string(),
            protocol: arrival.protocol.to_string(),
            received: None,
        }
    }

    /// With its trace line.
    pub(super) fn whole(entry: Entry) -> Self {
        let received = entry.arrival.received(entry.id);
        Self { received: Some(received), ..Self::new(entry) }
    }

    pub(super) fn all(entries: Vec<Entry>) -> Vec<Self> {
        entries.into_iter().map(Self::new).collect()
    }
}

/// A door.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Door)]
pub(super) struct DoorView {
    /// Its name.
    name: String,
    /// Where it listens.
    #[schema(value_type = Vec<String>)]
    addresses: Vec<SocketAddr>,
    /// The port that it stands for, where it stands for one.
    stands_for: Option<u16>,
    /// When TLS begins.
    #[schema(pattern = "^(none|starttls|required|implicit)$")]
    tls: &'static str,
    /// Whether AUTH is offered and demanded.
    #[schema(pattern = "^(none|optional|required)$")]
    auth: &'static str,
    /// Whether AUTH may be used before TLS.
    auth_before_tls: bool,
    /// The mechanisms that are offered.
    mechanisms: Vec<&'static str>,
    /// The largest message that it takes, in octets.
    max_size: u64,
    #[serde(flatten)]
    counts: DoorCounts,
}

/// What a door has seen since the start.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DoorCounts {
    /// Whether it takes connections.
    accepting: bool,
    /// Connections that became sessions.
    sessions: u64,
    /// Messages kept.
    messages: u64,
    /// Sessions in which something was refused, or that failed.
    refused: u64,
    /// Connections over a cap, which became no session.
    turned_away: u64,
}

impl DoorCounts {
    pub(super) fn new(door: &Door) -> Self {
        Self {
            accepting: door.is_accepting(),
            sessions: door.counts.sessions(),
            messages: door.counts.messages(),
            refused: door.counts.refused(),
            turned_away: door.counts.turned_away(),
        }
    }
}

impl DoorView {
    pub(super) fn all(doors: &[Arc<Door>]) -> Vec<Self> {
        doors.iter().map(|door| Self::new(door)).collect()
    }

    fn new(door: &Door) -> Self {
        let policy = &door.policy;
        let mechanisms = match policy.auth {
            AuthMode::None => Vec::new(),
            _ => policy.offered_mechanisms().map(crate::smtp::Mechanism::as_str).collect(),
        };
        Self {
            name: door.name().to_owned(),
            addresses: door.addresses.clone(),
            stands_for: door.stands_for,
            tls: TlsMode::as_str(policy.tls),
            auth: AuthMode::as_str(policy.auth),
            auth_before_tls: policy.auth_before_tls,
            mechanisms,
            max_size: policy.limits.message_size,
            counts: DoorCounts::new(door),
        }
    }
}
