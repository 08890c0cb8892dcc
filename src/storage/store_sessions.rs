//! The store's part for sessions: those that run, and those that have ended.

use super::backend::EndedSession;
use super::{
    Change, FindSessions, FoundSessions, Message, SessionEntry, SessionRecord, Sessions, Store,
    StoreError, find_sessions,
};
use crate::finding::{Attempts, Code, Finding, MessageKey, Sequences};
use crate::mail::SessionId;
use crate::smtp::Session;
use std::net::SocketAddr;
use std::sync::{Arc, MutexGuard, PoisonError};

impl Store {
    /// The sessions that are in memory: those that run, and the last that have ended.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Files a session that begins.
    pub fn session_began(
        &self,
        session: Session,
        peer: SocketAddr,
        local: SocketAddr,
    ) -> Arc<SessionEntry> {
        let entry = self.sessions.began(session, peer, local);
        self.events.report(Change::SessionBegan(entry.id));
        entry
    }

    /// Looks for what the client of a session did wrong, and tells of what is new; true where something is.
    pub fn look_for_findings(&self, entry: &SessionEntry) -> bool {
        let new = entry.look_for_findings();
        let is_new = !new.is_empty();
        for finding in new {
            self.tell_finding(entry.id, finding);
        }
        is_new
    }

    pub(super) fn tell_finding(&self, session: SessionId, finding: Finding) {
        self.found.count(&finding);
        self.events.report(Change::Finding(session, Arc::new(finding)));
    }

    fn sequences(&self) -> MutexGuard<'_, Sequences> {
        // Whoever panicked with it left at worst a mistake that is not told.
        self.sequences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be said of a message that came before.
    #[must_use]
    pub fn duplicate_of(&self, key: &MessageKey) -> Option<String> {
        self.sequences().duplicate_of(key, self.opened.elapsed())
    }

    /// Remembers a message that was kept, so that it is known when it comes again.
    pub fn has_come(&self, key: &MessageKey, message: &Message) {
        let now = self.opened.elapsed();
        self.sequences().message(key, message.arrival().session, now);
    }

    /// Adds to a session what was found by looking at several, and tells of it.
    pub fn add_finding(&self, entry: &Arc<SessionEntry>, finding: Finding) {
        if entry.add_finding(finding.clone()) {
            self.tell_finding(entry.id, finding);
        }
    }

    /// Writes a session again that has changed after its end.
    pub fn session_changed(&self, entry: &Arc<SessionEntry>) {
        self.look_for_findings(entry);
        self.backend.keep_session(EndedSession::Inbound(Arc::clone(entry)));
    }

    /// Tells of clients that were told to try later and did not come back in time. Asked now and then by whoever
    /// runs the store.
    pub fn look_for_the_overdue(&self) {
        let overdue = self.sequences().overdue(self.opened.elapsed());
        for (id, finding) in overdue {
            tracing::warn!(session = id.get(), "{} ({})", finding.what, finding.code);
            // One that is no longer in memory is told of, and not written again.
            match self.sessions.get(id) {
                Some(entry) => {
                    self.add_finding(&entry, finding);
                    self.backend.keep_session(EndedSession::Inbound(entry));
                }
                None => self.tell_finding(id, finding),
            }
        }
    }

    /// How often each code was found since the start.
    pub fn finding_counts(&self) -> impl Iterator<Item = (Code, u64)> + '_ {
        self.found.counts()
    }

    /// Files an ended session.
    pub fn session_ended(&self, entry: &Arc<SessionEntry>) {
        let attempts = Attempts::of(&entry.session());
        if attempts.is_something() {
            let (client, peer) = (entry.client(), entry.peer.ip());
            // It may be filed some time after its end, when the client has come back already.
            let began = entry.began.saturating_duration_since(self.opened);
            self.sequences().session_ended(entry.id, peer, attempts, client, began);
        }
        self.sessions.ended(entry);
        self.backend.keep_session(EndedSession::Inbound(Arc::clone(entry)));
        self.events.report(Change::SessionEnded(entry.id));
        self.changes.one_more();
    }

    /// Files an ended session in which doorpost was the client.
    pub fn outbound_ended(&self, record: SessionRecord) {
        let (id, record) = (record.id, Arc::new(record));
        self.sessions.file(Arc::clone(&record));
        self.backend.keep_session(EndedSession::Outbound(record));
        self.events.report(Change::SessionEnded(id));
        self.changes.one_more();
    }

    /// The session of that name, with what was said. May wait for a disk.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn session(&self, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        match self.sessions.get(id) {
            Some(entry) => Ok(Some(SessionRecord::whole(&entry))),
            None => {
                let outbound = self.sessions.outbound();
                match outbound.into_iter().find(|record| record.id == id) {
                    Some(record) => Ok(Some((*record).clone())),
                    None => self.backend.session(id),
                }
            }
        }
    }

    /// Finds sessions, those that run included. May take its time.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn find_sessions(&self, find: &FindSessions) -> Result<FoundSessions, StoreError> {
        find_sessions::find(&self.sessions, &*self.backend, find)
    }
}
