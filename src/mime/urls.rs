//! URLs in running text. Only those with their scheme written out (http, https, mailto) count; what
//! ends a sentence, closes a bracket or a quotation is not part of them.

use memchr::memchr_iter;
use std::ops::Range;

/// Where the URLs lie, in order, without overlap.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    // Nothing is measured twice: `mailto:mailto:mailto:…` would be looked through again and again.
    let mut measured = 0;
    for colon in memchr_iter(b':', text.as_bytes()) {
        if colon < measured {
            continue;
        }
        let Some(start) = scheme(text, colon).filter(|start| *start >= measured) else { continue };
        let mail = text.as_bytes()[start].eq_ignore_ascii_case(&b'm');
        if !mail && !text[colon + 1..].starts_with("//") {
            continue;
        }
        let end = colon + 1 + length(&text[..start], &text[colon + 1..]);
        measured = end;
        let rest = &text[colon + 1..end];
        let plausible = match rest.strip_prefix("//") {
            Some(rest) => rest.starts_with(|c: char| c.is_alphanumeric() || c == '['),
            None => rest.find('@').is_some_and(|at| at > 0 && at + 1 < rest.len()),
        };
        if plausible {
            found.push(start..end);
        }
    }
    found
}

/// Where the scheme begins that ends at this colon.
fn scheme(text: &str, colon: usize) -> Option<usize> {
    let before = &text.as_bytes()[..colon];
    let start = ["https", "http", "mailto"].iter().find_map(|scheme| {
        let start = colon.checked_sub(scheme.len())?;
        before[start..].eq_ignore_ascii_case(scheme.as_bytes()).then_some(start)
    })?;
    let glued = start > 0 && before[start - 1].is_ascii_alphanumeric();
    (!glued).then_some(start)
}

/// How much of the text behind a scheme's colon belongs to the URL. Brackets may be part of it if they
/// are closed in it. Where it stands between `<` and `>`, all of it is meant.
fn length(before: &str, text: &str) -> usize {
    if before.ends_with('<') {
        let end = text.find(ends).unwrap_or(text.len());
        if text[end..].starts_with('>') {
            return end;
        }
    }
    let (mut round, mut square) = (0_i32, 0_i32);
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        match c {
            '(' => round += 1,
            ')' => round -= 1,
            '[' => square += 1,
            ']' => square -= 1,
            _ => {}
        }
        if round < 0 || square < 0 || ends(c) {
            end = at;
            break;
        }
    }
    // Markdown's emphasis. A token may end in these as well, so no more go than stand in front.
    let marks = before.len() - before.trim_end_matches(['*', '_', '~']).len();
    let mut marks: Vec<char> = before[before.len() - marks..].chars().rev().collect();
    let mut url = &text[..end];
    while let Some(c) = url.chars().next_back() {
        let opened = (c == '(' && round > 0) || (c == '[' && square > 0);
        let closes = marks.last() == Some(&c);
        if !opened && !closes && !matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '…') {
            break;
        }
        if closes {
            marks.pop();
        }
        url = &url[..url.len() - c.len_utf8()];
    }
    url.len()
}

/// What no URL contains. Chinese and Japanese put no blank behind one, but their own punctuation.
fn ends(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '<' | '>' | '"' | '`' | '|' | '\\' | '“' | '”' | '„' | '‘' | '’' | '«' | '»')
        || matches!(c, '\u{200B}' | '\u{3000}'..='\u{3003}' | '\u{3008}'..='\u{3011}')
        || matches!(c, '！' | '（' | '）' | '，' | '：' | '；' | '？')
}

/// The scheme of a URL in lower case, if it has one.
pub(super) fn scheme_of(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once(':')?;
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c));
    valid.then(|| scheme.to_ascii_lowercase())
}

/// The host that a URL names, in lower case; of a `mailto:` the first address's domain.
pub(super) fn host_of(url: &str) -> Option<String> {
    let scheme = scheme_of(url);
    let rest = scheme.as_ref().map_or(url, |scheme| &url[scheme.len() + 1..]);
    let host = if scheme.as_deref() == Some("mailto") {
        let addresses = rest.split('?').next().unwrap_or_default();
        addresses.split(',').next()?.rsplit_once('@')?.1
    } else {
        // Browsers take either slash.
        let slash = |c| matches!(c, '/' | '\\');
        let rest = rest.strip_prefix(slash)?.strip_prefix(slash)?;
        let authority = rest.split(|c| slash(c) || c == '?' || c == '#').next()?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        match host.strip_prefix('[') {
            Some(literal) => literal.split(']').next()?,
            None => host.split(':').next()?,
        }
    };
    let host = host.trim().trim_end_matches('.');
    (!host.is_empty()).then(|| host.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_in_sentences() {
        for (text, urls) in [
            ("See https://a.example/x?y=1&z=2#f.", &["https://a.example/x?y=1&z=2#f"][..]),
            (
                "(https://a.example/x), <http://b.example>!",
                &["https://a.example/x", "http://b.example"],
            ),
            (
                "https://en.example/wiki/Rust_(language) and",
                &["https://en.example/wiki/Rust_(language)"],
            ),
            (
                "[link](https://a.example/b) \"https://c.example\"",
                &["https://a.example/b", "https://c.example"],
            ),
            (
                "HTTPS://A.example, or http://127.0.0.1:3000/t?k=[1]",
                &["HTTPS://A.example", "http://127.0.0.1:3000/t?k=[1]"],
            ),
            ("http://[::1]:80/x", &["http://[::1]:80/x"]),
            ("mail mailto:a@b.example?subject=x. mailto:nobody", &["mailto:a@b.example?subject=x"]),
            ("请访问https://a.example/验证。谢谢", &["https://a.example/验证"]),
            ("http:// https:/x xhttps://no.example javascript:alert(1) https://.", &[]),
            (
                "url=https://a.example/?u=https://b.example/",
                &["https://a.example/?u=https://b.example/"],
            ),
            (
                "**https://a.example/**. _https://a.example/x__",
                &["https://a.example/", "https://a.example/x_"],
            ),
            // What ends a token stays, unless it began in front of the URL as well.
            ("Reset: https://a.example/r?t=abcDEF_", &["https://a.example/r?t=abcDEF_"]),
            (
                "https://a.example/r?t=abc~, https://a.example/v1.sig*.",
                &["https://a.example/r?t=abc~", "https://a.example/v1.sig*"],
            ),
            (
                "<https://a.example/r?t=abc~> <https://a.example/?n=.>",
                &["https://a.example/r?t=abc~", "https://a.example/?n=."],
            ),
            (
                "<https://a.example/it's'> <https://a.example/x. and",
                &["https://a.example/it's'", "https://a.example/x"],
            ),
        ] {
            let found: Vec<_> = find(text).into_iter().map(|at| &text[at]).collect();
            assert_eq!(found, urls, "{text:?}");
        }
    }

    #[test]
    fn hosts() {
        for (url, host) in [
            ("https://User:pw@EXAMPLE.org:8443/x@y", Some("example.org")),
            ("http://[::1]:80/", Some("::1")),
            ("//cdn.example/x", Some("cdn.example")),
            ("https:\\\\evil.example\\x", Some("evil.example")),
            ("mailto:a@b.example?cc=c@d.example", Some("b.example")),
            ("javascript:alert('//x')", None),
            ("/path", None),
            ("https://", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
    }
}
