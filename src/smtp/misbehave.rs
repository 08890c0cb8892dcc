//! Where a session may be made to misbehave, and how: the seam between the protocol and `fault`.
//!
//! The session asks at each [`Point`] and does what the [`Misdeed`] says. It decides nothing about faults
//! itself, and without anybody to ask it behaves.

use super::reply::Reply;
use crate::mail::ForwardPath;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// A moment in a session at which it may misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// The connection stands, nothing was said.
    Connect,
    /// A TLS handshake is about to begin.
    Tls,
    /// The greeting is due.
    Greeting,
    /// EHLO came.
    Ehlo,
    /// A login has come to its end.
    Auth,
    /// MAIL came, and would be taken.
    Mail,
    /// RCPT came, and would be taken.
    Rcpt,
    /// DATA or the first BDAT came, and would be taken.
    Data,
    /// The message is here, and would be kept.
    EndOfData,
    /// The message is kept, and its 250 is due.
    Kept,
    /// One of the other verbs came: HELO, STARTTLS, RSET, NOOP, QUIT, VRFY, EXPN, HELP.
    Other(&'static str),
}

impl Point {
    /// Its name in a scenario.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Greeting => "greeting",
            Self::Ehlo => "ehlo",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::EndOfData => "end-of-data",
            Self::Kept => "kept",
            Self::Other(verb) => verb,
        }
    }
}

/// What is known of a session at such a moment.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// Which moment.
    pub point: Point,
    /// The door's name.
    pub door: &'a str,
    /// The client's address.
    pub peer: IpAddr,
    /// The name that it gave itself.
    pub hello: Option<&'a str>,
    /// Who has logged in, or tries to.
    pub user: Option<&'a str>,
    /// Whether TLS is on.
    pub encrypted: bool,
    /// The reverse-path, without brackets.
    pub reverse_path: Option<&'a str>,
    /// The forward-path that RCPT names, or all of them so far, without brackets.
    pub forward_paths: &'a [String],
    /// Recipients of the transaction so far, with the one that RCPT names.
    pub recipients: usize,
    /// Octets that MAIL declares, or that came.
    pub size: Option<u64>,
    /// The message, at its end.
    pub message: Option<&'a [u8]>,
}

/// Whom a session asks.
pub trait Misbehave: fmt::Debug + Send + Sync {
    /// Whether there is anything to ask about at this moment. Called often, and has to be quick.
    fn cares(&self, point: Point) -> bool;
    /// Whether this recipient is one that asks for a misdeed by its own name.
    fn is_magic(&self, recipient: &ForwardPath) -> bool;
    /// Whether the head of this message asks for one.
    fn is_triggered(&self, message: &[u8]) -> bool;
    /// What to do, where there is anything. Called once for each occasion: counters count.
    fn ask(&self, occasion: &Occasion<'_>) -> Option<Misdeed>;
}

/// What a session does in place of what it should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misdeed {
    /// For the transcript: which rules, and how often.
    pub name: String,
    /// This reply. Below 400 it only takes the place of the right one; above, the command is refused.
    pub reply: Option<Reply>,
    /// These octets in place of the reply.
    pub garbage: Option<Vec<u8>>,
    /// Waits so long before the reply.
    pub pause: Option<Duration>,
    /// Sends the reply in pieces.
    pub pace: Option<Pace>,
    /// Ends the connection.
    pub hang_up: Option<HangUp>,
    /// Says nothing any more, and takes everything.
    pub silent: bool,
    /// Extensions that are neither offered nor known from here on, as EHLO names them.
    pub hide: Vec<String>,
    /// What to do in place of a proper handshake.
    pub tls: Option<TlsFault>,
    /// Octets a second at most, both ways, from here on.
    pub rate: Option<u32>,
    /// The message is answered as if it were kept, and thrown away.
    pub lose: bool,
}

/// Sends slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// This pause between lines.
    Lines(Duration),
    /// This pause between octets.
    Octets(Duration),
}

/// Ends a connection without what SMTP says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HangUp {
    /// Whether the reply is sent first.
    pub after_reply: bool,
    /// Whether by a reset, which may take away what is still on its way.
    pub reset: bool,
}

/// What to do in place of a proper handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// A fatal alert.
    Refuse,
    /// Nothing, for as long as the client waits.
    Stall,
    /// A certificate that ended yesterday.
    Expired,
    /// A certificate that nobody vouches for.
    SelfSigned,
    /// A certificate for another host.
    WrongHost,
}

impl TlsFault {
    /// Its name in a scenario.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Stall => "stall",
            Self::Expired => "expired",
            Self::SelfSigned => "self-signed",
            Self::WrongHost => "wrong-host",
        }
    }
}

impl Misdeed {
    /// Whether the command is not to be carried out.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.reply.as_ref().is_some_and(Reply::is_refusal)
            || self.silent
            || self.hang_up.is_some_and(|hang_up| !hang_up.after_reply)
    }

    /// This one, and of another what it leaves open.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut hide = self.hide;
        hide.extend(other.hide);
        Self {
            name: format!("{}; {}", self.name, other.name),
            reply: self.reply.or(other.reply),
            garbage: self.garbage.or(other.garbage),
            pause: self.pause.or(other.pause),
            pace: self.pace.or(other.pace),
            hang_up: self.hang_up.or(other.hang_up),
            silent: self.silent || other.silent,
            hide,
            tls: self.tls.or(other.tls),
            rate: self.rate.or(other.rate),
            lose: self.lose || other.lose,
        }
    }

    /// Whether it decides what the client hears, if anything: of several such, one takes effect.
    #[must_use]
    pub fn answers(&self) -> bool {
        self.reply.is_some() || self.garbage.is_some() || self.silent || self.hang_up.is_some()
    }
}
