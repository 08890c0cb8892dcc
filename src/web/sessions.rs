//! Sessions: list them, look at one, read what was said.

use super::Shared;
use super::parameters::{Name, Nothing, PAGE, Parameters, between, read_id};
use super::problem::Problem;
use crate::mail::SessionId;
use crate::storage::{LineRecord, SessionRecord, Store};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
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
}

/// Lists sessions
///
/// Those that run and the last that have ended, newest first, without what was said.
#[utoipa::path(
    get, path = "/api/sessions", tag = "sessions", params(ListParameters),
    responses((status = 200, description = "A page of sessions", body = SessionList)),
)]
pub(super) async fn list_sessions(
    State(app): Shared,
    Parameters(given): Parameters<ListParameters>,
) -> Result<Json<SessionList>, Problem> {
    if given.query.is_some_and(|query| !query.trim().is_empty()) {
        return Err(Problem::bad_request("sessions cannot be found by query= yet"));
    }
    let limit = between("limit", given.limit.unwrap_or(PAGE))?;
    let cursor = read_id("cursor", given.cursor.as_deref())?;
    app.aside(move |store| Ok(Json(page(store, cursor, limit)))).await
}

fn page(store: &Store, cursor: Option<SessionId>, limit: usize) -> SessionList {
    let all = store.sessions().newest();
    let mut found = all.iter().filter(|entry| cursor.is_none_or(|before| entry.id < before));
    let sessions: Vec<_> = found.by_ref().take(limit).collect();
    let more = found.next().is_some();
    SessionList {
        next: sessions.last().map(|entry| entry.id).filter(|_| more),
        sessions: sessions.iter().map(|entry| SessionRecord::of(entry)).collect(),
        total: all.len() as u64,
        total_is_exact: true,
    }
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
