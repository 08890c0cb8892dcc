//! The user's own certificate and key, as `--tls-cert` and `--tls-key` name them.
//!
//! It refuses what could never work (a key of another certificate, an encrypted key, a file of something else) and
//! takes everything else, an expired certificate too: the user has asked for this one.

use std::fs;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, InconsistentKeys};

use super::error::TlsError;
use super::identity::{Identity, Trust};
use super::{inspect, settings};

/// See [`Identity::from_files`].
pub(super) fn from_files(cert: &Path, key: &Path) -> Result<Identity, TlsError> {
    let chain = chain(cert)?;
    let private_key = private_key(key)?;
    let [server, rest @ ..] = chain.as_slice() else {
        return Err(no_certificate(cert));
    };
    let trust = match rest.last() {
        Some(last) => Trust::Authority(last.clone()),
        None => Trust::Certificate(server.clone()),
    };
    let facts = inspect::facts(server).map_err(|problem| {
        TlsError::file(cert, problem, "give the certificate as PEM, the server's own one first")
    })?;
    let server = settings::server(chain, private_key).map_err(|error| refused(error, cert, key))?;
    Ok(Identity {
        server,
        trust,
        ca_pem: None,
        ca_path: Some(absolute(cert)),
        names: facts.names.into(),
        valid: (facts.not_before, facts.not_after),
        signer: None,
    })
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|error| damaged(path, &error))?;
    if chain.is_empty() {
        return Err(no_certificate(path));
    }
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = read(path)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| match error {
        PemError::NoItemsFound if is_encrypted(&pem) => TlsError::file(
            path,
            "the private key is encrypted",
            "decrypt it first: openssl pkey -in KEY -out PLAIN",
        ),
        PemError::NoItemsFound => TlsError::file(
            path,
            "there is no private key in it",
            "give the key as PEM: BEGIN PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY",
        ),
        error => damaged(path, &error),
    })
}

fn is_encrypted(pem: &[u8]) -> bool {
    let marker = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
    pem.windows(marker.len()).any(|window| window == marker)
}

fn refused(error: Error, cert: &Path, key: &Path) -> TlsError {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::file(
            key,
            format!("it is not the key of the certificate in {}", cert.display()),
            "give the key that the certificate was made for, and the server's own certificate first in its file",
        ),
        Error::InvalidCertificate(_) => TlsError::file(
            cert,
            format!("rustls cannot serve it ({error})"),
            "give an X.509 version 3 certificate",
        ),
        error => TlsError::file(
            key,
            format!("rustls cannot use it ({error})"),
            "give an RSA key of 2048 to 8192 bits, an ECDSA key on P-256 or P-384, or an Ed25519 key",
        ),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| {
        TlsError::file(
            path,
            format!("it cannot be read ({error})"),
            "check the path and its permissions",
        )
    })
}

fn no_certificate(path: &Path) -> TlsError {
    TlsError::file(
        path,
        "there is no certificate in it",
        "give the chain as PEM: BEGIN CERTIFICATE, the server's own one first",
    )
}

fn damaged(path: &Path, error: &PemError) -> TlsError {
    TlsError::file(path, format!("it is damaged ({error})"), "write it again from where it came")
}

/// So that the path still holds for a client that is started elsewhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
