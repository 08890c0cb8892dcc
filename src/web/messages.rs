//! Messages: list them, look at one, get its octets, delete.

use super::parameters::{
    Chosen, Filter, Latest, MessageName, Nothing, PAGE, Parameters, Since, Target, between, read_id,
};
use super::problem::Problem;
use super::views::MessageView;
use super::{App, Shared};
use crate::mail::MessageId;
use crate::search::Term;
use crate::storage::{Find, Found, Selection};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A page of messages, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MessageList {
    /// The messages.
    messages: Vec<MessageView>,
    /// Where the next page begins: its `cursor`. Null on the last page.
    #[schema(value_type = Option<String>)]
    next: Option<MessageId>,
    /// How many there are, whatever the page.
    total: u64,
    /// Whether `total` is the number; else there are more.
    total_is_exact: bool,
}

impl MessageList {
    pub(super) fn new(found: Found) -> Self {
        Self {
            messages: MessageView::all(found.entries),
            next: found.next,
            total: found.total.count,
            total_is_exact: !found.total.is_more,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParameters {
    /// Only those that this query finds.
    #[param(max_length = 4096, example = "to:bob@example.org subject:welcome")]
    query: Option<String>,
    /// Only those in this inbox.
    #[param(min_length = 1, max_length = 1000)]
    inbox: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<usize>,
    /// The `next` of the page before.
    #[param(pattern = "^[1-9][0-9]{0,18}$")]
    cursor: Option<String>,
    /// Only those behind this `id`, or that came since this time: RFC 3339, or how long ago (`10m`).
    #[param(max_length = 100, example = "10m")]
    since: Option<String>,
}

/// Lists messages, newest first.
#[utoipa::path(
    get, path = "/api/messages", tag = "messages", params(ListParameters),
    responses((status = 200, description = "A page of messages", body = MessageList)),
)]
pub(super) async fn list_messages(
    State(app): Shared,
    Parameters(given): Parameters<ListParameters>,
) -> Result<Json<MessageList>, Problem> {
    let mut filter = Filter::read(given.query.as_deref(), given.inbox)?;
    let before = read_id("cursor", given.cursor.as_deref())?;
    let limit = between("limit", given.limit.unwrap_or(PAGE))?;
    let since = Since::read(given.since.as_deref())?;
    if let Some(time) = since.time {
        filter.and(Term::After(time));
    }
    let find = Find { before, after: since.id, ..filter.find(limit) };
    let found = app.aside(move |store| Ok(store.find(&find)?)).await?;
    Ok(Json(MessageList::new(found)))
}

/// How many messages were deleted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deleted {
    /// Their number.
    pub(super) deleted: u64,
}

/// Deletes messages
///
/// Those that a query finds, those in an inbox, or, where that is said, all.
#[utoipa::path(
    delete, path = "/api/messages", tag = "messages", params(Chosen),
    responses((status = 200, description = "They are gone", body = Deleted)),
)]
pub(super) async fn delete_messages(
    State(app): Shared,
    Parameters(given): Parameters<Chosen>,
) -> Result<Json<Deleted>, Problem> {
    delete(&app, given.selection()?).await
}

pub(super) async fn delete(app: &App, selection: Selection) -> Result<Json<Deleted>, Problem> {
    let deleted = app.aside(move |store| Ok(store.remove(&selection)?)).await?;
    Ok(Json(Deleted { deleted }))
}

/// Shows a message.
#[utoipa::path(
    get, path = "/api/messages/{id}", tag = "messages", params(MessageName, Latest),
    responses((status = 200, description = "The message", body = MessageView)),
)]
pub(super) async fn get_message(
    State(app): Shared,
    target: Target,
) -> Result<Json<MessageView>, Problem> {
    let entry = app.aside(move |store| target.entry(store)).await?;
    Ok(Json(MessageView::whole(entry)))
}

/// Deletes a message.
#[utoipa::path(
    delete, path = "/api/messages/{id}", tag = "messages", params(MessageName, Latest),
    responses((status = 204, description = "It is gone")),
)]
pub(super) async fn delete_message(
    State(app): Shared,
    target: Target,
) -> Result<StatusCode, Problem> {
    app.aside(move |store| match store.remove(&Selection::Ids(vec![target.id(store)?]))? {
        0 => Err(target.missing()),
        _ => Ok(StatusCode::NO_CONTENT),
    })
    .await
}

/// Gets a message's octets
///
/// As they were sent; never shown by a browser, whatever they claim to be.
#[utoipa::path(
    get, path = "/api/messages/{id}/raw", tag = "reading", params(MessageName, Latest),
    responses((
        status = 200, description = "The octets as they were sent",
        content_type = "message/rfc822", body = String,
    )),
)]
pub(super) async fn get_raw(State(app): Shared, target: Target) -> Result<Response, Problem> {
    let message = app.aside(move |store| target.message(store)).await?;
    let disposition = format!("attachment; filename=\"{}.eml\"", message.id());
    let headers = [
        (header::CONTENT_TYPE, "message/rfc822".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, message.bytes().clone()).into_response())
}

/// Points people to what there is.
pub(super) async fn front(_: Parameters<Nothing>) -> &'static str {
    concat!(
        "doorpost ",
        env!("CARGO_PKG_VERSION"),
        "\n\n/api/docs           every operation, to read and to try\n",
        "/api/openapi.json   the same for programs\n",
        "/api/messages       what was caught, newest first\n",
        "/api/messages/wait  waits for mail\n",
        "/api/events         follows live\n",
        "/api/sessions       the conversations\n",
        "/metrics            for Prometheus\n",
    )
}
