//! A message read for people and tests: header, text, HTML, parts, links, one-time codes.
//!
//! Nothing of a mail is ever shown as a page here: HTML is given as JSON, parts as downloads.

use super::problem::Problem;
use super::{Named, find_message, name};
use crate::mime::{self, Reading};
use crate::storage::Store;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

type Answer = Result<Json<Value>, Problem>;

/// Reads the message, away from the threads that serve the doors: it may be large.
async fn read(store: &Arc<Store>, id: Named) -> Result<Reading, Problem> {
    let message = find_message(store, &name(id)?)?;
    let reading = tokio::task::spawn_blocking(move || {
        let is_null = message.envelope().reverse_path.mailbox().is_none();
        Reading::of(message.bytes()).with_null_reverse_path(is_null)
    });
    reading.await.map_err(|_| Problem::failed("the message could not be read"))
}

pub(super) async fn headers(State(store): State<Arc<Store>>, id: Named) -> Answer {
    let reading = read(&store, id).await?;
    Ok(Json(json!({ "headers": reading.headers, "marked": reading.marked })))
}

/// The text, or what the HTML says where there is none.
pub(super) async fn text(State(store): State<Arc<Store>>, id: Named) -> Answer {
    let reading = read(&store, id).await?;
    let Reading { text, text_of_html, marked, .. } = reading;
    Ok(Json(json!({ "text": text, "text_of_html": text_of_html, "marked": marked })))
}

pub(super) async fn html(State(store): State<Arc<Store>>, id: Named) -> Answer {
    let reading = read(&store, id).await?;
    Ok(Json(json!({ "html": reading.html, "marked": reading.marked })))
}

pub(super) async fn parts(State(store): State<Arc<Store>>, id: Named) -> Answer {
    let reading = read(&store, id).await?;
    let Reading { parts, attachments, is_bounce, marked, .. } = reading;
    Ok(Json(json!({
        "parts": parts, "attachments": attachments, "is_bounce": is_bounce, "marked": marked,
    })))
}

pub(super) async fn links(State(store): State<Arc<Store>>, id: Named) -> Answer {
    let reading = read(&store, id).await?;
    Ok(Json(json!({ "links": mime::links(&reading), "images": mime::images(&reading) })))
}

pub(super) async fn codes(State(store): State<Arc<Store>>, id: Named) -> Answer {
    let reading = read(&store, id).await?;
    Ok(Json(json!({ "codes": mime::codes(&reading) })))
}

/// One part, decoded: always a download, whatever it says it is.
pub(super) async fn part(
    State(store): State<Arc<Store>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response, Problem> {
    let Path((id, part)) = path.map_err(|_| Problem::not_found("that is no identifier"))?;
    let message = find_message(&store, &id)?;
    let missing = format!("message {id} has no part {part}");
    let content = tokio::task::spawn_blocking(move || mime::part(message.bytes(), &part)).await;
    let content = content.map_err(|_| Problem::failed("the message could not be read"))?;
    let content = content.ok_or_else(|| Problem::not_found(&missing))?;
    let mut response = content.bytes.into_response();
    let kind = HeaderValue::from_str(&content.content_type);
    let headers = response.headers_mut();
    let fallback = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, kind.unwrap_or(fallback));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    Ok(response)
}
