//! A message and how it came here: what every backend keeps, and what nobody changes afterwards.

use crate::finding::Finding;
use crate::mail::{Envelope, MessageId, SessionId};
use crate::smtp::TlsFacts;
use bytes::Bytes;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// How a message came here, and whom it is from and for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When its last octet came.
    pub received_at: OffsetDateTime,
    /// The door's name.
    pub door: Arc<str>,
    /// The name that doorpost gave itself there.
    pub hostname: Arc<str>,
    /// The session that brought it; none brings what is imported.
    pub session: Option<SessionId>,
    /// The client's address.
    pub peer: SocketAddr,
    /// Whom it is from and for.
    pub envelope: Envelope,
    /// Whether nobody said where bounces go, so that the reverse-path is null without meaning anything:
    /// of what is imported.
    pub is_sender_unknown: bool,
    /// How it came: `ESMTPSA` and its like (RFC 3848).
    pub protocol: &'static str,
    /// The name that the client gave itself.
    pub hello: Arc<str>,
    /// Who had logged in.
    pub auth_user: Option<Arc<str>>,
    /// TLS, if it was on.
    pub tls: Option<Arc<TlsFacts>>,
    /// What whoever sent it did wrong about it.
    pub findings: Arc<[Finding]>,
}

/// A kept message. Cloning it copies two pointers.
#[derive(Clone)]
pub struct Message {
    id: MessageId,
    arrival: Arc<Arrival>,
    bytes: Bytes,
}

/// Short: a test that fails shows it.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recipients = self.envelope().forward_paths.iter();
        let recipients: Vec<_> = recipients.map(|one| format!("<{}>", one.path)).collect();
        let (id, octets) = (self.id, self.bytes.len());
        let sender = &self.envelope().reverse_path;
        write!(f, "Message {id}: <{sender}> → {}, {octets} octets", recipients.join(", "))
    }
}

impl Message {
    pub(super) fn new(id: MessageId, arrival: Arc<Arrival>, bytes: Bytes) -> Self {
        Self { id, arrival, bytes }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> MessageId {
        self.id
    }

    /// Its octets exactly as sent, dots unstuffed.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Whom it is from and for.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.arrival.envelope
    }

    /// How it came here.
    #[must_use]
    pub fn arrival(&self) -> &Arc<Arrival> {
        &self.arrival
    }

    /// The trace line that belongs in front of it wherever it travels on ([`Arrival::received`]).
    #[must_use]
    pub fn received(&self) -> String {
        self.arrival.received(self.id)
    }
}

impl Arrival {
    /// Whether it came with the null reverse-path, and so is a bounce or a notice like one.
    #[must_use]
    pub fn has_null_reverse_path(&self) -> bool {
        self.envelope.reverse_path.mailbox().is_none() && !self.is_sender_unknown
    }

    /// The trace line that belongs in front of the message of that name wherever it travels on
    /// (RFC 5321 §4.4), with CRLF. It is kept beside the message: what was sent stays byte for
    /// byte.
    #[must_use]
    pub fn received(&self, id: MessageId) -> String {
        let Self { received_at, hostname, peer, envelope, protocol, hello, .. } = self;
        // More than one recipient would disclose them to each other.
        let recipient = match envelope.forward_paths.as_slice() {
            [only] => format!(" for <{}>", only.path),
            _ => String::new(),
        };
        let address = match peer.ip().to_canonical() {
            std::net::IpAddr::V4(v4) => v4.to_string(),
            std::net::IpAddr::V6(v6) => format!("IPv6:{v6}"),
        };
        let date = received_at.format(&Rfc2822).unwrap_or_default();
        format!(
            "Received: from {hello} ([{address}])\r\n\tby {hostname} (doorpost) with {protocol} id {id}{recipient};\r\n\t{date}\r\n"
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::super::testing::arrival;
    use super::*;

    #[test]
    fn the_trace_line_names_one_recipient_at_most() {
        let id = MessageId::new(1).unwrap();
        assert_eq!(
            arrival().received(id),
            "Received: from client.example ([127.0.0.1])\r\n\tby doorpost.test (doorpost) with ESMTPS id 1 for <bob@example.org>;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n"
        );
        let mut two = arrival();
        two.envelope.forward_paths.extend(two.envelope.forward_paths.clone());
        assert!(!two.received(id).contains("for <"));
    }
}
