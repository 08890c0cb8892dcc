//! The store's part for sessions: those that run, and those that have ended.

use super::{
    Change, FindSessions, FoundSessions, SessionEntry, SessionRecord, Sessions, Store, StoreError,
    find_sessions,
};
use crate::mail::SessionId;
use crate::smtp::{Note, Session};
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

    /// Tells of what was noticed in a session.
    pub fn noticed(&self, session: SessionId, note: Note) {
        self.events.report(Change::Finding(session, note));
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
