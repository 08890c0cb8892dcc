//! Certificates that are wrong in one way and right in all others, for clients that have to notice.
//!
//! They are made when first asked for, kept in memory, and signed by the same CA as the good one, so
//! that a client which trusts the CA meets the one fault and no second one. Beside certificates of the
//! user's own, whose CA key is elsewhere, a CA is made up for them.

use super::error::TlsError;
use super::identity::Identity;
use super::{issue, settings};
use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::sync::{Arc, OnceLock};
use time::{Duration, OffsetDateTime};

/// A host that nobody can have connected to (RFC 6761 §6.4).
const ANOTHER_HOST: &str = "wrong-host.invalid";

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It ended yesterday.
    Expired,
    /// It vouches for itself.
    SelfSigned,
    /// It is for `wrong-host.invalid`.
    WrongHost,
}

/// The CA that signs, with its key. The key is never shown.
pub(super) struct Signer {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: KeyPair,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

/// The flawed certificates of one identity.
#[derive(Debug)]
pub struct Flawed {
    identity: Identity,
    made: [OnceLock<Result<Arc<ServerConfig>, String>>; 3],
}

impl Flawed {
    /// Those that belong beside this identity; none is made yet.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self { identity, made: Default::default() }
    }

    /// Whether the certificate is for that host, as most clients judge: a star stands for one label, and not right
    /// under a top-level name.
    #[must_use]
    pub fn is_for(&self, flaw: Option<Flaw>, host: &str) -> bool {
        if flaw == Some(Flaw::WrongHost) {
            return host.eq_ignore_ascii_case(ANOTHER_HOST);
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.identity.names().iter().any(|name| match name.strip_prefix("*.") {
            Some(above) => {
                host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == above)
            }
            None => *name == host,
        })
    }

    /// Whether the certificate has ended.
    #[must_use]
    pub fn is_over(&self, flaw: Option<Flaw>) -> bool {
        flaw == Some(Flaw::Expired) || self.identity.not_after() < OffsetDateTime::now_utc()
    }

    /// A server's configuration with such a certificate.
    ///
    /// # Errors
    /// Says why it cannot be made.
    pub fn config(&self, flaw: Flaw) -> Result<Arc<ServerConfig>, String> {
        let made = &self.made[flaw as usize];
        let make = || make(&self.identity, flaw).map_err(|error| error.to_string());
        made.get_or_init(make).clone()
    }
}

fn make(identity: &Identity, flaw: Flaw) -> Result<Arc<ServerConfig>, TlsError> {
    let now = OffsetDateTime::now_utc();
    let key = issue::key()?;
    let names = identity.names().to_vec();
    let made_up;
    let signer = match &identity.signer {
        Some(signer) => &**signer,
        None => {
            let key = issue::key()?;
            let authority = issue::authority(&key, &issue::authority_name(), now)?;
            made_up = Signer { certificate: authority.der().clone(), key };
            &made_up
        }
    };
    let signed = (&signer.certificate, &signer.key);
    let leaf = match flaw {
        Flaw::Expired => {
            let (began, ended) = (now - Duration::days(30), now - Duration::days(1));
            issue::leaf(&key, &names, signed, (began, ended))?
        }
        Flaw::SelfSigned => issue::self_signed(&key, &names, now)?,
        Flaw::WrongHost => {
            let times = (now, now + issue::LEAF_LIFE);
            issue::leaf(&key, &[ANOTHER_HOST.to_owned()], signed, times)?
        }
    };
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok(settings::server(vec![leaf.der().clone()], key)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::super::inspect;
    use super::*;

    #[test]
    fn each_has_its_one_flaw() {
        let now = OffsetDateTime::now_utc();
        let identity = Identity::ephemeral(&[], now).unwrap();
        let flawed = Flawed::new(identity);
        for flaw in [Flaw::Expired, Flaw::SelfSigned, Flaw::WrongHost] {
            assert!(flawed.config(flaw).is_ok(), "{flaw:?}");
            assert!(Arc::ptr_eq(&flawed.config(flaw).unwrap(), &flawed.config(flaw).unwrap()));
        }
    }

    #[test]
    fn names_are_judged_as_clients_do() {
        let identity = Identity::ephemeral(&[], OffsetDateTime::now_utc()).unwrap();
        let flawed = Flawed::new(identity);
        for host in ["localhost", "127.0.0.1", "Mail.Doorpost.Test", "relay.localhost"] {
            assert!(flawed.is_for(None, host), "{host}");
            assert!(!flawed.is_for(Some(Flaw::WrongHost), host), "{host}");
        }
        assert!(
            !flawed.is_for(None, "mail.example.com") && !flawed.is_for(None, "a.b.doorpost.test")
        );
        assert!(flawed.is_over(Some(Flaw::Expired)) && !flawed.is_over(None));
    }

    #[test]
    fn the_expired_one_is_over_and_the_self_signed_one_is_not() {
        let now = OffsetDateTime::now_utc();
        let key = issue::key().unwrap();
        let itself = issue::self_signed(&key, &["localhost".to_owned()], now).unwrap();
        let facts = inspect::facts(itself.der()).unwrap();
        assert!(facts.not_after > now && !facts.is_authority);
        let authority = issue::authority(&key, "CA", now).unwrap();
        let times = (now - Duration::days(30), now - Duration::days(1));
        let leaf = issue::leaf(&key, &["localhost".to_owned()], (authority.der(), &key), times);
        let facts = inspect::facts(leaf.unwrap().der()).unwrap();
        assert!(facts.not_before < facts.not_after && facts.not_after < now);
    }
}
