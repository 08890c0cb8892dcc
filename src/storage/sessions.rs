//! Sessions: those that run, and the last that have ended.

use super::SessionRecord;
use crate::finding::{self, Code, Finding, Letter, Letters, Observed};
use crate::mail::SessionId;
use crate::smtp::Session;
use crate::smtp::transcript::Kind;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;
use time::OffsetDateTime;
use tokio::sync::Notify;

const SHARDS: u64 = 32;

/// One session, while it runs and afterwards.
pub struct SessionEntry {
    /// Its name.
    pub id: SessionId,
    /// When the client connected.
    pub connected_at: OffsetDateTime,
    /// The client's address.
    pub peer: SocketAddr,
    /// The address that it connected to.
    pub local: SocketAddr,
    /// Wakes the connection when the server stops.
    pub stop: Notify,
    /// When that was by the clock that is not set.
    pub(super) began: Instant,
    ended_at: OnceLock<OffsetDateTime>,
    session: Mutex<Session>,
    found: Mutex<Found>,
}

/// What was found in a session.
#[derive(Default)]
struct Found {
    letters: Letters,
    findings: Vec<Finding>,
    /// What the last message was given, for the next that is given the same.
    given: Arc<[Finding]>,
}

impl SessionEntry {
    /// The session as it stands. Its connection waits while the guard is held.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        // Whoever panicked with it left at worst a line out of the transcript.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the client did wrong, as far as it was looked for.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.found().findings.clone()
    }

    /// Looks for what the client did wrong; gives what was not known before.
    pub fn look_for_findings(&self) -> Vec<Finding> {
        let session = self.session();
        let mut found = self.found();
        let observed = Observed { session: &session, letters: Some(&found.letters) };
        let new = finding::besides(&observed, &found.findings);
        found.findings.extend(new.iter().cloned());
        new
    }

    /// Adds what was found by looking at several sessions; false where it was known.
    pub(super) fn add_finding(&self, finding: Finding) -> bool {
        let mut found = self.found();
        let is_new = found.findings.iter().all(|known| known.code != finding.code);
        if is_new {
            found.findings.push(finding);
        }
        is_new
    }

    /// Takes note of a message whose data has just ended; true where that may tell something new.
    pub fn has_sent(&self, letter: &Letter) -> bool {
        let line = self.session().transcript().last(Kind::Data).unwrap_or(0);
        let mut found = self.found();
        let is_new = !found.letters.knows(letter);
        if is_new {
            found.letters.add(letter, line);
        }
        is_new
    }

    /// Of what was found, that which concerns the message that has just come.
    #[must_use]
    pub fn findings_of(&self, letter: &Letter) -> Arc<[Finding]> {
        let session = self.session();
        let mut found = self.found();
        if found.findings.is_empty() {
            return Arc::default();
        }
        // Who was found to be no server is none now.
        let is_no_server =
            || found.findings.iter().any(|one| one.code() == Some(Code::CredentialsNotUsed));
        let own = finding::of_message(&session, letter, is_no_server);
        drop(session);
        let concerns = |one: &&Finding| {
            one.code().is_some_and(|code: Code| code.is_of_all_that_follow() || own.contains(&code))
        };
        let wanted = found.findings.iter().filter(concerns);
        // A code is found once in a session, and then stays what it is.
        if !found.given.iter().map(|one| &one.code).eq(wanted.clone().map(|one| &one.code)) {
            found.given = wanted.cloned().collect();
        }
        Arc::clone(&found.given)
    }

    /// Who the client is, where that shows.
    #[must_use]
    pub fn client(&self) -> Option<finding::Client> {
        let session = self.session();
        let found = self.found();
        finding::client(&Observed { session: &session, letters: Some(&found.letters) })
    }

    fn memory(&self) -> u64 {
        let findings = self.found().findings.iter().map(Finding::memory).sum::<usize>();
        (self.session().memory() + findings + size_of::<Self>()) as u64
    }

    /// When it ended, once it has.
    #[must_use]
    pub fn ended_at(&self) -> Option<OffsetDateTime> {
        self.ended_at.get().copied()
    }
}

impl fmt::Debug for SessionEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "session {} of {}", self.id, self.peer)
    }
}

/// All sessions that are known.
#[derive(Debug)]
pub struct Sessions {
    next: AtomicU64,
    running: Vec<Mutex<BTreeMap<SessionId, Arc<SessionEntry>>>>,
    ended: Mutex<Ended>,
    /// Those in which doorpost was the client, once they have ended, with their octets.
    outbound: Mutex<VecDeque<(Arc<SessionRecord>, u64)>>,
    max_count: usize,
    max_bytes: u64,
}

#[derive(Debug, Default)]
struct Ended {
    entries: VecDeque<(Arc<SessionEntry>, u64)>,
    bytes: u64,
}

impl Sessions {
    pub(super) fn new(max_count: usize, max_bytes: u64) -> Self {
        Self {
            next: AtomicU64::new(1),
            running: (0..SHARDS).map(|_| Mutex::default()).collect(),
            ended: Mutex::default(),
            outbound: Mutex::default(),
            max_count,
            max_bytes,
        }
    }

    /// Numbers go on from there: those before were given by an earlier run.
    pub(super) fn begin_at(&mut self, first: SessionId) {
        *self.next.get_mut() = first.get();
    }

    /// Forgets those that ended before this time.
    pub(super) fn remove_before(&self, limit: OffsetDateTime) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |entry: &SessionEntry| entry.ended_at().is_some_and(|end| end < limit);
        while ended.entries.front().is_some_and(|(entry, _)| is_old(entry)) {
            let Some((_, memory)) = ended.entries.pop_front() else { break };
            ended.bytes -= memory;
        }
        drop(ended);
        let mut outbound = self.outbound.lock().unwrap_or_else(PoisonError::into_inner);
        outbound.retain(|(record, _)| record.ended_at.is_none_or(|end| end >= limit));
    }

    /// Files a session that begins.
    pub fn began(
        &self,
        session: Session,
        peer: SocketAddr,
        local: SocketAddr,
    ) -> Arc<SessionEntry> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(id) = SessionId::new(number) else {
            unreachable!("the counter begins at one and does not come round")
        };
        let entry = Arc::new(SessionEntry {
            id,
            connected_at: OffsetDateTime::now_utc(),
            peer,
            local,
            stop: Notify::new(),
            began: Instant::now(),
            ended_at: OnceLock::new(),
            session: Mutex::new(session),
            found: Mutex::default(),
        });
        self.shard(id).insert(id, Arc::clone(&entry));
        entry
    }

    /// Moves a session that has ended; the oldest of those go where the bounds are reached.
    pub(super) fn ended(&self, entry: &Arc<SessionEntry>) {
        let memory = entry.memory();
        // It cannot end twice; if it did, the first time is the right one.
        let _ = entry.ended_at.set(OffsetDateTime::now_utc());
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.entries.push_back((Arc::clone(entry), memory));
        ended.bytes += memory;
        while ended.entries.len() > self.max_count || ended.bytes > self.max_bytes {
            let Some((_, memory)) = ended.entries.pop_front() else { break };
            ended.bytes -= memory;
        }
        drop(ended);
        self.shard(entry.id).remove(&entry.id);
    }

    /// The name of a session in which doorpost is the client.
    pub fn name_outbound(&self) -> SessionId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let Some(id) = SessionId::new(number) else {
            unreachable!("the counter begins at one and does not come round")
        };
        id
    }

    /// Files a session in which doorpost was the client; the oldest of those go where the bounds are reached.
    pub(super) fn file(&self, record: Arc<SessionRecord>) {
        let texts = record.transcript.iter().flatten();
        let memory = texts.map(|line| (line.text.len() + size_of_val(line)) as u64).sum::<u64>();
        let mut outbound = self.outbound.lock().unwrap_or_else(PoisonError::into_inner);
        outbound.push_back((record, memory));
        let mut bytes: u64 = outbound.iter().map(|(_, memory)| memory).sum();
        while outbound.len() > self.max_count || bytes > self.max_bytes {
            let Some((_, memory)) = outbound.pop_front() else { break };
            bytes -= memory;
        }
    }

    /// Those in which doorpost was the client.
    pub(super) fn outbound(&self) -> Vec<Arc<SessionRecord>> {
        let outbound = self.outbound.lock().unwrap_or_else(PoisonError::into_inner);
        outbound.iter().map(|(record, _)| Arc::clone(record)).collect()
    }

    fn shard(&self, id: SessionId) -> MutexGuard<'_, BTreeMap<SessionId, Arc<SessionEntry>>> {
        let shard = &self.running[(id.get() % SHARDS) as usize];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of that name.
    #[must_use]
    pub fn get(&self, id: SessionId) -> Option<Arc<SessionEntry>> {
        if let Some(entry) = self.shard(id).get(&id) {
            return Some(Arc::clone(entry));
        }
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.entries.iter().find(|(entry, _)| entry.id == id).map(|(entry, _)| Arc::clone(entry))
    }

    /// Those that run now, in no order.
    #[must_use]
    pub fn running(&self) -> Vec<Arc<SessionEntry>> {
        let entries = |shard: &Mutex<BTreeMap<_, Arc<SessionEntry>>>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.values().cloned().collect::<Vec<_>>()
        };
        self.running.iter().flat_map(entries).collect()
    }

    /// All that are known, newest first.
    #[must_use]
    pub fn newest(&self) -> Vec<Arc<SessionEntry>> {
        let mut all = self.running();
        {
            let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(ended.entries.iter().map(|(entry, _)| Arc::clone(entry)));
        }
        all.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.id));
        // One that ended in between stands in both lists.
        all.dedup_by_key(|entry| entry.id);
        all
    }
}
