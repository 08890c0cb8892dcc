//! Routes and webhooks: what happens to mail after it was caught, and who is told.
//!
//! Refuses patterns that are no address, targets that are none, and hosts beyond this machine that `allow_hosts` does
//! not name: nothing leaves the machine unless a person has named the place.

use super::Config;
use super::error::Problem;
use super::kind::{Fault, Given, Kind, Scalar, quoted};
use super::source::{Scope, Sources};
use super::target::{Host, Target};
use super::values::Time;
use crate::mail::Domain;
use std::time::Duration;
use toml::de::DeValue;

/// Where mail for some recipients goes on to. Conditions that are named all have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// Recipients: `bob@example.org`, `*@example.org`, `*@*.example.org`, or `*`; none stands for all.
    pub to: Vec<String>,
    /// The doors that took the mail; none stands for all.
    pub door: Vec<String>,
    /// The users who had logged in; none stands for all, also for those who had not.
    pub user: Vec<String>,
    /// The inboxes that the message is in; none stands for all.
    pub inbox: Vec<String>,
    /// Where it goes on to; `None` keeps it here.
    pub via: Option<Target>,
}

/// Somebody who is told of events by HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Webhook {
    /// Where it listens.
    pub url: String,
    /// Which events; none stands for all.
    pub events: Vec<String>,
    /// What signs the requests.
    pub secret: Option<String>,
}

/// The events that a webhook can ask for.
pub const WEBHOOK_EVENTS: [&str; 5] = ["message", "session", "finding", "bounce", "complaint"];

impl Route {
    /// Whether a recipient, without brackets, fits one of the patterns.
    #[must_use]
    pub fn takes(&self, recipient: &str) -> bool {
        self.to.is_empty() || self.to.iter().any(|pattern| fits(pattern, recipient))
    }
}

/// Whether an address fits a pattern; letters count without their case.
#[must_use]
pub fn fits(pattern: &str, address: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (Some((local, domain)), Some((own_local, own_domain))) =
        (pattern.rsplit_once('@'), address.rsplit_once('@'))
    else {
        return pattern.eq_ignore_ascii_case(address);
    };
    let own_domain = own_domain.to_lowercase();
    let fits_domain = match domain.strip_prefix("*.") {
        Some(parent) => {
            let parent = format!(".{}", parent.to_lowercase());
            own_domain.ends_with(&parent)
        }
        None => domain == "*" || own_domain == domain.to_lowercase(),
    };
    fits_domain && (local == "*" || local.to_lowercase() == own_local.to_lowercase())
}

/// A pattern for recipients.
pub(super) struct Pattern;

impl Scalar for Pattern {
    type Value = String;

    fn expected() -> String {
        "an address, such as \"bob@example.org\", \"*@example.org\" or \"*@*.example.org\", or \"*\"".into()
    }

    fn parse(text: &str) -> Option<String> {
        if text == "*" {
            return Some(text.to_owned());
        }
        let (local, domain) = text.rsplit_once('@')?;
        let domain = domain.strip_prefix("*.").unwrap_or(domain);
        let fits_domain = domain == "*" || Domain::parse(domain).is_ok();
        let fits_local =
            local == "*" || crate::mail::Mailbox::parse(&format!("{local}@example.org")).is_ok();
        (fits_domain && fits_local).then(|| text.to_owned())
    }

    fn write(value: &String) -> String {
        quoted(value)
    }
}

/// Times, in order; unlike other lists it may name one twice.
pub(super) struct Schedule;

impl Kind for Schedule {
    type Value = Vec<Duration>;

    fn read(given: Given<'_>) -> Result<Self::Value, Fault> {
        match given {
            Given::Toml(value) => {
                let one = std::slice::from_ref(value);
                let elements = value.get_ref().as_array().map_or(one, |array| array);
                elements.iter().map(|element| Time::<false>::read(Given::Toml(element))).collect()
            }
            Given::Texts(texts) => {
                let times = texts.iter().flat_map(|text| text.split(','));
                let read =
                    |time: &str| Time::<false>::read(Given::Texts(&[time.trim().to_owned()]));
                times.map(read).collect()
            }
        }
    }

    fn write(times: &Self::Value) -> Option<String> {
        let times: Vec<String> = times.iter().map(<Time<false> as Scalar>::write).collect();
        Some(format!("[{}]", times.join(", ")))
    }
}

/// A word that is not empty: a door, a user, an inbox.
pub(super) struct Word;

impl Scalar for Word {
    type Value = String;

    fn expected() -> String {
        "a name, which is not empty".into()
    }

    fn parse(text: &str) -> Option<String> {
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn write(value: &String) -> String {
        quoted(value)
    }
}

/// Where mail goes on to: a target, or `capture`.
pub(super) struct Via;

impl Kind for Via {
    type Value = Option<Target>;

    fn read(given: Given<'_>) -> Result<Self::Value, Fault> {
        let (text, span) = match given {
            Given::Toml(value) => match value.get_ref() {
                DeValue::String(text) => (text.to_string(), Some(value.span())),
                other => {
                    let written = Some(super::kind::shown(other));
                    let label = "expected a text: \"capture\", or a target such as \"smtp://127.0.0.1:2500\"";
                    return Err(Fault {
                        written,
                        span: Some(value.span()),
                        label: label.into(),
                        near: None,
                    });
                }
            },
            Given::Texts(texts) => (texts.last().cloned().unwrap_or_default(), None),
        };
        if text == "capture" {
            return Ok(None);
        }
        // What was written may hold a secret.
        let fail = |error: super::target::TargetError| Fault {
            written: None,
            span,
            label: format!("{error}; \"capture\" keeps it here"),
            near: None,
        };
        Target::parse(&text).map(Some).map_err(fail)
    }

    fn write(value: &Self::Value) -> Option<String> {
        Some(value.as_ref().map_or_else(|| quoted("capture"), |via| quoted(&via.with_secret())))
    }
}

/// A host that mail and webhooks may go to.
pub(super) struct AllowedHost;

impl Scalar for AllowedHost {
    type Value = Host;

    fn expected() -> String {
        "a host name or an address, such as \"mx.example.org\" or \"192.0.2.25\"; each is named by itself".into()
    }

    fn parse(text: &str) -> Option<Host> {
        Host::parse(text)
    }

    fn write(value: &Host) -> String {
        quoted(value.to_string().trim_matches(['[', ']']))
    }
}

/// Where complaints about mail from a domain go: `DOMAIN=ADDRESS`.
pub(super) struct FeedbackLoop;

impl Scalar for FeedbackLoop {
    type Value = String;

    fn expected() -> String {
        "DOMAIN=ADDRESS, such as \"example.org=fbl@example.org\", or \"*=ADDRESS\"".into()
    }

    fn parse(text: &str) -> Option<String> {
        let (domain, address) = text.split_once('=')?;
        let fits = domain == "*" || Domain::parse(domain).is_ok();
        (fits && crate::mail::Mailbox::parse(address).is_ok()).then(|| text.to_owned())
    }

    fn write(value: &String) -> String {
        quoted(value)
    }
}

/// A webhook's URL.
pub(super) struct HookUrl;

impl Scalar for HookUrl {
    type Value = String;

    fn expected() -> String {
        "a URL, such as \"http://127.0.0.1:3000/hook\"; without a user in it".into()
    }

    fn parse(text: &str) -> Option<String> {
        url_host(text).map(|_| text.to_owned())
    }

    fn write(value: &String) -> String {
        quoted(value)
    }
}

/// The host and the port of an HTTP URL; `None` where it is none, or holds a user.
#[must_use]
pub fn url_host(url: &str) -> Option<(Host, u16)> {
    let (rest, usual) = match url.strip_prefix("http://") {
        Some(rest) => (rest, 80),
        None => (url.strip_prefix("https://")?, 443),
    };
    let place = rest.split(['/', '?', '#']).next()?;
    let is_plain = |c: char| c.is_ascii_graphic();
    if place.contains('@') || !url.chars().all(is_plain) {
        return None;
    }
    let (host, port) = match place.rfind(':').filter(|colon| !place[*colon..].contains(']')) {
        Some(colon) => (&place[..colon], place[colon + 1..].parse().ok()?),
        None => (place, usual),
    };
    Some((Host::parse(host)?, port))
}

/// One of the events.
pub(super) struct EventName;

impl Scalar for EventName {
    type Value = String;

    fn expected() -> String {
        super::kind::one_of(&WEBHOOK_EVENTS)
    }

    fn words() -> Vec<&'static str> {
        WEBHOOK_EVENTS.to_vec()
    }

    fn parse(text: &str) -> Option<String> {
        WEBHOOK_EVENTS.contains(&text).then(|| text.to_owned())
    }

    fn write(value: &String) -> String {
        quoted(value)
    }
}

/// Places beyond this machine that nobody has allowed, and doors that there are not.
pub(super) fn problems(config: &Config, sources: &Sources) -> Vec<Problem> {
    let mut problems = Vec::new();
    let refused = |host: &Host, what: String| {
        let problem = Problem::new(format!("{what} goes to {host}, which is not this machine"));
        problem.help(format!(
            "nothing leaves this machine unless the place is named: add {} to `allow_hosts` (--allow-host) if that is meant",
            quoted(host.to_string().trim_matches(['[', ']']))
        ))
    };
    for (at, route) in config.routes.iter().enumerate() {
        let number = (at + 1).to_string();
        let origin = sources.get(Scope::Route(&number), "via").clone();
        if let Some(host) = route.via.as_ref().and_then(Target::foreign_host)
            && !config.allow_hosts.contains(host)
        {
            let problem = refused(host, format!("the route {number}"));
            problems.push(problem.at(origin.clone(), "this host is not in `allow_hosts`"));
        }
        let names = route.via.iter().filter_map(|via| match via {
            Target::Door(door) => Some(door),
            Target::Server(_) => None,
        });
        let doors = route.door.iter().map(|door| ("door", door));
        for (key, door) in names.map(|door| ("via", door)).chain(doors) {
            if config.door(door).is_none_or(|row| !row.enabled) {
                let origin = sources.get(Scope::Route(&number), key);
                let doors: Vec<_> = config.open_doors().map(|door| door.name.as_str()).collect();
                let problem = Problem::new(format!(
                    "the route {number} names the door {door:?}, which is not open"
                ));
                let label = format!("expected one of {}", doors.join(", "));
                problems.push(problem.at(origin.clone(), label));
            }
        }
    }
    for (at, hook) in config.webhooks.iter().enumerate() {
        let number = (at + 1).to_string();
        if let Some((host, _)) = url_host(&hook.url).filter(|(host, _)| !host.is_this_machine())
            && !config.allow_hosts.contains(&host)
        {
            let origin = sources.get(Scope::Webhook(&number), "url").clone();
            let problem = refused(&host, format!("the webhook {number}"));
            problems.push(problem.at(origin, "this host is not in `allow_hosts`"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_addresses() {
        for (pattern, address, is) in [
            ("*", "postmaster", true),
            ("*@example.org", "Bob@EXAMPLE.org", true),
            ("*@example.org", "bob@sub.example.org", false),
            ("*@*.example.org", "bob@sub.example.org", true),
            ("*@*.example.org", "bob@example.org", false),
            ("bob@example.org", "Bob@example.org", true),
            ("bob@example.org", "eve@example.org", false),
            ("*@example.org", "postmaster", false),
        ] {
            assert_eq!(fits(pattern, address), is, "{pattern} {address}");
        }
    }

    #[test]
    fn a_url_names_its_host() {
        let host = |url| url_host(url).map(|(host, port)| (host.to_string(), port));
        assert_eq!(host("http://127.0.0.1:3000/x?y"), Some(("127.0.0.1".into(), 3000)));
        assert_eq!(host("https://[::1]/x"), Some(("[::1]".into(), 443)));
        for wrong in ["ftp://x", "http://", "http://a:b@x/", "http://x:y/", "http://x /"] {
            assert_eq!(host(wrong), None, "{wrong}");
        }
    }
}
