//! A reply: code, enhanced status code, text (RFC 5321 §4.2, RFC 2034).
//!
//! The class of the enhanced code is taken from the reply code, so the two cannot disagree, and
//! text cannot hold CR or LF: whatever is put in is escaped. One function renders every reply.

use std::borrow::Cow;

/// The longest reply line, CRLF included, in octets (RFC 5321 §4.5.3.1.5).
const MAX_LINE: usize = 512;

/// `subject.detail` of an enhanced status code (RFC 3463); the class comes from the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enhanced {
    /// What it is about: addressing, mailbox, mail system, network, protocol, content, security.
    pub subject: u16,
    /// Which condition.
    pub detail: u16,
}

/// What the server answers to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    enhanced: Option<Enhanced>,
    text: Text,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Text {
    Line(Cow<'static, str>),
    Lines(Vec<String>),
}

impl Reply {
    /// A reply with an enhanced status code and a fixed text.
    #[must_use]
    pub const fn new(code: u16, subject: u16, detail: u16, text: &'static str) -> Self {
        let enhanced = Some(Enhanced { subject, detail });
        Self { code, enhanced, text: Text::Line(Cow::Borrowed(text)) }
    }

    /// A reply without an enhanced status code: the greeting, 334 and 354 have none.
    #[must_use]
    pub const fn bare(code: u16, text: &'static str) -> Self {
        Self { code, enhanced: None, text: Text::Line(Cow::Borrowed(text)) }
    }

    /// The same reply with a text made for the occasion; control characters are escaped.
    #[must_use]
    pub fn with_text(self, text: impl Into<String>) -> Self {
        Self { text: Text::Line(Cow::Owned(one_line(text.into()))), ..self }
    }

    /// The same reply with several lines; control characters are escaped.
    #[must_use]
    pub fn with_lines<I: IntoIterator<Item: Into<String>>>(self, lines: I) -> Self {
        let lines = lines.into_iter().map(|line| one_line(line.into())).collect();
        Self { text: Text::Lines(lines), ..self }
    }

    /// The three-digit code.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced status code, such as `5.7.0`.
    #[must_use]
    pub fn enhanced(&self) -> Option<String> {
        self.enhanced.map(|e| format!("{}.{}.{}", self.code / 100, e.subject, e.detail))
    }

    /// Its text without code and enhanced status code; LF parts several lines.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.text {
            Text::Line(line) => line.to_string(),
            Text::Lines(lines) => lines.join("\n"),
        }
    }

    /// Whether the code is 4xx or 5xx.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.code >= 400
    }

    /// Writes the reply as it goes over the wire.
    pub fn render(&self, enhanced_codes: bool, out: &mut Vec<u8>) {
        let enhanced = self.enhanced.filter(|_| enhanced_codes);
        match &self.text {
            Text::Line(line) => self.render_line(b' ', enhanced, line, out),
            Text::Lines(lines) => {
                let last = lines.len().saturating_sub(1);
                for (at, line) in lines.iter().enumerate() {
                    let separator = if at == last { b' ' } else { b'-' };
                    self.render_line(separator, enhanced, line, out);
                }
            }
        }
    }

    fn render_line(
        &self,
        separator: u8,
        enhanced: Option<Enhanced>,
        text: &str,
        out: &mut Vec<u8>,
    ) {
        // Room for all of it at once; the codes have 16 octets at most.
        out.reserve(text.len().min(MAX_LINE) + 24);
        let start = out.len();
        let digit = |n: u16| b'0' + (n % 10) as u8;
        let class = digit(self.code / 100);
        out.extend_from_slice(&[class, digit(self.code / 10), digit(self.code), separator]);
        if let Some(Enhanced { subject, detail }) = enhanced {
            out.extend_from_slice(&[class, b'.']);
            number(subject, out);
            out.push(b'.');
            number(detail, out);
            out.push(b' ');
        }
        let room = MAX_LINE - 2 - (out.len() - start);
        out.extend_from_slice(&text.as_bytes()[..text.floor_char_boundary(room)]);
        out.extend_from_slice(b"\r\n");
    }
}

/// Writes a number as text.
fn number(n: u16, out: &mut Vec<u8>) {
    if n > 9 {
        number(n / 10, out);
    }
    out.push(b'0' + (n % 10) as u8);
}

/// Control characters, C1 included, are spelled out: they could end the line or drive a terminal.
fn one_line(text: String) -> String {
    let is_plain = text.bytes().all(|octet| (0x20..0x7f).contains(&octet));
    if is_plain || !text.chars().any(char::is_control) {
        return text;
    }
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(reply: &Reply, enhanced: bool) -> String {
        let mut out = Vec::new();
        reply.render(enhanced, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn class_follows_the_code() {
        let reply = Reply::new(550, 7, 1, "Not yours");
        assert_eq!(rendered(&reply, true), "550 5.7.1 Not yours\r\n");
        assert_eq!(rendered(&reply, false), "550 Not yours\r\n");
        assert_eq!(reply.enhanced().as_deref(), Some("5.7.1"));
        let reply = Reply::new(450, 4, 123, "Odd");
        assert_eq!(rendered(&reply, true), "450 4.4.123 Odd\r\n");
    }

    #[test]
    fn text_cannot_break_a_line() {
        let reply = Reply::bare(250, "").with_text("a\r\n250 b\u{1b}[1m\u{9b}");
        assert_eq!(rendered(&reply, true), "250 a\\r\\n250 b\\u{1b}[1m\\u{9b}\r\n");
    }

    #[test]
    fn lines_are_numbered_and_cut_at_512() {
        let reply = Reply::bare(250, "").with_lines(["one".to_owned(), "ä".repeat(400)]);
        let text = rendered(&reply, true);
        assert!(text.starts_with("250-one\r\n250 ää"));
        assert!(text.split_inclusive("\r\n").all(|line| line.len() <= MAX_LINE));
    }
}
