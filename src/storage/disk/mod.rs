//! Messages and sessions in a folder on a disk.
//!
//! A message is kept when it is on the disk (fsync), and not before: [`Backend::keep`] answers then.
//! One thread writes ([`writer`]), everybody may read at any time. Refuses what [`open`] says.

mod body;
mod gauge;
mod open;
mod record;
mod tables;
mod writer;

pub(in crate::storage) use open::{INDEX, Kind, create_private};
pub use open::{OpenError, announced, has_mail};
pub(in crate::storage) use tables::failed;

use super::backend::{Backend, EndedSession, Keeping, Marked, Removal, StoreError, Tell, Usage};
use super::backlog::Backlog;
use super::{Arrival, Bounds, Marks, Message, SessionRecord};
use crate::mail::{MessageId, SessionId};
use body::Coded;
use bytes::Bytes;
use gauge::Gauge;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tables::sql_id;
use time::OffsetDateTime;
use tokio::sync::oneshot;
use writer::{Keep, Order, Writer};

/// Larger messages are made ready on a thread that may take its time.
const LARGE: usize = 256 * 1024;
/// Connections that are kept for the next who reads.
const IDLE_READERS: usize = 8;

/// A data folder that is open.
pub(super) struct Disk {
    path: PathBuf,
    orders: Sender<Order>,
    gauge: Arc<Gauge>,
    largest: u64,
    readers: Mutex<Vec<Connection>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    first_session: SessionId,
    runs: (Option<i64>, Option<i64>),
    /// Held as long as anything here may be written.
    lock: open::Lock,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "data in {}", self.path.display())
    }
}

impl Disk {
    pub(super) fn open(
        folder: &Path,
        bounds: &Bounds,
        tell: Tell,
        backlog: Arc<Backlog>,
    ) -> Result<Self, OpenError> {
        let opened = open::open(folder)?;
        let open::Opened { lock, path, connection } = opened;
        let refused = |error: String| OpenError::Refused { path: path.clone(), error };
        let (counted, last_run, run) =
            tables::begin(&connection).map_err(|error| refused(error.to_string()))?;
        let first_session = u64::try_from(counted.session_end).ok().and_then(SessionId::new);
        let first_session =
            first_session.ok_or_else(|| refused("its count of sessions is damaged".to_owned()))?;
        let gauge = Arc::new(Gauge::default());
        gauge.set(&counted, 0);
        let (orders, receiver) = mpsc::channel();
        let writer = Writer {
            connection,
            folder: folder.to_owned(),
            counted,
            bounds: *bounds,
            tell,
            backlog,
            gauge: Arc::clone(&gauge),
            pruned: 0,
            sessions: VecDeque::new(),
            waiting_since: None,
            long: VecDeque::new(),
        };
        let thread = std::thread::Builder::new().name("disk".into());
        let thread = thread.spawn(move || writer.run(&receiver));
        let thread = thread.map_err(|error| refused(error.to_string()))?;
        Ok(Self {
            path,
            orders,
            gauge,
            largest: bounds.message_bytes,
            readers: Mutex::default(),
            thread: Mutex::new(Some(thread)),
            first_session,
            runs: (Some(last_run), Some(run)),
            lock,
        })
    }

    /// The number of the next session: none of an earlier run comes again.
    pub(super) fn first_session(&self) -> SessionId {
        self.first_session
    }

    /// The number of the run before, and of this one.
    pub(super) fn runs(&self) -> (Option<i64>, Option<i64>) {
        self.runs
    }

    /// Reads with a connection of its own: nobody waits for anybody.
    fn read<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = idle.map_or_else(|| tables::reader(&self.path), Ok);
        let reader = reader.map_err(|error| failed(&error))?;
        let answer = question(&reader).map_err(|error| failed(&error));
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < IDLE_READERS {
            readers.push(reader);
        }
        answer
    }

    fn closed() -> StoreError {
        StoreError::Failed("the store is closed".into())
    }
}

/// What is in a row, or why it cannot be read.
fn arrival_of(id: MessageId, text: &str, received_at: i64) -> Result<Arrival, StoreError> {
    let time = OffsetDateTime::from_unix_timestamp_nanos(received_at.into());
    let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    record::read(text, time)
        .map_err(|error| StoreError::Failed(format!("message {id} cannot be read: {error}")))
}

impl Backend for Disk {
    fn keep(&self, arrival: Arrival, bytes: Bytes) -> Keeping {
        let written = record::write(&arrival);
        if (bytes.len() + written.len()) as u64 > self.largest {
            return Keeping::Done(Err(StoreError::Full));
        }
        let (word, answer) = oneshot::channel();
        let orders = self.orders.clone();
        let arrival = Arc::new(arrival);
        let is_large = bytes.len() > LARGE;
        let hand_over = move || {
            let body = Coded::new(&bytes);
            let keep = Keep { arrival, written, bytes, body, word };
            // Where nobody takes orders any more, the word is dropped with the order, which says so.
            let _ = orders.send(Order::Keep(Box::new(keep)));
        };
        if is_large && tokio::runtime::Handle::try_current().is_ok() {
            tokio::task::spawn_blocking(hand_over);
        } else {
            hand_over();
        }
        Keeping::Later(answer)
    }

    fn get(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        let sql = "SELECT arrival, received_at, size, coding, octets \
            FROM message JOIN body USING (id) WHERE id = ?";
        let row = self.read(|reader| {
            let mut statement = reader.prepare_cached(sql)?;
            let row = statement.query_row([sql_id(id.get())], |row| {
                let text = row.get::<_, String>(0)?;
                let size = row.get::<_, i64>(2)?.unsigned_abs();
                let octets = body::decode(row.get(3)?, row.get_ref(4)?.as_blob()?, size);
                Ok((text, row.get(1)?, octets))
            });
            row.optional()
        })?;
        let Some((text, received_at, octets)) = row else { return Ok(None) };
        let octets = octets
            .map_err(|error| StoreError::Failed(format!("message {id} cannot be read: {error}")))?;
        let arrival = arrival_of(id, &text, received_at)?;
        Ok(Some(Message::new(id, Arc::new(arrival), octets)))
    }

    fn arrival(&self, id: MessageId) -> Result<Option<(Arc<Arrival>, u64)>, StoreError> {
        let sql = "SELECT arrival, received_at, size FROM message WHERE id = ?";
        let row = self.read(|reader| {
            let mut statement = reader.prepare_cached(sql)?;
            let row = statement.query_row([sql_id(id.get())], |row| {
                let size = row.get::<_, i64>(2)?.unsigned_abs();
                Ok((row.get::<_, String>(0)?, row.get(1)?, size))
            });
            row.optional()
        })?;
        let Some((text, received_at, size)) = row else { return Ok(None) };
        Ok(Some((Arc::new(arrival_of(id, &text, received_at)?), size)))
    }

    fn newest(
        &self,
        before: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<MessageId>, StoreError> {
        let before = before.map_or(i64::MAX, |id| sql_id(id.get()));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|reader| {
            let sql = "SELECT id FROM message WHERE id < ? ORDER BY id DESC LIMIT ?";
            let mut statement = reader.prepare_cached(sql)?;
            let ids = statement.query_map(params![before, limit], |row| row.get::<_, i64>(0))?;
            let names = ids.map(|id| id.map(|id| MessageId::new(id.cast_unsigned())));
            names.filter_map(Result::transpose).collect()
        })
    }

    fn last(&self) -> Option<MessageId> {
        self.gauge.last()
    }

    fn remove(&self, removal: &Removal) -> Result<u64, StoreError> {
        let (word, answer) = sync_channel(1);
        let order = Order::Remove(removal.clone(), word);
        self.orders.send(order).map_err(|_| Self::closed())?;
        answer.recv().unwrap_or_else(|_| Err(Self::closed()))
    }

    fn mark(&self, ids: &[MessageId], marks: &Marks) -> Result<(), StoreError> {
        let (word, answer) = sync_channel(1);
        let order = Order::Mark(ids.to_vec(), marks.clone(), word);
        self.orders.send(order).map_err(|_| Self::closed())?;
        answer.recv().unwrap_or_else(|_| Err(Self::closed()))
    }

    fn marked(&self) -> Result<Vec<Marked>, StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare("SELECT id, is_read, tags FROM mark")?;
            let rows = statement.query_map([], |row| {
                let tags: String = row.get(2)?;
                let tags = serde_json::from_str(&tags).unwrap_or_default();
                let id = MessageId::new(row.get::<_, i64>(0)?.cast_unsigned());
                let is_read = row.get(1)?;
                Ok(id.map(|id| Marked { id, is_read, tags }))
            })?;
            rows.filter_map(Result::transpose).collect()
        })
    }

    fn keep_session(&self, session: EndedSession) {
        // Where nobody takes orders any more, the process is at its end.
        let _ = self.orders.send(Order::Session(session));
    }

    fn session(&self, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        let record = self.read(|reader| {
            let mut statement = reader.prepare_cached("SELECT record FROM session WHERE id = ?")?;
            statement.query_row([sql_id(id.get())], |row| row.get::<_, Vec<u8>>(0)).optional()
        })?;
        record.map(|record| tables::read_session(&record)).transpose()
    }

    fn sessions(
        &self,
        before: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let before = before.map_or(i64::MAX, |id| sql_id(id.get()));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let records = self.read(|reader| {
            let sql = "SELECT record FROM session WHERE id < ? ORDER BY id DESC LIMIT ?";
            let mut statement = reader.prepare_cached(sql)?;
            let records = statement.query_map(params![before, limit], |row| row.get(0))?;
            records.collect::<rusqlite::Result<Vec<Vec<u8>>>>()
        })?;
        records.iter().map(|record| tables::read_session(record)).collect()
    }

    fn session_names(&self) -> Result<Vec<SessionId>, StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached("SELECT id FROM session")?;
            let ids = statement.query_map([], |row| row.get::<_, i64>(0))?;
            let names = ids.map(|id| id.map(|id| SessionId::new(id.cast_unsigned())));
            names.filter_map(Result::transpose).collect()
        })
    }

    fn announce(&self, server: &str, token: Option<&str>) {
        self.lock.announce(server, token);
    }

    fn usage(&self) -> Usage {
        self.gauge.usage()
    }

    fn close(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = self.orders.send(Order::Close);
            // It panics only by a mistake of ours, which it has reported by then.
            let _ = thread.join();
        }
        self.gauge.is_told()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::super::testing::arrival;
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn opened() -> (tempfile::TempDir, Disk, Arc<AtomicU64>) {
        let folder = tempfile::tempdir().unwrap();
        let told = Arc::new(AtomicU64::new(0));
        let tell: Tell = Arc::new({
            let told = Arc::clone(&told);
            move |_| {
                told.fetch_add(1, Ordering::SeqCst);
            }
        });
        let disk = Disk::open(folder.path(), &Bounds::default(), tell, Arc::default()).unwrap();
        (folder, disk, told)
    }

    fn begin(disk: &Disk, octets: usize) -> oneshot::Receiver<Result<Message, StoreError>> {
        let mut noise = vec![0; octets];
        getrandom::fill(&mut noise).unwrap();
        let Keeping::Later(word) = disk.keep(arrival(), noise.into()) else { unreachable!() };
        word
    }

    fn keep(disk: &Disk, octets: usize) -> Result<Message, StoreError> {
        begin(disk, octets).blocking_recv().unwrap()
    }

    fn limit_pages(disk: &Disk, pages: u32) {
        let arrange = move |connection: &Connection| {
            connection.pragma_update(None, "max_page_count", pages).unwrap();
        };
        assert!(disk.orders.send(Order::Arrange(Box::new(arrange))).is_ok());
    }

    #[test]
    fn a_full_disk_refuses_and_recovers_by_itself() {
        let (_folder, disk, told) = opened();
        let first = keep(&disk, 1000).unwrap();
        limit_pages(&disk, 40);
        assert_eq!(keep(&disk, 1_000_000).err(), Some(StoreError::Full));
        assert_eq!(disk.usage().messages, 1);
        assert!(disk.get(first.id()).unwrap().is_some());
        // One that does not fit does not keep out those that do, also in the same transaction.
        let words: Vec<_> = [100, 1_000_000, 100].map(|octets| begin(&disk, octets)).into();
        let kept: Vec<_> = words.into_iter().map(|word| word.blocking_recv().unwrap()).collect();
        assert!(kept[0].is_ok() && kept[2].is_ok());
        assert_eq!(kept[1].as_ref().err(), Some(&StoreError::Full));
        limit_pages(&disk, u32::MAX - 1);
        assert!(keep(&disk, 1_000_000).is_ok());
        assert_eq!((disk.usage().messages, told.load(Ordering::SeqCst)), (4, 4));
        let numbers: Vec<_> = disk.newest(None, 9).unwrap().iter().map(|id| id.get()).collect();
        assert_eq!(numbers, [4, 3, 2, 1], "no number is used twice or left out");
    }

    #[test]
    fn a_disk_that_fails_says_so_and_nothing_is_told() {
        let (_folder, disk, told) = opened();
        let arrange = |connection: &Connection| {
            connection.pragma_update(None, "query_only", true).unwrap();
        };
        assert!(disk.orders.send(Order::Arrange(Box::new(arrange))).is_ok());
        assert!(matches!(keep(&disk, 10), Err(StoreError::Failed(_))));
        let marks = Marks { read: Some(true), ..Marks::default() };
        assert!(matches!(disk.mark(&[], &marks), Err(StoreError::Failed(_)) | Ok(())));
        assert_eq!((disk.usage().messages, told.load(Ordering::SeqCst) & !1), (0, 0));
    }

    #[test]
    fn whoever_reads_does_not_hold_up_who_writes() {
        let (_folder, disk, _) = opened();
        keep(&disk, 10).unwrap();
        let reader = tables::reader(&disk.path).unwrap();
        let slow = reader.unchecked_transaction().unwrap();
        let count = |reader: &Connection| -> i64 {
            reader.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).unwrap()
        };
        assert_eq!(count(&slow), 1);
        for _ in 0..10 {
            keep(&disk, 5000).unwrap();
        }
        assert_eq!(count(&slow), 1, "it reads on as if nothing had happened");
        drop(slow);
        assert_eq!(count(&reader), 11);
    }

    #[test]
    fn those_who_wait_share_a_transaction() {
        let (_folder, disk, _) = opened();
        let words: Vec<_> = (0..500).map(|_| begin(&disk, 10)).collect();
        for word in words {
            word.blocking_recv().unwrap().unwrap();
        }
        let Usage { messages, commits, .. } = disk.usage();
        assert!(messages == 500 && commits < 250, "{commits} transactions");
    }
}
