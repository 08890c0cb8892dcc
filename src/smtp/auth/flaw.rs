//! What is wrong with credentials that were refused, told from their shape. What they are is not kept.
//!
//! Says nothing where a user may simply have mistyped a password, and nothing in a directory that takes every
//! login. Every guess is one that the users of this directory bear out.

use super::Directory;
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A user name of which this much or less differs may be a misspelling.
const NEARLY: usize = 2;
/// Names that are looked at; longer ones are near to none.
const LONGEST: usize = 128;
/// How tokens of well-known providers begin.
const TOKENS: [&str; 7] = ["SG.", "re_", "xsmtpsib-", "xkeysib-", "key-", "mlsn.", "ya29."];
/// A secret of so many letters and digits is taken for a token.
const LONG_TOKEN: usize = 20;

/// What is wrong with credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginFlaw {
    /// White space around the user name or the secret.
    Whitespace,
    /// They are base64 once more.
    Base64Twice,
    /// There is a user whose name is nearly this one.
    NearUser,
    /// The user has a token, and this is none.
    TokenExpected,
}

impl LoginFlaw {
    /// Looks at a name and a secret that the directory does not accept.
    pub(super) fn of(directory: &Directory, name: &str, secret: &str) -> Option<Self> {
        if directory.is_open() {
            return None;
        }
        let trimmed = (name.trim(), secret.trim());
        let is_trimmed = trimmed == (name, secret);
        let line_break = secret.ends_with(['\n', '\r']) || name.ends_with(['\n', '\r']);
        if !is_trimmed && (line_break || directory.accepts(trimmed.0, trimmed.1)) {
            return Some(Self::Whitespace);
        }
        let (plain_name, plain_secret) = (decoded(name), decoded(secret));
        let name_is_one = plain_name.as_deref().is_some_and(|name| exists(directory, name));
        let accepts = |name: &str| {
            plain_secret.as_deref().is_some_and(|secret| directory.accepts(name, secret))
        };
        if name_is_one || accepts(name) || plain_name.as_deref().is_some_and(accepts) {
            return Some(Self::Base64Twice);
        }
        let expected = directory.known().find(|(known, _)| *known == name);
        if expected.is_some_and(|(_, token)| is_token(token) && !is_token(secret)) {
            return Some(Self::TokenExpected);
        }
        Self::of_user(directory, name)
    }

    /// Looks at a name whose secret did not cross the wire.
    pub(super) fn of_user(directory: &Directory, name: &str) -> Option<Self> {
        let near =
            !exists(directory, name) && directory.known().any(|(known, _)| is_nearly(name, known));
        near.then_some(Self::NearUser)
    }

    /// Looks at a message of PLAIN that cannot be read: whether another layer of base64 is around it.
    pub(super) fn of_malformed(message: &[u8]) -> Option<Self> {
        let inner = STANDARD.decode(message.trim_ascii()).ok()?;
        let nuls = inner.iter().filter(|octet| **octet == 0).count();
        (nuls == 2 && !message.contains(&0)).then_some(Self::Base64Twice)
    }
}

fn exists(directory: &Directory, name: &str) -> bool {
    directory.known().any(|(known, _)| known == name)
}

/// What the text is base64 of, where that is text for people.
fn decoded(text: &str) -> Option<String> {
    let octets = STANDARD.decode(text.trim()).ok().filter(|octets| !octets.is_empty())?;
    String::from_utf8(octets).ok().filter(|text| !text.chars().any(char::is_control))
}

fn is_token(secret: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=');
    let has = |of: fn(&char) -> bool| secret.chars().any(|c| of(&c));
    let is_long = secret.len() >= LONG_TOKEN
        && secret.chars().all(fits)
        && has(char::is_ascii_digit)
        && has(char::is_ascii_alphabetic);
    is_long || TOKENS.iter().any(|start| secret.starts_with(start))
}

/// The same in another case, one of them the part before `@` of the other, or the same but for a letter or two
/// in one place.
fn is_nearly(name: &str, known: &str) -> bool {
    if name.len() > LONGEST || known.len() > LONGEST {
        return false;
    }
    let (name, known) = (name.trim().to_lowercase(), known.to_lowercase());
    let local = |one: &str, other: &str| {
        other.split_once('@').is_some_and(|(local, _)| !local.is_empty() && local == one)
    };
    if name == known || local(&name, &known) || local(&known, &name) {
        return true;
    }
    let (a, b): (Vec<_>, Vec<_>) = (name.chars().collect(), known.chars().collect());
    let same = |(x, y): &(&char, &char)| x == y;
    let front = a.iter().zip(&b).take_while(same).count();
    let shorter = a.len().min(b.len()) - front;
    let back = a.iter().rev().zip(b.iter().rev()).take(shorter).take_while(same).count();
    let differs = a.len().max(b.len()) - front - back;
    differs <= NEARLY && front + back > differs
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "SG.abcDEF0123456789.xyz";

    fn directory() -> Directory {
        let users = [("alice", "secret"), ("apikey", TOKEN), ("bob@example.org", "hunter2")];
        Directory::of(users.map(|(name, secret)| (name.into(), secret.into(), Vec::new())))
    }

    #[test]
    fn each_flaw_is_told_from_its_shape() {
        let of = |name: &str, secret: &str| LoginFlaw::of(&directory(), name, secret);
        for (name, secret, flaw) in [
            ("alice", "secret\n", Some(LoginFlaw::Whitespace)),
            ("alice", "wrong\r\n", Some(LoginFlaw::Whitespace)),
            ("alice ", "secret", Some(LoginFlaw::Whitespace)),
            ("alice", "wrong ", None),
            ("alice", "c2VjcmV0", Some(LoginFlaw::Base64Twice)),
            ("YWxpY2U=", "c2VjcmV0", Some(LoginFlaw::Base64Twice)),
            ("apikey", "my account password", Some(LoginFlaw::TokenExpected)),
            ("apikey", "SG.another.token", None),
            ("api_key", TOKEN, Some(LoginFlaw::NearUser)),
            ("apiKey", TOKEN, Some(LoginFlaw::NearUser)),
            ("bob", "hunter2", Some(LoginFlaw::NearUser)),
            ("alice", "wrong", None),
            ("carol", "secret", None),
            ("", "", None),
        ] {
            assert_eq!(of(name, secret), flaw, "{name:?} {secret:?}");
        }
        assert_eq!(LoginFlaw::of(&Directory::open(), "", "secret\n"), None);
    }

    #[test]
    fn a_second_layer_around_plain_is_seen() {
        let message = STANDARD.encode(b"\0alice\0secret");
        assert_eq!(LoginFlaw::of_malformed(message.as_bytes()), Some(LoginFlaw::Base64Twice));
        assert_eq!(LoginFlaw::of_malformed(b"alice secret"), None);
    }
}
