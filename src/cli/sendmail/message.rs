//! The message as it comes in and as it goes out: read from standard input, with CRLF, with the fields that
//! sendmail adds where they are missing, without Bcc where the header named the recipients.
//!
//! Nothing else is changed: what is there stays, in its order.

use super::addresses;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{self, BufRead};
use std::ops::Range;

/// Octets of an encoded word's text, so that the word stays within its 75 (RFC 2047 §2).
const WORD: usize = 42;

/// Reads the message; a line that is a lone dot ends it unless dots are ignored.
pub(super) fn read(mut from: impl BufRead, ignore_dots: bool) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    if ignore_dots {
        from.read_to_end(&mut message)?;
        return Ok(message);
    }
    loop {
        let start = message.len();
        let read = from.read_until(b'\n', &mut message)?;
        if read == 0 {
            return Ok(message);
        }
        if matches!(&message[start..], b".\n" | b".\r\n" | b".") {
            message.truncate(start);
            return Ok(message);
        }
    }
}

/// A message with its header taken apart. Its lines end with CRLF.
#[derive(Clone, Debug)]
pub(super) struct Message {
    octets: Vec<u8>,
    fields: Vec<Field>,
    /// Where the header ends.
    end: usize,
    /// Whether an empty line stands there.
    is_separated: bool,
}

#[derive(Clone, Debug)]
struct Field {
    name: String,
    value: Range<usize>,
    whole: Range<usize>,
}

impl Message {
    pub(super) fn new(octets: &[u8]) -> Self {
        let octets = crate::cli::files::with_crlf(octets).into_owned();
        let mut fields: Vec<Field> = Vec::new();
        let mut at = 0;
        let mut is_separated = false;
        for line in octets.split_inclusive(|byte| *byte == b'\n') {
            let next = at + line.len();
            let is_postmark =
                fields.is_empty() && (line.starts_with(b"From ") || line.starts_with(b">From "));
            if line == b"\r\n" {
                is_separated = true;
                break;
            } else if is_postmark {
                // Of an mbox: no part of the message.
            } else if matches!(line.first(), Some(b' ' | b'\t')) && !fields.is_empty() {
                if let Some(field) = fields.last_mut() {
                    field.value.end = next;
                    field.whole.end = next;
                }
            } else if let Some(colon) = colon(line) {
                let name = String::from_utf8_lossy(line[..colon].trim_ascii_end()).into_owned();
                fields.push(Field { name, value: at + colon + 1..next, whole: at..next });
            } else {
                break;
            }
            at = next;
        }
        Self { octets, fields, end: at, is_separated }
    }

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The addresses in fields of that name.
    fn addresses(&self, name: &str) -> Vec<String> {
        let named = self.fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        let texts = named.map(|field| String::from_utf8_lossy(&self.octets[field.value.clone()]));
        texts.flat_map(|text| addresses::list(&text)).collect()
    }

    /// The recipients that the header names; where it was sent on, those of the sending-on (RFC 5322 §3.6.6).
    pub(super) fn recipients(&self) -> Vec<String> {
        let resent = ["Resent-To", "Resent-Cc", "Resent-Bcc"];
        let names =
            if resent.iter().any(|name| self.has(name)) { resent } else { ["To", "Cc", "Bcc"] };
        names.iter().flat_map(|name| self.addresses(name)).collect()
    }

    /// The message as it is sent: with what is `missing` in front, and without Bcc where that was read.
    pub(super) fn finished(&self, missing: &[(&str, String)], without_bcc: bool) -> Vec<u8> {
        let mut octets = Vec::with_capacity(self.octets.len() + 512);
        for (name, value) in missing.iter().filter(|(name, _)| !self.has(name)) {
            octets.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        for field in &self.fields {
            let is_bcc =
                ["Bcc", "Resent-Bcc"].iter().any(|name| field.name.eq_ignore_ascii_case(name));
            if !(is_bcc && without_bcc) {
                octets.extend_from_slice(&self.octets[field.whole.clone()]);
                if !octets.ends_with(b"\r\n") {
                    octets.extend_from_slice(b"\r\n");
                }
            }
        }
        // A message that begins with its text has an empty header all the same.
        if !self.is_separated {
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(&self.octets[self.end..]);
        octets
    }
}

/// The header of a message whose lines end with CRLF.
pub(super) fn header(octets: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(octets, b"\r\n\r\n");
    &octets[..end.unwrap_or(octets.len())]
}

/// Where the name of a field ends, if the line begins one.
fn colon(line: &[u8]) -> Option<usize> {
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(colon)
}

/// `From`'s value: the address, with the name if there is one.
pub(super) fn from(name: Option<&str>, address: &str) -> String {
    let name = name.unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let is_atom = |c: char| c.is_ascii_alphanumeric() || " !#$%&'*+-/=?^_`{|}~".contains(c);
    match name.trim() {
        "" => address.to_owned(),
        name if !name.is_ascii() => format!("{} <{address}>", encoded(name)),
        name if name.chars().all(is_atom) => format!("{name} <{address}>"),
        name => format!("\"{}\" <{address}>", name.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// Text as encoded words (RFC 2047).
fn encoded(mut text: &str) -> String {
    let mut words = Vec::new();
    while !text.is_empty() {
        let (word, rest) = text.split_at(text.floor_char_boundary(WORD));
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
        text = rest;
    }
    words.join("\r\n ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    fn finished(text: &str) -> String {
        let missing = [("From", "a@x.org".to_owned()), ("Date", "now".to_owned())];
        String::from_utf8(Message::new(text.as_bytes()).finished(&missing, true)).unwrap()
    }

    #[test]
    fn a_lone_dot_ends_the_message_unless_dots_are_ignored() {
        for (text, ended) in [
            ("a\n.\nb\n", "a\n"),
            ("a\r\n.\r\nb", "a\r\n"),
            ("a\n.", "a\n"),
            ("a\n..\n. \n.b\n", "a\n..\n. \n.b\n"),
            (".\n", ""),
        ] {
            assert_eq!(read(text.as_bytes(), false).unwrap(), ended.as_bytes(), "{text:?}");
            assert_eq!(read(text.as_bytes(), true).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn what_is_missing_is_added_and_the_rest_stays() {
        for (text, sent) in [
            ("FROM : me\ndate: x\n\nhi\n", "FROM : me\r\ndate: x\r\n\r\nhi\r\n"),
            ("Subject: x\n\nhi", "From: a@x.org\r\nDate: now\r\nSubject: x\r\n\r\nhi"),
            ("hello there\n\nhi\n", "From: a@x.org\r\nDate: now\r\n\r\nhello there\r\n\r\nhi\r\n"),
            ("\nTo: bob\n", "From: a@x.org\r\nDate: now\r\n\r\nTo: bob\r\n"),
            ("From me Thu\n>From you\nFrom: b\nDate: x\n\n", "From: b\r\nDate: x\r\n\r\n"),
            ("From: b\nDate: x\nnot a field\n", "From: b\r\nDate: x\r\n\r\nnot a field\r\n"),
            ("From: b\nDate: x", "From: b\r\nDate: x\r\n\r\n"),
            ("", "From: a@x.org\r\nDate: now\r\n\r\n"),
            (
                "From: b\r\nDate:\n x\nBcc: c,\n d\nTo: e\n\nBcc: f\n",
                "From: b\r\nDate:\r\n x\r\nTo: e\r\n\r\nBcc: f\r\n",
            ),
        ] {
            assert_eq!(finished(text), sent, "{text:?}");
        }
    }

    #[test]
    fn the_header_names_the_recipients() {
        let recipients = |text: &str| Message::new(text.as_bytes()).recipients();
        let all = "To: a@x.org,\n B <b@x.org>\nCC: c@x.org\nbcc: d@x.org\nTo: e\n\nTo: f\n";
        assert_eq!(recipients(all), ["a@x.org", "b@x.org", "e", "c@x.org", "d@x.org"]);
        assert_eq!(
            recipients("To: a@x.org\nResent-To: r@x.org\nResent-Bcc: s\n"),
            ["r@x.org", "s"]
        );
        assert!(recipients("Subject: x\n\n").is_empty());
    }

    #[test]
    fn names_are_written_as_headers_want_them() {
        assert_eq!(from(None, "a@x.org"), "a@x.org");
        assert_eq!(from(Some("Cron Daemon"), "a@x.org"), "Cron Daemon <a@x.org>");
        assert_eq!(from(Some("A. \"B\""), "a@x.org"), "\"A. \\\"B\\\"\" <a@x.org>");
        assert_eq!(from(Some("a\r\nBcc: b"), "a@x.org"), "\"aBcc: b\" <a@x.org>");
        let long = from(Some(&"Jürgen ".repeat(20)), "j@x.org");
        assert!(long.is_ascii() && long.split("\r\n").all(|line| line.len() <= 76 + 10), "{long}");
        let summary = crate::mime::Summary::read(format!("From: {long}\r\n\r\n").as_bytes());
        assert_eq!(summary.from[0].name.as_deref(), Some("Jürgen ".repeat(20).trim()));
    }
}
