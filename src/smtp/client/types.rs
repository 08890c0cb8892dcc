//! What goes into a client and what comes out of it.

use super::super::session::TlsFacts;
use super::mail::{Fate, Mail, Outcome};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Never.
    Never,
    /// By STARTTLS, where it is offered (RFC 7435): whoever stands between can take it away.
    IfOffered,
    /// By STARTTLS, or not at all.
    Demanded,
    /// From the first byte.
    Implicit,
}

/// What logs in.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password or token.
    pub secret: String,
}

/// Without the secret.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login of {}", self.user)
    }
}

/// How long a server may take (RFC 5321 §4.5.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the greeting.
    pub greeting: Duration,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the reply to a command.
    pub command: Duration,
    /// For the reply to the end of the data.
    pub end_of_data: Duration,
    /// For the replies to RSET and QUIT, behind which there is nothing to decide.
    pub farewell: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            greeting: Duration::from_mins(5),
            handshake: Duration::from_secs(30),
            command: Duration::from_mins(5),
            end_of_data: Duration::from_mins(10),
            farewell: Duration::from_secs(5),
        }
    }
}

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name that it gives itself.
    pub hello: String,
    /// When TLS begins.
    pub security: Security,
    /// What logs in, where something does.
    pub login: Option<Login>,
    /// Whether the secret may go in the clear.
    pub login_in_clear: bool,
    /// How long the server may take.
    pub patience: Patience,
}

/// What a client is fed.
#[derive(Debug)]
pub enum Input<'a> {
    /// The connection stands. First of all inputs.
    Connected,
    /// Octets from the server, after TLS where it is on.
    Bytes(&'a [u8]),
    /// The handshake that [`Action::StartTls`] asked for has succeeded.
    TlsStarted(TlsFacts),
    /// It has failed, and why.
    TlsFailed(String),
    /// A message to send, after [`Action::Ready`].
    Mail(Box<Mail>),
    /// There is no more to send, after [`Action::Ready`].
    Quit,
    /// The time is at or past [`super::Client::deadline`].
    Time,
    /// The server closed its side.
    Closed,
    /// The connection broke, and how.
    Broken(String),
}

/// What a client wants done, in this order.
#[derive(Debug)]
pub enum Action {
    /// Send these octets.
    Send(Vec<u8>),
    /// Send a message by DATA, as [`super::stuffed`] writes it.
    SendData(Bytes, Bytes),
    /// Send a message by BDAT, as it is.
    SendChunk(Bytes, Bytes),
    /// Begin the handshake.
    StartTls,
    /// The next message may come, or [`Input::Quit`].
    Ready,
    /// This has become of the message.
    Done(Outcome),
    /// No message can be sent on this connection, for this reason.
    Failed(Fate),
    /// Close.
    Close,
}
