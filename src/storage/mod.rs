//! What was caught: messages with their envelopes, and sessions with their transcripts.
//!
//! [`Store`] is the front of three things: a *backend* that keeps messages (in memory, or on a disk),
//! an *index* that finds them by what is in them, and the *events* that tell what happened. The
//! backend has the last word on what is there; the index is fed behind it, and every question first
//! waits until the index knows all that was there when it was asked. So connections do not wait for
//! whoever searches, and whoever searches finds everything that was acknowledged before.
//!
//! Bounded by count, octets and age: the oldest goes, and the log and the events say so.

mod backend;
mod doors;
mod entry;
mod events;
mod find;
mod linear;
mod memory;
mod message;
mod record;
mod sessions;
#[cfg(test)]
mod testing;

pub use backend::{StoreError, Usage};
pub use doors::{Counts, Door};
pub use entry::{Entry, Find, Found, Group, Marks, Selection, Total};
pub use events::{Change, Event, Events, Lost};
pub use find::{Unsupported, check, matches};
pub use message::{Arrival, Message};
pub use record::{
    AuthRecord, EndedRecord, HelloRecord, LineRecord, RefusalRecord, ReplyRecord, SessionRecord,
    TlsRecord, TransactionRecord,
};
pub use sessions::{SessionEntry, Sessions};

use crate::mail::{MessageId, SessionId};
use backend::{Backend, Happened, Keeping, Removal, Tell};
use bytes::Bytes;
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

/// Names of messages that are asked of a backend, or put into an event, at a time.
const MANY: usize = 1000;

/// Everything that was caught.
#[derive(Debug)]
pub struct Store {
    backend: Arc<dyn Backend>,
    linear: linear::Linear,
    sessions: Sessions,
    events: Arc<Events>,
    doors: OnceLock<Vec<Arc<Door>>>,
    changes: Arc<Changes>,
}

/// Counts changes, and wakes whoever waits for one.
#[derive(Debug, Default)]
struct Changes {
    version: AtomicU64,
    changed: Notify,
}

impl Changes {
    fn one_more(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }
}

impl Store {
    /// An empty store in memory.
    #[must_use]
    pub fn new(bounds: Bounds) -> Arc<Self> {
        let events = Arc::new(Events::new("run".into()));
        let changes = Arc::new(Changes::default());
        let tell: Tell = Arc::new({
            let (events, changes) = (Arc::clone(&events), Arc::clone(&changes));
            move |happened| {
                match happened {
                    Happened::Added(id) => events.report(Change::Message(id)),
                    Happened::Removed(ids) => events.report(Change::Deleted(ids)),
                    Happened::RemovedUpTo(id) => events.report(Change::DeletedUpTo(id)),
                    Happened::Marked(ids, _) => events.report(Change::Marked(ids)),
                }
                changes.one_more();
            }
        });
        Arc::new(Self {
            backend: Arc::new(memory::Memory::new(&bounds, tell)),
            linear: linear::Linear::default(),
            sessions: Sessions::new(bounds.sessions, bounds.session_bytes),
            events,
            doors: OnceLock::new(),
            changes,
        })
    }

    /// Keeps a message; once this returns, every query finds it.
    ///
    /// # Errors
    /// Where it cannot be kept; nothing of it is kept then.
    pub async fn keep(&self, arrival: Arrival, bytes: Bytes) -> Result<Message, StoreError> {
        match self.backend.keep(arrival, bytes) {
            Keeping::Done(result) => result,
            Keeping::Later(word) => {
                word.await.unwrap_or_else(|_| Err(StoreError::Failed("the store is closed".into())))
            }
        }
    }

    /// The message of that name. May wait for a disk.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.backend.get(id)
    }

    /// The message of that name as lists show it. May wait for the index.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn entry(&self, id: MessageId) -> Result<Option<Entry>, StoreError> {
        Ok(self.backend.get(id)?.map(|message| self.linear.entry(&message)))
    }

    /// All messages, newest first, read one by one as they are asked for. One that cannot be read
    /// is left out, and the log says so.
    pub fn newest(&self) -> impl Iterator<Item = Message> {
        let mut before = None;
        let mut names = Vec::new().into_iter();
        std::iter::from_fn(move || {
            loop {
                let id = match names.next() {
                    Some(id) => id,
                    None => {
                        let page = self.backend.newest(before, MANY).unwrap_or_default();
                        before = Some(*page.last()?);
                        names = page.into_iter();
                        continue;
                    }
                };
                match self.backend.get(id) {
                    Ok(Some(message)) => return Some(message),
                    Ok(None) => {}
                    Err(error) => tracing::error!(%id, %error, "a message cannot be read"),
                }
            }
        })
    }

    /// Finds messages. Sees everything that was kept before it was asked. May take its time: ask it
    /// where nothing waits.
    ///
    /// # Errors
    /// Where the store fails, or the search takes too long.
    pub fn find(&self, find: &Find) -> Result<Found, StoreError> {
        Ok(self.linear.find(self.newest(), find))
    }

    /// Removes messages; says how many. May take its time.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn remove(&self, selection: &Selection) -> Result<u64, StoreError> {
        match selection {
            Selection::All => {
                let Some(last) = self.backend.last() else { return Ok(0) };
                self.backend.remove(&Removal::UpTo(last))
            }
            selection => {
                let ids = self.selected(selection)?;
                let mut removed = 0;
                for ids in ids.chunks(MANY) {
                    removed += self.backend.remove(&Removal::Ids(ids.to_vec()))?;
                }
                Ok(removed)
            }
        }
    }

    /// Marks messages as read, or with tags; says how many. May take its time.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn mark(&self, selection: &Selection, marks: &Marks) -> Result<u64, StoreError> {
        let ids = self.selected(selection)?;
        for ids in ids.chunks(MANY) {
            self.linear.mark(ids, marks);
            self.backend.mark(ids, marks)?;
        }
        Ok(ids.len() as u64)
    }

    /// The names of the messages that are selected.
    fn selected(&self, selection: &Selection) -> Result<Vec<MessageId>, StoreError> {
        match selection {
            Selection::All => self.backend.newest(None, usize::MAX),
            Selection::Ids(ids) => {
                let mut there = Vec::new();
                for id in ids {
                    if self.backend.get(*id)?.is_some() {
                        there.push(*id);
                    }
                }
                Ok(there)
            }
            Selection::Matching { query, inbox } => {
                let find = Find {
                    query: query.clone(),
                    inbox: inbox.clone(),
                    before: None,
                    after: None,
                    limit: usize::MAX,
                };
                let found = self.find(&find)?;
                Ok(found.entries.into_iter().map(|entry| entry.id).collect())
            }
        }
    }

    /// All tags that a message has, with the number of messages.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn tags(&self) -> Result<Vec<Group>, StoreError> {
        let entries = self.newest().flat_map(|message| {
            let entry = self.linear.entry(&message);
            entry.tags.into_iter().map(move |tag| (tag, entry.is_read))
        });
        Ok(self.linear.groups(entries))
    }

    /// All inboxes that a message is in.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn inboxes(&self) -> Result<Vec<Group>, StoreError> {
        let entries = self.newest().flat_map(|message| {
            let entry = self.linear.entry(&message);
            entry.inboxes.into_iter().map(move |inbox| (inbox, entry.is_read))
        });
        Ok(self.linear.groups(entries))
    }

    /// Messages that nobody has read.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn unread(&self) -> Result<u64, StoreError> {
        let entries = self.newest().map(|message| self.linear.entry(&message));
        Ok(entries.filter(|entry| !entry.is_read).count() as u64)
    }

    /// Changes that the index has not yet taken in.
    #[must_use]
    pub fn index_is_behind_by(&self) -> u64 {
        0
    }

    /// How much is kept.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.backend.usage()
    }

    /// What happened, in order.
    #[must_use]
    pub fn events(&self) -> &Arc<Events> {
        &self.events
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

    /// The sessions that are in memory: those that run, and the last that have ended.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Files a session that begins.
    pub fn session_began(
        &self,
        session: crate::smtp::Session,
        peer: std::net::SocketAddr,
        local: std::net::SocketAddr,
    ) -> Arc<SessionEntry> {
        let entry = self.sessions.began(session, peer, local);
        self.events.report(Change::SessionBegan(entry.id));
        entry
    }

    /// Files an ended session.
    pub fn session_ended(&self, entry: &Arc<SessionEntry>) {
        self.sessions.ended(entry);
        self.events.report(Change::SessionEnded(entry.id));
        self.changes.one_more();
    }

    /// The session of that name, with what was said. May wait for a disk.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn session(&self, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        Ok(self.sessions.get(id).map(|entry| SessionRecord::whole(&entry)))
    }

    /// Counts changes: messages that came, went or were marked, sessions that ended.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.changes.version.load(Ordering::SeqCst)
    }

    /// Waits until something has changed since that version.
    pub async fn changed_since(&self, version: u64) {
        let changed = self.changes.changed.notified();
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
}
