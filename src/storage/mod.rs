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
mod backlog;
mod changes;
mod disk;
mod doors;
mod entry;
mod events;
mod find_sessions;
mod finding_counts;
mod inbox;
mod index;
mod memory;
mod message;
mod oracle;
pub mod outbox;
mod record;
mod sessions;
mod settings;
mod store;
mod store_sessions;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use backend::{StoreError, Usage};
pub use disk::{OpenError, announced, has_mail};
pub use doors::{Counts, Door};
pub use entry::{Entry, Find, Found, Group, Marks, Selection, Total};
pub use events::{Change, Event, Events, Lost};
pub use find_sessions::{FindSessions, FoundSessions};
use finding_counts::FindingCounts;
pub use inbox::{InboxBy, InboxByError};
pub use message::{Arrival, Message};
pub(crate) use oracle::judge;
pub use outbox::Outbox;
pub use record::{
    AuthRecord, EndedRecord, HelloRecord, LineRecord, RefusalRecord, ReplyRecord, SessionRecord,
    TlsRecord, TransactionRecord,
};
pub use sessions::{SessionEntry, Sessions};
pub use settings::{Bounds, Settings};
pub use store::Store;
