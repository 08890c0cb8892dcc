//! Cuts a query into terms and what stands between them.
//!
//! Refuses quotes that are not closed or stand inside a value, keys that do not exist, and a `-`
//! with nothing right behind it. A key is ASCII letters, `-` and `_` up to a colon; `http://`,
//! `std::`, `12:` and an unknown name with nothing behind its colon are plain words. Only
//! behind a key for addresses can a value begin with colons: `client:::1`.

use super::error::Fault;
use super::key;
use super::language::Language;
use std::ops::Range;
use time::OffsetDateTime;

/// A piece of a query.
#[derive(Debug)]
pub(super) enum Token<T> {
    Open,
    Close,
    Or,
    And,
    Not,
    Term(T),
}

/// A piece and its place.
pub(super) type Placed<T> = (Token<T>, Range<usize>);

/// What stands behind a key, or alone.
#[derive(Debug)]
pub(super) struct Value {
    /// Without quotes and their escapes.
    pub(super) text: String,
    /// Where it stands, with its quotes.
    pub(super) span: Range<usize>,
    pub(super) quoted: bool,
    /// Whether a `*` follows the quotes.
    pub(super) open: bool,
}

/// Reads a query from left to right.
pub(super) struct Lexer<'a, T: 'static> {
    language: &'static Language<T>,
    text: &'a str,
    at: usize,
    now: OffsetDateTime,
}

impl<'a, T: Clone> Lexer<'a, T> {
    pub(super) fn new(language: &'static Language<T>, text: &'a str, now: OffsetDateTime) -> Self {
        Self { language, text, at: 0, now }
    }

    /// The time that `1h` ago is counted from.
    pub(super) fn now(&self) -> OffsetDateTime {
        self.now
    }

    /// The next piece and where it stands, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Placed<T>>, Fault> {
        let start = self.text.len() - self.rest().trim_start().len();
        self.at = start;
        let Some(first) = self.rest().chars().next() else { return Ok(None) };
        let token = match first {
            '(' => self.take(1, Token::Open),
            ')' => self.take(1, Token::Close),
            '-' | '!' => self.negation(first)?,
            _ => match &self.rest()[..self.bare_length()] {
                "OR" => self.take(2, Token::Or),
                "AND" => self.take(3, Token::And),
                _ => Token::Term(self.term()?),
            },
        };
        Ok(Some((token, start..self.at)))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn take(&mut self, length: usize, token: Token<T>) -> Token<T> {
        self.at += length;
        token
    }

    /// How far a value without quotes goes.
    fn bare_length(&self) -> usize {
        let rest = self.rest();
        rest.find(|c| !is_bare(c)).unwrap_or(rest.len())
    }

    fn negation(&mut self, sign: char) -> Result<Token<T>, Fault> {
        let next = self.rest().chars().nth(1);
        if next.is_some_and(|c| c == '(' || c == '"' || is_bare(c)) {
            return Ok(self.take(1, Token::Not));
        }
        let message = format!("`{sign}` negates what stands right behind it, and here is nothing");
        Err(Fault::new(self.at..self.at + 1, message).help(format!(
            "as in `{sign}word`; to find text with a `{sign}` in it, put it in quotes"
        )))
    }

    fn term(&mut self) -> Result<T, Fault> {
        let Some(length) = key_length(self.rest()) else { return self.plain() };
        let name = &self.rest()[..length];
        let span = self.at..self.at + length + 1;
        let behind = &self.rest()[length + 1..];
        let given = behind.chars().next().is_some_and(|c| !c.is_whitespace() && c != ')');
        let colons = behind.starts_with(':');
        match self.language.find(name) {
            Some(key) if !colons || key.takes_addresses() => {
                self.at = span.end;
                key.term(self)
            }
            None if given && !colons => Err(self.language.unknown(name, span)),
            _ => self.plain(),
        }
    }

    fn plain(&mut self) -> Result<T, Fault> {
        let value = self.value()?;
        key::words(&value).map(self.language.text)
    }

    /// The name of a header field and the colon behind it.
    pub(super) fn field_name(&mut self) -> Result<String, Fault> {
        let bare = &self.rest()[..self.bare_length()];
        let name = bare.split(':').next().unwrap_or(bare);
        let span = self.at - "header:".len()..self.at + name.len();
        let good = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !good || name.len() == bare.len() {
            let message = "`header:` takes the name of a header field, a colon and a value";
            return Err(Fault::new(span, message).help("as in `header:X-Name:value`"));
        }
        self.at += name.len() + 1;
        Ok(name.to_owned())
    }

    /// A value, with quotes or without.
    pub(super) fn value(&mut self) -> Result<Value, Fault> {
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let (start, end) = (self.at, self.at + self.bare_length());
        self.at = end;
        let next = self.rest().chars().next();
        if next == Some('"') {
            let message = "a quote can only stand around a whole value";
            return Err(Fault::new(end..end + 1, message).help(r#"inside quotes, `\"` is a quote"#));
        }
        if start < end {
            let text = self.text[start..end].to_owned();
            return Ok(Value { text, span: start..end, quoted: false, open: false });
        }
        // Only behind a colon can a value be missing.
        Err(if next == Some('(') {
            Fault::new(start..start + 1, "a key takes one value, not a group")
                .help("write the key in front of each value: `(user:alice OR user:bob)`")
        } else {
            Fault::new(start.saturating_sub(1)..start.max(1), "there is no value behind this colon")
                .help("no space stands between a key and its value")
        })
    }

    /// A value in quotes, and the `*` that may follow.
    fn quoted(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        let length = loop {
            let Some((at, c)) = chars.next() else {
                let fault = Fault::new(start..start + 1, "this quote is never closed");
                return Err(fault.help(r#"inside quotes, `\"` is a quote"#));
            };
            match c {
                '"' => break at + 1,
                // A backslash before anything else is one: `"C:\temp"` is what it looks like.
                '\\' => text
                    .push(chars.next_if(|(_, c)| matches!(c, '"' | '\\')).map_or('\\', |(_, c)| c)),
                _ => text.push(c),
            }
        };
        self.at += length;
        let open = self.rest().starts_with('*');
        let span = start..self.at + usize::from(open);
        self.at = span.end;
        match self.rest().chars().next().filter(|c| *c == '"' || is_bare(*c)) {
            Some(next) => {
                let message = "a space is missing behind the quotes";
                Err(Fault::new(self.at..self.at + next.len_utf8(), message))
            }
            None => Ok(Value { text, span, quoted: true, open }),
        }
    }
}

/// Whether a character can stand in a value without quotes.
fn is_bare(c: char) -> bool {
    !(c.is_whitespace() || matches!(c, '(' | ')' | '"'))
}

/// How long the key is with which a text begins, if it can be one.
fn key_length(text: &str) -> Option<usize> {
    let length = text.find(|c: char| !(c.is_ascii_alphabetic() || matches!(c, '-' | '_')))?;
    let behind = text[length..].strip_prefix(':')?;
    // `std::fmt` has no key; whether `client:::1` has one is for the language to say.
    let path = behind.starts_with(':') && !behind.starts_with("::");
    (length > 0 && !behind.starts_with("//") && !path).then_some(length)
}

/// Whether a value means the same without quotes, wherever it stands.
pub(super) fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value.chars().all(|c| is_bare(c) && c != '*')
        && !value.starts_with(['-', '!', '/', ':'])
        && !matches!(value, "OR" | "AND")
        && key_length(value).is_none()
}
