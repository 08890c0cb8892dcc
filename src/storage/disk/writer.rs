//! The one thread that writes: it takes all orders that wait, carries them out in one transaction,
//! and answers them when that is on the disk. So many connections share one fsync, and what comes
//! while it runs waits for the next.

use super::body::Coded;
use super::gauge::Gauge;
use super::tables::{Changes, Counted, failed, is_over, nanoseconds, sql_id};
use crate::mail::MessageId;
use crate::storage::backend::{EndedSession, Happened, Removal, Tell, report_pruned};
use crate::storage::backlog::Backlog;
use crate::storage::{Arrival, Bounds, Marks, Message, StoreError};
use bytes::Bytes;
use rusqlite::Connection;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Orders and octets of one transaction at most.
const TOGETHER: usize = 1000;
const OCTETS: usize = 32 << 20;
/// Messages that are removed between two looks at what waits.
const PIECE: usize = 500;
/// How long a session that ended may wait for other work that needs the disk as well.
const SESSION_DELAY: Duration = Duration::from_millis(200);
/// Octets of the disk that messages leave free.
const RESERVE: u64 = 16 << 20;
/// Sessions that wait at most. Where the disk does not take them, the oldest are given up.
const SESSIONS: usize = 10_000;

/// What is to be written.
pub(super) enum Order {
    Keep(Box<Keep>),
    Remove(Removal, SyncSender<Result<u64, StoreError>>),
    Mark(Vec<MessageId>, Marks, SyncSender<Result<(), StoreError>>),
    Session(EndedSession),
    /// Changes how the connection behaves, as a disk does that fills up.
    #[cfg(test)]
    Arrange(Box<dyn FnOnce(&Connection) + Send>),
    Close,
}

/// A message that is to be kept, made ready by whoever brings it.
pub(super) struct Keep {
    pub(super) arrival: Arc<Arrival>,
    pub(super) written: String,
    pub(super) bytes: Bytes,
    pub(super) body: Coded,
    pub(super) word: oneshot::Sender<Result<Message, StoreError>>,
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) folder: PathBuf,
    pub(super) counted: Counted,
    pub(super) bounds: Bounds,
    pub(super) tell: Tell,
    /// What the index will need for what it has still to take in.
    pub(super) backlog: Arc<Backlog>,
    pub(super) gauge: Arc<Gauge>,
    pub(super) pruned: u64,
    pub(super) sessions: VecDeque<EndedSession>,
    /// Since when the first of them waits.
    pub(super) waiting_since: Option<Instant>,
    /// Removals of many, which are done piece by piece, so that nobody waits for all of them.
    pub(super) long: VecDeque<Long>,
}

pub(super) struct Long {
    removal: Removal,
    removed: u64,
    word: SyncSender<Result<u64, StoreError>>,
}

/// What an order came to.
enum Done {
    Kept(MessageId),
    Removed(Vec<MessageId>),
    Marked,
}

impl Writer {
    /// Works until it is told to stop, or nobody can give orders any more.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let first = match self.next(orders) {
                Ok(first) => first,
                Err(()) => break,
            };
            let mut batch = Vec::new();
            let mut octets = 0;
            let mut stop = false;
            let mut next = first;
            while let Some(order) = next.take() {
                match order {
                    Order::Close => {
                        stop = true;
                        break;
                    }
                    Order::Session(entry) => {
                        self.waiting_since.get_or_insert_with(Instant::now);
                        self.sessions.push_back(entry);
                        if self.sessions.len() > SESSIONS {
                            self.sessions.pop_front();
                        }
                    }
                    Order::Remove(removal @ (Removal::UpTo(_) | Removal::OlderThan(_)), word) => {
                        self.long.push_back(Long { removal, removed: 0, word });
                    }
                    #[cfg(test)]
                    Order::Arrange(arrange) => arrange(&self.connection),
                    Order::Keep(keep) => {
                        octets += keep.bytes.len();
                        batch.push(Order::Keep(keep));
                    }
                    order => batch.push(order),
                }
                if batch.len() < TOGETHER && octets < OCTETS {
                    next = orders.try_recv().ok();
                }
            }
            self.carry_out(batch);
            self.go_on();
            self.gauge.set(&self.counted, self.pruned);
            if stop {
                break;
            }
        }
        self.write_sessions();
        // What was promised is on the disk already; this only makes the next start quicker.
        let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// The next order; none where there is other work to go on with.
    fn next(&self, orders: &Receiver<Order>) -> Result<Option<Order>, ()> {
        if !self.long.is_empty() || is_over(&self.counted, &self.bounds) {
            return Ok(orders.try_recv().ok());
        }
        if self.sessions.is_empty() {
            return orders.recv().map(Some).map_err(|_| ());
        }
        let waited = self.waiting_since.map_or(SESSION_DELAY, |since| since.elapsed());
        match orders.recv_timeout(SESSION_DELAY.saturating_sub(waited)) {
            Ok(order) => Ok(Some(order)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(()),
        }
    }

    /// All in one transaction; where that fails, each in its own, so that one that is too large
    /// for the disk does not keep the others out.
    fn carry_out(&mut self, mut batch: Vec<Order>) {
        self.refuse_what_has_no_room(&mut batch);
        if batch.is_empty() {
            return;
        }
        match self.transaction(&batch) {
            Ok((done, pruned)) => {
                self.gauge.set(&self.counted, self.pruned + pruned.len() as u64);
                // Told before anybody is answered: whoever is answered finds it all.
                for (order, done) in batch.iter().zip(&done) {
                    self.tell_of(order, done);
                }
                self.has_pruned(pruned);
                for (order, done) in batch.into_iter().zip(done) {
                    answer(order, done);
                }
            }
            Err(error) if batch.len() == 1 => {
                let error = failed(&error);
                for order in batch {
                    refuse(order, &error);
                }
            }
            Err(_) => {
                for order in batch {
                    self.carry_out(vec![order]);
                }
            }
        }
    }

    /// A message is refused while the disk still has a little room: what belongs to those that
    /// were taken, the index above all, has to fit in as well.
    fn refuse_what_has_no_room(&self, batch: &mut Vec<Order>) {
        // Where the system does not say, it will when it is written.
        let Ok(free) = fs4::available_space(&self.folder) else { return };
        // Pages that were given back lie in the file; to use them again takes some room beside it.
        let within = if free > RESERVE / 2 { self.given_back() } else { 0 };
        let mut room = free.saturating_sub(RESERVE + self.backlog.octets()) + within;
        for order in std::mem::take(batch) {
            if let Order::Keep(keep) = &order {
                // Once in the log of the database, once in its place, and what the index makes of it.
                let octets = keep.bytes.len();
                let needed = 2 * octets as u64 + Backlog::of_message(octets);
                if needed > room {
                    refuse(order, &StoreError::Full);
                    continue;
                }
                room -= needed;
            }
            batch.push(order);
        }
    }

    /// Octets of the file that hold nothing any more.
    fn given_back(&self) -> u64 {
        let number = |name| {
            let value = self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
            value.map_or(0, i64::unsigned_abs)
        };
        number("freelist_count") * number("page_size")
    }

    fn transaction(&mut self, batch: &[Order]) -> rusqlite::Result<(Vec<Done>, Vec<MessageId>)> {
        let before = self.counted;
        let result = self.try_transaction(batch);
        if result.is_err() {
            self.counted = before;
        } else {
            self.forget_sessions();
        }
        result
    }

    fn forget_sessions(&mut self) {
        self.sessions.clear();
        self.waiting_since = None;
    }

    fn try_transaction(
        &mut self,
        batch: &[Order],
    ) -> rusqlite::Result<(Vec<Done>, Vec<MessageId>)> {
        let mut changes = Changes::begin(&mut self.connection, &mut self.counted, &self.bounds)?;
        let mut done = Vec::new();
        for order in batch {
            done.push(match order {
                Order::Keep(keep) => {
                    let received_at = nanoseconds(keep.arrival.received_at);
                    let (size, written) = (keep.bytes.len(), keep.written.as_str());
                    let id = changes.keep(received_at, size, written, &keep.body)?;
                    if let Some(session) = keep.arrival.session {
                        changes.promise_sessions(sql_id(session.get()));
                    }
                    MessageId::new(id.cast_unsigned()).map_or(Done::Marked, Done::Kept)
                }
                Order::Remove(Removal::Ids(ids), _) => Done::Removed(changes.remove_ids(ids)?),
                Order::Mark(ids, marks, _) => {
                    changes.mark(ids, marks)?;
                    Done::Marked
                }
                // These are carried out elsewhere.
                _ => Done::Marked,
            });
        }
        for entry in &self.sessions {
            changes.keep_session(&entry.record())?;
        }
        // A store that is full loses as many as it takes; one whose bounds were lowered gets there
        // in pieces.
        let pruned = changes.prune(2 * batch.len())?;
        changes.commit()?;
        self.gauge.commit();
        Ok((done, pruned))
    }

    fn tell_of(&self, order: &Order, done: &Done) {
        match (order, done) {
            (Order::Keep(keep), Done::Kept(id)) => {
                (self.tell)(Happened::Added(*id, keep.bytes.len()));
            }
            (_, Done::Removed(ids)) if !ids.is_empty() => {
                (self.tell)(Happened::Removed(ids.clone()));
            }
            (Order::Mark(ids, marks, _), _) => {
                (self.tell)(Happened::Marked(ids.clone(), marks.clone()));
            }
            _ => {}
        }
    }

    fn has_pruned(&mut self, gone: Vec<MessageId>) {
        if !gone.is_empty() {
            let count = gone.len() as u64;
            report_pruned(self.pruned, count);
            self.pruned += count;
            (self.tell)(Happened::Removed(gone));
        }
    }

    /// A piece of what takes long, and the sessions that no other work took along.
    fn go_on(&mut self) {
        if let Some(mut long) = self.long.pop_front() {
            match self.piece(&long.removal) {
                Ok(gone) => {
                    long.removed += gone.len() as u64;
                    if gone.len() == PIECE {
                        match long.removal {
                            Removal::OlderThan(_) => (self.tell)(Happened::Removed(gone)),
                            // Told at its end, as one.
                            _ => self.gauge.set_untold(true),
                        }
                        self.long.push_front(long);
                    } else {
                        self.end_of_removal(long, gone);
                    }
                }
                Err(error) => {
                    if long.removed > 0 {
                        (self.tell)(Happened::Unclear);
                        self.gauge.set_untold(false);
                    }
                    let _ = long.word.send(Err(failed(&error)));
                }
            }
        } else if is_over(&self.counted, &self.bounds) {
            let before = self.counted;
            let pruned = (|| {
                let mut changes =
                    Changes::begin(&mut self.connection, &mut self.counted, &self.bounds)?;
                let pruned = changes.prune(PIECE)?;
                changes.commit()?;
                Ok::<_, rusqlite::Error>(pruned)
            })();
            match pruned {
                Ok(gone) => self.has_pruned(gone),
                Err(error) => {
                    self.counted = before;
                    tracing::error!(%error, "the oldest messages could not be removed");
                    std::thread::sleep(SESSION_DELAY);
                }
            }
        } else if self.sessions.len() > SESSIONS / 2
            || self.waiting_since.is_some_and(|since| since.elapsed() >= SESSION_DELAY)
        {
            self.write_sessions();
        }
    }

    fn piece(&mut self, removal: &Removal) -> rusqlite::Result<Vec<MessageId>> {
        let before = self.counted;
        let mut work = || {
            let mut changes =
                Changes::begin(&mut self.connection, &mut self.counted, &self.bounds)?;
            let gone = changes.remove_some(removal, i64::try_from(PIECE).unwrap_or(i64::MAX))?;
            if let Removal::OlderThan(limit) = removal {
                changes.remove_old_sessions(*limit, PIECE)?;
            }
            changes.commit()?;
            Ok(gone)
        };
        let result = work();
        if result.is_err() {
            self.counted = before;
        }
        result
    }

    fn end_of_removal(&mut self, long: Long, gone: Vec<MessageId>) {
        let happened = match long.removal {
            Removal::UpTo(last) => Some(Happened::RemovedUpTo(last)),
            _ if gone.is_empty() => None,
            Removal::OlderThan(_) | Removal::Ids(_) => Some(Happened::Removed(gone)),
        };
        if matches!(long.removal, Removal::OlderThan(_)) {
            self.pruned += long.removed;
        }
        self.gauge.set(&self.counted, self.pruned);
        if let Some(happened) = happened {
            (self.tell)(happened);
        }
        self.gauge.set_untold(false);
        let _ = long.word.send(Ok(long.removed));
        if self.counted.messages == 0 && long.removed > 0 {
            // An empty file gives its room back at once; a full one uses it again.
            let give_back = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)";
            if let Err(error) = self.connection.execute_batch(give_back) {
                tracing::debug!(%error, "the file keeps its size");
            }
        }
    }

    fn write_sessions(&mut self) {
        if self.sessions.is_empty() {
            return;
        }
        if let Err(error) = self.transaction(&[]) {
            tracing::error!(%error, "the transcripts of ended sessions could not be kept");
            self.forget_sessions();
        }
    }
}

/// Gives the word that somebody waits for; who is gone by then needs none.
fn answer(order: Order, done: Done) {
    match (order, done) {
        (Order::Keep(keep), Done::Kept(id)) => {
            let Keep { arrival, bytes, word, .. } = *keep;
            let _ = word.send(Ok(Message::new(id, arrival, bytes)));
        }
        (Order::Remove(_, word), Done::Removed(ids)) => drop(word.send(Ok(ids.len() as u64))),
        (Order::Mark(_, _, word), _) => drop(word.send(Ok(()))),
        _ => {}
    }
}

fn refuse(order: Order, error: &StoreError) {
    // Whoever gave the order may be gone.
    match order {
        Order::Keep(keep) => drop(keep.word.send(Err(error.clone()))),
        Order::Remove(_, word) => drop(word.send(Err(error.clone()))),
        Order::Mark(_, _, word) => drop(word.send(Err(error.clone()))),
        _ => {}
    }
}
