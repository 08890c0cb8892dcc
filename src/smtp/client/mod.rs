//! The client's side of SMTP as a state machine without I/O: what [`super::Session`] is for servers.
//!
//! ```text
//!  Greeting ─▶ Hello ─▶ (StartTls ─▶ Tls ─▶ Hello) ─▶ (Auth) ─▶ Ready ◀──────────┐
//!                                                                │               │
//!                                              Envelope ─▶ Data ─▶ End ─▶ (Reset)┘
//!                                                  ▲                │
//!                                                  └ more recipients┘
//! ```
//!
//! One connection carries as many messages as it is given. A server is not trusted: replies are bounded, each has its
//! deadline, and one that nobody asked for ends the connection. Secrets do not reach the transcript.

mod login;
mod mail;
mod reply;
mod send;
mod types;

pub use mail::{Fate, Mail, Outcome, Said, stuffed};
pub use reply::ServerReply;
pub use types::{Action, Input, Login, Patience, Security, Settings};

use super::session::TlsFacts;
use super::transcript::{Kind, Transcript};
use mail::Offers;
use reply::Reader;
use send::Sending;
use std::time::Duration;

/// Octets of text that a transcript may hold.
const TRANSCRIPT: usize = 64 * 1024;

/// One conversation with a server.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    state: State,
    reader: Reader,
    offers: Offers,
    tls: Option<TlsFacts>,
    user: Option<String>,
    mechanism: &'static str,
    transcript: Transcript,
    now: Duration,
    /// When the reply has to be there.
    deadline: Option<Duration>,
    mails: u32,
    ended: Option<String>,
}

#[derive(Debug)]
enum State {
    Connecting,
    Greeting,
    Hello,
    Helo,
    StartTls,
    Tls,
    Auth(login::Step),
    Ready,
    Sending(Box<Sending>),
    Reset,
    Quit,
    Closed,
}

impl Client {
    /// A client that is about to connect.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            state: State::Connecting,
            reader: Reader::default(),
            offers: Offers::default(),
            tls: None,
            user: None,
            mechanism: "",
            transcript: Transcript::new(TRANSCRIPT),
            now: Duration::ZERO,
            deadline: None,
            mails: 0,
            ended: None,
        }
    }

    /// Takes one input at `now` (since the connection began) and adds what is to be done.
    pub fn handle(&mut self, input: Input<'_>, now: Duration, actions: &mut Vec<Action>) {
        self.now = now;
        match (input, &self.state) {
            (_, State::Closed) => {}
            (Input::Connected, State::Connecting) => self.connected(actions),
            (Input::Bytes(octets), _) => self.take(octets, actions),
            (Input::TlsStarted(facts), State::Tls) => self.tls_started(facts, actions),
            (Input::TlsFailed(why), State::Tls) => {
                let text = format!("the TLS handshake failed: {why}");
                self.record(Kind::Tls, &text);
                self.lost(&Said::by_us(454, "4.7.0", "STARTTLS", text), actions);
            }
            (Input::Mail(mail), State::Ready) => self.begin_mail(*mail, actions),
            (Input::Quit, State::Ready) => {
                self.command("QUIT", self.settings.patience.farewell, actions);
                self.state = State::Quit;
            }
            (Input::Time, _) if self.deadline.is_some_and(|deadline| now >= deadline) => {
                let text = format!("no reply to {} in time", self.waits_for());
                self.lost(&Said::by_us(450, "4.4.2", self.waits_for(), text), actions);
            }
            (Input::Closed, State::Quit) => self.end("closed after QUIT".into(), actions),
            (Input::Closed, _) => {
                let text = format!(
                    "the server closed the connection instead of a reply to {}",
                    self.waits_for()
                );
                self.lost(&Said::by_us(450, "4.4.2", self.waits_for(), text), actions);
            }
            (Input::Broken(why), _) => {
                let text = format!("the connection broke: {why}");
                self.lost(&Said::by_us(450, "4.4.2", self.waits_for(), text), actions);
            }
            _ => {}
        }
    }

    fn connected(&mut self, actions: &mut Vec<Action>) {
        if self.settings.security == Security::Implicit {
            return self.begin_tls(actions);
        }
        self.expect(State::Greeting, self.settings.patience.greeting);
    }

    fn begin_tls(&mut self, actions: &mut Vec<Action>) {
        self.expect(State::Tls, self.settings.patience.handshake);
        actions.push(Action::StartTls);
    }

    /// What was known before TLS counts no more (RFC 3207 §4.2).
    fn tls_started(&mut self, facts: TlsFacts, actions: &mut Vec<Action>) {
        let text = facts.to_string();
        let is_implicit = self.settings.security == Security::Implicit;
        self.offers = Offers::default();
        self.reader = Reader::default();
        self.tls = Some(facts);
        self.record(Kind::Tls, &text);
        if is_implicit {
            self.expect(State::Greeting, self.settings.patience.greeting);
        } else {
            self.hello(actions);
        }
    }

    fn hello(&mut self, actions: &mut Vec<Action>) {
        let line = format!("EHLO {}", self.settings.hello);
        self.command(&line, self.settings.patience.command, actions);
        self.state = State::Hello;
    }

    fn take(&mut self, mut octets: &[u8], actions: &mut Vec<Action>) {
        while !octets.is_empty() && !matches!(self.state, State::Closed) {
            // What comes in the clear behind the reply to STARTTLS could be anybody's.
            if matches!(self.state, State::Tls | State::Connecting) {
                let text = "the server spoke where TLS was to begin";
                return self.lost(&Said::by_us(450, "4.7.0", "STARTTLS", text), actions);
            }
            match self.reader.read(octets) {
                Ok((reply, rest)) => {
                    octets = rest;
                    if let Some(reply) = reply {
                        self.heard(&reply, actions);
                    }
                }
                Err(why) => {
                    let said = Said::by_us(450, "4.5.0", self.waits_for(), why.to_string());
                    return self.lost(&said, actions);
                }
            }
        }
    }

    fn heard(&mut self, reply: &ServerReply, actions: &mut Vec<Action>) {
        let text = format!("{} {}", reply.code(), reply.lines().join("\n"));
        self.record(Kind::Server, &text);
        let goes = reply.code() == 421 && !matches!(self.state, State::Quit);
        match &mut self.state {
            State::Quit => self.end("closed after QUIT".into(), actions),
            _ if goes => self.lost(&Said::by_server(self.waits_for(), reply), actions),
            State::Greeting if reply.code() == 220 => self.hello(actions),
            State::Hello if reply.is_good() => {
                self.offers = Offers::read(reply);
                self.after_hello(actions);
            }
            // One that knows no EHLO (RFC 5321 §3.2); TLS and AUTH are out of reach then.
            State::Hello if reply.code() / 100 == 5 && self.tls.is_none() => {
                let line = format!("HELO {}", self.settings.hello);
                self.command(&line, self.settings.patience.command, actions);
                self.state = State::Helo;
            }
            State::Helo if reply.is_good() => self.after_hello(actions),
            State::StartTls if reply.code() == 220 => self.begin_tls(actions),
            State::StartTls if self.settings.security == Security::IfOffered => {
                self.after_tls(actions);
            }
            State::Auth(_) => self.auth_answered(reply, actions),
            State::Sending(_) => self.sending_answered(reply, actions),
            State::Reset if reply.is_good() => self.ready(actions),
            _ => {
                let said = Said::by_server(self.waits_for(), reply);
                self.lost(&said, actions);
            }
        }
    }

    fn after_hello(&mut self, actions: &mut Vec<Action>) {
        if self.tls.is_none() && self.settings.security != Security::Never {
            if self.offers.starttls {
                self.command("STARTTLS", self.settings.patience.command, actions);
                self.state = State::StartTls;
                return;
            }
            if self.settings.security == Security::Demanded {
                let text = "TLS is demanded, and the server does not offer STARTTLS";
                return self.lost(&Said::by_us(454, "4.7.4", "EHLO", text), actions);
            }
        }
        self.after_tls(actions);
    }

    fn after_tls(&mut self, actions: &mut Vec<Action>) {
        if self.settings.login.is_some() && self.user.is_none() {
            return self.begin_login(actions);
        }
        self.ready(actions);
    }

    fn ready(&mut self, actions: &mut Vec<Action>) {
        self.state = State::Ready;
        self.deadline = None;
        actions.push(Action::Ready);
    }

    /// Sends a command; its reply has so long.
    fn command(&mut self, line: &str, patience: Duration, actions: &mut Vec<Action>) {
        self.record(Kind::Client, line);
        self.deadline = Some(self.now + patience);
        actions.push(Action::Send(format!("{line}\r\n").into_bytes()));
    }

    fn expect(&mut self, state: State, patience: Duration) {
        self.state = state;
        self.deadline = Some(self.now + patience);
    }

    /// The connection is of no more use: what was on its way fares by what was said, and the rest can be tried
    /// again on another.
    fn lost(&mut self, said: &Said, actions: &mut Vec<Action>) {
        let state = std::mem::replace(&mut self.state, State::Closed);
        if let State::Sending(sending) = state {
            actions.push(Action::Done(sending.lost(said, &self.offers)));
        } else if !matches!(state, State::Ready | State::Reset | State::Quit) {
            actions.push(Action::Failed(Fate::of(send::strict(said.clone()))));
        }
        let text = if said.by_server {
            format!("doorpost closed after {} {}", said.code, said.enhanced)
        } else {
            said.text.clone()
        };
        self.end(text, actions);
    }

    fn end(&mut self, text: String, actions: &mut Vec<Action>) {
        self.state = State::Closed;
        self.deadline = None;
        self.record(Kind::End, &text);
        self.ended = Some(text);
        self.transcript.shrink();
        actions.push(Action::Close);
    }

    fn record(&mut self, kind: Kind, text: &str) {
        let encrypted = self.tls.is_some();
        self.transcript.add(self.now, kind, encrypted, |out| out.extend(text.as_bytes()));
    }

    /// The command whose reply is awaited.
    fn waits_for(&self) -> &'static str {
        match &self.state {
            State::Connecting | State::Greeting => "the connection",
            State::Hello => "EHLO",
            State::Helo => "HELO",
            State::StartTls | State::Tls => "STARTTLS",
            State::Auth(_) => "AUTH",
            State::Ready => "nothing",
            State::Sending(sending) => sending.waits_for(),
            State::Reset => "RSET",
            State::Quit | State::Closed => "QUIT",
        }
    }

    /// When [`Input::Time`] is due, since the connection began.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Whether it takes no more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// What was said.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// TLS, if it is on.
    #[must_use]
    pub fn tls(&self) -> Option<&TlsFacts> {
        self.tls.as_ref()
    }

    /// As whom it has logged in, and by which mechanism.
    #[must_use]
    pub fn login(&self) -> Option<(&str, &'static str)> {
        self.user.as_deref().map(|user| (user, self.mechanism))
    }

    /// How many messages were begun.
    #[must_use]
    pub fn mails(&self) -> u32 {
        self.mails
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn ended(&self) -> Option<&str> {
        self.ended.as_deref()
    }

    /// The name that it gives itself.
    #[must_use]
    pub fn hello_name(&self) -> &str {
        &self.settings.hello
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests;
