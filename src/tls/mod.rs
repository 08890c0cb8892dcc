//! What the server needs to speak TLS: a development CA with a leaf certificate, or the user's own files.
//!
//! [`Identity::open`] keeps a CA and a leaf in the certificate directory, [`Identity::ephemeral`] keeps
//! them in memory for a server inside a test, and [`Identity::from_files`] takes what the user has.
//!
//! It refuses to guess: a file that is damaged, or does not belong to its neighbour, is an error that
//! names the file and the way out. A key that has been written is never replaced, since somebody may
//! trust the CA that stands on it: only certificates are renewed, over the same keys.
//!
//! This room knows files and certificates. Sockets and handshakes are `server`'s.

mod broken;
mod directory;
mod error;
mod identity;
mod inspect;
mod issue;
mod names;
mod open;
mod outgoing;
mod own;
mod settings;
mod verifier;

pub use broken::{Flaw, Flawed};
pub use error::TlsError;
pub use identity::Identity;
pub use open::{Change, Opened, Reason};
pub use outgoing::Outgoing;

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may fail.
mod tests;
