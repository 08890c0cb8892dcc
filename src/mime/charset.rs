//! Charsets: octets become text. `mail-parser` decodes; here stand the names that programs use and it
//! does not know. A charset that nobody decodes any more, or that nobody knows, is read as UTF-8, so
//! that what is ASCII in it can be read, and the reader is told.

use mail_parser::decoders::charsets::DecoderFnc;
use mail_parser::decoders::charsets::map::charset_decoder;
use memchr::memchr;
use std::borrow::Cow;

/// Text, and what was wrong with it.
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    /// Whether the charset is known.
    pub(super) is_known: bool,
    /// Whether the charset, where it is known, has all of the octets.
    pub(super) is_sound: bool,
}

/// Octets as text. Without a charset they are UTF-8.
pub(super) fn decode<'a>(octets: &'a [u8], charset: Option<&str>) -> Decoded<'a> {
    let kind = charset.map_or(Kind::Utf8, kind);
    if let Kind::Other(decoder) = kind {
        let text = decoder(octets);
        let is_sound = !text.contains(char::REPLACEMENT_CHARACTER);
        return Decoded { text: text.into(), is_known: true, is_sound };
    }
    let is_known = matches!(kind, Kind::Utf8);
    // Much faster than to look for what is to be replaced.
    let text =
        std::str::from_utf8(octets).map_or_else(|_| String::from_utf8_lossy(octets), Cow::Borrowed);
    // What is borrowed had nothing to replace.
    let is_sound = matches!(text, Cow::Borrowed(_)) || !is_known;
    Decoded { text, is_known, is_sound }
}

enum Kind {
    /// UTF-8, and ASCII: who says that and sends more mostly sends UTF-8.
    Utf8,
    Other(DecoderFnc),
    Unknown,
}

fn kind(charset: &str) -> Kind {
    let name = charset.to_ascii_lowercase().replace('_', "-");
    let name = match &*name {
        "utf-8" | "utf8" | "unicode-1-1-utf-8" | "cp65001" | "us-ascii" | "ascii" | "us"
        | "csascii" | "ansi-x3.4-1968" | "ansi-x3.4-1986" | "iso646-us" | "iso-646.irv:1991"
        | "iso-ir-6" | "cp367" | "ibm367" => return Kind::Utf8,
        // Its decoder loses what ends a run of base64.
        "utf-7" | "utf7" | "unicode-1-1-utf-7" | "csutf7" => return Kind::Other(utf7),
        // Browsers decode none of these, for safety, and so the decoder makes U+FFFD of everything.
        "iso-2022-kr" | "csiso2022kr" | "iso-2022-cn" | "iso-2022-cn-ext" | "hz-gb-2312"
        | "replacement" => return Kind::Unknown,
        "cp949" | "ms949" | "uhc" | "x-windows-949" | "euckr" | "ks-c-5601" => "euc-kr",
        "cp932" | "windows-932" | "x-ms932" | "sjis-win" => "shift-jis",
        "eucjp" | "eucjp-win" | "eucjp-ms" | "cp51932" => "euc-jp",
        "iso-2022-jp-1" | "iso-2022-jp-2" | "iso-2022-jp-ms" | "cp50220" | "cp50221"
        | "cp50222" => "iso-2022-jp",
        "cp950" | "ms950" | "windows-950" => "big5",
        "koi8r" => "koi8-r",
        "koi8u" => "koi8-u",
        other => other,
    };
    charset_decoder(name.as_bytes()).map_or(Kind::Unknown, Kind::Other)
}

/// RFC 2152, and what is not of it as it stands.
fn utf7(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut rest = octets;
    while let Some(plus) = memchr(b'+', rest) {
        text.push_str(&String::from_utf8_lossy(&rest[..plus]));
        let run = &rest[plus + 1..];
        let length = run.iter().position(|octet| sextet(*octet).is_none()).unwrap_or(run.len());
        let (run, behind) = run.split_at(length);
        if run.is_empty() {
            text.push('+');
        }
        let units = units(run);
        text.extend(
            char::decode_utf16(units).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)),
        );
        // The end of a run is not part of the text where it is this one.
        rest = behind.strip_prefix(b"-").unwrap_or(behind);
    }
    text.push_str(&String::from_utf8_lossy(rest));
    text
}

/// The units of UTF-16 in a run of base64; the bits that fill up its end are none.
fn units(run: &[u8]) -> impl Iterator<Item = u16> {
    let (mut bits, mut held) = (0_u32, 0);
    run.iter().filter_map(move |octet| {
        bits = (bits << 6) | u32::from(sextet(*octet)?);
        held += 6;
        if held < 16 {
            return None;
        }
        held -= 16;
        // The unit that is complete; what lies above it has been given out.
        Some((bits >> held) as u16)
    })
}

/// The six bits that a digit of base64 stands for.
pub(super) fn sextet(octet: u8) -> Option<u8> {
    Some(match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}
