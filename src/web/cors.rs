//! Pages from elsewhere (the Fetch standard's CORS): off, but for origins that were named one by one.
//!
//! A page may then do what a program may; credentials are what it sends itself in `Authorization`,
//! never what its browser adds.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Whether that origin was named.
pub(super) fn is_named(origins: &[String], origin: &str) -> bool {
    origins.iter().any(|named| named.eq_ignore_ascii_case(origin))
}

/// Answers preflights, which carry no credentials, and marks all other answers.
pub(super) async fn answer(
    State(origins): State<Arc<[String]>>,
    request: Request,
    next: Next,
) -> Response {
    if origins.is_empty() {
        return next.run(request).await;
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let named = origin.filter(|origin| origin.to_str().is_ok_and(|o| is_named(&origins, o)));
    let is_preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight && named.is_some() {
        let mut response = StatusCode::NO_CONTENT.into_response();
        set(
            response.headers_mut(),
            &[
                (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"),
                (
                    header::ACCESS_CONTROL_ALLOW_HEADERS,
                    "authorization, content-type, last-event-id",
                ),
                (header::ACCESS_CONTROL_MAX_AGE, "600"),
            ],
        );
        response
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    // Two pages must not get each other's answer out of a cache.
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = named {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        set(headers, &[(header::ACCESS_CONTROL_EXPOSE_HEADERS, "location, content-disposition")]);
    }
    response
}

fn set(headers: &mut HeaderMap, values: &[(header::HeaderName, &'static str)]) {
    for (name, value) in values {
        headers.insert(name, HeaderValue::from_static(value));
    }
}
