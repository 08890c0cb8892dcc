//! The certificate directory as files: one lock, reads that say what is wrong, writes that replace at once.
//!
//! It knows nothing of certificates. It never changes a file in place, never leaves a key readable by others for
//! even a moment, and follows no half-written file: what is not yet complete has another name.

use std::fmt::Display;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::error::TlsError;

const LOCK: &str = ".lock";

/// An open certificate directory; other processes wait for it until this is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// What the user should hear although it works.
    pub(super) warnings: Vec<String>,
    /// Held for its effect; the system lets go of it when the file closes, also after a crash.
    _lock: Option<File>,
}

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Readers {
    Everyone,
    OwnerOnly,
}

impl Directory {
    /// Makes the directory where it is missing, and waits for its lock.
    pub(super) fn open(path: &Path) -> Result<Self, TlsError> {
        let path = std::path::absolute(path).map_err(|error| unusable(path, error))?;
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| unusable(&path, error))?;
        let lock = lock(&path)?;
        Ok(Self { path, warnings: Vec::new(), _lock: lock })
    }

    /// The path of a file in here, absolute.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The text of a file; `None` where there is no such file.
    pub(super) fn read(&self, name: &str) -> Result<Option<String>, TlsError> {
        let path = self.file(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == ErrorKind::InvalidData => Err(TlsError::file(
                &path,
                "it is damaged: not a PEM text file",
                "put the right file back, or remove it",
            )),
            Err(error) => Err(TlsError::file(
                &path,
                format!("it cannot be read ({error})"),
                "make it readable for the user who runs doorpost, or choose another certificate directory (--certs)",
            )),
        }
    }

    /// Like [`Directory::read`], and sees to it that nobody else can read the file.
    pub(super) fn read_key(&mut self, name: &str) -> Result<Option<String>, TlsError> {
        let text = self.read(name)?;
        #[cfg(unix)]
        if text.is_some() {
            self.tighten(name);
        }
        Ok(text)
    }

    /// Puts a file in place at once: a reader sees the old one or the new one, whole.
    pub(super) fn write(&self, name: &str, text: &str, readers: Readers) -> Result<(), TlsError> {
        let new = self.file(&format!(".{name}.new"));
        let written =
            write_new(&new, text, readers).and_then(|()| fs::rename(&new, self.file(name)));
        written.map_err(|error| {
            // Nothing to be done where this fails too: the next write clears it away.
            let _ = fs::remove_file(&new);
            TlsError::file(
                &self.file(name),
                format!("it cannot be written ({error})"),
                "make the directory writable, or choose another certificate directory (--certs)",
            )
        })
    }

    /// Removes a file that need not be there.
    pub(super) fn remove(&self, name: &str) -> Result<(), TlsError> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(TlsError::file(
                &path,
                format!("it is out of date and cannot be removed ({error})"),
                "remove it by hand",
            )),
            _ => Ok(()),
        }
    }

    /// A warning and not an error: a test server must not stay down for a file mode, and some mounts know no modes.
    #[cfg(unix)]
    fn tighten(&mut self, name: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.file(name);
        let mode = || fs::metadata(&path).map(|data| data.permissions().mode() & 0o777);
        let is_private = |mode: u32| mode.trailing_zeros() >= 6;
        let Ok(before) = mode() else {
            return;
        };
        if is_private(before) {
            return;
        }
        let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o600));
        let outcome = match mode() {
            Ok(after) if is_private(after) => "it is 0600 now",
            _ => "and that could not be changed; make it 0600",
        };
        self.warnings.push(format!(
            "{}: others could read this private key (mode {before:04o}), {outcome}; if others use \
             this machine, remove the files in this directory and trust the new CA instead",
            path.display()
        ));
    }
}

fn lock(directory: &Path) -> Result<Option<File>, TlsError> {
    let path = directory.join(LOCK);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    set_mode(&mut options, 0o600);
    let file = match options.open(&path) {
        Ok(file) => file,
        // Who cannot write here cannot spoil anything either, and what is read without the lock fits
        // together at every moment. A write that turns out to be needed fails and says so.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(unusable(directory, error)),
    };
    loop {
        match file.lock() {
            Ok(()) => return Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Some network and container mounts have no locks: doorpost works there too, one at a time.
            Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(None),
            Err(error) => {
                return Err(TlsError::file(
                    &path,
                    format!("it cannot be locked ({error})"),
                    "choose a certificate directory on a local disk (--certs)",
                ));
            }
        }
    }
}

fn write_new(path: &Path, text: &str, readers: Readers) -> std::io::Result<()> {
    // What an interrupted write left; the lock says that nobody is at work on it.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    set_mode(
        &mut options,
        match readers {
            Readers::OwnerOnly => 0o600,
            // Said in so many words: a CA that others may write is theirs, whatever the umask allows.
            Readers::Everyone => 0o644,
        },
    );
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    // Before the rename, or a power cut could leave the final name with nothing behind it.
    file.sync_all()
}

#[cfg(unix)]
fn set_mode(options: &mut OpenOptions, mode: u32) {
    std::os::unix::fs::OpenOptionsExt::mode(options, mode);
}

#[cfg(not(unix))]
fn set_mode(_options: &mut OpenOptions, _mode: u32) {}

fn unusable(path: &Path, error: impl Display) -> TlsError {
    TlsError::file(
        path,
        format!("the certificate directory cannot be used ({error})"),
        "make it writable, or choose another one (--certs)",
    )
}
