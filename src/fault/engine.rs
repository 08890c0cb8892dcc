//! The scenarios that are in force. Answers sessions, counts what each rule did, and is changed while
//! doorpost runs; a scenario that is put in force begins to count anew.

use super::count::{Counted, Counters, chance};
use super::follow::{Changes, Follower};
use super::limit::Limiter;
use super::magic;
use super::scenario::{At, Count, Deed, Rule, Scenario, bit};
use super::when::field;
use crate::mail::ForwardPath;
use crate::smtp::misbehave::{Misbehave, Misdeed, Occasion, Point};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

/// What decides in which inbox a message will be, as far as a session can know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InboxWay {
    /// The user who has logged in.
    #[default]
    User,
    /// Each forward-path.
    Recipient,
    /// The door.
    Door,
    /// The value of a header field, at the end of the data.
    Header(String),
}

/// Octets of an inbox's name: it comes from clients.
const LONGEST_NAME: usize = 255;

impl InboxWay {
    /// The name under which an inbox is filed, however it is written: for whatever names one and whoever
    /// asks for one.
    #[must_use]
    pub fn filed(&self, name: &str) -> String {
        let name = match self {
            Self::User | Self::Door => Cow::Borrowed(name),
            Self::Recipient => name.to_lowercase().into(),
            Self::Header(_) => name.trim().into(),
        };
        name[..name.floor_char_boundary(LONGEST_NAME)].to_owned()
    }
}

/// Whom all sessions ask.
#[derive(Debug)]
pub struct Faults {
    running: RwLock<Running>,
    /// A bit for each moment at which a rule may strike.
    points: AtomicU32,
    magic: AtomicBool,
    inbox_way: InboxWay,
    changes: Changes,
}

#[derive(Debug, Default)]
struct Running {
    all: Arc<InForce>,
    inboxes: BTreeMap<String, Arc<InForce>>,
}

/// A scenario, and how often its rules have struck.
#[derive(Debug, Default)]
pub(super) struct InForce {
    pub(super) scenario: Scenario,
    pub(super) tallies: Vec<Tally>,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    counters: Mutex<Counters>,
    limiter: Option<Limiter>,
    met: AtomicU64,
    struck: AtomicU64,
}

/// What a rule has done so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleState {
    /// Its name.
    pub name: String,
    /// Its moment.
    pub at: String,
    /// How often its conditions held.
    pub met: u64,
    /// How often it struck.
    pub struck: u64,
}

impl Default for Faults {
    fn default() -> Self {
        Self::new(InboxWay::default())
    }
}

impl Faults {
    /// No scenario, magic addresses on.
    #[must_use]
    pub fn new(inbox_way: InboxWay) -> Self {
        Self {
            running: RwLock::default(),
            points: AtomicU32::new(0),
            magic: AtomicBool::new(true),
            inbox_way,
            changes: Changes::default(),
        }
    }

    /// Switches magic addresses and the header that asks for a fault.
    pub fn set_magic(&self, on: bool) {
        self.magic.store(on, Ordering::Relaxed);
    }

    /// Whether magic addresses and the header are heeded.
    #[must_use]
    pub fn has_magic(&self) -> bool {
        self.magic.load(Ordering::Relaxed)
    }

    /// Puts a scenario in force in place of the one before: for one inbox, or for all.
    pub fn set(&self, inbox: Option<&str>, scenario: Scenario) {
        let in_force = Arc::new(InForce::new(scenario));
        let inbox = inbox.map(|name| self.inbox_way.filed(name));
        let mut running = self.running.write().unwrap_or_else(PoisonError::into_inner);
        match inbox {
            None => running.all = in_force,
            Some(inbox) if in_force.scenario.is_empty() => drop(running.inboxes.remove(&inbox)),
            Some(inbox) => drop(running.inboxes.insert(inbox, in_force)),
        }
        let all = std::iter::once(&running.all).chain(running.inboxes.values());
        let points =
            all.flat_map(|one| &one.scenario.rules).fold(0, |bits, rule| bits | rule.at.bits());
        self.points.store(points, Ordering::Relaxed);
        drop(running);
        self.changes.one_more();
    }

    /// The scenario that is in force: for one inbox, or for all.
    #[must_use]
    pub fn scenario(&self, inbox: Option<&str>) -> Scenario {
        self.in_force(inbox).map(|one| one.scenario.clone()).unwrap_or_default()
    }

    /// What its rules have done so far.
    #[must_use]
    pub fn states(&self, inbox: Option<&str>) -> Vec<RuleState> {
        let Some(one) = self.in_force(inbox) else { return Vec::new() };
        let state = |(rule, tally): (&Rule, &Tally)| RuleState {
            name: rule.name.clone(),
            at: rule.at.name(),
            met: tally.met.load(Ordering::Relaxed),
            struck: tally.struck.load(Ordering::Relaxed),
        };
        one.scenario.rules.iter().zip(&one.tallies).map(state).collect()
    }

    /// The inboxes that have a scenario of their own.
    #[must_use]
    pub fn inboxes(&self) -> Vec<String> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        running.inboxes.keys().cloned().collect()
    }

    /// Whether nothing is to listen behind this door.
    #[must_use]
    pub fn refuses(&self, door: &str) -> bool {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let own = match self.inbox_way {
            InboxWay::Door => running.inboxes.get(door),
            _ => None,
        };
        own.into_iter().chain([&running.all]).flat_map(|one| &one.scenario.rules).any(|rule| {
            let named = rule.when.door.as_ref().is_none_or(|pattern| pattern.matches(door));
            matches!(rule.deed, Deed::RefuseDoor) && named
        })
    }

    /// What decides in which inbox a message will be.
    #[must_use]
    pub fn inbox_way(&self) -> &InboxWay {
        &self.inbox_way
    }

    /// Whether a rule that is in force has such a deed.
    pub(super) fn has_deed(&self, wanted: fn(&Deed) -> bool) -> bool {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let all = std::iter::once(&running.all).chain(running.inboxes.values());
        all.flat_map(|one| &one.scenario.rules).any(|rule| wanted(&rule.deed))
    }

    /// For somebody who acts whenever a scenario is put in force.
    #[must_use]
    pub fn follow(&self) -> Follower {
        self.changes.follow()
    }

    /// Waits until the doors are closed or open as [`Faults::set`] asked: two seconds at most.
    pub async fn settled(&self) {
        self.changes.settled().await;
    }

    fn in_force(&self, inbox: Option<&str>) -> Option<Arc<InForce>> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        match inbox {
            None => Some(Arc::clone(&running.all)),
            Some(inbox) => running.inboxes.get(&self.inbox_way.filed(inbox)).cloned(),
        }
    }

    /// The scenarios for an occasion: those of its inboxes, then the one for all.
    pub(super) fn scenarios(&self, occasion: &Occasion<'_>) -> Vec<Arc<InForce>> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        if !running.inboxes.is_empty() {
            let names: Vec<String> = match &self.inbox_way {
                InboxWay::User => occasion.user.into_iter().map(str::to_owned).collect(),
                InboxWay::Door => vec![occasion.door.to_owned()],
                InboxWay::Recipient => occasion.forward_paths.to_vec(),
                InboxWay::Header(name) => {
                    occasion.message.and_then(|message| field(message, name)).into_iter().collect()
                }
            };
            // One that is named twice is asked once.
            let names: BTreeSet<String> =
                names.iter().map(|name| self.inbox_way.filed(name)).collect();
            found.extend(names.iter().filter_map(|name| running.inboxes.get(name).cloned()));
        }
        found.push(Arc::clone(&running.all));
        found
    }
}

impl Misbehave for Faults {
    fn cares(&self, point: Point) -> bool {
        self.points.load(Ordering::Relaxed) & bit(point) != 0
    }

    fn is_magic(&self, recipient: &ForwardPath) -> bool {
        self.has_magic() && magic::is_under_test(recipient)
    }

    fn is_triggered(&self, message: &[u8]) -> bool {
        self.has_magic() && field(message, magic::HEADER).is_some()
    }

    fn ask(&self, occasion: &Occasion<'_>) -> Option<Misdeed> {
        let now = Instant::now();
        let mut found: Option<Misdeed> = None;
        for one in self.scenarios(occasion) {
            for (rule, tally) in one.scenario.rules.iter().zip(&one.tallies) {
                // One answers; what only slows the answer down may stand in front of it or behind it.
                if rule.deed.answers() && found.as_ref().is_some_and(Misdeed::answers) {
                    continue;
                }
                if let Some(misdeed) =
                    tally.ask(one.scenario.seed.unwrap_or_default(), rule, occasion, now)
                {
                    found = Some(match found {
                        None => misdeed,
                        Some(before) => before.and(misdeed),
                    });
                }
            }
        }
        if self.has_magic() && !found.as_ref().is_some_and(Misdeed::answers) {
            let magic = magic::ask(occasion);
            found = match (found, magic) {
                (Some(before), Some(magic)) => Some(before.and(magic)),
                (before, magic) => before.or(magic),
            };
        }
        found
    }
}

impl InForce {
    fn new(scenario: Scenario) -> Self {
        let tally = |rule: &Rule| Tally {
            limiter: match rule.count {
                Count::Limit { number, period } => Some(Limiter::new(number, period)),
                _ => None,
            },
            ..Tally::default()
        };
        Self { tallies: scenario.rules.iter().map(tally).collect(), scenario }
    }
}

impl Tally {
    /// What the rule does on this occasion, if it strikes.
    fn ask(
        &self,
        seed: u64,
        rule: &Rule,
        occasion: &Occasion<'_>,
        now: Instant,
    ) -> Option<Misdeed> {
        let Deed::Misdeed(misdeed) = &rule.deed else { return None };
        let how_often = self.strikes_at(seed, rule, occasion, now)?;
        let name = match how_often.is_empty() {
            true => rule.name.clone(),
            false => format!("{}, {how_often}", rule.name),
        };
        Some(Misdeed { name, ..(**misdeed).clone() })
    }

    /// Whether the rule strikes on this occasion, and in words how often it was.
    pub(super) fn strikes_at(
        &self,
        seed: u64,
        rule: &Rule,
        occasion: &Occasion<'_>,
        now: Instant,
    ) -> Option<String> {
        if !rule.at.matches(occasion.point) || !rule.when.holds(occasion) {
            return None;
        }
        self.met.fetch_add(1, Ordering::Relaxed);
        let how_often = self.strikes(seed, rule, occasion, now)?;
        self.struck.fetch_add(1, Ordering::Relaxed);
        Some(how_often)
    }

    /// Whether the count is right, and in words how often it was.
    fn strikes(
        &self,
        seed: u64,
        rule: &Rule,
        occasion: &Occasion<'_>,
        now: Instant,
    ) -> Option<String> {
        let key = rule.per.key(occasion);
        let recent = match rule.count {
            Count::Always => return Some(String::new()),
            Count::After { messages, .. } => messages,
            _ => 0,
        };
        if let Some(limiter) = &self.limiter {
            return limiter.is_over(&key).then(|| "over its limit".to_owned());
        }
        let counted = {
            let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
            counters.count(key.clone(), now, recent)
        };
        let times = counted.times;
        let (strikes, how_often) =
            judge(&rule.count, &counted, now, || chance(seed, &rule.name, &key, times));
        strikes.then_some(how_often)
    }
}

fn judge(
    count: &Count,
    counted: &Counted,
    now: Instant,
    chance: impl FnOnce() -> f64,
) -> (bool, String) {
    let times = counted.times;
    let plain = || format!("time {times}");
    match count {
        Count::Always | Count::Limit { .. } => (true, String::new()),
        Count::Nth(which) => (which.contains(&times), plain()),
        Count::First(number) => (times <= *number, format!("{times} of {number}")),
        Count::Every(number) => (times.is_multiple_of(*number), plain()),
        Count::Odds(odds) => (chance() < *odds, plain()),
        Count::After { messages, within } => {
            (counted.came(*messages, *within, now), format!("after {messages} in {within:?}"))
        }
        Count::Greylist(delay) => {
            let waited = now.saturating_duration_since(counted.first);
            (times == 1 || waited < *delay, format!("try {times}"))
        }
    }
}

impl Deed {
    fn answers(&self) -> bool {
        matches!(self, Self::Misdeed(misdeed) if misdeed.answers())
    }
}

impl At {
    pub(super) fn name(self) -> String {
        match self {
            Self::One(point) => point.name().to_ascii_lowercase(),
            Self::AnyVerb => "any".into(),
        }
    }
}
