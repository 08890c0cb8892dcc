//! The URL of a doorpost: `http://user:secret@host:port`.
//!
//! Refuses other schemes, an empty host, a query and a fragment. `host:port` alone is taken as well.

use crate::cli::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Where a doorpost is, and how one logs in there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// Without a slash at its end and without what logs in.
    pub(super) base: String,
    /// The value of an `Authorization` header.
    pub(super) basic: Option<String>,
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            // What stands in front of the @ may be a secret.
            let shown = text.rsplit_once('@').map_or(text, |(_, host)| host);
            let shown = crate::smtp::transcript::escape(shown.as_bytes(), false);
            Failure::usage(format!("{shown:?} is no URL of a doorpost: {why}"))
        };
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(wrong("it begins with http://")),
            None => text,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if rest.contains(['?', '#']) {
            return Err(wrong("it has no query and no fragment"));
        }
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(login), host),
            None => (None, authority),
        };
        let name = host.strip_suffix(|c: char| c.is_ascii_digit()).map_or(host, |_| {
            host.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(':')
        });
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]%".contains(c);
        if host.is_empty() || host.starts_with(':') || !host.chars().all(is_plain) {
            return Err(wrong("it needs a host"));
        }
        if name.contains(':') && !name.starts_with('[') {
            return Err(wrong("an IPv6 address stands in brackets"));
        }
        let basic = login.map(|login| format!("Basic {}", STANDARD.encode(decoded(login))));
        let base = format!("http://{host}{}", path.trim_end_matches('/'));
        Ok(Self { base, basic })
    }
}

/// Takes the percent-encoding away.
fn decoded(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.first_chunk::<2>().filter(|_| *first == b'%');
        let value = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match value.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(octet) => {
                octets.push(octet);
                rest = &after[2..];
            }
            None => {
                octets.push(*first);
                rest = after;
            }
        }
    }
    octets
}

/// Text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            // A dot too: `..` would leave the folder.
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    #[test]
    fn takes_what_people_write() {
        for (text, base) in [
            ("http://127.0.0.1:1/", "http://127.0.0.1:1"),
            ("HTTP://localhost", "http://localhost"),
            ("localhost:90", "http://localhost:90"),
            ("http://[::1]:90", "http://[::1]:90"),
            ("http://proxy/doorpost//", "http://proxy/doorpost"),
        ] {
            assert_eq!(Url::parse(text).unwrap(), Url { base: base.into(), basic: None }, "{text}");
        }
        let url = Url::parse("http://alice:s%40cret@[::1]:90/").unwrap();
        assert_eq!(url.base, "http://[::1]:90");
        // alice:s@cret
        assert_eq!(url.basic.as_deref(), Some("Basic YWxpY2U6c0BjcmV0"));
    }

    #[test]
    fn refuses_the_rest_and_shows_no_secret() {
        for text in [
            "",
            "http://",
            "https://localhost",
            "http://:90",
            "http://::1:90",
            "http://a b",
            "http://a?b=c",
        ] {
            assert_eq!(Url::parse(text).unwrap_err().code, 2, "{text}");
        }
        let shown = Url::parse("https://alice:secret@localhost").unwrap_err().text;
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_segment_stays_one() {
        assert_eq!(segment("../a?b c"), "%2E%2E%2Fa%3Fb%20c");
        assert_eq!(segment("7"), "7");
    }
}
