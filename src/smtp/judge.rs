//! Where somebody may refuse what the protocol would take: the seam between the session and whoever is strict.

use super::{Reply, Session};
use crate::mail::Envelope;
use std::fmt;

/// Whom a session asks at MAIL, and at the end of the data.
pub trait Judge: fmt::Debug + Send + Sync {
    /// The reply to refuse with, where it is refused. `message` is there at the end of the data.
    fn judge(&self, session: &Session, message: Option<(&Envelope, &[u8])>) -> Option<Reply>;
}
