//! Entities (`&amp;`, `&#8364;`) as the characters they stand for. Without its semicolon, or with a
//! name that HTML does not know, it stays as it is written: `?a=1&copy=2` is a URL, not a sign.

use mail_parser::decoders::html::add_html_token;
use memchr::memchr;
use std::borrow::Cow;

/// As long as the longest name, `CounterClockwiseContourIntegral`, and its semicolon.
const LONGEST: usize = 32;

pub(in crate::mime) fn decoded(text: &str) -> Cow<'_, str> {
    let Some(first) = memchr(b'&', text.as_bytes()) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while !rest.is_empty() {
        if let Some(length) = entity(rest) {
            let known = out.len();
            add_html_token(&mut out, &rest.as_bytes()[..length], false);
            // A terminal must not get from an entity what it would not get from the text.
            if out[known..].starts_with(|c: char| c.is_control() && !c.is_whitespace()) {
                out.truncate(known);
                out.push(char::REPLACEMENT_CHARACTER);
            }
            rest = &rest[length..];
        } else {
            // What is no entity stays, up to the next that may be one.
            let next = memchr(b'&', &rest.as_bytes()[1..]).map_or(rest.len(), |next| next + 1);
            out.push_str(&rest[..next]);
            rest = &rest[next..];
            continue;
        }
        let next = memchr(b'&', rest.as_bytes()).unwrap_or(rest.len());
        out.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    Cow::Owned(out)
}

/// The length of the entity that the text, which begins with `&`, begins with.
fn entity(text: &str) -> Option<usize> {
    let name = text.bytes().skip(1).take(LONGEST);
    let length = name.take_while(|c| c.is_ascii_alphanumeric() || *c == b'#').count();
    (length > 0 && text.as_bytes().get(length + 1) == Some(&b';')).then_some(length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities() {
        for (html, text) in [
            ("a &amp; b", "a & b"),
            ("&lt;&#60;&#x3C;&#X3c;", "<<<<"),
            ("&euro;&nbsp;&auml;", "€\u{a0}ä"),
            ("?a=1&copy=2&amp;b", "?a=1&copy=2&b"),
            ("&unknown; &; & &&amp;", "&unknown; &; & &&"),
            ("&#27;[31m &#0; &#x110000;", "\u{fffd}[31m \u{fffd} \u{fffd}"),
            ("&#10;", "\n"),
            ("&ü;", "&ü;"),
            ("", ""),
        ] {
            assert_eq!(decoded(html), text);
        }
    }
}
