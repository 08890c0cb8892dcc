//! The battery: what every store has to do, whatever it keeps its messages in.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod agreement;
mod battery;
mod folder;
mod words;

use super::testing::arrival;
use super::{Arrival, Bounds, Find, InboxBy, Message, Settings, Store};
use crate::mail::{ForwardPath, MessageId, Recipient, ReversePath};
use crate::search;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

/// A store, and the folder that goes with it.
pub(super) struct Opened {
    pub(super) store: Arc<Store>,
    pub(super) settings: Settings,
    _folder: Option<TempDir>,
}

impl std::ops::Deref for Opened {
    type Target = Store;
    fn deref(&self) -> &Store {
        &self.store
    }
}

/// Where a store keeps its messages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kept {
    Memory,
    Disk,
}

impl Kept {
    pub(super) fn open(self) -> Opened {
        self.open_with(|_| ())
    }

    pub(super) fn open_with(self, set: impl FnOnce(&mut Settings)) -> Opened {
        let folder = matches!(self, Self::Disk).then(|| TempDir::new().unwrap());
        let data = folder.as_ref().map(|folder| folder.path().join("data"));
        let mut settings = Settings { data, ..Settings::default() };
        set(&mut settings);
        let store = Store::open(&settings).unwrap();
        Opened { store, settings, _folder: folder }
    }
}

impl Opened {
    /// The same folder, opened again.
    pub(super) fn reopen(&mut self) {
        self.store.close();
        let empty = Store::open(&Settings::default()).unwrap();
        // The lock goes with the old store.
        drop(std::mem::replace(&mut self.store, empty));
        self.store = Store::open(&self.settings).unwrap();
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.settings.data.clone().unwrap()
    }
}

pub(super) fn id(number: u64) -> MessageId {
    MessageId::new(number).unwrap()
}

/// What is asked, without a bound.
pub(super) fn find(query: &str) -> Find {
    let now = OffsetDateTime::UNIX_EPOCH + Duration::days(365);
    let query = search::parse(query, now).unwrap();
    Find { query, inbox: None, before: None, after: None, limit: 1000 }
}

/// Numbers of what is found.
pub(super) fn numbers(store: &Store, query: &str) -> Vec<u64> {
    let found = store.find(&find(query)).unwrap();
    assert_eq!(found.total.count, found.entries.len() as u64, "{query}");
    found.entries.iter().map(|entry| entry.id.get()).collect()
}

/// An arrival from Alice to those addresses.
pub(super) fn to(recipients: &[&str]) -> Arrival {
    let mut arrival = arrival();
    arrival.envelope.reverse_path = ReversePath::parse_front("<alice@example.org>").unwrap().0;
    let recipient = |address: &&str| {
        let (path, _) = ForwardPath::parse_front(&format!("<{address}>")).unwrap();
        Recipient { path, notify: None, orcpt: None }
    };
    arrival.envelope.forward_paths = recipients.iter().map(recipient).collect();
    arrival
}

pub(super) fn keep(store: &Store, arrival: Arrival, bytes: impl AsRef<[u8]>) -> Message {
    let bytes = bytes.as_ref().to_vec().into();
    wait(store.keep(arrival, bytes)).unwrap()
}

/// Runs a future to its end on this thread.
pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(super) fn few(messages: usize) -> Bounds {
    Bounds { messages, ..Bounds::default() }
}

pub(super) fn by(text: &str) -> InboxBy {
    text.parse().unwrap()
}
