//! Messages as files: what `export` writes and `import` reads.

pub(super) mod mbox;
pub(super) mod source;

use indicatif::{ProgressBar, ProgressStyle};
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

/// The message in a file of its own. One with a CRLF in it has its exact octets, so a bare LF is meant; one with none
/// comes from a program of Unix, whose LF is mail's CRLF.
pub(super) fn message_of_a_file(octets: &[u8]) -> Cow<'_, [u8]> {
    match memchr::memmem::find(octets, b"\r\n") {
        Some(_) => Cow::Borrowed(octets),
        None => with_crlf(octets),
    }
}

/// How far it has come, on a terminal; nothing elsewhere.
pub(super) fn progress(length: u64, of_octets: bool) -> ProgressBar {
    // What draws is standard error, and only where that is a terminal.
    let bar = ProgressBar::new(length);
    let template = if of_octets {
        "{wide_bar} {bytes} of {total_bytes}, {eta} left"
    } else {
        "{wide_bar} {pos} of {len}, {eta} left"
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
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

    #[test]
    fn a_file_with_crlf_stays_as_it_is() {
        for (given, wanted) in [
            (&b""[..], &b""[..]),
            (b"a\nb\n", b"a\r\nb\r\n"),
            (b"\n\ra", b"\r\n\ra"),
            (b"a\r\nb\nc", b"a\r\nb\nc"),
            (b"From a\r\n", b"From a\r\n"),
        ] {
            assert_eq!(&*message_of_a_file(given), wanted);
        }
    }
}
