//! HTML as mail has it, taken apart: tags, text, attributes. It never fails and never looks at an
//! octet more than a few times; what HTML's own rules would swallow (an unfinished tag or comment,
//! a script without an end) is left out here as well. It builds no tree.

mod entity;
mod text;

pub(super) use entity::decoded;
pub(super) use text::text;

use memchr::{memchr, memmem};

/// A piece of HTML.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// Text, its entities not yet decoded.
    Text(&'a str),
    /// A start tag: its name, and the rest of it for [`attribute`].
    Start(&'a str, &'a str),
    /// An end tag.
    End(&'a str),
}

/// Elements whose content is no text for people.
const SILENT: [&str; 9] =
    ["script", "style", "title", "template", "textarea", "noframes", "iframe", "select", "svg"];

/// The pieces of some HTML, in order.
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(html: &'a str) -> Self {
        Self { rest: html }
    }

    fn take(&mut self, octets: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(octets);
        self.rest = rest;
        taken
    }

    /// Leaves out everything up to and with `end`; all of the rest if it does not come.
    fn skip_past(&mut self, end: &str) {
        let found = memmem::find(self.rest.as_bytes(), end.as_bytes());
        self.take(found.map_or(self.rest.len(), |at| at + end.len()));
    }

    /// Leaves out the content of an element that is no text.
    fn skip_silent(&mut self, name: &str) {
        let mut at = 0;
        while let Some(found) = memmem::find(&self.rest.as_bytes()[at..], b"</") {
            at += found + 2;
            let end = self.rest.as_bytes().get(at..at + name.len());
            if end.is_some_and(|end| end.eq_ignore_ascii_case(name.as_bytes())) {
                self.take(at - 2);
                return;
            }
        }
        self.rest = "";
    }

    /// The tag that begins here, if one does. Nothing if it has no end.
    fn tag(&mut self) -> Option<Token<'a>> {
        let ends = self.rest.starts_with("</");
        self.take(if ends { 2 } else { 1 });
        let Some(end) = tag_end(self.rest, ends) else {
            self.rest = "";
            return None;
        };
        let tag = self.take(end);
        self.take(1);
        let name = tag.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(tag.len());
        let (name, attributes) = tag.split_at(name);
        if ends {
            return Some(Token::End(name));
        }
        if let Some(silent) = SILENT.iter().find(|silent| silent.eq_ignore_ascii_case(name))
            && !(*silent == "svg" && attributes.ends_with('/'))
        {
            self.skip_silent(silent);
        }
        Some(Token::Start(name, attributes))
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let bytes = self.rest.as_bytes();
            let at = memchr(b'<', bytes).unwrap_or(bytes.len());
            if at > 0 {
                return Some(Token::Text(self.take(at)));
            }
            match bytes.get(1) {
                _ if bytes.is_empty() => return None,
                Some(b'!') if bytes.starts_with(b"<!-->") => _ = self.take(5),
                Some(b'!') if bytes.starts_with(b"<!--") => {
                    self.take(4);
                    self.skip_past("-->");
                }
                Some(b'!' | b'?') => self.skip_past(">"),
                Some(c) if c.is_ascii_alphabetic() => return self.tag(),
                Some(b'/') if bytes.get(2).is_some_and(u8::is_ascii_alphabetic) => {
                    return self.tag();
                }
                Some(b'/') => self.skip_past(">"),
                // Somebody wrote `a < b`.
                _ => {
                    let next = memchr(b'<', &bytes[1..]).map_or(bytes.len(), |next| next + 1);
                    return Some(Token::Text(self.take(next)));
                }
            }
        }
    }
}

/// Where the tag ends that has just begun. A `>` inside a quoted value does not end it.
fn tag_end(tag: &str, ends: bool) -> Option<usize> {
    let (mut quote, mut value) = (None, false);
    if ends {
        return memchr(b'>', tag.as_bytes());
    }
    for (at, c) in tag.bytes().enumerate() {
        match (quote, c) {
            (Some(open), _) => {
                if open == c {
                    quote = None;
                    value = false;
                }
            }
            (None, b'>') => return Some(at),
            (None, b'=') => value = true,
            (None, b'"' | b'\'') if value => quote = Some(c),
            (None, c) if c.is_ascii_whitespace() => {}
            (None, _) => value = false,
        }
    }
    None
}

/// The value of a tag's attribute, decoded.
pub(super) fn attribute(attributes: &str, name: &str) -> Option<String> {
    let mut rest = attributes;
    let blank = |c: char| c.is_ascii_whitespace();
    loop {
        rest = rest.trim_start_matches(|c: char| blank(c) || c == '/' || c == '=');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| blank(c) || c == '/' || c == '=').unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let after = after.trim_start_matches(blank);
        let Some(after) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let after = after.trim_start_matches(blank);
        let (value, after) = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = &after[1..];
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            _ => after.split_at(after.find(blank).unwrap_or(after.len())),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(decoded(value).into_owned());
        }
        rest = after;
    }
}
