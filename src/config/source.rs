//! Where each value came from.
//!
//! A value that nobody set came from the defaults; there is no such thing as an unknown origin.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Where a value came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    #[default]
    Default,
    /// From the row of the door that this one is like.
    Like(Arc<str>),
    /// From a file.
    File {
        /// As it was named.
        path: Arc<str>,
        /// Counted from 1.
        line: usize,
        /// The value's place in the text, in octets.
        span: Range<usize>,
    },
    /// From an environment variable.
    Env(Arc<str>),
    /// From a flag, dashes included.
    Flag(Arc<str>),
}

impl Origin {
    /// The layer: the higher one wins.
    pub(super) fn layer(&self) -> u8 {
        match self {
            Self::Default | Self::Like(_) => 0,
            Self::File { .. } => 1,
            Self::Env(_) => 2,
            Self::Flag(_) => 3,
        }
    }

    /// Whether the user set the value.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.layer() > 0
    }
}

/// As the comments of `doorpost config` have it.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Like(door) => write!(f, "like {door}"),
            Self::File { path, line, .. } => write!(f, "{path}:{line}"),
            Self::Env(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope<'a> {
    Top,
    Door(&'a str),
    User(&'a str),
    /// By its place in the list, from 1.
    Route(&'a str),
    /// By its place in the list, from 1.
    Webhook(&'a str),
}

impl<'a> Scope<'a> {
    /// The name of the door or user.
    pub(super) fn name(self) -> &'a str {
        match self {
            Self::Top => "",
            Self::Door(name) | Self::User(name) | Self::Route(name) | Self::Webhook(name) => name,
        }
    }
}

/// Where every value of a [`super::Config`] came from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// By the key's path, such as `doors.relay.tls`.
    origins: BTreeMap<String, Origin>,
}

impl Sources {
    /// Where a key at the top of the file got its value.
    #[must_use]
    pub fn of(&self, key: &str) -> &Origin {
        self.get(Scope::Top, key)
    }

    /// Where a key of a door got its value.
    #[must_use]
    pub fn of_door(&self, door: &str, key: &str) -> &Origin {
        self.get(Scope::Door(door), key)
    }

    pub(super) fn get(&self, scope: Scope<'_>, key: &str) -> &Origin {
        self.origins.get(&path(scope, key)).unwrap_or(&Origin::Default)
    }

    pub(super) fn set(&mut self, scope: Scope<'_>, key: &str, origin: Origin) {
        self.origins.insert(path(scope, key), origin);
    }
}

fn path(scope: Scope<'_>, key: &str) -> String {
    match scope {
        Scope::Top => key.to_owned(),
        Scope::Door(name) => format!("doors.{name}.{key}"),
        Scope::User(name) => format!("users.{name}.{key}"),
        Scope::Route(number) => format!("routes.{number}.{key}"),
        Scope::Webhook(number) => format!("webhooks.{number}.{key}"),
    }
}
