//! Sessions: list them, look at one, read what was said.

use super::Shared;
use super::parameters::{Name, Nothing, PAGE, Parameters, between, read_id, wrong_query};
use super::problem::Problem;
use crate::mail::SessionId;
use crate::search;
use crate::storage::{FindSessions, FoundSessions, LineRecord, SessionRecord, Store};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

/// A page of sessions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionList {
    /// The sessions.
    sessions: Vec<SessionRecord>,
    /// Where the next page begins: its `cursor`. Null on the last page.
    #[schema(value_type = Option<String>)]
    next: Option<SessionId>,
    /// How many there are, whatever the page.
    total: u64,
    /// Whether `total` is the number; else there are more.
    total_is_exact: bool,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParameters {
    /// Only those that this query finds.
    #[param(max_length = 4096, example = "door:relay is:refused")]
    query: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<usize>,
    /// The `next` of the page before.
    #[param(pattern = "^[1-9][0-9]{0,18}$")]
    cursor: Option<String>,
    /// Only those behind this `id`; `total` counts only them.
    #[param(pattern = "^[1-9][0-9]{0,18}$")]
    since: Option<String>,
}

/// Lists sessions
///
/// Those that run and those that have ended, newest first, without what was said. A query has words of the conversation, and the keys `door:` `user:` `client:` `hello:` `envelope:` `code:` `finding:` `is:` `after:` `before:` `id:` `message:`.
#[utoipa::path(
    get, path = "/api/sessions", tag = "sessions", params(ListParameters),
    responses((status = 200, description = "A page of sessions", body = SessionList)),
)]
pub(super) async fn list_sessions(
    State(app): Shared,
    Parameters(given): Parameters<ListParameters>,
) -> Result<Json<SessionList>, Problem> {
    let text = given.query.unwrap_or_default();
    let query = search::parse_sessions(&text, OffsetDateTime::now_utc());
    let query = query.map_err(|error| wrong_query(&error))?;
    let limit = between("limit", given.limit.unwrap_or(PAGE))?;
    let before = read_id("cursor", given.cursor.as_deref())?;
    let after = read_id("since", given.since.as_deref())?;
    let find = FindSessions { query, before, after, limit };
    let FoundSessions { sessions, next, total } =
        app.aside(move |store| Ok(store.find_sessions(&find)?)).await?;
    let (total, total_is_exact) = (total.count, !total.is_more);
    Ok(Json(SessionList { sessions, next, total, total_is_exact }))
}

/// A session in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes a part of the path")]
pub(super) struct SessionName {
    /// The session's `id`.
    #[param(pattern = "^[1-9][0-9]{0,18}$", example = "1")]
    id: String,
}

fn find(store: &Store, name: &str) -> Result<SessionRecord, Problem> {
    let missing = || Problem::not_found(&format!("there is no session {name}"));
    let id = name.parse().map_err(|_| missing())?;
    store.session(id)?.ok_or_else(missing)
}

/// Shows a session
///
/// With everything that was said, also while it runs.
#[utoipa::path(
    get, path = "/api/sessions/{id}", tag = "sessions", params(SessionName),
    responses((status = 200, description = "The session", body = SessionRecord)),
)]
pub(super) async fn get_session(
    State(app): Shared,
    Name(name): Name,
    _: Parameters<Nothing>,
) -> Result<Json<SessionRecord>, Problem> {
    app.aside(move |store| find(store, &name)).await.map(Json)
}

/// Shows what was said in a session
///
/// As people write conversations down: `C:` and `S:`, and in brackets what happened in between.
#[utoipa::path(
    get, path = "/api/sessions/{id}/transcript", tag = "sessions", params(SessionName),
    responses((
        status = 200, description = "The conversation",
        content_type = "text/plain; charset=utf-8", body = String,
    )),
)]
pub(super) async fn get_transcript(
    State(app): Shared,
    Name(name): Name,
    _: Parameters<Nothing>,
) -> Result<String, Problem> {
    app.aside(move |store| find(store, &name).map(|session| conversation(&session))).await
}

/// A session as text.
fn conversation(session: &SessionRecord) -> String {
    let mut text = String::new();
    for line in session.transcript.iter().flatten() {
        write_line(&mut text, line);
    }
    if let Some(omitted) = session.omitted_lines.filter(|omitted| *omitted > 0) {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "[{omitted} more lines were not kept]");
    }
    text
}

fn write_line(text: &mut String, line: &LineRecord) {
    for said in line.text.split('\n') {
        // Writing into a String cannot fail.
        let _ = match &*line.kind {
            "client" => writeln!(text, "C: {said}"),
            "server" => writeln!(text, "S: {said}"),
            _ => writeln!(text, "[{said}]"),
        };
    }
}
