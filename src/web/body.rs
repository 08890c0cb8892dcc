//! Bodies of requests: read up to a limit and within a time, and only where they say what they are.
//!
//! Refuses larger ones (413), slower ones (408), other media types and compressed ones (415), and JSON that is not what
//! is expected (400). What is too large is read and dropped as long as it comes: who is still writing when a
//! connection is closed hears of a broken pipe, and never of the 413.

use super::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The time for a whole body.
const TIME: Duration = Duration::from_secs(60);
/// The time without a further octet of a body that is too large, until that is said.
const LULL: Duration = Duration::from_secs(1);
/// Octets of a JSON body.
const LARGEST_JSON: usize = 64 * 1024;

/// Whether the body is declared as one of these types.
pub(super) fn expect_type(headers: &HeaderMap, types: &[&str]) -> Result<(), Problem> {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if types.iter().any(|kind| kind.eq_ignore_ascii_case(essence)) {
        return Ok(());
    }
    let text = format!("the body must be declared as Content-Type: {}", types.join(" or "));
    Err(Problem::unsupported_media_type(&text))
}

/// Refuses a body that is compressed: its octets would be taken for what is in them.
fn as_it_is(headers: &HeaderMap) -> Result<(), Problem> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    match encodings.find(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        None => Ok(()),
        Some(encoding) => Err(Problem::unsupported_media_type(&format!(
            "the body must come as it is, without Content-Encoding: {}",
            String::from_utf8_lossy(encoding.as_bytes())
        ))),
    }
}

/// Reads the whole body.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    largest: usize,
) -> Result<Bytes, Problem> {
    as_it_is(headers)?;
    let too_large = || Problem::too_large(&format!("the body has more than {largest} octets"));
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let declared = declared.and_then(|text| text.parse::<u64>().ok());
    let mut is_too_large = declared.is_some_and(|octets| octets > largest as u64);
    if is_too_large && headers.contains_key(header::EXPECT) {
        // Nothing is on its way: this client asks first (RFC 9110 §10.1.1).
        return Err(too_large());
    }
    let reading = async {
        let mut stream = body.into_data_stream();
        let mut octets = Vec::new();
        loop {
            let next = stream.next();
            let data = match is_too_large {
                false => next.await,
                // Nobody is kept waiting for the answer who waits for it.
                true => tokio::time::timeout(LULL, next).await.unwrap_or(None),
            };
            let Some(data) = data else { break };
            let data = data.map_err(|_| Problem::bad_request("the body came broken"))?;
            is_too_large |= octets.len() + data.len() > largest;
            match is_too_large {
                true => octets = Vec::new(),
                false => octets.extend_from_slice(&data),
            }
        }
        if is_too_large { Err(too_large()) } else { Ok(octets.into()) }
    };
    let late = |_| Problem::timeout("the body did not come in time");
    tokio::time::timeout(TIME, reading).await.map_err(late)?
}

/// Reads a body of JSON.
pub(super) async fn json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    expect_type(headers, &["application/json"])?;
    let octets = read(headers, body, LARGEST_JSON).await?;
    serde_json::from_slice(&octets)
        .map_err(|error| Problem::bad_request(&format!("the body is not as expected: {error}")))
}
