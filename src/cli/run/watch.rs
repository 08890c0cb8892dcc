//! What comes while the command runs, also what is gone when it ends: suites remove their mail between tests.
//!
//! It follows the events. Messages are held as far as the store may hold them; what is beyond that, or was gone before it
//! was looked at, is counted, so that nobody takes what is known for all there was.

use crate::cli::Failure;
use crate::mail::{MessageId, SessionId};
use crate::storage::{Change, Message, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle};

/// Events that are looked at in one go.
const AT_ONCE: usize = 1000;

/// Somebody who looks on.
pub(super) struct Watch {
    looking: JoinHandle<Result<Seen, JoinError>>,
    end: oneshot::Sender<()>,
}

/// What came.
#[derive(Debug, Default)]
pub(super) struct Seen {
    held: BTreeMap<MessageId, Message>,
    octets: u64,
    /// Octets of messages that are held, at most.
    room: u64,
    /// Messages that came and are not held.
    pub(super) unseen: u64,
    /// The sessions that began.
    pub(super) sessions: BTreeSet<SessionId>,
    /// The last message of an earlier run.
    pub(super) before: Option<MessageId>,
    /// The last event that was looked at.
    at: u64,
}

impl Watch {
    /// From now on.
    pub(super) fn begin(store: &Arc<Store>, room: u64) -> Self {
        let before = store.newest().next().map(|message| message.id());
        let mut seen = Seen { room, before, at: store.events().last(), ..Seen::default() };
        let store = Arc::clone(store);
        let (end, mut ended) = oneshot::channel();
        let looking = tokio::spawn(async move {
            loop {
                let is_last = tokio::select! {
                    _ = &mut ended => true,
                    () = store.events().happened_after(seen.at) => false,
                };
                // A message may have to be read from a disk.
                let store = Arc::clone(&store);
                let look = tokio::task::spawn_blocking(move || seen.catch_up(&store));
                seen = look.await?;
                if is_last {
                    return Ok(seen);
                }
            }
        });
        Self { looking, end }
    }

    /// Everything until now.
    pub(super) async fn end(self) -> Result<Seen, Failure> {
        let _ = self.end.send(());
        self.looking.await.and_then(|seen| seen).map_err(Failure::of)
    }
}

impl Seen {
    fn catch_up(mut self, store: &Store) -> Self {
        loop {
            match store.events().after(self.at, AT_ONCE) {
                Ok(events) if events.is_empty() => return self,
                Ok(events) => {
                    for event in events {
                        self.at = event.number;
                        self.look(store, &event.change);
                    }
                }
                Err(gap) => {
                    // Any of them may have been a message.
                    self.unseen += gap.lost - self.at;
                    self.at = gap.lost;
                }
            }
        }
    }

    fn look(&mut self, store: &Store, change: &Change) {
        match change {
            Change::SessionBegan(id) => {
                self.sessions.insert(*id);
            }
            Change::Message(id) => match store.message(*id) {
                Ok(Some(message)) => self.hold(message),
                // Removed at once, or what broke is told by whoever reads the store next.
                Ok(None) | Err(_) => self.unseen += 1,
            },
            _ => {}
        }
    }

    fn hold(&mut self, message: Message) {
        self.octets += message.bytes().len() as u64;
        self.held.insert(message.id(), message);
        while self.octets > self.room
            && let Some((_, oldest)) = self.held.pop_first()
        {
            self.octets -= oldest.bytes().len() as u64;
            self.unseen += 1;
        }
    }

    /// The messages, oldest first.
    pub(super) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.held.values()
    }

    /// The same without what comes after.
    pub(super) fn into_messages(self) -> Vec<Message> {
        self.held.into_values().collect()
    }
}
