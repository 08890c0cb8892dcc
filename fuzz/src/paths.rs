//! Reverse-paths, forward-paths, domains and xtext: what is taken means the same when it is written down and read again.

use doorpost::mail::{Domain, ForwardPath, Mailbox, ReversePath, decode_xtext};

/// Stops at the first promise that this input breaks.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok((path, rest)) = ReversePath::parse_front(text) {
        assert!(text.ends_with(rest));
        assert_eq!(ReversePath::parse_front(&format!("<{path}>")), Ok((path, "")));
    }
    if let Ok((path, rest)) = ForwardPath::parse_front(text) {
        assert!(text.ends_with(rest));
        let written = path.to_string();
        assert!(!written.chars().any(char::is_control), "{written:?}");
        assert_eq!(ForwardPath::parse_front(&format!("<{written}>")), Ok((path, "")));
    }
    if let Ok(mailbox) = Mailbox::parse(text) {
        assert!(mailbox.local().len() <= 64 && mailbox.domain().as_str().len() <= 255);
        let unquoted = mailbox.local_unquoted();
        assert!(unquoted.len() <= mailbox.local().len());
        assert_eq!(Mailbox::parse(&mailbox.to_string()), Ok(mailbox.clone()));
    }
    if let Ok(domain) = Domain::parse(text) {
        assert_eq!(Domain::parse(domain.as_str()), Ok(domain.clone()));
        let canonical = domain.canonical();
        // It is what names are compared by, so it must not change when it is taken again.
        if let Ok(again) = Domain::parse(&canonical) {
            assert_eq!(again.canonical(), canonical);
        }
        assert!(domain.address().is_none() || domain.is_literal());
    }
    if let Some(decoded) = decode_xtext(text) {
        assert!(decoded.len() <= text.len());
    }
}
