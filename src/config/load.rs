//! Lays the layers on one another: defaults, file, environment, flags.
//!
//! Goes on after a mistake, so that a user sees all of them at once; what comes of it is given
//! out only if there was none. A file that was named must be there; `doorpost.toml` need not.

use super::error::{ConfigError, File, Problem};
use super::flags::{FLAGS, Flag, FlagValue, Target};
use super::kind::{Fault, Given, Kind, Scalar, Switch, Whole};
use super::source::{Origin, Scope, Sources};
use super::values::{Secret, UserName, Verbosity};
use super::{Config, Door, Format, PortSet, User, check, keys, near};
use crate::storage::InboxBy;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::LazyLock;

const FILE_NAME: &str = "doorpost.toml";

/// Reads the configuration of this process: flags, environment, and the file in the current
/// directory or the one that is named.
///
/// # Errors
/// Lists everything that is wrong, with its place and what is allowed.
pub fn load(flags: &[FlagValue]) -> Result<(Config, Sources), ConfigError> {
    load_from(flags, &|name| std::env::var_os(name), Path::new(""))
}

/// As [`load`], with an environment and a current directory of the caller's.
///
/// # Errors
/// As [`load`].
pub fn load_from(
    flags: &[FlagValue],
    environment: &dyn Fn(&str) -> Option<OsString>,
    directory: &Path,
) -> Result<(Config, Sources), ConfigError> {
    let mut layers = Layers::built_in();
    let variables = layers.variables(environment);
    let flags: Vec<Setting> = flags.iter().map(Setting::of_flag).collect();
    let file = layers.open_file(&[&flags, &variables], directory);
    if let Some(file) = &file {
        layers.lay_file(file);
    }
    layers.lay(&variables);
    layers.lay(&flags);
    layers.finish(file)
}

/// Reads the text of a file, without flags and environment.
pub(super) fn parse(text: &str, path: &str) -> Result<(Config, Sources), ConfigError> {
    let file = File { path: path.into(), text: text.into() };
    let mut layers = Layers::built_in();
    layers.lay_file(&file);
    layers.finish(Some(file))
}

/// What `defaults.toml` says.
pub(super) fn built_in() -> &'static Config {
    static BUILT_IN: LazyLock<Config> = LazyLock::new(|| {
        let mut layers =
            Layers { config: blank(), sources: Sources::default(), problems: Vec::new() };
        let text = include_str!("defaults.toml");
        layers.lay_file(&File { path: "defaults.toml".into(), text: text.into() });
        // A mistake in a text that is part of the program fails the tests of this module.
        debug_assert!(layers.problems.is_empty(), "{:?}", layers.problems);
        layers.config
    });
    &BUILT_IN
}

/// A configuration that `defaults.toml` has not been laid on.
fn blank() -> Config {
    Config {
        hostname: String::new(),
        host: Vec::new(),
        ports: PortSet::Mapped,
        doors: Vec::new(),
        web: None,
        web_host: Vec::new(),
        web_auth: None,
        web_token: Vec::new(),
        cors: Vec::new(),
        certs: None,
        tls_cert: None,
        tls_key: None,
        users: Vec::new(),
        data: None,
        inbox_by: InboxBy::User,
        scenario: None,
        faults: Vec::new(),
        magic: false,
        routes: Vec::new(),
        allow_hosts: Vec::new(),
        retry: Vec::new(),
        time_scale: 1,
        max_connections_per_target: 0,
        feedback_loops: Vec::new(),
        delivery_reports: false,
        webhooks: Vec::new(),
        max_messages: 0,
        max_bytes: 0,
        max_age: None,
        max_sessions: 0,
        max_session_bytes: 0,
        retry_within: std::time::Duration::ZERO,
        duplicate_within: std::time::Duration::ZERO,
        memory: 0,
        max_connections: 0,
        max_connections_per_address: 0,
        show_secrets: false,
        log_format: Format::Text,
        verbosity: 0,
        ready: Format::Text,
    }
}

/// A flag or a variable with its texts.
pub(super) struct Setting {
    pub(super) flag: &'static Flag,
    pub(super) origin: Origin,
    pub(super) texts: Vec<String>,
}

impl Setting {
    fn of_flag(given: &FlagValue) -> Self {
        let origin = Origin::Flag(format!("--{}", given.flag.name).into());
        Self { flag: given.flag, origin, texts: given.texts.clone() }
    }

    pub(super) fn problem(&self, fault: Fault) -> Problem {
        Problem::value(&format!("`{}`", self.origin), fault, self.origin.clone())
    }
}

/// The layers laid so far.
pub(super) struct Layers {
    pub(super) config: Config,
    pub(super) sources: Sources,
    pub(super) problems: Vec<Problem>,
}

impl Layers {
    fn built_in() -> Self {
        Self { config: built_in().clone(), sources: Sources::default(), problems: Vec::new() }
    }

    /// The variables that are set. An empty one counts as not set.
    fn variables(&mut self, environment: &dyn Fn(&str) -> Option<OsString>) -> Vec<Setting> {
        let mut settings = Vec::new();
        for flag in FLAGS {
            let name = flag.variable();
            let Some(value) = environment(&name).filter(|value| !value.is_empty()) else {
                continue;
            };
            // Kubernetes and Docker's links set it for a service of this name: DOORPOST_PORT=tcp://10.0.0.1:25.
            let is_linked =
                |value: &str| ["tcp://", "udp://", "sctp://"].iter().any(|p| value.starts_with(p));
            if name.ends_with("_PORT") && value.to_str().is_some_and(is_linked) {
                continue;
            }
            let Ok(text) = value.into_string() else {
                self.problems.push(Problem::new(format!("the value of `{name}` is not UTF-8")));
                continue;
            };
            let texts = match flag.target {
                // A secret may hold commas.
                Target::User | Target::Route | Target::Webhook => {
                    text.lines().map(str::to_owned).collect()
                }
                _ => vec![text],
            };
            settings.push(Setting { flag, origin: Origin::Env(name.into()), texts });
        }
        settings
    }

    /// The file that was named, or the one that lies there.
    fn open_file(&mut self, settings: &[&Vec<Setting>], directory: &Path) -> Option<File> {
        let mut named = settings.iter().flat_map(|layer| layer.iter());
        let named = named.find(|setting| setting.flag.target == Target::File);
        let path = named.and_then(|setting| setting.texts.last()).map_or(FILE_NAME, |path| path);
        match std::fs::read_to_string(directory.join(path)) {
            Ok(text) => Some(File { path: path.into(), text: text.into() }),
            Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                let by = named.map(|setting| format!(", named by `{}`,", setting.origin));
                let by = by.unwrap_or_default();
                let title = format!("the configuration file {path:?}{by} cannot be read: {error}");
                self.problems.push(Problem::new(title));
                None
            }
        }
    }

    fn lay(&mut self, settings: &[Setting]) {
        for setting in settings {
            let given = Given::Texts(&setting.texts);
            match setting.flag.target {
                Target::File => {}
                Target::Key(key) => {
                    self.set_top(key, given, &setting.origin, |fault| setting.problem(fault));
                }
                Target::Door(door, key) => self.set_door(door, key, setting),
                Target::Port => {
                    let ports = setting.texts.iter().flat_map(|text| text.split(','));
                    ports.for_each(|port| self.set_port(port.trim(), setting));
                }
                Target::User => self.set_users(setting),
                Target::Route => self.set_routes(setting),
                Target::Webhook => self.set_webhooks(setting),
                Target::NoWeb => match Switch::read(given) {
                    Ok(false) => {}
                    Ok(true) => {
                        self.config.web = None;
                        self.sources.set(Scope::Top, "web", setting.origin.clone());
                    }
                    Err(fault) => self.problems.push(setting.problem(fault)),
                },
                Target::Verbosity(_) => {}
            }
        }
        self.set_verbosity(settings);
    }

    /// `-v` and `-q` of one layer add up; they stand in for those of a lower layer.
    fn set_verbosity(&mut self, settings: &[Setting]) {
        let mut level: Option<i8> = None;
        for setting in settings {
            let Target::Verbosity(sign) = setting.flag.target else { continue };
            match Whole::<u16, 0>::read(Given::Texts(&setting.texts)) {
                Ok(times) => {
                    let times = i8::try_from(times).unwrap_or(i8::MAX);
                    let sum = level.unwrap_or(0).saturating_add(sign.saturating_mul(times));
                    level = Some(sum.clamp(Verbosity::LOWEST, Verbosity::HIGHEST));
                    self.sources.set(Scope::Top, "verbosity", setting.origin.clone());
                }
                Err(fault) => self.problems.push(setting.problem(fault)),
            }
        }
        self.config.verbosity = level.unwrap_or(self.config.verbosity);
    }

    /// Sets a key that may stand at the top of the file; false where there is none of that name.
    pub(super) fn set_top(
        &mut self,
        name: &str,
        given: Given<'_>,
        origin: &Origin,
        problem: impl FnOnce(Fault) -> Problem,
    ) -> bool {
        let (top, shared) = (keys::find(keys::TOP, name), keys::find_shared(name));
        let mut outcome = Ok(());
        if let Some(key) = top {
            outcome = (key.set)(&mut self.config, given);
            self.sources.set(Scope::Top, key.name, origin.clone());
        }
        if let (Some(key), Ok(())) = (shared, &outcome) {
            outcome = self.config.doors.iter_mut().try_for_each(|door| (key.set)(door, given));
            for door in &self.config.doors {
                self.sources.set(Scope::Door(&door.name), key.name, origin.clone());
            }
        }
        self.problems.extend(outcome.err().map(problem));
        top.is_some() || shared.is_some()
    }

    fn set_door(&mut self, door: &str, key: &str, setting: &Setting) {
        let (Some(key), Some(row)) = (keys::find(keys::DOOR, key), self.config.door_mut(door))
        else {
            return;
        };
        match (key.set)(row, Given::Texts(&setting.texts)) {
            Ok(()) => self.sources.set(Scope::Door(door), key.name, setting.origin.clone()),
            Err(fault) => self.problems.push(setting.problem(fault)),
        }
    }

    /// `relay=4025`.
    fn set_port(&mut self, text: &str, setting: &Setting) {
        let (name, number) = text.split_once('=').unwrap_or((text, ""));
        let names: Vec<&str> = self.config.doors.iter().map(|door| door.name.as_str()).collect();
        let port = <Whole<u16, 0> as Scalar>::parse(number);
        if let (Some(port), true) = (port, names.contains(&name)) {
            self.config
                .doors
                .iter_mut()
                .filter(|door| door.name == name)
                .for_each(|d| d.port = port);
            self.sources.set(Scope::Door(name), "port", setting.origin.clone());
            return;
        }
        let label = format!(
            "expected a door and a port from 0 to 65535, such as relay=4025; the doors are {}",
            names.join(", ")
        );
        let near =
            port.and_then(|port| near::word(name, names).map(|door| format!("{door}={port}")));
        let fault = Fault { written: Some(format!("{text:?}")), span: None, label, near };
        self.problems.push(setting.problem(fault));
    }

    /// `alice:secret`, each of which is a user. They stand in for the users of the file.
    fn set_users(&mut self, setting: &Setting) {
        let mut users: Vec<User> = Vec::new();
        for text in &setting.texts {
            let parts = text.split_once(':');
            let user = parts.and_then(|(name, secret)| {
                let (name, secret) = (UserName::parse(name)?, Secret::parse(secret)?);
                Some(User { name, secret, senders: Vec::new() })
            });
            let label = match user {
                Some(user) if users.iter().all(|known| known.name != user.name) => {
                    for key in keys::names(keys::USER) {
                        self.sources.set(Scope::User(&user.name), key, setting.origin.clone());
                    }
                    users.push(user);
                    continue;
                }
                Some(user) => format!("the user {:?} stands twice", user.name),
                None => "expected a name, a colon and a secret, such as alice:secret".into(),
            };
            // The text is not shown: what is wrong with it may be that it is only the secret.
            self.problems.push(setting.problem(Fault {
                written: None,
                span: None,
                label,
                near: None,
            }));
        }
        self.config.users = users;
    }

    fn finish(mut self, file: Option<File>) -> Result<(Config, Sources), ConfigError> {
        // What cannot work together is only known once every value is right.
        if self.problems.is_empty() {
            self.config.resolve(&mut self.sources);
            self.problems = check::problems(&self.config, &self.sources);
        }
        ConfigError::unless_empty(self.problems, file)?;
        Ok((self.config, self.sources))
    }
}

impl Config {
    /// Works out the values that follow from others.
    pub(super) fn resolve(&mut self, sources: &mut Sources) {
        self.resolve_ports(sources);
        if !sources.of("max_connections_per_address").is_set() {
            self.max_connections_per_address = self.max_connections;
        }
    }

    /// A port that was set in the same layer as `ports`, or above it, stays.
    fn resolve_ports(&mut self, sources: &mut Sources) {
        let by = sources.of("ports").clone();
        let stays = |port: &Origin| port.is_set() && port.layer() >= by.layer();
        for door in &mut self.doors {
            let port = match self.ports {
                PortSet::Mapped => continue,
                PortSet::Standard => door.stands_for,
                PortSet::Ephemeral => Some(0),
            };
            if let (Some(port), false) = (port, stays(sources.of_door(&door.name, "port"))) {
                door.port = port;
                sources.set(Scope::Door(&door.name), "port", by.clone());
            }
        }
        if let (PortSet::Ephemeral, Some(web)) = (self.ports, &mut self.web)
            && !stays(sources.of("web"))
        {
            web.port = 0;
            sources.set(Scope::Top, "web", by);
        }
    }

    /// The door that a new row starts from when it names none.
    pub(super) fn model(&self) -> Door {
        const MODEL: &str = "submission";
        self.door(MODEL).cloned().unwrap_or_else(|| Door::new("", self.hostname.as_str()))
    }
}
