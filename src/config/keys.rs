//! The tables of keys: for each, its name and how its value is read and written.
//!
//! The file, the flags, the environment, [`Door::set`] and `doorpost config` all go through these
//! rows, so that a key means the same wherever it stands. A key that is not here does not exist.

use super::faults::FaultName;
use super::kind::{AllOr, Fault, Given, Kind, List, Maybe, OneOf, Set, Switch, Whole};
use super::route::{
    AllowedHost, EventName, FeedbackLoop, HookUrl, Pattern, Route, Schedule, Via, Webhook, Word,
};
use super::strict::Refusable;
use super::values::{
    Address, Age, ClientNetwork, DoorName, ExtensionList, FilePath, HostName, Inboxes, LocalDomain,
    LocalUser, Secret, SenderPattern, Size, Time, UserName, Verbosity, WebAddress,
};
use super::web::{Token, WebLogin, WebOrigin};
use super::{Config, Door, User};

/// One key of a table.
pub(super) struct Key<T: 'static> {
    /// Its name in the file.
    pub(super) name: &'static str,
    /// Reads a value into its field.
    pub(super) set: fn(&mut T, Given<'_>) -> Result<(), Fault>,
    /// Writes the field as TOML; `None` where it is not set.
    pub(super) get: fn(&T) -> Option<String>,
    /// Whether its value must not be printed.
    pub(super) secret: bool,
}

macro_rules! keys {
    ($($name:literal => $($field:ident).+: $kind:ty,)+) => {
        &[$(Key {
            name: $name,
            set: |row, given| {
                row.$($field).+ = <$kind as Kind>::read(given)?;
                Ok(())
            },
            get: |row| <$kind as Kind>::write(&row.$($field).+),
            secret: <$kind as Kind>::SECRET,
        },)+]
    };
}

/// Keys at the top of the file. Those in [`SHARED`] may stand there too.
pub(super) const TOP: &[Key<Config>] = keys! {
    "hostname" => hostname: HostName,
    "host" => host: List<Address>,
    "ports" => ports: OneOf<super::PortSet>,
    "web" => web: WebAddress,
    "web_host" => web_host: List<HostName>,
    "web_auth" => web_auth: Maybe<WebLogin>,
    "web_token" => web_token: List<Token>,
    "cors" => cors: List<WebOrigin>,
    "certs" => certs: Maybe<FilePath>,
    "tls_cert" => tls_cert: Maybe<FilePath>,
    "tls_key" => tls_key: Maybe<FilePath>,
    "data" => data: Maybe<FilePath>,
    "inbox_by" => inbox_by: Inboxes,
    "scenario" => scenario: Maybe<FilePath>,
    "faults" => faults: List<FaultName>,
    "magic" => magic: Switch,
    "allow_hosts" => allow_hosts: List<AllowedHost>,
    "retry" => retry: Schedule,
    "time_scale" => time_scale: Whole<u32, 1>,
    "max_connections_per_target" => max_connections_per_target: Whole<usize, 1>,
    "delivery_reports" => delivery_reports: Switch,
    "feedback_loops" => feedback_loops: List<FeedbackLoop>,
    "max_messages" => max_messages: Whole<usize, 1>,
    "max_bytes" => max_bytes: Size,
    "max_age" => max_age: Maybe<Age>,
    "max_sessions" => max_sessions: Whole<usize, 1>,
    "max_session_bytes" => max_session_bytes: Size,
    "retry_within" => retry_within: Time<false>,
    "duplicate_within" => duplicate_within: Time<false>,
    "memory" => memory: Size,
    "max_connections" => max_connections: Whole<usize, 1>,
    "max_connections_per_address" => max_connections_per_address: Whole<usize, 1>,
    "show_secrets" => show_secrets: Switch,
    "log_format" => log_format: OneOf<super::Format>,
    "verbosity" => verbosity: Verbosity,
    "ready" => ready: OneOf<super::Format>,
};

/// Keys of a `[[doors]]` row, besides `name` and `like`.
pub(super) const DOOR: &[Key<Door>] = keys! {
    "enabled" => enabled: Switch,
    "port" => port: Whole<u16, 0>,
    "stands_for" => stands_for: Maybe<Whole<u16, 1>>,
    "hostname" => hostname: HostName,
    "tls" => tls: OneOf<crate::smtp::policy::TlsMode>,
    "auth" => auth: OneOf<crate::smtp::policy::AuthMode>,
    "auth_before_tls" => auth_before_tls: Switch,
    "mechanisms" => mechanisms: List<OneOf<crate::smtp::auth::Mechanism>>,
    "local_domains" => recipients.local_domains: AllOr<List<LocalDomain>>,
    "local_users" => recipients.local_users: AllOr<Set<LocalUser>>,
    "trusted_networks" => recipients.trusted_networks: List<ClientNetwork>,
    "qualified_only" => qualified_only: Switch,
    "bare_lf" => bare_lf: OneOf<crate::smtp::policy::BareLf>,
    "extensions" => extensions: ExtensionList,
    "max_size" => limits.message_size: Size,
    "max_recipients" => limits.recipients: Whole<u32, 100>,
    "max_messages" => limits.transactions: Whole<u32, 1>,
    "max_errors" => limits.errors: Whole<u32, 1>,
    "max_auth_failures" => limits.auth_failures: Whole<u32, 1>,
    "greeting_delay" => deadlines.greeting_delay: Time<true>,
    "handshake_timeout" => deadlines.handshake: Time<false>,
    "command_timeout" => deadlines.command: Time<false>,
    "data_timeout" => deadlines.data: Time<false>,
    "session_timeout" => deadlines.session: Time<false>,
    "grace" => deadlines.grace: Time<true>,
    "minimum_rate" => deadlines.minimum_rate: Whole<u32, 0>,
    "strict" => strict: List<Refusable>,
};

/// Keys of a door that may also stand at the top, for all doors. (`max_messages` may not: there
/// it is how many the store keeps.)
pub(super) const SHARED: &[&str] = &[
    "hostname",
    "qualified_only",
    "bare_lf",
    "max_size",
    "max_recipients",
    "max_errors",
    "max_auth_failures",
    "greeting_delay",
    "handshake_timeout",
    "command_timeout",
    "data_timeout",
    "session_timeout",
    "grace",
    "minimum_rate",
    "strict",
];

/// Keys of a door that a copy of it does not take over.
pub(super) const ITS_OWN: &[&str] = &["enabled", "port", "stands_for"];

/// The key by which a row of the file says which door or user it is.
pub(super) const NAME: &str = "name";
/// The key of a `[[doors]]` row that names the door to start from.
pub(super) const LIKE: &str = "like";

/// Keys of a `[[users]]` row.
pub(super) const USER: &[Key<User>] = keys! {
    "name" => name: UserName,
    "secret" => secret: Secret,
    "senders" => senders: List<SenderPattern>,
};

/// Keys of a `[[routes]]` row.
pub(super) const ROUTE: &[Key<Route>] = keys! {
    "to" => to: List<Pattern>,
    "door" => door: List<Word>,
    "user" => user: List<Word>,
    "inbox" => inbox: List<Word>,
    "via" => via: Via,
};

/// Keys of a `[[webhooks]]` row.
pub(super) const WEBHOOK: &[Key<Webhook>] = keys! {
    "url" => url: HookUrl,
    "events" => events: List<EventName>,
    "secret" => secret: Maybe<Secret>,
};

/// Reads the name of a door.
pub(super) fn door_name(given: Given<'_>) -> Result<String, Fault> {
    DoorName::read(given)
}

/// A key by its name.
pub(super) fn find<T>(keys: &'static [Key<T>], name: &str) -> Option<&'static Key<T>> {
    keys.iter().find(|key| key.name == name)
}

/// A key of a door that may stand at the top.
pub(super) fn find_shared(name: &str) -> Option<&'static Key<Door>> {
    if SHARED.contains(&name) { find(DOOR, name) } else { None }
}

/// The names in a table.
pub(super) fn names<T>(keys: &'static [Key<T>]) -> impl Iterator<Item = &'static str> {
    keys.iter().map(|key| key.name)
}
