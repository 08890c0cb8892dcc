//! Reads from a certificate what this room must know: its time, its names, its key, who issued it.
//! It judges nothing, and it is no path validation: clients do that.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::names;

/// What a certificate says.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
    pub(super) names: Vec<String>,
    pub(super) common_name: Option<String>,
    pub(super) is_authority: bool,
    pub(super) public_key: Vec<u8>,
    pub(super) subject: Vec<u8>,
}

/// Reads one certificate; the error is the problem in words.
pub(super) fn facts(certificate: &CertificateDer<'_>) -> Result<Facts, String> {
    let x509 = parse(certificate)?;
    let alternative = x509
        .subject_alternative_name()
        .map_err(|error| format!("its subjectAltName cannot be read ({error})"))?;
    let names = alternative
        .map(|extension| extension.value.general_names.iter().filter_map(name).collect())
        .unwrap_or_default();
    let subject = x509.subject();
    Ok(Facts {
        not_before: x509.validity().not_before.to_datetime(),
        not_after: x509.validity().not_after.to_datetime(),
        names,
        common_name: subject
            .iter_common_name()
            .next()
            .and_then(|attribute| attribute.as_str().ok())
            .map(str::to_owned),
        is_authority: x509.is_ca(),
        public_key: x509.public_key().subject_public_key.data.to_vec(),
        subject: subject.as_raw().to_vec(),
    })
}

/// Whether `leaf` bears the name and the signature of `authority`.
pub(super) fn is_issued_by(leaf: &CertificateDer<'_>, authority: &CertificateDer<'_>) -> bool {
    let (Ok(leaf), Ok(authority)) = (parse(leaf), parse(authority)) else {
        return false;
    };
    leaf.issuer().as_raw() == authority.subject().as_raw()
        && leaf.verify_signature(Some(authority.public_key())).is_ok()
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    match X509Certificate::from_der(certificate.as_ref()) {
        Ok(([], x509)) => Ok(x509),
        Ok(_) => Err("there are bytes behind the certificate".to_owned()),
        Err(error) => Err(format!("it is not an X.509 certificate ({error})")),
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => names::normalised(name),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}
