//! Waiting for what is expected, and saying what came instead, at the line of the test that asked.

use super::Fixture;
use crate::search;
use crate::storage::{FindSessions, Message, SessionRecord, StoreError};
use std::panic::Location;
use std::time::Duration;
use time::OffsetDateTime;

/// Messages, or sessions, that a failure shows.
const SHOWN: usize = 20;
/// A session that goes on is looked at so often.
const NOW_AND_THEN: Duration = Duration::from_millis(50);

/// Panics as an assertion does, naming the line of the test.
pub(super) fn fail(at: &Location<'_>, what: &str) -> ! {
    panic!("{what}\n  at {at}")
}

impl Fixture {
    /// What a query finds, oldest first, as soon as it is enough or patience ends.
    pub(super) async fn found(
        &self,
        query: &str,
        at: &Location<'_>,
        is_enough: impl Fn(&[Message]) -> bool,
    ) -> Vec<Message> {
        let look = || match self.doorpost.search(query) {
            Ok(found) => found,
            Err(error) => fail(at, &format!("{query:?}: {error}")),
        };
        let enough =
            self.doorpost.store().wait_until(|_| Some(look()).filter(|found| is_enough(found)));
        match tokio::time::timeout(self.patience, enough).await {
            Ok(found) => found,
            Err(_) => look(),
        }
    }

    /// Panics: what was expected is not there.
    pub(super) fn missing(
        &self,
        at: &Location<'_>,
        query: &str,
        what: &str,
        waited: Duration,
    ) -> ! {
        let messages = self.doorpost.messages();
        let list: String =
            messages.iter().rev().take(SHOWN).map(|message| format!("\n  {message:?}")).collect();
        let within = if waited.is_zero() { String::new() } else { format!(" within {waited:?}") };
        let arrived = match messages.len() {
            0 => "none arrived at all".to_owned() + &self.refusals(),
            count => format!("{count} arrived, the last first:{list}"),
        };
        fail(at, &format!("{query}: {what}{within}; {arrived}"))
    }

    /// Why nothing may have arrived.
    fn refusals(&self) -> String {
        let sessions = self.doorpost.sessions();
        let refused = sessions.iter().rev().filter_map(|entry| {
            let session = entry.session();
            let refusal = session.last_refusal()?;
            let reply = &refusal.reply;
            Some(format!(
                "\n  session {} at {}: {} was answered {} {}",
                entry.id,
                session.policy().door,
                refusal.command,
                reply.code(),
                reply.text()
            ))
        });
        let list: String = refused.take(SHOWN).collect();
        match (sessions.len(), list.is_empty()) {
            (0, _) => "; nobody connected either".into(),
            (_, true) => String::new(),
            (_, false) => format!("; refused were:{list}"),
        }
    }

    /// The newest session that a query finds, waited for.
    pub(super) async fn session(&self, at: &Location<'_>, query: &str) -> SessionRecord {
        let parsed = match search::parse_sessions(query, OffsetDateTime::now_utc()) {
            Ok(parsed) => parsed,
            Err(error) => fail(at, &format!("{query:?}: {error}")),
        };
        let find = FindSessions { query: parsed, before: None, after: None, limit: 1 };
        let store = self.doorpost.store();
        let look = || -> Result<Option<SessionRecord>, StoreError> {
            match store.find_sessions(&find)?.sessions.first() {
                Some(found) => store.session(found.id),
                None => Ok(None),
            }
        };
        let wanted = async {
            loop {
                // What is said in a session that goes on is told to nobody.
                let looked = store.wait_until(|_| look().transpose());
                if let Ok(found) = tokio::time::timeout(NOW_AND_THEN, looked).await {
                    return found;
                }
            }
        };
        match tokio::time::timeout(self.patience, wanted).await {
            Ok(Ok(found)) => return found,
            Ok(Err(error)) => fail(at, &format!("{query:?}: {error}")),
            Err(_) => {}
        }
        let sessions = self.doorpost.sessions();
        let said = sessions.iter().rev().take(SHOWN).map(|entry| {
            let session = entry.session();
            format!(
                "\nsession {} at {}:\n{}",
                entry.id,
                session.policy().door,
                session.transcript()
            )
        });
        let said: String = said.collect();
        let what = format!(
            "no session like that within {:?}; there were {}",
            self.patience,
            sessions.len()
        );
        fail(at, &format!("{query}: {what}{said}"))
    }
}
