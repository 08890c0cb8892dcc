//! Messages by query: list them, wait for them, delete them.
//!
//! A query is judged on threads of its own, so that a slow one does not stall the doors.

use super::problem::Problem;
use super::views::{MessageList, MessageView};
use super::{LARGEST_PAGE, PAGE};
use crate::mail::MessageId;
use crate::search::{self, Query};
use crate::storage::{self, Message, Store};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Parameters, State};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// How long a wait lasts where nothing else is asked for.
const WAIT: Duration = Duration::from_secs(10);
/// How long it may last.
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// Messages that are looked at again when a new one comes: one with a smaller number may have
/// been on its way in.
const OVERLAP: u64 = 1024;
/// Messages that a wait in vain tells of.
const TOLD: usize = 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParameters {
    query: Option<String>,
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitParameters {
    query: Option<String>,
    count: Option<usize>,
    timeout: Option<String>,
    /// A message's `id`: only those behind it count.
    since: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteParameters {
    query: Option<String>,
    #[serde(default)]
    all: bool,
}

fn parameters<T>(given: Result<Parameters<T>, QueryRejection>) -> Result<T, Problem> {
    given.map(|Parameters(given)| given).map_err(|error| Problem::bad_request(&error.body_text()))
}

fn read_query(text: Option<&str>) -> Result<Query, Problem> {
    let query = search::parse(text.unwrap_or_default(), OffsetDateTime::now_utc());
    let query = query.map_err(|error| {
        let span = error.span();
        Problem::bad_request(error.message())
            .with("start", span.start.into())
            .with("end", span.end.into())
            .with("help", error.help().map_or(serde_json::Value::Null, Into::into))
    })?;
    Ok(query)
}

fn read_id(name: &str, text: Option<&str>) -> Result<Option<MessageId>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let wrong = |_| Problem::bad_request(&format!("{name}={text} is none that a list gave"));
    text.parse().map(Some).map_err(wrong)
}

fn between(name: &str, number: usize) -> Result<usize, Problem> {
    if (1..=LARGEST_PAGE).contains(&number) {
        return Ok(number);
    }
    Err(Problem::bad_request(&format!("{name}={number} is not between 1 and {LARGEST_PAGE}")))
}

/// Work that may take long, away from the threads that serve the doors.
async fn aside<T: Send + 'static>(
    store: &Arc<Store>,
    work: impl FnOnce(&Store) -> T + Send + 'static,
) -> Result<T, Problem> {
    let store = Arc::clone(store);
    let done = tokio::task::spawn_blocking(move || work(&store)).await;
    done.map_err(|_| Problem::failed("the query could not be carried out"))
}

pub(super) async fn list(
    State(store): State<Arc<Store>>,
    given: Result<Parameters<ListParameters>, QueryRejection>,
) -> Result<Json<MessageList>, Problem> {
    let given = parameters(given)?;
    let query = read_query(given.query.as_deref())?;
    let cursor = read_id("cursor", given.cursor.as_deref())?;
    let limit = between("limit", given.limit.unwrap_or(PAGE))?;
    let page = aside(&store, move |store| {
        if query.is_all() {
            let found = store
                .newest()
                .skip_while(|m| cursor.is_some_and(|c| m.id() >= c))
                .take(limit + 1)
                .collect();
            return page(found, limit, store.usage().messages);
        }
        let find =
            storage::Find { query, inbox: None, before: cursor, after: None, limit: limit + 1 };
        let found = store.find(&find).unwrap_or_default();
        let messages = found.entries.iter().filter_map(|e| store.message(e.id).ok().flatten());
        page(messages.collect(), limit, found.total.count)
    });
    page.await.map(Json)
}

/// A page of what was found, which is one more than fits where another page follows.
fn page(mut found: Vec<Message>, limit: usize, total: u64) -> MessageList {
    let more = found.len() > limit;
    found.truncate(limit);
    MessageList {
        next: found.last().map(|message| message.id()).filter(|_| more),
        messages: found.iter().map(MessageView::new).collect(),
        total,
    }
}

/// Answers as soon as `count` messages match, those that are there already included; or 408 with
/// what did come, so that a failing test says why.
pub(super) async fn wait(
    State(store): State<Arc<Store>>,
    given: Result<Parameters<WaitParameters>, QueryRejection>,
) -> Result<Json<MessageList>, Problem> {
    let given = parameters(given)?;
    let query = read_query(given.query.as_deref())?;
    let since = read_id("since", given.since.as_deref())?;
    let count = between("count", given.count.unwrap_or(1))?;
    let timeout = read_timeout(given.timeout.as_deref())?;
    let end = tokio::time::Instant::now() + timeout;
    let mut seen = Seen { since, newest: 0, judged: BTreeSet::new(), found: BTreeMap::new() };
    loop {
        let version = store.version();
        let query = query.clone();
        seen = aside(&store, move |store| seen.look(store, &query)).await?;
        if seen.found.len() >= count {
            let found: Vec<_> = seen.found.into_values().rev().collect();
            let total = found.len() as u64;
            return Ok(Json(page(found, LARGEST_PAGE, total)));
        }
        if tokio::time::timeout_at(end, store.changed_since(version)).await.is_err() {
            break;
        }
    }
    let arrived = store.newest().take_while(|m| since.is_none_or(|id| m.id() > id));
    let arrived: Vec<_> = arrived.take(TOLD).map(|message| MessageView::new(&message)).collect();
    let matched: Vec<_> = seen.found.values().rev().map(MessageView::new).collect();
    let text = format!(
        "{} of {count} messages came within {}",
        matched.len(),
        humantime::format_duration(timeout)
    );
    Err(Problem::timeout(&text)
        .with("messages", serde_json::json!(matched))
        .with("arrived", serde_json::json!(arrived)))
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
struct Seen {
    since: Option<MessageId>,
    /// The largest number that was looked at.
    newest: u64,
    /// Those near it that were read already: nothing is read twice.
    judged: BTreeSet<MessageId>,
    found: BTreeMap<MessageId, Message>,
}

impl Seen {
    /// Looks at what is new since the last time.
    fn look(mut self, store: &Store, query: &Query) -> Self {
        let from = self.newest.saturating_sub(OVERLAP).max(self.since.map_or(0, MessageId::get));
        for message in store.newest().take_while(|m| m.id().get() > from) {
            if !self.judged.insert(message.id()) {
                continue;
            }
            self.newest = self.newest.max(message.id().get());
            let one = Query {
                root: search::Expr::And(vec![
                    query.root.clone(),
                    search::Expr::Term(search::Term::Id(message.id().get())),
                ]),
            };
            let find =
                storage::Find { query: one, inbox: None, before: None, after: None, limit: 1 };
            if !store.find(&find).unwrap_or_default().entries.is_empty() {
                self.found.insert(message.id(), message);
            }
        }
        let newest = self.newest;
        self.judged.retain(|id| id.get() + OVERLAP > newest);
        self
    }
}

/// Deletes what a query finds; everything only where that is said.
pub(super) async fn delete(
    State(store): State<Arc<Store>>,
    given: Result<Parameters<DeleteParameters>, QueryRejection>,
) -> Result<Json<serde_json::Value>, Problem> {
    let given = parameters(given)?;
    let query = read_query(given.query.as_deref())?;
    if query.is_all() != given.all {
        let text = "either query= names what to delete, or all=true deletes everything";
        return Err(Problem::bad_request(text));
    }
    let deleted = aside(&store, move |store| {
        store.remove(&storage::Selection::Matching { query, inbox: None }).unwrap_or_default()
    });
    Ok(Json(serde_json::json!({ "deleted": deleted.await? })))
}
