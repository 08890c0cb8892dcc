//! Messages in memory, in shards, the oldest leaving when the bounds are reached.
//!
//! What is kept here is kept when it lies in its shard: connections wait neither for each other
//! nor for the index.

use super::backend::{
    Backend, EndedSession, Happened, Keeping, Marked, Removal, StoreError, Tell, Usage,
    report_pruned,
};
use super::{Arrival, Bounds, Marks, Message, SessionRecord};
use crate::mail::{MessageId, SessionId};
use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// More shards than a machine has cores on which connections could meet.
const SHARDS: u64 = 32;

/// All messages, in memory.
pub(super) struct Memory {
    shards: Vec<Mutex<VecDeque<Message>>>,
    /// The number of the next message.
    next: AtomicU64,
    /// Held by whoever makes room; nobody else waits for it.
    making_room: Mutex<()>,
    count: AtomicU64,
    bytes: AtomicU64,
    pruned: AtomicU64,
    max_count: u64,
    max_bytes: u64,
    tell: Tell,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory with {} messages", self.count.load(Ordering::Relaxed))
    }
}

impl Memory {
    pub(super) fn new(bounds: &Bounds, tell: Tell) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            next: AtomicU64::new(1),
            making_room: Mutex::default(),
            count: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            pruned: AtomicU64::new(0),
            max_count: bounds.messages as u64,
            max_bytes: bounds.message_bytes,
            tell,
        }
    }

    fn insert(&self, arrival: Arrival, bytes: Bytes) -> Result<Message, StoreError> {
        let size = memory(&arrival, &bytes);
        if size > self.max_bytes || self.max_count == 0 {
            return Err(StoreError::Full);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // The counter begins at one.
        let id = MessageId::new(number).ok_or(StoreError::Full)?;
        let octets = bytes.len();
        let message = Message::new(id, Arc::new(arrival), bytes);
        // Counted before it can be found, so that whoever removes it subtracts what was added.
        self.count.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(size, Ordering::Relaxed);
        {
            let mut shard = self.shard(number);
            let place =
                shard.iter().rposition(|other| other.id() < id).map_or(0, |before| before + 1);
            shard.insert(place, message.clone());
        }
        (self.tell)(Happened::Added(id, octets));
        self.make_room();
        Ok(message)
    }

    /// Removes the oldest messages until the bounds hold. Only messages that can be found are
    /// removed: one that is on its way in makes room itself when it has arrived.
    fn make_room(&self) {
        let mut gone = Vec::new();
        while self.is_over_bounds() {
            let only_one = self.making_room.lock().unwrap_or_else(PoisonError::into_inner);
            let oldest = self.oldest().filter(|_| self.is_over_bounds());
            let removed = oldest.filter(|id| self.take(*id));
            drop(only_one);
            let Some(id) = removed else { break };
            gone.push(id);
        }
        if !gone.is_empty() {
            let count = gone.len() as u64;
            report_pruned(self.pruned.fetch_add(count, Ordering::Relaxed), count);
            (self.tell)(Happened::Removed(gone));
        }
    }

    fn is_over_bounds(&self) -> bool {
        self.count.load(Ordering::Relaxed) > self.max_count
            || self.bytes.load(Ordering::Relaxed) > self.max_bytes
    }

    /// The oldest message that can be found.
    fn oldest(&self) -> Option<MessageId> {
        let fronts = (0..SHARDS).filter_map(|shard| self.shard(shard).front().map(Message::id));
        fronts.min()
    }

    fn shard(&self, number: u64) -> MutexGuard<'_, VecDeque<Message>> {
        // Nothing panics while a shard is locked; if it did, the messages in it are still whole.
        self.shards[(number % SHARDS) as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: MessageId) -> Option<Message> {
        let shard = self.shard(id.get());
        let place = shard.binary_search_by_key(&id, Message::id).ok()?;
        shard.get(place).cloned()
    }

    /// Removes one; false where it is not there.
    fn take(&self, id: MessageId) -> bool {
        let mut shard = self.shard(id.get());
        let Ok(place) = shard.binary_search_by_key(&id, Message::id) else { return false };
        if let Some(message) = shard.remove(place) {
            self.count.fetch_sub(1, Ordering::Relaxed);
            self.bytes.fetch_sub(memory(message.arrival(), message.bytes()), Ordering::Relaxed);
        }
        true
    }

    /// Every name up to that one from the oldest on, there or not.
    fn up_to(&self, last: MessageId) -> impl Iterator<Item = MessageId> {
        let end = self.next.load(Ordering::Acquire).min(last.get() + 1);
        let start = self.oldest().map_or(end, MessageId::get);
        (start..end).filter_map(MessageId::new)
    }
}

/// Octets of memory that a message takes.
fn memory(arrival: &Arrival, bytes: &Bytes) -> u64 {
    // What stands in the shard, and the arrival behind its counters.
    const FIXED: usize = size_of::<Message>() + size_of::<Arrival>() + 2 * size_of::<usize>();
    (FIXED + bytes.len() + arrival.envelope.memory()) as u64
}

impl Backend for Memory {
    fn keep(&self, arrival: Arrival, bytes: Bytes) -> Keeping {
        Keeping::Done(self.insert(arrival, bytes))
    }

    fn get(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        Ok(self.find(id))
    }

    fn newest(
        &self,
        before: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<MessageId>, StoreError> {
        let end = self.next.load(Ordering::Acquire);
        let end = before.map_or(end, |id| id.get().min(end));
        let start = self.oldest().map_or(end, MessageId::get);
        let names = (start..end).rev().filter_map(MessageId::new);
        Ok(names.filter(|id| self.find(*id).is_some()).take(limit).collect())
    }

    fn last(&self) -> Option<MessageId> {
        MessageId::new(self.next.load(Ordering::Acquire).saturating_sub(1))
    }

    fn remove(&self, removal: &Removal) -> Result<u64, StoreError> {
        let gone: Vec<_> = match removal {
            Removal::Ids(ids) => ids.iter().copied().filter(|id| self.take(*id)).collect(),
            Removal::UpTo(last) => {
                let gone = self.up_to(*last).filter(|id| self.take(*id)).count();
                (self.tell)(Happened::RemovedUpTo(*last));
                // One that had its name, and not yet its place, when it was its turn: told of by now, the index
                // has forgotten it.
                let late: Vec<_> = self.up_to(*last).filter(|id| self.take(*id)).collect();
                let gone = (gone + late.len()) as u64;
                if !late.is_empty() {
                    (self.tell)(Happened::Removed(late));
                }
                return Ok(gone);
            }
            Removal::OlderThan(time) => {
                let is_older = |id: &MessageId| {
                    self.find(*id).is_some_and(|message| message.arrival().received_at < *time)
                };
                let last = MessageId::new(u64::MAX - 1);
                let all = last.into_iter().flat_map(|last| self.up_to(last));
                // They lie in the order in which they came: the first that is young ends it.
                let old = all.skip_while(|id| self.find(*id).is_none());
                let gone: Vec<_> = old
                    .take_while(|id| self.find(*id).is_none() || is_older(id))
                    .filter(|id| self.take(*id))
                    .collect();
                self.pruned.fetch_add(gone.len() as u64, Ordering::Relaxed);
                gone
            }
        };
        let count = gone.len() as u64;
        if count > 0 {
            (self.tell)(Happened::Removed(gone));
        }
        Ok(count)
    }

    fn mark(&self, ids: &[MessageId], marks: &Marks) -> Result<(), StoreError> {
        // Nothing of it outlives the index here, so the index is where it is kept.
        (self.tell)(Happened::Marked(ids.to_vec(), marks.clone()));
        Ok(())
    }

    fn arrival(&self, id: MessageId) -> Result<Option<(Arc<Arrival>, u64)>, StoreError> {
        let message = self.find(id);
        Ok(message.map(|m| (Arc::clone(m.arrival()), m.bytes().len() as u64)))
    }

    fn marked(&self) -> Result<Vec<Marked>, StoreError> {
        Ok(Vec::new())
    }

    fn keep_session(&self, _session: EndedSession) {}

    fn session(&self, _id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        Ok(None)
    }

    fn sessions(
        &self,
        _before: Option<SessionId>,
        _limit: usize,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        Ok(Vec::new())
    }

    fn session_names(&self) -> Result<Vec<SessionId>, StoreError> {
        Ok(Vec::new())
    }

    fn announce(&self, _server: &str, _token: Option<&str>) {}

    fn usage(&self) -> Usage {
        Usage {
            messages: self.count.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            pruned: self.pruned.load(Ordering::Relaxed),
            commits: 0,
        }
    }

    fn close(&self) -> bool {
        true
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::super::testing::arrival;
    use super::*;

    fn small() -> u64 {
        memory(&arrival(), &Bytes::new())
    }

    fn memory_of(messages: usize, message_bytes: u64) -> Memory {
        let bounds = Bounds { messages, message_bytes, ..Bounds::default() };
        Memory::new(&bounds, Arc::new(|_| ()))
    }

    fn keep(store: &Memory, octets: usize) -> Result<Message, StoreError> {
        store.insert(arrival(), vec![b'x'; octets].into())
    }

    fn numbers(store: &Memory) -> Vec<u64> {
        store.newest(None, usize::MAX).unwrap().iter().map(|id| id.get()).collect()
    }

    #[test]
    fn the_oldest_go_by_count_and_by_bytes() {
        let store = memory_of(3, 3 * small() + 1030);
        for _ in 0..5 {
            keep(&store, 10).unwrap();
        }
        assert_eq!(numbers(&store), [5, 4, 3]);
        keep(&store, 1010).unwrap();
        assert_eq!(numbers(&store), [6, 5, 4]);
        keep(&store, 1011).unwrap();
        assert_eq!(numbers(&store), [7]);
        let largest = (2 * small() + 1030) as usize;
        assert_eq!(keep(&store, largest + 1).err(), Some(StoreError::Full));
        keep(&store, largest).unwrap();
        assert_eq!(numbers(&store), [8]);
        let usage = store.usage();
        assert_eq!((usage.messages, usage.bytes, usage.pruned), (1, 3 * small() + 1030, 7));
    }

    #[test]
    fn an_envelope_is_not_free() {
        let mut large = arrival();
        let recipient = large.envelope.forward_paths[0].clone();
        large.envelope.forward_paths.extend(vec![recipient; 999]);
        assert!(memory(&large, &Bytes::new()) > small() + 999 * 20);
    }

    #[test]
    fn the_old_go_by_age_up_to_the_first_that_is_young() {
        let store = memory_of(9, u64::MAX);
        for day in [1, 2, 3, 2] {
            let mut arrival = arrival();
            arrival.received_at += time::Duration::days(day);
            store.insert(arrival, Bytes::new()).unwrap();
        }
        let limit = time::OffsetDateTime::UNIX_EPOCH + time::Duration::days(3);
        assert_eq!(store.remove(&Removal::OlderThan(limit)), Ok(2));
        assert_eq!(numbers(&store), [4, 3]);
    }

    /// However many come at once, what is counted can be found, and the bounds hold.
    #[test]
    fn many_threads_lose_nothing_and_keep_the_bounds() {
        for bound in [1, 3, 500] {
            let store = memory_of(bound, u64::MAX);
            std::thread::scope(|scope| {
                for _ in 0..16 {
                    scope.spawn(|| {
                        for _ in 0..250 {
                            keep(&store, 1).unwrap();
                        }
                    });
                }
            });
            let usage = store.usage();
            assert_eq!(numbers(&store).len() as u64, usage.messages);
            assert_eq!(usage.messages + usage.pruned, 4000);
            assert!(usage.messages <= bound as u64, "{} of {bound}", usage.messages);
            let last = keep(&store, 1).unwrap().id();
            assert!(store.get(last).unwrap().is_some(), "a new message is not found");
        }
    }
}
