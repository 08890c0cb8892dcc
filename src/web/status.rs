//! How doorpost is: its doors, its numbers, whether it lives and is ready.

use super::Shared;
use super::parameters::{Nothing, Parameters};
use super::problem::{Problem, ReadyProblem};
use super::views::{DoorCounts, DoorView};
use crate::storage::Store;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use utoipa::ToSchema;

/// The media type of certificates in PEM (RFC 8555 §9.1).
const PEM: &str = "application/pem-certificate-chain";

/// All doors.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Doors {
    /// The doors that are open, in their order.
    doors: Vec<DoorView>,
    /// Where the certificate of the CA lies that clients have to trust; null where that is no file.
    ca: Option<String>,
}

/// Lists doors.
#[utoipa::path(
    get, path = "/api/doors", tag = "status",
    responses((status = 200, description = "The doors that are open", body = Doors)),
)]
pub(super) async fn list_doors(State(app): Shared, _: Parameters<Nothing>) -> Json<Doors> {
    Json(Doors { doors: DoorView::all(app.store.doors()), ca: app.ca.clone() })
}

/// Gives the certificate of the CA
///
/// For a client in another container, or on another machine, that has to trust it.
#[utoipa::path(
    get, path = "/api/ca.pem", tag = "status",
    responses((
        status = 200, description = "The certificate",
        content_type = "application/pem-certificate-chain", body = String,
    )),
)]
pub(super) async fn get_ca(
    State(app): Shared,
    _: Parameters<Nothing>,
) -> Result<impl IntoResponse, Problem> {
    let own = "there is no CA: the doors show a certificate of your own (tls_cert)";
    let pem = app.ca_pem.as_deref().ok_or_else(|| Problem::not_found(own))?;
    Ok(([(header::CONTENT_TYPE, PEM)], pem.to_owned()))
}

/// How much there is, and how much there was.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Statistics {
    /// Names this start of doorpost. Without `--data`, `id`s begin anew with each.
    #[schema(example = "6f1c0a9be2d4")]
    run: String,
    /// Messages that are kept.
    pub(super) messages: u64,
    /// Those that nobody has read.
    pub(super) unread: u64,
    /// Octets that the messages take.
    pub(super) bytes: u64,
    /// The sessions.
    pub(super) sessions: SessionCounts,
    /// Messages that had to go since the start, because of a bound.
    pub(super) pruned: u64,
    /// The index by which messages are found.
    pub(super) index: IndexState,
    /// Whole seconds since the start.
    pub(super) uptime_s: u64,
    /// Doorpost's version.
    version: &'static str,
    /// What each door has seen since the start.
    doors: Vec<DoorStatistics>,
}

/// How many sessions there are.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionCounts {
    /// Those that run.
    pub(super) running: u64,
    /// Those that have ended and are kept.
    pub(super) kept: u64,
}

/// How the index is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IndexState {
    /// Changes that it has not yet taken in.
    pub(super) behind: u64,
}

/// What a door has seen since the start.
#[derive(Debug, Serialize, ToSchema)]
struct DoorStatistics {
    /// Its name.
    name: String,
    #[serde(flatten)]
    counts: DoorCounts,
}

impl Statistics {
    /// May wait for the index.
    pub(super) fn of(store: &Store, uptime: Duration) -> Result<Self, Problem> {
        let usage = store.usage();
        let sessions = store.sessions();
        let running = sessions.running().len();
        let doors = store.doors().iter();
        Ok(Self {
            run: store.events().run().to_owned(),
            messages: usage.messages,
            bytes: usage.bytes,
            pruned: usage.pruned,
            sessions: SessionCounts {
                running: running as u64,
                kept: sessions.newest().len().saturating_sub(running) as u64,
            },
            index: IndexState { behind: store.index_is_behind_by() },
            unread: store.unread()?,
            uptime_s: uptime.as_secs(),
            version: env!("CARGO_PKG_VERSION"),
            doors: doors
                .map(|door| DoorStatistics {
                    name: door.name().to_owned(),
                    counts: DoorCounts::new(door),
                })
                .collect(),
        })
    }
}

/// Shows how much there is.
#[utoipa::path(
    get, path = "/api/statistics", tag = "status",
    responses((status = 200, description = "The numbers", body = Statistics)),
)]
pub(super) async fn get_statistics(
    State(app): Shared,
    _: Parameters<Nothing>,
) -> Result<Json<Statistics>, Problem> {
    let uptime = app.started.elapsed();
    app.aside(move |store| Statistics::of(store, uptime)).await.map(Json)
}

/// That something is well.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Well {
    /// `ok`.
    #[schema(pattern = "^ok$")]
    status: &'static str,
}

/// Tells whether doorpost lives
///
/// Whoever gets this answer knows that it does. Wants no login.
#[utoipa::path(
    get, path = "/livez", tag = "status", security(()),
    responses((status = 200, description = "It does", body = Well)),
)]
pub(super) async fn livez(_: Parameters<Nothing>) -> Json<Well> {
    Json(Well { status: "ok" })
}

/// Tells whether every door takes connections
///
/// Wants no login.
#[utoipa::path(
    get, path = "/readyz", tag = "status", security(()),
    responses(
        (status = 200, description = "Every door does", body = Well),
        (
            status = 503, description = "Not every door does",
            content_type = "application/problem+json", body = ReadyProblem,
        ),
    ),
)]
pub(super) async fn readyz(
    State(app): Shared,
    _: Parameters<Nothing>,
) -> Result<Json<Well>, Problem> {
    let doors = app.store.doors();
    let closed = doors.iter().filter(|door| !door.is_accepting());
    let closed: Vec<_> = closed.map(|door| door.name()).collect();
    if !doors.is_empty() && closed.is_empty() {
        return Ok(Json(Well { status: "ok" }));
    }
    let text = match closed.as_slice() {
        [] => "no door is open yet".to_owned(),
        closed => format!("these doors take no connections: {}", closed.join(", ")),
    };
    Err(Problem::unavailable(&text).with("doors", json!(closed)))
}
