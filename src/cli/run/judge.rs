//! What had to happen, and what did: each expectation is a check that is met or says what came instead.

use crate::app::Doorpost;
use crate::cli::Failure;
use crate::finding::{Finding, Severity};
use crate::mail::MessageId;
use crate::mime::Reading;
use crate::search;
use crate::storage::{Message, SessionRecord};
use clap::ValueEnum;
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
}

impl Expectations {
    /// Reads them before anything is started.
    pub(super) fn read(
        queries: &[String],
        count: Option<u64>,
        fail_on: &[FailOn],
    ) -> Result<Self, Failure> {
        for query in queries {
            search::parse(query, OffsetDateTime::now_utc())
                .map_err(|error| Failure::usage(format_args!("--expect: {error}")))?;
        }
        Ok(Self { queries: queries.to_vec(), count, fail_on: fail_on.to_vec() })
    }
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
    /// Oldest first.
    pub(super) messages: Vec<Message>,
    /// Oldest first, with what was said.
    pub(super) sessions: Vec<SessionRecord>,
}

impl Verdict {
    pub(super) fn of(
        doorpost: &Doorpost,
        expected: &Expectations,
        exit_code: u8,
        before: Option<MessageId>,
    ) -> Result<Self, Failure> {
        // A data folder may hold those of earlier runs.
        let messages = doorpost.messages_behind(before);
        let sessions: Vec<_> =
            doorpost.sessions().iter().map(|entry| SessionRecord::whole(entry)).collect();
        let mut checks = vec![Check {
            name: "the command ends with 0".into(),
            failure: (exit_code != 0).then(|| format!("it ended with {exit_code}")),
        }];
        for query in &expected.queries {
            let found = doorpost.search_behind(query, before).map_err(Failure::of)?.len() as u64;
            checks.push(expectation(query, expected.count, found, &messages));
        }
        for fail_on in &expected.fail_on {
            checks.push(none_of(*fail_on, &sessions));
        }
        Ok(Self { exit_code, checks, messages, sessions })
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
            number(self.messages.len(), "message"),
            number(self.sessions.len(), "session"),
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

fn expectation(query: &str, count: Option<u64>, found: u64, messages: &[Message]) -> Check {
    let (name, is_met) = match count {
        None => (format!("a message matches {query}"), found > 0),
        Some(count) => (format!("{count} messages match {query}"), found == count),
    };
    let failure = (!is_met).then(|| {
        let came =
            messages.iter().rev().take(NAMED).map(|message| format!("\n  {}", in_words(message)));
        let list: String = came.collect();
        match messages.len() {
            0 => format!("{found} do; none came at all"),
            all => format!("{found} do; {all} came, the last of them:{list}"),
        }
    });
    Check { name, failure }
}

fn none_of(what: FailOn, sessions: &[SessionRecord]) -> Check {
    let name = match what {
        FailOn::Refusal => "nothing is refused",
        FailOn::Finding => "there is no finding",
        FailOn::Warning => "there is no warning",
        FailOn::Error => "there is no error",
    };
    let lines: Vec<String> = sessions.iter().flat_map(|session| wrong(what, session)).collect();
    let failure = (!lines.is_empty()).then(|| {
        let shown: String = lines.iter().take(NAMED).map(|line| format!("\n  {line}")).collect();
        format!("{}:{shown}", lines.len())
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
                    format!(
                        "{} was answered {} {enhanced} {}",
                        refusal.command, reply.code, reply.text
                    )
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

/// So many of them: `1 message`, `2 messages`.
pub(super) fn number(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}
