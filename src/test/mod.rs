//! A mail server for a test: started in a line, asked in the words of a test, and its failures say what did arrive.
//!
//! ```
//! # use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
//! # async fn sign_up(smtp_url: &str) -> Result<(), Box<dyn std::error::Error>> {
//! #     let mail = Message::builder().from("shop@example.org".parse()?).to("bob@example.net".parse()?)
//! #         .subject("Welcome").body("Your code is 493817.\nhttps://shop.example/confirm?t=1".to_owned())?;
//! #     let url = smtp_url.to_owned();
//! #     AsyncSmtpTransport::<Tokio1Executor>::from_url(&url)?.build().send(mail).await?;
//! #     Ok(())
//! # }
//! // In a test file: #[tokio::test]
//! # #[tokio::main]
//! async fn the_welcome_mail_has_a_code() -> Result<(), Box<dyn std::error::Error>> {
//!     let mail = doorpost::test::start().await;
//!     sign_up(&mail.url("relay")).await?;
//!
//!     let welcome = mail.expect("rcpt:bob@example.net subject:welcome").await;
//!     assert_eq!(welcome.code(), Some("493817".to_owned()));
//!     assert_eq!(welcome.links(), ["https://shop.example/confirm?t=1"]);
//!     mail.expect_none("rcpt:carol@example.net").await;
//!     Ok(())
//! }
//! # fn main() { the_welcome_mail_has_a_code().unwrap() }
//! ```
//!
//! Faults are asked for by the names that `doorpost faults` lists:
//!
//! ```
//! # #[tokio::main]
//! # async fn main() {
//! let mail = doorpost::test::start().await;
//! mail.fault("busy=1@relay"); // the first try of each recipient is refused with 450 4.2.1
//! // … send, and see your program try again …
//! mail.behave();
//! # }
//! ```
//!
//! Tests that block have [`blocking`]. Nothing is global: as many as you like run side by side, each on ports of its
//! own. Everything here panics where an ordinary API would return an error: it is for tests.

mod asking;
pub mod blocking;
mod received;

pub use received::Received;

use crate::app::{Builder, Doorpost};
use crate::fault::{Scenario, presets};
use crate::finding::{Finding, Severity};
use crate::smtp::policy::{AuthMode, TlsMode};
use crate::storage::SessionRecord;
use std::ops::Deref;
use std::panic::Location;
use std::time::Duration;

/// How long messages are waited for, unless [`Fixture::patience`] says otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// The user and the secret of [`Fixture::url`]; any are taken where none are listed.
const LOGIN: (&str, &str) = ("test", "test");

/// A doorpost for one test. It ends when it is dropped.
#[derive(Debug)]
pub struct Fixture {
    doorpost: Doorpost,
    patience: Duration,
    login: (String, String),
}

/// Starts a doorpost with its four doors, on ports that the system chooses.
///
/// # Panics
/// Where it cannot start.
#[track_caller]
pub fn start() -> impl Future<Output = Fixture> {
    with(Doorpost::builder())
}

/// The same with settings of your own.
///
/// ```
/// # #[tokio::main]
/// # async fn main() {
/// use doorpost::Doorpost;
///
/// let settings = Doorpost::builder().set("relay", "local_domains", r#"["example.org"]"#);
/// let mail = doorpost::test::with(settings).await;
/// # }
/// ```
///
/// # Panics
/// Where it cannot start, saying why.
#[track_caller]
pub fn with(settings: Builder) -> impl Future<Output = Fixture> {
    let at = Location::caller();
    async move {
        let login = settings.first_user().unwrap_or((LOGIN.0.to_owned(), LOGIN.1.to_owned()));
        match settings.start().await {
            Ok(doorpost) => Fixture { doorpost, patience: PATIENCE, login },
            Err(error) => asking::fail(at, &error.to_string()),
        }
    }
}

/// Everything that a [`Doorpost`] can do.
impl Deref for Fixture {
    type Target = Doorpost;

    fn deref(&self) -> &Doorpost {
        &self.doorpost
    }
}

impl Fixture {
    /// Waits longer, or shorter, than five seconds for what is expected.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The URL of a door, with a login where it wants one: `smtp://test:test@localhost:41433`, `smtps://…` where TLS comes
    /// first. A client that verifies certificates has to trust [`Doorpost::ca_pem`].
    ///
    /// # Panics
    /// Where there is no such door.
    #[must_use]
    #[track_caller]
    pub fn url(&self, door: &str) -> String {
        let found = self.doorpost.door(door);
        let Some(found) = found else {
            asking::fail(Location::caller(), &format!("there is no door {door}"))
        };
        let port = found.addresses.first().map_or(0, std::net::SocketAddr::port);
        let scheme = if found.policy.tls == TlsMode::Implicit { "smtps" } else { "smtp" };
        let login = match found.policy.auth {
            AuthMode::None => String::new(),
            _ => format!("{}:{}@", self.login.0, self.login.1),
        };
        format!("{scheme}://{login}localhost:{port}")
    }

    /// Waits until a message matches a query ([`crate::search`]), and gives the newest that does.
    ///
    /// # Panics
    /// Where none came in time, listing those that did; where the query cannot be read.
    #[track_caller]
    pub fn expect(&self, query: &str) -> impl Future<Output = Received> {
        let (at, query) = (Location::caller(), query.to_owned());
        async move {
            match self.found(&query, at, |found| !found.is_empty()).await.pop() {
                Some(message) => Received::new(message),
                None => self.missing(at, &query, "no message like that", self.patience),
            }
        }
    }

    /// Waits until exactly so many messages match, and gives them, oldest first.
    ///
    /// # Panics
    /// Where in the end there are fewer, or at any time more.
    #[track_caller]
    pub fn expect_count(&self, query: &str, count: usize) -> impl Future<Output = Vec<Received>> {
        let (at, query) = (Location::caller(), query.to_owned());
        async move {
            let found = self.found(&query, at, |found| found.len() >= count).await;
            if found.len() != count {
                let what = format!("{} messages like that, expected {count}", found.len());
                self.missing(at, &query, &what, self.patience);
            }
            found.into_iter().map(Received::new).collect()
        }
    }

    /// Makes sure that no message matches now. (What has not come by now may come later: wait for what marks the end
    /// of your program's work first.)
    ///
    /// # Panics
    /// Where one does.
    #[track_caller]
    pub fn expect_none(&self, query: &str) -> impl Future<Output = ()> {
        let (at, query) = (Location::caller(), query.to_owned());
        async move {
            let found = self.found(&query, at, |_| true).await;
            if !found.is_empty() {
                self.missing(at, &query, "a message like that came", Duration::ZERO);
            }
        }
    }

    /// Waits for a session that matches a query of sessions, such as `code:550` or `is:refused door:relay`; those that run
    /// count.
    ///
    /// # Panics
    /// Where none does in time, showing the conversations that there were.
    #[track_caller]
    pub fn expect_session(&self, query: &str) -> impl Future<Output = SessionRecord> {
        let (at, query) = (Location::caller(), query.to_owned());
        async move { self.session(at, &query).await }
    }

    /// What clients have done wrong so far, in all sessions, oldest first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.doorpost.sessions().iter().flat_map(|entry| entry.findings()).collect()
    }

    /// Makes sure that no client has made a mistake: no warning and no error, in no session. What is only worth
    /// knowing (`no-sni`, `closed-without-quit`) is passed over. (What shows only at a session's end is found then.)
    ///
    /// # Panics
    /// Where there is one, saying each, and what to change.
    #[track_caller]
    pub fn expect_no_findings(&self) {
        let grave = |one: &Finding| one.code().is_some_and(|code| code.severity() > Severity::Info);
        let said: Vec<_> = self
            .findings()
            .into_iter()
            .filter(grave)
            .map(|Finding { severity, code, what, change, .. }| {
                format!("\n  {severity} {code}: {what} {change}")
            })
            .collect();
        if !said.is_empty() {
            asking::fail(Location::caller(), &format!("expected no findings:{}", said.concat()));
        }
    }

    /// Puts a fault in force beside those that are: `greylist`, `busy=2`, `port-blocked@relay`. `doorpost faults` lists
    /// them. What rules have counted so far is forgotten. A door closes, or opens again, a moment later:
    /// `mail.faults().settled().await` waits for it.
    ///
    /// # Panics
    /// Where there is none of that name.
    #[track_caller]
    pub fn fault(&self, spec: &str) {
        match presets::scenario(spec) {
            Ok(scenario) => self.scenario(&scenario),
            Err(error) => asking::fail(Location::caller(), &error.to_string()),
        }
    }

    /// Puts rules of your own in force beside those that are, as TOML.
    ///
    /// # Panics
    /// Where there is a mistake in them, naming it.
    #[track_caller]
    pub fn fault_rules(&self, toml: &str) {
        match Scenario::parse(toml) {
            Ok(scenario) => self.scenario(&scenario),
            Err(error) => asking::fail(Location::caller(), &error.to_string()),
        }
    }

    #[track_caller]
    fn scenario(&self, scenario: &Scenario) {
        let faults = self.doorpost.faults();
        let doors: Vec<_> = self.doorpost.doors().iter().map(|door| door.name()).collect();
        let fits = scenario.fits_doors(&doors);
        match fits.and_then(|()| faults.scenario(None).and(scenario)) {
            Ok(scenario) => faults.set(None, scenario),
            Err(error) => asking::fail(Location::caller(), &error.to_string()),
        }
    }

    /// Takes all faults back.
    pub fn behave(&self) {
        self.doorpost.faults().set(None, Scenario::default());
    }
}
