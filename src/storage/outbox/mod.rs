//! The queue of mail that goes on, and the place where those who ask for it meet the one who sends it.
//!
//! Doors, the API and the commands put entries in ([`Outbox::add`], [`Onward`]); the courier takes what is due
//! ([`Outbox::take`]) and says what has become of it ([`Outbox::settle`]). With a data folder an entry is on the disk
//! before anybody is told that it is there. Bounded: a queue that is full refuses, and what doorpost writes by itself
//! is capped far below that.

mod file;
mod hooks;
mod item;

pub(super) use file::KIND;
pub use hooks::{HookLog, HookState, HookTry};
pub use item::{Attempt, Bound, Item, NewItem, QueueId, Reason, Standing, State};

use super::{Change, Events, Message, OpenError, StoreError, disk};
use crate::mail::MessageId;
use file::File;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use time::OffsetDateTime;
use tokio::sync::Notify;

/// Entries that wait, at most.
const MOST: usize = 100_000;
/// Entries among them that doorpost wrote by itself.
const MOST_MADE_HERE: usize = 1_000;
/// Octets of all that waits, in memory.
const MOST_OCTETS: usize = 1 << 30;
/// Settled entries that are remembered.
const SETTLED: usize = 1_000;

/// What somebody asks to have released.
#[derive(Clone, Debug, Default)]
pub struct Release {
    /// Where to, as a target is written.
    pub target: String,
    /// Whom to in place of the envelope's recipients.
    pub recipients: Vec<String>,
    /// Whether Resent- fields go in front (RFC 5322 §3.6.6).
    pub resent: bool,
}

/// What somebody asks to have said about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A delivery status notification (RFC 3464).
    Status {
        /// `failed`, `delayed`, `delivered`, `relayed` or `expanded`.
        action: String,
        /// The reply that it tells of: code, enhanced status code, text.
        reply: Option<String>,
        /// About these recipients only.
        recipients: Vec<String>,
    },
    /// A complaint (RFC 5965).
    Complaint {
        /// `abuse`, `fraud`, `virus`, `other`, `not-spam`.
        feedback: String,
    },
    /// An answer that says that nobody is there (RFC 3834).
    AutoReply,
}

/// Who decides what goes on, and where to.
pub trait Onward: Send + Sync + fmt::Debug {
    /// What is to be sent because this message was taken at a door. Asked before its 250.
    fn consider(&self, message: &Message) -> Vec<NewItem>;
    /// What is to be sent because somebody releases this message.
    ///
    /// # Errors
    /// Says what is wrong with the order.
    fn release(&self, message: &Message, order: &Release) -> Result<NewItem, String>;
    /// What is to be sent to tell of this message.
    ///
    /// # Errors
    /// Says why nothing can be sent.
    fn report(
        &self,
        message: &Message,
        report: &Report,
        not_before: OffsetDateTime,
    ) -> Result<Vec<NewItem>, String>;
}

/// The queue.
#[derive(Debug)]
pub struct Outbox {
    held: Mutex<Held>,
    file: Option<File>,
    events: Arc<Events>,
    changed: Notify,
    onward: OnceLock<Arc<dyn Onward>>,
    hooks: HookLog,
}

#[derive(Debug, Default)]
struct Held {
    next: u64,
    items: BTreeMap<QueueId, Item>,
    octets: usize,
    /// Entries that are not settled, and those among them that doorpost wrote by itself.
    open: usize,
    made_here: usize,
    /// Entries on their way to a door of ours, by the address that they are sent from.
    flights: HashMap<SocketAddr, QueueId>,
}

impl Held {
    fn insert(&mut self, item: Item) {
        if !item.state.is_final() {
            self.open += 1;
            self.made_here += usize::from(item.new.reason.is_made_here());
            self.octets += item.new.bytes.len();
        }
        self.items.insert(item.id, item);
    }

    /// One that was open is settled.
    fn close(&mut self, item: &Item) {
        self.open -= 1;
        self.made_here -= usize::from(item.new.reason.is_made_here());
        self.octets -= item.new.bytes.len();
    }
}

impl Outbox {
    pub(super) fn open(folder: Option<&Path>, events: Arc<Events>) -> Result<Self, OpenError> {
        let (file, loaded) = match folder.map(File::open).transpose()? {
            Some((file, loaded)) => (Some(file), loaded),
            None => (None, file::Loaded { next: 1, ..Default::default() }),
        };
        let mut held = Held { next: loaded.next, ..Held::default() };
        for item in loaded.items {
            held.insert(item);
        }
        Ok(Self {
            held: Mutex::new(held),
            file,
            events,
            changed: Notify::new(),
            onward: OnceLock::new(),
            hooks: HookLog::default(),
        })
    }

    /// Says who decides; done once, by whoever wires the rooms together.
    pub fn decided_by(&self, onward: Arc<dyn Onward>) {
        // A second one would be a mistake of ours; the first stays.
        let _ = self.onward.set(onward);
    }

    /// Who decides, where mail can go on at all.
    #[must_use]
    pub fn onward(&self) -> Option<&Arc<dyn Onward>> {
        self.onward.get()
    }

    /// What webhooks were told.
    #[must_use]
    pub fn hooks(&self) -> &HookLog {
        &self.hooks
    }

    /// Puts entries in, all or none. May wait for a disk.
    ///
    /// # Errors
    /// Where the queue is full, or the disk fails.
    pub fn add(&self, new: Vec<NewItem>) -> Result<Vec<QueueId>, StoreError> {
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let items = {
            let mut held = self.held();
            let octets: usize = new.iter().map(|new| new.bytes.len()).sum();
            let made_here = new.iter().filter(|new| new.reason.is_made_here()).count();
            let is_full = held.open + new.len() > MOST
                || held.octets + octets > MOST_OCTETS
                || made_here > 0 && held.made_here + made_here > MOST_MADE_HERE;
            if is_full {
                return Err(StoreError::Full);
            }
            let mut number = || {
                let number = held.next;
                held.next += 1;
                number
            };
            let begun = |new| Some(begun(QueueId::new(number())?, new));
            new.into_iter().filter_map(begun).collect::<Vec<_>>()
        };
        if let Some(file) = &self.file {
            file.add(&items).map_err(|error| match disk::failed(&error) {
                StoreError::Full => StoreError::Full,
                _ => StoreError::Failed(format!("the queue cannot be written: {error}")),
            })?;
        }
        let ids: Vec<_> = items.iter().map(|item| item.id).collect();
        let mut held = self.held();
        items.into_iter().for_each(|item| held.insert(item));
        drop(held);
        for id in &ids {
            self.events.report(Change::Queue(*id, false));
        }
        self.changed.notify_one();
        Ok(ids)
    }

    /// The first entry that is due and whose target may have one more connection; it counts as running from now on.
    pub fn take(&self, now: OffsetDateTime, may: impl Fn(&Item) -> bool) -> Option<Item> {
        let mut held = self.held();
        let due =
            |item: &&mut Item| item.state == State::Waiting && item.next_at <= now && may(item);
        let item = held.items.values_mut().find(due)?;
        item.state = State::Running;
        let item = item.clone();
        drop(held);
        self.write(&item);
        self.events.report(Change::Queue(item.id, false));
        Some(item)
    }

    /// When the next entry is due.
    #[must_use]
    pub fn next_due(&self) -> Option<OffsetDateTime> {
        let held = self.held();
        let waiting = held.items.values().filter(|item| item.state == State::Waiting);
        waiting.map(|item| item.next_at).min()
    }

    /// Files what has become of an entry that was taken.
    pub fn settle(&self, mut item: Item) {
        let mut held = self.held();
        let Some(known) = held.items.get(&item.id) else { return };
        item.arrived.clone_from(&known.arrived);
        let was_open = !known.state.is_final();
        // Taken out while it ran: what was sent is sent, and the rest is no failure that anybody hears of.
        if !was_open && item.state != State::Done {
            item.state = State::Dropped;
        }
        let has_ended = was_open && item.state.is_final();
        if has_ended {
            held.close(&item);
        }
        if item.state.is_final() {
            item.new.bytes = bytes::Bytes::new();
        }
        held.items.insert(item.id, item.clone());
        let forgotten = held.forget_oldest();
        drop(held);
        self.write(&item);
        if let Some(file) = &self.file {
            for gone in forgotten {
                if let Err(error) = file.forget(gone) {
                    tracing::error!(%error, "an old entry of the queue could not be removed");
                }
            }
        }
        self.events.report(Change::Queue(item.id, has_ended));
        self.changed.notify_one();
    }

    fn write(&self, item: &Item) {
        if let Some(file) = &self.file
            && let Err(error) = file.update(item)
        {
            tracing::error!(id = %item.id, %error, "how far an entry of the queue has come could not be written");
        }
    }

    /// All entries, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Item> {
        self.held().items.values().rev().cloned().collect()
    }

    /// The entry of that name.
    #[must_use]
    pub fn get(&self, id: QueueId) -> Option<Item> {
        self.held().items.get(&id).cloned()
    }

    /// Entries that are about a message, or that a message came of; oldest first.
    #[must_use]
    pub fn about(&self, message: MessageId) -> Vec<Item> {
        let is_about =
            |item: &&Item| item.new.message == Some(message) || item.arrived.contains(&message);
        self.held().items.values().filter(is_about).cloned().collect()
    }

    /// Makes the next attempt due now; false where nothing waits under that name.
    pub fn retry_now(&self, id: QueueId) -> bool {
        self.change(id, |item| {
            let waits = item.state == State::Waiting;
            if waits {
                item.next_at = OffsetDateTime::now_utc();
            }
            waits
        })
    }

    /// Takes an entry out; false where it is settled already, or there is none. Nobody is told of it by mail.
    pub fn drop_item(&self, id: QueueId) -> bool {
        self.change(id, |item| {
            let is_open = !item.state.is_final();
            if is_open {
                item.state = State::Dropped;
            }
            is_open
        })
    }

    fn change(&self, id: QueueId, change: impl FnOnce(&mut Item) -> bool) -> bool {
        let changed = {
            let mut held = self.held();
            let Some(item) = held.items.get_mut(&id) else { return false };
            if !change(item) {
                return false;
            }
            let item = item.clone();
            if item.state.is_final() {
                held.close(&item);
                if let Some(held) = held.items.get_mut(&id) {
                    held.new.bytes = bytes::Bytes::new();
                }
            }
            item
        };
        self.write(&changed);
        self.events.report(Change::Queue(id, changed.state.is_final()));
        self.changed.notify_one();
        true
    }

    /// Lets whoever waits look again.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Waits until something was put in or changed.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// An entry is being sent from this address.
    pub fn takes_off(&self, from: SocketAddr, id: QueueId) {
        self.held().flights.insert(from, id);
    }

    /// Nothing is sent from this address any more.
    pub fn has_landed(&self, from: SocketAddr) {
        self.held().flights.remove(&from);
    }

    /// Whether what comes from this address is an entry of ours on its way.
    #[must_use]
    pub fn is_flight(&self, from: SocketAddr) -> bool {
        self.held().flights.contains_key(&from)
    }

    /// Whether what comes from this address is a report of ours on its way.
    #[must_use]
    pub fn is_report(&self, from: SocketAddr) -> bool {
        let held = self.held();
        let item = held.flights.get(&from).and_then(|id| held.items.get(id));
        item.is_some_and(|item| item.new.reason.is_made_here())
    }

    /// A message came in from this address: the entry that is being sent from there has become it.
    pub fn arrived(&self, from: SocketAddr, message: MessageId) {
        let mut held = self.held();
        if held.flights.is_empty() {
            return;
        }
        let Some(id) = held.flights.get(&from).copied() else { return };
        if let Some(item) = held.items.get_mut(&id) {
            item.arrived.push(message);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing panics while it is locked; if it did, what is in it is whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Forgets the oldest settled entries beyond those that are remembered.
    fn forget_oldest(&mut self) -> Vec<QueueId> {
        let settled = self.items.values().filter(|item| item.state.is_final());
        let settled: Vec<_> = settled.map(|item| item.id).collect();
        let gone = settled[..settled.len().saturating_sub(SETTLED)].to_vec();
        for id in &gone {
            self.items.remove(id);
        }
        gone
    }
}

fn begun(id: QueueId, new: NewItem) -> Item {
    Item {
        id,
        created_at: OffsetDateTime::now_utc(),
        state: State::Waiting,
        next_at: new.not_before,
        tries: 0,
        attempts: Vec::new(),
        delay_told: false,
        arrived: Vec::new(),
        new,
    }
}
