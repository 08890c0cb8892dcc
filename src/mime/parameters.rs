//! Parameters of a field as the parser should meet them. A file's name may stand there twice, for old
//! programs in ASCII and for others in the extended form (RFC 2231, RFC 6266); the extended one is meant,
//! whichever comes first.

use memchr::memchr;
use std::borrow::Cow;

/// The parameters that hold a file's name.
const NAMES: [&str; 2] = ["filename", "name"];

/// The value without names that stand there in the extended form as well.
pub(super) fn without_fallbacks(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'*', value).is_none() {
        return Cow::Borrowed(value);
    }
    let parameters = split(value);
    let is_extended = |name: &str, key: &[u8]| {
        let star = key.get(name.len()) == Some(&b'*');
        star && key[..name.len()].eq_ignore_ascii_case(name.as_bytes())
    };
    let doubled = NAMES.map(|name| {
        let has = parameters.iter().any(|one| is_extended(name, key(one)));
        has.then_some(name.as_bytes())
    });
    let is_fallback =
        |key: &[u8]| doubled.iter().flatten().any(|name| name.eq_ignore_ascii_case(key));
    let kept = parameters.into_iter().filter(|one| !is_fallback(key(one)));
    let mut value = kept.collect::<Vec<_>>().join(&b';');
    if !value.ends_with(b"\n") {
        value.push(b'\n');
    }
    Cow::Owned(value)
}

/// What stands in front of the `=`.
fn key(parameter: &[u8]) -> &[u8] {
    let end = memchr(b'=', parameter).unwrap_or(parameter.len());
    parameter[..end].trim_ascii()
}

/// The pieces between semicolons, those in quotes left alone.
fn split(value: &[u8]) -> Vec<&[u8]> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, octet) in value.iter().enumerate() {
        match octet {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b';' if !is_quoted => {
                pieces.push(&value[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&value[start..]);
    pieces
}
