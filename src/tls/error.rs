//! The one error of this room. Each names the file or the value, what is wrong with it, and what to do;
//! none of them shows key material.

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Why there is no TLS identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file or directory cannot be used as it is.
    #[error("{}: {problem}; {remedy}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What the user can do about it.
        remedy: String,
    },
    /// A name that was asked for cannot stand in a certificate.
    #[error(
        "\"{}\" cannot stand in a certificate: it is neither a host name nor an IP address; \
         write an international name in its xn-- form, and a wildcard as *.example.test",
        .0.escape_debug()
    )]
    Name(String),
    /// A certificate or key could not be made.
    #[error("a certificate could not be made: {0}")]
    Issue(#[from] rcgen::Error),
    /// rustls refused what it was given.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

impl TlsError {
    pub(super) fn file(path: &Path, problem: impl Display, remedy: impl Display) -> Self {
        Self::File {
            path: path.to_path_buf(),
            problem: problem.to_string(),
            remedy: remedy.to_string(),
        }
    }
}
