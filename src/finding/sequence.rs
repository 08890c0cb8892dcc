//! What shows only over several sessions: a client that never comes back after "try again later", and a message
//! that comes twice.
//!
//! The clock is handed in. What is remembered is bounded, the oldest is forgotten first; who is forgotten is not
//! accused. A client is known by its address and the reverse-path it uses.

use super::{Client, Code, Finding, Letter};
use crate::mail::{Envelope, SessionId};
use crate::smtp::command::{self, Verb};
use crate::smtp::transcript::Kind;
use crate::smtp::{Session, Verdict};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;
use std::time::Duration;

/// Things of each kind that are remembered.
const REMEMBERED: usize = 4096;

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
    deferred: BTreeMap<(IpAddr, String), Deferred>,
    /// When each client tried last: a session may be filed after one that began later.
    tried: BTreeMap<(IpAddr, String), Duration>,
    tried_order: VecDeque<(IpAddr, String)>,
    /// The deferred, in the order of time.
    order: VecDeque<(IpAddr, String, SessionId)>,
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
    /// Each reverse-path, and how long before the end it was used last.
    reverse_paths: BTreeMap<String, Duration>,
    deferred: Vec<PutOff>,
    is_unanswered: bool,
}

/// A sender that was asked to try later.
#[derive(Debug)]
struct PutOff {
    reverse_path: String,
    /// The line of the command.
    line: usize,
    reply: String,
    /// How long that was before the end.
    ago: Duration,
}

/// By what a message is known when it comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageKey {
    hash: u64,
    has_name: bool,
}

impl Sequences {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            deferred: BTreeMap::new(),
            tried: BTreeMap::new(),
            tried_order: VecDeque::new(),
            order: VecDeque::new(),
            seen: HashMap::new(),
            seen_order: VecDeque::new(),
            unanswered: BTreeSet::new(),
        }
    }

    /// Takes note of a session that has ended.
    pub fn session_ended(
        &mut self,
        id: SessionId,
        peer: IpAddr,
        attempts: Attempts,
        client: Option<Client>,
        now: Duration,
    ) {
        for (reverse_path, ago) in attempts.reverse_paths {
            self.has_tried((peer, reverse_path), now.saturating_sub(ago));
        }
        for PutOff { reverse_path, line, reply, ago } in attempts.deferred {
            let at = now.saturating_sub(ago);
            if self.tried.get(&(peer, reverse_path.clone())).is_some_and(|newest| *newest > at) {
                continue;
            }
            let deferred = Deferred { session: id, line, client, at, reply };
            self.deferred.insert((peer, reverse_path.clone()), deferred);
            self.order.push_back((peer, reverse_path, id));
        }
        while self.order.len() > REMEMBERED {
            if let Some((peer, reverse_path, _)) = self.order.pop_front() {
                self.deferred.remove(&(peer, reverse_path));
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
    pub fn duplicate_of(&self, key: MessageKey, now: Duration) -> Option<String> {
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
    pub fn message(
        &mut self,
        key: MessageKey,
        peer: IpAddr,
        reverse_path: String,
        session: Option<SessionId>,
        now: Duration,
    ) {
        // Whoever sends comes back, also where the session lasts for days.
        if session.is_some() {
            self.has_tried((peer, reverse_path), now);
        }
        self.remember(key.hash, Seen { session, at: now });
    }

    /// A client tried at that time: it was not put off for good before.
    fn has_tried(&mut self, key: (IpAddr, String), at: Duration) {
        if self.deferred.get(&key).is_some_and(|one| one.at < at) {
            self.deferred.remove(&key);
        }
        match self.tried.get_mut(&key) {
            Some(newest) => *newest = at.max(*newest),
            None => {
                self.tried_order.push_back(key.clone());
                self.tried.insert(key, at);
            }
        }
        while self.tried_order.len() > REMEMBERED {
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
        while let Some((peer, reverse_path, id)) = self.order.front() {
            let key = (*peer, reverse_path.clone());
            // It came back, or was put off again later, which stands further behind.
            let Some(one) = self.deferred.get(&key).filter(|one| one.session == *id) else {
                self.order.pop_front();
                continue;
            };
            if now.saturating_sub(one.at) < self.patience.retry {
                break;
            }
            let about = format!(" ({})", one.reply);
            let finding = Finding::new(Code::NeverRetried, Some(one.line), one.client, &about);
            overdue.push((one.session, finding));
            self.deferred.remove(&key);
            self.order.pop_front();
        }
        overdue
    }
}

impl MessageKey {
    /// From whom and for whom a message is, and its Message-ID; without one, its octets.
    #[must_use]
    pub fn new(peer: IpAddr, envelope: &Envelope, letter: &Letter, octets: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        (peer, envelope.reverse_path.to_string()).hash(&mut hasher);
        for recipient in &envelope.forward_paths {
            recipient.path.to_string().hash(&mut hasher);
        }
        match &letter.message_id {
            Some(id) => id.hash(&mut hasher),
            None => octets.hash(&mut hasher),
        }
        Self { hash: hasher.finish(), has_name: letter.message_id.is_some() }
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

    fn put_off(&mut self, reverse_path: &str, line: usize, reply: &str, ago: Duration) {
        let reply = reply.lines().next().unwrap_or_default().to_owned();
        self.deferred.retain(|one| one.reverse_path != reverse_path);
        self.deferred.push(PutOff { reverse_path: reverse_path.to_owned(), line, reply, ago });
    }

    /// Whether there is anything to remember, or to forget.
    #[must_use]
    pub fn is_something(&self) -> bool {
        !self.reverse_paths.is_empty() || self.is_unanswered
    }
}

/// What a session tried, and what it was told to try later.
fn attempts(session: &Session) -> Attempts {
    let mut attempts = Attempts { is_unanswered: is_unanswered(session), ..Attempts::default() };
    let mut current: Option<String> = None;
    let mut command = 0;
    let mut is_of_mail = false;
    let end = session.transcript().lines().last().map_or(Duration::ZERO, |line| line.at);
    for (number, line) in session.transcript().lines().enumerate() {
        let ago = end.saturating_sub(line.at);
        match line.kind {
            Kind::Client => {
                let (verb, argument) = command::split(line.octets());
                let verb = command::rule(verb).map(|rule| rule.verb);
                is_of_mail =
                    matches!(verb, Some(Verb::Mail | Verb::Rcpt | Verb::Data | Verb::Bdat));
                command = number;
                if verb == Some(Verb::Mail)
                    && let Some(path) = reverse_path(argument)
                {
                    // A second try within the session is one.
                    attempts.deferred.retain(|one| one.reverse_path != path);
                    attempts.reverse_paths.insert(path.clone(), ago);
                    current = Some(path);
                }
            }
            // After 354 the data is still to be answered; any other reply is the last to its command.
            Kind::Server if is_of_mail && line.octets().first() != Some(&b'3') => {
                is_of_mail = false;
                if let (Some(path), Some(b'4')) = (&current, line.octets().first()) {
                    attempts.put_off(path, command, &line.text(), ago);
                }
            }
            _ => {}
        }
    }
    attempts
}

/// The reverse-path of MAIL as it was written, without brackets.
fn reverse_path(argument: &[u8]) -> Option<String> {
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
            limits: Limits { recipients: 0, ..Limits::default() },
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
        // Filed late, after the one in which it came back.
        let mut late = Sequences::new(Patience::default());
        late.session_ended(id(2), PEER, Attempts::of(&again), None, HOUR / 2);
        let lasting = ended_by(
            b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n",
            Input::Closed,
            HOUR / 4,
        );
        late.session_ended(id(1), PEER, Attempts::of(&lasting), None, HOUR / 2);
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
        let mut envelope = Envelope::new(ReversePath::parse_front("<a@b.example>").unwrap().0);
        let path = ForwardPath::parse_front("<c@d.example>").unwrap().0;
        envelope.forward_paths.push(Recipient { path, notify: None, orcpt: None });
        let key = |name: Option<&str>| {
            let head = name.map_or_else(String::new, |name| format!("Message-ID: {name}\r\n"));
            let octets = format!("{head}\r\ntext");
            let letter = Letter::read(octets.as_bytes());
            MessageKey::new(PEER, &envelope, &letter, octets.as_bytes())
        };
        let mut come = |name: Option<&str>, now| {
            let before = all.duplicate_of(key(name), now);
            all.message(key(name), PEER, "a@b.example".into(), Some(id(1)), now);
            before
        };
        assert_eq!(come(Some("<1@b.example>"), Duration::ZERO), None);
        assert_eq!(come(Some("<1@b.example>"), HOUR / 2).as_deref(), Some(" in session 1"));
        assert_eq!(come(Some("<2@b.example>"), HOUR / 2), None);
        assert_eq!(come(Some("<1@b.example>"), HOUR * 2), None, "too long ago");
        assert_eq!(come(None, HOUR), None);
        assert_eq!(come(None, HOUR), None, "the same text may be sent twice on purpose");
        all.unanswered.insert(id(1));
        let lost = all.duplicate_of(key(None), HOUR);
        assert_eq!(lost.as_deref(), Some(" in session 1, where its 250 was lost"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut all = Sequences::new(Patience::default());
        for number in 0..REMEMBERED as u64 + 50 {
            let key = MessageKey { hash: number, has_name: true };
            all.message(key, PEER, String::new(), None, Duration::ZERO);
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
