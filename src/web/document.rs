//! The API's description (OpenAPI), made from the code, and the page to read and try it.
//!
//! What every operation can answer is added here once. The page is a part of the program, asks
//! nobody else for anything, and may run no script but its own.

use super::parameters::{Nothing, Parameters};
use super::problem::ProblemSchema;
use super::{
    App, Problem, change, events, faults, findings, groups, import, journey, messages, metrics,
    queue, reading, release, sessions, status, wait,
};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response as Described, ResponseBuilder, Schema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The document itself, ready to be sent.
#[derive(Clone)]
pub(super) struct Document(pub(super) Bytes);

#[derive(OpenApi)]
#[openapi(
    info(
        title = "doorpost",
        description = "What a local mail server caught: messages, conversations, and what happens live. Times are RFC 3339 in UTC; names of messages and sessions are numbers, given as text. Errors are problem details (RFC 9457).",
        license(name = "MIT OR Apache-2.0"),
        contact(),
    ),
    tags(
        (name = "messages", description = "What was caught: find it, wait for it, mark it, delete it"),
        (name = "reading", description = "One message read for people and tests"),
        (name = "inboxes", description = "Messages sorted, so that tests do not see each other's"),
        (name = "sessions", description = "The conversations with clients"),
        (name = "findings", description = "What clients did wrong"),
        (name = "events", description = "What happens, live"),
        (name = "queue", description = "Mail going on: release, the queue, bounces, complaints, webhooks"),
        (name = "faults", description = "Misbehaviour on request"),
        (name = "status", description = "How doorpost is"),
    ),
    components(schemas(ProblemSchema)),
)]
struct Description;

/// All operations, and the document that describes them.
pub(super) fn routes() -> (Router<Arc<App>>, String) {
    let (router, mut document) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(
            messages::list_messages,
            import::import_message,
            change::change_messages,
            messages::delete_messages
        ))
        .routes(routes!(wait::wait_for_messages))
        .routes(routes!(messages::get_message, change::change_message, messages::delete_message))
        .routes(routes!(messages::get_raw))
        .routes(routes!(reading::get_headers))
        .routes(routes!(reading::get_text))
        .routes(routes!(reading::get_html))
        .routes(routes!(reading::get_parts))
        .routes(routes!(reading::get_part))
        .routes(routes!(reading::get_attachments))
        .routes(routes!(reading::get_links))
        .routes(routes!(reading::get_codes))
        .routes(routes!(release::release_messages))
        .routes(routes!(release::release_message))
        .routes(routes!(release::report_message))
        .routes(routes!(journey::get_journey))
        .routes(routes!(queue::list_queue))
        .routes(routes!(queue::get_queue_item, queue::drop_queue_item))
        .routes(routes!(queue::retry_queue_item))
        .routes(routes!(queue::list_webhooks))
        .routes(routes!(groups::list_tags))
        .routes(routes!(groups::list_inboxes))
        .routes(routes!(groups::delete_inbox))
        .routes(routes!(sessions::list_sessions))
        .routes(routes!(sessions::get_session))
        .routes(routes!(sessions::get_transcript))
        .routes(routes!(findings::list_findings))
        .routes(routes!(findings::list_codes))
        .routes(routes!(faults::get_faults, faults::put_faults, faults::delete_faults))
        .routes(routes!(faults::list_presets))
        .routes(routes!(events::get_events))
        .routes(routes!(status::list_doors))
        .routes(routes!(status::get_statistics))
        .routes(routes!(status::livez))
        .routes(routes!(status::readyz))
        .routes(routes!(metrics::get_metrics))
        .split_for_parts();
    complete(&mut document);
    // What it is made of are texts and numbers, which can all be written.
    let text = document.to_pretty_json().unwrap_or_default();
    (router, text)
}

/// The schemas of what a client sends, and not of what it gets.
const REQUESTS: [&str; 4] = ["Change", "FaultsWanted", "ReleaseWanted", "ReportWanted"];

/// Operations that things as they stand may forbid.
const CONFLICTS: [&str; 5] = [
    "release_message",
    "release_messages",
    "report_message",
    "retry_queue_item",
    "drop_queue_item",
];

/// Members that are left out where they have nothing to say. All others are always there, be it as
/// null.
const LEFT_OUT: [(&str, &str); 8] = [
    ("Message", "received"),
    ("Session", "transcript"),
    ("Session", "omitted_lines"),
    ("Auth", "secret"),
    ("Line", "note"),
    ("Problem", "start"),
    ("Problem", "end"),
    ("Problem", "help"),
];

/// Adds what every operation can answer, and what a client may have to show.
fn complete(document: &mut utoipa::openapi::OpenApi) {
    let schemes = [("login", HttpAuthScheme::Basic), ("token", HttpAuthScheme::Bearer)];
    let components = document.components.get_or_insert_default();
    for (name, scheme) in schemes.clone() {
        components.add_security_scheme(name, SecurityScheme::Http(Http::new(scheme)));
    }
    // Either, or nothing where doorpost was started with neither.
    let none: [&str; 0] = [];
    let required = schemes.iter().map(|(name, _)| SecurityRequirement::new(*name, none));
    document.security = Some(required.chain([SecurityRequirement::default()]).collect());
    for (name, schema) in &mut components.schemas {
        if let (RefOr::T(Schema::Object(object)), true) =
            (schema, !REQUESTS.contains(&name.as_str()))
        {
            let always = object.properties.keys().filter(|key| {
                !object.required.contains(key) && !LEFT_OUT.contains(&(name.as_str(), key.as_str()))
            });
            object.required.extend(always.cloned().collect::<Vec<_>>());
        }
    }
    for (path, item) in &mut document.paths.paths {
        let is_open = ["/livez", "/readyz"].contains(&path.as_str());
        let has_name = path.contains('{');
        let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for operation in all.into_iter().flatten() {
            let summary = operation.summary.take();
            operation.summary = summary.map(|text| text.trim_end_matches('.').to_owned());
            add_problem(operation, "400", "A parameter or the body is not as expected");
            add_problem(operation, "403", "This Host or Origin may not ask");
            if is_open {
                continue;
            }
            add_problem(operation, "401", "A login or a token is wanted");
            add_problem(operation, "500", "The store failed");
            add_problem(operation, "503", "Too much is asked at once, or the search took too long");
            // Where nothing goes on, or an entry is settled.
            let id = operation.operation_id.as_deref().unwrap_or_default();
            let names_a_session = id == "list_findings";
            if CONFLICTS.contains(&id) {
                add_problem(operation, "409", "That is not possible as things stand");
            }
            // Findings can be asked for by the session that they were made in.
            if has_name || names_a_session {
                add_problem(operation, "404", "There is none of that name");
            }
            if operation.request_body.is_some() {
                add_problem(operation, "408", "The body did not come in time");
                add_problem(operation, "413", "The body is too large");
                add_problem(operation, "415", "The body is of another media type");
            }
        }
    }
}

fn add_problem(operation: &mut Operation, status: &str, description: &str) {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let described: Described = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build();
    let known = operation.responses.responses.entry(status.to_owned());
    known.or_insert(RefOr::T(described));
}

/// The document, and the page.
pub(super) fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/api/openapi.json", get(openapi))
        .route("/api/docs", get(async |_: Parameters<Nothing>| asset(&ASSETS[0])))
        .route("/api/docs/docs.css", get(async |_: Parameters<Nothing>| asset(&ASSETS[1])))
        .route("/api/docs/docs.js", get(async |_: Parameters<Nothing>| asset(&ASSETS[2])))
}

async fn openapi(
    Extension(Document(text)): Extension<Document>,
    _: Parameters<Nothing>,
) -> Result<Response, Problem> {
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// The page: what it may do is what it needs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const ASSETS: [(&str, &str); 3] = [
    ("text/html; charset=utf-8", include_str!("docs/index.html")),
    ("text/css; charset=utf-8", include_str!("docs/docs.css")),
    ("text/javascript; charset=utf-8", include_str!("docs/docs.js")),
];

fn asset((kind, text): &(&'static str, &'static str)) -> Response {
    let mut response = (*text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
