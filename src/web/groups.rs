//! What messages are sorted by: tags and inboxes.

use super::Shared;
use super::messages::{Deleted, delete};
use super::parameters::{Filter, Name, Nothing, Parameters};
use super::problem::Problem;
use crate::storage::Selection;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// All tags.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tags {
    /// The tags that a message has, by name.
    tags: Vec<TagCount>,
}

/// A tag.
#[derive(Debug, Serialize, ToSchema)]
struct TagCount {
    /// Its name.
    name: String,
    /// The messages that have it.
    messages: u64,
}

/// Lists tags.
#[utoipa::path(
    get, path = "/api/tags", tag = "messages",
    responses((status = 200, description = "All tags that a message has", body = Tags)),
)]
pub(super) async fn list_tags(
    State(app): Shared,
    _: Parameters<Nothing>,
) -> Result<Json<Tags>, Problem> {
    let groups = app.aside(|store| Ok(store.tags()?)).await?;
    let tags = groups.into_iter();
    let tags = tags.map(|group| TagCount { name: group.name, messages: group.messages }).collect();
    Ok(Json(Tags { tags }))
}

/// All inboxes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Inboxes {
    /// The inboxes that a message is in, by name.
    inboxes: Vec<Inbox>,
    /// Messages that are in none.
    outside: u64,
}

/// An inbox.
#[derive(Debug, Serialize, ToSchema)]
struct Inbox {
    /// Its name.
    name: String,
    /// The messages in it.
    messages: u64,
    /// Those that nobody has read.
    unread: u64,
}

/// Lists inboxes.
#[utoipa::path(
    get, path = "/api/inboxes", tag = "inboxes",
    responses((status = 200, description = "All inboxes that a message is in", body = Inboxes)),
)]
pub(super) async fn list_inboxes(
    State(app): Shared,
    _: Parameters<Nothing>,
) -> Result<Json<Inboxes>, Problem> {
    app.aside(|store| {
        let groups = store.inboxes()?;
        let outside = store.outside()?;
        let inboxes = groups.into_iter().map(|group| Inbox {
            name: group.name,
            messages: group.messages,
            unread: group.unread,
        });
        Ok(Json(Inboxes { inboxes: inboxes.collect(), outside }))
    })
    .await
}

/// An inbox in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes a part of the path")]
pub(super) struct InboxName {
    /// The inbox's name.
    #[param(min_length = 1, max_length = 1000, example = "alice")]
    name: String,
}

/// Empties an inbox
///
/// Its messages are deleted, also those that are in another one as well.
#[utoipa::path(
    delete, path = "/api/inboxes/{name}", tag = "inboxes", params(InboxName),
    responses((status = 200, description = "They are gone", body = Deleted)),
)]
pub(super) async fn delete_inbox(
    State(app): Shared,
    Name(name): Name,
    _: Parameters<Nothing>,
) -> Result<Json<Deleted>, Problem> {
    let Filter { query, inbox } = Filter::read(None, Some(name))?;
    delete(&app, Selection::Matching { query, inbox, up_to: None }).await
}
