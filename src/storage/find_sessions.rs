//! Which sessions a query finds, judged one by one: those in memory, which run or have just ended,
//! and those on the disk. There are as many as `--max-sessions` allows, and a look ends with the page
//! that was asked for and the count of the rest.

use super::backend::{Backend, EndedSession, StoreError};
use super::index::COUNTED;
use super::{SessionRecord, Sessions, Total};
use crate::mail::SessionId;
use crate::search::{SessionFlag, SessionQuery, SessionTerm};
use std::collections::{BTreeMap, BTreeSet};

/// Sessions that are read from the disk at a time.
const READ: usize = 200;

/// Which sessions to find.
#[derive(Clone, Debug)]
pub struct FindSessions {
    /// What they have to be.
    pub query: SessionQuery,
    /// Only older ones: the last name of the page before.
    pub before: Option<SessionId>,
    /// Only newer ones.
    pub after: Option<SessionId>,
    /// How many at most.
    pub limit: usize,
}

/// What was found, newest first.
#[derive(Clone, Debug, Default)]
pub struct FoundSessions {
    /// As many as were asked for, without what was said.
    pub sessions: Vec<SessionRecord>,
    /// Where the next page begins: [`FindSessions::before`].
    pub next: Option<SessionId>,
    /// How many there are in all behind [`FindSessions::after`], whatever the page.
    pub total: Total,
}

pub(super) fn find(
    in_memory: &Sessions,
    backend: &dyn Backend,
    find: &FindSessions,
) -> Result<FoundSessions, StoreError> {
    let FindSessions { query, before, after, limit } = find;
    let mut all = All::new(in_memory, backend);
    let mut found = FoundSessions::default();
    let mut is_more_than_page = false;
    if query.is_all() {
        let mut names: BTreeSet<_> = backend.session_names()?.into_iter().collect();
        names.extend(all.in_memory.keys().copied());
        names.retain(|id| Some(*id) > *after);
        found.total.count = names.len() as u64;
        all.skip_to(*before);
    }
    while let Some(session) = all.next()?.filter(|session| Some(session.id) > *after) {
        if !matches(query, &session) {
            continue;
        }
        if !query.is_all() {
            found.total.count += 1;
        }
        if before.is_none_or(|before| session.id < before) {
            if found.sessions.len() < *limit {
                let without = SessionRecord { transcript: None, omitted_lines: None, ..session };
                found.sessions.push(without);
            } else {
                is_more_than_page = true;
            }
        }
        let is_counted = query.is_all() || found.total.count > COUNTED;
        if is_counted && is_more_than_page {
            break;
        }
    }
    found.next = found.sessions.last().map(|session| session.id).filter(|_| is_more_than_page);
    found.total.is_more = !query.is_all() && found.total.count > COUNTED;
    if found.total.is_more {
        found.total.count = COUNTED;
    }
    Ok(found)
}

/// All sessions, newest first, each once.
struct All<'a> {
    in_memory: BTreeMap<SessionId, EndedSession>,
    backend: &'a dyn Backend,
    /// What was read from the disk and is not handed out yet, newest last.
    read: Vec<SessionRecord>,
    before: Option<SessionId>,
    disk_is_done: bool,
    /// In memory and handed out: the disk has some of them as well.
    seen: BTreeSet<SessionId>,
}

impl<'a> All<'a> {
    fn new(sessions: &Sessions, backend: &'a dyn Backend) -> Self {
        let inbound = sessions.newest().into_iter();
        let inbound = inbound.map(|entry| (entry.id, EndedSession::Inbound(entry)));
        let outbound = sessions.outbound().into_iter();
        let outbound = outbound.map(|record| (record.id, EndedSession::Outbound(record)));
        let in_memory = inbound.chain(outbound).collect();
        let (read, seen) = (Vec::new(), BTreeSet::new());
        Self { in_memory, backend, read, before: None, disk_is_done: false, seen }
    }

    fn skip_to(&mut self, before: Option<SessionId>) {
        if let Some(before) = before {
            let _ = self.in_memory.split_off(&before);
            self.before = Some(before);
        }
    }

    fn next(&mut self) -> Result<Option<SessionRecord>, StoreError> {
        loop {
            if self.read.is_empty() && !self.disk_is_done {
                self.read = self.backend.sessions(self.before, READ)?;
                self.before = self.read.last().map(|session| session.id).or(self.before);
                self.disk_is_done = self.read.is_empty();
                self.read.reverse();
            }
            let on_disk = self.read.last().map(|session| session.id);
            let in_memory = self.in_memory.last_key_value().map(|(id, _)| *id);
            // What memory holds is as good, and newer where it still runs.
            if in_memory >= on_disk {
                let Some((id, entry)) = self.in_memory.pop_last() else { return Ok(None) };
                self.seen.insert(id);
                return Ok(Some(entry.record()));
            }
            let session = self.read.pop();
            if session.as_ref().is_some_and(|session| !self.seen.contains(&session.id)) {
                return Ok(session);
            }
        }
    }
}

/// Whether the query finds the session, whose transcript it has.
fn matches(query: &SessionQuery, session: &SessionRecord) -> bool {
    query.root.holds(&mut |term| holds(term, session))
}

fn holds(term: &SessionTerm, session: &SessionRecord) -> bool {
    match term {
        SessionTerm::Text(words) => session.lines().any(|line| words.matches(&line.text)),
        SessionTerm::Door(door) => session.door.eq_ignore_ascii_case(door),
        SessionTerm::User(user) => session.auth.as_ref().is_some_and(|auth| auth.user == *user),
        SessionTerm::Client(network) => network.contains(session.peer.ip()),
        SessionTerm::Hello(words) => {
            session.hello.as_ref().is_some_and(|hello| words.matches(&hello.name))
        }
        SessionTerm::Envelope(words) => session.transactions.iter().any(|transaction| {
            let paths = std::iter::once(&transaction.reverse_path);
            paths.chain(&transaction.forward_paths).any(|path| words.matches(path))
        }),
        SessionTerm::Code(code) => session.codes().any(|one| one == *code),
        SessionTerm::CodeClass(class) => session.codes().any(|one| one / 100 == u16::from(*class)),
        SessionTerm::Finding(name) => {
            let is = |one: &str| one.eq_ignore_ascii_case(name);
            session.findings.iter().any(|finding| is(&finding.code))
                || session.notes.iter().any(|note| is(note))
        }
        SessionTerm::Is(SessionFlag::Running) => session.ended_at.is_none(),
        SessionTerm::Is(SessionFlag::Ended) => session.ended_at.is_some(),
        SessionTerm::Is(SessionFlag::Refused) => session.was_refused(),
        SessionTerm::Is(SessionFlag::Outbound) => session.direction == "outbound",
        SessionTerm::Is(SessionFlag::Tls) => session.tls.is_some(),
        SessionTerm::After(time) => session.connected_at >= *time,
        SessionTerm::Before(time) => session.connected_at < *time,
        SessionTerm::Id(id) => session.id.get() == *id,
        SessionTerm::Message(id) => session
            .transactions
            .iter()
            .any(|transaction| transaction.message.is_some_and(|message| message.get() == *id)),
    }
}
