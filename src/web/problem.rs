//! Errors as RFC 9457 problem details.

use super::views::MessageView;
use crate::storage::StoreError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What went wrong, in a sentence.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
    more: Map<String, Value>,
}

macro_rules! kinds {
    ($($name:ident: $status:ident,)+) => {
        $(pub(super) fn $name(detail: &str) -> Self {
            Self::new(StatusCode::$status, detail)
        })+
    };
}

impl Problem {
    fn new(status: StatusCode, detail: &str) -> Self {
        Self { status, detail: detail.to_owned(), more: Map::new() }
    }

    kinds! {
        bad_request: BAD_REQUEST,
        unauthorized: UNAUTHORIZED,
        forbidden: FORBIDDEN,
        not_found: NOT_FOUND,
        conflict: CONFLICT,
        timeout: REQUEST_TIMEOUT,
        too_large: PAYLOAD_TOO_LARGE,
        unsupported_media_type: UNSUPPORTED_MEDIA_TYPE,
        failed: INTERNAL_SERVER_ERROR,
        unavailable: SERVICE_UNAVAILABLE,
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not know that method")
    }

    /// Adds a member that this kind of problem has (RFC 9457 §3.2).
    pub(super) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let status = match error {
            StoreError::Full => StatusCode::INSUFFICIENT_STORAGE,
            StoreError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            StoreError::TooLong(_) | StoreError::Behind(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, &error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let mut body = Map::new();
        body.insert("title".into(), title.into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("detail".into(), self.detail.into());
        body.extend(self.more);
        let mut response = (self.status, Json(body)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// What went wrong (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes what Problem is turned into")]
pub(super) struct ProblemSchema {
    /// The status in words.
    title: String,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong, in a sentence.
    detail: String,
    /// Of a wrong query: where the mistake begins, in octets.
    start: Option<usize>,
    /// Of a wrong query: where the mistake ends, in octets.
    end: Option<usize>,
    /// Of a wrong query: what to do about it.
    help: Option<String>,
}

/// Too few messages came in time.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what Problem is turned into")]
pub(super) struct WaitProblem {
    /// The status in words.
    title: String,
    /// The status: 408.
    #[schema(minimum = 408, maximum = 408)]
    status: u16,
    /// How many came of how many.
    detail: String,
    /// Those that match, newest first.
    messages: Vec<MessageView>,
    /// The last 20 that came, whether or not they match, newest first.
    #[schema(max_items = 20)]
    arrived: Vec<MessageView>,
}

/// Not every door takes connections.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what Problem is turned into")]
pub(super) struct ReadyProblem {
    /// The status in words.
    title: String,
    /// The status: 503.
    #[schema(minimum = 503, maximum = 503)]
    status: u16,
    /// Which doors do not.
    detail: String,
    /// Their names.
    doors: Vec<String>,
}
