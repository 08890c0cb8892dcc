//! One client's conversation as a state machine without I/O.
//!
//! ```text
//!            ┌─────────────── AwaitingShell: greeting delay, TLS, store, login delay ──┐
//!            ▼                                                                         │
//!  Connected ──EHLO──▶ Identified ──MAIL──▶ InTransaction ──DATA──▶ ReceivingData ─────┤
//!                        │   ▲                  │   ▲                                  │
//!                      AUTH  │                BDAT  │                                  │
//!                        ▼   │                  ▼   │                                  │
//!                   Authenticating          ReceivingChunk ────────────────────────────┘
//! ```
//!
//! The envelope lives inside the states of a transaction: whatever leaves them (RSET, EHLO,
//! STARTTLS, a finished message) cannot leave a recipient behind. TLS and identity are fields.
//! The session owns the only input buffer, and refuses to grow it without bound.

mod auth;
mod clock;
mod command;
mod line;
mod mail;
mod receive;
mod types;

pub use types::{Action, Context, Ended, Incoming, Input, Refusal, TlsFacts, Transaction, Verdict};

use super::auth::{Exchange, Identity};
use super::data::{DotReader, Progress, Receiving};
use super::extension::Standing;
use super::policy::{Policy, TlsMode};
use super::replies;
use super::reply::Reply;
use super::transcript::{Kind, Note, Transcript};
use crate::mail::{Envelope, MessageId};
use std::sync::Arc;
use std::time::Duration;

/// How many transactions of one session are remembered one by one.
const REMEMBERED: usize = 100;

/// One client's conversation.
pub struct Session {
    policy: Arc<Policy>,
    context: Context,
    state: State,
    hello: Option<Hello>,
    tls: Option<Arc<TlsFacts>>,
    identity: Option<Identity>,
    /// What came and could not be used yet: the start of a line, or what waits for the shell.
    pending: Vec<u8>,
    overlong: Option<line::Overlong>,
    clock: clock::Clock,
    errors: u32,
    auth_failures: u32,
    exchanges: u32,
    /// Set while the client may still send secrets as lines of an exchange that was refused.
    hush: bool,
    greeted: bool,
    bare_lf_noted: bool,
    transactions: Vec<Transaction>,
    transaction_count: u32,
    last_refusal: Option<Refusal>,
    transcript: Transcript,
    ended: Option<Ended>,
}

/// What EHLO or HELO said.
#[derive(Clone, Debug)]
struct Hello {
    name: Arc<str>,
    extended: bool,
}

enum State {
    Connected,
    Identified,
    Authenticating(Box<Exchange>),
    InTransaction(Box<Open>),
    ReceivingData(Box<Data>),
    ReceivingChunk(Box<Chunk>),
    AwaitingShell(Awaiting),
    Closed,
}

enum Awaiting {
    /// The greeting delay: the client must be silent.
    Greeting,
    /// The TLS handshake.
    Tls,
    /// The store's word on a message.
    Store,
    /// The time after which a refused login is answered.
    Delay { reply: Reply, until: Duration },
}

/// A mail transaction.
struct Open {
    envelope: Envelope,
    /// Recipients that were refused, so that DATA can say why there are none.
    refused: u32,
    /// What BDAT has brought so far.
    chunks: Option<Receiving>,
    chunk_failed: bool,
}

/// DATA in progress.
struct Data {
    envelope: Envelope,
    reader: DotReader,
    receiving: Receiving,
    progress: Progress,
}

/// BDAT in progress.
struct Chunk {
    /// The transaction it belongs to; `None` where there is none and the chunk is only swallowed.
    open: Option<Box<Open>>,
    left: u64,
    size: u64,
    last: bool,
    refusal: Option<Reply>,
    progress: Progress,
}

impl Session {
    /// A session that has just been accepted; its first actions follow [`Input::Connected`].
    #[must_use]
    pub fn new(policy: Arc<Policy>, context: Context) -> Self {
        let transcript = Transcript::new(policy.limits.transcript);
        Self {
            policy,
            context,
            state: State::AwaitingShell(Awaiting::Greeting),
            hello: None,
            tls: None,
            identity: None,
            pending: Vec::new(),
            overlong: None,
            clock: clock::Clock::default(),
            errors: 0,
            auth_failures: 0,
            exchanges: 0,
            hush: false,
            greeted: false,
            bare_lf_noted: false,
            transactions: Vec::new(),
            transaction_count: 0,
            last_refusal: None,
            transcript,
            ended: None,
        }
    }

    /// Takes one input at `now` (since the client connected) and adds what is to be done.
    pub fn handle(&mut self, input: Input<'_>, now: Duration, actions: &mut Vec<Action>) {
        self.clock.now = now;
        if matches!(self.state, State::Closed) {
            return;
        }
        match input {
            Input::Connected => self.connected(actions),
            Input::Bytes(bytes) => self.take_bytes(bytes, actions),
            Input::TlsStarted(facts) => self.tls_started(facts, actions),
            Input::TlsFailed(why) => self.end(Ended::TlsFailed(why), actions),
            Input::Stored(result) => self.stored(result, actions),
            Input::Time => self.time_passed(actions),
            Input::Shutdown => self.shut_down(actions),
            Input::Noticed(note) => self.note(note),
            Input::Closed => self.end(Ended::ClosedByClient, actions),
            Input::Broken(why) => self.end(Ended::Broken(why), actions),
        }
    }

    fn connected(&mut self, actions: &mut Vec<Action>) {
        if self.policy.tls == TlsMode::Implicit {
            self.begin_tls(actions);
        } else if self.policy.deadlines.greeting_delay.is_zero() {
            self.greet(actions);
        }
    }

    fn greet(&mut self, actions: &mut Vec<Action>) {
        self.state = State::Connected;
        self.greeted = true;
        let greeting = replies::greeting(&self.policy.hostname);
        self.reply(greeting, actions);
    }

    fn begin_tls(&mut self, actions: &mut Vec<Action>) {
        self.state = State::AwaitingShell(Awaiting::Tls);
        self.clock.wait_begins();
        actions.push(Action::StartTls);
    }

    /// After a handshake everything before it is forgotten (RFC 3207 §4.2).
    fn tls_started(&mut self, facts: TlsFacts, actions: &mut Vec<Action>) {
        if !matches!(self.state, State::AwaitingShell(Awaiting::Tls)) {
            return;
        }
        let text = facts.to_string();
        self.tls = Some(Arc::new(facts));
        self.hello = None;
        self.identity = None;
        self.record(Kind::Tls, |out| out.extend(text.as_bytes()));
        self.state = State::Connected;
        self.clock.command_begins();
        if !self.greeted {
            self.greet(actions);
        }
    }

    /// The only way out for a reply: here the transcript is written, refusals are counted, and
    /// 421 hangs up.
    fn reply(&mut self, reply: Reply, actions: &mut Vec<Action>) {
        let reply = if reply.code() >= 500 && self.errors_are_too_many() {
            replies::TOO_MANY_ERRORS
        } else {
            reply
        };
        let enhanced = self.policy.extensions.enhanced_status_codes;
        self.record(Kind::Server, |out| {
            let start = out.len();
            reply.render(enhanced, out);
            remove_crlf(out, start);
        });
        self.clock.command_begins();
        let hangs_up = reply.code() == 421;
        let code = reply.code();
        actions.push(Action::Send(reply));
        if hangs_up {
            self.end(Ended::ClosedByServer { code }, actions);
        }
    }

    fn errors_are_too_many(&mut self) -> bool {
        self.errors += 1;
        self.errors >= self.policy.limits.errors
    }

    /// Says no to a command and remembers it for the session's summary.
    fn refuse(&mut self, command: &str, reply: Reply, actions: &mut Vec<Action>) {
        self.last_refusal = Some(Refusal { command: command.to_owned(), reply: reply.clone() });
        self.reply(reply, actions);
    }

    fn end(&mut self, ended: Ended, actions: &mut Vec<Action>) {
        if matches!(self.state, State::Closed) {
            return;
        }
        if matches!(self.state, State::ReceivingData(_) | State::ReceivingChunk(_)) {
            self.note(Note::MessageCutShort);
        }
        let text = ended.to_string();
        self.record(Kind::End, |out| out.extend(text.as_bytes()));
        if let State::InTransaction(open) = std::mem::replace(&mut self.state, State::Closed) {
            self.remember(&open.envelope, 0, Verdict::Abandoned);
        }
        self.ended = Some(ended);
        self.pending = Vec::new();
        // What is left of the session is kept for people to look at, a thousand at a time.
        self.transcript.shrink();
        self.transactions.shrink_to_fit();
        actions.push(Action::Close);
    }

    fn remember(&mut self, envelope: &Envelope, size: u64, verdict: Verdict) {
        if self.transactions.len() < REMEMBERED {
            self.transactions.push(Transaction::new(envelope, size, verdict));
        }
    }

    fn record(&mut self, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
        self.transcript.add(self.clock.now, kind, self.tls.is_some(), write);
    }

    fn note(&mut self, note: Note) {
        self.record(Kind::Note(note), |out| out.extend(note.text().as_bytes()));
    }

    fn standing(&self) -> Standing {
        let extended = self.hello.as_ref().is_some_and(|hello| hello.extended);
        Standing { encrypted: self.tls.is_some(), extended }
    }

    fn stored(&mut self, result: Result<MessageId, Reply>, actions: &mut Vec<Action>) {
        if !matches!(self.state, State::AwaitingShell(Awaiting::Store)) {
            return;
        }
        self.state = State::Identified;
        let (verdict, reply) = match result {
            Ok(id) => (Verdict::Kept(id), replies::kept(id)),
            Err(reply) => (Verdict::Refused(reply.clone()), reply),
        };
        if let Some(last) = self.transactions.last_mut().filter(|t| t.verdict == Verdict::Pending) {
            last.verdict = verdict;
        }
        self.message_done(reply, actions);
    }
}

/// What the shell and the people who look at a session ask of it.
impl Session {
    /// Whether the session would use bytes now. While it waits for the shell it would not, and
    /// whoever reads from the client should leave the bytes where they are.
    #[must_use]
    pub fn wants_bytes(&self) -> bool {
        match &self.state {
            State::AwaitingShell(awaiting) => matches!(awaiting, Awaiting::Greeting),
            State::Closed => false,
            _ => true,
        }
    }

    /// Whether a mail transaction is going on.
    #[must_use]
    pub fn in_transaction(&self) -> bool {
        matches!(
            self.state,
            State::InTransaction(_)
                | State::ReceivingData(_)
                | State::ReceivingChunk(_)
                | State::AwaitingShell(Awaiting::Store)
        )
    }

    /// The door's policy.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Who has logged in.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// TLS, if it is on.
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<TlsFacts>> {
        self.tls.as_ref()
    }

    /// The name that the client gave itself, and whether by EHLO.
    #[must_use]
    pub fn hello(&self) -> Option<(&str, bool)> {
        self.hello.as_ref().map(|hello| (&*hello.name, hello.extended))
    }

    /// The first mail transactions, in order.
    #[must_use]
    pub fn transactions(&self) -> &[Transaction] {
        &self.transactions
    }

    /// How many messages were sent to their end, also those beyond the ones remembered.
    #[must_use]
    pub fn messages(&self) -> u32 {
        self.transaction_count
    }

    /// The last command that was refused.
    #[must_use]
    pub fn last_refusal(&self) -> Option<&Refusal> {
        self.last_refusal.as_ref()
    }

    /// What was said.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// Octets of input that wait to be used.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether mail data is coming in, so that reading in large pieces pays.
    #[must_use]
    pub fn is_receiving(&self) -> bool {
        matches!(self.state, State::ReceivingData(_) | State::ReceivingChunk(_))
    }

    /// Octets of memory that it holds beside the message it is receiving.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.transcript.memory()
            + self.transactions.iter().map(Transaction::memory).sum::<usize>()
            + self.pending.capacity()
    }
}

/// Line ends of a reply become LF between lines and nothing at the end.
fn remove_crlf(out: &mut Vec<u8>, start: usize) {
    let mut kept = start;
    for i in start..out.len() {
        if out[i] != b'\r' {
            out[kept] = out[i];
            kept += 1;
        }
    }
    out.truncate(kept.saturating_sub(1));
}
