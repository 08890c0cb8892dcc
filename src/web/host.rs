//! Which `Host` a request may name: DNS rebinding lets a foreign page reach the loopback
//! address, but only under the foreign page's own name. And which `Origin` may ask.

use super::cors;
use super::problem::Problem;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

/// The names that are ours.
#[derive(Clone, Debug, Default)]
pub struct HostRule {
    names: Vec<String>,
    addresses: Vec<IpAddr>,
}

impl HostRule {
    /// Loopback names, the addresses that are listened on, and the names that the user gave.
    #[must_use]
    pub fn new(names: &[String], addresses: &[IpAddr]) -> Self {
        let names = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self { names, addresses: addresses.to_vec() }
    }

    /// Whether a request for this `Host` is meant for us.
    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
        let bare = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
        let address = match bare {
            Some(v6) => v6.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => name.parse::<IpAddr>().ok(),
        };
        if let Some(address) = address {
            let is_bound = |bound: &IpAddr| *bound == address || bound.is_unspecified();
            return address.to_canonical().is_loopback() || self.addresses.iter().any(is_bound);
        }
        let is_ours = |suffix: &str| name == suffix || name.ends_with(&format!(".{suffix}"));
        is_ours("localhost") || is_ours("doorpost.test") || self.names.contains(&name)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => {
            name
        }
        _ => host,
    }
}

/// What a request is judged by.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) hosts: HostRule,
    pub(super) origins: Arc<[String]>,
}

impl Guard {
    /// A page from elsewhere may not ask for anything in the name of who looks at it.
    fn allows_origin(&self, origin: &str) -> bool {
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        cors::is_named(&self.origins, origin) || self.hosts.allows(host)
    }
}

pub(super) async fn check(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    // Two of them mean different things to different readers (RFC 9112 section 3.2).
    let twofold = [header::HOST, header::ORIGIN]
        .iter()
        .any(|name| request.headers().get_all(name).iter().nth(1).is_some());
    if twofold {
        return Problem::bad_request("a request has one Host and one Origin at most")
            .into_response();
    }
    let header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = request.uri().authority().map(axum::http::uri::Authority::as_str).or(header);
    let origin = request.headers().get(header::ORIGIN);
    // One that is no text is nobody's that we know.
    let origin = origin.map(|origin| origin.to_str().unwrap_or_default());
    match host {
        Some(_) if origin.is_some_and(|origin| !guard.allows_origin(origin)) => {
            let text =
                "this Origin is not one of doorpost's names; --cors names those that may ask";
            Problem::forbidden(text).into_response()
        }
        Some(host) if guard.hosts.allows(host) => next.run(request).await,
        _ => Problem::forbidden("this Host is not one of doorpost's names; add it with --web-host")
            .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_pass() {
        let rule = HostRule::new(&["Mail.Example".into()], &[[192, 0, 2, 1].into()]);
        for host in [
            "localhost",
            "localhost:8025",
            "LOCALHOST.:1",
            "app.localhost",
            "127.0.0.1:8025",
            "127.9.9.9",
            "[::1]:8025",
            "[::1]",
            "mx.doorpost.test",
            "mail.example:80",
            "192.0.2.1:8025",
        ] {
            assert!(rule.allows(host), "{host}");
        }
        for host in [
            "",
            "example.org",
            "localhost.example.org",
            "notlocalhost",
            "192.0.2.2",
            "[2001:db8::1]:8025",
            "doorpost.test.example",
            ":8025",
            "127.0.0.1.example.org",
        ] {
            assert!(!rule.allows(host), "{host}");
        }
    }
}
