//! One door: a listener and the policy behind it, as a row of the configuration.
//!
//! Refuses nothing itself: values come in through the table of keys, and [`super::check`] judges
//! how they go together.

use super::keys::{self, DOOR};
use super::kind::Given;
use super::{Config, near};
use crate::finding::Strict;
use crate::smtp::auth::{Directory, Mechanism};
use crate::smtp::judge::Judge;
use crate::smtp::policy::{
    AuthMode, BareLf, Deadlines, Extensions, Limits, Policy, RecipientRules, TlsMode,
};
use std::fmt;
use std::sync::Arc;
use toml::de::DeValue;

/// A listener and the policy behind it.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its name: `relay`, `submission`, …
    pub name: String,
    /// Whether it is opened.
    pub enabled: bool,
    /// The port to bind; 0 lets the system choose.
    pub port: u16,
    /// The well-known port whose manners it has.
    pub stands_for: Option<u16>,
    /// The name in its greeting.
    pub hostname: String,
    /// When TLS begins.
    pub tls: TlsMode,
    /// Whether AUTH is offered and demanded.
    pub auth: AuthMode,
    /// Whether AUTH may be used before TLS.
    pub auth_before_tls: bool,
    /// The mechanisms that may be offered where `auth` is on.
    pub mechanisms: Vec<Mechanism>,
    /// Which mail is taken.
    pub recipients: RecipientRules,
    /// Whether domains in paths need a dot.
    pub qualified_only: bool,
    /// What to do with a CR or LF that stands alone.
    pub bare_lf: BareLf,
    /// The extensions that are offered.
    pub extensions: Extensions,
    /// Sizes and counts that are enforced.
    pub limits: Limits,
    /// Times after which a session ends.
    pub deadlines: Deadlines,
    /// The findings that are refused: names of codes, or `all`.
    pub strict: Vec<String>,
}

impl Door {
    /// A door with the protocol's own defaults and neither TLS nor AUTH.
    #[must_use]
    pub fn new(name: impl Into<String>, hostname: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            enabled: true,
            port: 0,
            stands_for: None,
            hostname: hostname.into(),
            tls: TlsMode::None,
            auth: AuthMode::None,
            auth_before_tls: false,
            mechanisms: Mechanism::ALL.to_vec(),
            recipients: RecipientRules::default(),
            qualified_only: false,
            bare_lf: BareLf::Reject,
            extensions: Extensions::default(),
            limits: Limits::default(),
            deadlines: Deadlines::default(),
            strict: Vec::new(),
        }
    }

    /// A new door that behaves as this one does. What makes this one itself is not copied: its
    /// name, its ports, and whether it is opened.
    #[must_use]
    pub fn copy_as(&self, name: impl Into<String>) -> Self {
        Self { name: name.into(), enabled: true, port: 0, stands_for: None, ..self.clone() }
    }

    /// Sets one key of the row to a value in TOML, as in a `[[doors]]` table.
    ///
    /// # Errors
    /// Says in one line what is wrong, and what is allowed.
    pub fn set(&mut self, key: &str, toml_value: &str) -> Result<(), String> {
        let Some(found) = keys::find(DOOR, key) else {
            let near = near::word(key, keys::names(DOOR));
            let hint = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("a door has no key `{key}`{hint}"));
        };
        let value = DeValue::parse(toml_value)
            .map_err(|error| format!("`{key}`: {}, in {toml_value}", error.message()))?;
        (found.set)(self, Given::Toml(&value)).map_err(|fault| format!("`{key}`: {fault}"))
    }

    /// The policy by which sessions at this door are held.
    #[must_use]
    pub fn policy(&self, config: &Config, directory: Arc<Directory>) -> Policy {
        let mechanisms = match self.auth {
            AuthMode::None => Vec::new(),
            AuthMode::Optional | AuthMode::Required => self.mechanisms.clone(),
        };
        Policy {
            door: self.name.as_str().into(),
            hostname: self.hostname.as_str().into(),
            tls: self.tls,
            auth: self.auth,
            auth_before_tls: self.auth_before_tls,
            mechanisms,
            directory,
            recipients: self.recipients.clone(),
            qualified_only: self.qualified_only,
            bare_lf: self.bare_lf,
            extensions: self.extensions,
            limits: self.limits,
            deadlines: self.deadlines,
            show_secrets: config.show_secrets,
            judge: self.judge(),
        }
    }

    /// Whoever is strict at this door.
    fn judge(&self) -> Option<Arc<dyn Judge>> {
        let strict = Strict::about(self.strict.iter().map(String::as_str));
        (!strict.is_empty()).then(|| Arc::new(strict) as _)
    }
}

/// Somebody who may log in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct User {
    /// The name to log in with.
    pub name: String,
    /// The password or token.
    pub secret: String,
    /// `alice@example.org`, `*@example.org` or `*`: what may stand in the reverse-path; none
    /// listed stands for any.
    pub senders: Vec<String>,
}

/// Without the secret, which must not reach a log.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .field("senders", &self.senders)
            .finish_non_exhaustive()
    }
}
