//! Messages as files: what `export` writes and `import` reads.

use std::borrow::Cow;

/// Bare LF becomes CRLF, as mail data has it; what is CRLF stays.
pub(super) fn with_crlf(octets: &[u8]) -> Cow<'_, [u8]> {
    let is_bare = |at: usize| octets[at] == b'\n' && (at == 0 || octets[at - 1] != b'\r');
    let mut bare = memchr::memchr_iter(b'\n', octets).filter(|at| is_bare(*at)).peekable();
    if bare.peek().is_none() {
        return Cow::Borrowed(octets);
    }
    let mut converted = Vec::with_capacity(octets.len() + octets.len() / 32);
    let mut from = 0;
    for at in bare {
        converted.extend_from_slice(&octets[from..at]);
        converted.extend_from_slice(b"\r\n");
        from = at + 1;
    }
    converted.extend_from_slice(&octets[from..]);
    Cow::Owned(converted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_endings_become_those_of_mail() {
        for (given, wanted) in [
            (&b""[..], &b""[..]),
            (b"a\nb\n", b"a\r\nb\r\n"),
            (b"\n\na", b"\r\n\r\na"),
            (b"a\r\nb\nc\r\n", b"a\r\nb\r\nc\r\n"),
            (b"a\rb\r\r\n", b"a\rb\r\r\n"),
        ] {
            assert_eq!(&*with_crlf(given), wanted);
        }
        assert!(matches!(with_crlf(b"a\r\nb\r\n"), Cow::Borrowed(_)));
    }
}
