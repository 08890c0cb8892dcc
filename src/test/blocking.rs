//! The same for tests that block: it brings the runtime that the server needs.
//!
//! ```
//! # use lettre::{Message, SmtpTransport, Transport};
//! # fn sign_up(smtp_url: &str, to: &str) -> Result<(), Box<dyn std::error::Error>> {
//! #     let mail = Message::builder().from("shop@example.org".parse()?).to(to.parse()?)
//! #         .subject("Welcome").body("Your code is 493817.".to_owned())?;
//! #     SmtpTransport::from_url(smtp_url)?.build().send(&mail)?;
//! #     Ok(())
//! # }
//! // In a test file: #[test]
//! fn each_shop_has_mail_of_its_own() -> Result<(), Box<dyn std::error::Error>> {
//!     let (red, blue) = (doorpost::test::blocking::start(), doorpost::test::blocking::start());
//!     sign_up(&red.url("relay"), "bob@example.net")?;
//!
//!     assert_eq!(red.expect("rcpt:bob@example.net").code(), Some("493817".to_owned()));
//!     blue.expect_none("rcpt:bob@example.net");
//!
//!     // An address that is refused by its name, as by a provider's simulator.
//!     assert!(sign_up(&blue.url("relay"), "bounce@example.test").is_err());
//!     let session = blue.expect_session("code:550");
//!     assert_eq!(session.door, "relay");
//!     Ok(())
//! }
//! # fn main() { each_shop_has_mail_of_its_own().unwrap() }
//! ```

use super::Received;
use crate::app::{Builder, Doorpost};
use crate::storage::SessionRecord;
use std::ops::Deref;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A doorpost for one test that blocks. It ends when it is dropped.
#[derive(Debug)]
pub struct Fixture {
    // Dropped before the runtime that it runs on.
    fixture: super::Fixture,
    runtime: Runtime,
}

/// Starts a doorpost with its four doors, on ports that the system chooses.
///
/// # Panics
/// Where it cannot start; within a runtime, where [`super::start`] is the right one.
#[must_use]
#[track_caller]
pub fn start() -> Fixture {
    with(Doorpost::builder())
}

/// The same with settings of your own.
///
/// # Panics
/// Where it cannot start, saying why.
#[must_use]
#[track_caller]
pub fn with(settings: Builder) -> Fixture {
    let at = std::panic::Location::caller();
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => super::asking::fail(at, &error.to_string()),
    };
    let fixture = runtime.block_on(super::with(settings));
    Fixture { fixture, runtime }
}

/// Everything that does not wait.
impl Deref for Fixture {
    type Target = super::Fixture;

    fn deref(&self) -> &super::Fixture {
        &self.fixture
    }
}

impl Fixture {
    /// Waits longer, or shorter, than five seconds for what is expected.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { fixture: self.fixture.patience(patience), ..self }
    }

    /// See [`super::Fixture::expect`].
    ///
    /// # Panics
    /// Where no such message came in time.
    #[track_caller]
    pub fn expect(&self, query: &str) -> Received {
        self.runtime.block_on(self.fixture.expect(query))
    }

    /// See [`super::Fixture::expect_count`].
    ///
    /// # Panics
    /// Where there are fewer, or more.
    #[track_caller]
    pub fn expect_count(&self, query: &str, count: usize) -> Vec<Received> {
        self.runtime.block_on(self.fixture.expect_count(query, count))
    }

    /// See [`super::Fixture::expect_none`].
    ///
    /// # Panics
    /// Where there is one.
    #[track_caller]
    pub fn expect_none(&self, query: &str) {
        self.runtime.block_on(self.fixture.expect_none(query));
    }

    /// See [`super::Fixture::expect_session`].
    ///
    /// # Panics
    /// Where there was none in time.
    #[track_caller]
    pub fn expect_session(&self, query: &str) -> SessionRecord {
        self.runtime.block_on(self.fixture.expect_session(query))
    }

    /// See [`super::Fixture::fault`]. A door is closed, or open again, when this is over.
    ///
    /// # Panics
    /// Where there is none of that name.
    #[track_caller]
    pub fn fault(&self, spec: &str) {
        self.fixture.fault(spec);
        self.runtime.block_on(self.faults().settled());
    }

    /// See [`super::Fixture::fault_rules`]. A door is closed, or open again, when this is over.
    ///
    /// # Panics
    /// Where there is a mistake in them, naming it.
    #[track_caller]
    pub fn fault_rules(&self, toml: &str) {
        self.fixture.fault_rules(toml);
        self.runtime.block_on(self.faults().settled());
    }

    /// See [`super::Fixture::behave`]. A door is open again when this is over.
    pub fn behave(&self) {
        self.fixture.behave();
        self.runtime.block_on(self.faults().settled());
    }
}
