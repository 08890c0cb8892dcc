//! Guesses what a misspelt word was meant to be, and keeps quiet where it is not close to any.

/// The word that `written` is probably a misspelling of.
pub(super) fn word<'a>(written: &str, words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let spelling = |word: &str| word.to_ascii_lowercase().replace('-', "_");
    let written = spelling(written);
    // One edit in a short word, more in a longer one; else every word is close to every other.
    let allowed = (written.chars().count() / 3).clamp(1, 3);
    words
        .into_iter()
        .map(|word| (distance(&written, &spelling(word)), word))
        .filter(|(distance, word)| *distance <= allowed && *distance < word.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word.to_owned())
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, &c) in from.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &d) in to.iter().enumerate() {
            let replaced = above[column] + usize::from(c != d);
            let mut best = replaced.min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && c == to[column - 1] && from[row - 1] == d {
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
