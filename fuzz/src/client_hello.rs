//! The first octets of a connection: any beginning of a ClientHello is read as far as it goes, and never further.

use doorpost::smtp::client_hello::{ClientHello, is_proxy_header};

/// Stops at the first promise that this input breaks.
pub fn check(octets: &[u8]) {
    let whole = ClientHello::read(octets);
    if let Some(hello) = &whole {
        assert_eq!(octets[0], 0x16, "only a handshake record begins so");
        let name = hello.server_name.as_deref().unwrap_or_default();
        assert!(name.len() <= octets.len(), "a name of more octets than came");
        assert!(!name.chars().any(char::is_control), "{name:?} would be shown");
    }
    // Of a connection that was cut off nothing is read that the rest would take back.
    for end in (0..octets.len()).step_by(7) {
        let part = ClientHello::read(&octets[..end]);
        assert!(part.is_none() || whole.is_some(), "a ClientHello is none when more of it comes");
    }
    assert!(!is_proxy_header(octets) || whole.is_none(), "it is one or the other");
}
