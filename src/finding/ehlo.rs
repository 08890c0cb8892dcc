//! Names in EHLO that name nobody (RFC 5321 §4.1.1.1: the client's own domain, or an address literal).

use crate::mail::Domain;

/// Names that every machine has for itself.
const OF_NOBODY: [&str; 5] =
    ["localhost", "localhost.localdomain", "localhost6", "localhost6.localdomain6", "local"];

/// What is wrong with a name, in words that follow "the client calls itself". A name without a dot is one in the
/// eyes of other mail servers only; a submission server minds it as little as it minds an address.
pub(super) fn poor(name: &str, on_relay: bool) -> Option<String> {
    let shown = || name.chars().take(64).flat_map(char::escape_debug).collect::<String>();
    if OF_NOBODY.iter().any(|one| one.eq_ignore_ascii_case(name)) {
        return Some(format!("{}, which is every machine's name for itself", shown()));
    }
    if name.contains('_') && !name.starts_with('[') {
        return Some(format!("{}; an underscore cannot stand in a host name", shown()));
    }
    // Servers that are addressed by a bare address mean it as a literal.
    if name.parse::<std::net::IpAddr>().is_ok() {
        let shown = shown();
        return Some(format!("{shown}; an address has to stand in brackets: [{shown}]"));
    }
    match Domain::parse(name) {
        Err(_) => Some(format!("{}, which is no host name", shown())),
        Ok(domain) if on_relay && !name.starts_with('[') && !domain.is_qualified() => {
            Some(format!("{}, which is no full host name: it has no dot", shown()))
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_name_nobody() {
        for poor_one in
            ["localhost", "LOCALHOST.localdomain", "my_box.example", "127.0.0.1", "a..b", "[300.1]"]
        {
            assert!(poor(poor_one, false).is_some(), "{poor_one}");
        }
        for good in ["client.example", "[127.0.0.1]", "[IPv6:::1]", "bücher.example"] {
            assert_eq!(poor(good, true), None, "{good}");
        }
        assert!(poor("laptop", true).is_some() && poor("laptop", false).is_none());
    }
}
