//! The flags, as a table: the command line and the environment are both read by it.
//!
//! Each flag has a variable of the same name (`--max-size`, `DOORPOST_MAX_SIZE`). Nothing is
//! checked here: texts are read by the same code as the file's values, so that the rules and the
//! words for what is wrong are the same.

use super::keys;

/// How often a flag may stand, and whether a value follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// One value.
    One,
    /// Values: the flag is repeated, or commas stand between them.
    Many,
    /// No value: it is there or not. Its variable is `true` or `false`.
    Nothing,
    /// No value, and more of it says more. Its variable is a number.
    Count,
}

/// A flag of the commands that run or show the server.
#[derive(Debug)]
pub struct Flag {
    /// Its long name, without dashes.
    pub name: &'static str,
    /// Its one-letter name.
    pub short: Option<char>,
    /// What the help calls its value.
    pub value: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// The section of the help in which it stands.
    pub heading: &'static str,
    /// What it does.
    pub help: &'static str,
    /// What it sets.
    pub(super) target: Target,
}

/// What a flag sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The file to read.
    File,
    /// A key at the top of the file.
    Key(&'static str),
    /// A key of one door.
    Door(&'static str, &'static str),
    /// `DOOR=NUMBER`.
    Port,
    /// `NAME:SECRET`.
    User,
    /// `PATTERN=TARGET`.
    Route,
    /// A URL.
    Webhook,
    /// Takes the web page away.
    NoWeb,
    /// Adds to the verbosity, or takes from it.
    Verbosity(i8),
}

/// A flag with what was given to it.
#[derive(Clone, Debug)]
pub struct FlagValue {
    /// Which flag.
    pub flag: &'static Flag,
    /// Its values; `true` for one that takes none, the number of times for one that counts.
    pub texts: Vec<String>,
}

impl Flag {
    /// The environment variable that does the same.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("DOORPOST_{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// How several stand in the variable; nothing where there is one.
    #[must_use]
    pub fn separated(&self) -> &'static str {
        match (self.takes, self.target) {
            (Takes::Many, Target::User | Target::Route | Target::Webhook) => ", one on a line",
            (Takes::Many, _) => ", commas between them",
            _ => "",
        }
    }

    /// The flag that says the opposite.
    #[must_use]
    pub fn excludes(&self) -> Option<&'static str> {
        (self.target == Target::NoWeb).then_some("web")
    }

    /// What counts when nobody sets it, for the help.
    #[must_use]
    pub fn default_value(&self) -> Option<String> {
        let config = super::load::built_in();
        let toml = match self.target {
            _ if self.takes == Takes::Nothing || self.help.contains("[default: ") => None,
            Target::Key(key) => match keys::find(keys::TOP, key) {
                Some(found) => (found.get)(config),
                None => (keys::find(keys::DOOR, key)?.get)(config.doors.first()?),
            },
            Target::Door(door, key) => (keys::find(keys::DOOR, key)?.get)(config.door(door)?),
            _ => None,
        };
        let plain = toml?.replace(['"', '[', ']'], "");
        (!plain.is_empty()).then_some(plain)
    }
}

const DOORS: &str = "Doors";
const LOGINS: &str = "TLS and logins";
const WEB: &str = "Web page and API";
const STORE: &str = "What is kept";
const FAULTS: &str = "Faults";
const OUTBOUND: &str = "Mail going on";
const LIMITS: &str = "Limits";
const OUTPUT: &str = "Output";

const fn flag(
    heading: &'static str,
    name: &'static str,
    value: &'static str,
    takes: Takes,
    target: Target,
    help: &'static str,
) -> Flag {
    Flag { name, short: None, value, takes, heading, help, target }
}

/// A flag that sets the key of the same name.
const fn key(
    heading: &'static str,
    name: &'static str,
    key: &'static str,
    value: &'static str,
    help: &'static str,
) -> Flag {
    flag(heading, name, value, Takes::One, Target::Key(key), help)
}

const fn many(flag: Flag) -> Flag {
    Flag { takes: Takes::Many, ..flag }
}

const fn switch(flag: Flag) -> Flag {
    Flag { takes: Takes::Nothing, ..flag }
}

const fn short(letter: char, flag: Flag) -> Flag {
    Flag { short: Some(letter), ..flag }
}

/// All flags, in the order of the help, in which they are also applied.
#[rustfmt::skip] // a table
pub const FLAGS: &[Flag] = &[
    many(key(DOORS, "host", "host", "ADDRESS", "Address to listen on")),
    key(DOORS, "ports", "ports", "SET", "Ports to bind: mapped (above 1024), standard (25, 587, 465, 2525) or ephemeral (the system chooses)"),
    flag(DOORS, "port", "DOOR=NUMBER", Takes::Many, Target::Port, "Port of one door, such as relay=4025"),
    key(DOORS, "hostname", "hostname", "NAME", "Name in the greeting"),
    key(DOORS, "max-size", "max_size", "SIZE", "Largest message that is taken"),
    flag(DOORS, "local-domain", "DOMAIN", Takes::Many, Target::Door(RELAY, "local_domains"), "Domain that `relay` takes mail for, others get 554 5.7.1; * is all"),
    flag(DOORS, "local-user", "ADDRESS", Takes::Many, Target::Door(RELAY, "local_users"), "User that exists at `relay`, others get 550 5.1.1; * is all"),
    flag(DOORS, "trusted-network", "NETWORK", Takes::Many, Target::Door(RELAY, "trusted_networks"), "Clients that may relay to other domains through `relay`"),

    flag(LOGINS, "user", "NAME:SECRET", Takes::Many, Target::User, "User who may log in; without one, all credentials are taken"),
    key(LOGINS, "certs", "certs", "DIR", "Folder of the development CA [default: ./certs where it exists, else your data directory]"),
    key(LOGINS, "tls-cert", "tls_cert", "FILE", "Your own certificate chain (PEM)"),
    key(LOGINS, "tls-key", "tls_key", "FILE", "The key to --tls-cert (PEM)"),

    key(WEB, "web", "web", "[ADDRESS:]PORT", "Where the web page and the API listen"),
    switch(flag(WEB, "no-web", "BOOL", Takes::Nothing, Target::NoWeb, "Open no web page and no API")),
    many(key(WEB, "web-host", "web_host", "NAME", "Host name to answer to, besides loopback")),
    key(WEB, "web-auth", "web_auth", "USER:SECRET", "Login that a browser is asked for (Basic)"),
    many(key(WEB, "web-token", "web_token", "TOKEN", "Token that a program shows instead (Bearer)")),
    many(key(WEB, "cors", "cors", "ORIGIN", "Page from elsewhere that may use the API, such as http://localhost:5173")),

    key(STORE, "data", "data", "DIR", "Folder to keep messages and sessions in [default: in memory]"),
    key(STORE, "inbox-by", "inbox_by", "WAY", "What parts messages into inboxes: user, recipient, door or header:X-Name"),
    key(STORE, "max-messages", "max_messages", "NUMBER", "Messages to keep; the oldest goes first"),
    key(STORE, "max-bytes", "max_bytes", "SIZE", "Size of all messages to keep"),
    key(STORE, "max-age", "max_age", "TIME", "Longest time to keep messages and sessions, such as 7d [default: no end]"),
    key(STORE, "max-sessions", "max_sessions", "NUMBER", "Sessions to keep"),
    key(STORE, "max-session-bytes", "max_session_bytes", "SIZE", "Size of all sessions to keep"),
    many(key(FAULTS, "fault", "faults", "NAME[=VALUE][@DOOR]", "Misbehave: greylist, port-blocked@relay, slow=2s (`doorpost faults` lists them)")),
    key(FAULTS, "scenario", "scenario", "FILE", "Misbehave as the rules of this file say"),
    key(FAULTS, "magic", "magic", "BOOL", "Heed addresses under .test that ask for a fault, such as bounce+550@example.test; `off` does not"),
    many(key(FAULTS, "strict", "strict", "FINDING", "Refuse what clients do wrong: all, or findings by name, such as date-missing")),

    flag(OUTBOUND, "route", "PATTERN=TARGET", Takes::Many, Target::Route, "Send mail on: *@onward.example=smtp://127.0.0.1:2500, or to capture (keep it here), smtp+starttls://USER:SECRET@HOST, smtps://HOST, door:relay"),
    many(key(OUTBOUND, "allow-host", "allow_hosts", "HOST", "Host beyond this machine that mail and webhooks may go to")),
    many(key(OUTBOUND, "retry", "retry", "TIME", "Waits between attempts that may be repeated")),
    key(OUTBOUND, "time-scale", "time_scale", "NUMBER", "How many times faster these waits pass"),
    key(OUTBOUND, "max-connections-per-target", "max_connections_per_target", "NUMBER", "Connections at a time to one server"),
    many(key(OUTBOUND, "feedback-loop", "feedback_loops", "DOMAIN=ADDRESS", "Where complaints about mail from a domain go [default: abuse@ the domain]")),
    switch(key(OUTBOUND, "delivery-reports", "delivery_reports", "BOOL", "Answer NOTIFY=SUCCESS for mail that is caught here, as the last server does")),
    flag(OUTBOUND, "webhook", "URL", Takes::Many, Target::Webhook, "Tell this URL of every event"),

    key(LIMITS, "memory", "memory", "SIZE", "Mail that may be in flight at a time; more gets 452 4.3.1"),
    key(LIMITS, "max-connections", "max_connections", "NUMBER", "Connections at a time; more get 421 4.7.0"),
    key(LIMITS, "max-connections-per-address", "max_connections_per_address", "NUMBER", "The same for one client address [default: that of --max-connections]"),

    key(OUTPUT, "ready", "ready", "FORMAT", "How to announce the open doors: text, or one line of json on stdout"),
    key(OUTPUT, "log-format", "log_format", "FORMAT", "How to write the log on stderr: text or json"),
    switch(key(OUTPUT, "show-secrets", "show_secrets", "BOOL", "Show passwords and tokens in conversations")),
    short('v', flag(OUTPUT, "verbose", "NUMBER", Takes::Count, Target::Verbosity(1), "Say more: -v shows the conversations")),
    short('q', flag(OUTPUT, "quiet", "NUMBER", Takes::Count, Target::Verbosity(-1), "Say less: -q leaves warnings, -qq errors")),

    flag(OUTPUT, "config", "FILE", Takes::One, Target::File, "Configuration file [default: ./doorpost.toml where it exists]"),
];

/// The door that local domains, local users and trusted networks on the command line are for.
const RELAY: &str = "relay";
