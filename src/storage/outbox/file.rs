//! The queue on a disk: `queue.db` in the data folder. What was put in is there after a kill; what was being sent
//! when the process ended is sent again, and says so.

use super::item::{Attempt, Item, QueueId, State};
use crate::storage::OpenError;
use crate::storage::disk::{Kind, create_private};
use bytes::Bytes;
use rusqlite::{Connection, params};
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use time::OffsetDateTime;

/// Its file ("dpqu").
pub(in crate::storage) const KIND: Kind =
    Kind { name: "queue.db", application: 0x6470_7175, version: 1, may_be_unmarked: true };

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS item (
        id INTEGER PRIMARY KEY,
        record TEXT NOT NULL, -- JSON
        octets BLOB NOT NULL  -- empty once it is settled
    ) STRICT;
    CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
";

#[derive(Debug)]
pub(super) struct File {
    connection: Mutex<Connection>,
}

/// What was there.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) items: Vec<Item>,
    pub(super) next: u64,
}

fn id(id: QueueId) -> i64 {
    i64::try_from(id.get()).unwrap_or(i64::MAX)
}

/// Whole messages and the secrets of targets lie in it: it is nobody else's to read. One that is there may have been
/// made when it was; whose it is not cannot change that.
fn make_private(path: &Path) -> io::Result<()> {
    create_private(path)?;
    #[cfg(unix)]
    for ending in ["", "-wal", "-shm"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let _ = std::fs::set_permissions(name, std::fs::Permissions::from_mode(0o600));
    }
    Ok(())
}

impl File {
    pub(super) fn open(folder: &Path) -> Result<(Self, Loaded), OpenError> {
        let path = folder.join(KIND.name);
        let refused = |error: rusqlite::Error| OpenError::Refused {
            path: path.clone(),
            error: error.to_string(),
        };
        make_private(&path).map_err(|error| OpenError::Folder { path: path.clone(), error })?;
        let connection = Connection::open(&path).map_err(refused)?;
        let mut loaded = Loaded::default();
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .and_then(|()| connection.execute_batch(TABLES))
            .and_then(|()| connection.pragma_update(None, "application_id", KIND.application))
            .and_then(|()| connection.pragma_update(None, "user_version", KIND.version))
            .and_then(|()| load(&connection, &mut loaded))
            .map_err(refused)?;
        let file = Self { connection: Mutex::new(connection) };
        for item in loaded.items.iter_mut().filter(|item| item.state == State::Running) {
            was_interrupted(item);
            file.update(item).map_err(refused)?;
        }
        Ok((file, loaded))
    }

    /// Puts entries in, all or none; they are on the disk when this returns.
    pub(super) fn add(&self, items: &[Item]) -> rusqlite::Result<()> {
        let mut connection = self.lock();
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = connection.transaction()?;
        for item in items {
            let record = serde_json::to_string(item).unwrap_or_default();
            transaction.execute(
                "INSERT INTO item (id, record, octets) VALUES (?, ?, ?)",
                params![id(item.id), record, &item.new.bytes[..]],
            )?;
            transaction.execute(
                "INSERT INTO state (key, value) VALUES ('next', ?1)
                 ON CONFLICT (key) DO UPDATE SET value = max(value, ?1)",
                [id(item.id) + 1],
            )?;
        }
        transaction.commit()
    }

    /// Writes how far an entry has come. A power failure may forget it, a kill does not.
    pub(super) fn update(&self, item: &Item) -> rusqlite::Result<()> {
        let connection = self.lock();
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let record = serde_json::to_string(item).unwrap_or_default();
        let sql = match item.state.is_final() {
            true => "UPDATE item SET record = ?2, octets = x'' WHERE id = ?1",
            false => "UPDATE item SET record = ?2 WHERE id = ?1",
        };
        connection.execute(sql, params![id(item.id), record]).map(drop)
    }

    pub(super) fn forget(&self, gone: QueueId) -> rusqlite::Result<()> {
        self.lock().execute("DELETE FROM item WHERE id = ?", [id(gone)]).map(drop)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that was not committed is rolled back when it is dropped.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(connection: &Connection, loaded: &mut Loaded) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT id, record, octets FROM item ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let record: String = row.get(1)?;
        match serde_json::from_str::<Item>(&record) {
            Ok(mut item) => {
                item.new.bytes = Bytes::from(row.get::<_, Vec<u8>>(2)?);
                loaded.items.push(item);
            }
            Err(error) => {
                let id: i64 = row.get(0)?;
                tracing::error!(id, %error, "an entry of the queue cannot be read and is left out");
            }
        }
    }
    let next = connection.query_row(
        "SELECT coalesce(max(value), 1) FROM state WHERE key = 'next'",
        [],
        |row| row.get::<_, i64>(0),
    )?;
    loaded.next = next.unsigned_abs().max(1);
    Ok(())
}

/// The process ended within an attempt, whose reply nobody heard.
fn was_interrupted(item: &mut Item) {
    let now = OffsetDateTime::now_utc();
    item.state = State::Waiting;
    item.next_at = now;
    item.remember(Attempt {
        at: now,
        session: None,
        outcome: "doorpost ended within an attempt, and does not know how that went".into(),
        reply_lost: true,
    });
}
