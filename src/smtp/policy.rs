//! A door's policy: the row of values from which EHLO's answer and every verb's reply follow.
//!
//! There is no port number here and no special case for one: the four doors of SMTP differ only
//! in these values, and a fifth door is one more row.

use super::auth::{Directory, Mechanism};
use super::judge::Judge;
use crate::mail::{Domain, ForwardPath};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How one door behaves.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The door's name: `relay`, `submission`, …
    pub door: Arc<str>,
    /// The name that doorpost gives itself in the greeting and in trace lines.
    pub hostname: Arc<str>,
    /// When TLS begins.
    pub tls: TlsMode,
    /// Whether AUTH is offered and demanded.
    pub auth: AuthMode,
    /// Whether AUTH may be used before TLS, as providers allow on 2525.
    pub auth_before_tls: bool,
    /// The mechanisms that may be offered, in the order of the EHLO line.
    pub mechanisms: Vec<Mechanism>,
    /// Who may log in, and which senders are theirs.
    pub directory: Arc<Directory>,
    /// Which mail is taken.
    pub recipients: RecipientRules,
    /// Whether domains in paths need a dot (RFC 6409 §4.2).
    pub qualified_only: bool,
    /// What to do with a CR or LF that stands alone.
    pub bare_lf: BareLf,
    /// Extensions, each offered and honoured, or neither.
    pub extensions: Extensions,
    /// Sizes and counts that are enforced.
    pub limits: Limits,
    /// Times after which a session ends.
    pub deadlines: Deadlines,
    /// Whether secrets stand in the transcript as they came.
    pub show_secrets: bool,
    /// Who may refuse what the protocol would take.
    pub judge: Option<Arc<dyn Judge>>,
}

/// When TLS begins on a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// Never: STARTTLS is neither offered nor known.
    None,
    /// STARTTLS is offered (RFC 3207).
    StartTls,
    /// STARTTLS is demanded before AUTH and MAIL.
    Required,
    /// From the first byte (RFC 8314 §3).
    Implicit,
}

impl TlsMode {
    /// The word for it in settings and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::StartTls => "starttls",
            Self::Required => "required",
            Self::Implicit => "implicit",
        }
    }
}

impl AuthMode {
    /// The word for it in settings and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

/// Whether a door offers and demands AUTH (RFC 4954).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// Not offered.
    None,
    /// Offered.
    Optional,
    /// Offered, and MAIL is refused without it (RFC 6409 §4.3).
    Required,
}

/// What to do with a CR or LF that is not part of CRLF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareLf {
    /// Refuse the command or, at its true end, the message.
    Reject,
    /// Take it as it came, as servers of old do: LF ends a line everywhere, so that LF.LF ends
    /// the data. This is what smuggling lives on: for teaching, not for mail that travels on.
    Accept,
}

/// Which mail a door takes.
#[derive(Clone, Debug, Default)]
pub struct RecipientRules {
    /// Domains that are ours; `None` takes every domain, as a catcher does.
    pub local_domains: Option<Vec<Domain>>,
    /// Canonical addresses (`user@domain`, lower case) that exist in the local domains; `None`:
    /// all do.
    pub local_users: Option<BTreeSet<String>>,
    /// Clients that may send to other domains too.
    pub trusted_networks: Vec<Network>,
}

/// Why a forward-path is refused by [`RecipientRules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// The domain is not ours, and the client may not relay.
    Relay,
    /// The domain is ours, and has no such user.
    UnknownUser,
}

impl RecipientRules {
    /// Whether there is any recipient that they refuse.
    #[must_use]
    pub fn is_choosy(&self) -> bool {
        self.local_domains.is_some() || self.local_users.is_some()
    }

    /// Judges one forward-path for a client at `peer`, who may have logged in.
    ///
    /// # Errors
    /// Says whether the domain or the user is what stands in the way.
    pub fn judge(
        &self,
        path: &ForwardPath,
        peer: IpAddr,
        authenticated: bool,
    ) -> Result<(), Turned> {
        let Some(mailbox) = path.mailbox() else { return Ok(()) };
        let may_relay =
            || authenticated || self.trusted_networks.iter().any(|network| network.contains(peer));
        if let Some(domains) = &self.local_domains {
            if !domains.contains(mailbox.domain()) {
                return if may_relay() { Ok(()) } else { Err(Turned::Relay) };
            }
            // A local part that carries another address would travel on from here.
            if names_another_host(&mailbox.local_unquoted()) && !may_relay() {
                return Err(Turned::Relay);
            }
        }
        if path.is_postmaster() {
            return Ok(());
        }
        match &self.local_users {
            Some(users) if !users.contains(&canonical_address(path)) => Err(Turned::UnknownUser),
            _ => Ok(()),
        }
    }
}

/// `u%h`, `u@h` and `h!u`: ways to write a second hop into a local part.
fn names_another_host(local: &str) -> bool {
    local.contains(['%', '@', '!'])
}

/// The spelling by which local users are compared: quotes removed, lower case.
fn canonical_address(path: &ForwardPath) -> String {
    path.mailbox().map_or_else(String::new, |m| {
        format!("{}@{}", m.local_unquoted().to_lowercase(), m.domain().canonical())
    })
}

/// An address range in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Parses `192.0.2.0/24`, `2001:db8::/32` or a single address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(longest), |p| p.parse().ok())?;
        (prefix <= longest).then_some(Self { address, prefix })
    }

    /// Whether the address lies in the range; an IPv4 client of an IPv6 socket counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The extensions that a door can do without, so that clients can be tried against a lesser
/// server. Each is offered and honoured, or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // a set of independent switches is what it is
pub struct Extensions {
    /// RFC 2920.
    pub pipelining: bool,
    /// RFC 1870.
    pub size: bool,
    /// RFC 2034.
    pub enhanced_status_codes: bool,
    /// RFC 6152.
    pub eight_bit_mime: bool,
    /// RFC 6531.
    pub smtputf8: bool,
    /// RFC 3461.
    pub dsn: bool,
    /// RFC 3030 §2: BDAT.
    pub chunking: bool,
    /// RFC 3030 §3; needs `chunking` and `eight_bit_mime`.
    pub binary_mime: bool,
    /// RFC 9422.
    pub limits: bool,
}

impl Default for Extensions {
    fn default() -> Self {
        Self {
            pipelining: true,
            size: true,
            enhanced_status_codes: true,
            eight_bit_mime: true,
            smtputf8: true,
            dsn: true,
            chunking: true,
            binary_mime: true,
            limits: true,
        }
    }
}

/// Sizes and counts that are enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest message, in octets (SIZE).
    pub message_size: u64,
    /// Recipients of one transaction (RCPTMAX); never below 100 (RFC 5321 §4.5.3.1.8).
    pub recipients: u32,
    /// Transactions of one session (MAILMAX).
    pub transactions: u32,
    /// Refused commands after which the session is ended.
    pub errors: u32,
    /// Failed logins after which the session is ended.
    pub auth_failures: u32,
    /// Octets of text that the transcript of one session may hold.
    pub transcript: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: 50 * 1024 * 1024,
            recipients: 1000,
            transactions: 100_000,
            errors: 20,
            auth_failures: 5,
            transcript: 64 * 1024,
        }
    }
}

/// Times after which a session ends (RFC 5321 §4.5.3.2.7 asks for at least five minutes between
/// commands).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// How long to watch for a client that talks first, before the greeting is sent.
    pub greeting_delay: Duration,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For one whole command.
    pub command: Duration,
    /// For the next block of mail data (a line, or 1 KiB).
    pub data: Duration,
    /// For the whole session.
    pub session: Duration,
    /// How long a running transaction may go on when the server is told to stop.
    pub grace: Duration,
    /// Octets a second that mail data must average once it has lasted longer than `data`; zero
    /// demands nothing.
    pub minimum_rate: u32,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            greeting_delay: Duration::ZERO,
            handshake: Duration::from_secs(30),
            command: Duration::from_mins(5),
            data: Duration::from_mins(3),
            session: Duration::from_hours(1),
            grace: Duration::from_secs(10),
            minimum_rate: 8,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let contains = |network: &str, address: &str| {
            Network::parse(network).unwrap().contains(address.parse().unwrap())
        };
        assert!(contains("192.0.2.0/24", "192.0.2.255"));
        assert!(!contains("192.0.2.0/24", "192.0.3.0"));
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(contains("192.0.2.7", "::ffff:192.0.2.7"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1"));
        assert!(!contains("::/0", "192.0.2.1"));
        for wrong in ["", "192.0.2.0/33", "192.0.2.0/x", "example.org", "::/129"] {
            assert!(Network::parse(wrong).is_none(), "{wrong}");
        }
    }
}
