//! The only place that wires the rooms together: a [`Doorpost`] is all of them, running.

mod bind;
mod builder;
mod carry;
mod reader;

pub use bind::BindError;
pub use builder::{Builder, StartError, certificate_names};
pub use reader::Reader;
pub(crate) use reader::random_token;

use crate::fault::Faults;
use crate::search;
use crate::server::Server;
use crate::smtp::TlsFacts;
use crate::storage::{Door, Find, Message, Selection, SessionEntry, Store, StoreError};
use crate::tls::Identity;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running doorpost. It stops when it is dropped; [`Doorpost::stop`] also waits.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use doorpost::Doorpost;
///
/// let doorpost = Doorpost::builder().user("alice", "secret").start().await?;
/// let submission = doorpost.door("submission").ok_or("no such door")?;
/// println!("send to {}, trusting {}", submission.addresses[0], doorpost.ca_pem().unwrap_or("-"));
/// assert!(doorpost.messages().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Doorpost {
    parts: Parts,
}

#[derive(Debug)]
struct Parts {
    store: Arc<Store>,
    server: Server,
    faults: Arc<Faults>,
    identity: Identity,
    web_addresses: Vec<SocketAddr>,
    stop_web: CancellationToken,
    outbound: Carrying,
}

/// The courier and the webhooks, while they run.
#[derive(Debug)]
struct Carrying {
    stop: CancellationToken,
    courier: Mutex<Option<JoinHandle<()>>>,
}

impl From<Parts> for Doorpost {
    fn from(parts: Parts) -> Self {
        Self { parts }
    }
}

/// What is wrong with a query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// It cannot be read.
    #[error(transparent)]
    Query(#[from] search::QueryError),
    /// It cannot be carried out.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// No message came that was waited for; its text says what did come.
pub struct NotFound {
    waited: Duration,
    arrived: Vec<String>,
}

impl std::error::Error for NotFound {}

/// As `Display`: a test that ends with `?` or `unwrap` shows this.
impl fmt::Debug for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no such message within {:?}; ", self.waited)?;
        match self.arrived.as_slice() {
            [] => f.write_str("none arrived at all"),
            arrived => write!(f, "these arrived:\n  {}", arrived.join("\n  ")),
        }
    }
}

impl Doorpost {
    /// Begins with the four doors on ports that the system chooses.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// An open door by its name: `relay`, `submission`, `submissions`, `alternate`, or one of
    /// your own.
    #[must_use]
    pub fn door(&self, name: &str) -> Option<&Door> {
        self.doors().iter().find(|door| door.name() == name).map(|door| &**door)
    }

    /// How it is made to misbehave: [`Faults::set`] puts a scenario in force while it runs.
    #[must_use]
    pub fn faults(&self) -> &Arc<Faults> {
        &self.parts.faults
    }

    /// All open doors.
    #[must_use]
    pub fn doors(&self) -> &[Arc<Door>] {
        self.parts.store.doors()
    }

    /// All messages that are kept, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        let mut messages: Vec<_> = self.parts.store.newest().collect();
        messages.reverse();
        messages
    }

    /// The messages that a query finds ([`crate::search`]), oldest first: `to:bob@example.org
    /// subject:welcome`.
    ///
    /// # Errors
    /// Points at what is wrong with the query.
    pub fn search(&self, query: &str) -> Result<Vec<Message>, SearchError> {
        let query = search::parse(query, OffsetDateTime::now_utc())?;
        let find = Find { query, inbox: None, before: None, after: None, limit: usize::MAX };
        let found = self.parts.store.find(&find)?.entries;
        let mut messages = Vec::new();
        for entry in found.into_iter().rev() {
            messages.extend(self.parts.store.message(entry.id)?);
        }
        Ok(messages)
    }

    /// Forgets all messages.
    pub fn clear(&self) {
        if let Err(error) = self.parts.store.remove(&Selection::All) {
            tracing::error!(%error, "the messages could not be removed");
        }
    }

    /// What was caught, with everything that can be asked of it and done to it.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.parts.store
    }

    /// All sessions that are known, oldest first, also those that failed and those that run.
    #[must_use]
    pub fn sessions(&self) -> Vec<Arc<SessionEntry>> {
        let mut sessions = self.parts.store.sessions().newest();
        sessions.reverse();
        sessions
    }

    /// Waits for a message, which may be there already.
    ///
    /// # Errors
    /// After `timeout`; the error's text lists the messages that did arrive.
    pub async fn wait_for(
        &self,
        wanted: impl Fn(&Message) -> bool,
        timeout: Duration,
    ) -> Result<Message, NotFound> {
        let look = |store: &Store| store.newest().find(|message| wanted(message));
        let found = tokio::time::timeout(timeout, self.parts.store.wait_until(look)).await;
        found.map_err(|_| NotFound {
            waited: timeout,
            arrived: self.messages().iter().map(describe).collect(),
        })
    }

    /// Waits for a session to look as wanted; sessions are looked at when messages come and when
    /// sessions end.
    ///
    /// # Errors
    /// After `timeout`.
    pub async fn wait_for_session(
        &self,
        wanted: impl Fn(&SessionEntry) -> bool,
        timeout: Duration,
    ) -> Result<Arc<SessionEntry>, NotFound> {
        let look =
            |store: &Store| store.sessions().newest().into_iter().find(|entry| wanted(entry));
        let found = tokio::time::timeout(timeout, self.parts.store.wait_until(look)).await;
        found.map_err(|_| NotFound { waited: timeout, arrived: Vec::new() })
    }

    /// The CA to trust, in PEM; `None` with a certificate of your own.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.parts.identity.ca_pem()
    }

    /// What it shows to TLS clients.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.parts.identity
    }

    /// Where the web API listens; empty where it is off.
    #[must_use]
    pub fn web_addresses(&self) -> &[SocketAddr] {
        &self.parts.web_addresses
    }

    /// Takes no more connections and waits for the running transactions, which have a grace
    /// time; then all sessions are told 421 4.3.2.
    pub async fn stop(&self) {
        self.parts.outbound.stop.cancel();
        self.parts.server.stop().await;
        let courier =
            self.parts.outbound.courier.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(courier) = courier {
            // It ends by itself, within its grace time.
            let _ = courier.await;
        }
        self.parts.stop_web.cancel();
        let store = Arc::clone(&self.parts.store);
        // It waits for the disk. What was acknowledged is there already.
        let _ = tokio::task::spawn_blocking(move || store.close()).await;
    }
}

impl Drop for Doorpost {
    fn drop(&mut self) {
        self.parts.stop_web.cancel();
        self.parts.outbound.stop.cancel();
    }
}

fn describe(message: &Message) -> String {
    let recipients =
        message.envelope().forward_paths.iter().map(|recipient| recipient.path.to_string());
    let recipients: Vec<_> = recipients.collect();
    let arrival = message.arrival();
    let tls = arrival.tls.as_deref().map_or("in the clear", |TlsFacts { version, .. }| version);
    format!(
        "{} at {} ({tls}): <{}> → <{}>, {} octets",
        message.id(),
        arrival.door,
        message.envelope().reverse_path,
        recipients.join(">, <"),
        message.bytes().len(),
    )
}
