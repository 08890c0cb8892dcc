//! What a doorpost says where it does not do what it was asked for (RFC 9457), for people.
//!
//! A wrong query is shown with a finger on the place. Whatever the response holds is escaped.

use crate::cli::Failure;
use crate::smtp::transcript::escape;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A problem as the API tells it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::cli) struct Problem {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    start: Option<usize>,
    end: Option<usize>,
    help: Option<String>,
    /// What this kind of problem has beside.
    #[serde(flatten)]
    pub(in crate::cli) more: Map<String, Value>,
}

impl Problem {
    /// The problem in a response's body; `None` where it is something else.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let problem: Self = serde_json::from_slice(body).ok()?;
        (!problem.title.is_empty() || !problem.detail.is_empty()).then_some(problem)
    }

    /// What is wrong, in a sentence.
    pub(in crate::cli) fn detail(&self) -> String {
        let text = if self.detail.is_empty() { &self.title } else { &self.detail };
        escape(text.as_bytes(), false)
    }

    /// Why the command ends, where this was the response to `query`.
    pub(super) fn failure(&self, status: u16, query: Option<&str>) -> Failure {
        let place = query.and_then(|query| self.place(query));
        match (status, place) {
            (_, Some(shown)) => Failure::usage(format!("the query is wrong\n{shown}")),
            // The request itself was wrong, so the command line was.
            (400 | 422, None) => Failure::usage(self.detail()),
            (_, None) => Failure::of(self.detail()),
        }
    }

    /// The query, and below it the place and what is wrong there.
    fn place(&self, query: &str) -> Option<String> {
        let (start, end) = (self.start?, self.end?);
        let (before, rest) = query.split_at(query.floor_char_boundary(start));
        let marked = &rest[..rest.ceil_char_boundary(end.saturating_sub(start))];
        let [before, marked] = [before, marked].map(shown);
        let (indent, length) = (before.chars().count(), marked.chars().count().max(1));
        let line = shown(query);
        let mut text = format!("{line}\n{:indent$}{:^<length$} {}", "", "", self.detail());
        if let Some(help) = &self.help {
            text.push_str(&format!("\nhelp: {}", escape(help.as_bytes(), false)));
        }
        Some(text)
    }
}

/// Text on one line.
fn shown(text: &str) -> String {
    escape(text.replace(['\n', '\t', '\r'], " ").as_bytes(), false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use serde_json::json;

    fn problem(value: Value) -> Problem {
        Problem::read(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn the_finger_points_as_search_points() {
        let now = time::OffsetDateTime::UNIX_EPOCH;
        for query in ["invoice is:unred", "ä form:x", "(a OR"] {
            let error = crate::search::parse(query, now).unwrap_err();
            let span = error.span();
            let told = problem(json!({
                "title": "Bad Request", "status": 400, "detail": error.message(),
                "start": span.start, "end": span.end, "help": error.help(),
            }));
            let failure = told.failure(400, Some(query));
            assert_eq!(failure.code, 2);
            assert_eq!(failure.text, format!("error: the query is wrong\n{error}"));
        }
    }

    #[test]
    fn whatever_it_says_is_harmless() {
        let told = problem(json!({"title": "T", "detail": "\u{1b}[2J", "start": 90, "end": 1}));
        let failure = told.failure(400, Some("a\u{1b}b"));
        assert!(!failure.text.contains('\u{1b}'), "{:?}", failure.text);
        assert_eq!(told.failure(404, None).code, 1);
        assert!(Problem::read(b"<html>").is_none() && Problem::read(b"{}").is_none());
    }
}
