//! What a user may set, and where each value came from.
//!
//! Flags win over environment variables (`DOORPOST_…`), these over a TOML file (`doorpost.toml`,
//! or the one that `--config` names), and that over `defaults.toml`, which is built in and read by
//! the same code. All of them use the tables in `keys`: one row a value, which reads it, checks it
//! and writes it back. The doors are rows of the file; the four that are there from the start are
//! rows of `defaults.toml`.
//!
//! Within one layer a door's own row wins over a value for all doors; between layers the higher
//! one wins. So `--ports ephemeral` and `--max-size 1MiB` hold for every door, whatever the file
//! says, and `port` and `max_size` in a row hold against `ports` and `max_size` in the same file.
//!
//! Refuses unknown keys, wrong values and combinations that cannot work, all at once, each with
//! its place and what is allowed ([`ConfigError`]). Port numbers stand here and nowhere else.

mod check;
mod door;
mod error;
mod faults;
mod flags;
mod keys;
mod kind;
mod load;
mod near;
mod numbered;
mod route;
mod rows;
mod show;
mod source;
mod strict;
mod target;
mod values;
mod web;

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests;

pub use door::{Door, User};
pub use error::ConfigError;
pub use flags::{FLAGS, Flag, FlagValue, Takes};
pub use load::{load, load_from};
pub use route::{Route, WEBHOOK_EVENTS, Webhook, fits, url_host};
pub use show::render;
pub use source::{Origin, Sources};
pub use target::{Host, Server, Target, TargetError};
pub use web::WebSecret;

use crate::smtp::auth::Directory;
use crate::storage::InboxBy;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Everything that can be set, after all layers have been applied.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name that doorpost gives itself.
    pub hostname: String,
    /// The addresses that the doors listen on.
    pub host: Vec<IpAddr>,
    /// Which of a door's ports was asked for; [`Door::port`] is what came of it.
    pub ports: PortSet,
    /// The doors, in order, also those that are not enabled.
    pub doors: Vec<Door>,
    /// Where the web page and the API listen, if they do.
    pub web: Option<WebConfig>,
    /// Names by which the web page may be called, besides loopback.
    pub web_host: Vec<String>,
    /// The name and the secret (`name:secret`) that a browser is asked for, if it is.
    pub web_auth: Option<WebSecret>,
    /// The tokens that programs may show instead.
    pub web_token: Vec<WebSecret>,
    /// Pages from elsewhere that may use the API, as `scheme://host[:port]`.
    pub cors: Vec<String>,
    /// The folder of the development CA; `None` leaves the choice to the program.
    pub certs: Option<PathBuf>,
    /// A certificate chain of the user's own.
    pub tls_cert: Option<PathBuf>,
    /// The key to `tls_cert`.
    pub tls_key: Option<PathBuf>,
    /// Who may log in; with none listed, everybody.
    pub users: Vec<User>,
    /// The folder in which messages and sessions are kept; without one, in memory.
    pub data: Option<PathBuf>,
    /// What decides in which inboxes a message is.
    pub inbox_by: InboxBy,
    /// The file with the scenario that is in force from the start.
    pub scenario: Option<PathBuf>,
    /// Faults that are in force from the start, as `NAME[=VALUE][@DOOR]`.
    pub faults: Vec<String>,
    /// Whether magic addresses, and the header that asks for a fault, are heeded.
    pub magic: bool,
    /// Where mail goes on to after it was caught; the first route that fits counts.
    pub routes: Vec<Route>,
    /// Hosts beyond this machine that mail and webhooks may go to.
    pub allow_hosts: Vec<Host>,
    /// How long to wait after each attempt that may be repeated; after the last one mail is given up.
    pub retry: Vec<Duration>,
    /// How many times faster the waits of `retry` pass.
    pub time_scale: u32,
    /// Connections at a time to one target.
    pub max_connections_per_target: usize,
    /// Where complaints about mail from a domain go, as `DOMAIN=ADDRESS`.
    pub feedback_loops: Vec<String>,
    /// Whether NOTIFY=SUCCESS is answered for mail that is caught here and goes no further.
    pub delivery_reports: bool,
    /// Who is told of events by HTTP.
    pub webhooks: Vec<Webhook>,
    /// How many messages are kept.
    pub max_messages: usize,
    /// How many octets of messages are kept.
    pub max_bytes: u64,
    /// How long messages and sessions are kept, where there is an end to it.
    pub max_age: Option<Duration>,
    /// How many sessions are kept.
    pub max_sessions: usize,
    /// How many octets of transcripts are kept.
    pub max_session_bytes: u64,
    /// A client that was told to try later is found not to have come back after this time.
    pub retry_within: Duration,
    /// The same message is a duplicate within this time.
    pub duplicate_within: Duration,
    /// Octets of mail that may be in flight over all sessions.
    pub memory: u64,
    /// Connections at a time.
    pub max_connections: usize,
    /// Connections at a time from one address.
    pub max_connections_per_address: usize,
    /// Whether secrets stand in transcripts as they came.
    pub show_secrets: bool,
    /// How the log is written.
    pub log_format: Format,
    /// How much is said: below zero less, above it more.
    pub verbosity: i8,
    /// How the open doors are announced.
    pub ready: Format,
}

/// Which port each door binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortSet {
    /// The row's `port`, which needs no privilege.
    Mapped,
    /// The port that the door stands for.
    Standard,
    /// One that the system chooses.
    Ephemeral,
}

/// For people, or for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the web page and the API listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebConfig {
    /// The address; `None` for the addresses of the doors.
    pub address: Option<IpAddr>,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

impl Default for Config {
    fn default() -> Self {
        let mut config = load::built_in().clone();
        config.resolve(&mut Sources::default());
        config
    }
}

impl Config {
    /// The default configuration with every port left to the system, as tests want it.
    #[must_use]
    pub fn ephemeral() -> Self {
        let mut config = Self { ports: PortSet::Ephemeral, ..Self::default() };
        config.resolve(&mut Sources::default());
        config
    }

    /// Reads the text of a `doorpost.toml`, without flags and environment.
    ///
    /// # Errors
    /// Lists everything that is wrong with it.
    pub fn parse(toml: &str) -> Result<Self, ConfigError> {
        load::parse(toml, "doorpost.toml").map(|(config, _)| config)
    }

    /// Looks for values that cannot work together. What [`load()`] and [`Config::parse`] give has
    /// passed; a configuration that was changed since should be asked again.
    ///
    /// # Errors
    /// Lists everything that cannot work.
    pub fn check(&self) -> Result<(), ConfigError> {
        ConfigError::unless_empty(check::problems(self, &Sources::default()), None)
    }

    /// The doors that are to be opened.
    pub fn open_doors(&self) -> impl Iterator<Item = &Door> {
        self.doors.iter().filter(|door| door.enabled)
    }

    /// A door by its name.
    #[must_use]
    pub fn door(&self, name: &str) -> Option<&Door> {
        self.doors.iter().find(|door| door.name == name)
    }

    /// A door by its name, to be changed.
    pub fn door_mut(&mut self, name: &str) -> Option<&mut Door> {
        self.doors.iter_mut().find(|door| door.name == name)
    }

    /// Who may log in.
    #[must_use]
    pub fn directory(&self) -> Directory {
        if self.users.is_empty() {
            return Directory::open();
        }
        let parts = |user: &User| (user.name.clone(), user.secret.clone(), user.senders.clone());
        Directory::of(self.users.iter().map(parts))
    }

    /// Where the web page and the API listen; empty where they are off.
    #[must_use]
    pub fn web_addresses(&self) -> Vec<SocketAddr> {
        let Some(web) = self.web else { return Vec::new() };
        let hosts = web.address.map_or_else(|| self.host.clone(), |address| vec![address]);
        hosts.into_iter().map(|host| SocketAddr::new(host, web.port)).collect()
    }
}

/// The four doors that are there from the start.
#[must_use]
pub fn default_doors() -> Vec<Door> {
    Config::default().doors
}
