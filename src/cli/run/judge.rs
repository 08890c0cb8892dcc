//! What had to happen, and what did: each expectation is a check that is met or says what came instead.

use super::watch::Seen;
use crate::app::Doorpost;
use crate::cli::Failure;
use crate::finding::{Finding, Severity};
use crate::mail::MessageId;
use crate::mime::Reading;
use crate::search::{self, Query};
use crate::storage::{Find, InboxBy, Message, SessionRecord, Store, judge};
use clap::ValueEnum;
use std::collections::HashSet;
use time::OffsetDateTime;

/// Messages and sessions that a check names, at most.
const NAMED: usize = 20;

/// What may make a run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum FailOn {
    /// A command was refused, or a session failed
    Refusal,
    /// Doorpost noticed anything
    Finding,
    /// It noticed a mistake that may do harm
    Warning,
    /// It noticed a mistake that did harm
    Error,
}

/// What is expected.
#[derive(Debug)]
pub(super) struct Expectations {
    queries: Vec<String>,
    count: Option<u64>,
    fail_on: Vec<FailOn>,
    /// What `inbox:` means.
    pub(super) inbox_by: InboxBy,
}

impl Expectations {
    /// Reads them before anything is started.
    pub(super) fn read(
        queries: &[String],
        count: Option<u64>,
        fail_on: &[FailOn],
    ) -> Result<Self, Failure> {
        queries.iter().try_for_each(|query| read(query).map(drop))?;
        let inbox_by = InboxBy::default();
        Ok(Self { queries: queries.to_vec(), count, fail_on: fail_on.to_vec(), inbox_by })
    }
}

fn read(query: &str) -> Result<Query, Failure> {
    search::parse(query, OffsetDateTime::now_utc())
        .map_err(|error| Failure::usage(format_args!("--expect: {error}")))
}

/// One thing that had to be so.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) name: String,
    /// Why it is not so.
    pub(super) failure: Option<String>,
}

/// Everything that is known when the command has ended.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) exit_code: u8,
    pub(super) checks: Vec<Check>,
    /// Oldest first, also those that were removed before the end.
    pub(super) messages: Vec<Message>,
    /// Messages that came besides and are not known.
    unseen: u64,
    /// Oldest first, with what was said.
    pub(super) sessions: Vec<SessionRecord>,
    /// Sessions that were let go before the end, since there were so many.
    let_go: usize,
}

impl Verdict {
    pub(super) fn of(
        doorpost: &Doorpost,
        expected: &Expectations,
        exit_code: u8,
        seen: Seen,
    ) -> Result<Self, Failure> {
        // A data folder may hold those of earlier runs.
        let entries = doorpost.sessions();
        let own = entries.iter().filter(|entry| seen.sessions.contains(&entry.id));
        let sessions: Vec<_> = own.map(|entry| SessionRecord::whole(entry)).collect();
        let let_go = seen.sessions.len() - sessions.len();
        let mut checks = vec![Check {
            name: "the command ends with 0".into(),
            failure: (exit_code != 0).then(|| format!("it ended with {exit_code}")),
        }];
        for query in &expected.queries {
            let found = count(doorpost.store(), query, &seen, &expected.inbox_by)?;
            checks.push(expectation(query, expected.count, found, &seen));
        }
        for fail_on in &expected.fail_on {
            checks.push(none_of(*fail_on, &sessions, let_go));
        }
        let unseen = seen.unseen;
        Ok(Self { exit_code, checks, messages: seen.into_messages(), unseen, sessions, let_go })
    }

    pub(super) fn is_good(&self) -> bool {
        self.checks.iter().all(|check| check.failure.is_none())
    }

    /// Those in which something went wrong.
    pub(super) fn refused(&self) -> impl Iterator<Item = &SessionRecord> {
        self.sessions.iter().filter(|session| session.was_refused())
    }

    /// The summary.
    pub(super) fn in_words(&self) -> String {
        let mut text = format!(
            "doorpost: {} in {}",
            number(self.messages.len() + self.unseen as usize, "message"),
            number(self.sessions.len() + self.let_go, "session"),
        );
        let refused = self.refused().count();
        if refused > 0 {
            text.push_str(&format!(", {refused} of them refused or broken"));
        }
        text.push('\n');
        for check in &self.checks {
            if let Some(failure) = &check.failure {
                text.push_str(&format!("doorpost: not so: {}: {failure}\n", check.name));
            }
        }
        text
    }
}

/// How many messages a query finds, be they kept still or not.
fn count(store: &Store, query: &str, seen: &Seen, by: &InboxBy) -> Result<u64, Failure> {
    let find = |query: Query| -> Result<HashSet<MessageId>, Failure> {
        let find = Find { query, inbox: None, before: None, after: seen.before, limit: usize::MAX };
        let found = store.find(&find).map_err(Failure::of)?;
        Ok(found.entries.into_iter().map(|entry| entry.id).collect())
    };
    let query = read(query)?;
    let (kept, found) = (find(read("")?)?, find(query.clone())?);
    let is_found = |message: &&Message| match kept.contains(&message.id()) {
        true => found.contains(&message.id()),
        false => judge(&query, message, by),
    };
    Ok(seen.messages().filter(is_found).count() as u64)
}

fn expectation(query: &str, count: Option<u64>, found: u64, seen: &Seen) -> Check {
    let (name, is_met) = match count {
        None => (format!("a message matches {query}"), found > 0),
        // What is not known may match.
        Some(count) => {
            (format!("{count} messages match {query}"), found == count && seen.unseen == 0)
        }
    };
    let failure = (!is_met).then(|| {
        let all = seen.messages().count();
        let came = seen.messages().skip(all.saturating_sub(NAMED));
        let list: String = came.map(|message| format!("\n  {}", in_words(message))).collect();
        match (all, seen.unseen) {
            (0, 0) => format!("{found} do; none came at all"),
            (all, 0) => format!("{found} do; {all} came, the last of them:{list}"),
            (all, unseen) => format!(
                "{found} of the {all} that are known do; {unseen} more came and are gone (--max-bytes says how much is kept):{list}"
            ),
        }
    });
    Check { name, failure }
}

fn none_of(what: FailOn, sessions: &[SessionRecord], let_go: usize) -> Check {
    let name = match what {
        FailOn::Refusal => "nothing is refused",
        FailOn::Finding => "there is no finding",
        FailOn::Warning => "there is no warning",
        FailOn::Error => "there is no error",
    };
    let lines: Vec<String> = sessions.iter().flat_map(|session| wrong(what, session)).collect();
    let failure = (!lines.is_empty() || let_go > 0).then(|| {
        let shown: String = lines.iter().take(NAMED).map(|line| format!("\n  {line}")).collect();
        let unknown = match let_go {
            0 => String::new(),
            let_go => format!(
                "\n  {} let go before the end, and what was in them is not known (--max-sessions and --max-session-bytes say how many are kept)",
                was(let_go)
            ),
        };
        format!("{}:{shown}{unknown}", lines.len())
    });
    Check { name: name.into(), failure }
}

/// What of that kind is in a session, in words.
fn wrong(what: FailOn, session: &SessionRecord) -> Vec<String> {
    let place = format!("session {} at {}", session.id, session.door);
    match what {
        FailOn::Refusal => {
            if !session.was_refused() {
                return Vec::new();
            }
            let why = match (&session.last_refusal, &session.ended) {
                (Some(refusal), _) => {
                    let reply = &refusal.reply;
                    let enhanced = reply.enhanced.as_deref().unwrap_or_default();
                    let command = match &*refusal.command {
                        "" => "what was no command",
                        command => command,
                    };
                    format!("{command} was answered {} {enhanced} {}", reply.code, reply.text)
                }
                (None, Some(ended)) => ended.text.clone(),
                (None, None) => "a message was refused".into(),
            };
            vec![format!("{place}: {why}")]
        }
        FailOn::Finding | FailOn::Warning | FailOn::Error => {
            let least = match what {
                FailOn::Error => Severity::Error,
                FailOn::Warning => Severity::Warning,
                _ => Severity::Info,
            };
            let is_so = |one: &&Finding| one.code().is_some_and(|code| code.severity() >= least);
            let found = session.findings.iter().filter(is_so);
            found.map(|one| format!("{place}: {}: {} {}", one.code, one.what, one.change)).collect()
        }
    }
}

/// A message on a line, with its subject, by which people know it.
pub(super) fn in_words(message: &Message) -> String {
    let reading = Reading::of(message.bytes());
    let subject = reading.headers.iter().find(|field| field.name.eq_ignore_ascii_case("Subject"));
    let subject = subject.map_or("no subject".to_owned(), |field| format!("{:?}", field.value));
    format!("{message:?}, door {}: {subject}", message.arrival().door)
}

fn was(sessions: usize) -> String {
    let were = if sessions == 1 { "was" } else { "were" };
    format!("{} {were}", number(sessions, "session"))
}

/// So many of them: `1 message`, `2 messages`.
pub(super) fn number(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}
