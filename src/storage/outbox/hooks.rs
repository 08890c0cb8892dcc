//! What webhooks were told: the last requests to each, for people who wonder why theirs did not come.

use serde::Serialize;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// Requests of each that are remembered.
const REMEMBERED: usize = 100;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = WebhookTry)]
pub struct HookTry {
    /// When it was sent.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The event.
    pub event: String,
    /// The event's name, the same in each of its attempts.
    pub id: String,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// The status of the response, where there was one.
    pub status: Option<u16>,
    /// Why it did not succeed.
    pub error: Option<String>,
}

/// A webhook and its last requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub struct HookState {
    /// Where it listens.
    pub url: String,
    /// The events that it is told; all where none is named.
    pub events: Vec<String>,
    /// Whether its requests are signed.
    pub signed: bool,
    /// Events that were given up, or that it was too slow for.
    pub lost: u64,
    /// The last requests, newest first.
    pub tries: Vec<HookTry>,
}

/// All webhooks.
#[derive(Debug, Default)]
pub struct HookLog(Mutex<Vec<(HookState, VecDeque<HookTry>)>>);

impl HookLog {
    /// Files a webhook; gives its place.
    pub fn open(&self, url: String, events: Vec<String>, signed: bool) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = HookState { url, events, signed, lost: 0, tries: Vec::new() };
        all.push((state, VecDeque::new()));
        all.len() - 1
    }

    /// Files a request.
    pub fn tried(&self, place: usize, one: HookTry) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, tries)) = all.get_mut(place) {
            tries.push_front(one);
            tries.truncate(REMEMBERED);
        }
    }

    /// Counts events that it will not hear of.
    pub fn lost(&self, place: usize, events: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((state, _)) = all.get_mut(place) {
            state.lost += events;
        }
    }

    /// All of them.
    #[must_use]
    pub fn states(&self) -> Vec<HookState> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |(state, tries): &(HookState, VecDeque<HookTry>)| HookState {
            tries: tries.iter().cloned().collect(),
            ..state.clone()
        };
        all.iter().map(one).collect()
    }
}
