//! Encoded words in header fields (RFC 2047), as lenient as people expect: also where other text
//! touches them, without padding, and with a character that is parted over two words. One pass, and
//! never an error: what is no encoded word stays as it stands.

use super::charset;
use super::transfer::{self, Encoding};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::{memchr, memmem};
use std::borrow::Cow;
use std::ops::Range;

/// The longest name of a charset, with a language behind it.
const CHARSET: usize = 80;

/// A field's value as text: lines put together, encoded words decoded.
pub(super) fn decoded(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    let mut at = 0;
    for run in runs(value) {
        unfold(&value[at..run.place.start], &mut text);
        text.push_str(&run.text);
        at = run.place.end;
    }
    unfold(&value[at..], &mut text);
    text
}

/// The value with encoded words that every parser reads: those in a row are one, in UTF-8, with what
/// touches them.
pub(super) fn settled(value: &[u8]) -> Cow<'_, [u8]> {
    let runs = runs(value);
    if runs.is_empty() {
        return Cow::Borrowed(value);
    }
    let mut settled = Vec::with_capacity(value.len());
    let mut at = 0;
    for Run { place, text } in runs {
        let before = &value[at..place.start];
        let before = before.iter().rposition(|octet| parts(*octet)).map_or(at, |end| at + end + 1);
        let behind = &value[place.end..];
        let behind = behind.iter().position(|octet| parts(*octet));
        let behind = behind.map_or(value.len(), |length| place.end + length);
        settled.extend_from_slice(&value[at..before]);
        let mut whole = String::from_utf8_lossy(&value[before..place.start]).into_owned();
        whole.push_str(&text);
        whole.push_str(&String::from_utf8_lossy(&value[place.end..behind]));
        settled.extend_from_slice(format!("=?utf-8?B?{}?=", STANDARD.encode(whole)).as_bytes());
        at = behind;
    }
    settled.extend_from_slice(&value[at..]);
    Cow::Owned(settled)
}

/// What means something to whoever parses a field, so that it may not go into a word.
fn parts(octet: u8) -> bool {
    octet <= b' ' || b"\"(),:;<>@\\=".contains(&octet)
}

/// Encoded words with nothing but white space between them.
struct Run {
    place: Range<usize>,
    text: String,
}

fn runs(value: &[u8]) -> Vec<Run> {
    let mut runs = Vec::new();
    // Most fields have none, which this tells at once.
    if memchr(b'?', value).is_none() {
        return runs;
    }
    // Behind the last end no word can begin; so nothing is looked through in vain again and again.
    let Some(last) = memmem::rfind(value, b"?=") else { return runs };
    let mut at = 0;
    while at < last {
        let Some(start) = memmem::find(&value[at..last], b"=?").map(|found| at + found) else {
            break;
        };
        match run(&value[start..]) {
            Some((text, length)) => {
                at = start + length;
                runs.push(Run { place: start..at, text });
            }
            None => at = start + 1,
        }
    }
    runs
}

/// The run that `value` begins with, and its length.
fn run(value: &[u8]) -> Option<(String, usize)> {
    let mut open = word(value)?;
    let mut end = open.length;
    let mut text = String::new();
    loop {
        let behind = &value[end..];
        let blanks = behind.iter().take_while(|octet| octet.is_ascii_whitespace()).count();
        let Some(next) = word(&behind[blanks..]) else { break };
        end += blanks + next.length;
        if next.charset == open.charset {
            open.octets.extend_from_slice(&next.octets);
        } else {
            text.push_str(&open.text());
            open = next;
        }
    }
    text.push_str(&open.text());
    Some((text, end))
}

struct Word {
    charset: String,
    octets: Vec<u8>,
    length: usize,
}

impl Word {
    fn text(&self) -> Cow<'_, str> {
        charset::decode(&self.octets, Some(&self.charset)).text
    }
}

/// The encoded word that `value` begins with: `=?charset*language?B?text?=`.
fn word(value: &[u8]) -> Option<Word> {
    let rest = value.strip_prefix(b"=?")?;
    let end = rest.iter().take(CHARSET).position(|octet| *octet == b'?')?;
    let charset = std::str::from_utf8(&rest[..end]).ok()?.split('*').next()?;
    if charset.is_empty() || !charset.bytes().all(|octet| octet.is_ascii_graphic()) {
        return None;
    }
    let (encoding, rest) = rest[end + 1..].split_first()?;
    let rest = rest.strip_prefix(b"?")?;
    let text = &rest[..memmem::find(rest, b"?=")?];
    let octets = match encoding {
        b'B' | b'b' => transfer::decode(text, Encoding::Base64, usize::MAX).0,
        b'Q' | b'q' => {
            let blanks = text.iter().map(|octet| if *octet == b'_' { b' ' } else { *octet });
            let text: Vec<u8> = blanks.collect();
            transfer::decode(&text, Encoding::QuotedPrintable, usize::MAX).0.into_owned().into()
        }
        _ => return None,
    };
    Some(Word {
        charset: charset.to_ascii_lowercase(),
        octets: octets.into_owned(),
        length: value.len() - rest.len() + text.len() + 2,
    })
}

/// Adds lines as one: a line's end, with the white space around it, is a single blank.
fn unfold(octets: &[u8], text: &mut String) {
    const BLANK: [char; 3] = [' ', '\t', '\r'];
    let start = text.len();
    let octets = String::from_utf8_lossy(octets);
    let mut rest = &*octets;
    while let Some(at) = memchr(b'\n', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        let kept = text[start..].trim_end_matches(BLANK).len();
        text.truncate(start + kept);
        text.push(' ');
        rest = rest[at + 1..].trim_start_matches(BLANK);
    }
    text.push_str(rest);
}
