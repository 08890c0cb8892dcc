//! Scenarios that come along, each under a name: `greylist`, `port-blocked@relay`, `slow=2s@submission`.
//!
//! They are written in the language of scenarios and read by the same reader, so that each can be printed,
//! copied and changed.

use super::scenario::Scenario;
use std::fmt;

/// A scenario under a name.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What happens, in a line.
    pub about: &'static str,
    /// What may be set with `=`, and what it is otherwise.
    pub value: Option<(&'static str, &'static str)>,
    /// Its rules: `VALUE` stands for the value.
    rules: &'static [&'static str],
}

/// Why a preset cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresetError {
    /// There is none of that name.
    Unknown(String),
    /// It takes no value.
    NoValue(&'static str),
    /// The value is none that it takes.
    Value(&'static str, String),
}

impl std::error::Error for PresetError {}

impl fmt::Display for PresetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(f, "there is no fault {name:?}; `doorpost faults` lists them: ")?;
                let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
                f.write_str(&names.join(", "))
            }
            Self::NoValue(name) => write!(f, "the fault {name} takes no value: leave `=` out"),
            Self::Value(name, problem) => write!(f, "the fault {name}: {problem}"),
        }
    }
}

impl Preset {
    /// The preset of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// Its rules as TOML, for one door or for all.
    #[must_use]
    pub fn toml(&self, value: Option<&str>, door: Option<&str>) -> String {
        let value = value.or(self.value.map(|(_, usual)| usual)).unwrap_or_default();
        let mut text = String::new();
        for (number, rule) in self.rules.iter().enumerate() {
            let mut name = self.name.to_owned();
            if number > 0 {
                name.push_str(&format!("-{}", number + 1));
            }
            if let Some(door) = door {
                name.push_str(&format!(".{door}"));
            }
            let value = value.replace(['"', '\\', '\n', '\r'], "");
            // What should be a number and is none is quoted, so that the reader says what it expects.
            let bare = match value.parse::<u64>() {
                Ok(_) => value.clone(),
                Err(_) => format!("{value:?}"),
            };
            let mut rule = rule.replace("= VALUE", &format!("= {bare}")).replace("VALUE", &value);
            if let Some(door) = door {
                let door = format!("door = {door:?}");
                rule = match rule.split_once("when = { ") {
                    Some((before, after)) => format!("{before}when = {{ {door}, {after}"),
                    None => format!("when = {{ {door} }}\n{rule}"),
                };
            }
            text.push_str(&format!("[[rules]]\nname = {name:?}\n{rule}\n\n"));
        }
        text.trim_end().to_owned() + "\n"
    }
}

/// Reads `NAME[=VALUE][@DOOR]`.
///
/// # Errors
/// Says what is wrong with the name or the value.
pub fn scenario(spec: &str) -> Result<Scenario, PresetError> {
    let (rest, door) = match spec.rsplit_once('@') {
        Some((rest, door)) => (rest, Some(door)),
        None => (spec, None),
    };
    let (name, value) = match rest.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (rest, None),
    };
    let preset = Preset::find(name).ok_or_else(|| PresetError::Unknown(name.to_owned()))?;
    if value.is_some() && preset.value.is_none() {
        return Err(PresetError::NoValue(preset.name));
    }
    Scenario::parse(&preset.toml(value, door)).map_err(|error| {
        // Each of its rules may say the same.
        let mut problems: Vec<_> =
            error.mistakes.iter().map(|mistake| mistake.problem.as_str()).collect();
        problems.dedup();
        PresetError::Value(preset.name, problems.join("; "))
    })
}

const fn preset(name: &'static str, about: &'static str, rules: &'static [&'static str]) -> Preset {
    Preset { name, about, value: None, rules }
}

const fn with_value(
    name: &'static str,
    value: (&'static str, &'static str),
    about: &'static str,
    rules: &'static [&'static str],
) -> Preset {
    Preset { name, about, value: Some(value), rules }
}

/// All presets.
pub const PRESETS: &[Preset] = &[
    // Once more, please.
    with_value(
        "greylist",
        ("how long to stay away", "0s"),
        "451 4.7.1 until the same client, sender and recipient come again",
        &[
            "at = \"rcpt\"\ngreylist = \"VALUE\"\ndo = { reply = \"451 4.7.1 Greylisted, come back later\" }",
        ],
    ),
    with_value(
        "busy",
        ("how often", "2"),
        "450 4.2.1 for a recipient's first times, then 250",
        &[
            "at = \"rcpt\"\nfirst = VALUE\nper = \"recipient\"\ndo = { reply = \"450 4.2.1 Mailbox busy, try again later\" }",
        ],
    ),
    with_value(
        "try-again",
        ("how often", "1"),
        "451 4.3.0 at the end of a message's data for its first times, then 250",
        &[
            "at = \"end-of-data\"\nfirst = VALUE\nper = \"message\"\ndo = { reply = \"451 4.3.0 Local error, try again later\" }",
        ],
    ),
    preset(
        "per-recipient",
        "one transaction, mixed: unknown*@ is 550 5.1.1, full*@ is 452 4.2.2, all others are taken",
        &[
            "at = \"rcpt\"\nwhen = { forward_path = \"unknown*@*\" }\ndo = { reply = \"550 5.1.1 No such user here\" }",
            "at = \"rcpt\"\nwhen = { forward_path = \"full*@*\" }\ndo = { reply = \"452 4.2.2 Mailbox full\" }",
        ],
    ),
    // The connection ends.
    with_value(
        "hang-up",
        ("the moment", "data"),
        "421 4.4.2 in the middle, and the connection is closed",
        &["at = \"VALUE\"\ndo = { reply = \"421 4.4.2 Connection dropped, closing\" }"],
    ),
    with_value(
        "reset",
        ("the moment", "data"),
        "the connection is reset without a reply",
        &["at = \"VALUE\"\ndo = { reset = \"before\" }"],
    ),
    preset(
        "drop-message",
        "the connection is closed at the end of the data; the message is not kept",
        &["at = \"end-of-data\"\ndo = { close = \"before\" }"],
    ),
    preset(
        "lost-reply",
        "the message is kept, and the connection closed before the 250: once for each message",
        &["at = \"kept\"\nfirst = 1\nper = \"message\"\ndo = { close = \"before\" }"],
    ),
    preset(
        "lose",
        "250, and the message is thrown away",
        &["at = \"end-of-data\"\ndo = { lose = true }"],
    ),
    // At the greeting.
    preset(
        "unavailable",
        "421 4.3.2 in place of the greeting",
        &["at = \"greeting\"\ndo = { reply = \"421 4.3.2 Service not available, closing\" }"],
    ),
    preset(
        "no-service",
        "554 5.3.2 in place of the greeting, then nothing but QUIT",
        &["at = \"greeting\"\ndo = { reply = \"554 5.3.2 No SMTP service here\" }"],
    ),
    preset(
        "drop",
        "the connection is closed without a word",
        &["at = \"connect\"\ndo = { close = \"before\" }"],
    ),
    preset(
        "garbage",
        "no reply but garbage in place of the greeting",
        &["at = \"greeting\"\ndo = { garbage = '\\x00\\xff\\xfe not SMTP at all\\r\\n' }"],
    ),
    with_value(
        "no-ehlo",
        ("the reply", "502 5.5.1 EHLO is not known here"),
        "502 to EHLO: an old server, which knows HELO",
        &["at = \"ehlo\"\ndo = { reply = \"VALUE\" }"],
    ),
    // Slow.
    with_value(
        "slow",
        ("the pause", "2s"),
        "a pause before every reply to a command",
        &["at = \"any\"\ndo = { pause = \"VALUE\" }", "at = \"kept\"\ndo = { pause = \"VALUE\" }"],
    ),
    with_value(
        "slow-greeting",
        ("the pause", "10s"),
        "a pause before the greeting",
        &["at = \"greeting\"\ndo = { pause = \"VALUE\" }"],
    ),
    with_value(
        "slow-lines",
        ("the pause", "500ms"),
        "a pause after every line of EHLO's reply",
        &["at = \"ehlo\"\ndo = { line_pause = \"VALUE\" }"],
    ),
    with_value(
        "slow-octets",
        ("the pause", "50ms"),
        "a pause after every octet of the replies",
        &["at = \"any\"\ndo = { octet_pause = \"VALUE\" }"],
    ),
    with_value(
        "throttle",
        ("octets a second", "1000"),
        "so many octets a second, both ways",
        &["at = \"connect\"\ndo = { rate = VALUE }"],
    ),
    preset(
        "silent",
        "the message comes to its end, and no reply ever does",
        &["at = \"end-of-data\"\ndo = { silent = true }"],
    ),
    // TLS.
    preset(
        "tls-unavailable",
        "454 4.7.0 to STARTTLS",
        &[
            "at = \"starttls\"\ndo = { reply = \"454 4.7.0 TLS not available due to temporary reason\" }",
        ],
    ),
    preset(
        "tls-drop",
        "220 to STARTTLS, and the connection is closed",
        &["at = \"starttls\"\ndo = { close = \"after\" }"],
    ),
    preset(
        "tls-refused",
        "the handshake is refused with an alert",
        &["at = \"tls\"\ndo = { tls = \"refuse\" }"],
    ),
    preset(
        "tls-stall",
        "the handshake is never answered",
        &["at = \"tls\"\ndo = { tls = \"stall\" }"],
    ),
    preset(
        "tls-expired",
        "a certificate that ended yesterday",
        &["at = \"tls\"\ndo = { tls = \"expired\" }"],
    ),
    preset(
        "tls-self-signed",
        "a certificate that nobody vouches for",
        &["at = \"tls\"\ndo = { tls = \"self-signed\" }"],
    ),
    preset(
        "tls-wrong-host",
        "a certificate for another host",
        &["at = \"tls\"\ndo = { tls = \"wrong-host\" }"],
    ),
    preset(
        "strip-starttls",
        "STARTTLS is not offered and not known (502 5.5.1), as behind somebody who strips it",
        &["at = \"ehlo\"\nwhen = { tls = false }\ndo = { hide = [\"STARTTLS\"] }"],
    ),
    // The port.
    preset(
        "port-blocked",
        "nothing listens: connections are refused",
        &["do = { door = \"refused\" }"],
    ),
    preset(
        "port-blackhole",
        "connections are taken, and nothing is ever said",
        &["at = \"connect\"\ndo = { silent = true }"],
    ),
    // AUTH.
    preset(
        "auth-unavailable",
        "454 4.7.0 to every login",
        &["at = \"auth\"\ndo = { reply = \"454 4.7.0 Temporary authentication failure\" }"],
    ),
    with_value(
        "auth-throttled",
        ("logins in a time", "3/1m"),
        "421 4.7.0 to logins beyond a rate",
        &[
            "at = \"auth\"\nlimit = \"VALUE\"\ndo = { reply = \"421 4.7.0 Too many logins, closing\" }",
        ],
    ),
    // Quotas, sizes, rates.
    preset(
        "mailbox-full",
        "452 4.2.2 at RCPT",
        &["at = \"rcpt\"\ndo = { reply = \"452 4.2.2 Mailbox full\" }"],
    ),
    preset(
        "over-quota",
        "552 5.2.2 at RCPT",
        &["at = \"rcpt\"\ndo = { reply = \"552 5.2.2 Mailbox over its quota\" }"],
    ),
    with_value(
        "too-large",
        ("octets", "0B"),
        "552 5.3.4 at MAIL, for a declared size beyond a bound",
        &[
            "at = \"mail\"\nwhen = { size = \"> VALUE\" }\ndo = { reply = \"552 5.3.4 Message size exceeds the limit\" }",
        ],
    ),
    with_value(
        "too-large-at-end",
        ("octets", "0B"),
        "552 5.3.4 at the end of the data, beyond a bound",
        &[
            "at = \"end-of-data\"\nwhen = { size = \"> VALUE\" }\ndo = { reply = \"552 5.3.4 Message size exceeds the limit\" }",
        ],
    ),
    with_value(
        "rate-limit",
        ("messages in a time", "10/1m"),
        "450 4.7.1 at MAIL, for more than a client may send",
        &[
            "at = \"mail\"\nlimit = \"VALUE\"\ndo = { reply = \"450 4.7.1 Too many messages, slow down\" }",
        ],
    ),
    with_value(
        "recipient-limit",
        ("recipients in a time", "10/1m"),
        "452 4.5.3 at RCPT, for more recipients than a client may have",
        &["at = \"rcpt\"\nlimit = \"VALUE\"\ndo = { reply = \"452 4.5.3 Too many recipients\" }"],
    ),
    with_value(
        "connection-limit",
        ("connections in a time", "10/1m"),
        "421 4.7.0 at the greeting, for more connections than a client may have",
        &[
            "at = \"greeting\"\nlimit = \"VALUE\"\ndo = { reply = \"421 4.7.0 Too many connections, closing\" }",
        ],
    ),
    // No.
    preset(
        "spam",
        "554 5.7.1 at the end of the data",
        &["at = \"end-of-data\"\ndo = { reply = \"554 5.7.1 Content refused\" }"],
    ),
    preset(
        "dmarc",
        "550 5.7.26 at the end of the data",
        &[
            "at = \"end-of-data\"\ndo = { reply = \"550 5.7.26 Unauthenticated mail, DMARC says no\" }",
        ],
    ),
    preset(
        "unknown-user",
        "550 5.1.1 at RCPT",
        &["at = \"rcpt\"\ndo = { reply = \"550 5.1.1 No such user here\" }"],
    ),
    preset(
        "no-domain",
        "550 5.1.2 at RCPT: no such domain",
        &["at = \"rcpt\"\ndo = { reply = \"550 5.1.2 No such domain\" }"],
    ),
    preset(
        "null-mx",
        "550 5.1.10 at RCPT: the domain takes no mail (RFC 7505)",
        &["at = \"rcpt\"\ndo = { reply = \"550 5.1.10 The domain takes no mail\" }"],
    ),
];
