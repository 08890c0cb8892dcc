//! The query language: a query that is taken means the same in its canonical form, and a mistake is in the text and can be shown.

use doorpost::search::{QueryError, parse, parse_sessions};
use time::OffsetDateTime;

fn shown(text: &str, error: &QueryError) {
    let span = error.span();
    assert!(span.start <= span.end && span.end <= text.len().max(1), "{span:?} of {}", text.len());
    assert!(text.get(span.start..span.end.min(text.len())).is_some(), "{span:?} cuts a character");
    assert!(!error.to_string().is_empty() && !error.message().is_empty());
}

/// Stops at the first promise that this input breaks.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_000);
    match parse(text, now) {
        Ok(query) => {
            let written = query.to_string();
            // What it has grown by may be too much: `after:1h` becomes a date.
            if let Ok(again) = parse(&written, now) {
                assert_eq!(again, query, "{written}");
                assert_eq!(again.to_string(), written);
            } else {
                assert!(written.len() > text.len(), "{written} is not read again");
            }
        }
        Err(error) => shown(text, &error),
    }
    match parse_sessions(text, now) {
        Ok(query) => {
            let written = query.to_string();
            if let Ok(again) = parse_sessions(&written, now) {
                assert_eq!(again, query, "{written}");
            } else {
                assert!(written.len() > text.len(), "{written} is not read again");
            }
        }
        Err(error) => shown(text, &error),
    }
}
