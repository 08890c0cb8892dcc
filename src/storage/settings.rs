//! What a store is to be: how much it keeps, how long, where.

use super::InboxBy;
use crate::finding::Patience;
use std::path::PathBuf;
use std::time::Duration;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Messages.
    pub messages: usize,
    /// Octets of messages.
    pub message_bytes: u64,
    /// Sessions that have ended.
    pub sessions: usize,
    /// Octets of their transcripts and what belongs to them.
    pub session_bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { messages: 100_000, message_bytes: 1 << 30, sessions: 1000, session_bytes: 64 << 20 }
    }
}

/// What a store is to be.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How much is kept.
    pub bounds: Bounds,
    /// How long messages and sessions are kept, where there is an end to it.
    pub max_age: Option<Duration>,
    /// What decides in which inboxes a message is; `None` leaves it as the folder has it.
    pub inbox_by: Option<InboxBy>,
    /// How long clients have to come back, and how long a message is remembered.
    pub patience: Patience,
    /// The folder in which everything is kept; without one it is kept in memory.
    pub data: Option<PathBuf>,
}
