//! Messages in memory, in shards, the oldest leaving when the bounds are reached.

use crate::mail::{Envelope, MessageId, SessionId};
use crate::smtp::TlsFacts;
use bytes::Bytes;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// More shards than a machine has cores on which connections could meet.
const SHARDS: u64 = 32;

/// A message that is to be kept.
#[derive(Debug)]
pub struct Arrival {
    /// When its last octet came.
    pub received_at: OffsetDateTime,
    /// The door's name.
    pub door: Arc<str>,
    /// The name that doorpost gave itself there.
    pub hostname: Arc<str>,
    /// The session that brought it.
    pub session: SessionId,
    /// The client's address.
    pub peer: SocketAddr,
    /// Whom it is from and for.
    pub envelope: Envelope,
    /// Its octets as sent, dots unstuffed.
    pub bytes: Bytes,
    /// How it came: `ESMTPSA` and its like (RFC 3848).
    pub protocol: &'static str,
    /// The name that the client gave itself.
    pub hello: Arc<str>,
    /// Who had logged in.
    pub auth_user: Option<Arc<str>>,
    /// TLS, if it was on.
    pub tls: Option<Arc<TlsFacts>>,
}

/// A kept message.
#[derive(Debug)]
pub struct Message {
    id: MessageId,
    arrival: Arrival,
}

impl Arrival {
    /// Octets of memory that the message takes once it is kept.
    #[must_use]
    pub fn memory(&self) -> u64 {
        // What stands in the shard: the message behind its counter, and the pointer to it.
        const FIXED: usize = size_of::<Message>() + 4 * size_of::<usize>();
        (FIXED + self.bytes.len() + self.envelope.memory()) as u64
    }
}

impl Message {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> MessageId {
        self.id
    }

    /// Its octets exactly as sent, dots unstuffed.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.arrival.bytes
    }

    /// Whom it is from and for.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.arrival.envelope
    }

    /// How it came here.
    #[must_use]
    pub fn arrival(&self) -> &Arrival {
        &self.arrival
    }

    /// The trace line that belongs in front of it wherever it travels on (RFC 5321 §4.4), with
    /// CRLF. It is kept beside the message: what was sent stays byte for byte.
    #[must_use]
    pub fn received(&self) -> String {
        let Arrival { received_at, hostname, peer, envelope, protocol, hello, .. } = &self.arrival;
        // More than one recipient would disclose them to each other.
        let recipient = match envelope.forward_paths.as_slice() {
            [only] => format!(" for <{}>", only.path),
            _ => String::new(),
        };
        let address = match peer.ip().to_canonical() {
            std::net::IpAddr::V4(v4) => v4.to_string(),
            std::net::IpAddr::V6(v6) => format!("IPv6:{v6}"),
        };
        let date = received_at.format(&Rfc2822).unwrap_or_default();
        format!(
            "Received: from {hello} ([{address}])\r\n\tby {hostname} (doorpost) with {protocol} id {}{recipient};\r\n\t{date}\r\n",
            self.id
        )
    }
}

/// Why a message is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is larger than everything that may be kept.
    #[error("the message is larger than the store may grow")]
    Full,
}

/// All kept messages.
#[derive(Debug)]
pub struct Messages {
    shards: Vec<Mutex<VecDeque<Arc<Message>>>>,
    /// The number of the next message.
    next: AtomicU64,
    /// Held by whoever makes room; nobody else waits for it.
    making_room: Mutex<()>,
    count: AtomicU64,
    bytes: AtomicU64,
    gone: AtomicU64,
    max_count: u64,
    max_bytes: u64,
}

impl Messages {
    pub(super) fn new(max_count: usize, max_bytes: u64) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            next: AtomicU64::new(1),
            making_room: Mutex::default(),
            count: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            gone: AtomicU64::new(0),
            max_count: max_count as u64,
            max_bytes,
        }
    }

    pub(super) fn keep(&self, arrival: Arrival) -> Result<Arc<Message>, StoreError> {
        let size = arrival.memory();
        if size > self.max_bytes || self.max_count == 0 {
            return Err(StoreError::Full);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // The counter begins at one.
        let id = MessageId::new(number).ok_or(StoreError::Full)?;
        let message = Arc::new(Message { id, arrival });
        // Counted before it can be found, so that whoever removes it subtracts what was added.
        self.count.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(size, Ordering::Relaxed);
        {
            let mut shard = self.shard(number);
            let place =
                shard.iter().rposition(|other| other.id < id).map_or(0, |before| before + 1);
            shard.insert(place, Arc::clone(&message));
        }
        self.make_room();
        Ok(message)
    }

    /// Removes the oldest messages until the bounds hold. Only messages that can be found are
    /// removed: one that is on its way in makes room itself when it has arrived.
    fn make_room(&self) {
        while self.is_over_bounds() {
            let only_one = self.making_room.lock().unwrap_or_else(PoisonError::into_inner);
            let removed = self.is_over_bounds() && self.oldest().is_some_and(|id| self.remove(id));
            drop(only_one);
            if !removed {
                return;
            }
            let gone = self.gone.fetch_add(1, Ordering::Relaxed) + 1;
            // Once at first, then ever more rarely: a full store drops one for each it takes.
            if gone.is_power_of_two() || gone.is_multiple_of(100_000) {
                tracing::warn!(
                    gone,
                    "the store is full, the oldest messages go (--max-messages, --max-bytes)"
                );
            }
        }
    }

    fn is_over_bounds(&self) -> bool {
        self.count() > self.max_count || self.total_bytes() > self.max_bytes
    }

    /// The oldest message that can be found.
    fn oldest(&self) -> Option<MessageId> {
        let fronts = (0..SHARDS).filter_map(|shard| self.shard(shard).front().map(|m| m.id));
        fronts.min()
    }

    fn shard(&self, number: u64) -> MutexGuard<'_, VecDeque<Arc<Message>>> {
        // Nothing panics while a shard is locked; if it did, the messages in it are still whole.
        self.shards[(number % SHARDS) as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes one; false where it is not there.
    pub fn remove(&self, id: MessageId) -> bool {
        let mut shard = self.shard(id.get());
        let Ok(place) = shard.binary_search_by_key(&id, |message| message.id) else { return false };
        if let Some(message) = shard.remove(place) {
            self.count.fetch_sub(1, Ordering::Relaxed);
            self.bytes.fetch_sub(message.arrival.memory(), Ordering::Relaxed);
        }
        true
    }

    /// Removes all that are there now; says how many.
    pub fn clear(&self) -> usize {
        let last = self.next.load(Ordering::Relaxed);
        let Some(first) = self.oldest() else { return 0 };
        (first.get()..last).filter_map(MessageId::new).filter(|id| self.remove(*id)).count()
    }

    /// The message of that name.
    #[must_use]
    pub fn get(&self, id: MessageId) -> Option<Arc<Message>> {
        let shard = self.shard(id.get());
        let place = shard.binary_search_by_key(&id, |message| message.id).ok()?;
        shard.get(place).cloned()
    }

    /// Messages, newest first, beginning below `before` where it is given.
    pub fn newest(&self, before: Option<MessageId>) -> impl Iterator<Item = Arc<Message>> {
        let end = self.next.load(Ordering::Acquire);
        let end = before.map_or(end, |id| id.get().min(end));
        let start = self.oldest().map_or(end, MessageId::get);
        (start..end).rev().filter_map(MessageId::new).filter_map(|id| self.get(id))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Octets of memory that they take, envelopes included.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many had to go because the store was full.
    #[must_use]
    pub fn gone(&self) -> u64 {
        self.gone.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use crate::mail::{ForwardPath, Recipient, ReversePath};

    fn arrival(octets: usize) -> Arrival {
        let (path, _) = ForwardPath::parse_front("<bob@example.org>").unwrap();
        let mut envelope = Envelope::new(ReversePath::Null);
        envelope.forward_paths.push(Recipient { path, notify: None, orcpt: None });
        Arrival {
            received_at: OffsetDateTime::UNIX_EPOCH,
            door: "relay".into(),
            hostname: "doorpost.test".into(),
            session: SessionId::new(1).unwrap(),
            peer: ([127, 0, 0, 1], 40_000).into(),
            envelope,
            bytes: vec![b'x'; octets].into(),
            protocol: "ESMTPS",
            hello: "client.example".into(),
            auth_user: None,
            tls: None,
        }
    }

    fn numbers(messages: &Messages) -> Vec<u64> {
        messages.newest(None).map(|message| message.id().get()).collect()
    }

    #[test]
    fn the_oldest_go_by_count_and_by_bytes() {
        let small = arrival(10).memory();
        let messages = Messages::new(3, 3 * small + 1000);
        for _ in 0..5 {
            messages.keep(arrival(10)).unwrap();
        }
        assert_eq!(numbers(&messages), [5, 4, 3]);
        messages.keep(arrival(1010)).unwrap();
        assert_eq!(numbers(&messages), [6, 5, 4]);
        messages.keep(arrival(1011)).unwrap();
        assert_eq!(numbers(&messages), [7]);
        let largest = (3 * small + 1000 - arrival(0).memory()) as usize;
        assert_eq!(messages.keep(arrival(largest + 1)).err(), Some(StoreError::Full));
        messages.keep(arrival(largest)).unwrap();
        assert_eq!(numbers(&messages), [8]);
        assert_eq!((messages.count(), messages.total_bytes()), (1, 3 * small + 1000));
    }

    #[test]
    fn an_envelope_is_not_free() {
        let mut large = arrival(0);
        let recipient = large.envelope.forward_paths[0].clone();
        large.envelope.forward_paths.extend(vec![recipient; 999]);
        assert!(large.memory() > arrival(0).memory() + 999 * 20);
    }

    #[test]
    fn pages_and_removal() {
        let messages = Messages::new(100, u64::MAX);
        for _ in 0..5 {
            messages.keep(arrival(1)).unwrap();
        }
        let before = MessageId::new(3);
        assert_eq!(messages.newest(before).map(|m| m.id().get()).collect::<Vec<_>>(), [2, 1]);
        assert!(messages.remove(before.unwrap()) && !messages.remove(before.unwrap()));
        assert_eq!(numbers(&messages), [5, 4, 2, 1]);
        assert_eq!(messages.clear(), 4);
        assert_eq!((messages.count(), messages.total_bytes()), (0, 0));
    }

    /// However many come at once, what is counted can be found, and the bounds hold.
    #[test]
    fn many_threads_lose_nothing_and_keep_the_bounds() {
        for bound in [1, 3, 500] {
            let messages = Messages::new(bound, u64::MAX);
            std::thread::scope(|scope| {
                for _ in 0..16 {
                    scope.spawn(|| {
                        for _ in 0..250 {
                            messages.keep(arrival(1)).unwrap();
                        }
                    });
                }
            });
            assert_eq!(numbers(&messages).len() as u64, messages.count());
            assert_eq!(messages.count() + messages.gone(), 4000);
            assert!(messages.count() <= bound as u64, "{} of {bound}", messages.count());
            let last = messages.keep(arrival(1)).unwrap().id();
            assert!(messages.get(last).is_some(), "a new message is not found");
        }
    }

    #[test]
    fn the_trace_line_names_one_recipient_at_most() {
        let messages = Messages::new(9, u64::MAX);
        let one = messages.keep(arrival(1)).unwrap().received();
        assert_eq!(
            one,
            "Received: from client.example ([127.0.0.1])\r\n\tby doorpost.test (doorpost) with ESMTPS id 1 for <bob@example.org>;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n"
        );
        let mut two = arrival(1);
        two.envelope.forward_paths.extend(two.envelope.forward_paths.clone());
        assert!(!messages.keep(two).unwrap().received().contains("for <"));
    }
}
