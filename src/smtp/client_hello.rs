//! What a client says first that does not speak SMTP: the ClientHello of TLS (RFC 8446 §4.1.2), read by hand for
//! its version and its host name, and the header of the PROXY protocol.
//!
//! Reads what came, however little; it never waits for more, and keeps no more than a name.

use std::fmt;

const HANDSHAKE: u8 = 0x16;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const SUPPORTED_VERSIONS: u16 = 43;
/// The version that most of the world has left behind nothing older than (RFC 8996).
const TLS_1_2: u16 = 0x0303;
/// Octets of a host name (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 255;
/// How version 2 of the PROXY protocol begins.
const PROXY_2: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// What a ClientHello offers and asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The newest version that it offers, as on the wire: `0x0304` is TLS 1.3.
    pub version: u16,
    /// The host that it asks for.
    pub server_name: Option<String>,
}

impl ClientHello {
    /// Reads the beginning of a connection; nothing where it is no ClientHello. Of one that was cut off, what
    /// is there.
    #[must_use]
    pub fn read(octets: &[u8]) -> Option<Self> {
        let mut rest = Rest(octets);
        if rest.u8()? != HANDSHAKE || rest.u8()? != 3 {
            return None;
        }
        rest.take(3)?;
        if rest.u8()? != CLIENT_HELLO {
            return None;
        }
        rest.take(3)?;
        let mut hello = Self { version: rest.u16()?, server_name: None };
        if hello.version >> 8 != 3 {
            return None;
        }
        // What is missing at the end was cut off, which is no reason to forget the beginning.
        let _ = hello.read_on(rest);
        Some(hello)
    }

    fn read_on(&mut self, mut rest: Rest<'_>) -> Option<()> {
        rest.take(32)?;
        let session = rest.u8()?;
        rest.take(session.into())?;
        let suites = rest.u16()?;
        rest.take(suites.into())?;
        let compressions = rest.u8()?;
        rest.take(compressions.into())?;
        rest.u16()?;
        loop {
            let (kind, length) = (rest.u16()?, rest.u16()?);
            let extension = Rest(rest.take(length.into())?);
            match kind {
                SERVER_NAME => self.server_name = server_name(extension),
                SUPPORTED_VERSIONS => {
                    self.version = newest(extension).unwrap_or(self.version);
                }
                _ => {}
            }
        }
    }

    /// Whether it offers nothing that is still to be used (RFC 8996).
    #[must_use]
    pub fn is_too_old(&self) -> bool {
        self.version < TLS_1_2
    }
}

/// `it offered TLS 1.3 and asked for mail.example.com`
impl fmt::Display for ClientHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            0x0300 => f.write_str("it offered SSL 3.0")?,
            version => write!(f, "it offered TLS 1.{}", (version & 0xff).saturating_sub(1))?,
        }
        match &self.server_name {
            Some(name) => write!(f, " and asked for {name}"),
            None => f.write_str(" and named no host"),
        }
    }
}

/// The first host name of the list (RFC 6066 §3), where it is one.
fn server_name(mut rest: Rest<'_>) -> Option<String> {
    rest.u16()?;
    let kind = rest.u8()?;
    let length = rest.u16()?;
    let name = rest.take(length.into())?;
    let fits = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let is_name = kind == 0 && !name.is_empty() && name.len() <= LONGEST_NAME;
    (is_name && name.iter().all(fits)).then(|| String::from_utf8_lossy(name).into_owned())
}

/// The newest version of the list (RFC 8446 §4.2.1), without those that only test for tolerance (RFC 8701).
fn newest(mut rest: Rest<'_>) -> Option<u16> {
    let length = rest.u8()?;
    let mut list = Rest(rest.take(length.into())?);
    let versions = std::iter::from_fn(|| list.u16());
    versions.filter(|version| version >> 8 == 3).max()
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, octets: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(octets)?;
        self.0 = rest;
        Some(front)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|octets| octets[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|octets| u16::from_be_bytes([octets[0], octets[1]]))
    }
}

/// Whether a connection begins with the PROXY protocol of load balancers, version 1 or 2.
#[must_use]
pub fn is_proxy_header(octets: &[u8]) -> bool {
    const KINDS: [&[u8]; 3] = [b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN"];
    KINDS.iter().any(|kind| octets.starts_with(kind)) || octets.starts_with(&PROXY_2)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A ClientHello made by hand: version, host name, list of versions.
    fn hello(version: u16, name: Option<&str>, versions: &[u16]) -> Vec<u8> {
        let mut extensions = Vec::new();
        let mut add = |kind: u16, body: &[u8]| {
            extensions.extend(kind.to_be_bytes());
            extensions.extend((body.len() as u16).to_be_bytes());
            extensions.extend(body);
        };
        add(0x0a0a, &[]);
        if let Some(name) = name {
            let length = name.len() as u16;
            let mut body = (length + 3).to_be_bytes().to_vec();
            body.push(0);
            body.extend(length.to_be_bytes());
            body.extend(name.as_bytes());
            add(SERVER_NAME, &body);
        }
        if !versions.is_empty() {
            let mut body = vec![versions.len() as u8 * 2];
            body.extend(versions.iter().flat_map(|version| version.to_be_bytes()));
            add(SUPPORTED_VERSIONS, &body);
        }
        let mut body = version.to_be_bytes().to_vec();
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        let mut octets = vec![HANDSHAKE, 3, 1];
        octets.extend((body.len() as u16 + 4).to_be_bytes());
        octets.extend([CLIENT_HELLO, 0]);
        octets.extend((body.len() as u16).to_be_bytes());
        octets.extend(body);
        octets
    }

    #[test]
    fn version_and_name_are_read() {
        let new = hello(0x0303, Some("mail.example.com"), &[0x2a2a, 0x0304, 0x0303]);
        let read = ClientHello::read(&new).unwrap();
        assert_eq!(read.to_string(), "it offered TLS 1.3 and asked for mail.example.com");
        assert!(!read.is_too_old());
        let old = ClientHello::read(&hello(0x0302, None, &[])).unwrap();
        assert_eq!(old.to_string(), "it offered TLS 1.1 and named no host");
        assert!(old.is_too_old());
        assert_eq!(ClientHello::read(b"EHLO client.example\r\n"), None);
        assert_eq!(
            ClientHello::read(&hello(0x0303, Some("a\x1b[2J"), &[])).unwrap().server_name,
            None
        );
    }

    #[test]
    fn a_balancer_is_known_by_its_header() {
        assert!(is_proxy_header(b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 25\r\n"));
        assert!(is_proxy_header(b"\r\n\r\n\0\r\nQUIT\n\x21\x11"));
        assert!(!is_proxy_header(b"PROXY\r\n") && !is_proxy_header(b"\r\n\r\n"));
    }

    proptest! {
        #[test]
        fn nothing_is_too_strange(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = ClientHello::read(&octets);
            let _ = is_proxy_header(&octets);
        }

        #[test]
        fn whatever_is_cut_off_leaves_the_beginning(at in 11_usize..80, broken in any::<u8>()) {
            let mut octets = hello(0x0303, Some("mail.example.com"), &[0x0304]);
            octets.truncate(at);
            prop_assert!(ClientHello::read(&octets).is_some());
            octets[at - 1] = broken;
            let _ = ClientHello::read(&octets);
        }
    }
}
