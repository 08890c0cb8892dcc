//! What makes the command trust doorpost's CA, besides those that it trusts anyway: a bundle of both, since the
//! variables name the only file that is read.

use super::environment::Variable;
use crate::cli::Failure;
use crate::tls::Identity;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

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

/// A file that is gone when this is dropped; in the folder for temporary ones it may stay where it cannot be removed.
pub(super) struct Bundle {
    all: NamedTempFile,
    ca: PathBuf,
}

impl Bundle {
    pub(super) fn variables(&self) -> Vec<Variable> {
        let one =
            |name: &&str, path: &Path| ((*name).to_owned(), Some(path.as_os_str().to_owned()));
        let instead = INSTEAD.iter().map(|name| one(name, self.all.path()));
        instead.chain(BESIDES.iter().map(|name| one(name, &self.ca))).collect()
    }
}

/// Writes the bundle.
pub(super) fn bundle(identity: &Identity) -> Result<Bundle, Failure> {
    let ca = identity.ca_path().ok_or_else(|| Failure::of("--trust: there is no CA to trust"))?;
    let read = |path: &PathBuf| fs::read(path).ok();
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let system =
        named.into_iter().chain(SYSTEM.iter().map(PathBuf::from)).find_map(|path| read(&path));
    let own = fs::read(ca)
        .map_err(|error| Failure::of(format_args!("--trust: {}: {error}", ca.display())))?;
    let text = [system.unwrap_or_default(), b"\n".to_vec(), own].concat();
    let all = written(&text).map_err(|error| {
        let folder = std::env::temp_dir();
        Failure::of(format_args!("--trust: a file in {}: {error}", folder.display()))
    })?;
    Ok(Bundle { all, ca: ca.to_owned() })
}

/// In a file of a name that nobody could have taken before. Everybody may read it, as any list of authorities.
fn written(text: &[u8]) -> io::Result<NamedTempFile> {
    let mut name = tempfile::Builder::new();
    name.prefix("doorpost-trust-").suffix(".pem");
    #[cfg(unix)]
    name.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = name.tempfile()?;
    file.write_all(text)?;
    Ok(file)
}
