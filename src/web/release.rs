//! Sends caught mail on, and has it come back: release, bounces, complaints.
//!
//! Who decides and who carries is asked through the store; without them (a data folder that was only opened to be
//! looked at) nothing goes on, and that is said.

use super::Shared;
use super::body;
use super::parameters::{Chosen, Latest, MessageName, Parameters, Target};
use super::problem::Problem;
use super::queue::{QueueItem, QueueList};
use crate::storage::outbox::{NewItem, Onward, Release, Report};
use crate::storage::{Find, Message, Selection, Store, StoreError};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// Messages that one request releases.
const MOST: usize = 1000;
/// Recipients that one request names.
const MOST_RECIPIENTS: usize = 1000;

/// Where messages are to be released to.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "smtp://127.0.0.1:2500"}))]
pub(super) struct ReleaseWanted {
    /// A target: `smtp://HOST:PORT`, `smtp+starttls://USER:SECRET@HOST`, `smtps://HOST` or `door:NAME`. Beyond this machine only hosts of `allow_hosts`.
    #[schema(max_length = 2000)]
    to: String,
    /// Whom to in place of the envelope's recipients.
    #[serde(default)]
    #[schema(max_items = 1000, required = false)]
    rcpt: Vec<String>,
    /// Whether Resent- fields go in front; without them the octets are those that were caught.
    #[serde(default)]
    #[schema(required = false)]
    resent: bool,
}

impl ReleaseWanted {
    fn order(self) -> Result<Release, Problem> {
        if self.rcpt.len() > MOST_RECIPIENTS {
            let text = format!("rcpt has at most {MOST_RECIPIENTS} addresses");
            return Err(Problem::bad_request(&text));
        }
        Ok(Release { target: self.to, recipients: self.rcpt, resent: self.resent })
    }
}

fn onward(store: &Store) -> Result<Arc<dyn Onward>, Problem> {
    let onward = store.outbox().onward().cloned();
    onward.ok_or_else(|| {
        Problem::conflict(
            "no mail goes on from here: this is a data folder, and no doorpost with doors",
        )
    })
}

fn add(store: &Store, new: Vec<NewItem>) -> Result<QueueList, Problem> {
    let ids = store.outbox().add(new).map_err(|error| match error {
        StoreError::Full => Problem::unavailable("the queue is full"),
        other => other.into(),
    })?;
    let items = ids.into_iter().filter_map(|id| store.outbox().get(id));
    Ok(QueueList { items: items.map(|item| QueueItem::of(&item)).collect() })
}

fn wrong(text: String) -> Problem {
    Problem::bad_request(&text)
}

/// Releases a message
///
/// Sends it on to a named server or door, its octets untouched, over real SMTP. The answer is the entry of the queue; what becomes of it is seen there.
#[utoipa::path(
    post, path = "/api/messages/{id}/release", tag = "queue", params(MessageName, Latest),
    request_body = ReleaseWanted,
    responses((status = 202, description = "It is in the queue", body = QueueList)),
)]
pub(super) async fn release_message(
    State(app): Shared,
    target: Target,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<QueueList>), Problem> {
    let order = body::json::<ReleaseWanted>(&headers, body).await?.order()?;
    let list = app.aside(move |store| {
        let message = target.message(store)?;
        add(store, vec![onward(store)?.release(&message, &order).map_err(wrong)?])
    });
    Ok((StatusCode::ACCEPTED, Json(list.await?)))
}

/// Releases messages
///
/// Those that a query finds, those in an inbox, or, where that is said, all; at most a thousand, or none.
#[utoipa::path(
    post, path = "/api/messages/release", tag = "queue", params(Chosen),
    request_body = ReleaseWanted,
    responses((status = 202, description = "They are in the queue", body = QueueList)),
)]
pub(super) async fn release_messages(
    State(app): Shared,
    Parameters(given): Parameters<Chosen>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<QueueList>), Problem> {
    let selection = given.selection()?;
    let order = body::json::<ReleaseWanted>(&headers, body).await?.order()?;
    let list = app.aside(move |store| {
        let onward = onward(store)?;
        let mut new = Vec::new();
        for message in chosen(store, selection)? {
            new.push(onward.release(&message, &order).map_err(wrong)?);
        }
        add(store, new)
    });
    Ok((StatusCode::ACCEPTED, Json(list.await?)))
}

/// The messages that are meant, oldest first.
fn chosen(store: &Store, selection: Selection) -> Result<Vec<Message>, Problem> {
    let (query, inbox, up_to) = match selection {
        Selection::Matching { query, inbox, up_to } => (query, inbox, up_to),
        other => {
            let filter = super::parameters::Filter::read(None, None)?;
            let up_to = if let Selection::UpTo(id) = other { Some(id) } else { None };
            (filter.query, None, up_to)
        }
    };
    let before = up_to.and_then(|id| id.following());
    let find = Find { query, inbox, before, after: None, limit: MOST + 1 };
    let found = store.find(&find)?.entries;
    if found.len() > MOST {
        let text = format!("these are more than {MOST} messages: name fewer");
        return Err(Problem::bad_request(&text));
    }
    let mut messages = Vec::new();
    for entry in found.into_iter().rev() {
        messages.extend(store.message(entry.id)?);
    }
    Ok(messages)
}

/// What is to be said about a message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "status", "action": "failed", "reply": "550 5.1.1 No such user", "after": 10}))]
pub(super) struct ReportWanted {
    /// `status` (RFC 3464), `complaint` (RFC 5965) or `out-of-office` (RFC 3834).
    #[schema(pattern = "^(status|complaint|out-of-office)$")]
    kind: String,
    /// Of a status: `failed`, `delayed`, `delivered`, `relayed` or `expanded`.
    action: Option<String>,
    /// Of a status: the reply that it tells of.
    #[schema(max_length = 900)]
    reply: Option<String>,
    /// Of a status: about these recipients only.
    #[serde(default)]
    #[schema(max_items = 1000, required = false)]
    rcpt: Vec<String>,
    /// Of a complaint: `abuse`, `fraud`, `virus`, `other` or `not-spam`.
    feedback: Option<String>,
    /// In so many seconds.
    #[serde(default)]
    #[schema(required = false, minimum = 0, maximum = 604800)]
    after: u64,
}

impl ReportWanted {
    fn read(self) -> Result<(Report, OffsetDateTime), Problem> {
        const WEEK: u64 = 7 * 24 * 3600;
        if self.after > WEEK {
            return Err(Problem::bad_request("after is a number of seconds, a week at most"));
        }
        let report = match self.kind.as_str() {
            "status" => Report::Status {
                action: self.action.unwrap_or_else(|| "failed".to_owned()),
                reply: self.reply,
                recipients: self.rcpt,
            },
            "complaint" => {
                Report::Complaint { feedback: self.feedback.unwrap_or_else(|| "abuse".to_owned()) }
            }
            "out-of-office" => Report::AutoReply,
            _ => {
                let text = "kind is one of status, complaint, out-of-office";
                return Err(Problem::bad_request(text));
            }
        };
        Ok((report, OffsetDateTime::now_utc() + Duration::from_secs(self.after)))
    }
}

/// Has a message bounce, or complained of
///
/// A report is written and comes in by real SMTP through `relay`, to the message's return path, or for a complaint to the feedback loop of its domain. Nothing is ever said to the null reverse-path.
#[utoipa::path(
    post, path = "/api/messages/{id}/report", tag = "queue", params(MessageName, Latest),
    request_body = ReportWanted,
    responses((status = 202, description = "It is in the queue", body = QueueList)),
)]
pub(super) async fn report_message(
    State(app): Shared,
    target: Target,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<QueueList>), Problem> {
    let (report, at) = body::json::<ReportWanted>(&headers, body).await?.read()?;
    let list = app.aside(move |store| {
        let message = target.message(store)?;
        add(store, onward(store)?.report(&message, &report, at).map_err(wrong)?)
    });
    Ok((StatusCode::ACCEPTED, Json(list.await?)))
}
