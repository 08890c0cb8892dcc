//! Guesses what a misspelt word was meant to be, and keeps quiet where it is not close to any.

/// The word that `written` is probably a misspelling of.
pub(super) fn word(
    written: &str,
    words: impl IntoIterator<Item = &'static str>,
) -> Option<&'static str> {
    let written = written.to_ascii_lowercase();
    // One edit in a short word, more in a longer one; else every word is close to every other.
    let allowed = (written.len() / 3).clamp(1, 3);
    words
        .into_iter()
        // A word of another length is not close, and a hostile one may be very long.
        .filter(|word| word.len().abs_diff(written.len()) <= allowed)
        .map(|word| (distance(written.as_bytes(), word.as_bytes()), word))
        .filter(|(distance, word)| *distance <= allowed && *distance < word.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour.
pub(crate) fn distance(from: &[u8], to: &[u8]) -> usize {
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, c) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, d) in to.iter().enumerate() {
            let replaced = above[column] + usize::from(c != d);
            let mut best = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && *c == to[column - 1] && from[row - 1] == *d {
                let swapped: &Vec<usize> = &before;
                best = best.min(swapped[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let meant = |written| word(written, ["from", "to", "subject", "reply-to", "tag", "unread"]);
        assert_eq!(meant("form"), Some("from"));
        assert_eq!(meant("Subjcet"), Some("subject"));
        assert_eq!(meant("replyto"), Some("reply-to"));
        assert_eq!(meant("tags"), Some("tag"));
        for nothing_like_it in ["", "x", "zebra", "localhost", "é"] {
            assert_eq!(meant(nothing_like_it), None, "{nothing_like_it}");
        }
    }
}
