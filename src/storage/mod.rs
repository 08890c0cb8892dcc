//! What was caught: messages with their envelopes, and sessions with their transcripts.
//!
//! In memory and bounded, by count and by bytes: the oldest goes, and the log says so. A message
//! that was taken is found by every query that is asked afterwards. Connections do not wait for
//! each other here: messages lie in shards, and numbers come from one atomic counter.

mod doors;
mod find;
mod messages;
mod sessions;

pub use doors::{Counts, Door};
pub use find::{Unsupported, check, matches};
pub use messages::{Arrival, Message, Messages, StoreError};
pub use sessions::{SessionEntry, Sessions};

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

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

/// Everything that was caught.
#[derive(Debug)]
pub struct Store {
    messages: Messages,
    sessions: Sessions,
    doors: OnceLock<Vec<Arc<Door>>>,
    version: AtomicU64,
    changed: Notify,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self {
            messages: Messages::new(bounds.messages, bounds.message_bytes),
            sessions: Sessions::new(bounds.sessions, bounds.session_bytes),
            doors: OnceLock::new(),
            version: AtomicU64::new(0),
            changed: Notify::new(),
        })
    }

    /// Keeps a message; once this returns, every query finds it.
    ///
    /// # Errors
    /// Where it cannot be kept; nothing of it is kept then.
    #[allow(clippy::unused_async)] // a store on a disk waits here, and its callers are ready for it
    pub async fn keep(&self, arrival: Arrival) -> Result<Arc<Message>, StoreError> {
        let message = self.messages.keep(arrival)?;
        self.has_changed();
        Ok(message)
    }

    /// Files the doors that are open; done once, when all of them are.
    pub fn doors_are_open(&self, doors: Vec<Arc<Door>>) {
        // A second set would be a mistake of ours; the first stays.
        let _ = self.doors.set(doors);
    }

    /// The doors that are open.
    #[must_use]
    pub fn doors(&self) -> &[Arc<Door>] {
        self.doors.get().map_or(&[], Vec::as_slice)
    }

    /// The messages.
    #[must_use]
    pub fn messages(&self) -> &Messages {
        &self.messages
    }

    /// The sessions.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Files an ended session.
    pub fn session_ended(&self, entry: &Arc<SessionEntry>) {
        self.sessions.ended(entry);
        self.has_changed();
    }

    /// Counts changes: messages that came, sessions that ended.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// Waits until something has changed since that version.
    pub async fn changed_since(&self, version: u64) {
        let changed = self.changed.notified();
        tokio::pin!(changed);
        // Registered before looking, so that a change in between is not missed.
        changed.as_mut().enable();
        if self.version() == version {
            changed.await;
        }
    }

    /// Asks `look` again after every change until it finds something.
    pub async fn wait_until<T>(&self, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        loop {
            let version = self.version();
            if let Some(found) = look(self) {
                return found;
            }
            self.changed_since(version).await;
        }
    }

    fn has_changed(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }
}
