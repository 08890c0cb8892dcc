//! What is remembered of a session: plain values, made from the session and its transcript. This is
//! what the API shows, and what a disk keeps.

use super::SessionEntry;
use crate::finding::Finding;
use crate::mail::{MessageId, SessionId};
use crate::smtp::transcript::{Kind, Line};
use crate::smtp::{Ended, Reply, Session, TlsFacts, Transaction, Verdict};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A session, running or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionRecord {
    /// Its name.
    #[schema(value_type = String)]
    pub id: SessionId,
    /// `inbound` where a client came to a door, `outbound` where doorpost was the client.
    #[serde(default = "inbound")]
    pub direction: String,
    /// The door's name; of an outbound session the target, without its secret.
    pub door: String,
    /// The client's address, or the server's where doorpost was the client.
    #[schema(value_type = String)]
    pub peer: SocketAddr,
    /// The address that it connected to.
    #[schema(value_type = String)]
    pub local: SocketAddr,
    /// When the client connected.
    #[serde(with = "time::serde::rfc3339")]
    pub connected_at: OffsetDateTime,
    /// When it ended; absent while it runs.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
    /// The name that the client gave itself.
    pub hello: Option<HelloRecord>,
    /// TLS, if it was on.
    pub tls: Option<TlsRecord>,
    /// Who logged in.
    pub auth: Option<AuthRecord>,
    /// Messages that were sent to their end, taken or not.
    pub messages: u32,
    /// The first hundred mail transactions.
    pub transactions: Vec<TransactionRecord>,
    /// The last command that was refused.
    pub last_refusal: Option<RefusalRecord>,
    /// Codes of what doorpost noticed, in order.
    pub notes: Vec<String>,
    /// What the client did wrong, in the order in which it was found.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// How it ended.
    pub ended: Option<EndedRecord>,
    /// What was said, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcript: Option<Vec<LineRecord>>,
    /// Lines beyond what a transcript may hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub omitted_lines: Option<u64>,
}

fn inbound() -> String {
    "inbound".to_owned()
}

/// EHLO or HELO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Hello)]
pub struct HelloRecord {
    /// The name.
    pub name: String,
    /// Whether it was EHLO.
    pub extended: bool,
}

/// A TLS connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Tls)]
pub struct TlsRecord {
    /// `TLSv1.3`.
    pub version: String,
    /// The cipher suite's registered name.
    pub cipher: String,
    /// The host name that the client asked for.
    pub sni: Option<String>,
    /// The application protocols that the client offered.
    pub alpn: Vec<String>,
}

/// A login that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Auth)]
pub struct AuthRecord {
    /// Who.
    pub user: String,
    /// How.
    pub mechanism: String,
    /// Only with `--show-secrets`, and only where it crossed the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A mail transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Transaction)]
pub struct TransactionRecord {
    /// The reverse-path, without brackets.
    pub reverse_path: String,
    /// The first forward-paths that were taken, without brackets.
    pub forward_paths: Vec<String>,
    /// How many forward-paths were taken.
    pub recipients: usize,
    /// Octets of mail data.
    pub size: u64,
    /// `kept`, `refused`, `abandoned`, `pending`, or `lost` on purpose.
    pub verdict: String,
    /// The message that came of it.
    #[schema(value_type = Option<String>)]
    pub message: Option<MessageId>,
    /// The reply that refused it.
    pub reply: Option<ReplyRecord>,
}

/// A command that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Refusal)]
pub struct RefusalRecord {
    /// Its verb; empty where it was none that we know.
    pub command: String,
    /// The reply.
    pub reply: ReplyRecord,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Reply)]
pub struct ReplyRecord {
    /// Its code.
    pub code: u16,
    /// Its enhanced status code.
    pub enhanced: Option<String>,
    /// Its text.
    pub text: String,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Ended)]
pub struct EndedRecord {
    /// A stable name.
    pub code: String,
    /// A sentence.
    pub text: String,
}

/// A line of a transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Line)]
pub struct LineRecord {
    /// Microseconds since the client connected.
    pub at_us: u64,
    /// `client`, `server`, `data`, `tls`, `note`, `fault` or `end`.
    pub kind: String,
    /// Whether it went through TLS.
    pub tls: bool,
    /// What was said, escaped.
    pub text: String,
    /// The code of what was noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl From<&TlsFacts> for TlsRecord {
    fn from(facts: &TlsFacts) -> Self {
        let TlsFacts { version, cipher, sni, alpn } = facts.clone();
        Self { version, cipher, sni, alpn }
    }
}

impl From<&Reply> for ReplyRecord {
    fn from(reply: &Reply) -> Self {
        Self { code: reply.code(), enhanced: reply.enhanced(), text: reply.text() }
    }
}

impl From<&Transaction> for TransactionRecord {
    fn from(transaction: &Transaction) -> Self {
        let Transaction { reverse_path, forward_paths, recipients, size, verdict } =
            transaction.clone();
        let (verdict, message, reply) = match &verdict {
            Verdict::Pending => ("pending", None, None),
            Verdict::Kept(id) => ("kept", Some(*id), None),
            Verdict::Refused(reply) => ("refused", None, Some(reply.into())),
            Verdict::Lost => ("lost", None, None),
            Verdict::Abandoned => ("abandoned", None, None),
        };
        let verdict = verdict.to_owned();
        Self { reverse_path, forward_paths, recipients, size, verdict, message, reply }
    }
}

impl From<Line<'_>> for LineRecord {
    fn from(line: Line<'_>) -> Self {
        let note = match line.kind {
            Kind::Note(note) => Some(note.code().to_owned()),
            _ => None,
        };
        let at_us = u64::try_from(line.at.as_micros()).unwrap_or(u64::MAX);
        let kind = line.kind.name().to_owned();
        Self { at_us, kind, tls: line.encrypted, text: line.text(), note }
    }
}

impl SessionRecord {
    /// The lines of its transcript, where it has one.
    pub fn lines(&self) -> impl Iterator<Item = &LineRecord> {
        self.transcript.iter().flatten()
    }

    /// The codes of all replies that were given, as far as they are remembered.
    pub fn codes(&self) -> impl Iterator<Item = u16> {
        let said = self.lines().filter(|line| line.kind == Kind::Server.name());
        let said = said.filter_map(|line| line.text.get(..3)?.parse().ok());
        // A long transcript ends before the session does.
        let refusals = self.transactions.iter().filter_map(|one| Some(one.reply.as_ref()?.code));
        said.chain(refusals).chain(self.last_refusal.as_ref().map(|refusal| refusal.reply.code))
    }

    /// Whether something was refused in it, or it did not end as it should.
    #[must_use]
    pub fn was_refused(&self) -> bool {
        let ended_well = |ended: &EndedRecord| {
            let well = [Ended::Quit, Ended::ClosedByClient];
            well.iter().any(|one| one.code() == ended.code)
        };
        self.last_refusal.is_some()
            || self.transactions.iter().any(|transaction| transaction.reply.is_some())
            || self.ended.as_ref().is_some_and(|ended| !ended_well(ended))
    }

    /// What is known of a session, without its transcript.
    #[must_use]
    pub fn of(entry: &SessionEntry) -> Self {
        Self::read(entry, &entry.session())
    }

    /// What is known of a session, and what was said.
    #[must_use]
    pub fn whole(entry: &SessionEntry) -> Self {
        let session = entry.session();
        let transcript = session.transcript();
        Self {
            transcript: Some(transcript.lines().map(LineRecord::from).collect()),
            omitted_lines: Some(transcript.omitted()),
            ..Self::read(entry, &session)
        }
    }

    fn read(entry: &SessionEntry, session: &Session) -> Self {
        let show_secrets = session.policy().show_secrets;
        let hello = session.hello();
        let auth = session.identity().map(|identity| AuthRecord {
            user: identity.user.to_string(),
            mechanism: identity.mechanism.as_str().to_owned(),
            secret: identity.secret.as_deref().filter(|_| show_secrets).map(str::to_owned),
        });
        let last_refusal = session.last_refusal().map(|refusal| RefusalRecord {
            command: refusal.command.to_owned(),
            reply: (&refusal.reply).into(),
        });
        let ended = session.ended();
        Self {
            id: entry.id,
            direction: inbound(),
            door: session.policy().door.to_string(),
            peer: entry.peer,
            local: entry.local,
            connected_at: entry.connected_at,
            ended_at: entry.ended_at(),
            hello: hello.map(|(name, extended)| HelloRecord { name: name.to_owned(), extended }),
            tls: session.tls().map(|facts| TlsRecord::from(&**facts)),
            auth,
            messages: session.messages(),
            transactions: session.transactions().iter().map(TransactionRecord::from).collect(),
            last_refusal,
            notes: session.transcript().notes().map(|note| note.code().to_owned()).collect(),
            findings: entry.findings(),
            ended: ended.map(|ended| EndedRecord {
                code: ended.code().to_owned(),
                text: ended.to_string(),
            }),
            transcript: None,
            omitted_lines: None,
        }
    }
}
