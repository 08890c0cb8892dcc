//! The environment of the command: the door by all the names that frameworks read it by.
//!
//! What would contradict it is taken out: a password that is left over would be tried on a door that has no AUTH.

use super::trust::Bundle;
use crate::app::Doorpost;
use crate::cli::{client, sendmail};
use crate::config::WebSecret;
use crate::smtp::policy::{AuthMode, TlsMode};
use crate::storage::Door;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};

/// A name, and its value; `None` takes the variable out.
pub(super) type Variable = (String, Option<OsString>);

/// Any login is taken where no users are listed.
const ANYBODY: (&str, &str) = ("doorpost", "doorpost");

/// How a client should use a door.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secured {
    No,
    ByStartTls,
    FromTheStart,
}

/// All variables for the command.
pub(super) fn variables(
    doorpost: &Doorpost,
    door: &Door,
    login: Option<(String, String)>,
    token: Option<WebSecret>,
    trust: Option<&Bundle>,
) -> Vec<Variable> {
    let mut variables = Vec::new();
    let tls = match door.policy.tls {
        TlsMode::Implicit => Secured::FromTheStart,
        TlsMode::Required => Secured::ByStartTls,
        TlsMode::StartTls if trust.is_some() => Secured::ByStartTls,
        TlsMode::None | TlsMode::StartTls => Secured::No,
    };
    let (host, port) = place(door, tls != Secured::No);
    let login = (door.policy.auth != AuthMode::None)
        .then(|| login.unwrap_or((ANYBODY.0.to_owned(), ANYBODY.1.to_owned())));
    let mut set = |names: &[&str], value: Option<&str>| {
        for name in names {
            variables.push(((*name).to_owned(), value.map(OsString::from)));
        }
    };
    set(
        &[
            "SMTP_HOST",
            "SMTP_SERVER",
            "SMTP_ADDRESS",
            "MAIL_HOST",
            "MAIL_SERVER",
            "EMAIL_HOST",
            "SPRING_MAIL_HOST",
            "QUARKUS_MAILER_HOST",
        ],
        Some(&host),
    );
    set(
        &["SMTP_PORT", "MAIL_PORT", "EMAIL_PORT", "SPRING_MAIL_PORT", "QUARKUS_MAILER_PORT"],
        Some(&port),
    );
    let (user, secret) = match &login {
        Some((user, secret)) => (Some(user.as_str()), Some(secret.as_str())),
        None => (None, None),
    };
    set(
        &[
            "SMTP_USERNAME",
            "SMTP_USER",
            "MAIL_USERNAME",
            "EMAIL_HOST_USER",
            "SPRING_MAIL_USERNAME",
            "QUARKUS_MAILER_USERNAME",
        ],
        user,
    );
    set(
        &[
            "SMTP_PASSWORD",
            "SMTP_PASS",
            "MAIL_PASSWORD",
            "EMAIL_HOST_PASSWORD",
            "SPRING_MAIL_PASSWORD",
            "QUARKUS_MAILER_PASSWORD",
        ],
        secret,
    );
    let is = |wanted: Secured| if tls == wanted { "true" } else { "false" };
    set(
        &[
            "SMTP_SECURE",
            "SMTP_SSL",
            "MAIL_USE_SSL",
            "MAIL_SSL_TLS",
            "EMAIL_USE_SSL",
            "QUARKUS_MAILER_TLS",
        ],
        Some(is(Secured::FromTheStart)),
    );
    set(
        &["SMTP_STARTTLS", "SMTP_TLS", "MAIL_USE_TLS", "MAIL_STARTTLS", "EMAIL_USE_TLS"],
        Some(is(Secured::ByStartTls)),
    );
    set(&["MAIL_MAILER"], Some("smtp"));
    set(&["MAIL_SCHEME"], Some(if tls == Secured::FromTheStart { "smtps" } else { "smtp" }));
    // Quarkus sends nothing in its tests unless it is told to.
    set(&["QUARKUS_MAILER_MOCK"], Some("false"));
    set(
        &["QUARKUS_MAILER_START_TLS"],
        Some(if tls == Secured::ByStartTls { "REQUIRED" } else { "DISABLED" }),
    );
    set(
        &["MAIL_ENCRYPTION"],
        match tls {
            Secured::No => None,
            Secured::ByStartTls => Some("tls"),
            Secured::FromTheStart => Some("ssl"),
        },
    );
    let has_auth = if login.is_some() { "true" } else { "false" };
    set(&["SPRING_MAIL_PROPERTIES_MAIL_SMTP_AUTH"], Some(has_auth));
    set(&["SPRING_MAIL_PROPERTIES_MAIL_SMTP_STARTTLS_ENABLE"], Some(is(Secured::ByStartTls)));
    set(&["SPRING_MAIL_PROPERTIES_MAIL_SMTP_SSL_ENABLE"], Some(is(Secured::FromTheStart)));
    let url = |plain: &str, starttls: &str, implicit: &str| {
        let scheme = match tls {
            Secured::No => plain,
            Secured::ByStartTls => starttls,
            Secured::FromTheStart => implicit,
        };
        let login =
            login.as_ref().map(|(user, secret)| format!("{}:{}@", encoded(user), encoded(secret)));
        format!("{scheme}://{}{}:{port}", login.unwrap_or_default(), bracketed(&host))
    };
    let usual = url("smtp", "smtp", "smtps");
    set(&["SMTP_URL", "MAIL_URL", "MAILER_DSN", "MAILER_URL"], Some(&usual));
    set(&["EMAIL_URL"], Some(&url("smtp", "smtp+tls", "smtp+ssl")));
    own(doorpost, token, &mut variables);
    if let Some(bundle) = trust {
        variables.extend(bundle.variables());
    }
    variables
}

/// Doorpost's own: every door, the API, the CA.
fn own(doorpost: &Doorpost, token: Option<WebSecret>, variables: &mut Vec<Variable>) {
    let url = doorpost.web_addresses().first().map(|address| format!("http://{address}"));
    variables.push((client::URL.into(), url.map(OsString::from)));
    let token = token.map(|token| OsString::from(token.as_str()));
    variables.push((client::TOKEN.into(), token));
    for door in doorpost.doors() {
        let name = door.name().to_ascii_uppercase().replace(['-', '.'], "_");
        let (host, port) = place(door, true);
        variables.push((format!("DOORPOST_{name}_HOST"), Some(host.into())));
        variables.push((format!("DOORPOST_{name}_PORT"), Some(port.into())));
    }
    // `doorpost sendmail` logs in nowhere.
    let open = doorpost.doors().iter().find(|door| door.policy.auth != AuthMode::Required);
    let open =
        open.map(|door| place(door, false)).map(|(host, port)| bracketed(&host) + ":" + &port);
    variables.push((sendmail::DOOR.into(), open.map(OsString::from)));
    let ca = doorpost.identity().ca_path().map(|path| path.as_os_str().to_owned());
    variables.push(("DOORPOST_CA".into(), ca));
}

/// Where a client finds the door: by a name that the certificate is for, where it has to check one.
fn place(door: &Door, by_name: bool) -> (String, String) {
    let Some(address) = door.addresses.first() else { return (String::new(), String::new()) };
    let host = match reachable(*address) {
        ip if ip.is_loopback() && by_name => "localhost".to_owned(),
        ip => ip.to_string(),
    };
    (host, address.port().to_string())
}

fn reachable(address: SocketAddr) -> IpAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Percent-encoded for the user information of a URL (RFC 3986 §3.2.1).
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            encoded.push(octet.into());
        } else {
            encoded.push_str(&format!("%{octet:02X}"));
        }
    }
    encoded
}
