//! `local-part@domain` (RFC 5321 §4.1.2), with UTF-8 where RFC 6531 allows it.
//!
//! Refuses local parts that are neither a dot-string nor a quoted string, and parts over their
//! limits. The spelling is kept: only the receiving domain may interpret a local part.

use super::domain::{Domain, DomainError};
use std::borrow::Cow;
use std::fmt;

/// The longest local part a server has to take, in octets (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;

/// A mailbox as the client spelled it, known to follow the grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    local: Box<str>,
    domain: Domain,
}

/// Why a text is not a [`Mailbox`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    /// No local part in front of an `@`.
    #[error("the local part is missing or is not a dot-string or quoted string")]
    Local,
    /// Longer than 64 octets.
    #[error("the local part is longer than {MAX_LOCAL} octets")]
    LocalTooLong,
    /// No `@`, so no domain.
    #[error("the domain is missing")]
    NoDomain,
    /// The domain breaks its rules.
    #[error(transparent)]
    Domain(#[from] DomainError),
}

impl Mailbox {
    /// Parses a whole text as a mailbox.
    ///
    /// # Errors
    /// Says which part of the text breaks the grammar.
    pub fn parse(text: &str) -> Result<Self, MailboxError> {
        let end = local_part_length(text).ok_or(MailboxError::Local)?;
        let (local, rest) = text.split_at(end);
        if local.len() > MAX_LOCAL {
            return Err(MailboxError::LocalTooLong);
        }
        let domain = match rest.strip_prefix('@') {
            Some(domain) => Domain::parse(domain)?,
            None if rest.is_empty() => return Err(MailboxError::NoDomain),
            None => return Err(MailboxError::Local),
        };
        Ok(Self { local: local.into(), domain })
    }

    /// The local part as it was spelled, quotes included.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The local part that is meant: quotes and backslashes removed (RFC 5321 §4.1.2).
    #[must_use]
    pub fn local_unquoted(&self) -> Cow<'_, str> {
        let Some(inner) = self.local.strip_prefix('"').and_then(|l| l.strip_suffix('"')) else {
            return Cow::Borrowed(&self.local);
        };
        let mut text = String::with_capacity(inner.len());
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            text.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        Cow::Owned(text)
    }

    /// The whole, as it was spelled: what `to_string` gives, with room made once. Each message asks for it several times.
    #[must_use]
    pub fn text(&self) -> String {
        [&*self.local, "@", self.domain.as_str()].concat()
    }

    /// Octets of memory that it holds beside itself.
    #[must_use]
    pub(super) fn memory(&self) -> usize {
        self.local.len() + self.domain.as_str().len()
    }

    /// The domain.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Whether any octet is outside ASCII, so that the transaction needs SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.local.is_ascii() && self.domain.as_str().is_ascii()
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.local)?;
        f.write_str("@")?;
        f.write_str(self.domain.as_str())
    }
}

/// The length of the local part at the front of `text`, or `None` where there is no valid one.
pub(super) fn local_part_length(text: &str) -> Option<usize> {
    if text.starts_with('"') { quoted_length(text) } else { dot_string_length(text) }
}

fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if c.is_control() => return None,
            _ if escaped && !c.is_ascii() => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn dot_string_length(text: &str) -> Option<usize> {
    let is_atext = |c: char| !c.is_ascii() && !c.is_control() || is_ascii_atext(c);
    let end = text.find(|c: char| c != '.' && !is_atext(c)).unwrap_or(text.len());
    let local = &text.as_bytes()[..end];
    (!local.is_empty() && local.split(|b| *b == b'.').all(|atom| !atom.is_empty())).then_some(end)
}

fn is_ascii_atext(c: char) -> bool {
    let is_special = |octet| b"!#$%&'*+-/=?^_`{|}~".contains(&octet);
    u8::try_from(c).is_ok_and(|octet| octet.is_ascii_alphanumeric() || is_special(octet))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_grammar_knows() {
        for text in [
            "alice@example.org",
            "a.b+c@[127.0.0.1]",
            "\"a b\"@example.org",
            "\"a\\\"b@c\"@example.org",
            "\"\"@example.org",
            "jürgen@bücher.example",
            "!#$%&'*+-/=?^_`{|}~@x.org",
        ] {
            assert_eq!(Mailbox::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            // Control characters, those behind ASCII too: terminals act on them.
            "\"a\u{93}b\"@example.org",
            "@",
            "@example.org",
            "alice",
            "alice@",
            ".a@x.org",
            "a.@x.org",
            "a..b@x.org",
            "a b@x.org",
            "\"a@x.org",
            "\"a\"b@x.org",
            "a\u{0}@x.org",
            "a,b@x.org",
            "a@b@c.org",
            "<a@b.org>",
            "\"a\n\"@x.org",
        ] {
            assert!(Mailbox::parse(text).is_err(), "{text}");
        }
        let long = format!("{}@example.org", "a".repeat(65));
        assert_eq!(Mailbox::parse(&long), Err(MailboxError::LocalTooLong));
        assert!(Mailbox::parse(&long[1..]).is_ok());
    }

    #[test]
    fn unquotes_the_local_part() {
        let text = |t: &str| Mailbox::parse(t).unwrap().local_unquoted().into_owned();
        assert_eq!(text("\"a \\\"b\\\\\"@x.org"), "a \"b\\");
        assert_eq!(text("plain@x.org"), "plain");
    }
}
