//! The journey of one message: how it came here, where it went on to, and what was said about it.

use super::Shared;
use super::parameters::{Latest, MessageName, Target};
use super::problem::Problem;
use super::queue::QueueItem;
use crate::mail::{MessageId, SessionId};
use crate::storage::{Store, outbox::Item};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// Messages of one journey, at most: one that goes round and round is cut.
const MOST: usize = 50;

/// A message's way.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Journey {
    /// The messages that belong together, in the order in which they came: what was submitted, the same on a later hop, bounces.
    stops: Vec<Stop>,
    /// What went on between them, or away from here; oldest first.
    hops: Vec<QueueItem>,
}

/// A message as it came to a door.
#[derive(Debug, Serialize, ToSchema)]
struct Stop {
    /// Its name.
    #[schema(value_type = String)]
    message: MessageId,
    /// When it came.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// The door.
    door: String,
    /// The session that brought it.
    #[schema(value_type = Option<String>)]
    session: Option<SessionId>,
    /// Who had logged in.
    auth_user: Option<String>,
    /// How it came: `ESMTPSA` and its like (RFC 3848).
    protocol: String,
    /// The reverse-path, without brackets.
    reverse_path: String,
    /// The forward-paths, without brackets.
    forward_paths: Vec<String>,
    /// Subject, decoded.
    subject: Option<String>,
    /// Whether it reports that mail was not delivered.
    is_bounce: bool,
}

/// Follows a message
///
/// Over its doors, its hops and its bounces, in both directions.
#[utoipa::path(
    get, path = "/api/messages/{id}/journey", tag = "queue", params(MessageName, Latest),
    responses((status = 200, description = "The journey", body = Journey)),
)]
pub(super) async fn get_journey(
    State(app): Shared,
    target: Target,
) -> Result<Json<Journey>, Problem> {
    let journey = app.aside(move |store| {
        let id = target.message(store)?.id();
        journey(store, id)
    });
    Ok(Json(journey.await?))
}

fn journey(store: &Store, id: MessageId) -> Result<Journey, Problem> {
    let mut messages = BTreeSet::from([id]);
    let mut items: Vec<Item> = Vec::new();
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        for item in store.outbox().about(id) {
            if items.iter().any(|known| known.id == item.id) {
                continue;
            }
            for other in item.new.message.iter().chain(&item.arrived) {
                if messages.len() < MOST && messages.insert(*other) {
                    open.push(*other);
                }
            }
            items.push(item);
        }
    }
    items.sort_by_key(|item| item.id);
    let mut stops = Vec::new();
    for id in messages {
        // One that is gone leaves its hops.
        if let Some(entry) = store.entry(id)? {
            let (arrival, envelope) = (&entry.arrival, &entry.arrival.envelope);
            let paths = envelope.forward_paths.iter().map(|one| one.path.to_string());
            stops.push(Stop {
                message: id,
                at: arrival.received_at,
                door: arrival.door.to_string(),
                session: arrival.session,
                auth_user: arrival.auth_user.as_deref().map(str::to_owned),
                protocol: arrival.protocol.to_owned(),
                reverse_path: envelope.reverse_path.to_string(),
                forward_paths: paths.collect(),
                subject: entry.summary.subject.clone(),
                is_bounce: entry.is_bounce,
            });
        }
    }
    Ok(Journey { stops, hops: items.iter().map(QueueItem::of).collect() })
}
