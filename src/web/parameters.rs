//! What stands in the path and behind the `?`: read once, refused with a problem that names it.
//!
//! A parameter that is not known is refused, never passed over: a misspelled `inbox=` must not
//! delete what is in all of them.

use super::problem::Problem;
use crate::mail::MessageId;
use crate::search::{self, Expr, Query, QueryError, Term};
use crate::storage::{Entry, Find, Message, Selection, Store};
use axum::extract::{FromRequestParts, Query as Pairs, RawPathParams};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::str::FromStr;
use time::OffsetDateTime;
use utoipa::IntoParams;

/// Entries of a page where nothing else is asked for.
pub(super) const PAGE: usize = 50;
/// Entries of a page at most.
pub(super) const LARGEST_PAGE: usize = 1000;
/// Characters of an inbox's name.
const INBOX: usize = 1000;
/// The name by which the newest message can be called.
const LATEST: &str = "latest";

/// Parameters behind the `?`.
pub(super) struct Parameters<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = Pairs::<T>::from_request_parts(parts, state).await;
        read.map(|Pairs(given)| Self(given)).map_err(|error| {
            let text = error.body_text();
            // What follows says which parameter, and that is enough.
            Problem::bad_request(text.trim_start_matches("Failed to deserialize query string: "))
        })
    }
}

/// No parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// One name out of the path; one that is no text names nothing.
pub(super) async fn named<S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
    key: &str,
) -> Result<String, Problem> {
    let missing = || Problem::not_found("that is no identifier");
    let all = RawPathParams::from_request_parts(parts, state).await.map_err(|_| missing())?;
    all.iter().find(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).ok_or_else(missing)
}

/// The name in the path.
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let all = RawPathParams::from_request_parts(parts, state).await;
        let all = all.map_err(|_| Problem::not_found("that is no identifier"))?;
        Ok(Self(all.iter().map(|(_, value)| value.to_owned()).next().unwrap_or_default()))
    }
}

/// A message in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes a part of the path")]
pub(super) struct MessageName {
    /// The message's `id`, or `latest` for the newest.
    #[param(pattern = "^(latest|[1-9][0-9]{0,18})$", example = "latest")]
    id: String,
}

/// Which message `latest` is.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Latest {
    /// With `latest`: the newest that this query finds.
    #[param(max_length = 4096)]
    query: Option<String>,
    /// With `latest`: the newest in this inbox.
    #[param(min_length = 1, max_length = 1000)]
    inbox: Option<String>,
}

/// The message that a request is about.
pub(super) struct Target {
    name: String,
    filter: Filter,
}

impl<S: Send + Sync> FromRequestParts<S> for Target {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name = named(parts, state, "id").await?;
        let Parameters(given) = Parameters::<Latest>::from_request_parts(parts, state).await?;
        if name != LATEST && (given.query.is_some() || given.inbox.is_some()) {
            let text =
                format!("query= and inbox= say which message `{LATEST}` is; this one has a name");
            return Err(Problem::bad_request(&text));
        }
        let filter = Filter::read(given.query.as_deref(), given.inbox)?;
        Ok(Self { name, filter })
    }
}

impl Target {
    /// Its name. May wait for the index.
    pub(super) fn id(&self, store: &Store) -> Result<MessageId, Problem> {
        if self.name != LATEST {
            return self.name.parse().map_err(|_| self.missing());
        }
        let found = store.find(&self.filter.find(1))?;
        let newest = found.entries.first().map(|entry| entry.id);
        newest.ok_or_else(|| Problem::not_found("there is no such message yet"))
    }

    /// The message. May wait for a disk.
    pub(super) fn message(&self, store: &Store) -> Result<Message, Problem> {
        store.message(self.id(store)?)?.ok_or_else(|| self.missing())
    }

    /// The message as lists show it. May wait for the index.
    pub(super) fn entry(&self, store: &Store) -> Result<Entry, Problem> {
        store.entry(self.id(store)?)?.ok_or_else(|| self.missing())
    }

    pub(super) fn missing(&self) -> Problem {
        Problem::not_found(&format!("there is no message {}", self.name))
    }
}

/// A query and an inbox.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) query: Query,
    pub(super) inbox: Option<String>,
}

impl Filter {
    pub(super) fn read(query: Option<&str>, inbox: Option<String>) -> Result<Self, Problem> {
        if inbox.as_deref().is_some_and(|name| name.is_empty() || name.chars().count() > INBOX) {
            let text = format!("the name of an inbox has 1 to {INBOX} characters");
            return Err(Problem::bad_request(&text));
        }
        Ok(Self { query: read_query(query.unwrap_or_default())?, inbox })
    }

    /// The newest of those that are meant.
    pub(super) fn find(&self, limit: usize) -> Find {
        let Self { query, inbox } = self.clone();
        Find { query, inbox, before: None, after: None, limit }
    }

    /// Adds a condition.
    pub(super) fn and(&mut self, term: Term) {
        let term = Expr::Term(term);
        self.query.root = match std::mem::replace(&mut self.query.root, Expr::All) {
            Expr::All => term,
            Expr::And(mut parts) => {
                parts.push(term);
                Expr::And(parts)
            }
            other => Expr::And(vec![other, term]),
        };
    }
}

fn read_query(text: &str) -> Result<Query, Problem> {
    search::parse(text, OffsetDateTime::now_utc()).map_err(|error| wrong_query(&error))
}

/// What is wrong with a query, and where.
pub(super) fn wrong_query(error: &QueryError) -> Problem {
    let span = error.span();
    Problem::bad_request(error.message())
        .with("start", span.start.into())
        .with("end", span.end.into())
        .with("help", error.help().map_or(serde_json::Value::Null, Into::into))
}

/// Messages to change or to delete.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Chosen {
    /// Those that this query finds.
    #[param(max_length = 4096, example = "to:bob@example.org")]
    query: Option<String>,
    /// Those in this inbox.
    #[param(min_length = 1, max_length = 1000)]
    inbox: Option<String>,
    /// Every one: has to be said, and names all by itself.
    all: Option<bool>,
    /// Of those, only the ones up to this `id`: what comes after somebody has looked is left alone.
    #[param(pattern = "^[1-9][0-9]{0,18}$")]
    up_to: Option<String>,
}

impl Chosen {
    pub(super) fn selection(self) -> Result<Selection, Problem> {
        let Filter { query, inbox } = Filter::read(self.query.as_deref(), self.inbox)?;
        let up_to = read_id("up_to", self.up_to.as_deref())?;
        let names_some = !query.is_all() || inbox.is_some();
        match (names_some, self.all.unwrap_or(false)) {
            (false, true) => Ok(up_to.map_or(Selection::All, Selection::UpTo)),
            (true, false) => Ok(Selection::Matching { query, inbox, up_to }),
            _ => Err(Problem::bad_request(
                "either query= or inbox= names messages, or all=true means every one",
            )),
        }
    }
}

/// Since when messages count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Since {
    /// Behind this one.
    pub(super) id: Option<MessageId>,
    /// Not before this.
    pub(super) time: Option<OffsetDateTime>,
}

impl Since {
    /// An `id`, or a time in the spelling of `after:`.
    pub(super) fn read(text: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = text else { return Ok(Self::default()) };
        if !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()) {
            return Ok(Self { id: read_id("since", Some(text))?, time: None });
        }
        let wrong = || {
            let text = format!(
                "since={text} is neither a message's id nor a time, such as 10m or 2026-11-22T10:00:00Z"
            );
            Problem::bad_request(&text)
        };
        if text.contains(['"', '\\']) {
            return Err(wrong());
        }
        let query = search::parse(&format!("after:\"{text}\""), OffsetDateTime::now_utc());
        match query.map(|query| query.root) {
            Ok(Expr::Term(Term::After(time))) => Ok(Self { id: None, time: Some(time) }),
            _ => Err(wrong()),
        }
    }
}

/// The `next` of a page, or another name that a list gave.
pub(super) fn read_id<I: FromStr>(name: &str, text: Option<&str>) -> Result<Option<I>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let wrong = |_| Problem::bad_request(&format!("{name}={text} is none that a list gave"));
    text.parse().map(Some).map_err(wrong)
}

/// A number of entries.
pub(super) fn between(name: &str, number: usize) -> Result<usize, Problem> {
    if (1..=LARGEST_PAGE).contains(&number) {
        return Ok(number);
    }
    Err(Problem::bad_request(&format!("{name}={number} is not between 1 and {LARGEST_PAGE}")))
}
