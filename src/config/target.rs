//! Where mail may be sent on to: a server by its address, or a door of this doorpost.
//!
//! Refuses other schemes, a missing host, wrong ports, half a login, and whatever a URL could hold beyond that. A
//! target's secret is not printed unless it is asked for.

use crate::smtp::client::{Login, Security};
use std::fmt;
use std::net::IpAddr;

/// Where servers take mail from each other.
const RELAY: u16 = 25;
/// Where they take it from those who log in.
const SUBMISSION: u16 = 587;
/// The same, with TLS from the first byte.
const SUBMISSIONS: u16 = 465;

/// The ways in which a target is written.
const FORMS: &str = "smtp://HOST[:PORT], smtp+starttls://[USER:SECRET@]HOST[:PORT], smtps://[USER:SECRET@]HOST[:PORT] or door:NAME";

/// Where mail is sent on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An open door of this doorpost, over a real socket.
    Door(String),
    /// A server.
    Server(Server),
}

/// A server and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its host.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// When TLS begins.
    pub security: Security,
    /// What logs in, where something does.
    pub login: Option<Login>,
    /// Whether its certificate has to be right; `None` decides by where it is.
    pub verify: Option<bool>,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// By its address.
    Address(IpAddr),
    /// By its name, in lower case.
    Name(String),
}

/// What is wrong with a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TargetError(String);

impl Host {
    /// Reads a name or an address, the latter with or without brackets.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse() {
            return Some(Self::Address(address));
        }
        let name = crate::mail::Domain::parse(text).ok()?.canonical();
        (!name.starts_with('[')).then_some(Self::Name(name))
    }

    /// Whether it can only mean this machine: loopback, `localhost` and what lies under it (RFC 6761 §6.3).
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        match self {
            Self::Address(address) => address.to_canonical().is_loopback(),
            Self::Name(name) => name == "localhost" || name.ends_with(".localhost"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl Target {
    /// Reads a target.
    ///
    /// # Errors
    /// Says what is wrong, and what is allowed; never shows a secret.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let fail = |text: String| Err(TargetError(text));
        if let Some(door) = text.strip_prefix("door:") {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if door.is_empty() || !door.chars().all(fits) {
                return fail("behind door: stands the name of a door, such as door:relay".into());
            }
            return Ok(Self::Door(door.to_owned()));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return fail(format!("expected {FORMS}"));
        };
        let (security, usual) = match scheme {
            "smtp" => (Security::IfOffered, RELAY),
            "smtp+starttls" => (Security::Demanded, SUBMISSION),
            "smtps" => (Security::Implicit, SUBMISSIONS),
            _ => return fail(format!("there is no scheme {scheme}://; expected {FORMS}")),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let verify = match query {
            "" => None,
            "verify=yes" => Some(true),
            "verify=no" => Some(false),
            _ => return fail("behind ? only verify=yes or verify=no may stand".into()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(read_login(login)?), place),
            None => (None, rest),
        };
        let (host, port) = split_port(place)?;
        let host = Host::parse(host).ok_or_else(|| {
            TargetError(format!("{host:?} is neither a host name nor an address"))
        })?;
        let port = port.unwrap_or(usual);
        Ok(Self::Server(Server { host, port, security, login, verify }))
    }

    /// The text that is read as this target, its secret included.
    #[must_use]
    pub fn with_secret(&self) -> String {
        self.write(true)
    }

    /// The server, where it is one.
    #[must_use]
    pub fn server(&self) -> Option<&Server> {
        match self {
            Self::Door(_) => None,
            Self::Server(server) => Some(server),
        }
    }

    /// The server's host, where that is not this machine: it has to be allowed by name.
    #[must_use]
    pub fn foreign_host(&self) -> Option<&Host> {
        self.server().map(|server| &server.host).filter(|host| !host.is_this_machine())
    }

    fn write(&self, shows_secret: bool) -> String {
        let server = match self {
            Self::Door(door) => return format!("door:{door}"),
            Self::Server(server) => server,
        };
        let scheme = match server.security {
            Security::IfOffered | Security::Never => "smtp",
            Security::Demanded => "smtp+starttls",
            Security::Implicit => "smtps",
        };
        let login = match &server.login {
            None => String::new(),
            Some(login) if shows_secret => {
                format!("{}:{}@", encoded(&login.user), encoded(&login.secret))
            }
            Some(login) => format!("{}:***@", encoded(&login.user)),
        };
        let verify = match server.verify {
            None => "",
            Some(true) => "?verify=yes",
            Some(false) => "?verify=no",
        };
        format!("{scheme}://{login}{}:{}{verify}", server.host, server.port)
    }
}

/// Without its secret.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.write(false))
    }
}

fn read_login(text: &str) -> Result<Login, TargetError> {
    let wrong = || {
        TargetError(
            "in front of @ stands USER:SECRET, both not empty; % and two digits stand for other octets".into(),
        )
    };
    let (user, secret) = text.split_once(':').ok_or_else(wrong)?;
    let (user, secret) = (decoded(user).ok_or_else(wrong)?, decoded(secret).ok_or_else(wrong)?);
    let fits = |text: &str| !text.is_empty() && !text.contains('\0');
    if fits(&user) && fits(&secret) { Ok(Login { user, secret }) } else { Err(wrong()) }
}

fn split_port(place: &str) -> Result<(&str, Option<u16>), TargetError> {
    if place.is_empty() {
        return Err(TargetError(format!("there is no host; expected {FORMS}")));
    }
    let behind_brackets = place.rfind(']').map_or(0, |end| end + 1);
    let Some(colon) = place[behind_brackets..].find(':') else { return Ok((place, None)) };
    let (host, port) = place.split_at(behind_brackets + colon);
    if host.is_empty() {
        return Err(TargetError(format!("there is no host; expected {FORMS}")));
    }
    let port = &port[1..];
    let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let number = port.parse().ok().filter(|port| *port > 0 && digits);
    let wrong = || TargetError(format!("{port:?} is no port; a port is a number from 1 to 65535"));
    number.map(|port| (host, Some(port))).ok_or_else(wrong)
}

fn decoded(text: &str) -> Option<String> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'%' => {
                let digit = |octet: Option<u8>| char::from(octet?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(octets).ok()
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    #[test]
    fn targets_are_written_as_they_are_read() {
        for (text, written) in [
            ("door:relay", "door:relay"),
            ("smtp://127.0.0.1:2500", "smtp://127.0.0.1:2500"),
            ("smtp://[::1]", "smtp://[::1]:25"),
            ("smtp://LOCALHOST/", "smtp://localhost:25"),
            ("smtp+starttls://a:b@mx.example", "smtp+starttls://a:b@mx.example:587"),
            (
                "smtps://a%40b:c%3Ad@mx.example:1?verify=no",
                "smtps://a%40b:c%3Ad@mx.example:1?verify=no",
            ),
            ("smtps://mx.example", "smtps://mx.example:465"),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!(target.with_secret(), written);
            assert_eq!(Target::parse(&target.with_secret()).unwrap(), target);
            assert!(!target.to_string().contains("c%3Ad"));
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_secrets_are_not() {
        for (text, part) in [
            ("127.0.0.1:25", "expected smtp://"),
            ("http://x", "no scheme http://"),
            ("smtp://", "no host"),
            ("smtp://:25", "no host"),
            ("smtp://x:0", "\"0\" is no port"),
            ("smtp://x:+1", "is no port"),
            ("smtp://x:99999", "1 to 65535"),
            ("smtp://x_y", "neither a host name"),
            ("smtp://a@x", "USER:SECRET"),
            ("smtp://geheim:@x", "USER:SECRET"),
            ("smtp://a:%zz@x", "USER:SECRET"),
            ("smtp://x?y=1", "verify=yes"),
            ("smtp://x/path", "neither a host name"),
            ("door:", "name of a door"),
        ] {
            let error = Target::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
            assert!(!error.contains("geheim"), "{error}");
        }
    }

    #[test]
    fn only_loopback_is_this_machine() {
        for (host, is) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("localhost", true),
            ("relay.localhost", true),
            ("192.0.2.1", false),
            ("0.0.0.0", false),
            ("localhost.example", false),
            ("notlocalhost", false),
        ] {
            assert_eq!(Host::parse(host).unwrap().is_this_machine(), is, "{host}");
        }
    }
}
