//! What a session tried, and what it was told to try later, read from its transcript. One whose transcript was cut accuses
//! nobody.

use super::key::lower;
use super::{ANYBODY, WHOLE};
use crate::smtp::command::{self, Verb};
use crate::smtp::transcript::Kind;
use crate::smtp::{Session, Verdict};
use memchr::memchr;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

/// What a session tried, as far as its transcript tells.
#[derive(Debug, Default)]
pub struct Attempts {
    /// Each reverse-path and whom it was for, and how long after the beginning that was tried last.
    pub(super) tries: BTreeMap<String, BTreeMap<String, Duration>>,
    pub(super) deferred: Vec<PutOff>,
    /// Whether there was more than the transcript holds: anything may have been tried there.
    pub(super) is_cut: bool,
    pub(super) is_unanswered: bool,
}

/// A sender that was asked to try later.
#[derive(Debug)]
pub(super) struct PutOff {
    pub(super) reverse_path: String,
    pub(super) recipient: String,
    /// The line of the command.
    pub(super) line: usize,
    pub(super) reply: String,
    /// How long that was after the beginning.
    pub(super) after: Duration,
}

impl Attempts {
    /// Reads them from a session.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        if session.transactions().is_empty() && session.last_refusal().is_none() {
            return Self::default();
        }
        attempts(session)
    }

    /// A second try within the session is one.
    fn try_at(&mut self, reverse_path: &str, recipient: &str, after: Duration) {
        let is_same = |one: &PutOff| one.reverse_path == reverse_path && one.recipient == recipient;
        self.deferred.retain(|one| !is_same(one));
        self.tried(reverse_path, recipient, after);
    }

    fn tried(&mut self, reverse_path: &str, recipient: &str, after: Duration) {
        // Most of a session that is kept open is for the same few.
        let before = self.tries.get_mut(reverse_path).and_then(|of| of.get_mut(recipient));
        if let Some(before) = before {
            *before = after;
        } else {
            let of = self.tries.entry(reverse_path.to_owned()).or_default();
            of.insert(recipient.to_owned(), after);
        }
    }

    /// Who did not get as far as RCPT came back for whomever it was.
    fn named_nobody(&mut self, sender: Option<&str>, at: Option<Duration>) {
        if let (Some(sender), Some(after)) = (sender, at) {
            self.tried(sender, ANYBODY, after);
        }
    }

    /// Whether there is anything to remember, or to forget.
    #[must_use]
    pub fn is_something(&self) -> bool {
        !self.tries.is_empty() || self.is_cut || self.is_unanswered
    }
}

/// What a session tried, and what it was told to try later.
fn attempts(session: &Session) -> Attempts {
    let transcript = session.transcript();
    let is_cut = transcript.omitted() > 0;
    let mut attempts =
        Attempts { is_unanswered: is_unanswered(session), is_cut, ..Attempts::default() };
    let mut sender: Option<&str> = None;
    // When MAIL was said, until somebody is named.
    let mut unnamed: Option<Duration> = None;
    // The command that is to be answered, where it stands, and for whom it is.
    let mut current: Option<(Verb, usize, Cow<'_, str>)> = None;
    for (number, line) in transcript.lines().enumerate() {
        let after = line.at;
        match line.kind {
            Kind::Client => {
                let (verb, argument) = command::split(line.octets());
                let verb = command::rule(verb).map(|rule| rule.verb);
                current = verb
                    .filter(|verb| {
                        matches!(verb, Verb::Mail | Verb::Rcpt | Verb::Data | Verb::Bdat)
                    })
                    .map(|verb| (verb, number, WHOLE.into()));
                match (&mut current, path(argument)) {
                    (Some((Verb::Mail, ..)), Some(path)) => {
                        attempts.named_nobody(sender, unnamed.replace(after));
                        attempts.try_at(path, WHOLE, after);
                        sender = Some(path);
                    }
                    (Some((Verb::Rcpt, _, whom)), Some(path)) => {
                        unnamed = None;
                        *whom = lower(path);
                        if let Some(sender) = sender {
                            attempts.try_at(sender, whom, after);
                        }
                    }
                    _ => {}
                }
            }
            // After 354 the data is still to be answered; any other reply is the last to its command.
            Kind::Server if line.octets().first() != Some(&b'3') => {
                let is_put_off = line.octets().first() == Some(&b'4') && !is_cut;
                if let (Some((_, command, recipient)), Some(sender)) = (current.take(), sender)
                    && is_put_off
                {
                    attempts.deferred.push(PutOff {
                        reverse_path: sender.to_owned(),
                        recipient: recipient.into_owned(),
                        line: command,
                        reply: line.text().lines().next().unwrap_or_default().to_owned(),
                        after,
                    });
                }
            }
            _ => {}
        }
    }
    attempts.named_nobody(sender, unnamed);
    attempts
}

/// The path of MAIL or RCPT as it was written, without brackets.
fn path(argument: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(argument).ok()?;
    let path = &text[memchr(b'<', argument)? + 1..];
    Some(&path[..memchr(b'>', path.as_bytes())?])
}

/// Whether the last message was kept, and its 250 never left.
fn is_unanswered(session: &Session) -> bool {
    let is_kept =
        session.transactions().last().is_some_and(|one| matches!(one.verdict, Verdict::Kept(_)));
    let last = |kind| session.transcript().last(kind);
    is_kept && last(Kind::Data) > last(Kind::Server)
}
