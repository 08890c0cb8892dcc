//! What a text is searched for: a word, a phrase, or the beginning of one.
//!
//! Refuses text without a letter or digit: nothing could find it, and a search that quietly
//! leaves a term out finds too much.

use super::fold;
use std::ops::ControlFlow;

/// A word, or several in a row; the last may be the beginning of one.
///
/// What stands between letters and digits parts words, so `alice@example.org` is the three words
/// `alice example org` in a row. Case does not matter, nor do accents on Latin letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    text: String,
    /// At least one.
    tokens: Vec<String>,
    prefix: bool,
}

impl Words {
    /// The words of `text`; with `prefix`, the last of them may go on. `None` if there are none.
    #[must_use]
    pub fn new(text: impl Into<String>, prefix: bool) -> Option<Self> {
        let text = text.into();
        let tokens = fold::tokens(&text);
        (!tokens.is_empty()).then_some(Self { text, tokens, prefix })
    }

    /// The text as it was written, without quotes and the `*` at its end.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The words one by one, in lower case and without accents; at least one.
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Whether the last word may go on.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.prefix
    }

    /// Whether the words stand in `haystack`, in a row.
    ///
    /// Reads it once, whatever it holds (after Knuth, Morris and Pratt).
    #[must_use]
    pub fn matches(&self, haystack: &str) -> bool {
        let restart = restarts(&self.tokens);
        let mut found = 0;
        let end = fold::each_token(haystack, |token| {
            while found > 0 && !self.fits(found, token) {
                found = restart[found - 1];
            }
            found += usize::from(self.fits(found, token));
            if found == self.tokens.len() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        end.is_break()
    }

    /// Whether `token` can stand where the word of that number is looked for.
    fn fits(&self, number: usize, token: &str) -> bool {
        let word = self.tokens[number].as_str();
        let open = self.prefix && number + 1 == self.tokens.len();
        if open { token.starts_with(word) } else { token == word }
    }
}

/// For each word: if the next one does not fit, how many from the start are already there again.
fn restarts(words: &[String]) -> Vec<usize> {
    let mut restarts = vec![0; words.len()];
    for end in 1..words.len() {
        let mut length = restarts[end - 1];
        while length > 0 && words[length] != words[end] {
            length = restarts[length - 1];
        }
        restarts[end] = length + usize::from(words[length] == words[end]);
    }
    restarts
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_words_phrases_and_beginnings() {
        let haystack = "Crème brûlée for Alice <alice@example.org>: invoice № 2026-11";
        let finds = |text, prefix| Words::new(text, prefix).unwrap().matches(haystack);
        for (text, prefix) in [
            ("creme", false),
            ("CRÈME Brulee", false),
            ("alice@example.org", false),
            ("for alice alice example", false),
            ("inv", true),
            ("example.or", true),
            ("invoice 2026", false),
            ("11", true),
        ] {
            assert!(finds(text, prefix), "{text}");
        }
        for (text, prefix) in [
            ("inv", false),
            ("brulee creme", false),
            ("voice", true),
            ("alic example", true),
            ("2026 11 12", false),
        ] {
            assert!(!finds(text, prefix), "{text}");
        }
    }

    #[test]
    fn nothing_but_punctuation_is_no_word() {
        for text in ["", " ", "***", "🎉", "\u{301}"] {
            assert_eq!(Words::new(text, false), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(
            needle in "[ab]( [ab]){0,5}",
            haystack in "[ab]{1,2}( [ab]{1,2}){0,30}",
            prefix: bool,
        ) {
            let end = if prefix { "" } else { " " };
            let plain = format!(" {haystack} ").contains(&format!(" {needle}{end}"));
            prop_assert_eq!(Words::new(needle, prefix).unwrap().matches(&haystack), plain);
        }
    }
}
