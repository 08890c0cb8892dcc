//! TLS for connections that doorpost opens itself: what it believes of the servers that it meets.
//!
//! Where TLS is only taken because it was offered, any certificate will do: whoever stands between could take the
//! offer away as well (RFC 7435). Where it is demanded, the certificate has to be right, by the system's
//! authorities or doorpost's own.

use super::verifier::{self, Judge};
use super::{Identity, TlsError, settings};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, Error, RootCertStore};
use std::sync::{Arc, OnceLock};

/// The two ways to meet a server.
#[derive(Debug)]
pub struct Outgoing {
    anybody: Arc<ClientConfig>,
    verified: OnceLock<Arc<ClientConfig>>,
    own: Option<CertificateDer<'static>>,
}

impl Outgoing {
    /// Believes the system's authorities, and this identity's own.
    ///
    /// # Errors
    /// When rustls cannot be set up.
    pub fn new(identity: &Identity) -> Result<Self, TlsError> {
        let anybody = verifier::client(Anybody)?;
        let own =
            identity.ca_pem().and_then(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).ok());
        Ok(Self { anybody, verified: OnceLock::new(), own })
    }

    /// Takes any certificate, and still wants a signature by its key.
    #[must_use]
    pub fn anybody(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.anybody)
    }

    /// Wants a certificate that somebody vouches for, with the right name. The system's authorities are read when
    /// they are first needed, which takes a moment.
    ///
    /// # Errors
    /// When rustls cannot be set up.
    pub fn verified(&self) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(config) = self.verified.get() {
            return Ok(Arc::clone(config));
        }
        let mut roots = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            tracing::warn!(%error, "an authority of the system could not be read");
        }
        roots.add_parsable_certificates(found.certs);
        if let Some(own) = &self.own {
            roots.add(own.clone())?;
        }
        let config = settings::client()?.with_root_certificates(roots).with_no_client_auth();
        Ok(Arc::clone(self.verified.get_or_init(|| Arc::new(config))))
    }
}

/// Believes everybody who has the key to what they show.
#[derive(Debug)]
struct Anybody;

impl Judge for Anybody {
    fn judge(&self, _: &CertificateDer<'_>, _: &ServerName<'_>, _: UnixTime) -> Result<(), Error> {
        Ok(())
    }
}
