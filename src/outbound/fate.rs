//! What the outcome of an attempt makes of an entry: who is served, who waits for the next time, who is given up, and
//! of whom the sender is to be told (RFC 3461 §4.1, §5.2).

use crate::smtp::client::{Fate, Outcome, Said};
use crate::storage::outbox::{Bound, Item, Standing, State};
use std::time::Duration;
use time::OffsetDateTime;

/// What a report says of a recipient (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Failed,
    Delayed,
    Delivered,
    Relayed,
    Expanded,
}

impl Action {
    pub(super) const ALL: [Self; 5] =
        [Self::Failed, Self::Delayed, Self::Delivered, Self::Relayed, Self::Expanded];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }
}

/// A recipient of whom the sender is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) action: Action,
    pub(super) recipient: Bound,
    /// What it is quoted with.
    pub(super) said: Said,
    /// The status (RFC 3463) where it is not that of the reply.
    pub(super) status: Option<&'static str>,
    /// Until when it is tried.
    pub(super) until: Option<OffsetDateTime>,
}

/// What came of an attempt beside the entry itself.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) reports: Vec<Told>,
}

/// Applies an outcome to an entry whose attempt is counted already.
pub(super) fn apply(
    item: &mut Item,
    waiting: &[usize],
    outcome: &Outcome,
    retry: &[Duration],
) -> Settled {
    let mut settled = Settled::default();
    for (at, fate) in waiting.iter().zip(&outcome.fates) {
        let Some(bound) = item.new.recipients.get_mut(*at) else { continue };
        bound.said = Some(fate.said().clone());
        match fate {
            Fate::Later(_) => {}
            Fate::Never(said) => fail(bound, said.clone(), None, &mut settled),
            // Who takes NOTIFY answers for it from there.
            Fate::Delivered(_) if outcome.hands_on_notify => {
                bound.standing = Standing::Delivered;
            }
            Fate::Delivered(said) => {
                bound.standing = Standing::Relayed;
                if bound.notify().is_some_and(|notify| notify.success) {
                    told(bound, Action::Relayed, said.clone(), None, &mut settled);
                }
            }
        }
    }
    decide(item, retry, &mut settled);
    settled
}

/// Whether there is a next time, and when.
fn decide(item: &mut Item, retry: &[Duration], settled: &mut Settled) {
    let now = OffsetDateTime::now_utc();
    let waits = |bound: &&mut Bound| bound.standing == Standing::Waiting;
    let tries = item.tries as usize;
    if item.new.recipients.iter_mut().any(|bound| waits(&bound)) {
        if let Some(wait) = tries.checked_sub(1).and_then(|at| retry.get(at)) {
            item.state = State::Waiting;
            item.next_at = now + *wait;
            tell_of_delay(item, retry, settled);
            return;
        }
        for bound in item.new.recipients.iter_mut().filter(waits) {
            let last = bound.said.clone();
            let said = last.unwrap_or_else(|| Said::by_us(450, "4.4.7", "RCPT", "not tried"));
            // The last reply tells why, in its words; that time has run out is the status (RFC 3463 §3.5).
            fail(bound, said, Some("4.4.7"), settled);
        }
    }
    let failed = item.new.recipients.iter().any(|bound| bound.standing == Standing::Failed);
    item.state = if failed { State::Failed } else { State::Done };
}

/// Once, at the second time, those who asked for it hear that it takes long.
fn tell_of_delay(item: &mut Item, retry: &[Duration], settled: &mut Settled) {
    let tries = item.tries as usize;
    if item.delay_told || tries < retry.len().min(2) {
        return;
    }
    item.delay_told = true;
    let left: Duration = retry.iter().skip(tries).sum();
    let until = item.next_at + left;
    for bound in &item.new.recipients {
        let asks = bound.notify().is_some_and(|notify| notify.delay);
        if let (true, Standing::Waiting, Some(said)) = (asks, bound.standing, &bound.said) {
            told(bound, Action::Delayed, said.clone(), Some(until), settled);
        }
    }
}

fn fail(bound: &mut Bound, said: Said, status: Option<&'static str>, settled: &mut Settled) {
    bound.standing = Standing::Failed;
    // Without NOTIFY a failure is told (RFC 3461 §4.1).
    if bound.notify().is_none_or(|notify| notify.failure) {
        let recipient = bound.clone();
        settled.reports.push(Told { action: Action::Failed, recipient, said, status, until: None });
    }
}

fn told(
    bound: &Bound,
    action: Action,
    said: Said,
    until: Option<OffsetDateTime>,
    settled: &mut Settled,
) {
    settled.reports.push(Told { action, recipient: bound.clone(), said, status: None, until });
}

/// An outcome in one line.
pub(super) fn in_words(outcome: &Outcome) -> String {
    let count =
        |wanted: fn(&Fate) -> bool| outcome.fates.iter().filter(|fate| wanted(fate)).count();
    let taken = count(|fate| matches!(fate, Fate::Delivered(_)));
    let first_refused = outcome.fates.iter().find(|fate| !matches!(fate, Fate::Delivered(_)));
    let Some(refused) = first_refused else {
        let said = outcome.fates.first().map(Fate::said);
        return said
            .map_or_else(String::new, |said| format!("delivered: {} {}", said.code, said.text));
    };
    let said = refused.said();
    let verb = if matches!(refused, Fate::Later(_)) { "not now" } else { "refused" };
    let mut text =
        format!("{verb}: {} {} {} ({})", said.code, said.enhanced, said.text, said.command);
    if taken > 0 {
        text.push_str(&format!("; delivered for {taken} of {}", outcome.fates.len()));
    }
    if outcome.reply_lost {
        text.push_str(
            "; the message was sent whole and its reply never came: the next attempt may double it",
        );
    }
    text
}

#[cfg(test)]
#[path = "tests/fate.rs"]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests;
