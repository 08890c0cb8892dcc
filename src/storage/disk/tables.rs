//! Changes to the tables, several in one transaction, and what each of them came to.

use super::body::Coded;
use super::open::connect;
use crate::mail::MessageId;
use crate::storage::backend::Removal;
use crate::storage::{Bounds, Marks, SessionRecord, StoreError};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, params};
use std::collections::BTreeSet;
use std::path::Path;
use time::OffsetDateTime;

/// Sessions' numbers are promised in blocks: those of a block that is not used up when the process
/// is killed are never given again.
const BLOCK: i64 = 1000;

/// What is counted, in memory and in the table `state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) messages: i64,
    pub(super) octets: i64,
    pub(super) sessions: i64,
    pub(super) session_octets: i64,
    /// The number of the last message.
    pub(super) last: i64,
    /// No session with this number or a higher one was ever begun.
    pub(super) session_end: i64,
}

pub(super) fn sql_id(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

pub(super) fn nanoseconds(time: OffsetDateTime) -> i64 {
    let nanoseconds = time.unix_timestamp_nanos();
    // 1677 to 2262 can be written; what lies beyond is as near as can be.
    let nearest = if nanoseconds < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(nanoseconds).unwrap_or(nearest)
}

/// What a failure of SQLite means to whoever asked.
pub(in crate::storage) fn failed(error: &rusqlite::Error) -> StoreError {
    /// The shared memory beside the file cannot grow (SQLITE_IOERR_SHMSIZE).
    const NO_ROOM_BESIDE: i32 = 4874;
    let no_room = error.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::DiskFull || error.extended_code == NO_ROOM_BESIDE
    });
    if no_room { StoreError::Full } else { StoreError::Failed(format!("the data folder: {error}")) }
}

/// Reads what is counted, and begins a new run: its number, and that of the run before.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<(Counted, i64, i64)> {
    let state = |key: &str| {
        let sql = "SELECT value FROM state WHERE key = ?";
        connection.query_row(sql, [key], |row| row.get::<_, i64>(0)).optional()
    };
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'message'";
    let last = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    let mut counted = Counted {
        messages: state("messages")?.unwrap_or(0),
        octets: state("octets")?.unwrap_or(0),
        sessions: state("sessions")?.unwrap_or(0),
        session_octets: state("session_octets")?.unwrap_or(0),
        last: last.unwrap_or(0),
        session_end: state("session_end")?.unwrap_or(1),
    };
    let run = state("run")?.unwrap_or(0);
    let first_session = counted.session_end;
    counted.session_end += BLOCK;
    connection.execute(
        "INSERT OR REPLACE INTO state VALUES ('run', ?), ('session_end', ?)",
        params![run + 1, counted.session_end],
    )?;
    Ok((Counted { session_end: first_session, ..counted }, run, run + 1))
}

/// A transaction in progress.
pub(super) struct Changes<'a> {
    transaction: Transaction<'a>,
    counted: &'a mut Counted,
    before: Counted,
    bounds: &'a Bounds,
}

impl<'a> Changes<'a> {
    pub(super) fn begin(
        connection: &'a mut Connection,
        counted: &'a mut Counted,
        bounds: &'a Bounds,
    ) -> rusqlite::Result<Self> {
        let before = *counted;
        let transaction = connection.transaction()?;
        Ok(Self { transaction, counted, before, bounds })
    }

    /// Writes the counts, and waits until all is on the disk.
    pub(super) fn commit(self) -> rusqlite::Result<()> {
        let now = *self.counted;
        for (key, before, now) in [
            ("messages", self.before.messages, now.messages),
            ("octets", self.before.octets, now.octets),
            ("sessions", self.before.sessions, now.sessions),
            ("session_octets", self.before.session_octets, now.session_octets),
            ("session_end", self.before.session_end, now.session_end),
        ] {
            if before != now {
                let sql = "INSERT OR REPLACE INTO state VALUES (?, ?)";
                self.transaction.prepare_cached(sql)?.execute(params![key, now])?;
            }
        }
        self.transaction.commit()
    }

    /// Inserts a message under the next number.
    pub(super) fn keep(
        &mut self,
        received_at: i64,
        size: usize,
        arrival: &str,
        body: &Coded,
    ) -> rusqlite::Result<i64> {
        let id = self.counted.last + 1;
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let sql = "INSERT INTO message VALUES (?, ?, ?, ?)";
        self.transaction.prepare_cached(sql)?.execute(params![id, received_at, size, arrival])?;
        let sql = "INSERT INTO body VALUES (?, ?, ?)";
        self.transaction.prepare_cached(sql)?.execute(params![id, body.coding, body.value()])?;
        self.counted.last = id;
        self.counted.messages += 1;
        self.counted.octets += size + i64::try_from(arrival.len()).unwrap_or(i64::MAX);
        Ok(id)
    }

    /// Removes one message; false where it is not there.
    fn remove(&mut self, id: i64) -> rusqlite::Result<bool> {
        let sql = "DELETE FROM message WHERE id = ? RETURNING size + octet_length(arrival)";
        let mut statement = self.transaction.prepare_cached(sql)?;
        let octets = statement.query_row([id], |row| row.get::<_, i64>(0)).optional()?;
        drop(statement);
        let Some(octets) = octets else { return Ok(false) };
        for sql in ["DELETE FROM body WHERE id = ?", "DELETE FROM mark WHERE id = ?"] {
            self.transaction.prepare_cached(sql)?.execute([id])?;
        }
        self.counted.messages -= 1;
        self.counted.octets -= octets;
        Ok(true)
    }

    pub(super) fn remove_ids(&mut self, ids: &[MessageId]) -> rusqlite::Result<Vec<MessageId>> {
        let mut gone = Vec::new();
        for id in ids {
            if self.remove(sql_id(id.get()))? {
                gone.push(*id);
            }
        }
        Ok(gone)
    }

    /// Removes the first messages of a removal, oldest first; fewer than `limit` where no more are
    /// left.
    pub(super) fn remove_some(
        &mut self,
        removal: &Removal,
        limit: i64,
    ) -> rusqlite::Result<Vec<MessageId>> {
        let bound = match removal {
            Removal::Ids(ids) => return self.remove_ids(ids),
            Removal::UpTo(last) => sql_id(last.get()),
            // They lie in the order in which they came: the first that is young ends it.
            Removal::OlderThan(time) => {
                let sql = "SELECT id FROM (SELECT id, received_at FROM message ORDER BY id LIMIT ?)\
                    WHERE received_at >= ? ORDER BY id LIMIT 1";
                let mut statement = self.transaction.prepare_cached(sql)?;
                let bounds = [limit, nanoseconds(*time)];
                let young = statement.query_row(bounds, |row| row.get::<_, i64>(0));
                young.optional()?.map_or(i64::MAX, |id| id - 1)
            }
        };
        self.remove_oldest(bound, limit)
    }

    fn remove_oldest(&mut self, last: i64, limit: i64) -> rusqlite::Result<Vec<MessageId>> {
        let sql = "SELECT id FROM message WHERE id <= ? ORDER BY id LIMIT ?";
        let mut statement = self.transaction.prepare_cached(sql)?;
        let ids = statement.query_map([last, limit], |row| row.get::<_, i64>(0))?;
        let ids = ids.collect::<rusqlite::Result<Vec<_>>>()?;
        drop(statement);
        let ids: Vec<_> =
            ids.into_iter().filter_map(|id| MessageId::new(id.cast_unsigned())).collect();
        self.remove_ids(&ids)
    }

    /// Removes the oldest messages beyond the bounds, at most so many.
    pub(super) fn prune(&mut self, limit: usize) -> rusqlite::Result<Vec<MessageId>> {
        let mut gone = Vec::new();
        while gone.len() < limit && self.is_over_bounds() {
            let next = self.remove_oldest(i64::MAX, 1)?;
            if next.is_empty() {
                break;
            }
            gone.extend(next);
        }
        Ok(gone)
    }

    pub(super) fn is_over_bounds(&self) -> bool {
        is_over(self.counted, self.bounds)
    }

    pub(super) fn mark(&mut self, ids: &[MessageId], marks: &Marks) -> rusqlite::Result<()> {
        for id in ids {
            let id = sql_id(id.get());
            let there = "SELECT 1 FROM message WHERE id = ?";
            let mut statement = self.transaction.prepare_cached(there)?;
            if !statement.exists([id])? {
                continue;
            }
            let sql = "SELECT is_read, tags FROM mark WHERE id = ?";
            let mut statement = self.transaction.prepare_cached(sql)?;
            let before = statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)));
            let (was_read, tags): (bool, String) = before.optional()?.unwrap_or_default();
            let tags: BTreeSet<String> = serde_json::from_str(&tags).unwrap_or_default();
            let (is_read, tags) = (marks.read.unwrap_or(was_read), marks.applied_to(&tags));
            if !is_read && tags.is_empty() {
                let sql = "DELETE FROM mark WHERE id = ?";
                self.transaction.prepare_cached(sql)?.execute([id])?;
            } else {
                let tags = serde_json::to_string(&tags).unwrap_or_default();
                let sql = "INSERT OR REPLACE INTO mark VALUES (?, ?, ?)";
                self.transaction.prepare_cached(sql)?.execute(params![id, is_read, tags])?;
            }
        }
        Ok(())
    }

    /// Keeps a session, and forgets the oldest beyond the bounds.
    pub(super) fn keep_session(&mut self, session: &SessionRecord) -> rusqlite::Result<()> {
        let id = sql_id(session.id.get());
        let record = write_session(session);
        let ended_at = nanoseconds(session.ended_at.unwrap_or(session.connected_at));
        // One that has changed after its end takes the place of what was written.
        self.forget_session(
            "DELETE FROM session WHERE id = ? RETURNING octet_length(record)",
            [id],
        )?;
        let sql = "INSERT OR IGNORE INTO session VALUES (?, ?, ?)";
        let added = self.transaction.prepare_cached(sql)?.execute(params![id, ended_at, record])?;
        if added > 0 {
            self.counted.sessions += 1;
            self.counted.session_octets += i64::try_from(record.len()).unwrap_or(i64::MAX);
        }
        self.promise_sessions(id);
        while self.counted.sessions > sql_id(self.bounds.sessions as u64)
            || self.counted.session_octets > sql_id(self.bounds.session_bytes)
        {
            let sql = "DELETE FROM session WHERE id = \
                (SELECT id FROM session ORDER BY ended_at, id LIMIT 1) \
                RETURNING octet_length(record)";
            if !self.forget_session(sql, [])? {
                break;
            }
        }
        Ok(())
    }

    /// Forgets sessions that ended before that time, at most so many.
    pub(super) fn remove_old_sessions(
        &mut self,
        limit: OffsetDateTime,
        most: usize,
    ) -> rusqlite::Result<usize> {
        let sql = "DELETE FROM session WHERE id = \
            (SELECT id FROM session ORDER BY ended_at, id LIMIT 1) \
            AND ended_at < ? RETURNING octet_length(record)";
        for gone in 0..most {
            if !self.forget_session(sql, [nanoseconds(limit)])? {
                return Ok(gone);
            }
        }
        Ok(most)
    }

    fn forget_session(
        &mut self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> rusqlite::Result<bool> {
        let mut statement = self.transaction.prepare_cached(sql)?;
        let octets = statement.query_row(values, |row| row.get::<_, i64>(0)).optional()?;
        drop(statement);
        let Some(octets) = octets else { return Ok(false) };
        self.counted.sessions -= 1;
        self.counted.session_octets -= octets;
        Ok(true)
    }

    /// Makes sure that this session's number is not given again.
    pub(super) fn promise_sessions(&mut self, id: i64) {
        if id + BLOCK / 2 > self.counted.session_end {
            self.counted.session_end = id + BLOCK;
        }
    }
}

pub(super) fn is_over(counted: &Counted, bounds: &Bounds) -> bool {
    counted.messages > sql_id(bounds.messages as u64)
        || counted.octets > sql_id(bounds.message_bytes)
}

fn write_session(session: &SessionRecord) -> Vec<u8> {
    let json = serde_json::to_vec(session).unwrap_or_default();
    // The fastest level: transcripts are words that come again and again.
    zstd::bulk::compress(&json, 1).unwrap_or_default()
}

/// Reads what [`Changes::keep_session`] has written.
pub(super) fn read_session(record: &[u8]) -> Result<SessionRecord, StoreError> {
    let failed = |error: String| StoreError::Failed(format!("a session cannot be read: {error}"));
    let json = zstd::stream::decode_all(record).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&json).map_err(|error| failed(error.to_string()))
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}
