//! Cuts text into the tokens that SQLite's FTS5 finds in it (`unicode61 remove_diacritics 2`), so
//! that a search in memory and one in the index find the same messages.
//!
//! A token is a run of letters, digits and private-use characters, in lower case. Latin letters
//! lose their accents, other scripts keep theirs, as there. Everything else parts tokens: nothing
//! finds punctuation, symbols or emoji. Letters are composed first (NFC), which SQLite does not do: macOS
//! writes `й` and `ガ` as two characters, and they are the same letters.

use std::borrow::Cow;
use std::ops::ControlFlow;
use unicode_normalization::char::{decompose_canonical, is_combining_mark};
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// Hands over each token of `text`, until told to stop.
pub(super) fn each_token(
    text: &str,
    mut take: impl FnMut(&str) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut token = String::new();
    for c in composed(text).chars() {
        if is_part(c) {
            token.push(fold(c));
        } else if !(is_accent(c) || token.is_empty()) {
            take(&token)?;
            token.clear();
        }
    }
    if token.is_empty() { ControlFlow::Continue(()) } else { take(&token) }
}

/// All tokens of `text`.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    // Nothing here stops the walk.
    let _ = each_token(text, |token| {
        tokens.push(token.to_owned());
        ControlFlow::Continue(())
    });
    tokens
}

/// The text as an index should get it: its tokens, with a space between them.
///
/// SQLite's tables know Unicode 6.1 and take every later character for a letter, so that it reads
/// `Hi🦀` as one word. Of this text the index and [`Words::matches`](super::Words::matches) cannot
/// have two opinions.
#[must_use]
pub fn searchable(text: &str) -> String {
    if text.is_ascii() {
        return searchable_ascii(text);
    }
    let text = composed(text);
    let mut clean = String::with_capacity(text.len());
    let mut is_in_token = false;
    let mut rest = &*text;
    while let Some(c) = rest.chars().next() {
        // Most words are ASCII, and are taken as a whole.
        let word = rest.bytes().position(|octet| !octet.is_ascii_alphanumeric());
        let (word, behind) = rest.split_at(word.unwrap_or(rest.len()));
        let is_part = !word.is_empty() || is_part(c);
        if is_part && !is_in_token && !clean.is_empty() {
            clean.push(' ');
        }
        if !word.is_empty() {
            clean.push_str(word);
            rest = behind;
        } else {
            if is_part {
                clean.push(fold(c));
            }
            rest = &rest[c.len_utf8()..];
        }
        is_in_token = is_part || (is_in_token && is_accent(c));
    }
    clean.make_ascii_lowercase();
    clean
}

/// What becomes of an ASCII octet: a part of a token in lower case, or a space.
const ASCII: [u8; 256] = {
    let mut folded = [b' '; 256];
    let mut octet = 0_u8;
    while octet < 128 {
        if octet.is_ascii_alphanumeric() {
            folded[octet as usize] = octet.to_ascii_lowercase();
        }
        octet += 1;
    }
    folded
};

/// [`searchable`] of ASCII, which most text is.
fn searchable_ascii(text: &str) -> String {
    let mut clean = vec![0; text.len()];
    // Every octet is written, and stays where the next is written behind it.
    let (mut end, mut is_in_token) = (0, false);
    for octet in text.bytes() {
        let folded = ASCII[usize::from(octet)];
        clean[end] = folded;
        end += usize::from((folded != b' ') | is_in_token);
        is_in_token = folded != b' ';
    }
    clean.truncate(if is_in_token { end } else { end.saturating_sub(1) });
    String::from_utf8(clean).unwrap_or_default()
}

/// The text with its letters composed. Most text is, and is only looked through.
fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Whether a character belongs to a token: the general categories L, N and Co.
fn is_part(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    // To Unicode, vowel signs and letters in circles and squares are alphabetic as well.
    let sign = is_combining_mark(c) || matches!(c, 'Ⓐ'..='ⓩ' | '🄰'..='🆉');
    let letter = c.is_alphabetic() && !sign;
    letter || c.is_numeric() || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
}

/// Whether a character is an accent that stands behind its letter: it is left out and parts
/// nothing. These are the accents that Latin letters lose.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{304}' | '\u{306}'..='\u{30c}' | '\u{30f}' | '\u{311}' | '\u{31b}'
        | '\u{323}'..='\u{328}' | '\u{32d}' | '\u{32e}' | '\u{330}' | '\u{331}')
}

/// A character in lower case; if it is a Latin letter, without accents.
fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let lower = lower_case(c);
    let mut base = lower;
    decompose_canonical(lower, |part| {
        if part.is_ascii_alphabetic() {
            base = part;
        }
    });
    base
}

/// The lower case that all spellings of a letter share: `Σ`, `σ` and `ς` are one.
fn lower_case(c: char) -> char {
    let mut upper = c.to_uppercase();
    let c = match (upper.next(), upper.next()) {
        // The Turkish ı is a letter of its own, although its capital is I.
        (Some(upper), None) if c != 'ı' => upper,
        _ => c,
    };
    c.to_lowercase().next().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_and_folds_as_unicode61_does() {
        // What SQLite 3.40 answered for the same texts, through fts5vocab.
        for (text, expected) in [
            ("", ""),
            ("Hello, World!", "hello|world"),
            ("alice.o'neil+tag@example.org", "alice|o|neil|tag|example|org"),
            ("snake_case foo-bar", "snake|case|foo|bar"),
            ("Crème Brûlée Ångström Ự", "creme|brulee|angstrom|u"),
            ("Cre\u{300}me", "creme"),
            ("a\u{338}b \u{301}", "a|b"),
            ("Straße Øre ŁÓDŹ İI ıi", "straße|øre|łodz|ii|ıi"),
            ("ΆΣ ας ΣΊΣΥΦΟΣ", "άσ|ασ|σίσυφοσ"),
            ("Йод ЁЛКА", "йод|ёлка"),
            ("日本語 テスト 한국어", "日本語|テスト|한국어"),
            ("x² ½ Ⅷ ٣ µm ſ", "x²|½|ⅷ|٣|μm|s"),
            ("party🎉time Ⓐb", "party|time|b"),
            ("हिन्दी", "ह|न|द"),
        ] {
            assert_eq!(tokens(text).join("|"), expected, "{text}");
        }
    }

    #[test]
    fn letters_are_composed_before_they_are_cut() {
        for (decomposed, composed) in [
            ("и\u{306}од е\u{308}лка", "йод ёлка"),
            ("カ\u{3099}イト\u{3099}", "ガイド"),
            ("\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}", "한국"),
            ("α\u{301}λφα", "άλφα"),
            ("u\u{308}ber e\u{301}te\u{301}", "uber ete"),
        ] {
            assert_eq!(searchable(decomposed), composed);
            assert_eq!(tokens(decomposed), composed.split(' ').collect::<Vec<_>>());
        }
    }

    #[test]
    fn accents_without_end_are_composed_in_time() {
        let began = std::time::Instant::now();
        let text = "\u{1100}\u{301}".repeat(1000) + &"\u{301}\u{323}".repeat(200_000);
        assert_eq!(searchable(&text).chars().count(), 1000);
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
    }

    #[test]
    fn later_emoji_part_words_too() {
        assert_eq!(searchable("  Hi🦀there — Café "), "hi there cafe");
        assert_eq!(searchable("…"), "");
    }

    proptest::proptest! {
        /// The text of the index has the tokens of the text, whichever way they are cut.
        #[test]
        fn an_index_gets_the_tokens(text in "([a-zA-Z0-9 .,'\u{300}-\u{340}é漢ΣK🦀²]|\\PC){0,40}") {
            proptest::prop_assert_eq!(searchable(&text), tokens(&text).join(" "));
        }

        /// ASCII has a way of its own.
        #[test]
        fn an_index_gets_the_tokens_of_ascii(text in "([a-zA-Z0-9]|[\\x00-\\x7f]){0,40}") {
            proptest::prop_assert_eq!(searchable(&text), tokens(&text).join(" "));
        }
    }
}
