//! What an event says: the message or session that it is about as it stands when it is told.

use super::problem::Problem;
use super::queue::QueueItem;
use super::views::MessageView;
use crate::finding::Finding;
use crate::mail::SessionId;
use crate::storage::{Change, SessionRecord, Store};
use axum::response::sse;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::Arc;

/// An event with its data.
pub(super) fn event(name: &str, data: &Value) -> sse::Event {
    sse::Event::default().event(name).data(data.to_string())
}

/// A session that began or ended.
#[derive(Serialize)]
struct SessionEvent {
    phase: &'static str,
    #[serde(flatten)]
    session: SessionRecord,
}

/// Something that a client did wrong.
#[derive(Serialize)]
struct FindingEvent<'a> {
    session: SessionId,
    text: &'a str,
    #[serde(flatten)]
    finding: &'a Finding,
}

/// All of these, in order; what is gone already is left out. May wait for the index.
pub(super) fn all(
    store: &Store,
    run: &str,
    events: &[Arc<crate::storage::Event>],
) -> Result<VecDeque<sse::Event>, Problem> {
    let mut told = VecDeque::with_capacity(events.len());
    for one in events {
        if let Some((name, data)) = data(store, &one.change)? {
            told.push_back(event(name, &data).id(format!("{run}-{}", one.number)));
        }
    }
    Ok(told)
}

fn data(store: &Store, change: &Change) -> Result<Option<(&'static str, Value)>, Problem> {
    let session = |id, phase| {
        let record = match store.sessions().get(id) {
            Some(entry) => Some(SessionRecord::of(&entry)),
            None => store.session(id)?,
        };
        let without_lines =
            record.map(|record| SessionRecord { transcript: None, omitted_lines: None, ..record });
        Ok(without_lines.map(|session| ("session", json!(SessionEvent { phase, session }))))
    };
    match change {
        Change::Message(id) => {
            let entry = store.entry(*id)?;
            Ok(entry.map(|entry| ("message", json!(MessageView::new(entry)))))
        }
        Change::SessionBegan(id) => session(*id, "began"),
        Change::SessionEnded(id) => session(*id, "ended"),
        Change::Finding(session, finding) => {
            let finding = FindingEvent { session: *session, text: &finding.what, finding };
            Ok(Some(("finding", json!(finding))))
        }
        Change::Deleted(ids) => Ok(Some(("deleted", json!({ "ids": ids })))),
        Change::DeletedUpTo(id) => Ok(Some(("deleted", json!({ "up_to": id })))),
        Change::Queue(id, _) => {
            Ok(store.outbox().get(*id).map(|item| ("queue", json!(QueueItem::of(&item)))))
        }
        Change::Marked(ids) => Ok(Some(("changed", json!({ "ids": ids })))),
    }
}
