//! The kinds of values that say who may use the API.
//!
//! Refuses a login without a colon, tokens that no `Authorization` field could carry, and origins
//! that are not spelled as a browser spells them; `*` is none, pages are named one by one.

use super::kind::{Scalar, quoted};
use std::fmt;

/// A login or a token, which nothing prints by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct WebSecret(String);

impl WebSecret {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for WebSecret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for WebSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

/// `name:secret`, for Basic (RFC 7617).
pub(super) struct WebLogin;

impl Scalar for WebLogin {
    type Value = WebSecret;
    const HIDDEN: bool = true;

    fn expected() -> String {
        "a name, a colon and a secret, such as \"alice:secret\"".into()
    }

    fn parse(text: &str) -> Option<WebSecret> {
        let (name, secret) = text.split_once(':')?;
        let fits = !name.is_empty() && !secret.is_empty() && !text.contains(char::is_control);
        fits.then(|| text.into())
    }

    fn write(value: &WebSecret) -> String {
        quoted(value.as_str())
    }
}

/// A token for Bearer (RFC 6750 §2.1).
pub(super) struct Token;

impl Scalar for Token {
    type Value = WebSecret;
    const HIDDEN: bool = true;

    fn expected() -> String {
        "a token of letters, digits and any of - . _ ~ + /, with = only at its end".into()
    }

    fn parse(text: &str) -> Option<WebSecret> {
        let body = text.trim_end_matches('=');
        let fits = |c: u8| c.is_ascii_alphanumeric() || b"-._~+/".contains(&c);
        (!body.is_empty() && body.bytes().all(fits)).then(|| text.into())
    }

    fn write(value: &WebSecret) -> String {
        quoted(value.as_str())
    }
}

/// Where a page comes from (RFC 6454), as its browser says it.
pub(super) struct WebOrigin;

impl Scalar for WebOrigin {
    type Value = String;

    fn expected() -> String {
        "an origin, such as \"http://localhost:5173\": scheme, host, and the port where it is not the usual one".into()
    }

    fn parse(text: &str) -> Option<String> {
        let (scheme, host) = text.split_once("://")?;
        let in_scheme = |c: u8| c.is_ascii_alphanumeric() || b"+-.".contains(&c);
        let in_host = |c: u8| c.is_ascii_alphanumeric() || b"-._:[]".contains(&c);
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
        let fits = is_scheme && scheme.bytes().all(in_scheme);
        (fits && !host.is_empty() && host.bytes().all(in_host)).then(|| text.to_ascii_lowercase())
    }

    fn write(value: &String) -> String {
        quoted(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_header_field_can_carry_is_taken() {
        for (login, is_taken) in [
            ("a:b", true),
            ("a:b:c", true),
            ("a", false),
            (":b", false),
            ("a:", false),
            ("a:\n", false),
        ] {
            assert_eq!(WebLogin::parse(login).is_some(), is_taken, "{login:?}");
        }
        for (token, is_taken) in [
            ("aB3-._~+/==", true),
            ("", false),
            ("==", false),
            ("a b", false),
            ("a=b", false),
            ("ä", false),
        ] {
            assert_eq!(Token::parse(token).is_some(), is_taken, "{token:?}");
        }
        for (origin, is_taken) in [
            ("http://localhost:5173", true),
            ("https://[::1]:1", true),
            ("chrome-extension://abc", true),
            ("*", false),
            ("null", false),
            ("localhost", false),
            ("http://", false),
            ("http://x/", false),
            ("http://x/y", false),
        ] {
            assert_eq!(WebOrigin::parse(origin).is_some(), is_taken, "{origin:?}");
        }
        assert_eq!(WebOrigin::parse("HTTP://App.Test").as_deref(), Some("http://app.test"));
    }
}
