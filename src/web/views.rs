//! What the API shows of messages, sessions and doors. Field names are part of the contract.

use crate::mail::{MessageId, SessionId};
use crate::mime::{Correspondent, Summary};
use crate::smtp::policy::{AuthMode, TlsMode};
use crate::smtp::transcript::{Kind, Line};
use crate::smtp::{Reply, Session, TlsFacts, Transaction, Verdict};
use crate::storage::{Door, Message, SessionEntry};
use serde::Serialize;
use std::net::SocketAddr;
use time::OffsetDateTime;

/// A page of messages, newest first.
#[derive(Debug, Serialize)]
pub(super) struct MessageList {
    pub(super) messages: Vec<MessageView>,
    pub(super) next: Option<MessageId>,
    pub(super) total: u64,
}

/// A page of sessions, newest first.
#[derive(Debug, Serialize)]
pub(super) struct SessionList {
    pub(super) sessions: Vec<SessionView>,
    pub(super) next: Option<SessionId>,
    pub(super) total: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct MessageView {
    id: MessageId,
    #[serde(with = "time::serde::rfc3339")]
    received_at: OffsetDateTime,
    door: String,
    session: Option<SessionId>,
    size: usize,
    auth_user: Option<String>,
    tls: Option<TlsView>,
    envelope: EnvelopeView,
    subject: Option<String>,
    from: Vec<Correspondent>,
    to: Vec<Correspondent>,
    #[serde(with = "time::serde::rfc3339::option")]
    date: Option<OffsetDateTime>,
    message_id: Option<String>,
    /// The trace line that belongs in front of it where it travels on.
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<String>,
}

#[derive(Debug, Serialize)]
struct EnvelopeView {
    reverse_path: String,
    forward_paths: Vec<RecipientView>,
    ret: Option<String>,
    envid: Option<String>,
    body: String,
    smtputf8: bool,
}

#[derive(Debug, Serialize)]
struct RecipientView {
    path: String,
    notify: Option<String>,
    orcpt: Option<String>,
}

#[derive(Debug, Serialize)]
struct TlsView {
    version: String,
    cipher: String,
    sni: Option<String>,
    alpn: Vec<String>,
}

impl TlsView {
    fn new(facts: &TlsFacts) -> Self {
        let TlsFacts { version, cipher, sni, alpn } = facts.clone();
        Self { version, cipher, sni, alpn }
    }
}

impl MessageView {
    pub(super) fn new(message: &Message) -> Self {
        let Summary { subject, from, to, date, message_id } = Summary::read(message.bytes());
        let arrival = message.arrival();
        let envelope = message.envelope();
        let recipients = envelope.forward_paths.iter().map(|recipient| RecipientView {
            path: recipient.path.to_string(),
            notify: recipient.notify.map(|notify| notify.to_string()),
            orcpt: recipient.orcpt.clone(),
        });
        Self {
            id: message.id(),
            received_at: arrival.received_at,
            door: arrival.door.to_string(),
            session: arrival.session,
            size: message.bytes().len(),
            auth_user: arrival.auth_user.as_deref().map(str::to_owned),
            tls: arrival.tls.as_deref().map(TlsView::new),
            envelope: EnvelopeView {
                reverse_path: envelope.reverse_path.to_string(),
                forward_paths: recipients.collect(),
                ret: envelope.ret.map(|ret| ret.to_string()),
                envid: envelope.envid.clone(),
                body: envelope.body.to_string(),
                smtputf8: envelope.smtputf8,
            },
            subject,
            from,
            to,
            date,
            message_id,
            received: None,
        }
    }

    pub(super) fn whole(message: &Message) -> Self {
        Self { received: Some(message.received()), ..Self::new(message) }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct SessionView {
    id: SessionId,
    door: String,
    peer: SocketAddr,
    local: SocketAddr,
    #[serde(with = "time::serde::rfc3339")]
    connected_at: OffsetDateTime,
    /// Absent while it runs.
    #[serde(with = "time::serde::rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    hello: Option<HelloView>,
    tls: Option<TlsView>,
    auth: Option<AuthView>,
    /// Messages that were sent to their end, taken or not.
    messages: u32,
    transactions: Vec<TransactionView>,
    last_refusal: Option<RefusalView>,
    notes: Vec<&'static str>,
    ended: Option<EndedView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript: Option<Vec<LineView>>,
    /// Lines beyond what a transcript may hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted_lines: Option<u64>,
}

#[derive(Debug, Serialize)]
struct HelloView {
    name: String,
    extended: bool,
}

#[derive(Debug, Serialize)]
struct AuthView {
    user: String,
    mechanism: &'static str,
    /// Only with `--show-secrets`, and only where it crossed the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

#[derive(Debug, Serialize)]
struct TransactionView {
    reverse_path: String,
    forward_paths: Vec<String>,
    recipients: usize,
    size: u64,
    /// `kept`, `refused`, `abandoned` or `pending`.
    verdict: &'static str,
    message: Option<MessageId>,
    reply: Option<ReplyView>,
}

#[derive(Debug, Serialize)]
struct RefusalView {
    command: &'static str,
    reply: ReplyView,
}

#[derive(Debug, Serialize)]
struct ReplyView {
    code: u16,
    enhanced: Option<String>,
    text: String,
}

#[derive(Debug, Serialize)]
struct EndedView {
    code: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct LineView {
    /// Microseconds since the client connected.
    at_us: u128,
    kind: &'static str,
    /// Whether it went through TLS.
    tls: bool,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

impl ReplyView {
    fn new(reply: &Reply) -> Self {
        Self { code: reply.code(), enhanced: reply.enhanced(), text: reply.text() }
    }
}

impl TransactionView {
    fn new(transaction: &Transaction) -> Self {
        let Transaction { reverse_path, forward_paths, recipients, size, verdict } =
            transaction.clone();
        let (verdict, message, reply) = match verdict {
            Verdict::Pending => ("pending", None, None),
            Verdict::Kept(id) => ("kept", Some(id), None),
            Verdict::Refused(reply) => ("refused", None, Some(ReplyView::new(&reply))),
            Verdict::Abandoned => ("abandoned", None, None),
        };
        Self { reverse_path, forward_paths, recipients, size, verdict, message, reply }
    }
}

impl LineView {
    fn new(line: Line<'_>) -> Self {
        let note = match line.kind {
            Kind::Note(note) => Some(note.code()),
            _ => None,
        };
        let at_us = line.at.as_micros();
        Self { at_us, kind: line.kind.name(), tls: line.encrypted, text: line.text(), note }
    }
}

impl SessionView {
    pub(super) fn new(entry: &SessionEntry) -> Self {
        Self::of(entry, &entry.session())
    }

    pub(super) fn whole(entry: &SessionEntry) -> Self {
        let session = entry.session();
        let transcript = session.transcript();
        let lines = transcript.lines().map(LineView::new).collect();
        let omitted_lines = Some(transcript.omitted());
        Self { transcript: Some(lines), omitted_lines, ..Self::of(entry, &session) }
    }

    fn of(entry: &SessionEntry, session: &Session) -> Self {
        let show_secrets = session.policy().show_secrets;
        Self {
            id: entry.id,
            door: session.policy().door.to_string(),
            peer: entry.peer,
            local: entry.local,
            connected_at: entry.connected_at,
            ended_at: entry.ended_at(),
            hello: session
                .hello()
                .map(|(name, extended)| HelloView { name: name.to_owned(), extended }),
            tls: session.tls().map(|facts| TlsView::new(facts)),
            auth: session.identity().map(|identity| AuthView {
                user: identity.user.to_string(),
                mechanism: identity.mechanism.as_str(),
                secret: identity.secret.as_deref().filter(|_| show_secrets).map(str::to_owned),
            }),
            messages: session.messages(),
            transactions: session.transactions().iter().map(TransactionView::new).collect(),
            last_refusal: session.last_refusal().map(|refusal| RefusalView {
                command: refusal.command,
                reply: ReplyView::new(&refusal.reply),
            }),
            notes: session.transcript().notes().map(|note| note.code()).collect(),
            ended: session
                .ended()
                .map(|ended| EndedView { code: ended.code(), text: ended.to_string() }),
            transcript: None,
            omitted_lines: None,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct DoorView {
    name: String,
    addresses: Vec<SocketAddr>,
    stands_for: Option<u16>,
    tls: &'static str,
    auth: &'static str,
    auth_before_tls: bool,
    mechanisms: Vec<&'static str>,
    max_size: u64,
    sessions: u64,
    messages: u64,
    refused: u64,
    turned_away: u64,
}

impl DoorView {
    pub(super) fn new(door: &Door) -> Self {
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
            sessions: door.counts.sessions(),
            messages: door.counts.messages(),
            refused: door.counts.refused(),
            turned_away: door.counts.turned_away(),
        }
    }
}
