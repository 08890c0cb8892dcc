//! Where messages are kept: the one thing in which backends differ. A backend holds octets,
//! envelopes and marks, and tells, in order, what happened to them; to find messages by what is in
//! them is the index's part, which can be made anew from any backend.

use super::{Arrival, Marks, Message, SessionEntry, SessionRecord};
use crate::mail::{MessageId, SessionId};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use time::OffsetDateTime;
use tokio::sync::oneshot;

/// Why something is not kept, or not found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no room: the message is larger than everything that may be kept, or the disk is
    /// full.
    #[error("there is no room left")]
    Full,
    /// The store failed, and how. It may pass.
    #[error("{0}")]
    Failed(String),
    /// The index knows too little yet; so many changes are waiting for it.
    #[error("the index is still being made, {0} changes are waiting; ask again")]
    Behind(u64),
    /// A search took longer than it may.
    #[error("the search took longer than {0} s; ask for less, or more precisely")]
    TooLong(u64),
}

/// What happened in a backend.
#[derive(Clone, Debug)]
pub(super) enum Happened {
    /// A message of so many octets was kept. Told before anybody hears of it.
    Added(MessageId, usize),
    /// These are gone.
    Removed(Vec<MessageId>),
    /// All up to this one are gone.
    RemovedUpTo(MessageId),
    /// These were marked.
    Marked(Vec<MessageId>, Marks),
    /// Messages are gone, and it is not known which: whoever keeps count compares.
    Unclear,
}

/// Whom a backend tells. It does not wait.
pub(super) type Tell = Arc<dyn Fn(Happened) + Send + Sync>;

/// What becomes of a message that is to be kept.
pub(super) enum Keeping {
    /// It is decided.
    Done(Result<Message, StoreError>),
    /// It will be.
    Later(oneshot::Receiver<Result<Message, StoreError>>),
}

/// Which messages to remove.
#[derive(Clone, Debug)]
pub(super) enum Removal {
    /// Those with these names.
    Ids(Vec<MessageId>),
    /// All up to this one.
    UpTo(MessageId),
    /// Those that came before this time, as far as they lie in a row from the oldest on.
    OlderThan(OffsetDateTime),
}

/// The marks of one message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Marked {
    pub(super) id: MessageId,
    pub(super) is_read: bool,
    pub(super) tags: Vec<String>,
}

/// How much a backend holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Messages.
    pub messages: u64,
    /// Octets that they take, envelopes included.
    pub bytes: u64,
    /// Messages that had to go since the start, because of a bound.
    pub pruned: u64,
    /// Transactions that were written to the disk since the start.
    pub commits: u64,
}

/// A session that has ended.
#[derive(Clone, Debug)]
pub(super) enum EndedSession {
    /// A client's at a door.
    Inbound(Arc<SessionEntry>),
    /// One in which doorpost was the client.
    Outbound(Arc<SessionRecord>),
}

impl EndedSession {
    /// With what was said.
    pub(super) fn record(&self) -> SessionRecord {
        match self {
            Self::Inbound(entry) => SessionRecord::whole(entry),
            Self::Outbound(record) => (**record).clone(),
        }
    }
}

/// Keeps messages. All methods but [`Backend::keep`] may wait for a disk.
pub(super) trait Backend: Send + Sync + fmt::Debug {
    /// Keeps a message; the word that comes back is final.
    fn keep(&self, arrival: Arrival, bytes: Bytes) -> Keeping;
    /// The message of that name.
    fn get(&self, id: MessageId) -> Result<Option<Message>, StoreError>;
    /// Names of messages, newest first, below `before` where it is given.
    fn newest(&self, before: Option<MessageId>, limit: usize)
    -> Result<Vec<MessageId>, StoreError>;
    /// The last name that was given to a message, whether or not it is still there.
    fn last(&self) -> Option<MessageId>;
    /// Removes messages; says how many there were.
    fn remove(&self, removal: &Removal) -> Result<u64, StoreError>;
    /// Marks messages.
    fn mark(&self, ids: &[MessageId], marks: &Marks) -> Result<(), StoreError>;
    /// How a message came here, and its octets' number.
    fn arrival(&self, id: MessageId) -> Result<Option<(Arc<Arrival>, u64)>, StoreError>;
    /// All marks, for an index that is made anew.
    fn marked(&self) -> Result<Vec<Marked>, StoreError>;
    /// Keeps an ended session, where sessions outlive the process.
    fn keep_session(&self, session: EndedSession);
    /// An ended session, with what was said, where it is kept here.
    fn session(&self, id: SessionId) -> Result<Option<SessionRecord>, StoreError>;
    /// Ended sessions that are kept here, newest first, with what was said.
    fn sessions(
        &self,
        before: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<SessionRecord>, StoreError>;
    /// The names of all sessions that are kept here.
    fn session_names(&self) -> Result<Vec<SessionId>, StoreError>;
    /// Says where the API is, where another process could ask.
    fn announce(&self, server: &str, token: Option<&str>);
    /// How much it holds.
    fn usage(&self) -> Usage;
    /// Brings everything to its end: nothing is kept any more. False where something happened
    /// that was not told.
    fn close(&self) -> bool;
}

/// Says that the oldest go: once at first, then ever more rarely, since a full store drops one for
/// each that it takes.
pub(super) fn report_pruned(before: u64, more: u64) {
    let gone = before + more;
    let crossed = |step: u64| before / step != gone / step;
    if before.checked_ilog2() != gone.checked_ilog2() && gone < 100_000 || crossed(100_000) {
        tracing::warn!(
            gone,
            "the store is full, the oldest messages go (--max-messages, --max-bytes, --max-age)"
        );
    }
}
