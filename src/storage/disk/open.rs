//! Opening a data folder: the lock, the tables and their versions.
//!
//! Refuses a folder that another doorpost has open, a file that a newer doorpost or another program
//! has made, and a damaged one, and changes nothing of them.

use crate::storage::{StoreError, outbox};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The messages, their marks and the sessions.
const MAIL: &str = "mail.db";
/// What makes them found.
pub(in crate::storage) const INDEX: &str = "index.db";
/// Locked by whoever has the folder open.
const LOCK: &str = "lock";
/// Where a running doorpost says that its API is.
const SERVER: &str = "server";
/// Says that a file is ours ("dpml").
const APPLICATION: i32 = 0x6470_6d6c;
/// How long to wait for a command that has the folder open, which most have for a moment.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);
/// A file up to this size is looked through when it is opened.
const LOOKED_THROUGH: u64 = 64 << 20;

/// What brings the tables from one version to the next. A version that was released never changes.
const STEPS: &[&str] = &["
    CREATE TABLE message (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        received_at INTEGER NOT NULL, -- nanoseconds since 1970
        size INTEGER NOT NULL,
        arrival TEXT NOT NULL
    ) STRICT;
    -- Apart from the rest, so that lists do not read through it.
    CREATE TABLE body (
        id INTEGER PRIMARY KEY,
        coding INTEGER NOT NULL, -- 0 as it came, 1 zstd
        octets BLOB NOT NULL
    ) STRICT;
    CREATE TABLE mark (
        id INTEGER PRIMARY KEY,
        is_read INTEGER NOT NULL,
        tags TEXT NOT NULL
    ) STRICT;
    CREATE TABLE session (
        id INTEGER PRIMARY KEY,
        ended_at INTEGER NOT NULL,
        record BLOB NOT NULL -- JSON in zstd
    ) STRICT;
    CREATE INDEX session_ended_at ON session (ended_at);
    CREATE TABLE state (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"];

/// Why a store did not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder cannot be made, read or written.
    #[error("the data folder {}: {error}", path.display())]
    Folder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another doorpost has it open.
    #[error("the data folder {} is in use by {}", path.display(), holder(server.as_deref(), token.is_some()))]
    Locked {
        /// The folder.
        path: PathBuf,
        /// Where its API is.
        server: Option<String>,
        /// The token that it asks for, where it made one up.
        token: Option<String>,
    },
    /// A newer doorpost has made it.
    #[error(
        "{} was written by a newer doorpost (version {found} of its tables, this one knows {known}); nothing was changed. Use that doorpost, or another --data folder",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version that it has.
        found: i32,
        /// The last version that is known here.
        known: i32,
    },
    /// Another program has made it.
    #[error("{} is not a file of doorpost's; nothing was changed. Name another --data folder", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error(
        "{} is damaged: {error}; nothing was changed. Bring back a copy of the folder, or move it away to begin anew; `sqlite3 {} .recover` may save what is left",
        path.display(), path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: String,
    },
    /// SQLite refuses it.
    #[error("{}: {error}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// The index cannot be opened.
    #[error(transparent)]
    Index(#[from] StoreError),
}

fn holder(server: Option<&str>, is_command: bool) -> String {
    match server {
        Some(_) if is_command => "a command that has it open for long".into(),
        Some(server) => format!("another doorpost, which answers at {server}"),
        None => "another doorpost".into(),
    }
}

/// The lock on a folder; gone when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
    folder: PathBuf,
}

impl Lock {
    fn take(folder: &Path) -> Result<Self, OpenError> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |error| OpenError::Folder { path, error }
        };
        make_private(folder).map_err(fail(folder))?;
        let path = folder.join(LOCK);
        let options = File::options().write(true).create(true).truncate(false).clone();
        let file = options.open(&path).map_err(fail(&path))?;
        let end = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => {
                    let lock = Self { _file: file, folder: folder.to_owned() };
                    // Whoever was killed has left it behind.
                    let _ = std::fs::remove_file(folder.join(SERVER));
                    return Ok(lock);
                }
                Err(TryLockError::WouldBlock) => {
                    let (server, token) = announced(folder).unzip();
                    let token = token.flatten();
                    let is_server = server.is_some() && token.is_none();
                    if is_server || Instant::now() >= end {
                        return Err(OpenError::Locked { path: folder.to_owned(), server, token });
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(TryLockError::Error(error)) => return Err(fail(&path)(error)),
            }
        }
    }

    /// Says where the API of whoever has the folder open is, and what token it asks for.
    pub(super) fn announce(&self, server: &str, token: Option<&str>) {
        let path = self.folder.join(SERVER);
        let text = format!("{server}\n{}\n", token.unwrap_or_default());
        let written = create_private(&path).and_then(|()| std::fs::write(&path, text));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "cannot say where the API is");
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // It may never have been there.
        let _ = std::fs::remove_file(self.folder.join(SERVER));
    }
}

/// Where the API of whoever has the folder open is, and the token that it asks for where that is a command and no server.
/// One that was killed has left it behind.
#[must_use]
pub fn announced(folder: &Path) -> Option<(String, Option<String>)> {
    let text = std::fs::read_to_string(folder.join(SERVER)).ok()?;
    let mut lines =
        text.lines().map(str::to_owned).map(|line| Some(line).filter(|l| !l.is_empty()));
    Some((lines.next().flatten()?, lines.next().flatten()))
}

/// Whether mail is kept in this folder.
#[must_use]
pub fn has_mail(folder: &Path) -> bool {
    folder.join(MAIL).is_file()
}

/// An empty file that is nobody else's to read, unless there is one.
pub(in crate::storage) fn create_private(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Mail is nobody else's to read.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A folder that is open.
pub(super) struct Opened {
    pub(super) lock: Lock,
    pub(super) path: PathBuf,
    pub(super) connection: Connection,
}

/// A file of the folder, and what tells it from others.
#[derive(Clone, Copy, Debug)]
pub(in crate::storage) struct Kind {
    pub(in crate::storage) name: &'static str,
    pub(in crate::storage) application: i32,
    /// The last version of its tables that is known.
    pub(in crate::storage) version: i32,
    /// Whether there are some from before they were marked.
    pub(in crate::storage) may_be_unmarked: bool,
}

/// Locks the folder and opens what is in it, which is brought to the newest version.
pub(super) fn open(folder: &Path) -> Result<Opened, OpenError> {
    let lock = Lock::take(folder)?;
    let version = i32::try_from(STEPS.len()).unwrap_or(i32::MAX);
    let mail = Kind { name: MAIL, application: APPLICATION, version, may_be_unmarked: false };
    // Before any of them changes.
    inspect(folder, &mail)?;
    inspect(folder, &outbox::KIND)?;
    let path = folder.join(MAIL);
    let told = |error: rusqlite::Error| tell(&path, &error);
    // What SQLite puts beside a file has the file's rights.
    create_private(&path).map_err(|error| OpenError::Folder { path: path.clone(), error })?;
    let mut connection = connect(&path).map_err(told)?;
    // A page of 4 KiB has room for one message of 2 KiB with what belongs to it, one of 8 for three.
    connection.pragma_update(None, "page_size", 8192).map_err(told)?;
    // Everything that was acknowledged is on the disk: WAL alone would lose the last commits.
    connection.pragma_update(None, "journal_mode", "WAL").map_err(told)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(told)?;
    connection.pragma_update(None, "wal_autocheckpoint", 2000).map_err(told)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20).map_err(told)?;
    migrate(&mut connection).map_err(told)?;
    Ok(Opened { lock, path, connection })
}

/// A connection; [`open`] has settled what all of them share.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Looks at a file that is there, without writing a byte of it.
fn inspect(folder: &Path, kind: &Kind) -> Result<(), OpenError> {
    let path = &folder.join(kind.name);
    if std::fs::metadata(path).map_or(true, |found| found.len() == 0) {
        return Ok(());
    }
    let told = |error: rusqlite::Error| tell(path, &error);
    let connection = connect(path).map_err(told)?;
    connection.pragma_update(None, "query_only", true).map_err(told)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) =
        (number("application_id").map_err(told)?, number("user_version").map_err(told)?);
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(tables, [], |row| row.get(0)).map_err(told)?;
    let known = kind.version;
    let is_unmarked = application == 0 && (tables == 0 || kind.may_be_unmarked);
    if application != kind.application && !is_unmarked {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    if version > known {
        return Err(OpenError::Newer { path: path.to_owned(), found: version, known });
    }
    if std::fs::metadata(path).is_ok_and(|found| found.len() <= LOOKED_THROUGH) {
        let check = connection.pragma_query_value(None, "quick_check", |row| row.get(0));
        let found: String = check.map_err(told)?;
        if found != "ok" {
            return Err(OpenError::Damaged { path: path.to_owned(), error: found });
        }
    }
    Ok(())
}

fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(0);
    for (number, step) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", i64::try_from(number + 1).unwrap_or(0))?;
        transaction.commit()?;
        if done > 0 {
            tracing::info!(version = number + 1, "the data folder was brought to a new version");
        }
    }
    Ok(())
}

fn tell(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            OpenError::Damaged { path, error: text }
        }
        Some(ErrorCode::DiskFull) => {
            let error = io::Error::new(io::ErrorKind::StorageFull, "there is no room left");
            OpenError::Folder { path, error }
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            let error = io::Error::new(io::ErrorKind::PermissionDenied, text);
            OpenError::Folder { path, error }
        }
        _ => OpenError::Refused { path, error: text },
    }
}
