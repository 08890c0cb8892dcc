//! Carries the queue: takes what is due, opens connections within their limits, and files what has become of each
//! entry.
//!
//! One connection carries all that is due for its target, up to a number; an entry whose target does not answer waits
//! for its next time like one that was refused with 4xx.

use super::connect::Reach;
use super::fate::{self, Settled};
use super::line::Line;
use super::report::Reporter;
use crate::config::{Config, Host, Server, Target};
use crate::smtp::client::{Fate, Outcome, Patience, Said, Security, Settings};
use crate::smtp::policy::TlsMode;
use crate::storage::Store;
use crate::storage::outbox::{Attempt, Item, State};
use crate::tls::Outgoing;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections at a time over all targets.
const CONNECTIONS: usize = 50;
/// Messages over one connection.
const MESSAGES: usize = 100;
/// How long a courier that was told to stop may take for what is on its way.
const GRACE: Duration = Duration::from_secs(10);

/// Carries the queue of one store.
#[derive(Debug)]
pub struct Courier {
    store: Arc<Store>,
    reach: Reach,
    tls: Outgoing,
    reporter: Reporter,
    hello: String,
    retry: Vec<Duration>,
    per_target: usize,
    patience: Patience,
    /// Connections to each target.
    busy: Mutex<HashMap<String, usize>>,
}

impl Courier {
    /// A courier with the configuration's schedule and limits.
    #[must_use]
    pub fn new(store: Arc<Store>, config: &Config, tls: Outgoing) -> Self {
        let scale = config.time_scale.max(1);
        Self {
            reporter: Reporter::new(&config.hostname),
            reach: Reach::new(config.allow_hosts.clone()),
            tls,
            hello: config.hostname.clone(),
            retry: config.retry.iter().map(|wait| *wait / scale).collect(),
            per_target: config.max_connections_per_target,
            patience: Patience::default(),
            busy: Mutex::default(),
            store,
        }
    }

    /// Carries until it is told to stop; what is on its way then has a grace time.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        loop {
            self.start_what_is_due(&tasks, &stop).await;
            let due = self.store.outbox().next_due();
            let wait = due.map(|due| due - OffsetDateTime::now_utc());
            // What is due already and was not taken waits for a connection to end, which is told.
            let wait = wait.filter(|wait| wait.is_positive());
            let wait = wait.and_then(|wait| Duration::try_from(wait).ok());
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.store.outbox().changed() => {}
                () = tokio::time::sleep(wait.unwrap_or(Duration::from_mins(1))) => {}
            }
        }
        tasks.close();
        if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
            tracing::warn!(
                "mail was still on its way; with --data it is sent again at the next start"
            );
        }
    }

    async fn start_what_is_due(self: &Arc<Self>, tasks: &TaskTracker, stop: &CancellationToken) {
        while let Some(item) = self.take(None).await {
            *self.busy().entry(item.new.target.clone()).or_default() += 1;
            let (courier, stop) = (Arc::clone(self), stop.clone());
            tasks.spawn(async move {
                let target = item.new.target.clone();
                courier.carry(item, &stop).await;
                courier.has_ended(&target);
            });
        }
    }

    fn has_ended(&self, target: &str) {
        let mut busy = self.busy();
        if let Some(count) = busy.get_mut(target) {
            *count -= 1;
            if *count == 0 {
                busy.remove(target);
            }
        }
        drop(busy);
        self.store.outbox().wake();
    }

    /// The next entry that is due: for one target, or for any that may have one more connection.
    async fn take(self: &Arc<Self>, target: Option<String>) -> Option<Item> {
        let courier = Arc::clone(self);
        // It is written down that it runs, which may wait for a disk.
        let taken = tokio::task::spawn_blocking(move || {
            let busy = courier.busy().clone();
            let all: usize = busy.values().sum();
            let may = |item: &Item| match &target {
                Some(target) => item.new.target == *target,
                None => {
                    let own = busy.get(&item.new.target).copied().unwrap_or_default();
                    own < courier.per_target && all < CONNECTIONS
                }
            };
            courier.store.outbox().take(OffsetDateTime::now_utc(), may)
        });
        taken.await.ok().flatten()
    }

    fn busy(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        // Nothing panics while it is locked.
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries an entry, and what else is due for its target until it is told to stop.
    async fn carry(self: &Arc<Self>, item: Item, stop: &CancellationToken) {
        if item.new.refused.is_some() {
            return self.refuse(item).await; // without a connection
        }
        let target = item.new.target.clone();
        let server = match Target::parse(&target) {
            Ok(target) => self.server(target),
            Err(error) => Err(error.to_string()),
        };
        let server = match server {
            Ok(server) => server,
            Err(why) => {
                let said = Said::by_us(554, "5.3.5", "the connection", why);
                return self.all_fare(item, &Fate::Never(said)).await;
            }
        };
        let label = Target::parse(&target).map_or_else(|_| String::new(), |t| t.to_string());
        let settings = self.settings(&server);
        let opened =
            Line::open(&self.store, &self.tls, &self.reach, &server, label, settings).await;
        let mut line = match opened {
            Ok(line) => line,
            Err(fate) => return self.all_fare(item, &fate).await,
        };
        let mut next = Some(item);
        let mut sent = 0;
        while let Some(item) = next.take() {
            self.send(&mut line, item).await;
            sent += 1;
            if sent < MESSAGES && stop.run_until_cancelled(line.becomes_ready()).await == Some(true)
            {
                next = self.take(Some(target.clone())).await;
            }
        }
        line.close(stop).await;
    }

    fn settings(&self, server: &Server) -> Settings {
        Settings {
            hello: self.hello.clone(),
            security: server.security,
            login: server.login.clone(),
            login_in_clear: server.host.is_this_machine(),
            patience: self.patience,
        }
    }

    /// A target as a server; a door of ours is one at its own address.
    fn server(&self, target: Target) -> Result<Server, String> {
        let name = match target {
            Target::Server(server) => return Ok(server),
            Target::Door(name) => name,
        };
        let door = self.store.doors().iter().find(|door| door.name() == name);
        let door = door.ok_or_else(|| format!("there is no open door {name}"))?;
        // A door that listens on every address is reached over loopback.
        let loopback = door.addresses.iter().find(|address| address.ip().is_loopback());
        let address = loopback.or_else(|| door.addresses.iter().find(|a| a.ip().is_unspecified()));
        let address = address.ok_or_else(|| format!("the door {name} is not on this machine"))?;
        let host = match address.ip() {
            ip if ip.is_loopback() => ip,
            ip if ip.is_ipv4() => std::net::Ipv4Addr::LOCALHOST.into(),
            _ => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        let security = match door.policy.tls {
            TlsMode::None => Security::Never,
            TlsMode::StartTls | TlsMode::Required => Security::IfOffered,
            TlsMode::Implicit => Security::Implicit,
        };
        let (host, port) = (Host::Address(host), address.port());
        Ok(Server { host, port, security, login: None, verify: Some(false) })
    }

    async fn send(&self, line: &mut Line<'_>, item: Item) {
        if item.new.refused.is_some() {
            return self.refuse(item).await;
        }
        let at = OffsetDateTime::now_utc();
        let waiting = item.waiting();
        let Some(mail) = item.mail(&waiting) else {
            let said = Said::by_us(554, "5.1.3", "RCPT", "an address of the entry cannot be read");
            return self.all_fare(item, &Fate::Never(said)).await;
        };
        self.store.outbox().takes_off(line.local, item.id);
        let outcome = line.send(mail).await;
        self.store.outbox().has_landed(line.local);
        let session = Some(line.session);
        self.settle(item, &waiting, &outcome, at, session).await;
    }

    /// What was decided when it came, as that it goes in a circle.
    async fn refuse(&self, item: Item) {
        if let Some(said) = item.new.refused.clone() {
            self.all_fare(item, &Fate::Never(said)).await;
        }
    }

    /// Everybody who waits fares the same.
    async fn all_fare(&self, item: Item, fate: &Fate) {
        let waiting = item.waiting();
        let fates = vec![fate.clone(); waiting.len()];
        let outcome = Outcome { fates, reply_lost: false, hands_on_notify: false };
        self.settle(item, &waiting, &outcome, OffsetDateTime::now_utc(), None).await;
    }

    async fn settle(
        &self,
        mut item: Item,
        waiting: &[usize],
        outcome: &Outcome,
        at: OffsetDateTime,
        session: Option<crate::mail::SessionId>,
    ) {
        let attempt = Attempt {
            at,
            session,
            outcome: fate::in_words(outcome),
            reply_lost: outcome.reply_lost,
        };
        item.remember(attempt);
        let Settled { reports } = fate::apply(&mut item, waiting, outcome, &self.retry);
        // Of what was taken out meanwhile nobody is told.
        let known = self.store.outbox().get(item.id);
        let is_dropped = known.is_some_and(|known| known.state == State::Dropped);
        let reports = if is_dropped { Vec::new() } else { reports };
        let new = self.reporter.of_item(&item, &reports, self.store.doors());
        let store = Arc::clone(&self.store);
        // Both are written to a disk, where there is one: first what is to be told, so that a kill in between
        // tells it twice and not never.
        let filed = tokio::task::spawn_blocking(move || {
            if let Err(error) = store.outbox().add(new) {
                tracing::warn!(%error, "a report of mail that went on could not be queued");
            }
            store.outbox().settle(item);
        });
        if filed.await.is_err() {
            tracing::error!("what has become of an entry of the queue could not be filed");
        }
    }
}
