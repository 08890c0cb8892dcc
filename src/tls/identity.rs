//! [`Identity`]: what a server shows and what a client needs in order to believe it.
//!
//! It hands out configurations, PEM text and paths; it never hands out a private key.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ServerConfig};
use time::OffsetDateTime;

use super::broken::Signer;
use super::error::TlsError;
use super::inspect::Facts;
use super::open::Opened;
use super::{inspect, issue, names, open, own, settings};

/// What a server needs to speak TLS: rustls configuration and the CA to hand to clients.
///
/// Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(super) server: Arc<ServerConfig>,
    pub(super) trust: Trust,
    pub(super) ca_pem: Option<Arc<str>>,
    pub(super) ca_path: Option<PathBuf>,
    pub(super) names: Arc<[String]>,
    pub(super) valid: (OffsetDateTime, OffsetDateTime),
    /// Who signed the leaf, where that is us.
    pub(super) signer: Option<Arc<Signer>>,
}

/// How a client of ours comes to believe this identity.
#[derive(Clone, Debug)]
pub(super) enum Trust {
    /// By a path to this certificate.
    Authority(CertificateDer<'static>),
    /// By being this certificate, since there is nothing above it.
    Certificate(CertificateDer<'static>),
}

impl Identity {
    /// Opens the certificate directory: makes CA and leaf on the first start, and takes them as they are on
    /// the next ones.
    ///
    /// The leaf is renewed 30 days before it ends or when it lacks a name that is wanted; the CA's certificate
    /// when it would end before a new leaf. Keys are kept over every renewal, so that a CA once
    /// trusted goes on working until its own end, and so that each renewal is one file put in place at once: no
    /// reader meets a CA beside the leaf of another.
    ///
    /// # Errors
    /// When the directory cannot be used, when a file in it is damaged or does not belong to the others, and
    /// when one of `extra_names` is no name.
    pub fn open(
        dir: &Path,
        extra_names: &[String],
        now: OffsetDateTime,
    ) -> Result<Opened, TlsError> {
        open::open(dir, extra_names, now)
    }

    /// A CA and leaf kept in memory only: for servers embedded in tests.
    ///
    /// # Errors
    /// When one of `extra_names` is no name.
    pub fn ephemeral(extra_names: &[String], now: OffsetDateTime) -> Result<Self, TlsError> {
        let wanted = names::wanted(extra_names)?;
        let authority_key = issue::key()?;
        let authority = issue::authority(&authority_key, &issue::authority_name(), now)?;
        let leaf_key = issue::key()?;
        let times = (now, now + issue::LEAF_LIFE);
        let leaf = issue::leaf(&leaf_key, &wanted, (authority.der(), &authority_key), times)?;
        let facts = inspect::facts(leaf.der()).map_err(rustls::Error::General)?;
        let signer = Signer { certificate: authority.der().clone(), key: authority_key };
        Self::of_leaf(leaf.der(), &leaf_key, facts, signer, authority.pem())
    }

    /// The user's own certificate chain and key (PEM: PKCS#8, PKCS#1, SEC1).
    ///
    /// Their time and names are not judged here: to serve an expired certificate, or one for another
    /// host, can be just what a test is about. [`Identity::not_after`] and [`Identity::names`] tell.
    ///
    /// # Errors
    /// When a file cannot be read, holds something else, or when the key is another certificate's.
    pub fn from_files(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        own::from_files(cert, key)
    }

    /// The server's configuration: TLS 1.2 and 1.3, no client certificates, no ALPN.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }

    /// The CA as PEM; `None` for the user's own files.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Where clients find what to trust: the CA's file, or for the user's own files the certificate that
    /// was given; `None` for an ephemeral identity. Always an absolute path.
    #[must_use]
    pub fn ca_path(&self) -> Option<&Path> {
        self.ca_path.as_deref()
    }

    /// The names and addresses the certificate is for.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// When the server's certificate ends.
    #[must_use]
    pub fn not_after(&self) -> OffsetDateTime {
        self.valid.1
    }

    /// A client's configuration that trusts only this identity: its CA, or for the user's own files the
    /// last certificate of the chain. (A single certificate is trusted as itself, since it may be self-signed.)
    ///
    /// # Errors
    /// When rustls cannot take the certificate as a root.
    pub fn client_config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        Ok(match &self.trust {
            Trust::Authority(root) => settings::client_of_authority(root)?,
            Trust::Certificate(only) => settings::client_of_certificate(only, self.valid)?,
        })
    }

    /// The identity of a leaf we issued. The CA is not sent along: who trusts it has it, and for who
    /// does not it proves nothing.
    pub(super) fn of_leaf(
        leaf: &CertificateDer<'static>,
        leaf_key: &KeyPair,
        facts: Facts,
        signer: Signer,
        authority_pem: String,
    ) -> Result<Self, TlsError> {
        let key = PrivateKeyDer::Pkcs8(leaf_key.serialize_der().into());
        Ok(Self {
            server: settings::server(vec![leaf.clone()], key)?,
            trust: Trust::Authority(signer.certificate.clone()),
            ca_pem: Some(authority_pem.into()),
            ca_path: None,
            names: facts.names.into(),
            valid: (facts.not_before, facts.not_after),
            signer: Some(Arc::new(signer)),
        })
    }
}
