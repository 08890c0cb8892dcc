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
mod look;
mod mail;
mod mask;
mod misbehave;
mod receive;
mod record;
mod types;

pub use types::{
    Action, Context, Ended, Incoming, Input, Refusal, TlsFacts, Transaction, Verdict, Vouch,
};

use super::auth::{Exchange, Identity};
use super::budget::Reservation;
use super::data::{DotReader, LineCheck, Progress, Receiving};
use super::extension::Standing;
use super::misbehave::{Misdeed, Point};
use super::policy::{Policy, TlsMode};
use super::replies;
use super::reply::Reply;
use super::transcript::{Kind, Note, Transcript};
use crate::mail::{Envelope, MessageId};
use misbehave::About;
use std::sync::Arc;
use std::time::Duration;

/// How many transactions of one session are remembered one by one.
const REMEMBERED: usize = 100;
/// Octets of paths that they may hold together.
const REMEMBERED_PATHS: usize = 16 * 1024;

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
    /// What was noted since the last MAIL, each once: it is about that message.
    message_notes: Vec<Note>,
    /// How far the first lines are the beginning of a PROXY header, version 2.
    proxy_lines: u8,
    /// Whether a fault took STARTTLS away.
    starttls_hidden: bool,
    /// Whether a fault took AUTH away, or a mechanism of it.
    auth_hidden: bool,
    /// Who may say that a recipient is to be taken all the same.
    vouch: Option<Arc<dyn Vouch>>,
    /// The lines of faults that left the reply as it was, only slower.
    slowed: Vec<usize>,
    /// Whether the client ever sent a command before the reply to the one before.
    has_pipelined: bool,
    /// Rises with everything that may be a finding.
    remarks: u32,
    plaintext_noted: bool,
    /// Whether a turn was cut short, with commands left in `pending`.
    paused: bool,
    transactions: Vec<Transaction>,
    transaction_count: u32,
    room_for_paths: usize,
    last_refusal: Option<Refusal>,
    transcript: Transcript,
    ended: Option<Ended>,
    /// What is to be done about the next reply, where something is.
    misdeed: Option<Box<Misdeed>>,
    /// What is known of the message that the store was given, where somebody may ask.
    to_be_kept: Option<Box<(About, Vec<u8>)>>,
    /// Whether the greeting refused the client.
    turned_away: bool,
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
    /// The client's end: nothing is said any more.
    Nothing,
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
    check: LineCheck,
    chunk_failed: bool,
    /// Octets of the envelope, and the memory that they take.
    weight: usize,
    reservation: Reservation,
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

impl Chunk {
    /// Octets of the message so far, those of this chunk included.
    fn received(&self) -> u64 {
        let before = self.open.as_ref().and_then(|open| open.chunks.as_ref());
        before.map_or(self.size - self.left, Receiving::received)
    }
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
            message_notes: Vec::new(),
            proxy_lines: 0,
            starttls_hidden: false,
            auth_hidden: false,
            vouch: None,
            slowed: Vec::new(),
            has_pipelined: false,
            remarks: 0,
            plaintext_noted: false,
            paused: false,
            transactions: Vec::new(),
            transaction_count: 0,
            room_for_paths: REMEMBERED_PATHS,
            last_refusal: None,
            transcript,
            ended: None,
            misdeed: None,
            to_be_kept: None,
            turned_away: false,
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
            Input::Turn => self.use_pending(actions),
            Input::Shutdown => self.shut_down(actions),
            Input::Noticed(note) => self.note(note),
            Input::Closed => self.end(Ended::ClosedByClient, actions),
            Input::Broken(why) => self.end(Ended::Broken(why), actions),
        }
    }

    fn connected(&mut self, actions: &mut Vec<Action>) {
        if !self.goes_on_after_connect(actions) {
            return;
        }
        if self.policy.tls == TlsMode::Implicit {
            self.begin_tls(actions);
        } else if self.policy.deadlines.greeting_delay.is_zero() {
            self.greet(actions);
        }
    }

    fn greet(&mut self, actions: &mut Vec<Action>) {
        self.state = State::Connected;
        self.greeted = true;
        let reply = match self.ask_before(Point::Greeting, About::default) {
            Ok(()) => replies::greeting(&self.policy.hostname),
            Err(reply) => {
                self.turned_away = true;
                reply
            }
        };
        self.reply(reply, actions);
    }

    fn begin_tls(&mut self, actions: &mut Vec<Action>) {
        if self.is_lost() {
            return;
        }
        let fault = self.ask_before_tls(actions);
        if self.is_lost() {
            return;
        }
        self.state = State::AwaitingShell(Awaiting::Tls);
        // Nothing that was sent in the clear may be read as if it had come through TLS.
        self.pending = Vec::new();
        self.clock.wait_begins();
        actions.push(Action::StartTls(fault));
    }

    /// After a handshake everything before it is forgotten (RFC 3207 §4.2).
    fn tls_started(&mut self, facts: TlsFacts, actions: &mut Vec<Action>) {
        if !matches!(self.state, State::AwaitingShell(Awaiting::Tls)) {
            return;
        }
        let text = facts.to_string();
        self.remark();
        self.plaintext_noted = false;
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

    /// The only way out for a reply: here faults change it.
    fn reply(&mut self, reply: Reply, actions: &mut Vec<Action>) {
        match self.misdeed.take() {
            None => self.say(reply, actions),
            Some(misdeed) => self.reply_badly(*misdeed, reply, actions),
        }
    }

    /// Says a reply: here the transcript is written, and 421 hangs up.
    fn say(&mut self, reply: Reply, actions: &mut Vec<Action>) {
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

    /// Says no to a command and remembers it for the session's summary.
    fn refuse(&mut self, command: &'static str, reply: Reply, actions: &mut Vec<Action>) {
        let reply = self.counted(reply);
        self.refuse_counted(command, reply, actions);
    }

    fn refuse_counted(&mut self, command: &'static str, reply: Reply, actions: &mut Vec<Action>) {
        self.remark();
        if !self.says_nothing() {
            self.last_refusal = Some(Refusal { command, reply: reply.clone() });
        }
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
        self.remark();
        self.record(Kind::End, |out| out.extend(text.as_bytes()));
        match std::mem::replace(&mut self.state, State::Closed) {
            State::InTransaction(open) => self.remember(&open.envelope, 0, Verdict::Abandoned),
            State::ReceivingData(data) => {
                self.remember(&data.envelope, data.receiving.received(), Verdict::Abandoned);
            }
            State::ReceivingChunk(chunk) => {
                let received = chunk.received();
                if let Some(open) = chunk.open {
                    self.remember(&open.envelope, received, Verdict::Abandoned);
                }
            }
            _ => {}
        }
        self.ended = Some(ended);
        self.to_be_kept = None;
        self.pending = Vec::new();
        // What is left of the session is kept for people to look at, a thousand at a time.
        self.transcript.shrink();
        self.transactions.shrink_to_fit();
        actions.push(Action::Close);
    }

    fn remember(&mut self, envelope: &Envelope, size: u64, verdict: Verdict) {
        if self.transactions.len() < REMEMBERED {
            let transaction = Transaction::new(envelope, size, verdict, self.room_for_paths);
            self.room_for_paths = self.room_for_paths.saturating_sub(transaction.paths_length());
            self.transactions.push(transaction);
        }
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
            Ok(id) => {
                // A client that gets its mail through is no attacker; pools keep sessions for days.
                self.errors = 0;
                self.ask_when_kept();
                (Verdict::Kept(id), replies::kept(id))
            }
            Err(reply) => {
                let reply = self.counted(reply);
                (Verdict::Refused(reply.clone()), reply)
            }
        };
        if let Some(last) = self.transactions.last_mut().filter(|t| t.verdict == Verdict::Pending) {
            last.verdict = verdict;
        }
        self.message_done("DATA", reply, actions);
    }
}

/// Line ends of a reply become LF between lines and nothing at the end.
fn remove_crlf(out: &mut Vec<u8>, start: usize) {
    // Nearly always one line, of which only the end is to go.
    if out.ends_with(b"\r\n") {
        out.truncate(out.len() - 2);
    }
    let mut from = start;
    while let Some(at) = memchr::memchr(b'\r', &out[from..]) {
        from += at;
        out.remove(from);
    }
}
