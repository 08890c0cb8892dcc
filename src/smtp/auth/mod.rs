//! SMTP AUTH (RFC 4954): which mechanisms there are, who may log in, and the exchanges.
//!
//! The directory is data, so that a login is checked without leaving the pure session. Secrets
//! are compared in constant time and never stand in a `Debug` output.

mod directory;
mod exchange;
mod flaw;
mod scram;

pub use directory::Directory;
pub use exchange::{Exchange, Identity, Outcome, Step};
pub use flaw::LoginFlaw;

use std::fmt;

/// A SASL mechanism that doorpost speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Never standardised, asked for by many clients.
    Login,
    /// RFC 2195: the secret itself does not cross the wire.
    CramMd5,
    /// RFC 7677: as above, and the server proves itself too.
    ScramSha256,
    /// The providers' token mechanism from before RFC 7628.
    XOauth2,
    /// RFC 7628: OAuth bearer tokens.
    OauthBearer,
}

impl Mechanism {
    /// All of them, in the order in which EHLO names them.
    pub const ALL: [Self; 6] = [
        Self::Plain,
        Self::Login,
        Self::CramMd5,
        Self::ScramSha256,
        Self::XOauth2,
        Self::OauthBearer,
    ];

    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::CramMd5 => "CRAM-MD5",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::XOauth2 => "XOAUTH2",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }

    /// The mechanism of that name, in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.as_str().eq_ignore_ascii_case(name))
    }

    /// Whether the server must know the secret for the exchange to succeed: such a mechanism
    /// cannot be offered while any credentials are taken.
    #[must_use]
    pub const fn needs_secret(self) -> bool {
        matches!(self, Self::ScramSha256)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
