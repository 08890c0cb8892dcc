//! Reverse-paths and forward-paths: what stands between the angle brackets (RFC 5321 §4.1.2).
//!
//! A source route (`@a,@b:user@c`) is parsed and dropped, as RFC 5321 appendix C asks; a path
//! without brackets, or over 256 octets, is refused.

use super::domain::Domain;
use super::mailbox::{Mailbox, MailboxError, local_part_length};
use std::fmt;

/// The longest path a server has to take, brackets included, in octets (RFC 5321 §4.5.3.1.3).
const MAX_PATH: usize = 256;

/// Where bounces go: a mailbox, or nowhere (`<>`, RFC 5321 §4.5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReversePath {
    /// `<>`: bounces and other notices, which must never be bounced themselves.
    Null,
    /// A mailbox.
    Mailbox(Mailbox),
}

/// Whom the message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForwardPath {
    /// `<postmaster>` without a domain, as every server must take it (RFC 5321 §4.5.1).
    Postmaster,
    /// A mailbox.
    Mailbox(Mailbox),
}

/// Why a text does not begin with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No `<` at the start, or no `>` at the end.
    #[error("the address must stand between < and >")]
    NoBrackets,
    /// Over 256 octets.
    #[error("the path is longer than {MAX_PATH} octets")]
    TooLong,
    /// A source route that breaks its grammar.
    #[error("the source route is malformed")]
    Route,
    /// `<>` where a mailbox is needed.
    #[error("the path is empty")]
    Empty,
    /// The mailbox breaks its rules.
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
}

impl ReversePath {
    /// Parses the path at the front of `text`; gives it and what follows it.
    ///
    /// # Errors
    /// Says which rule of RFC 5321 §4.1.2 the text breaks.
    pub fn parse_front(text: &str) -> Result<(Self, &str), PathError> {
        let (inner, rest) = bracketed(text)?;
        if inner.is_empty() {
            return Ok((Self::Null, rest));
        }
        Ok((Self::Mailbox(Mailbox::parse(without_route(inner)?)?), rest))
    }

    /// As it was spelled, without the brackets, which belong to the command and not to the address.
    #[must_use]
    pub fn text(&self) -> String {
        self.mailbox().map_or_else(String::new, Mailbox::text)
    }

    /// The mailbox, if it is not the null reverse-path.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Null => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }
}

impl ForwardPath {
    /// Parses the path at the front of `text`; gives it and what follows it.
    ///
    /// # Errors
    /// Says which rule of RFC 5321 §4.1.2 the text breaks.
    pub fn parse_front(text: &str) -> Result<(Self, &str), PathError> {
        let (inner, rest) = bracketed(text)?;
        if inner.is_empty() {
            return Err(PathError::Empty);
        }
        if inner.eq_ignore_ascii_case("postmaster") {
            return Ok((Self::Postmaster, rest));
        }
        Ok((Self::Mailbox(Mailbox::parse(without_route(inner)?)?), rest))
    }

    /// As it was spelled, without the brackets.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Postmaster => "postmaster".to_owned(),
            Self::Mailbox(mailbox) => mailbox.text(),
        }
    }

    /// The mailbox, if a domain was given.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Postmaster => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// Whether it is for the postmaster, with or without a domain.
    #[must_use]
    pub fn is_postmaster(&self) -> bool {
        self.mailbox().is_none_or(|m| m.local().eq_ignore_ascii_case("postmaster"))
    }
}

/// Without the brackets, which belong to the command and not to the address.
impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mailbox().map_or(Ok(()), |m| m.fmt(f))
    }
}

/// Without the brackets, which belong to the command and not to the address.
impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postmaster => f.write_str("postmaster"),
            Self::Mailbox(mailbox) => mailbox.fmt(f),
        }
    }
}

/// Splits `<inner>rest`. A `>` inside a quoted local part does not end the path.
fn bracketed(text: &str) -> Result<(&str, &str), PathError> {
    let inner = text.strip_prefix('<').ok_or(PathError::NoBrackets)?;
    let local_starts = route_length(inner).unwrap_or(0);
    let after_local = match &inner[local_starts..] {
        local if local.starts_with('"') => local_starts + local_part_length(local).unwrap_or(0),
        _ => local_starts,
    };
    let end = after_local
        + memchr::memchr(b'>', &inner.as_bytes()[after_local..]).ok_or(PathError::NoBrackets)?;
    if end + 2 > MAX_PATH {
        return Err(PathError::TooLong);
    }
    Ok((&inner[..end], &inner[end + 1..]))
}

/// The length of a source route with its colon, judged by its shape only.
fn route_length(inner: &str) -> Option<usize> {
    if !inner.starts_with('@') {
        return None;
    }
    // An address literal inside a route holds colons of its own.
    let mut in_literal = false;
    let colon = inner.find(|c| {
        match c {
            '[' => in_literal = true,
            ']' => in_literal = false,
            _ => {}
        }
        c == ':' && !in_literal
    })?;
    Some(colon + 1)
}

fn without_route(inner: &str) -> Result<&str, PathError> {
    if !inner.starts_with('@') {
        return Ok(inner);
    }
    let length = route_length(inner).ok_or(PathError::Route)?;
    let hop_is_right = |hop: &str| hop.strip_prefix('@').is_some_and(|d| Domain::parse(d).is_ok());
    if !inner[..length - 1].split(',').all(hop_is_right) {
        return Err(PathError::Route);
    }
    Ok(&inner[length..])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    fn forward(text: &str) -> Result<(String, &str), PathError> {
        ForwardPath::parse_front(text).map(|(path, rest)| (path.to_string(), rest))
    }

    #[test]
    fn parses_paths_and_leaves_the_rest() {
        assert_eq!(forward("<a@b.org> NOTIFY=NEVER"), Ok(("a@b.org".into(), " NOTIFY=NEVER")));
        assert_eq!(forward("<\"a>b\"@c.org>"), Ok(("\"a>b\"@c.org".into(), "")));
        assert_eq!(forward("<PostMaster>"), Ok(("postmaster".into(), "")));
        assert_eq!(forward("<@a.org,@[IPv6:::1]:u@c.org>"), Ok(("u@c.org".into(), "")));
        assert_eq!(ReversePath::parse_front("<> SIZE=1").unwrap(), (ReversePath::Null, " SIZE=1"));
    }

    #[test]
    fn refuses_what_is_no_path() {
        assert_eq!(forward("a@b.org"), Err(PathError::NoBrackets));
        assert_eq!(forward("<a@b.org"), Err(PathError::NoBrackets));
        assert_eq!(forward("<>"), Err(PathError::Empty));
        assert_eq!(forward("<@a b:u@c.org>"), Err(PathError::Route));
        assert_eq!(forward("<@a.org>"), Err(PathError::Route));
        assert_eq!(forward("<alice>"), Err(PathError::Mailbox(MailboxError::NoDomain)));
        let labels = "abcdefghi.".repeat(24);
        assert_eq!(forward(&format!("<{}@{labels}org>", "a".repeat(20))), Err(PathError::TooLong));
    }
}
