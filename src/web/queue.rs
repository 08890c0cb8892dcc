//! The queue of mail that goes on, and the webhooks: look at them, try an entry now, take it out.

use super::parameters::{Name, Nothing, Parameters};
use super::problem::Problem;
use super::{App, Shared};
use crate::config;
use crate::mail::{MessageId, SessionId};
use crate::storage::Store;
use crate::storage::outbox::{Attempt, Bound, HookState, Item, QueueId};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

/// An entry of the queue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QueueItem)]
pub(super) struct QueueItem {
    /// Its name.
    #[schema(value_type = String, pattern = "^[1-9][0-9]*$")]
    pub(super) id: QueueId,
    /// Why: `route`, `release`, `report`, `complaint` or `auto-reply`.
    reason: &'static str,
    /// `waiting`, `running`, `done`, `failed` or `dropped`.
    state: &'static str,
    /// The message that is sent, or that the report is about.
    #[schema(value_type = Option<String>)]
    message: Option<MessageId>,
    /// Where to, without a secret.
    target: String,
    /// The reverse-path, without brackets.
    reverse_path: String,
    /// Whom it is for.
    recipients: Vec<QueueRecipient>,
    /// When it was put in.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When the next attempt is due, or was.
    #[serde(with = "time::serde::rfc3339")]
    next_at: OffsetDateTime,
    /// How many attempts were made.
    tries: u32,
    /// The last attempts.
    attempts: Vec<QueueAttempt>,
    /// Messages that came of it here.
    #[schema(value_type = Vec<String>)]
    arrived: Vec<MessageId>,
}

/// A recipient of an entry.
#[derive(Debug, Serialize, ToSchema)]
struct QueueRecipient {
    /// The forward-path, without brackets.
    path: String,
    /// `waiting`, `delivered`, `relayed` or `failed`.
    standing: crate::storage::outbox::Standing,
    /// What was said last.
    said: Option<String>,
}

/// An attempt.
#[derive(Debug, Serialize, ToSchema)]
struct QueueAttempt {
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// The session that it was.
    #[schema(value_type = Option<String>)]
    session: Option<SessionId>,
    /// In one line.
    outcome: String,
    /// Whether the message was sent whole and no reply came: the next attempt may double it.
    reply_lost: bool,
}

impl QueueItem {
    pub(super) fn of(item: &Item) -> Self {
        let said = |bound: &Bound| {
            let said = bound.said.as_ref()?;
            Some(format!("{} {} {}", said.code, said.enhanced, said.text))
        };
        let recipient = |bound: &Bound| QueueRecipient {
            path: bound.path.clone(),
            standing: bound.standing,
            said: said(bound),
        };
        let attempt = |attempt: &Attempt| QueueAttempt {
            at: attempt.at,
            session: attempt.session,
            outcome: attempt.outcome.clone(),
            reply_lost: attempt.reply_lost,
        };
        let target = config::Target::parse(&item.new.target);
        Self {
            id: item.id,
            reason: item.new.reason.as_str(),
            state: item.state.as_str(),
            message: item.new.message,
            target: target.map_or_else(|_| "(unreadable)".to_owned(), |target| target.to_string()),
            reverse_path: item.new.reverse_path.clone(),
            recipients: item.new.recipients.iter().map(recipient).collect(),
            created_at: item.created_at,
            next_at: item.next_at,
            tries: item.tries,
            attempts: item.attempts.iter().map(attempt).collect(),
            arrived: item.arrived.clone(),
        }
    }
}

/// Entries of the queue.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QueueList {
    /// The entries, newest first.
    pub(super) items: Vec<QueueItem>,
}

/// Lists the queue
///
/// What waits and what runs, and the last that is settled; newest first.
#[utoipa::path(
    get, path = "/api/queue", tag = "queue",
    responses((status = 200, description = "The entries", body = QueueList)),
)]
pub(super) async fn list_queue(State(app): Shared, _: Parameters<Nothing>) -> Json<QueueList> {
    Json(QueueList { items: app.store.outbox().list().iter().map(QueueItem::of).collect() })
}

/// An entry in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes a part of the path")]
pub(super) struct QueueName {
    /// The entry's `id`.
    #[param(pattern = "^[1-9][0-9]{0,18}$", example = "1")]
    id: String,
}

fn find(store: &Store, name: &str) -> Result<Item, Problem> {
    let missing = || Problem::not_found(&format!("there is no entry {name} in the queue"));
    let id = name.parse().map_err(|_| missing())?;
    store.outbox().get(id).ok_or_else(missing)
}

/// Shows an entry of the queue.
#[utoipa::path(
    get, path = "/api/queue/{id}", tag = "queue", params(QueueName),
    responses((status = 200, description = "The entry", body = QueueItem)),
)]
pub(super) async fn get_queue_item(
    State(app): Shared,
    Name(name): Name,
    _: Parameters<Nothing>,
) -> Result<Json<QueueItem>, Problem> {
    Ok(Json(QueueItem::of(&find(&app.store, &name)?)))
}

/// Makes the next attempt now.
#[utoipa::path(
    post, path = "/api/queue/{id}/retry", tag = "queue", params(QueueName),
    responses((status = 200, description = "It is due now", body = QueueItem)),
)]
pub(super) async fn retry_queue_item(
    State(app): Shared,
    Name(name): Name,
    _: Parameters<Nothing>,
) -> Result<Json<QueueItem>, Problem> {
    let item = app.aside(move |store| {
        let item = find(store, &name)?;
        if store.outbox().retry_now(item.id) {
            return find(store, &name);
        }
        Err(Problem::conflict(&format!("the entry {name} is {}", item.state.as_str())))
    });
    Ok(Json(QueueItem::of(&item.await?)))
}

/// Takes an entry out of the queue
///
/// Nobody is told of it by mail.
#[utoipa::path(
    delete, path = "/api/queue/{id}", tag = "queue", params(QueueName),
    responses((status = 204, description = "It is taken out")),
)]
pub(super) async fn drop_queue_item(
    State(app): Shared,
    Name(name): Name,
    _: Parameters<Nothing>,
) -> Result<StatusCode, Problem> {
    app.aside(move |store| {
        let item = find(store, &name)?;
        if store.outbox().drop_item(item.id) {
            return Ok(StatusCode::NO_CONTENT);
        }
        Err(Problem::conflict(&format!("the entry {name} is {}", item.state.as_str())))
    })
    .await
}

/// All webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WebhookList {
    /// The webhooks, in their order.
    webhooks: Vec<HookState>,
}

/// Lists webhooks
///
/// With the last requests to each.
#[utoipa::path(
    get, path = "/api/webhooks", tag = "queue",
    responses((status = 200, description = "The webhooks", body = WebhookList)),
)]
pub(super) async fn list_webhooks(State(app): Shared, _: Parameters<Nothing>) -> Json<WebhookList> {
    let app: &App = &app;
    Json(WebhookList { webhooks: app.store.outbox().hooks().states() })
}
