//! Makes keys and certificates. It neither reads nor writes files, and it never sets an extension that a
//! strict verifier (RFC 5280; Python 3.13 and later by default) would stumble over.
//!
//! The CA carries no name constraints, though they would be a fine limit to what a stolen CA key can do.
//! A constrained CA could only ever vouch for the names known on the day it was made: a machine that is
//! renamed, a container that gets a new host name, a name added to the configuration later would each need
//! a new CA, and everybody would have to trust it anew. The limit is drawn elsewhere: the CA is made on the
//! user's machine, its key is readable by the user alone, and it may sign leaves only (path length 0).

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    SerialNumber,
};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};

use super::error::TlsError;
use super::names;

const AUTHORITY_LIFE: Duration = Duration::days(3650);
/// Apple's limit is 398 days, and other clients follow it.
pub(super) const LEAF_LIFE: Duration = Duration::days(397);
/// Containers and virtual machines wake up with clocks that are a little behind.
const BACKDATED: Duration = Duration::days(1);
/// RFC 5280's upper bound of a common name.
const LONGEST_COMMON_NAME: usize = 64;

/// A new P-256 key: the kind that every client knows and that costs least per handshake.
pub(super) fn key() -> Result<KeyPair, TlsError> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

/// A name for a new CA that says where it comes from in a list of trusted authorities.
pub(super) fn authority_name() -> String {
    let host = names::host().unwrap_or_else(|| "this machine".to_owned());
    let room = LONGEST_COMMON_NAME - "doorpost development CA ()".len();
    // Host names are ASCII here, so that characters are bytes.
    let host: String = host.chars().take(room).collect();
    format!("doorpost development CA ({host})")
}

/// A self-signed CA certificate over `key`.
pub(super) fn authority(
    key: &KeyPair,
    common_name: &str,
    now: OffsetDateTime,
) -> Result<Certificate, TlsError> {
    let mut params = params(common_name)?;
    params.not_before = now - BACKDATED;
    params.not_after = params.not_before + AUTHORITY_LIFE;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params.self_signed(key)?)
}

/// A server certificate over `key` for `names`, issued by the given CA; it ends when the CA does, at the latest.
pub(super) fn leaf(
    key: &KeyPair,
    names: &[String],
    authority: (&CertificateDer<'_>, &KeyPair),
    (now, at_most): (OffsetDateTime, OffsetDateTime),
) -> Result<Certificate, TlsError> {
    let mut params = params("localhost")?;
    params.subject_alt_names = CertificateParams::new(names.to_vec())?.subject_alt_names;
    params.not_before = now - BACKDATED;
    params.not_after = (params.not_before + LEAF_LIFE).min(at_most);
    // "Explicit" also writes the subject key identifier, which the plain kind leaves out.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let (certificate, authority_key) = authority;
    let issuer = Issuer::from_ca_cert_der(certificate, authority_key)?;
    Ok(params.signed_by(key, &issuer)?)
}

/// A server certificate that nobody but itself vouches for.
pub(super) fn self_signed(
    key: &KeyPair,
    names: &[String],
    now: OffsetDateTime,
) -> Result<Certificate, TlsError> {
    let mut params = params("localhost")?;
    params.subject_alt_names = CertificateParams::new(names.to_vec())?.subject_alt_names;
    params.not_before = now - BACKDATED;
    params.not_after = params.not_before + LEAF_LIFE;
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params.self_signed(key)?)
}

fn params(common_name: &str) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.serial_number = Some(serial()?);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Random, since two certificates of one issuer with one serial number make NSS refuse both.
fn serial() -> Result<SerialNumber, TlsError> {
    let mut bytes = [0_u8; 16];
    ring::default_provider().secure_random.fill(&mut bytes).map_err(rustls::Error::from)?;
    // Positive, and never with a leading zero byte, which DER forbids.
    bytes[0] = (bytes[0] & 0x3f) | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}
