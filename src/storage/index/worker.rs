//! The thread that feeds the index: it takes what happened, in order, reads the messages, and
//! writes many in one transaction.

use super::compile::Kind;
use super::leisure::{Effort, Pace};
use super::schema::Place;
use super::write::{Changes, sql_id};
use super::{Job, Progress, priority, schema};
use crate::mail::MessageId;
use crate::mime::Searchable;
use crate::storage::backend::{Backend, Marked};
use crate::storage::backlog::Backlog;
use crate::storage::{InboxBy, Marks, Message};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Jobs that are done in one transaction: as many as readers in memory can wait for.
pub(super) const TOGETHER: usize = 256;
/// The same where more than those wait: whoever asks waits for all of them, and an index of large pieces has less to merge.
const MANY: usize = 4096;
/// Octets of messages that are in memory for one transaction.
const OCTETS: usize = 4 << 20;
/// Names of messages that are compared at a time.
const COMPARED: usize = 10_000;
/// Messages that are taken in again, rather than all others removed one by one.
const FEW: usize = 1000;
/// Messages that are removed in one transaction.
const PIECE: usize = 500;
/// How long to wait before it is tried again to take in what could not be.
const RETRY: Duration = Duration::from_secs(1);

pub(super) struct Worker {
    pub(super) connection: Connection,
    pub(super) place: Place,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) inbox_by: InboxBy,
    pub(super) progress: Arc<Progress>,
    /// Jobs that were sent.
    pub(super) sent: Arc<AtomicU64>,
    /// What they will need on the disk.
    pub(super) backlog: Arc<Backlog>,
    /// Told after every step that a reader can see.
    pub(super) advanced: Box<dyn Fn() + Send>,
    /// Whether somebody waits for the next step.
    pub(super) is_awaited: Box<dyn Fn() -> bool + Send>,
    /// How quickly jobs come.
    pub(super) pace: Pace,
    /// How long it takes to take them in.
    pub(super) effort: Effort,
    /// Whether something could not be taken in.
    pub(super) is_ill: bool,
    /// When it was last tried to mend that.
    pub(super) tried: Instant,
}

/// A change that is ready to be written.
enum Ready {
    Add(Message, Box<Searchable>),
    Remove(Vec<MessageId>),
    Clear,
    Mark(Vec<MessageId>, Marks),
}

impl Ready {
    /// Gives a message these marks, whatever it has.
    fn of_marks(Marked { id, is_read, tags }: Marked) -> Self {
        let marks = Marks { read: Some(is_read), tags: Some(tags), ..Marks::default() };
        Self::Mark(vec![id], marks)
    }
}

impl Worker {
    /// Works until it is told to stop.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        priority::yield_to_the_doors();
        loop {
            let first = if self.is_ill {
                match jobs.recv_timeout(RETRY) {
                    Ok(job) => Some(job),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            } else {
                match jobs.recv() {
                    Ok(job) => Some(job),
                    Err(_) => return,
                }
            };
            if self.is_out_of_time() {
                return;
            }
            // Comparing, removing everything and stopping are not made cheaper by company.
            if matches!(first, Some(Job::Add(..) | Job::Remove(_) | Job::Mark(..))) {
                self.gather();
            }
            let began = priority::time_worked();
            let mut stop = None;
            let mut ready = Vec::new();
            let (mut taken, mut octets, mut counted, mut read) = (0, 0, 0, 0);
            let most = if self.waiting() > MANY as u64 { MANY } else { TOGETHER };
            let mut next = first;
            while let Some(job) = next.take() {
                taken += 1;
                match job {
                    Job::Stop(run) => {
                        stop = Some(run);
                        break;
                    }
                    Job::Compare => {
                        self.write(std::mem::take(&mut ready));
                        self.compare();
                    }
                    Job::Add(id, size) => {
                        counted += Backlog::of_message(size);
                        if let Some(add) = self.read(id) {
                            octets += size;
                            read += Backlog::of_message(size);
                            ready.push(add);
                        }
                    }
                    Job::Remove(ids) => ready.push(Ready::Remove(ids)),
                    Job::RemoveUpTo(id) => {
                        self.write(std::mem::take(&mut ready));
                        if let Err(error) = self.remove_up_to(id) {
                            self.failed(&schema::told(
                                &self.place,
                                "the index could not remove messages",
                                &error,
                            ));
                        }
                    }
                    Job::Mark(ids, marks) => ready.push(Ready::Mark(ids, marks)),
                }
                if taken < most && octets < OCTETS {
                    next = jobs.try_recv().ok();
                }
            }
            self.write(ready);
            if let (Some(began), Some(now)) = (began, priority::time_worked()) {
                self.effort.took(read, now.saturating_sub(began));
            }
            self.heal();
            self.progress.advance(taken as u64);
            self.backlog.take(counted, self.waiting() == 0);
            (self.advanced)();
            if let Some(run) = stop {
                self.end(run);
                return;
            }
        }
    }

    /// Jobs that are not done.
    pub(super) fn waiting(&self) -> u64 {
        self.sent.load(Ordering::SeqCst).saturating_sub(self.progress.state().done)
    }

    /// Reads a message. One that is gone already need not be found.
    fn read(&mut self, id: MessageId) -> Option<Ready> {
        match self.backend.get(id) {
            Ok(message) => message.map(|message| {
                let is_null = message.arrival().has_null_reverse_path();
                let content = Searchable::of(message.bytes()).with_null_reverse_path(is_null);
                Ready::Add(message, Box::new(content))
            }),
            Err(error) => {
                self.failed(&format!("message {id} cannot be read for the index: {error}"));
                None
            }
        }
    }

    /// Writes changes in one transaction; where that fails, one by one, so that a single one that
    /// cannot be written does not keep the others out.
    fn write(&mut self, ready: Vec<Ready>) {
        // What is missing already is found when all is compared, so nothing more is tried here.
        if ready.is_empty() || self.is_ill {
            return;
        }
        let Err(error) = self.transaction(&ready) else { return };
        if let [_] = ready.as_slice() {
            let what = "the index could not take in a change";
            return self.failed(&schema::told(&self.place, what, &error));
        }
        for change in ready {
            self.write(vec![change]);
        }
    }

    fn transaction(&mut self, ready: &[Ready]) -> rusqlite::Result<()> {
        // In memory nobody may read while this writes; files have snapshots instead.
        let _alone = match self.place {
            Place::Memory(_) => {
                Some(self.progress.gate.write().unwrap_or_else(PoisonError::into_inner))
            }
            Place::File(_) => None,
        };
        let mut changes = Changes::begin(&mut self.connection, &self.inbox_by)?;
        for change in ready {
            match change {
                Ready::Add(message, content) => changes.add(message, content)?,
                Ready::Remove(ids) => {
                    for id in ids {
                        changes.remove(*id)?;
                    }
                }
                Ready::Clear => changes.clear()?,
                Ready::Mark(ids, marks) => {
                    for id in ids {
                        changes.mark(*id, marks)?;
                    }
                }
            }
        }
        changes.commit()?;
        if ready.iter().any(|change| matches!(change, Ready::Clear)) {
            self.place.shrink(&self.connection);
        }
        Ok(())
    }

    /// Removes all up to this one. Where few are newer, everything goes, and these are taken in
    /// again in the same transaction; else it is done in pieces.
    fn remove_up_to(&mut self, last: MessageId) -> rusqlite::Result<()> {
        let named = |connection: &Connection, sql: &str, limit: usize| {
            let mut statement = connection.prepare_cached(sql)?;
            let bounds = [sql_id(last), i64::try_from(limit).unwrap_or(i64::MAX)];
            let ids = statement.query_map(bounds, |row| row.get::<_, i64>(0))?;
            let names = ids.map(|id| id.map(|id| MessageId::new(id.cast_unsigned())));
            names.filter_map(Result::transpose).collect::<rusqlite::Result<Vec<_>>>()
        };
        let newer = "SELECT id FROM message WHERE id > ? LIMIT ?";
        let newer = named(&self.connection, newer, FEW + 1)?;
        // They are in memory for one transaction.
        let sizes = "SELECT coalesce(sum(size), 0) FROM message WHERE id > ?";
        let octets: i64 = self.connection.query_row(sizes, [sql_id(last)], |row| row.get(0))?;
        if newer.len() <= FEW && octets.unsigned_abs() <= OCTETS as u64 {
            let marked = self.marked()?.into_iter().filter(|marked| marked.id > last);
            let marks: Vec<_> = marked.map(Ready::of_marks).collect();
            let mut ready = vec![Ready::Clear];
            for id in newer {
                ready.extend(self.read(id));
            }
            ready.extend(marks);
            self.write(ready);
            return Ok(());
        }
        loop {
            let older = "SELECT id FROM message WHERE id <= ? LIMIT ?";
            let older = named(&self.connection, older, PIECE)?;
            if older.is_empty() || self.is_ill {
                return Ok(());
            }
            self.write(vec![Ready::Remove(older)]);
        }
    }

    /// An index that lacks something says so to whoever asks, instead of finding less.
    fn failed(&mut self, text: &str) {
        if self.progress.failure().is_none() {
            tracing::error!("{text}; searches are refused until it can, which is tried again");
            self.tried = Instant::now();
        }
        self.is_ill = true;
        self.progress.set_failure(Some(text));
    }

    /// Tries again, now and then, where something could not be taken in.
    fn heal(&mut self) {
        if self.is_ill && self.tried.elapsed() >= RETRY {
            self.tried = Instant::now();
            self.compare();
            if !self.is_ill {
                tracing::info!("the index is whole again");
            }
        }
    }

    /// Brings the index in line with the backend: after a crash, where it is new, or where
    /// something could not be taken in.
    fn compare(&mut self) {
        let was_ill = std::mem::take(&mut self.is_ill);
        let result = self.compare_messages().and_then(|changed| {
            // In memory the index itself is where marks are kept.
            if let Place::File(_) = self.place {
                self.compare_marks()?;
            }
            Ok(changed)
        });
        match result {
            Ok(_) if self.is_ill => {}
            Ok(changed) => {
                self.progress.set_failure(None);
                if changed > 0 && !was_ill {
                    tracing::info!(changed, "the index is in line with the messages again");
                }
            }
            Err(error) => {
                self.failed(&format!("the index could not be brought in line: {error}"));
            }
        }
    }

    /// Both lists of names are walked downwards, a piece at a time.
    fn compare_messages(&mut self) -> Result<usize, String> {
        let mut before = None;
        let mut changed = 0;
        loop {
            let there = self.backend.newest(before, COMPARED).map_err(|error| error.to_string())?;
            let floor = there.last().copied();
            let known = self.known(before, floor).map_err(|error| error.to_string())?;
            let there: BTreeSet<_> = there.into_iter().collect();
            let gone: Vec<_> = known.difference(&there).copied().collect();
            let missing: Vec<_> = there.difference(&known).copied().collect();
            changed += gone.len() + missing.len();
            self.write(vec![Ready::Remove(gone)]);
            let mut missing = missing.into_iter().peekable();
            while missing.peek().is_some() {
                let (mut ready, mut octets) = (Vec::new(), 0);
                while ready.len() < TOGETHER && octets < OCTETS {
                    let Some(id) = missing.next() else { break };
                    let add = self.read(id);
                    if let Some(Ready::Add(message, _)) = &add {
                        octets += message.bytes().len();
                    }
                    ready.extend(add);
                }
                self.write(ready);
                if self.is_ill {
                    return Ok(changed);
                }
                if self.progress.stopping_for().is_some() {
                    return Err("doorpost stops, the next start goes on".into());
                }
                (self.advanced)();
            }
            match floor {
                Some(floor) => before = Some(floor),
                None => return Ok(changed),
            }
        }
    }

    /// The names that the index has below `before` down to `floor`.
    fn known(
        &self,
        before: Option<MessageId>,
        floor: Option<MessageId>,
    ) -> rusqlite::Result<BTreeSet<MessageId>> {
        let sql = "SELECT id FROM message WHERE id < ? AND id >= ?";
        let mut statement = self.connection.prepare_cached(sql)?;
        let bounds = [before.map_or(i64::MAX, sql_id), floor.map_or(0, sql_id)];
        let ids = statement.query_map(bounds, |row| row.get::<_, i64>(0))?;
        let names = ids.map(|id| id.map(|id| MessageId::new(id.cast_unsigned())));
        names.filter_map(Result::transpose).collect()
    }

    fn compare_marks(&mut self) -> Result<(), String> {
        let wanted = self.backend.marked().map_err(|error| error.to_string())?;
        let known = self.marked().map_err(|error| error.to_string())?;
        let named: BTreeSet<_> = wanted.iter().map(|marked| marked.id).collect();
        let unmarked = known.iter().filter(|marked| !named.contains(&marked.id));
        let unmarked = unmarked
            .map(|marked| Marked { id: marked.id, is_read: false, tags: Vec::new() })
            .collect::<Vec<_>>();
        let differ = wanted.into_iter().filter(|marked| !known.contains(marked)).chain(unmarked);
        self.write(differ.map(Ready::of_marks).collect());
        Ok(())
    }

    /// The marks that the index has.
    fn marked(&self) -> rusqlite::Result<BTreeSet<Marked>> {
        let mut ids = self.connection.prepare(
            "SELECT id, is_read FROM message WHERE is_read = 1 UNION \
            SELECT id, is_read FROM message WHERE id IN (SELECT message FROM member \
                WHERE name IN (SELECT id FROM name WHERE kind = ?))",
        )?;
        let mut tags = self.connection.prepare(
            "SELECT name.name FROM member JOIN name ON name.id = member.name \
            WHERE member.message = ? AND kind = ? ORDER BY name.name",
        )?;
        let mut marked = BTreeSet::new();
        let mut rows = ids.query([Kind::Tag as i64])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let tags = tags.query_map([id, Kind::Tag as i64], |row| row.get(0))?;
            let tags = tags.collect::<rusqlite::Result<_>>()?;
            if let Some(id) = MessageId::new(id.cast_unsigned()) {
                marked.insert(Marked { id, is_read: row.get(1)?, tags });
            }
        }
        Ok(marked)
    }

    /// Notes that the index knows everything of a run, so that the next one need not compare.
    fn end(self, run: Option<i64>) {
        if let Some(run) = run.filter(|_| !self.is_ill) {
            let sql = "INSERT OR REPLACE INTO state VALUES ('whole', ?)";
            if let Err(error) = self.connection.execute(sql, [run]) {
                tracing::warn!(%error, "the index could not be closed well, it will be compared");
            }
        }
    }
}

/// The run of which an index knows everything; none where it was not closed well. Asking takes the
/// note away: from now on it is not closed.
pub(super) fn take_whole(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT value FROM state WHERE key = 'whole'";
    let run = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    connection.execute("DELETE FROM state WHERE key = 'whole'", [])?;
    Ok(run)
}
