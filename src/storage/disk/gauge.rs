//! How much there is, kept beside the writer for whoever asks: nobody waits for a transaction to know.

use super::tables::Counted;
use crate::mail::MessageId;
use crate::storage::backend::Usage;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How much there is, for whoever asks.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    usage: Mutex<Usage>,
    last: AtomicU64,
    commits: AtomicU64,
}

impl Gauge {
    pub(super) fn usage(&self) -> Usage {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last(&self) -> Option<MessageId> {
        MessageId::new(self.last.load(Ordering::Acquire))
    }

    /// Counts a transaction.
    pub(super) fn commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set(&self, counted: &Counted, pruned: u64) {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) = Usage {
            messages: counted.messages.unsigned_abs(),
            bytes: counted.octets.unsigned_abs(),
            pruned,
            commits: self.commits.load(Ordering::Relaxed),
        };
        self.last.store(counted.last.unsigned_abs(), Ordering::Release);
    }
}
