//! How much there is, kept beside the writer for whoever asks: nobody waits for a transaction to know.

use super::tables::Counted;
use crate::mail::MessageId;
use crate::storage::backend::Usage;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How much there is, for whoever asks.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    usage: Mutex<Usage>,
    last: AtomicU64,
    commits: AtomicU64,
    /// Set while messages are gone of which nobody was told yet.
    untold: AtomicBool,
}

impl Gauge {
    pub(super) fn usage(&self) -> Usage {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last(&self) -> Option<MessageId> {
        MessageId::new(self.last.load(Ordering::Acquire))
    }

    pub(super) fn set_untold(&self, untold: bool) {
        self.untold.store(untold, Ordering::SeqCst);
    }

    /// Whether everything that happened was told.
    pub(super) fn is_told(&self) -> bool {
        !self.untold.load(Ordering::SeqCst)
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
