//! The part behind the `@`: a domain name or an address literal (RFC 5321 §4.1.2 and §4.1.3).
//!
//! Refuses what the grammar does not know: empty labels, underscores, labels over 63 octets, a
//! trailing dot, literals that are no address. Nothing is ever looked up in the DNS.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest domain a server has to take, in octets (RFC 5321 §4.5.3.1.2).
const MAX_DOMAIN: usize = 255;
/// The longest label of a domain name, in octets (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// A domain as the client spelled it, known to follow the grammar.
///
/// Two domains are equal when they name the same place: case is ignored, and the Unicode and the
/// `xn--` spelling of an internationalised name are the same.
#[derive(Clone, Debug)]
pub struct Domain {
    text: Box<str>,
    address: Option<IpAddr>,
}

/// Why a text is not a [`Domain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// Longer than 255 octets.
    #[error("the domain is longer than {MAX_DOMAIN} octets")]
    TooLong,
    /// Not a sequence of labels.
    #[error("that is not a domain name")]
    Name,
    /// Between brackets, but no address.
    #[error("that is not an address literal")]
    Literal,
}

impl Domain {
    /// Parses a whole text as a domain or an address literal.
    ///
    /// Characters outside ASCII are let through where they form valid U-labels (RFC 6531 §3.3);
    /// whether the transaction may use them is for the caller to decide.
    ///
    /// # Errors
    /// Says which rule of RFC 5321 §4.1.2 the text breaks.
    pub fn parse(text: &str) -> Result<Self, DomainError> {
        if text.len() > MAX_DOMAIN {
            return Err(DomainError::TooLong);
        }
        let address = match text.strip_prefix('[') {
            Some(rest) => {
                let inner = rest.strip_suffix(']').ok_or(DomainError::Literal)?;
                Some(parse_literal(inner)?)
            }
            None => {
                check_name(text)?;
                None
            }
        };
        Ok(Self { text: text.into(), address })
    }

    /// The domain as it was spelled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address of a literal such as `[127.0.0.1]` or `[IPv6:::1]`.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Whether this is an address literal rather than a name.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.text.starts_with('[')
    }

    /// Whether the name has more than one label, or is a literal (RFC 6409 §4.2).
    #[must_use]
    pub fn is_qualified(&self) -> bool {
        self.is_literal() || self.text.contains('.')
    }

    /// One spelling for all that name the same place: lower case, `xn--` for Unicode labels.
    #[must_use]
    pub fn canonical(&self) -> String {
        if self.is_literal() || self.text.is_ascii() {
            return self.text.to_ascii_lowercase();
        }
        idna::domain_to_ascii(&self.text).unwrap_or_else(|_| self.text.to_lowercase())
    }
}

impl PartialEq for Domain {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text) || self.canonical() == other.canonical()
    }
}

impl Eq for Domain {}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn check_name(text: &str) -> Result<(), DomainError> {
    let octet_is_right = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || !b.is_ascii();
    let label_is_right = |label: &[u8]| {
        (1..=MAX_LABEL).contains(&label.len())
            && label[0] != b'-'
            && label[label.len() - 1] != b'-'
            && label.iter().all(octet_is_right)
    };
    if !text.as_bytes().split(|b| *b == b'.').all(label_is_right) {
        return Err(DomainError::Name);
    }
    if !text.is_ascii() && idna::domain_to_ascii(text).is_err() {
        return Err(DomainError::Name);
    }
    Ok(())
}

/// The inside of the brackets: IPv4, or `IPv6:…`, the only tag that is registered.
fn parse_literal(inner: &str) -> Result<IpAddr, DomainError> {
    if let Ok(v4) = inner.parse::<Ipv4Addr>() {
        return Ok(IpAddr::V4(v4));
    }
    match inner.split_once(':') {
        Some((tag, v6)) if tag.eq_ignore_ascii_case("IPv6") => {
            v6.parse::<Ipv6Addr>().map(IpAddr::V6).map_err(|_| DomainError::Literal)
        }
        _ => Err(DomainError::Literal),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    #[test]
    fn takes_names_and_literals() {
        for text in
            ["example.org", "localhost", "xn--bcher-kva.example", "bücher.example", "1and1.com"]
        {
            assert!(Domain::parse(text).is_ok(), "{text}");
        }
        assert_eq!(Domain::parse("[127.0.0.1]").unwrap().address(), Some([127, 0, 0, 1].into()));
        assert_eq!(
            Domain::parse("[IPv6:::1]").unwrap().address(),
            Some(Ipv6Addr::LOCALHOST.into())
        );
    }

    #[test]
    fn refuses_what_is_neither() {
        for text in [
            "",
            ".",
            "a..b",
            "a.b.",
            "-a.b",
            "a-.b",
            "a_b.c",
            "a b",
            "[127.0.0.256]",
            "[IPv6:1]",
            "[",
            "[]",
            "[x-net:a.b]",
            "[2001:db8::1]",
        ] {
            assert!(Domain::parse(text).is_err(), "{text}");
        }
        assert_eq!(Domain::parse(&"a.".repeat(130)), Err(DomainError::TooLong));
        assert_eq!(Domain::parse(&format!("{}.org", "a".repeat(64))), Err(DomainError::Name));
    }

    #[test]
    fn equality_is_by_place() {
        let unicode = Domain::parse("Bücher.example").unwrap();
        assert_eq!(unicode, Domain::parse("XN--BCHER-KVA.example").unwrap());
        assert_ne!(unicode, Domain::parse("bucher.example").unwrap());
    }
}
