//! The text of `doorpost cert`: where the CA is, and the one line that makes each language's clients trust it.
//!
//! It only prints. It changes no trust store: what a machine trusts is its owner's to say, and most of the lines
//! reach no further than one shell. The lines are for POSIX shells; they name no port and no door.

use super::{Failure, ServeArgs, certificate_directory};
use crate::app::certificate_names;
use crate::tls::Identity;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// `doorpost cert`: makes the CA where there is none yet, so that the path it prints exists.
pub(super) fn run(args: &ServeArgs) -> Result<(), Failure> {
    let (config, _) = args.load()?;
    let names = certificate_names(&config);
    let ca = match config.tls_cert {
        Some(own) => own,
        None => {
            let directory = certificate_directory(config.certs)?;
            let opened = Identity::open(&directory, &names, OffsetDateTime::now_utc())
                .map_err(Failure::of)?;
            opened.identity.ca_path().map(Path::to_path_buf).unwrap_or(directory)
        }
    };
    print(&mut io::stdout().lock(), &ca).map_err(Failure::of)
}

/// For each client, its name and the line that makes it trust the CA in the file `ca`.
///
/// Each line is complete, except that curl's still wants its URL; names of programs (`app.js`) stand for the
/// reader's own.
#[must_use]
pub fn instructions(ca: &Path) -> Vec<(&'static str, String)> {
    let ca = absolute(ca);
    let file = quoted(&ca);
    // Beside the CA, since there is no other place that both exists and is the user's.
    let store = quoted(&ca.with_file_name("truststore.p12"));
    vec![
        ("curl", format!("curl --ssl-reqd --cacert {file}")),
        ("Python", format!("export SSL_CERT_FILE={file}")),
        ("Node", format!("export NODE_EXTRA_CA_CERTS={file}")),
        (
            "Java",
            format!(
                "keytool -importcert -noprompt -alias doorpost -file {file} -keystore {store} \
                 -storetype PKCS12 -storepass changeit && java -Djavax.net.ssl.trustStore={store} \
                 -Djavax.net.ssl.trustStorePassword=changeit -jar app.jar"
            ),
        ),
        ("Go", format!("export SSL_CERT_FILE={file}")),
        ("PHP", format!("php -d openssl.cafile={file} app.php")),
        (".NET", format!("export SSL_CERT_FILE={file}")),
        ("Ruby", format!("export SSL_CERT_FILE={file}")),
    ]
}

/// Prints the CA's path, alone on the first line so that scripts can take it, and then all [`instructions`].
///
/// # Errors
/// When `out` cannot be written to.
pub fn print(out: &mut dyn Write, ca: &Path) -> io::Result<()> {
    let lines = instructions(ca);
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let ca = absolute(ca);
    let file = quoted(&ca);
    writeln!(out, "{}", ca.display())?;
    writeln!(out)?;
    for (name, line) in &lines {
        writeln!(out, "{name:width$}  {line}")?;
    }
    writeln!(out)?;
    writeln!(
        out,
        "SSL_CERT_FILE takes the place of the system's list of CAs: set it where you test, not in your profile."
    )?;
    writeln!(
        out,
        "A Python client checks certificates only when it is given a context: \
         starttls(context=ssl.create_default_context())."
    )?;
    writeln!(
        out,
        "On Linux, Go and .NET read SSL_CERT_FILE; elsewhere they ask the system, which is told by"
    )?;
    writeln!(
        out,
        "  macOS    security add-trusted-cert -p ssl -k ~/Library/Keychains/login.keychain-db {file}"
    )?;
    writeln!(out, "  Windows  certutil -user -addstore Root {file}")
}

/// A variable may be read in another directory than the one doorpost was asked in.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The path as one word of a POSIX shell.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may fail.
mod tests {
    use super::*;

    fn text(ca: &str) -> String {
        let mut out = Vec::new();
        print(&mut out, Path::new(ca)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_first_line_is_the_path_alone() {
        let text = text("/home/a b/ca.pem");
        assert_eq!(text.lines().next(), Some("/home/a b/ca.pem"));
        assert_eq!(text.lines().nth(1), Some(""));
    }

    #[test]
    fn every_language_has_its_line() {
        let names: Vec<_> =
            instructions(Path::new("/ca.pem")).iter().map(|(name, _)| *name).collect();
        let all = ["curl", "Python", "Node", "Java", "Go", "PHP", ".NET", "Ruby"];
        assert_eq!(names, all);
        let text = text("/ca.pem");
        for (name, line) in instructions(Path::new("/ca.pem")) {
            assert!(line.contains("/ca.pem"), "{name}: {line}");
            assert!(text.contains(&line), "{name}");
        }
    }

    #[test]
    fn a_path_with_a_space_and_a_quote_is_one_word() {
        let ca = Path::new("/home/o'neil/my certs/ca.pem");
        let word = r"'/home/o'\''neil/my certs/ca.pem'";
        for (name, line) in instructions(ca) {
            assert!(line.contains(word), "{name}: {line}");
        }
        let java = &instructions(ca)[3].1;
        assert!(java.contains(r"trustStore='/home/o'\''neil/my certs/truststore.p12'"), "{java}");
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_the_path_back() {
        for path in ["/a b", "/it's", "/$HOME/`x`", "/a\"b\\c", "/~", "/new\nline", "/ü"] {
            let script = format!("printf %s {}", quoted(Path::new(path)));
            let output =
                std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), path);
        }
    }

    #[test]
    fn a_relative_path_is_made_absolute() {
        let (_, line) = &instructions(Path::new("certs/ca.pem"))[2];
        let expected = std::env::current_dir().unwrap().join("certs/ca.pem");
        assert!(line.contains(expected.to_str().unwrap()), "{line}");
    }
}
