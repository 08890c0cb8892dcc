//! Waiting for mail: the answer comes as soon as enough messages match, those that are there already
//! included; or 408 with what did come, so that a failing test says why.
//!
//! A wait looks again after each change, and only at what is new since it looked last. A query that
//! may be true of an old message later (`is:read`, `tag:`) is asked anew as a whole.

use super::messages::MessageList;
use super::parameters::{Filter, PAGE, Parameters, Since, between};
use super::problem::{Problem, WaitProblem};
use super::views::MessageView;
use super::{App, Shared};
use crate::mail::MessageId;
use crate::search::{Expr, Flag, Query, Term};
use crate::storage::{Entry, Find, Found, Store};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;
use utoipa::IntoParams;

/// How long a wait lasts where nothing else is asked for.
const WAIT: Duration = Duration::from_secs(10);
/// How long it may last.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// What the first look may take, however short the wait: `timeout=0` asks what is there.
const FIRST_LOOK: Duration = Duration::from_secs(1);
/// What it may take to find out what did come, where the wait was in vain.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// Messages that are looked at again: one with a smaller number may have been on its way in.
const OVERLAP: u64 = 1024;
/// Messages that a wait in vain tells of.
const TOLD: usize = 20;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WaitParameters {
    /// What they have to be.
    #[param(max_length = 4096, example = "to:bob@example.org subject:welcome")]
    query: Option<String>,
    /// The inbox that they have to be in.
    #[param(min_length = 1, max_length = 1000)]
    inbox: Option<String>,
    /// How many have to be there.
    #[param(minimum = 1, maximum = 1000, default = 1)]
    count: Option<usize>,
    /// How long to wait, at most 5m: `10s`, `1m 30s`, or a number of seconds.
    #[param(
        pattern = "^([0-9]|[1-9][0-9]|[12][0-9][0-9]|300)s?$",
        default = "10s",
        example = "10s"
    )]
    timeout: Option<String>,
    /// Only those behind this `id`, or that came since this time: RFC 3339, or how long ago (`10m`).
    #[param(max_length = 100, example = "10m")]
    since: Option<String>,
}

/// Waits for messages
///
/// Answers as soon as `count` messages match, those that are there already included; with 408 and what did come when the time is over.
#[utoipa::path(
    get, path = "/api/messages/wait", tag = "messages", params(WaitParameters),
    responses(
        (status = 200, description = "At least so many match", body = MessageList),
        (
            status = 408, description = "Too few came in time",
            content_type = "application/problem+json", body = WaitProblem,
        ),
    ),
)]
pub(super) async fn wait_for_messages(
    State(app): Shared,
    Parameters(given): Parameters<WaitParameters>,
) -> Result<Json<MessageList>, Problem> {
    let filter = Filter::read(given.query.as_deref(), given.inbox)?;
    let since = Since::read(given.since.as_deref())?;
    let count = between("count", given.count.unwrap_or(1))?;
    let timeout = read_timeout(given.timeout.as_deref())?;
    let mut seen = Seen::new(filter, since, count);
    let started = Instant::now();
    let end = started + timeout;
    let mut look_until = end.max(started + FIRST_LOOK);
    loop {
        let version = app.store.version();
        let mut looking = seen.clone();
        let look = app.aside(move |store| looking.look(store).map(|found| (looking, found)));
        let Ok(looked) = tokio::time::timeout_at(look_until, look).await else { break };
        let (now, found) = looked?;
        if let Some(found) = found {
            return Ok(Json(MessageList::new(found)));
        }
        seen = now;
        look_until = end;
        tokio::select! {
            () = app.store.changed_since(version) => {}
            () = tokio::time::sleep_until(end) => break,
            () = app.stop.cancelled() => return Err(Problem::unavailable("doorpost is stopping")),
        }
    }
    Err(in_vain(&app, &seen, timeout).await)
}

/// What did come.
async fn in_vain(app: &App, seen: &Seen, timeout: Duration) -> Problem {
    let find = seen.everything();
    let look = app.aside(move |store| Ok(store.find(&find)?));
    // A store that is that slow must not make the wait longer than was asked for.
    let arrived = tokio::time::timeout(LAST_LOOK, look).await;
    let arrived = arrived.ok().and_then(Result::ok).unwrap_or_default();
    let matched: Vec<_> = seen.found.values().rev().cloned().map(MessageView::new).collect();
    let time = humantime::format_duration(timeout);
    let text = format!("{} of {} messages came within {time}", matched.len(), seen.count);
    Problem::timeout(&text)
        .with("messages", json!(matched))
        .with("arrived", json!(MessageView::all(arrived.entries)))
}

/// `10s`, `1m 30s`, or seconds.
fn read_timeout(text: Option<&str>) -> Result<Duration, Problem> {
    let Some(text) = text else { return Ok(WAIT) };
    let seconds = text.parse().ok().map(Duration::from_secs);
    let time = seconds.or_else(|| humantime::parse_duration(text).ok());
    time.filter(|time| *time <= LONGEST_WAIT).ok_or_else(|| {
        let text = format!("timeout={text} is no time such as 10s, at most 5m");
        Problem::bad_request(&text)
    })
}

/// What a wait has found so far.
#[derive(Clone, Debug)]
struct Seen {
    filter: Filter,
    since: Since,
    count: usize,
    /// Whether an old message may come to match.
    may_change: bool,
    /// The newest message that was judged.
    newest: Option<MessageId>,
    found: BTreeMap<MessageId, Entry>,
}

impl Seen {
    fn new(filter: Filter, since: Since, count: usize) -> Self {
        let may_change = may_change(&filter.query);
        Self { filter, since, count, may_change, newest: None, found: BTreeMap::new() }
    }

    /// Looks at what is new since the last time; gives the page where it is enough.
    fn look(&mut self, store: &Store) -> Result<Option<Found>, Problem> {
        // Before the question: what comes in between is looked at next time.
        let newest = store.find(&Find { limit: 1, ..self.everything() })?;
        let newest = newest.entries.first().map(|entry| entry.id);
        let judged = self.newest.filter(|_| !self.may_change);
        if let Some(judged) = judged {
            let from = MessageId::new(judged.get().saturating_sub(OVERLAP));
            let found = store.find(&self.those_behind(from.max(self.since.id)))?;
            self.found.extend(found.entries.into_iter().map(|entry| (entry.id, entry)));
        }
        self.newest = newest.max(self.newest);
        if judged.is_some() && self.found.len() < self.count {
            return Ok(None);
        }
        // The whole page, for the answer: one that was found before may be gone by now.
        let page = store.find(&self.those_behind(self.since.id))?;
        // Some of them may have gone since they were found.
        if page.entries.len() >= self.count {
            return Ok(Some(page));
        }
        self.found = page.entries.into_iter().map(|entry| (entry.id, entry)).collect();
        Ok(None)
    }

    fn those_behind(&self, after: Option<MessageId>) -> Find {
        let mut filter = self.filter.clone();
        if let Some(time) = self.since.time {
            filter.and(Term::After(time));
        }
        Find { after, ..filter.find(self.count.max(PAGE)) }
    }

    /// The last that came, whether or not they match.
    fn everything(&self) -> Find {
        let mut filter = Filter { query: Query { root: Expr::All }, inbox: None };
        if let Some(time) = self.since.time {
            filter.and(Term::After(time));
        }
        Find { after: self.since.id, ..filter.find(TOLD) }
    }
}

/// Whether the query asks for what people change about a message.
fn may_change(query: &Query) -> bool {
    fn look(expr: &Expr) -> bool {
        match expr {
            Expr::All => false,
            Expr::And(parts) | Expr::Or(parts) => parts.iter().any(look),
            Expr::Not(part) => look(part),
            Expr::Term(term) => matches!(term, Term::Tag(_) | Term::Is(Flag::Read | Flag::Unread)),
        }
    }
    look(&query.root)
}
