//! Guesses what a misspelt word was meant to be, and keeps quiet where it is not close to any.

use crate::search::near::distance;

/// The word that `written` is probably a misspelling of.
pub(super) fn word<'a>(written: &str, words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let spelling = |word: &str| word.to_ascii_lowercase().replace('-', "_");
    let written = spelling(written);
    // One edit in a short word, more in a longer one; else every word is close to every other.
    let allowed = (written.len() / 3).clamp(1, 3);
    words
        .into_iter()
        .map(|word| (distance(written.as_bytes(), spelling(word).as_bytes()), word))
        .filter(|(distance, word)| *distance <= allowed && *distance < word.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let words = ["max_size", "max_sessions", "mechanisms", "tls", "auth", "local_domains"];
        let meant = |written| word(written, words);
        assert_eq!(meant("max-size").as_deref(), Some("max_size"));
        assert_eq!(meant("maxsize").as_deref(), Some("max_size"));
        assert_eq!(meant("mehcanisms").as_deref(), Some("mechanisms"));
        assert_eq!(meant("tsl").as_deref(), Some("tls"));
        assert_eq!(meant("local_domain").as_deref(), Some("local_domains"));
        for nothing_like_it in ["", "x", "zebra", "smtp", "colour"] {
            assert_eq!(meant(nothing_like_it), None, "{nothing_like_it}");
        }
    }
}
