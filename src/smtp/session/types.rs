//! What goes into a session and what comes out of it.

use super::super::budget::{Budget, Reservation};
use super::super::misbehave::{Misbehave, Pace, TlsFault};
use super::super::reply::Reply;
use super::super::transcript::Note;
use crate::mail::{Envelope, MessageId, Recipient};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What a session is told when it begins.
#[derive(Clone, Debug)]
pub struct Context {
    /// The client's address.
    pub peer: IpAddr,
    /// Memory for mail in flight, shared by all sessions.
    pub budget: Arc<Budget>,
    /// Who is asked whether to misbehave; nobody, where the session is to behave.
    pub faults: Option<Arc<dyn Misbehave>>,
    /// Random octets, from which challenges are made.
    pub entropy: [u8; 16],
}

/// Who says of a client that what it sends just now is doorpost's own: a report, which goes to whom it is about,
/// whatever recipients a door has. Asked only where one is about to be refused.
pub trait Vouch: std::fmt::Debug + Send + Sync {
    /// Whether it is.
    fn is_own(&self) -> bool;
}

/// What a session is fed.
#[derive(Debug)]
pub enum Input<'a> {
    /// The connection stands. First of all inputs.
    Connected,
    /// Octets from the client, after TLS where it is on.
    Bytes(&'a [u8]),
    /// The handshake that [`Action::StartTls`] asked for has succeeded.
    TlsStarted(TlsFacts),
    /// It has failed, and why.
    TlsFailed(String),
    /// The store's word on [`Action::Store`]: the message is kept, or the reply says why not.
    Stored(Result<MessageId, Reply>),
    /// The time is at or past [`super::Session::deadline`].
    Time,
    /// The replies are sent, and the session may go on with what it left ([`super::Session::is_paused`]).
    Turn,
    /// The server stops.
    Shutdown,
    /// The shell noticed something that no byte of the conversation shows.
    Noticed(Note),
    /// The client closed its side.
    Closed,
    /// The connection broke, and how.
    Broken(String),
}

/// What a session wants done, in this order.
#[derive(Debug)]
pub enum Action {
    /// Send this reply.
    Send(Reply),
    /// Send what is to be sent, then begin the handshake; answer with [`Input::TlsStarted`] or
    /// [`Input::TlsFailed`].
    /// Where a fault is named, the handshake is to go wrong that way.
    StartTls(Option<TlsFault>),
    /// Keep this message; answer with [`Input::Stored`].
    Store(Box<Incoming>),
    /// Send what is to be sent, then close.
    Close,
    /// Send what is to be sent, and make the close that follows a reset.
    Reset,
    /// Send these octets, which are no reply.
    Garbage(Vec<u8>),
    /// Send what is to be sent, then wait.
    Pause(Duration),
    /// Send what is to be sent; what follows goes out slowly, or no longer.
    Pace(Option<Pace>),
    /// Read and write so many octets a second at most, from here on.
    Rate(u32),
}

/// A message that has come to its end.
#[derive(Debug)]
pub struct Incoming {
    /// Whom it is from and for.
    pub envelope: Envelope,
    /// Its octets as the client meant them: dots unstuffed, nothing else changed.
    pub bytes: Vec<u8>,
    /// How it came, in the words of trace lines: `ESMTPSA` (RFC 3848).
    pub protocol: &'static str,
    /// The name that the client gave itself.
    pub hello: Arc<str>,
    /// Who had logged in.
    pub auth_user: Option<Arc<str>>,
    /// TLS, if it was on.
    pub tls: Option<Arc<TlsFacts>>,
    /// The memory that the message holds, free again when the store has taken it.
    pub reservation: Reservation,
}

/// What is known of a TLS connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.3`.
    pub version: String,
    /// The cipher suite's registered name.
    pub cipher: String,
    /// The host name that the client asked for.
    pub sni: Option<String>,
    /// The application protocols that the client offered.
    pub alpn: Vec<String>,
}

impl TlsFacts {
    /// Octets of memory that it holds.
    #[must_use]
    pub fn memory(&self) -> usize {
        let names = self.alpn.iter().map(|name| name.capacity() + size_of::<String>());
        let sni = self.sni.as_ref().map_or(0, String::capacity);
        size_of::<Self>() + self.version.len() + self.cipher.len() + sni + names.sum::<usize>()
    }
}

impl fmt::Display for TlsFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.version, self.cipher)?;
        match &self.sni {
            Some(name) => write!(f, ", SNI {name}")?,
            None => f.write_str(", no SNI")?,
        }
        if self.alpn.is_empty() { Ok(()) } else { write!(f, ", ALPN {}", self.alpn.join(" ")) }
    }
}

/// What came of one mail transaction.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The reverse-path, without brackets.
    pub reverse_path: String,
    /// The first forward-paths that were taken, without brackets.
    pub forward_paths: Vec<String>,
    /// How many forward-paths were taken.
    pub recipients: usize,
    /// Octets of mail data.
    pub size: u64,
    /// How it ended.
    pub verdict: Verdict,
}

impl Transaction {
    /// Remembers forward-paths while there is room for their octets.
    pub(super) fn new(envelope: &Envelope, size: u64, verdict: Verdict, mut room: usize) -> Self {
        let text = |recipient: &Recipient| {
            let path = recipient.path.text();
            room = room.checked_sub(path.len())?;
            Some(path)
        };
        Self {
            reverse_path: envelope.reverse_path.text(),
            forward_paths: envelope.forward_paths.iter().map_while(text).collect(),
            recipients: envelope.forward_paths.len(),
            size,
            verdict,
        }
    }

    /// Octets of the forward-paths that it remembers.
    pub(super) fn paths_length(&self) -> usize {
        self.forward_paths.iter().map(String::len).sum()
    }

    /// Octets of memory that it holds.
    pub(super) fn memory(&self) -> usize {
        let paths = self.forward_paths.iter().map(|path| path.capacity() + size_of::<String>());
        size_of::<Self>() + self.reverse_path.capacity() + paths.sum::<usize>()
    }
}

/// How a mail transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The store has not answered yet.
    Pending,
    /// Kept, under this name.
    Kept(MessageId),
    /// Refused at the end of the data.
    Refused(Reply),
    /// Answered as if it were kept, and thrown away, as a fault asked for.
    Lost,
    /// Never brought to its end: RSET, QUIT, or the connection closed.
    Abandoned,
}

/// A command that was refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Its verb; empty where it was none that we know.
    pub command: &'static str,
    /// The reply.
    pub reply: Reply,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The client said QUIT.
    Quit,
    /// The client closed without QUIT.
    ClosedByClient,
    /// The server closed after a reply with this code.
    ClosedByServer {
        /// The reply's code.
        code: u16,
    },
    /// The server closed without a reply: what came was no SMTP.
    NotSmtp,
    /// The TLS handshake failed, and why.
    TlsFailed(String),
    /// The server stopped before there was anybody to tell.
    Stopped,
    /// The connection broke, and how.
    Broken(String),
    /// A fault that was asked for.
    Fault,
}

impl Ended {
    /// A stable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::ClosedByClient => "closed-by-client",
            Self::ClosedByServer { .. } => "closed-by-server",
            Self::NotSmtp => "not-smtp",
            Self::TlsFailed(_) => "tls-failed",
            Self::Stopped => "stopped",
            Self::Broken(_) => "broken",
            Self::Fault => "fault",
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quit => f.write_str("closed after QUIT"),
            Self::ClosedByClient => f.write_str("the client closed without QUIT"),
            Self::ClosedByServer { code } => write!(f, "doorpost closed with {code}"),
            Self::NotSmtp => f.write_str("doorpost closed: that was not SMTP"),
            Self::Stopped => f.write_str("doorpost stopped"),
            Self::TlsFailed(why) => write!(f, "the TLS handshake failed: {why}"),
            Self::Fault => f.write_str("doorpost hung up, as it was asked to"),
            Self::Broken(why) => write!(f, "the connection broke: {why}"),
        }
    }
}
