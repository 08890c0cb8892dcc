//! What shows only over several sessions: a client that never comes back after "try again later", and a message
//! that comes twice.
//!
//! The clock is handed in. What is remembered is bounded, the oldest is forgotten first; who is forgotten is not
//! accused. A client is known by its address and the reverse-path it uses, and owes a try to each recipient that was
//! put off.

use super::{Client, Code, Finding, Letter};
use crate::mail::{Envelope, SessionId};
use crate::smtp::command::{self, Verb};
use crate::smtp::transcript::Kind;
use crate::smtp::{Session, Verdict};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::time::Duration;

/// Things of each kind that are remembered.
const REMEMBERED: usize = 4096;
/// Tries that are remembered, of which a message has one for each recipient.
const REMEMBERED_TRIES: usize = 65_536;
/// In the place of a recipient: the message for all of them, where MAIL or the data was put off.
const WHOLE: &str = "";
/// In the place of a recipient: whoever it was for, where a client came back and named none.
const ANYBODY: &str = "*";

/// A client, and whom it wanted to reach: an address, a reverse-path and a forward-path.
type Wish = (IpAddr, String, String);

/// How long to wait for what is to come, and to remember what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A client that was told to try later has so long to come back.
    pub retry: Duration,
    /// The same message is a duplicate within this time.
    pub duplicate: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { retry: Duration::from_hours(1), duplicate: Duration::from_hours(1) }
    }
}

/// What is remembered of the sessions of all clients.
#[derive(Debug)]
pub struct Sequences {
    patience: Patience,
    deferred: BTreeMap<Wish, Deferred>,
    /// When each wish was tried last, by its hash: a session may be filed after one that began later.
    tried: HashMap<u64, Duration>,
    tried_order: VecDeque<u64>,
    /// The deferred, in the order of time.
    order: VecDeque<(Wish, SessionId)>,
    seen: HashMap<u64, Seen>,
    seen_order: VecDeque<u64>,
    /// Sessions whose last message was kept, and whose client was never told.
    unanswered: BTreeSet<SessionId>,
}

#[derive(Debug)]
struct Deferred {
    session: SessionId,
    line: usize,
    client: Option<Client>,
    /// When it was put off.
    at: Duration,
    reply: String,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    session: Option<SessionId>,
    at: Duration,
}

/// What a session tried, as far as its transcript tells.
#[derive(Debug, Default)]
pub struct Attempts {
    /// Each reverse-path and whom it was for, and how long after the beginning that was tried last.
    tries: BTreeMap<(String, String), Duration>,
    deferred: Vec<PutOff>,
    /// Whether there was more than the transcript holds: anything may have been tried there.
    is_cut: bool,
    is_unanswered: bool,
}

/// A sender that was asked to try later.
#[derive(Debug)]
struct PutOff {
    reverse_path: String,
    recipient: String,
    /// The line of the command.
    line: usize,
    reply: String,
    /// How long that was after the beginning.
    after: Duration,
}

/// By what a message is known when it comes again.
#[derive(Clone, Debug)]
pub struct MessageKey {
    hash: u64,
    has_name: bool,
    /// Of the client and the reverse-path.
    sender: DefaultHasher,
    peer: IpAddr,
    reverse_path: String,
    /// Each once, in an order of their own.
    recipients: Vec<String>,
}

impl Sequences {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            deferred: BTreeMap::new(),
            tried: HashMap::new(),
            tried_order: VecDeque::new(),
            order: VecDeque::new(),
            seen: HashMap::new(),
            seen_order: VecDeque::new(),
            unanswered: BTreeSet::new(),
        }
    }

    /// Takes note of a session that has ended, and of when it began.
    pub fn session_ended(
        &mut self,
        id: SessionId,
        peer: IpAddr,
        attempts: Attempts,
        client: Option<Client>,
        began: Duration,
    ) {
        if attempts.is_cut {
            self.deferred.retain(|(of, ..), _| *of != peer);
        }
        for ((reverse_path, recipient), after) in attempts.tries {
            self.was_tried(hash_of(peer, &reverse_path, &recipient), began + after);
            self.has_tried(peer, &reverse_path, &recipient, began + after);
        }
        for PutOff { reverse_path, recipient, line, reply, after } in attempts.deferred {
            let at = began + after;
            let was_tried = [&*recipient, ANYBODY].into_iter().any(|one| {
                let newest = self.tried.get(&hash_of(peer, &reverse_path, one));
                newest.is_some_and(|newest| *newest > at)
            });
            if was_tried {
                continue;
            }
            let wish = (peer, reverse_path, recipient);
            self.deferred.insert(wish.clone(), Deferred { session: id, line, client, at, reply });
            self.order.push_back((wish, id));
            while self.order.len() > REMEMBERED {
                let Some((wish, id)) = self.order.pop_front() else { break };
                if self.deferred.get(&wish).is_some_and(|one| one.session == id) {
                    self.deferred.remove(&wish);
                }
            }
        }
        if attempts.is_unanswered {
            self.unanswered.insert(id);
            while self.unanswered.len() > REMEMBERED {
                self.unanswered.pop_first();
            }
        }
    }

    /// What is to be said of a message that came before; nothing where it did not, or too long ago.
    #[must_use]
    pub fn duplicate_of(&self, key: &MessageKey, now: Duration) -> Option<String> {
        let before = self.seen.get(&key.hash)?;
        if now.saturating_sub(before.at) > self.patience.duplicate {
            return None;
        }
        let was_lost = before.session.is_some_and(|id| self.unanswered.contains(&id));
        let place = before.session.map_or_else(String::new, |id| format!(" in session {id}"));
        match (was_lost, key.has_name) {
            (true, _) => Some(format!("{place}, where its 250 was lost")),
            (false, true) => Some(place),
            // Without a name of its own it may be the same text, sent again on purpose.
            (false, false) => None,
        }
    }

    /// Takes note of a message that was kept.
    pub fn message(&mut self, key: &MessageKey, session: Option<SessionId>, now: Duration) {
        // Whoever sends comes back, also where the session lasts for days.
        if session.is_some() {
            let MessageKey { sender, peer, reverse_path, recipients, .. } = key;
            let recipients = recipients.iter().map(String::as_str);
            for recipient in std::iter::once(WHOLE).chain(recipients) {
                self.was_tried(hash_for(sender, recipient), now);
                self.has_tried(*peer, reverse_path, recipient, now);
            }
        }
        self.remember(key.hash, Seen { session, at: now });
    }

    /// A client tried at that time: it was not put off for good before.
    fn has_tried(&mut self, peer: IpAddr, reverse_path: &str, recipient: &str, at: Duration) {
        if recipient == ANYBODY {
            let is_met = |wish: &Wish, one: &Deferred| {
                wish.0 == peer && wish.1 == reverse_path && one.at < at
            };
            self.deferred.retain(|wish, one| !is_met(wish, one));
        } else if !self.deferred.is_empty() {
            let wish = (peer, reverse_path.to_owned(), recipient.to_owned());
            if self.deferred.get(&wish).is_some_and(|one| one.at < at) {
                self.deferred.remove(&wish);
            }
        }
    }

    /// Remembers when a wish was tried last.
    fn was_tried(&mut self, hash: u64, at: Duration) {
        match self.tried.entry(hash) {
            Entry::Occupied(mut newest) => *newest.get_mut() = at.max(*newest.get()),
            Entry::Vacant(place) => {
                place.insert(at);
                self.tried_order.push_back(hash);
            }
        }
        while self.tried_order.len() > REMEMBERED_TRIES {
            if let Some(oldest) = self.tried_order.pop_front() {
                self.tried.remove(&oldest);
            }
        }
    }

    fn remember(&mut self, key: u64, seen: Seen) {
        if self.seen.insert(key, seen).is_none() {
            self.seen_order.push_back(key);
        }
        while self.seen_order.len() > REMEMBERED {
            if let Some(oldest) = self.seen_order.pop_front() {
                self.seen.remove(&oldest);
            }
        }
    }

    /// Those who had their time and did not come back.
    pub fn overdue(&mut self, now: Duration) -> Vec<(SessionId, Finding)> {
        let mut overdue = Vec::new();
        while let Some((wish, id)) = self.order.front() {
            // It came back, or was put off again later, which stands further behind.
            let Some(one) = self.deferred.get(wish).filter(|one| one.session == *id) else {
                self.order.pop_front();
                continue;
            };
            if now.saturating_sub(one.at) < self.patience.retry {
                break;
            }
            let about = format!(" ({})", one.reply);
            let finding = Finding::new(Code::NeverRetried, Some(one.line), one.client, &about);
            overdue.push((one.session, finding));
            self.deferred.remove(wish);
            self.order.pop_front();
        }
        overdue
    }
}

impl MessageKey {
    /// From whom and for whom a message is, and its Message-ID; without one, its octets.
    #[must_use]
    pub fn new(peer: IpAddr, envelope: &Envelope, letter: &Letter, octets: &[u8]) -> Self {
        let reverse_path = envelope.reverse_path.to_string();
        let paths = envelope.forward_paths.iter();
        let mut recipients: Vec<_> = paths.map(|one| lower(one.path.to_string())).collect();
        // In whatever order they were named.
        recipients.sort_unstable();
        recipients.dedup();
        let sender = hash_of_sender(peer, &reverse_path);
        let mut hasher = sender.clone();
        recipients.hash(&mut hasher);
        match &letter.message_id {
            Some(id) => id.hash(&mut hasher),
            None => octets.hash(&mut hasher),
        }
        let (hash, has_name) = (hasher.finish(), letter.message_id.is_some());
        Self { hash, has_name, sender, peer, reverse_path, recipients }
    }
}

impl Attempts {
    /// Reads them from a session.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        if session.transactions().is_empty() && session.last_refusal().is_none() {
            return Self::default();
        }
        attempts(session)
    }

    /// A second try within the session is one.
    fn try_at(&mut self, reverse_path: &str, recipient: &str, after: Duration) {
        let is_same = |one: &PutOff| one.reverse_path == reverse_path && one.recipient == recipient;
        self.deferred.retain(|one| !is_same(one));
        self.tries.insert((reverse_path.to_owned(), recipient.to_owned()), after);
    }

    /// Who did not get as far as RCPT came back for whomever it was.
    fn named_nobody(&mut self, sender: Option<&str>, at: Option<Duration>) {
        if let (Some(sender), Some(after)) = (sender, at) {
            self.tries.insert((sender.to_owned(), ANYBODY.to_owned()), after);
        }
    }

    /// Whether there is anything to remember, or to forget.
    #[must_use]
    pub fn is_something(&self) -> bool {
        !self.tries.is_empty() || self.is_cut || self.is_unanswered
    }
}

/// What a session tried, and what it was told to try later.
fn attempts(session: &Session) -> Attempts {
    let transcript = session.transcript();
    let is_cut = transcript.omitted() > 0;
    let mut attempts =
        Attempts { is_unanswered: is_unanswered(session), is_cut, ..Attempts::default() };
    let mut sender: Option<String> = None;
    // When MAIL was said, until somebody is named.
    let mut unnamed: Option<Duration> = None;
    // The command that is to be answered, where it stands, and for whom it is.
    let mut current: Option<(Verb, usize, String)> = None;
    for (number, line) in transcript.lines().enumerate() {
        let after = line.at;
        match line.kind {
            Kind::Client => {
                let (verb, argument) = command::split(line.octets());
                let verb = command::rule(verb).map(|rule| rule.verb);
                current = verb
                    .filter(|verb| {
                        matches!(verb, Verb::Mail | Verb::Rcpt | Verb::Data | Verb::Bdat)
                    })
                    .map(|verb| (verb, number, WHOLE.to_owned()));
                match (&mut current, path(argument)) {
                    (Some((Verb::Mail, ..)), Some(path)) => {
                        attempts.named_nobody(sender.as_deref(), unnamed.replace(after));
                        attempts.try_at(&path, WHOLE, after);
                        sender = Some(path);
                    }
                    (Some((Verb::Rcpt, _, whom)), Some(path)) => {
                        unnamed = None;
                        *whom = lower(path);
                        if let Some(sender) = &sender {
                            attempts.try_at(sender, whom, after);
                        }
                    }
                    _ => {}
                }
            }
            // After 354 the data is still to be answered; any other reply is the last to its command.
            Kind::Server if line.octets().first() != Some(&b'3') => {
                let is_put_off = line.octets().first() == Some(&b'4') && !is_cut;
                if let (Some((_, command, recipient)), Some(sender)) = (current.take(), &sender)
                    && is_put_off
                {
                    attempts.deferred.push(PutOff {
                        reverse_path: sender.clone(),
                        recipient,
                        line: command,
                        reply: line.text().lines().next().unwrap_or_default().to_owned(),
                        after,
                    });
                }
            }
            _ => {}
        }
    }
    attempts.named_nobody(sender.as_deref(), unnamed);
    attempts
}

fn hash_of_sender(peer: IpAddr, reverse_path: &str) -> DefaultHasher {
    let mut hasher = DefaultHasher::new();
    (peer, reverse_path).hash(&mut hasher);
    hasher
}

fn hash_for(sender: &DefaultHasher, recipient: &str) -> u64 {
    let mut hasher = sender.clone();
    recipient.hash(&mut hasher);
    hasher.finish()
}

fn hash_of(peer: IpAddr, reverse_path: &str, recipient: &str) -> u64 {
    hash_for(&hash_of_sender(peer, reverse_path), recipient)
}

/// A recipient is the same however it is written.
fn lower(path: String) -> String {
    let is_lower = path.bytes().all(|octet| octet.is_ascii() && !octet.is_ascii_uppercase());
    if is_lower { path } else { path.to_lowercase() }
}

/// The path of MAIL or RCPT as it was written, without brackets.
fn path(argument: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(argument).ok()?;
    let (_, rest) = text.split_once('<')?;
    rest.split_once('>').map(|(path, _)| path.to_owned())
}

/// Whether the last message was kept, and its 250 never left.
fn is_unanswered(session: &Session) -> bool {
    let is_kept =
        session.transactions().last().is_some_and(|one| matches!(one.verdict, Verdict::Kept(_)));
    let last = |kind| session.transcript().last(kind);
    is_kept && last(Kind::Data) > last(Kind::Server)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use crate::mail::{ForwardPath, Recipient, ReversePath};
    use crate::smtp::auth::Directory;
    use crate::smtp::policy::{
        AuthMode, BareLf, Deadlines, Extensions, Limits, Policy, RecipientRules, TlsMode,
    };
    use crate::smtp::{Budget, Context, Input};
    use std::sync::Arc;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const HOUR: Duration = Duration::from_hours(1);

    /// A session that said this; RCPT is refused for now where there is room for no recipient.
    fn session(said: &[u8]) -> Session {
        ended_by(said, Input::Closed, Duration::ZERO)
    }

    /// One that ended like this, then.
    fn ended_by(said: &[u8], end: Input<'_>, at: Duration) -> Session {
        with_room(Limits { recipients: 0, ..Limits::default() }, said, end, at)
    }

    /// A message from `a@b.example` for these.
    fn envelope(to: &[&str]) -> Envelope {
        let mut envelope = Envelope::new(ReversePath::parse_front("<a@b.example>").unwrap().0);
        let recipients = to.iter().map(|path| Recipient {
            path: ForwardPath::parse_front(path).unwrap().0,
            notify: None,
            orcpt: None,
        });
        envelope.forward_paths.extend(recipients);
        envelope
    }

    fn with_room(limits: Limits, said: &[u8], end: Input<'_>, at: Duration) -> Session {
        let policy = Policy {
            door: "relay".into(),
            hostname: "doorpost.test".into(),
            tls: TlsMode::None,
            auth: AuthMode::None,
            auth_before_tls: false,
            mechanisms: Vec::new(),
            directory: Arc::new(Directory::open()),
            recipients: RecipientRules::default(),
            qualified_only: false,
            bare_lf: BareLf::Reject,
            extensions: Extensions::default(),
            limits,
            deadlines: Deadlines::default(),
            show_secrets: false,
            judge: None,
        };
        let context =
            Context { peer: PEER, budget: Budget::new(1 << 20), faults: None, entropy: [0; 16] };
        let mut session = Session::new(Arc::new(policy), context);
        let mut actions = Vec::new();
        for input in [Input::Connected, Input::Bytes(b"EHLO c.example\r\n"), Input::Bytes(said)] {
            session.handle(input, Duration::ZERO, &mut actions);
        }
        session.handle(end, at, &mut actions);
        session
    }

    fn id(number: u64) -> SessionId {
        SessionId::new(number).unwrap()
    }

    #[test]
    fn who_does_not_come_back_is_named_once() {
        let mut all = Sequences::new(Patience::default());
        let refused = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
        all.session_ended(id(1), PEER, Attempts::of(&refused), None, Duration::ZERO);
        assert!(all.overdue(HOUR / 2).is_empty());
        let overdue = all.overdue(HOUR);
        assert_eq!(overdue.len(), 1);
        assert_eq!((overdue[0].0, &*overdue[0].1.code), (id(1), "never-retried"));
        assert!(overdue[0].1.what.contains("452"), "{}", overdue[0].1.what);
        assert!(all.overdue(HOUR * 9).is_empty());
    }

    #[test]
    fn who_comes_back_is_not_named() {
        let mut all = Sequences::new(Patience::default());
        let refused = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
        all.session_ended(id(1), PEER, Attempts::of(&refused), None, Duration::ZERO);
        let again = session(b"MAIL FROM:<a@b.example>\r\n");
        all.session_ended(id(2), PEER, Attempts::of(&again), None, HOUR / 2);
        assert!(all.overdue(HOUR * 2).is_empty());
        // It came back for that recipient, however it was written.
        let room = Limits { recipients: 1, ..Limits::default() };
        let said = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<C@d.example>\r\nQUIT\r\n";
        let taken = with_room(room, said, Input::Closed, Duration::ZERO);
        let mut all = Sequences::new(Patience::default());
        all.session_ended(id(1), PEER, Attempts::of(&refused), None, Duration::ZERO);
        all.session_ended(id(2), PEER, Attempts::of(&taken), None, HOUR / 2);
        assert!(all.overdue(HOUR * 2).is_empty());
        // Filed late, after the one in which it came back.
        let mut late = Sequences::new(Patience::default());
        late.session_ended(id(2), PEER, Attempts::of(&again), None, HOUR / 2);
        late.session_ended(id(1), PEER, Attempts::of(&refused), None, HOUR / 4);
        assert!(late.overdue(HOUR * 2).is_empty());
        // Put off twice, the time runs from the second.
        all.session_ended(id(3), PEER, Attempts::of(&refused), None, HOUR);
        all.session_ended(id(4), PEER, Attempts::of(&refused), None, HOUR * 3 / 2);
        assert!(all.overdue(HOUR * 2).is_empty());
        assert_eq!(all.overdue(HOUR * 5 / 2)[0].0, id(4));
    }

    #[test]
    fn who_comes_back_over_an_older_connection_has_come_back() {
        let mut all = Sequences::new(Patience::default());
        let refused = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
        all.session_ended(id(2), PEER, Attempts::of(&refused), None, HOUR / 2);
        let again = session(b"MAIL FROM:<a@b.example>\r\n");
        all.session_ended(id(1), PEER, Attempts::of(&again), None, HOUR);
        assert!(all.overdue(HOUR * 2).is_empty());
    }

    #[test]
    fn a_recipient_that_was_put_off_is_owed_a_try_of_its_own() {
        let limits = Limits { recipients: 1, ..Limits::default() };
        let said =
            b"MAIL FROM:<a@b.example>\r\nRCPT TO:<bob@d.example>\r\nRCPT TO:<Full@d.example>\r\n\
            DATA\r\ntext\r\n.\r\n";
        let first = || Attempts::of(&with_room(limits, said, Input::Closed, Duration::ZERO));
        let key = |to: &[&str]| MessageKey::new(PEER, &envelope(to), &Letter::default(), b"text");
        let mut all = Sequences::new(Patience::default());
        // The message was kept, for the one that was taken.
        let taken = ["<bob@d.example>"];
        all.message(&key(&taken), Some(id(1)), HOUR / 9);
        all.session_ended(id(1), PEER, first(), None, HOUR / 9);
        let other = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<carol@d.example>\r\n");
        all.session_ended(id(2), PEER, Attempts::of(&other), None, HOUR / 2);
        let overdue = all.overdue(HOUR * 4 / 3);
        assert_eq!(overdue.len(), 1);
        assert!(overdue[0].0 == id(1) && overdue[0].1.what.contains("452"), "{overdue:?}");
        // Who comes for it is not named, also while that session lasts.
        all.session_ended(id(3), PEER, first(), None, HOUR * 2);
        let owed = ["<full@d.example>"];
        all.message(&key(&owed), Some(id(4)), HOUR * 5 / 2);
        assert!(all.overdue(HOUR * 9).iter().all(|(id, _)| id.get() == 2));
    }

    #[test]
    fn what_the_transcript_does_not_hold_may_have_been_a_try() {
        let mut all = Sequences::new(Patience::default());
        let refused = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
        all.session_ended(id(1), PEER, Attempts::of(&refused), None, Duration::ZERO);
        let limits = Limits { transcript: 60, ..Limits::default() };
        let said = b"MAIL FROM:<x@b.example>\r\nRSET\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n";
        let cut = with_room(limits, said, Input::Closed, Duration::ZERO);
        assert!(cut.transcript().omitted() > 0);
        all.session_ended(id(2), PEER, Attempts::of(&cut), None, HOUR / 2);
        assert!(all.overdue(HOUR * 9).is_empty());
    }

    #[test]
    fn a_message_is_the_same_in_whatever_order_its_recipients_come() {
        let key = |to: &[&str]| MessageKey::new(PEER, &envelope(to), &Letter::default(), b"text");
        let (bob, carol) = ("<bob@d.example>", "<carol@d.example>");
        assert_eq!(key(&[bob, carol]).hash, key(&[carol, bob]).hash);
        assert_ne!(key(&[bob, carol]).hash, key(&[carol]).hash);
    }

    #[test]
    fn whoever_only_fell_idle_was_not_told_to_try_later() {
        let idle = ended_by(b"MAIL FROM:<a@b.example>\r\n", Input::Time, HOUR);
        assert!(idle.transcript().to_string().contains("421 4.4.2"), "{}", idle.transcript());
        assert!(Attempts::of(&idle).deferred.is_empty());
        // A recipient that was put off is another matter.
        let refused = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
        assert_eq!(Attempts::of(&refused).deferred.len(), 1);
    }

    #[test]
    fn the_same_message_is_a_duplicate_by_its_name() {
        let mut all = Sequences::new(Patience::default());
        let envelope = envelope(&["<c@d.example>"]);
        let key = |name: Option<&str>| {
            let head = name.map_or_else(String::new, |name| format!("Message-ID: {name}\r\n"));
            let octets = format!("{head}\r\ntext");
            let letter = Letter::read(octets.as_bytes());
            MessageKey::new(PEER, &envelope, &letter, octets.as_bytes())
        };
        let mut come = |name: Option<&str>, now| {
            let before = all.duplicate_of(&key(name), now);
            all.message(&key(name), Some(id(1)), now);
            before
        };
        assert_eq!(come(Some("<1@b.example>"), Duration::ZERO), None);
        assert_eq!(come(Some("<1@b.example>"), HOUR / 2).as_deref(), Some(" in session 1"));
        assert_eq!(come(Some("<2@b.example>"), HOUR / 2), None);
        assert_eq!(come(Some("<1@b.example>"), HOUR * 2), None, "too long ago");
        assert_eq!(come(None, HOUR), None);
        assert_eq!(come(None, HOUR), None, "the same text may be sent twice on purpose");
        all.unanswered.insert(id(1));
        let lost = all.duplicate_of(&key(None), HOUR);
        assert_eq!(lost.as_deref(), Some(" in session 1, where its 250 was lost"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut all = Sequences::new(Patience::default());
        for number in 0..REMEMBERED as u64 + 50 {
            let octets = number.to_string();
            let letter = Letter::default();
            let key = MessageKey::new(PEER, &envelope(&[]), &letter, octets.as_bytes());
            all.message(&key, None, Duration::ZERO);
        }
        let refused = session(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n");
        for number in 0..REMEMBERED as u64 + 50 {
            let mut attempts = Attempts::of(&refused);
            attempts.deferred[0].reverse_path = number.to_string();
            attempts.is_unanswered = true;
            all.session_ended(id(number + 1), PEER, attempts, None, Duration::ZERO);
        }
        assert_eq!((all.seen.len(), all.seen_order.len()), (REMEMBERED, REMEMBERED));
        assert_eq!((all.deferred.len(), all.order.len()), (REMEMBERED, REMEMBERED));
        assert_eq!(all.unanswered.len(), REMEMBERED);
        assert_eq!(all.overdue(HOUR).len(), REMEMBERED);
    }
}
