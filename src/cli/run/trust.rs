//! What makes the command trust doorpost's CA, besides those that it trusts anyway: a bundle of both, since the
//! variables name the only file that is read.

use super::environment::Variable;
use crate::cli::Failure;
use crate::tls::Identity;
use std::fs;
use std::path::PathBuf;

/// Where systems keep the certificates that they trust.
const SYSTEM: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
];

/// Variables that name a file in place of the system's.
const INSTEAD: [&str; 4] = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT"];
/// Variables that name a file in addition to those that are built in.
const BESIDES: [&str; 2] = ["NODE_EXTRA_CA_CERTS", "DENO_CERT"];

/// A file that is gone when this is dropped.
pub(super) struct Bundle {
    all: PathBuf,
    ca: PathBuf,
}

impl Bundle {
    pub(super) fn variables(&self) -> Vec<Variable> {
        let one =
            |name: &&str, path: &PathBuf| ((*name).to_owned(), Some(path.as_os_str().to_owned()));
        let instead = INSTEAD.iter().map(|name| one(name, &self.all));
        instead.chain(BESIDES.iter().map(|name| one(name, &self.ca))).collect()
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        // A file in the folder for temporary ones may stay where it cannot be removed.
        let _ = fs::remove_file(&self.all);
    }
}

/// Writes the bundle.
pub(super) fn bundle(identity: &Identity) -> Result<Bundle, Failure> {
    let ca = identity.ca_path().ok_or_else(|| Failure::of("--trust: there is no CA to trust"))?;
    let read = |path: &PathBuf| fs::read(path).ok();
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let system =
        named.into_iter().chain(SYSTEM.iter().map(PathBuf::from)).find_map(|path| read(&path));
    let about = |path: &std::path::Path, error: std::io::Error| {
        Failure::of(format_args!("--trust: {}: {error}", path.display()))
    };
    let own = fs::read(ca).map_err(|error| about(ca, error))?;
    let all = std::env::temp_dir().join(format!("doorpost-trust-{}.pem", std::process::id()));
    let text = [system.unwrap_or_default(), b"\n".to_vec(), own].concat();
    fs::write(&all, text).map_err(|error| about(&all, error))?;
    Ok(Bundle { all, ca: ca.to_owned() })
}
