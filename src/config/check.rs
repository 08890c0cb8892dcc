//! Values that are right by themselves and cannot work together.
//!
//! Refuses two doors on one port, AUTH that could never be used, TLS with half of what it needs,
//! users whom nobody can reach, and limits that contradict one another.

use super::error::Problem;
use super::keys;
use super::source::{Origin, Sources};
use super::{Config, Door};
use crate::smtp::auth::Mechanism;
use crate::smtp::policy::{AuthMode, TlsMode};
use std::net::IpAddr;

/// Everything that cannot work.
pub(super) fn problems(config: &Config, sources: &Sources) -> Vec<Problem> {
    let mut problems = ports(config, sources);
    problems.extend(certificate(config, sources));
    for door in config.open_doors() {
        problems.extend(authentication(config, door, sources));
        problems.extend(idle_mechanisms(door, sources));
        problems.extend(extensions(door, sources));
        problems.extend(local_users(door, sources));
    }
    problems.extend(room(config, sources));
    problems.extend(super::faults::wrong(config, sources));
    problems.extend(super::route::problems(config, sources));
    if config.host.is_empty() {
        let problem = Problem::new("there is no address to listen on");
        problems.push(problem.at(sources.of("host").clone(), "expected at least one address"));
    }
    if config.open_doors().next().is_none() {
        let problem = Problem::new("no door is enabled");
        problems.push(problem.help("leave out `enabled = false` in at least one row of [[doors]]"));
    }
    problems
}

/// Something that wants a port.
struct Listener<'a> {
    name: String,
    port: u16,
    origin: &'a Origin,
}

fn listeners<'a>(config: &Config, sources: &'a Sources) -> Vec<Listener<'a>> {
    let door = |door: &Door| {
        let origin = sources.of_door(&door.name, "port");
        Listener { name: format!("the door `{}`", door.name), port: door.port, origin }
    };
    let mut listeners: Vec<Listener<'_>> = config.open_doors().map(door).collect();
    let meets = |own: IpAddr| config.host.iter().any(|host| overlap(*host, own));
    if let Some(web) = config.web.filter(|web| web.address.is_none_or(meets)) {
        let origin = sources.of("web");
        listeners.push(Listener { name: "the web page".into(), port: web.port, origin });
    }
    listeners
}

/// Whether one port cannot be bound on both addresses.
fn overlap(one: IpAddr, other: IpAddr) -> bool {
    let any = one.is_unspecified() || other.is_unspecified();
    one == other || any && one.is_ipv4() == other.is_ipv4()
}

/// Listeners that want the same port of the same address.
fn ports(config: &Config, sources: &Sources) -> Vec<Problem> {
    let listeners = listeners(config, sources);
    let mut problems = Vec::new();
    for (at, first) in listeners.iter().enumerate() {
        let later = listeners[at + 1..].iter();
        for second in later.filter(|second| second.port == first.port && first.port != 0) {
            // Whoever set a port is shown first: a default is nobody's mistake.
            let second_is_newer = second.origin.layer() >= first.origin.layer();
            let (newer, older) = if second_is_newer { (second, first) } else { (first, second) };
            let (one, other, port) = (&first.name, &second.name, first.port);
            let problem = Problem::new(format!("{one} and {other} want the same port {port}"))
                .at(newer.origin.clone(), format!("the port of {}", newer.name))
                .at(older.origin.clone(), format!("the port of {}", older.name))
                .help("give one of them another port; 0 lets the system choose");
            problems.push(problem);
        }
    }
    problems
}

/// A certificate without a key, or a key without a certificate.
fn certificate(config: &Config, sources: &Sources) -> Option<Problem> {
    let (given, missing) = match (&config.tls_cert, &config.tls_key) {
        (Some(_), None) => ("tls_cert", "tls_key"),
        (None, Some(_)) => ("tls_key", "tls_cert"),
        _ => return None,
    };
    let problem = Problem::new(format!("`{given}` is set without `{missing}`"));
    Some(problem.at(sources.of(given).clone(), format!("this needs `{missing}` too")))
}

/// AUTH that no client could ever use.
fn authentication(config: &Config, door: &Door, sources: &Sources) -> Option<Problem> {
    if door.auth == AuthMode::None {
        return None;
    }
    let name = &door.name;
    let at = |keys: &[&'static str]| newest(sources, name, keys);
    if door.tls == TlsMode::None && !door.auth_before_tls {
        let problem = Problem::new(format!("nobody can log in at the door `{name}`"))
            .at(
                at(&["tls", "auth", "auth_before_tls"]),
                "AUTH waits for TLS here, and there is no TLS",
            )
            .help("set `tls = \"starttls\"`, or `auth_before_tls = true`, or `auth = \"none\"`");
        return Some(problem);
    }
    if door.mechanisms.is_empty() {
        let problem = Problem::new(format!("the door `{name}` offers AUTH without a mechanism"))
            .at(at(&["mechanisms", "auth"]), "expected at least one mechanism")
            .help("name mechanisms, or set `auth = \"none\"`");
        return Some(problem);
    }
    if config.users.is_empty() && door.mechanisms.iter().all(|mechanism| mechanism.needs_secret()) {
        let names: Vec<&str> = door.mechanisms.iter().copied().map(Mechanism::as_str).collect();
        let problem = Problem::new(format!("nobody can log in at the door `{name}`"))
            .at(
                at(&["mechanisms"]),
                format!("{} works only with users whose secret is known", names.join(", ")),
            )
            .help("add [[users]] or `--user name:secret`, or name another mechanism too");
        return Some(problem);
    }
    None
}

/// Mechanisms that were named for a door without AUTH.
fn idle_mechanisms(door: &Door, sources: &Sources) -> Option<Problem> {
    let origin = sources.of_door(&door.name, "mechanisms");
    if door.auth != AuthMode::None || door.mechanisms.is_empty() || !origin.is_set() {
        return None;
    }
    let problem =
        Problem::new(format!("the door `{}` names mechanisms and offers no AUTH", door.name))
            .at(origin.clone(), "these would never be offered, since `auth` is \"none\"")
            .help("set `auth = \"optional\"` or `auth = \"required\"`, or leave out `mechanisms`");
    Some(problem)
}

/// BINARYMIME without what it stands on (RFC 3030 §3).
fn extensions(door: &Door, sources: &Sources) -> Option<Problem> {
    let offered = door.extensions;
    if !offered.binary_mime || offered.chunking && offered.eight_bit_mime {
        return None;
    }
    let problem = Problem::new(format!("the door `{}` offers BINARYMIME alone", door.name))
        .at(
            sources.of_door(&door.name, "extensions").clone(),
            "BINARYMIME needs CHUNKING and 8BITMIME",
        )
        .help("add them, or leave out BINARYMIME");
    Some(problem)
}

/// Users in domains that the door does not take.
fn local_users(door: &Door, sources: &Sources) -> Option<Problem> {
    let (Some(domains), Some(users)) =
        (&door.recipients.local_domains, &door.recipients.local_users)
    else {
        return None;
    };
    let taken: Vec<String> = domains.iter().map(crate::mail::Domain::canonical).collect();
    let lost = users.iter().find(|user| {
        user.rsplit_once('@').is_some_and(|(_, domain)| !taken.iter().any(|taken| taken == domain))
    })?;
    let problem =
        Problem::new(format!("mail for {lost} would never be taken at the door `{}`", door.name))
            .at(sources.of_door(&door.name, "local_users").clone(), "its domain is not a local one")
            .at(sources.of_door(&door.name, "local_domains").clone(), "the local domains")
            .help("add the domain, or leave out the user");
    Some(problem)
}

/// Whoever raises the size of a message must think of memory and store too. One who lowers these
/// has done so on purpose, and gets 452 for a message that is too large for them.
fn room(config: &Config, sources: &Sources) -> Vec<Problem> {
    let Some(door) = config.open_doors().max_by_key(|door| door.limits.message_size) else {
        return Vec::new();
    };
    let origin = sources.of_door(&door.name, "max_size");
    let size = keys::find(keys::DOOR, "max_size").and_then(|key| (key.get)(door));
    let size = size.unwrap_or_default();
    let limits = [("memory", config.memory), ("max_bytes", config.max_bytes)];
    let too_small = limits.into_iter().filter(|(key, octets)| {
        *octets < door.limits.message_size && origin.is_set() && !sources.of(key).is_set()
    });
    let problem = |(key, _): (&'static str, u64)| {
        let room = keys::find(keys::TOP, key).and_then(|key| (key.get)(config));
        let room = room.unwrap_or_default();
        Problem::new(format!("a message of {size} does not fit into `{key}`"))
            .at(origin.clone(), format!("the `max_size` of the door `{}`", door.name))
            .help(format!("`{key}` is {room}: raise it too"))
    };
    too_small.map(problem).collect()
}

/// Where the value was set that was set last.
fn newest(sources: &Sources, door: &str, keys: &[&str]) -> Origin {
    let origins = keys.iter().map(|key| sources.of_door(door, key));
    // Of several in one layer, the first key is the one to look at.
    origins.rev().max_by_key(|origin| origin.layer()).cloned().unwrap_or_default()
}
