//! [`Words`] as a MATCH expression of SQLite's FTS5.
//!
//! Whatever a person typed, no syntax of FTS5 comes out of it: only letters and digits are handed
//! on, and these inside quotes.

use super::Words;

/// The MATCH expression that finds `words` in any one of `columns`; in all, if none is named.
///
/// Bind it as a parameter. The index needs `detail = full` (phrases) and the tokenizer
/// `unicode61 remove_diacritics 2`, best over [`searchable`](super::searchable) text. Several of
/// these can be joined with `AND`, `OR` and `NOT`, and grouped with parentheses.
///
/// ```
/// use doorpost::search::{Words, fts_match};
///
/// let words = Words::new("Crème \" OR brûl", true).ok_or("no words")?;
/// assert_eq!(fts_match(&words, &["subject", "text"]), r#"{"subject" "text"} : "creme or brul" *"#);
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn fts_match(words: &Words, columns: &[&str]) -> String {
    let mut expression = String::new();
    if !columns.is_empty() {
        let names: Vec<_> = columns.iter().map(|name| quoted(name)).collect();
        expression = format!("{{{}}} : ", names.join(" "));
    }
    expression += &quoted(&words.tokens().join(" "));
    if words.is_prefix() {
        expression += " *";
    }
    expression
}

/// A string of FTS5: quotes inside are doubled.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writes_words_as_quoted_phrases() {
        for (text, prefix, columns, expected) in [
            ("Invoice", false, &[][..], r#""invoice""#),
            ("inv", true, &["subject"][..], r#"{"subject"} : "inv" *"#),
            ("alice@example.org", false, &["to", "cc"][..], r#"{"to" "cc"} : "alice example org""#),
            (r#"x" OR y*: ("#, false, &[r#"a"b"#][..], r#"{"a""b"} : "x or y""#),
            ("a NEAR b\0c", false, &[][..], r#""a near b c""#),
        ] {
            assert_eq!(fts_match(&Words::new(text, prefix).unwrap(), columns), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_leaves_the_quotes(text in any::<String>(), prefix: bool) {
            if let Some(words) = Words::new(text, prefix) {
                let expression = fts_match(&words, &[]);
                let inner = expression.strip_suffix(" *").unwrap_or(&expression);
                let inner = inner.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
                prop_assert!(inner.chars().all(|c| c == ' ' || !(c.is_ascii_punctuation() || c.is_control())));
            }
        }
    }
}
