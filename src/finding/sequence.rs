//! What shows only over several sessions: a client that never comes back after "try again later", and a message
//! that comes twice.
//!
//! The clock is handed in. What is remembered is bounded, the oldest is forgotten first; who is forgotten is not
//! accused. A client is known by its address and the reverse-path it uses, and owes a try to each recipient that was
//! put off.

mod attempts;
mod key;
#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests;

pub use attempts::Attempts;
pub use key::MessageKey;

use super::{Client, Code, Finding};
use crate::mail::SessionId;
use attempts::PutOff;
use key::{ByHash, hash_for, hash_of};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
    tried: ByHash<Duration>,
    tried_order: VecDeque<u64>,
    /// The deferred, in the order of time.
    order: VecDeque<(Wish, SessionId)>,
    seen: ByHash<Seen>,
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

impl Sequences {
    /// Nothing is remembered yet.
    #[must_use]
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            deferred: BTreeMap::new(),
            tried: ByHash::default(),
            tried_order: VecDeque::new(),
            order: VecDeque::new(),
            seen: ByHash::default(),
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
        for (reverse_path, recipients) in attempts.tries {
            for (recipient, after) in recipients {
                self.was_tried(hash_of(peer, &reverse_path, &recipient), began + after);
                self.has_tried(peer, &reverse_path, &recipient, began + after);
            }
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
