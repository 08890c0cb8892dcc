//! A message read for people and tests: header, text, HTML, parts, links, one-time codes.
//!
//! Nothing of a mail is ever shown as a page here: HTML is given as JSON, parts as downloads.

use super::parameters::{Latest, MessageName, Target, named};
use super::problem::Problem;
use super::{App, Shared};
use crate::mime::{self, Attachment, Code, HeaderField, Image, Link, Mark, Part, Reading};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts as RequestParts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// Reads the message, away from the threads that serve the doors: it may be large.
async fn read(app: &App, target: Target) -> Result<Reading, Problem> {
    app.aside(move |store| {
        let message = target.message(store)?;
        let is_null = message.arrival().has_null_reverse_path();
        Ok(Reading::of(message.bytes()).with_null_reverse_path(is_null))
    })
    .await
}

/// A message's header.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Headers {
    /// Its fields, in their order.
    headers: Vec<HeaderField>,
    /// What was cut or broken.
    marked: Vec<Mark>,
}

/// Shows a message's header.
#[utoipa::path(
    get, path = "/api/messages/{id}/headers", tag = "reading", params(MessageName, Latest),
    responses((status = 200, description = "All fields, decoded and as they came", body = Headers)),
)]
pub(super) async fn get_headers(
    State(app): Shared,
    target: Target,
) -> Result<Json<Headers>, Problem> {
    let Reading { headers, marked, .. } = read(&app, target).await?;
    Ok(Json(Headers { headers, marked }))
}

/// A message's text.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Text {
    /// The plain text.
    text: Option<String>,
    /// What the HTML says, as plain text.
    text_of_html: Option<String>,
    /// What was cut or broken.
    marked: Vec<Mark>,
}

/// Shows a message's text
///
/// Both the plain text and what the HTML says.
#[utoipa::path(
    get, path = "/api/messages/{id}/text", tag = "reading", params(MessageName, Latest),
    responses((status = 200, description = "The text", body = Text)),
)]
pub(super) async fn get_text(State(app): Shared, target: Target) -> Result<Json<Text>, Problem> {
    let Reading { text, text_of_html, marked, .. } = read(&app, target).await?;
    Ok(Json(Text { text, text_of_html, marked }))
}

/// A message's HTML.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Html {
    /// The HTML as the sender wrote it: it is not made harmless.
    html: Option<String>,
    /// What was cut or broken.
    marked: Vec<Mark>,
}

/// Shows a message's HTML
///
/// As a text in JSON, never as a page.
#[utoipa::path(
    get, path = "/api/messages/{id}/html", tag = "reading", params(MessageName, Latest),
    responses((status = 200, description = "The HTML", body = Html)),
)]
pub(super) async fn get_html(State(app): Shared, target: Target) -> Result<Json<Html>, Problem> {
    let Reading { html, marked, .. } = read(&app, target).await?;
    Ok(Json(Html { html, marked }))
}

/// A message's parts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Parts {
    /// The message as a part, with all parts in it.
    parts: Part,
    /// The files among them.
    attachments: Vec<Attachment>,
    /// Whether its text comes as HTML too; what it encloses does not count.
    has_html: bool,
    /// Whether it reports that mail was not delivered.
    is_bounce: bool,
    /// What was cut or broken.
    marked: Vec<Mark>,
}

/// Shows a message's parts.
#[utoipa::path(
    get, path = "/api/messages/{id}/parts", tag = "reading", params(MessageName, Latest),
    responses((status = 200, description = "The parts", body = Parts)),
)]
pub(super) async fn get_parts(State(app): Shared, target: Target) -> Result<Json<Parts>, Problem> {
    let Reading { html, parts, attachments, is_bounce, marked, .. } = read(&app, target).await?;
    Ok(Json(Parts { parts, attachments, has_html: html.is_some(), is_bounce, marked }))
}

/// A message's files.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Attachments {
    /// The files, in their order.
    attachments: Vec<Attachment>,
    /// What was cut or broken.
    marked: Vec<Mark>,
}

/// Lists a message's attachments
///
/// Each can be downloaded as the part of its `id`.
#[utoipa::path(
    get, path = "/api/messages/{id}/attachments", tag = "reading", params(MessageName, Latest),
    responses((status = 200, description = "The files", body = Attachments)),
)]
pub(super) async fn get_attachments(
    State(app): Shared,
    target: Target,
) -> Result<Json<Attachments>, Problem> {
    let Reading { attachments, marked, .. } = read(&app, target).await?;
    Ok(Json(Attachments { attachments, marked }))
}

/// A message's links.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Links {
    /// The links, each once.
    links: Vec<Link>,
    /// The images that the HTML wants shown.
    images: Vec<Image>,
}

/// Lists a message's links and images
///
/// Nothing is fetched.
#[utoipa::path(
    get, path = "/api/messages/{id}/links", tag = "reading", params(MessageName, Latest),
    responses((status = 200, description = "The links", body = Links)),
)]
pub(super) async fn get_links(State(app): Shared, target: Target) -> Result<Json<Links>, Problem> {
    let reading = read(&app, target).await?;
    Ok(Json(Links { links: mime::links(&reading), images: mime::images(&reading) }))
}

/// A message's one-time codes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Codes {
    /// The codes, the likeliest first.
    codes: Vec<Code>,
}

/// Lists a message's one-time codes
///
/// As people pull them out of mails in tests: a guess, the likeliest first.
#[utoipa::path(
    get, path = "/api/messages/{id}/codes", tag = "reading", params(MessageName, Latest),
    responses((status = 200, description = "The codes", body = Codes)),
)]
pub(super) async fn get_codes(State(app): Shared, target: Target) -> Result<Json<Codes>, Problem> {
    let reading = read(&app, target).await?;
    Ok(Json(Codes { codes: mime::codes(&reading) }))
}

/// A part in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PartName {
    /// The part's `id`.
    #[param(pattern = "^[0-9]+(\\.[0-9]+)*$", example = "1")]
    part: String,
}

impl<S: Send + Sync> FromRequestParts<S> for PartName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut RequestParts, state: &S) -> Result<Self, Problem> {
        named(parts, state, "part").await.map(|part| Self { part })
    }
}

/// Downloads a part
///
/// Decoded: always a download, whatever it says it is.
#[utoipa::path(
    get, path = "/api/messages/{id}/parts/{part}", tag = "reading",
    params(MessageName, PartName, Latest),
    responses((
        status = 200, description = "The part's octets, under the type that it declares",
        content_type = "*/*", body = String,
    )),
)]
pub(super) async fn get_part(
    State(app): Shared,
    PartName { part }: PartName,
    target: Target,
) -> Result<Response, Problem> {
    let content = app.aside(move |store| {
        let message = target.message(store)?;
        let missing =
            || Problem::not_found(&format!("message {} has no part {part}", message.id()));
        mime::part(message.bytes(), &part).ok_or_else(missing)
    });
    let content = content.await?;
    let mut response = content.bytes.into_response();
    let kind = match &content.charset {
        Some(charset) => format!("{}; charset={charset}", content.content_type),
        None => content.content_type,
    };
    let kind = HeaderValue::from_str(&kind);
    let headers = response.headers_mut();
    let fallback = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, kind.unwrap_or(fallback));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    Ok(response)
}
