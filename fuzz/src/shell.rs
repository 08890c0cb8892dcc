//! A shell around the pure session that watches what no client may bring
//! about. It stops at the first thing that is wrong; it has no socket, and its clock is moved by hand.

use doorpost::config::Config;
use doorpost::mail::MessageId;
use doorpost::smtp::{
    Action, Budget, Context, Incoming, Input, Reply, Session, TlsFacts, Verdict, replies,
};
use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The four doors, by the first octet of an input.
pub const DOORS: [&str; 4] = ["relay", "submission", "submissions", "alternate"];
/// Mail in flight over all sessions; small, so that it is reached.
const MEMORY: u64 = 64 * 1024;
/// The largest message.
pub const MESSAGE: u64 = 4096;
/// A line that is not finished, plus what one read may bring.
const PENDING: usize = 192 * 1024;
/// What a session may hold beside that: transcript, envelope, what is remembered.
const HELD: usize = 400 * 1024;

/// What is noted of a client that did not wait for a reply that it had to wait for; it is answered otherwise, and rightly so.
const OUT_OF_TURN: [&str; 4] =
    ["early-talker", "pipelined-before-ehlo", "data-before-reply", "plaintext-after-starttls"];

/// The default configuration with one user, `alice`, whose secret is `secret`.
static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let mut config = Config::parse("[[users]]\nname = \"alice\"\nsecret = \"secret\"\n")
        .expect("a user is all that it sets");
    for door in &mut config.doors {
        door.limits.message_size = MESSAGE;
    }
    config
});

/// A session, and what came of it.
pub struct Shell {
    pub session: Session,
    budget: Arc<Budget>,
    now: Duration,
    /// Everything that was sent.
    pub replies: Vec<u8>,
    /// The octets of what the store was given, and whether it kept them.
    pub stored: Vec<(Vec<u8>, bool)>,
    /// Whether the last reply was 354, so that the next one is the word on a message.
    awaits_word: bool,
    /// Which messages the store refuses: bit n for the n-th, again and again.
    refuses: u8,
}

impl Shell {
    /// A client that has just connected. The store refuses messages by the bits of `refuses`.
    pub fn at(door: &str, refuses: u8) -> Self {
        let row = CONFIG.door(door).expect("one of the four").clone();
        let policy = Arc::new(row.policy(&CONFIG, Arc::new(CONFIG.directory())));
        let budget = Budget::new(MEMORY);
        let context = Context {
            peer: [127, 0, 0, 1].into(),
            budget: Arc::clone(&budget),
            faults: None,
            entropy: [1; 16],
        };
        let mut shell = Self {
            session: Session::new(policy, context),
            budget,
            now: Duration::ZERO,
            replies: Vec::new(),
            stored: Vec::new(),
            awaits_word: false,
            refuses,
        };
        shell.feed(Input::Connected);
        shell
    }

    /// Octets from the client, in pieces of the lengths that `cut` gives for what is left.
    pub fn say(&mut self, mut bytes: &[u8], mut cut: impl FnMut(&[u8]) -> usize) {
        while !bytes.is_empty() && self.session.ended().is_none() {
            if self.session.is_paused() {
                self.feed(Input::Turn);
            } else if self.session.wants_bytes() {
                let (piece, rest) = bytes.split_at(cut(bytes).clamp(1, bytes.len()));
                self.feed(Input::Bytes(piece));
                bytes = rest;
            } else {
                self.pass_time();
            }
        }
        while self.session.is_paused() {
            self.feed(Input::Turn);
        }
    }

    /// The client falls silent: time alone brings every session to its end, and all memory back.
    pub fn fall_silent(mut self) -> Outcome {
        for _ in 0..100 {
            if self.session.ended().is_none() {
                self.pass_time();
            }
        }
        assert!(self.session.ended().is_some(), "the session does not end");
        let kept = self.session.transactions().iter();
        let kept = kept.filter(|one| matches!(one.verdict, Verdict::Kept(_))).count();
        let confirmed = self.stored.iter().filter(|(_, kept)| *kept).count();
        // A hundred transactions are remembered one by one, those that were given up among them.
        let are_all_there = self.session.transactions().len() < 100;
        assert!(
            kept == confirmed || !are_all_there && kept < confirmed,
            "{kept} are shown as kept"
        );
        let out_of_turn =
            self.session.transcript().notes().any(|note| OUT_OF_TURN.contains(&note.code()));
        let Self { session, budget, replies, stored, .. } = self;
        drop(session);
        assert_eq!(budget.free(), MEMORY, "memory in flight was not given back");
        check_lines(&replies);
        Outcome { replies, stored, out_of_turn }
    }

    fn pass_time(&mut self) {
        self.now = self.session.deadline().expect("whoever waits says until when").max(self.now);
        self.feed(Input::Time);
    }

    fn feed(&mut self, input: Input<'_>) {
        let mut actions = Vec::new();
        self.session.handle(input, self.now, &mut actions);
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Send(reply) => self.send(&reply, false),
                Action::StartTls(_) => {
                    let mut more = Vec::new();
                    let facts = TlsFacts::default();
                    self.session.handle(Input::TlsStarted(facts), self.now, &mut more);
                    actions.extend(more);
                }
                Action::Store(incoming) => actions.extend(self.keep(*incoming)),
                _ => {}
            }
        }
        assert!(self.session.pending() <= PENDING, "{} octets wait", self.session.pending());
        assert!(self.session.memory() <= PENDING + HELD, "{} are held", self.session.memory());
    }

    /// Plays the store, and holds the session to its word.
    fn keep(&mut self, incoming: Incoming) -> Vec<Action> {
        assert!(incoming.bytes.len() as u64 <= MESSAGE, "a message over the limit was stored");
        assert!(!incoming.envelope.forward_paths.is_empty(), "a message for nobody was stored");
        let keeps = self.refuses >> (self.stored.len() % 8) & 1 == 0;
        self.stored.push((incoming.bytes, keeps));
        drop(incoming.reservation);
        let word = match MessageId::new(self.stored.len() as u64) {
            Some(id) if keeps => Ok(id),
            _ => Err(replies::NO_STORAGE),
        };
        let mut actions = Vec::new();
        self.session.handle(Input::Stored(word), self.now, &mut actions);
        let Some(Action::Send(reply)) = actions.first() else { panic!("no reply to a message") };
        assert_eq!(reply.code() == 250, keeps, "{} although kept: {keeps}", reply.code());
        self.send(reply, true);
        actions.remove(0);
        actions
    }

    fn send(&mut self, reply: &Reply, is_word: bool) {
        let mut text = Vec::new();
        reply.render(true, &mut text);
        let claims = text.windows(8).any(|part| part == b"kept as ");
        assert!(is_word || !claims, "a message is called kept that the store has not confirmed");
        assert!(
            !self.awaits_word || is_word || reply.code() >= 400,
            "250 without a word of the store"
        );
        self.awaits_word = reply.code() == 354;
        self.replies.extend(text);
    }
}

/// What a whole session came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Everything that was sent.
    pub replies: Vec<u8>,
    /// What the store was given, and whether it kept it.
    pub stored: Vec<(Vec<u8>, bool)>,
    /// Whether the client sent what it should have waited with.
    pub out_of_turn: bool,
}

/// Every line that leaves is a reply's: three digits, a separator, 512 octets with its end at most, no control
/// characters, one code from the first line of a reply to its last (RFC 5321 §4.2).
pub fn check_lines(replies: &[u8]) {
    let text = std::str::from_utf8(replies).expect("replies are UTF-8");
    assert!(text.is_empty() || text.ends_with("\r\n"), "a reply does not end");
    let mut open: Option<&str> = None;
    for line in text.split_terminator("\r\n") {
        assert!(line.len() <= 510, "a reply line of {} octets", line.len());
        assert!(line.is_char_boundary(3) && line.len() >= 3, "{line:?}");
        let (code, rest) = line.split_at(3);
        assert!(code.parse::<u16>().is_ok_and(|code| (200..600).contains(&code)), "{line:?}");
        assert!(rest.starts_with([' ', '-']), "{line:?}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(open.is_none_or(|first| first == code), "{line:?} within another reply");
        open = rest.starts_with('-').then_some(code);
    }
    assert!(open.is_none(), "a reply lacks its last line");
}
