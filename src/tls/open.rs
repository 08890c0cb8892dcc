//! Opens a certificate directory: which of its files are good, which must be made, in what order.
//!
//! It makes what is missing and renews what ends. It never replaces a key, and it never repairs a file
//! that is there and wrong: that could be the user's own doing, so it says what is wrong and stops.
//!
//! Crash-safe by order: a leaf that will not fit a new CA or a new key is removed before the first new file is
//! written, so that an interrupted start leaves files missing, never files that contradict each other.

use std::fmt;
use std::path::Path;

use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use time::{Duration, OffsetDateTime};

use super::broken::Signer;
use super::directory::{Directory, Readers};
use super::error::TlsError;
use super::identity::Identity;
use super::inspect::Facts;
use super::{inspect, issue, names};

const CA: &str = "ca.pem";
const CA_KEY: &str = "ca-key.pem";
const LEAF: &str = "leaf.pem";
const LEAF_KEY: &str = "leaf-key.pem";

/// A server that runs for weeks must not outlive its certificate.
const RENEWED_BEFORE_END: Duration = Duration::days(30);

/// An opened certificate directory.
#[derive(Debug)]
#[must_use]
pub struct Opened {
    /// What the server serves.
    pub identity: Identity,
    /// What opening it did to the directory; its `Display` is a line for the log.
    pub change: Change,
    /// What works but should be looked at, a line each.
    pub warnings: Vec<String>,
}

/// What [`Identity::open`] did to the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// There was no CA: a new one was made, which no client trusts yet.
    Made,
    /// Nothing was written.
    Reused,
    /// A new leaf under the same CA: clients notice nothing.
    LeafRenewed(Reason),
    /// A new CA certificate over the same key, and a new leaf.
    AuthorityRenewed {
        /// Whether the old certificate had ended, so that clients that trust it must be given the new one now;
        /// otherwise they go on with the old one until its end.
        expired: bool,
    },
}

/// Why a leaf was renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It, or its key, was not there.
    Missing,
    /// It ended, or would have within 30 days, or was not yet valid.
    Time,
    /// It lacked these names.
    Names(Vec<String>),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made => f.write_str("made a development CA; clients must be told to trust it"),
            Self::Reused => f.write_str("the development CA and its certificate are unchanged"),
            Self::LeafRenewed(reason) => write!(f, "renewed the certificate, {reason}"),
            Self::AuthorityRenewed { expired: true } => f.write_str(
                "the development CA had expired and was renewed; clients must be told to trust the \
                 new one",
            ),
            Self::AuthorityRenewed { expired: false } => f.write_str(
                "renewed the development CA, which would end before a new certificate; clients that \
                 trust it should be given the new one",
            ),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("which was missing"),
            Self::Time => f.write_str("which was at or near its end"),
            Self::Names(names) => write!(f, "which lacked {}", names.join(", ")),
        }
    }
}

struct Authority {
    key: KeyPair,
    certificate: CertificateDer<'static>,
    pem: String,
    facts: Facts,
}

struct Leaf {
    certificate: CertificateDer<'static>,
    facts: Facts,
}

/// See [`Identity::open`].
pub(super) fn open(
    dir: &Path,
    extra_names: &[String],
    now: OffsetDateTime,
) -> Result<Opened, TlsError> {
    let wanted = names::wanted(extra_names)?;
    let mut directory = Directory::open(dir)?;
    let (mut authority, mut change) = authority(&mut directory, now)?;
    let leaf_key = leaf_key(&mut directory)?;
    let found = read_leaf(&directory, &leaf_key, &authority)?;
    let leaf = match reason_to_renew(found.as_ref(), &wanted, now) {
        None => found,
        Some(reason) => {
            if authority.facts.not_after < now + issue::LEAF_LIFE {
                authority = renew_authority(&directory, authority, now)?;
                change = Change::AuthorityRenewed { expired: false };
            }
            if change == Change::Reused {
                change = Change::LeafRenewed(reason);
            }
            issue_leaf(&directory, &leaf_key, &authority, &wanted, now)?;
            read_leaf(&directory, &leaf_key, &authority)?
        }
    };
    let leaf = leaf.ok_or_else(|| {
        TlsError::file(&directory.file(LEAF), "it has disappeared", "start doorpost again")
    })?;
    let mut identity = Identity::of_leaf(
        &leaf.certificate,
        &leaf_key,
        leaf.facts,
        Signer { certificate: authority.certificate, key: authority.key },
        authority.pem,
    )?;
    identity.ca_path = Some(directory.file(CA));
    Ok(Opened { identity, change, warnings: directory.warnings })
}

/// The CA as it is, or a new one where there is none or where it has ended.
fn authority(
    directory: &mut Directory,
    now: OffsetDateTime,
) -> Result<(Authority, Change), TlsError> {
    let Some(pem) = directory.read(CA)? else {
        directory.remove(LEAF)?;
        let key = match directory.read_key(CA_KEY)? {
            Some(pem) => parse_key(directory, CA_KEY, &pem)?,
            None => make_key(directory, CA_KEY)?,
        };
        let name = issue::authority_name();
        return Ok((write_authority(directory, key, &name, now)?, Change::Made));
    };
    let Some(key) = directory.read_key(CA_KEY)? else {
        return Err(TlsError::file(
            &directory.file(CA_KEY),
            "it is missing while its CA is there",
            format!(
                "put it back, or remove {CA} too, and trust the new CA that is made at the next start"
            ),
        ));
    };
    let key = parse_key(directory, CA_KEY, &key)?;
    let authority = read_authority(directory, key, pem)?;
    if authority.facts.not_before > now {
        return Err(TlsError::file(
            &directory.file(CA),
            format!(
                "it is valid from {}, and the clock says {}",
                authority.facts.not_before.date(),
                now.date()
            ),
            "set the clock",
        ));
    }
    if authority.facts.not_after <= now {
        let renewed = renew_authority(directory, authority, now)?;
        return Ok((renewed, Change::AuthorityRenewed { expired: true }));
    }
    Ok((authority, Change::Reused))
}

fn read_authority(directory: &Directory, key: KeyPair, pem: String) -> Result<Authority, TlsError> {
    let wrong = |problem: String| {
        TlsError::file(
            &directory.file(CA),
            problem,
            format!(
                "put the right file back, or remove it: it is made anew over the key in {CA_KEY}"
            ),
        )
    };
    let mut found = certificates(&pem).map_err(wrong)?;
    if found.len() > 1 {
        return Err(wrong("it holds more than one certificate".to_owned()));
    }
    let certificate = found.remove(0);
    let facts = inspect::facts(&certificate).map_err(wrong)?;
    if !facts.is_authority {
        return Err(wrong("its certificate is not a CA's".to_owned()));
    }
    if facts.public_key != key.public_key_raw() {
        return Err(wrong(format!("{CA_KEY} is not the key of this CA")));
    }
    Ok(Authority { key, certificate, pem, facts })
}

/// A later certificate over the same key and name, so that leaves of the new one also verify under the old one.
fn renew_authority(
    directory: &Directory,
    old: Authority,
    now: OffsetDateTime,
) -> Result<Authority, TlsError> {
    let name = old.facts.common_name.unwrap_or_default();
    let certificate = issue::authority(&old.key, &name, now)?;
    let facts = inspect::facts(certificate.der()).map_err(rustls::Error::General)?;
    if facts.subject != old.facts.subject {
        return Err(TlsError::file(
            &directory.file(CA),
            format!(
                "it ends on {}, too soon for a new certificate, and doorpost renews only a CA \
                 that it made",
                old.facts.not_after.date()
            ),
            format!("put a CA there that lasts longer, or remove {CA} and {CA_KEY}"),
        ));
    }
    write_authority(directory, old.key, &name, now)
}

fn write_authority(
    directory: &Directory,
    key: KeyPair,
    common_name: &str,
    now: OffsetDateTime,
) -> Result<Authority, TlsError> {
    let pem = issue::authority(&key, common_name, now)?.pem();
    directory.write(CA, &pem, Readers::Everyone)?;
    read_authority(directory, key, pem)
}

/// The leaf's key, made where it is missing.
fn leaf_key(directory: &mut Directory) -> Result<KeyPair, TlsError> {
    if let Some(pem) = directory.read_key(LEAF_KEY)? {
        return parse_key(directory, LEAF_KEY, &pem);
    }
    directory.remove(LEAF)?;
    make_key(directory, LEAF_KEY)
}

fn read_leaf(
    directory: &Directory,
    key: &KeyPair,
    authority: &Authority,
) -> Result<Option<Leaf>, TlsError> {
    let Some(pem) = directory.read(LEAF)? else {
        return Ok(None);
    };
    let wrong = |problem: String| {
        TlsError::file(
            &directory.file(LEAF),
            problem,
            "remove it: a new one is made at the next start, and the CA stays as it is",
        )
    };
    let certificate = certificates(&pem).map_err(wrong)?.remove(0);
    let facts = inspect::facts(&certificate).map_err(wrong)?;
    if facts.public_key != key.public_key_raw() {
        return Err(wrong(format!("{LEAF_KEY} is not the key of this certificate")));
    }
    if !inspect::is_issued_by(&certificate, &authority.certificate) {
        return Err(wrong(format!("the CA in {CA} did not issue it")));
    }
    Ok(Some(Leaf { certificate, facts }))
}

fn reason_to_renew(leaf: Option<&Leaf>, wanted: &[String], now: OffsetDateTime) -> Option<Reason> {
    let Some(Leaf { facts, .. }) = leaf else {
        return Some(Reason::Missing);
    };
    if facts.not_before > now || facts.not_after < now + RENEWED_BEFORE_END {
        return Some(Reason::Time);
    }
    let lacking: Vec<String> =
        wanted.iter().filter(|name| !facts.names.contains(name)).cloned().collect();
    (!lacking.is_empty()).then_some(Reason::Names(lacking))
}

fn issue_leaf(
    directory: &Directory,
    key: &KeyPair,
    authority: &Authority,
    names: &[String],
    now: OffsetDateTime,
) -> Result<(), TlsError> {
    let issuer = (&authority.certificate, &authority.key);
    let leaf = issue::leaf(key, names, issuer, (now, authority.facts.not_after))?;
    // With the CA behind it the file is a whole chain, which other servers can be given too.
    let chain = leaf.pem() + &authority.pem;
    directory.write(LEAF, &chain, Readers::Everyone)
}

fn make_key(directory: &Directory, name: &str) -> Result<KeyPair, TlsError> {
    let key = issue::key()?;
    directory.write(name, &key.serialize_pem(), Readers::OwnerOnly)?;
    Ok(key)
}

fn parse_key(directory: &Directory, name: &str, pem: &str) -> Result<KeyPair, TlsError> {
    KeyPair::from_pem(pem).map_err(|error| {
        TlsError::file(
            &directory.file(name),
            format!("it is damaged: no private key that can be read ({error})"),
            match name {
                CA_KEY => {
                    "put the right file back, or remove every file in this directory, and trust the \
                     new CA that is made at the next start"
                }
                _ => "remove it: a new one is made at the next start, and the CA stays as it is",
            },
        )
    })
}

/// The certificates of a PEM text, at least one.
fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match found {
        Ok(found) if found.is_empty() => Err("it is damaged: no certificate in it".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(format!("it is damaged ({error})")),
    }
}
