//! Content as it was before it was encoded to travel: base64, quoted-printable, line ends.
//! Lenient, because a person wants to see what is there: whatever fits is decoded, the rest is
//! passed over or kept, and the content is marked.

use super::charset::{self, Decoded, sextet};
use super::limits::{Mark, Marks};
use memchr::memchr;
use std::borrow::Cow;

/// A Content-Transfer-Encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// 7bit, 8bit, binary, or one that nobody knows.
    Identity,
    Base64,
    QuotedPrintable,
}

impl Encoding {
    pub(super) fn named(name: &str) -> Self {
        if name.eq_ignore_ascii_case("base64") {
            Self::Base64
        } else if name.eq_ignore_ascii_case("quoted-printable") {
            Self::QuotedPrintable
        } else {
            Self::Identity
        }
    }
}

/// The content decoded, no more than `limit` octets of it, and whether all of it was sound.
pub(super) fn decode(bytes: &[u8], encoding: Encoding, limit: usize) -> (Cow<'_, [u8]>, bool) {
    let (mut out, mut left) = (Vec::new(), limit);
    let sound = match encoding {
        Encoding::Identity => return (Cow::Borrowed(&bytes[..bytes.len().min(limit)]), true),
        Encoding::Base64 => base64(bytes, |octet| keep(&mut out, &mut left, octet)),
        Encoding::QuotedPrintable => quoted(bytes, |octet| keep(&mut out, &mut left, octet)),
    };
    (Cow::Owned(out), sound)
}

/// How long the content is once decoded.
pub(super) fn size(bytes: &[u8], encoding: Encoding) -> usize {
    let mut size = 0;
    let count = |_| {
        size += 1;
        true
    };
    match encoding {
        Encoding::Identity => return bytes.len(),
        Encoding::Base64 => base64(bytes, count),
        Encoding::QuotedPrintable => quoted(bytes, count),
    };
    size
}

/// Says whether there is room for more.
fn keep(out: &mut Vec<u8>, left: &mut usize, octet: u8) -> bool {
    if *left > 0 {
        out.push(octet);
        *left -= 1;
    }
    *left > 0
}

/// Passes over what is not of the alphabet; after padding it begins anew, since some programs
/// join encoded pieces.
fn base64(bytes: &[u8], mut sink: impl FnMut(u8) -> bool) -> bool {
    let (mut bits, mut held, mut sound) = (0_u32, 0_u32, true);
    for &octet in bytes {
        let Some(value) = sextet(octet) else {
            match octet {
                b'=' => held = 0,
                _ => sound &= octet.is_ascii_whitespace(),
            }
            continue;
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            // The octet that is complete; what lies above it has been given out.
            if !sink((bits >> held) as u8) {
                break;
            }
        }
    }
    sound
}

fn quoted(bytes: &[u8], mut sink: impl FnMut(u8) -> bool) -> bool {
    let (mut at, mut sound) = (0, true);
    while let Some(&octet) = bytes.get(at) {
        at += 1;
        let mut octet = octet;
        if octet == b'=' {
            if let Some(value) = hex(bytes.get(at..at + 2)) {
                octet = value;
                at += 2;
            } else if let Some(next) = soft_break(&bytes[at..]) {
                at += next;
                continue;
            } else {
                sound = false;
            }
        }
        if !sink(octet) {
            break;
        }
    }
    sound
}

fn hex(digits: Option<&[u8]>) -> Option<u8> {
    let digit = |octet: u8| char::from(octet).to_digit(16);
    let [high, low] = digits? else { return None };
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

/// The length of a line end, with the blanks that a mail server may have left in front of it.
fn soft_break(bytes: &[u8]) -> Option<usize> {
    let blanks = bytes.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    match &bytes[blanks..] {
        [] => Some(blanks),
        [b'\n', ..] => Some(blanks + 1),
        [b'\r', b'\n', ..] => Some(blanks + 2),
        _ => None,
    }
}

/// Text out of decoded content, lines ended by LF alone.
pub(super) fn text(content: &[u8], charset: Option<&str>, marks: &mut Marks) -> String {
    let Decoded { text, is_known, is_sound } = charset::decode(content, charset);
    if !is_known {
        marks.add(Mark::UnknownCharset);
    }
    if !is_sound {
        marks.add(Mark::BrokenCharset);
    }
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
    ended_by_lf(text)
}

/// The text with LF where CRLF was.
fn ended_by_lf(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(end) = memchr(b'\n', rest.as_bytes()) {
        let (line, behind) = rest.split_at(end);
        out.push_str(line.strip_suffix('\r').unwrap_or(line));
        out.push('\n');
        rest = &behind[1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_fits() {
        use Encoding::{Base64, QuotedPrintable};
        for (encoding, encoded, content, sound) in [
            (Base64, "aGVs\r\nbG8=", "hello", true),
            (Base64, "aGVsbG8", "hello", true),
            (Base64, "aGk=aGk=", "hihi", true),
            (Base64, "a*GVsbG8=", "hello", false),
            (Base64, "", "", true),
            (QuotedPrintable, "a=3Db=\r\nc", "a=bc", true),
            (QuotedPrintable, "so= \nft=", "soft", true),
            (QuotedPrintable, "x=3d=G1", "x==G1", false),
        ] {
            let decoded = decode(encoded.as_bytes(), encoding, 100);
            assert_eq!(decoded, (Cow::from(content.as_bytes()), sound), "{encoded:?}");
            assert_eq!(size(encoded.as_bytes(), encoding), content.len(), "{encoded:?}");
        }
        assert_eq!(&*decode(b"aGVsbG8=", Base64, 2).0, b"he");
        assert_eq!(&*decode(b"hello", Encoding::Identity, 2).0, b"he");
    }

    #[test]
    fn charsets_are_read_or_marked() {
        let mut marks = Marks::default();
        assert_eq!(text(b"gr\xfc\xdfe\r\n", Some("iso-8859-1"), &mut marks), "grüße\n");
        assert_eq!(text("\u{feff}hé".as_bytes(), None, &mut marks), "hé");
        assert_eq!(marks.list(), []);
        assert_eq!(text(b"a\xff", None, &mut marks), "a\u{fffd}");
        assert_eq!(text(b"a", Some("klingon"), &mut marks), "a");
        assert_eq!(marks.list(), [Mark::UnknownCharset, Mark::BrokenCharset]);
    }
}
