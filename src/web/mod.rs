//! The HTTP API. It answers only to names that mean this machine (`Host`), so that a page from
//! elsewhere cannot read caught mail by pointing its own name at the loopback address.

mod host;
mod problem;
mod query;
mod reading;
mod views;

use crate::mail::SessionId;
use crate::storage::Store;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use problem::Problem;
use serde::Deserialize;
use std::future::Future;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use tokio::net::TcpListener;
use views::{DoorView, MessageView, SessionList, SessionView};

pub use host::HostRule;

/// Entries of a page where nothing else is asked for.
const PAGE: usize = 50;
/// Entries of a page at most.
const LARGEST_PAGE: usize = 1000;

/// Serves the API until `stop` is done.
///
/// # Errors
/// Where the listener fails.
pub async fn serve(
    listener: TcpListener,
    store: Arc<Store>,
    hosts: HostRule,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(store, hosts)).with_graceful_shutdown(stop).await
}

fn router(store: Arc<Store>, hosts: HostRule) -> Router {
    let hosts = Arc::new(hosts);
    Router::new()
        .route("/", get(front))
        .route("/api/messages", get(query::list).delete(query::delete))
        .route("/api/messages/wait", get(query::wait))
        .route("/api/messages/{id}", get(message).delete(delete))
        .route("/api/messages/{id}/headers", get(reading::headers))
        .route("/api/messages/{id}/text", get(reading::text))
        .route("/api/messages/{id}/html", get(reading::html))
        .route("/api/messages/{id}/parts", get(reading::parts))
        .route("/api/messages/{id}/parts/{part}", get(reading::part))
        .route("/api/messages/{id}/links", get(reading::links))
        .route("/api/messages/{id}/codes", get(reading::codes))
        .route("/api/messages/{id}/raw", get(raw))
        .route("/api/sessions", get(sessions))
        .route("/api/sessions/{id}", get(session))
        .route("/api/doors", get(doors))
        .fallback(async |uri: Uri| {
            Problem::not_found(&format!("there is nothing at {}", uri.path()))
        })
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(middleware::from_fn_with_state(hosts, host::check))
        .layer(middleware::map_response(harden))
        .with_state(store)
}

/// No answer is guessed to be something else, framed, or kept in a cache.
async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn front() -> &'static str {
    concat!(
        "doorpost ",
        env!("CARGO_PKG_VERSION"),
        "\n\n/api/messages?query=&limit=&cursor=\n/api/messages/wait?query=&count=&timeout=&since=\n/api/messages/{id}\n/api/messages/{id}/raw|headers|text|html|parts|links|codes\n/api/sessions\n/api/sessions/{id}\n/api/doors\n"
    )
}

/// A page of a list: `?limit=50&cursor=…`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

impl Page {
    fn limit(&self) -> Result<usize, Problem> {
        match self.limit {
            None => Ok(PAGE),
            Some(limit) if (1..=LARGEST_PAGE).contains(&limit) => Ok(limit),
            Some(limit) => Err(Problem::bad_request(&format!(
                "limit={limit} is not between 1 and {LARGEST_PAGE}"
            ))),
        }
    }

    fn cursor<I: FromStr>(&self) -> Result<Option<I>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let wrong = |_| Problem::bad_request(&format!("cursor={cursor} is none that a list gave"));
        cursor.parse().map(Some).map_err(wrong)
    }
}

type Paged = Result<Query<Page>, axum::extract::rejection::QueryRejection>;

fn page(query: Paged) -> Result<Page, Problem> {
    query.map(|Query(page)| page).map_err(|error| Problem::bad_request(&error.body_text()))
}

/// What stands in the path as an identifier; one that is no text names nothing.
type Named = Result<Path<String>, axum::extract::rejection::PathRejection>;

fn name(path: Named) -> Result<String, Problem> {
    path.map(|Path(name)| name).map_err(|_| Problem::not_found("that is no identifier"))
}

fn find_message(store: &Store, id: &str) -> Result<crate::storage::Message, Problem> {
    let found = id.parse().ok().and_then(|id| store.message(id).ok().flatten());
    found.ok_or_else(|| Problem::not_found(&format!("there is no message {id}")))
}

async fn message(State(store): State<Arc<Store>>, id: Named) -> Result<Json<MessageView>, Problem> {
    find_message(&store, &name(id)?).map(|message| Json(MessageView::whole(&message)))
}

async fn delete(State(store): State<Arc<Store>>, id: Named) -> Result<StatusCode, Problem> {
    let message = find_message(&store, &name(id)?)?;
    let _ = store.remove(&crate::storage::Selection::Ids(vec![message.id()]));
    Ok(StatusCode::NO_CONTENT)
}

/// The octets as they were sent; never shown by a browser, whatever they claim to be.
async fn raw(State(store): State<Arc<Store>>, id: Named) -> Result<Response, Problem> {
    let message = find_message(&store, &name(id)?)?;
    let disposition = format!("attachment; filename=\"{}.eml\"", message.id());
    let headers = [
        (header::CONTENT_TYPE, "message/rfc822".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, message.bytes().clone()).into_response())
}

async fn sessions(
    State(store): State<Arc<Store>>,
    query: Paged,
) -> Result<Json<SessionList>, Problem> {
    let page = page(query)?;
    let (limit, cursor) = (page.limit()?, page.cursor::<SessionId>()?);
    let all = store.sessions().newest();
    let mut found = all.iter().filter(|entry| cursor.is_none_or(|before| entry.id < before));
    let sessions: Vec<_> = found.by_ref().take(limit).collect();
    let more = found.next().is_some();
    Ok(Json(SessionList {
        next: sessions.last().map(|entry| entry.id).filter(|_| more),
        sessions: sessions.iter().map(|entry| SessionView::new(entry)).collect(),
        total: all.len(),
    }))
}

async fn session(State(store): State<Arc<Store>>, id: Named) -> Result<Json<SessionView>, Problem> {
    let id = name(id)?;
    let found = id.parse().ok().and_then(|id| store.sessions().get(id));
    let entry = found.ok_or_else(|| Problem::not_found(&format!("there is no session {id}")))?;
    Ok(Json(SessionView::whole(&entry)))
}

async fn doors(State(store): State<Arc<Store>>) -> Json<serde_json::Value> {
    let doors: Vec<_> = store.doors().iter().map(|door| DoorView::new(door)).collect();
    Json(serde_json::json!({ "doors": doors }))
}
