//! The names a leaf certificate carries: the fixed local ones, the machine's own, and those the user adds.
//!
//! Nothing is looked up on the network. What the machine says of itself is taken where it can stand in a
//! certificate and left out where it cannot; what the user asks for is refused where it cannot.

use std::fs;
use std::net::IpAddr;

use rustls::pki_types::DnsName;

use super::error::TlsError;

/// Every server is called these, whatever the machine is called.
///
/// `smtp.localhost` and `mail.localhost` are spelled out because most TLS libraries (OpenSSL and rustls among
/// them) take no star directly under a top-level name: for them `*.localhost` matches nothing. Java and Go do
/// take it.
const ALWAYS: [&str; 8] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "doorpost.test",
    "*.doorpost.test",
    "*.localhost",
    "smtp.localhost",
    "mail.localhost",
];

/// All names a leaf must carry, each once, in the form [`normalised`] gives.
pub(super) fn wanted(extra: &[String]) -> Result<Vec<String>, TlsError> {
    let mut names: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
    for name in machine() {
        push_once(&mut names, name);
    }
    for name in extra {
        let name = normalised(name).ok_or_else(|| TlsError::Name(name.clone()))?;
        push_once(&mut names, name);
    }
    Ok(names)
}

/// The machine's host name, where it has one that can stand in a certificate.
pub(super) fn host() -> Option<String> {
    // One source, the first that answers, and not all of them: a shell sets HOSTNAME and a service
    // manager does not, and a leaf must not be renewed because doorpost was started another way.
    let told = read_line("/proc/sys/kernel/hostname")
        .or_else(|| read_line("/etc/hostname"))
        .or_else(|| variable("COMPUTERNAME"))
        .or_else(asked)
        .or_else(|| variable("HOSTNAME"))?;
    normalised(&told).filter(|name| !name.starts_with('*'))
}

/// The form in which names are compared and written: lower case, no final dot, addresses in their short form.
pub(super) fn normalised(name: &str) -> Option<String> {
    let name = name.trim();
    if let Ok(address) = name.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let under_star = name.strip_prefix("*.").unwrap_or(&name);
    // A last label of digits is half an address ("127.0.0"), which no client would ever look for.
    let last = under_star.rsplit('.').next()?;
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    DnsName::try_from(under_star).ok()?;
    Some(name)
}

fn machine() -> Vec<String> {
    let Some(host) = host() else {
        return Vec::new();
    };
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let mut names = qualified(&host, &hosts);
    names.insert(0, host);
    names
}

/// The host's full names by the hosts file: the only place that knows them without asking the network.
fn qualified(host: &str, hosts: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in hosts.lines() {
        let entry = line.split('#').next().unwrap_or_default();
        let names: Vec<String> = entry.split_whitespace().skip(1).filter_map(normalised).collect();
        if !names.iter().any(|name| name == host) {
            continue;
        }
        for name in names {
            let is_longer = name.strip_prefix(host).is_some_and(|rest| rest.starts_with('.'));
            if is_longer {
                push_once(&mut found, name);
            }
        }
    }
    found
}

fn push_once(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}

fn read_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().next()?.trim().to_owned();
    // The kernel says "(none)" before anybody has given it a name.
    (!line.is_empty() && line != "(none)").then_some(line)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// macOS and the BSDs keep the name in the kernel only; the standard library has no call for it.
#[cfg(unix)]
fn asked() -> Option<String> {
    let output = std::process::Command::new("/bin/hostname").output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !name.is_empty()).then_some(name)
}

#[cfg(not(unix))]
fn asked() -> Option<String> {
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may fail.
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_in_one_form() {
        assert_eq!(normalised("Mail.Example.TEST.").as_deref(), Some("mail.example.test"));
        assert_eq!(normalised("0:0:0:0:0:0:0:1").as_deref(), Some("::1"), "addresses too");
        assert_eq!(normalised("*.dev.test").as_deref(), Some("*.dev.test"));
    }

    #[test]
    fn what_no_client_would_look_for_is_refused() {
        for name in
            ["", "*", "*.", "a b", "müller.test", "a..b", "*.*.test", "127.0.0", "[::1]", "x/y"]
        {
            assert_eq!(normalised(name), None, "{name:?}");
        }
        let error = wanted(&["no such name".into()]).unwrap_err().to_string();
        assert!(error.contains("\"no such name\""), "{error}");
    }

    #[test]
    fn each_name_is_wanted_once() {
        let names = wanted(&["LOCALHOST".into(), "mail.dev.test".into()]).unwrap();
        assert_eq!(names.iter().filter(|name| *name == "localhost").count(), 1);
        assert_eq!(names.last().unwrap(), "mail.dev.test");
    }

    #[test]
    fn the_hosts_file_gives_the_full_name() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1 box.lan.example box # the machine\n10.0.0.1 boxer.example\n";
        assert_eq!(qualified("box", hosts), ["box.lan.example"]);
        assert!(qualified("other", hosts).is_empty());
    }
}
