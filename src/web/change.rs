//! Marks on messages: read, and tags. The octets and the envelope never change.

use super::Shared;
use super::body;
use super::parameters::{Chosen, Latest, MessageName, Parameters, Target};
use super::problem::Problem;
use super::views::MessageView;
use crate::storage::{Marks, Selection};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Tags that one change may name.
const TAGS: usize = 100;
/// Characters of a tag.
const TAG: usize = 100;

/// What to change about messages. What is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"read": true, "add_tags": ["signup"]}))]
pub(super) struct Change {
    /// Whether they are read from now on.
    read: Option<bool>,
    /// All tags that they have from now on.
    #[schema(max_items = 100)]
    tags: Option<Vec<Tag>>,
    /// Tags that they get.
    #[serde(default)]
    #[schema(max_items = 100, required = false)]
    add_tags: Vec<Tag>,
    /// Tags that they lose.
    #[serde(default)]
    #[schema(max_items = 100, required = false)]
    remove_tags: Vec<Tag>,
}

/// A tag: no blanks at its ends, no control characters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, pattern = "^[!-~]([ -~]{0,98}[!-~])?$", example = "signup")]
struct Tag(String);

impl TryFrom<String> for Tag {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let length = text.chars().count();
        if !(1..=TAG).contains(&length) || text.trim() != text || text.contains(char::is_control) {
            return Err(format!(
                "a tag has 1 to {TAG} characters, no blanks at its ends and no control characters"
            ));
        }
        Ok(Self(text))
    }
}

impl Change {
    fn marks(self) -> Result<Marks, Problem> {
        let counts =
            [self.tags.as_ref().map_or(0, Vec::len), self.add_tags.len(), self.remove_tags.len()];
        if counts.iter().any(|count| *count > TAGS) {
            return Err(Problem::bad_request(&format!(
                "there are more than {TAGS} tags in a list"
            )));
        }
        let texts = |tags: Vec<Tag>| tags.into_iter().map(|tag| tag.0).collect();
        Ok(Marks {
            read: self.read,
            tags: self.tags.map(texts),
            add_tags: texts(self.add_tags),
            remove_tags: texts(self.remove_tags),
        })
    }
}

/// How many messages were changed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    /// Their number.
    changed: u64,
}

/// Marks messages
///
/// As read, or with tags: those that a query finds, those in an inbox, or, where that is said, all.
#[utoipa::path(
    patch, path = "/api/messages", tag = "messages", params(Chosen), request_body = Change,
    responses((status = 200, description = "They are marked", body = Changed)),
)]
pub(super) async fn change_messages(
    State(app): Shared,
    Parameters(given): Parameters<Chosen>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Changed>, Problem> {
    let selection = given.selection()?;
    let marks = body::json::<Change>(&headers, body).await?.marks()?;
    let changed = app.aside(move |store| Ok(store.mark(&selection, &marks)?)).await?;
    Ok(Json(Changed { changed }))
}

/// Marks a message
///
/// As read, or with tags.
#[utoipa::path(
    patch, path = "/api/messages/{id}", tag = "messages", params(MessageName, Latest),
    request_body = Change,
    responses((status = 200, description = "The message as it is now", body = MessageView)),
)]
pub(super) async fn change_message(
    State(app): Shared,
    target: Target,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<MessageView>, Problem> {
    let marks = body::json::<Change>(&headers, body).await?.marks()?;
    let entry = app.aside(move |store| {
        let id = target.id(store)?;
        store.mark(&Selection::Ids(vec![id]), &marks)?;
        store.entry(id)?.ok_or_else(|| target.missing())
    });
    Ok(Json(MessageView::whole(entry.await?)))
}
