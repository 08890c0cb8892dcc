//! The rustls configurations. Both name the ring provider themselves: a process-wide default could be set by
//! the program that embeds the server, or not at all.
//!
//! They offer TLS 1.2 and 1.3, ask no client for a certificate, and speak no ALPN.

use super::verifier::{self, Judge};
use rustls::client::verify_server_name;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, ServerSessionMemoryCache};
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, ClientConfig, Error, RootCertStore, ServerConfig};
use std::sync::Arc;
use time::OffsetDateTime;

/// Enough that a client under test sees its sessions resumed, few enough to be forgotten in a memory budget.
const REMEMBERED_SESSIONS: usize = 256;

/// A server's configuration; fails where key and certificate do not belong together.
pub(super) fn server(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.session_storage = ServerSessionMemoryCache::new(REMEMBERED_SESSIONS);
    // One mail client comes back with one session at a time; each further ticket is a remembered
    // session and some hundred bytes in every handshake.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

/// A client's configuration that trusts `root` and nothing else.
pub(super) fn client_of_authority(
    root: &CertificateDer<'static>,
) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone())?;
    let config = client()?.with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}

/// A client's configuration that trusts one server certificate and nothing else.
pub(super) fn client_of_certificate(
    certificate: &CertificateDer<'static>,
    valid: (OffsetDateTime, OffsetDateTime),
) -> Result<Arc<ClientConfig>, Error> {
    verifier::client(OnlyThis { certificate: certificate.clone(), valid })
}

pub(super) fn client() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error>
{
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
}

/// Trusts a certificate by its bytes, and still wants the right name, the right time and a good signature.
///
/// A self-signed certificate as `openssl req -x509` makes it is marked as a CA, and path validation refuses a CA
/// as a server's certificate. Its owner has named the file, so there is nothing left to find a path to.
#[derive(Debug)]
struct OnlyThis {
    certificate: CertificateDer<'static>,
    valid: (OffsetDateTime, OffsetDateTime),
}

impl Judge for OnlyThis {
    fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        if *certificate != self.certificate {
            return Err(CertificateError::UnknownIssuer.into());
        }
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if seconds < self.valid.0.unix_timestamp() {
            return Err(CertificateError::NotValidYet.into());
        }
        if seconds > self.valid.1.unix_timestamp() {
            return Err(CertificateError::Expired.into());
        }
        Ok(())
    }
}
