//! The index's tables, and its connections: many that read, one that writes.
//!
//! Nothing here is the only copy of anything but, in memory, of marks: an index of another version,
//! or a damaged one, is made anew from the messages.

use super::columns::COLUMNS;
use crate::mail::MessageId;
use crate::mime;
use crate::search::Words;
use crate::storage::backend::Backend;
use crate::storage::disk::create_private;
use crate::storage::{InboxBy, StoreError};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Says that a file is our index ("dpix").
const APPLICATION: i32 = 0x6470_6978;
/// Raised with every change to the tables, or to what goes into them.
const VERSION: i32 = 4;

/// Where an index lies.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In memory, under a name that is this index's alone.
    Memory(String),
    /// In a file.
    File(PathBuf),
}

impl Place {
    /// A place in memory that nobody else has.
    pub(super) fn in_memory() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self::Memory(format!("file:/doorpost-index-{number}?vfs=memdb"))
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self {
            Self::Memory(name) => {
                Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_URI)?
            }
            Self::File(path) => Connection::open_with_flags(path, flags)?,
        };
        connection.set_prepared_statement_cache_capacity(64);
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(connection)
    }

    /// A connection that reads.
    pub(super) fn reader(&self, backend: &Arc<dyn Backend>) -> rusqlite::Result<Connection> {
        let connection = self.connect()?;
        connection.pragma_update(None, "query_only", true)?;
        let backend = Arc::clone(backend);
        let flags = FunctionFlags::SQLITE_UTF8;
        connection.create_scalar_function("has_header", 4, flags, move |context| {
            let id = context.get::<i64>(0)?;
            let (name, text) = (context.get::<String>(1)?, context.get::<String>(2)?);
            let words = Words::new(text, context.get::<bool>(3)?);
            Ok(words.is_some_and(|words| has_header(&*backend, id, &name, &words)))
        })?;
        Ok(connection)
    }

    /// An empty file gives its room back at once; a full one uses it again.
    pub(super) fn shrink(&self, connection: &Connection) {
        let Self::File(_) = self else { return };
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM message)";
        if connection.query_row(sql, [], |row| row.get(0)).unwrap_or(false) {
            let give_back = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)";
            if let Err(error) = connection.execute_batch(give_back) {
                tracing::debug!(%error, "the file keeps its size");
            }
        }
    }

    /// The connection that writes, and whether what it found was fit for use. What is not is
    /// replaced. Without a way to make inboxes, the one that the index has stays.
    pub(super) fn writer(
        &self,
        wanted: Option<&InboxBy>,
    ) -> Result<(Connection, InboxBy, bool), StoreError> {
        if let Self::File(path) = self
            && path.exists()
        {
            let found =
                self.connect().and_then(|connection| Ok((made_for(&connection)?, connection)));
            match found {
                Ok((Some(has), connection)) if wanted.is_none_or(|wanted| *wanted == has) => {
                    return Ok((connection, has, true));
                }
                Ok(_) => tracing::info!(
                    "the index is of another version or for other inboxes, it is made anew"
                ),
                Err(error) => {
                    tracing::warn!(%error, "the index is damaged, it is made anew from the messages");
                }
            }
            remove(path)?;
        }
        let inbox_by = wanted.cloned().unwrap_or_default();
        if let Self::File(path) = self {
            let failed = |error| StoreError::Failed(format!("{}: {error}", path.display()));
            create_private(path).map_err(failed)?;
        }
        let connection = self.connect().and_then(|connection| {
            create(&connection, matches!(self, Self::File(_)), &inbox_by.to_string())?;
            Ok(connection)
        });
        let connection = connection.map_err(|error| match self {
            Self::File(path) => StoreError::Failed(format!("{}: {error}", path.display())),
            Self::Memory(_) => StoreError::Failed(format!("the index: {error}")),
        })?;
        Ok((connection, inbox_by, false))
    }
}

/// Whether the field of that name has the words in one of its lines.
fn has_header(backend: &dyn Backend, id: i64, name: &str, words: &Words) -> bool {
    let id = u64::try_from(id).ok().and_then(MessageId::new);
    let message = id.and_then(|id| backend.get(id).ok().flatten());
    message.is_some_and(|message| {
        mime::header_lines(message.bytes()).lines().any(|line| {
            let field = line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name));
            field.is_some_and(|(_, text)| words.matches(text))
        })
    })
}

/// How a failure is told. A file that is damaged is given another version, so that the next start makes it anew; it
/// cannot be replaced under those who read it.
pub(super) fn told(place: &Place, what: &str, error: &rusqlite::Error) -> String {
    let is_damaged = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    );
    let Place::File(path) = place else { return format!("{what}: {error}") };
    if !is_damaged {
        return format!("{what}: {error}");
    }
    let given_up = Connection::open(path)
        .and_then(|connection| connection.pragma_update(None, "user_version", 0));
    match given_up {
        Ok(()) => format!(
            "{what}: it is damaged ({error}), and made anew from the messages when doorpost is started again"
        ),
        Err(_) => format!(
            "{what}: it is damaged ({error}); stop doorpost and remove {}, and it is made anew from the messages",
            path.display()
        ),
    }
}

/// How an index that is there makes inboxes; nothing where it is not of this version.
fn made_for(connection: &Connection) -> rusqlite::Result<Option<InboxBy>> {
    settle(connection)?;
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    if (pragma("application_id")?, pragma("user_version")?) != (APPLICATION, VERSION) {
        return Ok(None);
    }
    let sql = "SELECT value FROM state WHERE key = 'inbox_by'";
    let inbox_by: String = connection.query_row(sql, [], |row| row.get(0))?;
    // A look into each table: a file that is cut off is not met by the first search.
    for table in [
        "message",
        "shown",
        "name",
        "member",
        "words_data",
        "words_idx",
        "words_docsize",
        "words_config",
    ] {
        connection.query_row(
            &format!("SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT 1)"),
            [],
            |_| Ok(()),
        )?;
    }
    connection.query_row("SELECT max(id) FROM message", [], |_| Ok(()))?;
    Ok(inbox_by.parse().ok())
}

/// On a disk readers and the writer do not wait for each other, and what the last moments before a
/// crash of the system may lose is made anew.
fn settle(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 8000)?;
    connection.pragma_update(None, "cache_size", -32_768)
}

fn create(connection: &Connection, on_disk: bool, inbox_by: &str) -> rusqlite::Result<()> {
    if on_disk {
        settle(connection)?;
    } else {
        // Nothing in memory outlives the process: there is nothing to roll back to.
        connection.pragma_update(None, "journal_mode", "MEMORY")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
    }
    let columns = COLUMNS.join(", ");
    connection.execute_batch(&format!(
        "BEGIN;
        CREATE TABLE message (
            id INTEGER PRIMARY KEY,
            received_at INTEGER NOT NULL,
            size INTEGER NOT NULL,
            door TEXT NOT NULL COLLATE NOCASE,
            user TEXT NOT NULL,
            message_id TEXT NOT NULL,
            is_read INTEGER NOT NULL,
            has_attachment INTEGER NOT NULL,
            is_bounce INTEGER NOT NULL,
            findings TEXT NOT NULL
        ) STRICT;
        CREATE INDEX message_door ON message (door);
        CREATE INDEX message_user ON message (user) WHERE user <> '';
        CREATE INDEX message_message_id ON message (message_id) WHERE message_id <> '';
        CREATE INDEX message_received_at ON message (received_at);
        CREATE INDEX message_size ON message (size);
        CREATE INDEX message_read ON message (is_read) WHERE is_read = 1;
        CREATE INDEX message_unread ON message (is_read) WHERE is_read = 0;
        CREATE INDEX message_attachment ON message (has_attachment) WHERE has_attachment = 1;
        CREATE INDEX message_bounce ON message (is_bounce) WHERE is_bounce = 1;
        CREATE INDEX message_findings ON message (findings) WHERE findings <> '';
        CREATE TABLE shown (id INTEGER PRIMARY KEY, summary TEXT NOT NULL) STRICT;
        -- kind: 0 an inbox, 1 a tag, 2 the one row that counts all messages
        CREATE TABLE name (
            id INTEGER PRIMARY KEY,
            kind INTEGER NOT NULL,
            name TEXT NOT NULL,
            messages INTEGER NOT NULL,
            unread INTEGER NOT NULL,
            UNIQUE (kind, name)
        ) STRICT;
        INSERT INTO name VALUES (1, 2, '', 0, 0);
        CREATE TABLE member (
            name INTEGER NOT NULL,
            message INTEGER NOT NULL,
            PRIMARY KEY (name, message)
        ) WITHOUT ROWID, STRICT;
        CREATE INDEX member_message ON member (message);
        -- What goes in is cut into words already, so the simplest tokenizer has nothing left to do.
        CREATE VIRTUAL TABLE words USING fts5(
            {columns}, content = '', contentless_delete = 1, tokenize = 'ascii'
        );
        CREATE TABLE state (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
        PRAGMA application_id = {APPLICATION};
        PRAGMA user_version = {VERSION};
        COMMIT;"
    ))?;
    connection.execute("INSERT INTO state VALUES ('inbox_by', ?)", [inbox_by])?;
    Ok(())
}

fn remove(path: &Path) -> Result<(), StoreError> {
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::Failed(format!("{}: {error}", path.display())));
            }
            _ => {}
        }
    }
    Ok(())
}
