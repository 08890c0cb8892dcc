//! That something has changed: for whoever asks again after every change.
//!
//! A number and a wake-up, not a list: what changed is for [`Events`](super::Events) to tell.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::Notify;

/// Counts changes, and wakes whoever waits for one.
#[derive(Debug, Default)]
pub(super) struct Changes {
    version: AtomicU64,
    changed: Notify,
    waiting: AtomicUsize,
}

/// Somebody who waits for a change.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Changes {
    pub(super) fn one_more(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// How many there were.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// Whether somebody waits for the next.
    pub(super) fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// Waits for one after that version.
    pub(super) async fn since(&self, version: u64) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        let changed = self.changed.notified();
        tokio::pin!(changed);
        // Registered before looking, so that a change in between is not missed.
        changed.as_mut().enable();
        if self.version() == version {
            changed.await;
        }
    }
}
