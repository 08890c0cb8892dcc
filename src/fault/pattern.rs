//! Patterns of a condition: a glob (`*` and `?`, letters of either case), or a regular expression between
//! slashes. Refuses an expression that would need too much memory.

use regex::{Regex, RegexBuilder};

/// Octets that a compiled expression may take.
const LARGEST: usize = 1 << 20;

/// What a text has to look like.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    expression: Regex,
    /// As it was written.
    text: String,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Says what is wrong with a regular expression.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let inner = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
        let expression = match inner {
            Some(expression) if text.len() > 1 => expression.to_owned(),
            _ => {
                let escaped = regex::escape(text);
                format!("^{}$", escaped.replace(r"\*", ".*").replace(r"\?", "."))
            }
        };
        let built = RegexBuilder::new(&expression)
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .size_limit(LARGEST)
            .build();
        built
            .map(|expression| Self { expression, text: text.to_owned() })
            .map_err(|error| error.to_string().lines().last().unwrap_or_default().trim().to_owned())
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        self.expression.is_match(text)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}
