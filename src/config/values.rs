//! The kinds of single values that are particular to mail: sizes, times, addresses, names.
//!
//! Refuses what the field's grammar does not know ([`crate::mail`]), sizes and times without a
//! sensible unit, and times so long that adding them to a clock could overflow.

use super::kind::{Fault, Form, Given, Kind, List, OneOf, Scalar, Words, quoted};
use super::{Format, PortSet, WebConfig};
use crate::mail::{Domain, Mailbox};
use crate::smtp::auth::Mechanism;
use crate::smtp::policy::{AuthMode, BareLf, Extensions, Network, TlsMode};
use crate::storage::InboxBy;
use bytesize::ByteSize;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

impl Words for TlsMode {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::None.as_str(), Self::None),
        (Self::StartTls.as_str(), Self::StartTls),
        (Self::Required.as_str(), Self::Required),
        (Self::Implicit.as_str(), Self::Implicit),
    ];
}

impl Words for AuthMode {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::None.as_str(), Self::None),
        (Self::Optional.as_str(), Self::Optional),
        (Self::Required.as_str(), Self::Required),
    ];
}

impl Words for BareLf {
    const WORDS: &'static [(&'static str, Self)] =
        &[("reject", Self::Reject), ("accept", Self::Accept)];
}

impl Words for PortSet {
    const WORDS: &'static [(&'static str, Self)] =
        &[("mapped", Self::Mapped), ("standard", Self::Standard), ("ephemeral", Self::Ephemeral)];
}

impl Words for Format {
    const WORDS: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

impl Words for Mechanism {
    const WORDS: &'static [(&'static str, Self)] = &{
        let mut words = [("", Self::Plain); Self::ALL.len()];
        let mut at = 0;
        while at < words.len() {
            words[at] = (Self::ALL[at].as_str(), Self::ALL[at]);
            at += 1;
        }
        words
    };
}

/// A number of octets, 1 or more.
pub(super) struct Size;

impl Scalar for Size {
    type Value = u64;
    const FORMS: &'static [Form] = &[Form::Text, Form::Number];

    fn expected() -> String {
        "a size, such as \"50MiB\" or \"10 MB\", or a number of bytes, 1 or more".into()
    }

    fn parse(text: &str) -> Option<u64> {
        text.parse().ok().map(|size: ByteSize| size.as_u64()).filter(|size| *size > 0)
    }

    fn write(value: &u64) -> String {
        const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
        let (mut number, mut unit) = (*value, 0);
        while number.is_multiple_of(1024) && number > 0 && unit + 1 < UNITS.len() {
            (number, unit) = (number / 1024, unit + 1);
        }
        quoted(&format!("{number}{}", UNITS[unit]))
    }
}

/// The longest time that may be set: longer ones have no use, and cannot be added to every clock.
const LONGEST: Duration = Duration::from_hours(30 * 24);

/// A length of time; zero only where that means something.
pub(super) struct Time<const ZERO: bool>;

impl<const ZERO: bool> Scalar for Time<ZERO> {
    type Value = Duration;
    const FORMS: &'static [Form] = &[Form::Text, Form::Number];

    fn expected() -> String {
        let least = if ZERO { "" } else { ", more than 0" };
        format!(
            "a time, such as \"5m\" or \"1h 30s\", or a number of seconds{least}, at most 30 days"
        )
    }

    fn parse(text: &str) -> Option<Duration> {
        let time = match text.parse() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => humantime::parse_duration(text).ok()?,
        };
        (time <= LONGEST && (ZERO || !time.is_zero())).then_some(time)
    }

    fn write(value: &Duration) -> String {
        quoted(&humantime::format_duration(*value).to_string())
    }
}

/// How long something is kept.
pub(super) struct Age;

impl Scalar for Age {
    type Value = Duration;
    const FORMS: &'static [Form] = &[Form::Text, Form::Number];

    fn expected() -> String {
        "a time, such as \"12h\" or \"7d\", or a number of seconds, more than 0, at most 100 years"
            .into()
    }

    fn parse(text: &str) -> Option<Duration> {
        const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);
        let seconds = text.parse().ok().map(Duration::from_secs);
        let time = seconds.or_else(|| humantime::parse_duration(text).ok())?;
        (time <= LONGEST && !time.is_zero()).then_some(time)
    }

    fn write(value: &Duration) -> String {
        quoted(&humantime::format_duration(*value).to_string())
    }
}

/// Ways in which a single value is read by one expression and written by its `Display`.
macro_rules! text_kinds {
    ($($(#[$doc:meta])* $name:ident: $value:ty, $expected:literal, $parse:expr;)+) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl Scalar for $name {
            type Value = $value;

            fn expected() -> String {
                $expected.into()
            }

            fn parse(text: &str) -> Option<$value> {
                let parse: fn(&str) -> Option<$value> = $parse;
                parse(text)
            }

            fn write(value: &$value) -> String {
                quoted(&value.to_string())
            }
        }
    )+};
}

text_kinds! {
    /// An address to listen on.
    Address: IpAddr, "an IP address, such as \"127.0.0.1\" or \"::1\"",
        |text| text.trim_start_matches('[').trim_end_matches(']').parse().ok();

    /// A name by which a host is known, in the spelling of the DNS.
    HostName: String, "a host name, such as \"mail.example.test\"",
        |text| Domain::parse(text).ok().map(|domain| domain.canonical());

    /// A domain behind an `@`.
    LocalDomain: Domain, "a domain, such as \"example.org\"", |text| Domain::parse(text).ok();

    /// A range of client addresses.
    ClientNetwork: Network, "an address range, such as \"192.0.2.0/24\" or \"2001:db8::/32\"",
        Network::parse;

    /// What a user may send as.
    SenderPattern: String,
        "an address, such as \"alice@example.org\" or \"*@example.org\", or \"*\"",
        |text| is_sender(text).then(|| text.to_owned());

    /// The name of a door.
    DoorName: String,
        "a name of at most 32 lower-case letters, digits and \"-\" between them, and not \"web\"",
        |text| is_door_name(text).then(|| text.to_owned());

    /// What parts messages into inboxes.
    Inboxes: InboxBy, "\"user\", \"recipient\", \"door\" or \"header:X-Name\"", |text| text.parse().ok();

    /// The name of a user.
    UserName: String, "a user's name", |text| (!text.is_empty()).then(|| text.to_owned());
}

fn is_sender(text: &str) -> bool {
    let any_user = |domain| Domain::parse(domain).is_ok();
    text == "*" || text.strip_prefix("*@").map_or_else(|| Mailbox::parse(text).is_ok(), any_user)
}

/// A door's name is a label of a host name too (`relay.localhost`), and the name of a socket that
/// is handed over by the system, where `web` is the web page's.
fn is_door_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let hyphen_at_end = text.starts_with('-') || text.ends_with('-');
    (1..=32).contains(&text.len()) && text.chars().all(fits) && !hyphen_at_end && text != "web"
}

/// A secret, which no error message shows.
pub(super) struct Secret;

impl Scalar for Secret {
    type Value = String;
    const HIDDEN: bool = true;

    fn expected() -> String {
        "a text in quotes, which is not empty".into()
    }

    fn parse(text: &str) -> Option<String> {
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn write(value: &String) -> String {
        quoted(value)
    }
}

/// A file or a folder.
pub(super) struct FilePath;

impl Scalar for FilePath {
    type Value = PathBuf;

    fn expected() -> String {
        "a path".into()
    }

    fn parse(text: &str) -> Option<PathBuf> {
        (!text.is_empty()).then(|| text.into())
    }

    fn write(value: &PathBuf) -> String {
        quoted(&value.to_string_lossy())
    }
}

/// A user's address in the spelling by which policies compare: unquoted, lower case.
pub(super) struct LocalUser;

impl Scalar for LocalUser {
    type Value = String;

    fn expected() -> String {
        "an address, such as \"alice@example.org\"".into()
    }

    fn parse(text: &str) -> Option<String> {
        let mailbox = Mailbox::parse(text).ok()?;
        let local = mailbox.local_unquoted().to_lowercase();
        Some(format!("{local}@{}", mailbox.domain().canonical()))
    }

    fn write(value: &String) -> String {
        if Mailbox::parse(value).is_ok() {
            return quoted(value);
        }
        // A local part that can only stand between quotes, which comparing has no use for.
        let (local, domain) = value.rsplit_once('@').unwrap_or((value, ""));
        let local = local.replace('\\', "\\\\").replace('"', "\\\"");
        quoted(&format!("\"{local}\"@{domain}"))
    }
}

/// Where the web page listens: a port, an address with a port, or nowhere.
pub(super) struct WebAddress;

impl Scalar for WebAddress {
    type Value = Option<WebConfig>;
    const FORMS: &'static [Form] = &[Form::Text, Form::Number, Form::Switch];

    fn expected() -> String {
        "a port, an address with a port, such as \"127.0.0.1:8025\", or false".into()
    }

    fn parse(text: &str) -> Option<Self::Value> {
        if text == "false" || text == "off" {
            return Some(None);
        }
        let web = match text.parse() {
            Ok(port) => WebConfig { address: None, port },
            Err(_) => {
                let address: SocketAddr = text.parse().ok()?;
                WebConfig { address: Some(address.ip()), port: address.port() }
            }
        };
        Some(Some(web))
    }

    fn write(value: &Self::Value) -> String {
        match value {
            None => "false".into(),
            Some(WebConfig { address: None, port }) => port.to_string(),
            Some(WebConfig { address: Some(address), port }) => {
                quoted(&SocketAddr::new(*address, *port).to_string())
            }
        }
    }
}

/// How much is said: below zero less, above it more.
pub(super) struct Verbosity;

impl Verbosity {
    pub(super) const LOWEST: i8 = -3;
    pub(super) const HIGHEST: i8 = 3;
}

impl Scalar for Verbosity {
    type Value = i8;
    const FORMS: &'static [Form] = &[Form::Number];

    fn expected() -> String {
        format!("a whole number, {} to {}", Self::LOWEST, Self::HIGHEST)
    }

    fn parse(text: &str) -> Option<i8> {
        text.parse().ok().filter(|level| (Self::LOWEST..=Self::HIGHEST).contains(level))
    }

    fn write(value: &i8) -> String {
        value.to_string()
    }
}

/// The names of the extensions, each with its switch.
type ExtensionSwitch = fn(&mut Extensions) -> &mut bool;
const EXTENSIONS: [(&str, ExtensionSwitch); 9] = [
    ("PIPELINING", |e| &mut e.pipelining),
    ("SIZE", |e| &mut e.size),
    ("ENHANCEDSTATUSCODES", |e| &mut e.enhanced_status_codes),
    ("8BITMIME", |e| &mut e.eight_bit_mime),
    ("SMTPUTF8", |e| &mut e.smtputf8),
    ("DSN", |e| &mut e.dsn),
    ("CHUNKING", |e| &mut e.chunking),
    ("BINARYMIME", |e| &mut e.binary_mime),
    ("LIMITS", |e| &mut e.limits),
];

/// An extension's place in [`EXTENSIONS`].
#[derive(Clone, Copy, PartialEq)]
struct Extension(usize);

impl Words for Extension {
    const WORDS: &'static [(&'static str, Self)] = &{
        let mut words = [("", Self(0)); EXTENSIONS.len()];
        let mut at = 0;
        while at < words.len() {
            words[at] = (EXTENSIONS[at].0, Self(at));
            at += 1;
        }
        words
    };
}

/// The extensions that a door offers, by name.
pub(super) struct ExtensionList;

impl Kind for ExtensionList {
    type Value = Extensions;

    fn read(given: Given<'_>) -> Result<Extensions, Fault> {
        let offered = List::<OneOf<Extension>>::read(given)?;
        let mut extensions = Extensions::default();
        for (at, (_, switch)) in EXTENSIONS.iter().enumerate() {
            *switch(&mut extensions) = offered.contains(&Extension(at));
        }
        Ok(extensions)
    }

    fn write(value: &Extensions) -> Option<String> {
        let mut value = *value;
        let offered = EXTENSIONS.iter().filter(|(_, switch)| *switch(&mut value));
        let names: Vec<String> = offered.map(|(name, _)| quoted(name)).collect();
        Some(format!("[{}]", names.join(", ")))
    }
}
