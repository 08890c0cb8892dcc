//! What happens, told live (server-sent events): in order, none left out, resumable.
//!
//! A reader holds the number of the last event that it was told, and nothing else, so that nobody
//! waits for it. One that falls so far behind that events are gone is told so and cut off; one that
//! reads nothing at all is given up by its connection.

use super::parameters::Parameters;
use super::problem::Problem;
use super::{App, Shared, told};
use crate::storage::{Events, Lost};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::IntoParams;

/// How often a line is sent where nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events that are read at a time.
const BATCH: usize = 256;
/// The header by which a browser resumes.
const LAST_EVENT_ID: &str = "last-event-id";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventParameters {
    /// The `id` of the last event that was read, for clients that cannot set `Last-Event-ID`.
    #[param(max_length = 200)]
    last_event_id: Option<String>,
}

/// The header by which a client resumes.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes a header")]
pub(super) struct EventHeaders {
    /// The `id` of the last event that was read; wins over `last_event_id=`.
    #[param(rename = "Last-Event-ID", max_length = 200, pattern = "^[!-~]*$")]
    last_event_id: Option<String>,
}

/// Follows live
///
/// Server-sent events: `message` (a Message), `session` (a Session without transcript, and `phase`: `began` or `ended`), `finding` (`session`, `code`, `severity`, `line`, `what`, `change`, `rfc`, `client`; `text` is `what`), `queue` (an entry of the queue that was put in or has changed), `deleted` (`ids`, or `up_to`: all up to that one), `changed` (`ids`: read or tagged). What is gone before it can be told of is left out; `deleted` tells of it. The `id` of each resumes behind it; where that cannot be, the first event is `reset` (`reason`), and it goes on from now. A reader that is too slow gets `too-slow` (`reason`) as its last event. Comments keep the connection alive.
#[utoipa::path(
    get, path = "/api/events", tag = "events", params(EventParameters, EventHeaders),
    responses((
        status = 200, description = "Events, until one side ends it",
        content_type = "text/event-stream", body = String,
        example = "id: 6f1c-8\nevent: deleted\ndata: {\"ids\":[\"3\"]}\n\n",
    )),
)]
pub(super) async fn get_events(
    State(app): Shared,
    Parameters(given): Parameters<EventParameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = Arc::clone(&app.readers).try_acquire_owned();
    let place = place.map_err(|_| Problem::unavailable("too many follow the events already"))?;
    let header = headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or("?"));
    let resumed = header.or(given.last_event_id.as_deref()).filter(|id| !id.is_empty());
    let events = Arc::clone(app.store.events());
    let (last, reset) = match resumed.map(|id| number(&events, id)) {
        None => (events.last(), None),
        Some(Ok(number)) => (number, None),
        Some(Err(reason)) => (events.last(), Some(reason)),
    };
    let id = format!("{}-{last}", events.run());
    let first = match reset {
        // Without data it is no event, but a client that is cut off now can resume here.
        None => Event::default().comment("from here on").id(id),
        Some(reason) => told::event("reset", &json!({ "reason": reason })).id(id),
    };
    let reader = Reader { app, last, told: [first].into(), is_over: false, _place: place };
    let told = stream::unfold(reader, Reader::next);
    let heartbeat = KeepAlive::new().interval(HEARTBEAT).text("still here");
    Ok(Sse::new(told).keep_alive(heartbeat).into_response())
}

/// The event that a client has read last; or why it cannot go on from there.
fn number(events: &Events, id: &str) -> Result<u64, String> {
    let parts = id.rsplit_once('-').and_then(|(run, number)| Some((run, number.parse().ok()?)));
    let Some((run, number)) = parts else { return Err("that id is none of doorpost's".into()) };
    if run != events.run() || number > events.last() {
        return Err("doorpost was started anew".into());
    }
    events.after(number, 1).map(|_| number).map_err(|lost| lost.to_string())
}

/// Somebody who follows.
struct Reader {
    app: Arc<App>,
    /// The last event that was taken out of the history.
    last: u64,
    /// What is to be sent.
    told: VecDeque<Event>,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// Asked only when the client has room for more.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.told.pop_front() {
                return Some((Ok(event), self));
            }
            if self.is_over {
                return None;
            }
            let events = Arc::clone(self.app.store.events());
            tokio::select! {
                () = self.app.stop.cancelled() => return None,
                () = events.happened_after(self.last) => {}
            }
            match events.after(self.last, BATCH) {
                Ok(batch) => {
                    self.last = batch.last().map_or(self.last, |event| event.number);
                    let run = events.run().to_owned();
                    let told = self.app.aside(move |store| told::all(store, &run, &batch)).await;
                    match told {
                        Ok(told) => self.told = told,
                        // It can resume, and finds out then whether the store is well again.
                        Err(_) => self.is_over = true,
                    }
                }
                Err(lost) => self.cut_off(lost),
            }
        }
    }

    /// Without an `id`: whoever resumes after that is told `reset`.
    fn cut_off(&mut self, lost: Lost) {
        self.told.push_back(told::event("too-slow", &json!({ "reason": lost.to_string() })));
        self.is_over = true;
    }
}
