//! Findings: what clients did wrong, over all sessions that are known, and the list of what can be found.

use super::Shared;
use super::parameters::{Nothing, PAGE, Parameters, between};
use super::problem::Problem;
use crate::finding::{Code, Finding, Severity};
use crate::mail::SessionId;
use crate::search;
use crate::storage::{FindSessions, SessionRecord, Store};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::{IntoParams, ToSchema};

/// Sessions that are read at a time.
const READ: usize = 200;

/// A finding, and where it was.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FoundFinding {
    /// The session.
    #[schema(value_type = String)]
    session: SessionId,
    /// The door's name.
    door: String,
    /// When the client connected.
    #[serde(with = "time::serde::rfc3339")]
    connected_at: OffsetDateTime,
    #[serde(flatten)]
    finding: Finding,
}

/// A page of findings, newest session first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FindingList {
    /// The findings.
    findings: Vec<FoundFinding>,
    /// Where the next page begins: its `cursor`. Null on the last page.
    next: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParameters {
    /// Only those with this code.
    #[param(example = "bare-lf")]
    code: Option<String>,
    /// Only those as grave as this, or graver: `info`, `warning` or `error`.
    #[param(pattern = "^(info|warning|error)$")]
    severity: Option<String>,
    /// Only those at this door.
    #[param(example = "relay")]
    door: Option<String>,
    /// Only those of this session.
    #[param(pattern = "^[1-9][0-9]{0,18}$")]
    session: Option<String>,
    /// Only those of sessions that began at this time or later.
    #[param(example = "2026-01-01T00:00:00Z")]
    since: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<usize>,
    /// The `next` of the page before.
    #[param(pattern = "^[1-9][0-9]{0,18}-[0-9]{1,4}$")]
    cursor: Option<String>,
}

/// What is asked for.
struct Filter {
    code: Option<Code>,
    severity: Severity,
    door: Option<String>,
    session: Option<SessionId>,
    since: Option<OffsetDateTime>,
    limit: usize,
    /// The last one of the page before: its session, and how many of that were told.
    cursor: Option<(SessionId, usize)>,
}

impl Filter {
    fn read(given: ListParameters) -> Result<Self, Problem> {
        let wrong = |text: String| Problem::bad_request(&text);
        let code = given.code.map(|name| {
            let near: Vec<_> = Code::near(&name).iter().map(|code| code.as_str()).collect();
            let hint = if near.is_empty() {
                String::new()
            } else {
                format!(" (did you mean {}?)", near.join(" or "))
            };
            Code::parse(&name).ok_or_else(|| {
                wrong(format!(
                    "code: there is no finding {name:?}{hint}; /api/findings/codes lists all"
                ))
            })
        });
        let severity = given.severity.map(|name| {
            let none = || wrong(format!("severity: {name:?} is not info, warning or error"));
            Severity::parse(&name).ok_or_else(none)
        });
        let session = given.session.map(|name| {
            name.parse().map_err(|_| wrong(format!("session: {name:?} is no number of a session")))
        });
        let since = given.since.map(|text| {
            OffsetDateTime::parse(&text, &Rfc3339)
                .map_err(|_| wrong(format!("since: {text:?} is no time like 2026-01-01T00:00:00Z")))
        });
        let cursor = given.cursor.map(|text| {
            let parts = text.split_once('-');
            let read = parts.and_then(|(id, told)| Some((id.parse().ok()?, told.parse().ok()?)));
            read.ok_or_else(|| wrong(format!("cursor: {text:?} is not the `next` of a page")))
        });
        Ok(Self {
            code: code.transpose()?,
            severity: severity.transpose()?.unwrap_or(Severity::Info),
            door: given.door,
            session: session.transpose()?,
            since: since.transpose()?,
            limit: between("limit", given.limit.unwrap_or(PAGE))?,
            cursor: cursor.transpose()?,
        })
    }

    fn takes(&self, finding: &Finding) -> bool {
        let severity = Severity::parse(&finding.severity).unwrap_or(Severity::Info);
        self.code.is_none_or(|code| finding.code == code.as_str()) && severity >= self.severity
    }

    fn takes_session(&self, session: &SessionRecord) -> bool {
        self.door.as_ref().is_none_or(|door| session.door.eq_ignore_ascii_case(door))
    }

    /// Takes from a session what is asked for; true where the page is full and there is more.
    fn take(&self, session: SessionRecord, list: &mut FindingList) -> bool {
        let told = match self.cursor {
            Some((id, told)) if id == session.id => told,
            _ => 0,
        };
        // More are added at the end only, so a page that was read stays as it was.
        for (number, finding) in session.findings.into_iter().enumerate().skip(told) {
            if !self.takes(&finding) {
                continue;
            }
            if list.findings.len() == self.limit {
                list.next = Some(format!("{}-{number}", session.id));
                return true;
            }
            list.findings.push(FoundFinding {
                session: session.id,
                door: session.door.clone(),
                connected_at: session.connected_at,
                finding,
            });
        }
        false
    }
}

fn find(store: &Store, filter: &Filter) -> Result<FindingList, Problem> {
    let mut list = FindingList { findings: Vec::new(), next: None };
    if let Some(id) = filter.session {
        let missing = || Problem::not_found(&format!("there is no session {id}"));
        let session = store.session(id)?.ok_or_else(missing)?;
        if filter.takes_session(&session)
            && filter.since.is_none_or(|at| session.connected_at >= at)
        {
            filter.take(session, &mut list);
        }
        return Ok(list);
    }
    let query = search::parse_sessions("", OffsetDateTime::now_utc());
    let query = query.map_err(|error| Problem::failed(&error.to_string()))?;
    let mut before = filter.cursor.and_then(|(id, _)| SessionId::new(id.get().saturating_add(1)));
    loop {
        let find = FindSessions { query: query.clone(), before, after: None, limit: READ };
        let found = store.find_sessions(&find)?;
        for session in found.sessions {
            if filter.since.is_some_and(|since| session.connected_at < since) {
                return Ok(list);
            }
            if filter.takes_session(&session) && filter.take(session, &mut list) {
                return Ok(list);
            }
        }
        match found.next {
            Some(next) => before = Some(next),
            None => return Ok(list),
        }
    }
}

/// Lists findings
///
/// What clients did wrong, the newest session first. Each code is named once in a session, where it first shows; `line` is the line of the session's transcript, from 0.
#[utoipa::path(
    get, path = "/api/findings", tag = "findings", params(ListParameters),
    responses((status = 200, description = "A page of findings", body = FindingList)),
)]
pub(super) async fn list_findings(
    State(app): Shared,
    Parameters(given): Parameters<ListParameters>,
) -> Result<Json<FindingList>, Problem> {
    let filter = Filter::read(given)?;
    app.aside(move |store| find(store, &filter)).await.map(Json)
}

/// Something that can be found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FindingCode {
    /// Its stable name.
    code: &'static str,
    /// How grave it is.
    #[schema(pattern = "^(info|warning|error)$")]
    severity: &'static str,
    /// What it is, in a line.
    title: &'static str,
    /// Where it is written that it is a mistake.
    rfc: &'static str,
    /// How often it was found since the start.
    count: u64,
}

/// Everything that can be found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FindingCodes {
    /// The codes.
    codes: Vec<FindingCode>,
}

/// Lists what can be found
///
/// All codes, and how often each was found since the start.
#[utoipa::path(
    get, path = "/api/findings/codes", tag = "findings",
    responses((status = 200, description = "The codes", body = FindingCodes)),
)]
pub(super) async fn list_codes(
    State(app): Shared,
    _: Parameters<Nothing>,
) -> Result<Json<FindingCodes>, Problem> {
    let code = |(code, count): (Code, u64)| FindingCode {
        code: code.as_str(),
        severity: code.severity().as_str(),
        title: code.title(),
        rfc: code.rfc(),
        count,
    };
    Ok(Json(FindingCodes { codes: app.store.finding_counts().map(code).collect() }))
}
