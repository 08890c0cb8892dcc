//! The store's part for sessions: those that run, and those that have ended.

use super::{
    Change, FindSessions, FoundSessions, SessionEntry, SessionRecord, Sessions, Store, StoreError,
    find_sessions,
};
use crate::finding::{Code, Finding};
use crate::mail::SessionId;
use crate::smtp::Session;
use std::net::SocketAddr;
use std::sync::Arc;

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

    /// How often each code was found since the start.
    pub fn finding_counts(&self) -> impl Iterator<Item = (Code, u64)> + '_ {
        self.found.counts()
    }

    /// Files an ended session.
    pub fn session_ended(&self, entry: &Arc<SessionEntry>) {
        self.sessions.ended(entry);
        self.backend.keep_session(entry);
        self.events.report(Change::SessionEnded(entry.id));
        self.changes.one_more();
    }

    /// The session of that name, with what was said. May wait for a disk.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn session(&self, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        match self.sessions.get(id) {
            Some(entry) => Ok(Some(SessionRecord::whole(&entry))),
            None => self.backend.session(id),
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
