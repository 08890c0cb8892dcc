//! The API's routes, its description (OpenAPI), and the page to read and try it.
//!
//! The description is made from the code, and lies beside the page as it was last looked at: a test finds out where the two
//! differ. So no start of the program has to make it. The page is a part of the program, asks nobody else for anything,
//! and may run no script but its own.

use super::parameters::{Nothing, Parameters};
use super::{
    App, change, events, faults, findings, groups, import, journey, messages, metrics, queue,
    reading, release, sessions, status, wait,
};
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use pastey::paste;
use std::sync::Arc;
use utoipa::Path;
use utoipa::openapi::HttpMethod;

#[cfg(test)]
mod described;

/// What is described, as it was last looked at.
const DESCRIPTION: &str = include_str!("docs/openapi.json");

/// Names every operation once, for the routes and for the description.
macro_rules! operations {
    ($($module:ident::$operation:ident),+ $(,)?) => { paste! {
        /// All operations, where their descriptions say.
        pub(super) fn routes() -> Router<Arc<App>> {
            Router::new()$(.route(
                &$module::[<__path_ $operation>]::path(),
                on(methods::<$module::[<__path_ $operation>]>(), $module::$operation),
            ))+
        }

        #[cfg(test)]
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($module::$operation),+))]
        struct Operations;
    } };
}

operations![
    messages::list_messages,
    import::import_message,
    change::change_messages,
    messages::delete_messages,
    wait::wait_for_messages,
    messages::get_message,
    change::change_message,
    messages::delete_message,
    messages::get_raw,
    reading::get_headers,
    reading::get_text,
    reading::get_html,
    reading::get_parts,
    reading::get_part,
    reading::get_attachments,
    reading::get_links,
    reading::get_codes,
    release::release_messages,
    release::release_message,
    release::report_message,
    journey::get_journey,
    queue::list_queue,
    queue::get_queue_item,
    queue::drop_queue_item,
    queue::retry_queue_item,
    queue::list_webhooks,
    groups::list_tags,
    groups::list_inboxes,
    groups::delete_inbox,
    sessions::list_sessions,
    sessions::get_session,
    sessions::get_transcript,
    findings::list_findings,
    findings::list_codes,
    faults::get_faults,
    faults::put_faults,
    faults::delete_faults,
    faults::list_presets,
    events::get_events,
    status::list_doors,
    status::get_ca,
    status::get_statistics,
    status::livez,
    status::readyz,
    metrics::get_metrics,
];

/// The methods of an operation.
fn methods<P: Path>() -> MethodFilter {
    let filters = P::methods().into_iter().map(|method| match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    });
    filters.reduce(MethodFilter::or).unwrap_or(MethodFilter::GET)
}

/// The document, and the page.
pub(super) fn pages() -> Router<Arc<App>> {
    Router::new()
        .route("/api/openapi.json", get(openapi))
        .route("/api/docs", get(async |_: Parameters<Nothing>| asset(&ASSETS[0])))
        .route("/api/docs/docs.css", get(async |_: Parameters<Nothing>| asset(&ASSETS[1])))
        .route("/api/docs/docs.js", get(async |_: Parameters<Nothing>| asset(&ASSETS[2])))
}

async fn openapi(_: Parameters<Nothing>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION).into_response()
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
