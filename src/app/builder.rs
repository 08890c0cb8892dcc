//! How a doorpost is put together before it starts.

use super::bind::{BindError, bind_all};
use super::{Doorpost, Parts};
use crate::config::{Config, ConfigError, User, WebConfig, WebSecret};
use crate::fault::{self, Faults, Scenario};
use crate::finding::Patience;
use crate::server::{Caps, Server};
use crate::smtp::Budget;
use crate::storage::{Bounds, Door, InboxBy, OpenError, SessionEntry, Settings, Store};
use crate::tls::{Identity, TlsError};
use crate::web::{self, Access, HostRule, Web};
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often it is looked for messages that are too old, at most and at least.
const SHORTEST_LOOK: Duration = Duration::from_millis(200);
const LONGEST_LOOK: Duration = Duration::from_mins(1);

/// Puts a [`Doorpost`] together. [`Doorpost::builder`] begins with the four doors on ports that
/// the system chooses, a CA that lives in memory, and no web API: what a test wants.
#[derive(Debug)]
pub struct Builder {
    config: Config,
    identity: Option<Identity>,
    announce: Option<mpsc::Sender<Arc<SessionEntry>>>,
    mistakes: Vec<String>,
}

/// Why a doorpost did not start. Nothing is left open then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port cannot be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The certificates cannot be made or read.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The data folder cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// Settings that cannot work together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A setting that the builder was given.
    #[error("{0}")]
    Setting(String),
    /// The system refused something else.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

impl Builder {
    pub(super) fn new() -> Self {
        let config = Config { web: None, ..Config::ephemeral() };
        Self { config, identity: None, announce: None, mistakes: Vec::new() }
    }

    /// Replaces all settings.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// Adds a user; with one, only listed users may log in.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>, secret: impl Into<String>) -> Self {
        let (name, secret) = (name.into(), secret.into());
        self.config.users.push(User { name, secret, senders: Vec::new() });
        self
    }

    /// Sets one key of one door to a value in TOML, as in a `[[doors]]` table of `doorpost.toml`:
    /// `.set("relay", "local_domains", r#"["example.org"]"#)`. A mistake is told by
    /// [`Builder::start`].
    #[must_use]
    pub fn set(mut self, door: &str, key: &str, value: &str) -> Self {
        let result = match self.config.door_mut(door) {
            Some(row) => row.set(key, value).map_err(|error| format!("door {door}: {error}")),
            None => Err(format!("there is no door {door}")),
        };
        self.mistakes.extend(result.err());
        self
    }

    /// The first user who may log in, where only listed ones may.
    pub(crate) fn first_user(&self) -> Option<(String, String)> {
        self.config.users.first().map(|user| (user.name.clone(), user.secret.clone()))
    }

    /// Serves the web API too, on a port that the system chooses.
    #[must_use]
    pub fn web(mut self) -> Self {
        self.config.web = Some(WebConfig { address: None, port: 0 });
        self
    }

    /// Keeps the CA and the certificate in a directory, instead of making new ones each time.
    #[must_use]
    pub fn certs(mut self, directory: impl Into<PathBuf>) -> Self {
        self.config.certs = Some(directory.into());
        self
    }

    /// Keeps messages and sessions in a folder, where the next doorpost finds them.
    #[must_use]
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.config.data = Some(folder.into());
        self
    }

    /// Misbehaves from the start, as `doorpost faults` names it: `greylist`, `port-blocked@relay`,
    /// `slow=2s`. [`Doorpost::faults`] changes that while it runs.
    #[must_use]
    pub fn fault(mut self, spec: impl Into<String>) -> Self {
        self.config.faults.push(spec.into());
        self
    }

    /// What parts messages into inboxes; without it, the user who had logged in.
    #[must_use]
    pub fn inbox_by(mut self, inbox_by: InboxBy) -> Self {
        self.config.inbox_by = inbox_by;
        self
    }

    /// Uses an identity that was opened before, so that several servers share one CA.
    #[must_use]
    pub fn identity(self, identity: Identity) -> Self {
        Self { identity: Some(identity), ..self }
    }

    /// Announces each session when something is found in it, and when it ends; what does not fit into the channel is left out.
    #[must_use]
    pub fn announce(self, announce: mpsc::Sender<Arc<SessionEntry>>) -> Self {
        Self { announce: Some(announce), ..self }
    }

    /// Opens all doors, or none.
    ///
    /// # Errors
    /// Says which setting, certificate or port stands in the way.
    pub async fn start(self) -> Result<Doorpost, StartError> {
        if let Some(mistake) = self.mistakes.into_iter().next() {
            return Err(StartError::Setting(mistake));
        }
        let config = self.config;
        config.check()?;
        // Before certificates are made: a port that is taken should leave no trace.
        let bound = bind_all(&config)?;
        let identity = match self.identity {
            Some(identity) => identity,
            None => open_identity(&config)?,
        };
        let bounds = Bounds {
            messages: config.max_messages,
            message_bytes: config.max_bytes,
            sessions: config.max_sessions,
            session_bytes: config.max_session_bytes,
        };
        let store = open_store(Settings {
            bounds,
            max_age: config.max_age,
            inbox_by: Some(config.inbox_by.clone()),
            patience: Patience { retry: config.retry_within, duplicate: config.duplicate_within },
            data: config.data.clone(),
        });
        let store = store.await?;
        let caps = Caps {
            connections: config.max_connections,
            per_address: config.max_connections_per_address,
        };
        let budget = Budget::new(config.memory);
        let faults = Arc::new(open_faults(&config)?);
        let server =
            Server::new(store.clone(), budget, &identity, Arc::clone(&faults), caps, self.announce);
        let directory = Arc::new(config.directory());
        let mut doors = Vec::new();
        let mut listeners = Vec::new();
        for (row, sockets) in config.open_doors().zip(bound.doors) {
            doors.push(Arc::new(Door {
                stands_for: row.stands_for,
                addresses: sockets.addresses,
                policy: Arc::new(row.policy(&config, Arc::clone(&directory))),
                counts: Default::default(),
            }));
            listeners.push(into_tokio(sockets.listeners)?);
        }
        store.doors_are_open(doors.clone());
        for (door, listeners) in doors.iter().zip(listeners) {
            server.open(door, listeners);
        }
        let outbound = super::carry::begin(&store, &config, &identity, &faults)?;
        let stop_web = CancellationToken::new();
        let mut web_addresses = Vec::new();
        if let Some(sockets) = bound.web {
            web_addresses = sockets.addresses;
            if let Some(address) = web_addresses.first() {
                store.announce(&format!("http://{address}"), None);
            }
            let mut settings = web_settings(&config, &web_addresses);
            settings.faults = Arc::clone(&faults);
            settings.ca = identity.ca_path().map(Path::to_path_buf);
            settings.ca_pem = identity.ca_pem().map(Arc::from);
            // It describes itself first, which takes longer than all else; the doors serve meanwhile.
            let (its_store, stop) = (store.clone(), stop_web.clone());
            let web = tokio::task::spawn_blocking(move || Web::new(its_store, settings, stop));
            let web = web.await.map_err(io::Error::other)?;
            for listener in into_tokio(sockets.listeners)? {
                tokio::spawn(web.clone().serve(listener));
            }
        }
        Ok(Doorpost::from(Parts {
            store,
            server,
            faults,
            identity,
            web_addresses,
            stop_web,
            outbound,
        }))
    }
}

/// The scenario of the start: the file's rules, then the named faults.
fn open_faults(config: &Config) -> Result<Faults, StartError> {
    let mut scenario = Scenario::default();
    if let Some(path) = &config.scenario {
        let fail = |error: &dyn std::fmt::Display| {
            StartError::Setting(format!("the scenario {} is not taken:\n{error}", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|error| fail(&error))?;
        scenario = Scenario::parse(&text).map_err(|error| fail(&error))?;
        let doors: Vec<_> = config.doors.iter().map(|door| &*door.name).collect();
        scenario.fits_doors(&doors).map_err(|error| fail(&error))?;
    }
    for spec in &config.faults {
        let fail = |error: &dyn std::fmt::Display| StartError::Setting(error.to_string());
        let preset = fault::presets::scenario(spec).map_err(|error| fail(&error))?;
        scenario = scenario.and(&preset).map_err(|error| fail(&error))?;
    }
    let faults = Faults::new((&config.inbox_by).into());
    faults.set_magic(config.magic);
    if !scenario.is_empty() {
        let rules: Vec<_> = scenario.rules().collect();
        tracing::info!("faults in force: {}", rules.join(", "));
    }
    faults.set(None, scenario);
    Ok(faults)
}

/// Opens the store, and looks now and then for what has grown old in it.
async fn open_store(settings: Settings) -> Result<Arc<Store>, StartError> {
    let (max_age, retry) = (settings.max_age, settings.patience.retry);
    // A large folder takes a moment, and the runtime may have other things to do.
    let opened = tokio::task::spawn_blocking(move || Store::open(&settings)).await;
    let store = opened.map_err(io::Error::other)??;
    tokio::spawn({
        let store = Arc::downgrade(&store);
        async move {
            loop {
                tokio::time::sleep((retry / 20).clamp(SHORTEST_LOOK, LONGEST_LOOK)).await;
                let Some(store) = store.upgrade() else { return };
                store.look_for_the_overdue();
            }
        }
    });
    if let Some(max_age) = max_age {
        let store = Arc::downgrade(&store);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep((max_age / 20).clamp(SHORTEST_LOOK, LONGEST_LOOK)).await;
                let Some(store) = store.upgrade() else { return };
                let removal = tokio::task::spawn_blocking(move || store.remove_what_is_old()).await;
                if let Ok(Err(error)) = removal {
                    tracing::error!(%error, "what is older than --max-age could not be removed");
                }
            }
        });
    }
    Ok(store)
}

/// Who may use the API. Whoever lets everybody use it from elsewhere is told so.
fn web_settings(config: &Config, addresses: &[SocketAddr]) -> web::Settings {
    let login = config.web_auth.as_ref().map(WebSecret::as_str);
    let access = Access::new(login, config.web_token.iter().map(WebSecret::as_str));
    let ips: Vec<_> = addresses.iter().map(SocketAddr::ip).collect();
    let public = addresses.iter().find(|address| !address.ip().to_canonical().is_loopback());
    if let (Some(address), true) = (public, access.is_open()) {
        tracing::warn!(
            %address,
            "everybody who reaches this address can read and delete what was caught; --web-auth or --web-token asks for a secret"
        );
    }
    let largest = config.open_doors().map(|door| door.limits.message_size).max();
    let unless_set = web::Settings::default();
    web::Settings {
        hosts: HostRule::new(&config.web_host, &ips),
        access,
        origins: config.cors.clone(),
        largest_message: largest.unwrap_or(unless_set.largest_message),
        ..unless_set
    }
}

fn into_tokio(listeners: Vec<std::net::TcpListener>) -> io::Result<Vec<TcpListener>> {
    listeners.into_iter().map(TcpListener::from_std).collect()
}

/// The user's own certificate, the certificate directory, or a CA in memory.
fn open_identity(config: &Config) -> Result<Identity, StartError> {
    let now = OffsetDateTime::now_utc();
    let names = certificate_names(config);
    match (&config.tls_cert, &config.tls_key, &config.certs) {
        (Some(cert), Some(key), _) => Ok(Identity::from_files(cert, key)?),
        (_, _, Some(directory)) => {
            let opened = Identity::open(directory, &names, now)?;
            tracing::info!("{}", opened.change);
            for warning in &opened.warnings {
                tracing::warn!("{warning}");
            }
            Ok(opened.identity)
        }
        _ => Ok(Identity::ephemeral(&names, now)?),
    }
}

/// The names that the certificate has beside its own: those of the doors.
///
/// A star directly under a top-level name is refused by half of the TLS libraries, so that
/// `relay.localhost` has to stand there in full.
#[must_use]
pub fn certificate_names(config: &Config) -> Vec<String> {
    let names = config
        .open_doors()
        .flat_map(|door| [format!("{}.localhost", door.name), door.hostname.clone()])
        .filter(|name| name.contains('.'));
    names.collect::<BTreeSet<_>>().into_iter().collect()
}
