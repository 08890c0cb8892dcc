//! What the tests of this room keep.
#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use super::Arrival;
use crate::mail::{Envelope, ForwardPath, Recipient, ReversePath, SessionId};
use time::OffsetDateTime;

/// A bounce to Bob, from the beginning of time.
pub(super) fn arrival() -> Arrival {
    let (path, _) = ForwardPath::parse_front("<bob@example.org>").unwrap();
    let mut envelope = Envelope::new(ReversePath::Null);
    envelope.forward_paths.push(Recipient { path, notify: None, orcpt: None });
    Arrival {
        received_at: OffsetDateTime::UNIX_EPOCH,
        door: "relay".into(),
        hostname: "doorpost.test".into(),
        session: SessionId::new(1),
        peer: ([127, 0, 0, 1], 40_000).into(),
        envelope,
        is_sender_unknown: false,
        protocol: "ESMTPS",
        hello: "client.example".into(),
        auth_user: None,
        findings: std::sync::Arc::default(),
        tls: None,
    }
}
