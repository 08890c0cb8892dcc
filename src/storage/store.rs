//! The store: the front of a backend, an index and the events. It decides nothing that they decide;
//! it asks them in the right order.

use super::backend::{Backend, Happened, Keeping, Removal, Tell};
use super::changes::Changes;
use super::index::{Index, Inlet, OUTSIDE, Page, Shown};
use super::{
    Arrival, Change, Door, Entry, Events, Find, FindingCounts, Found, Group, Marks, Message,
    OpenError, Outbox, Selection, Sessions, Settings, StoreError, Usage, disk, memory,
};
use crate::finding::Sequences;
use crate::mail::MessageId;
use bytes::Bytes;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// Names of messages that are asked of a backend, or put into an event, at a time.
const MANY: usize = 1000;

/// Everything that was caught.
#[derive(Debug)]
pub struct Store {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) index: Index,
    pub(super) sessions: Sessions,
    pub(super) events: Arc<Events>,
    pub(super) found: FindingCounts,
    pub(super) sequences: Mutex<Sequences>,
    pub(super) opened: Instant,
    doors: OnceLock<Vec<Arc<Door>>>,
    outbox: Outbox,
    pub(super) changes: Arc<Changes>,
    max_age: Option<Duration>,
}

impl Store {
    /// Opens a store: what its folder holds, or an empty one in memory.
    ///
    /// # Errors
    /// Says what is wrong with the folder and what it holds; nothing in it is changed then.
    pub fn open(settings: &Settings) -> Result<Arc<Self>, OpenError> {
        let bounds = &settings.bounds;
        let events = Arc::new(Events::new(name_of_run()));
        let changes = Arc::new(Changes::default());
        let (inlet, outlet) = Inlet::new();
        let tell: Tell = Arc::new({
            let (events, inlet) = (Arc::clone(&events), inlet.clone());
            move |happened| {
                let change = match &happened {
                    Happened::Added(id, _) => Some(Change::Message(*id)),
                    Happened::Removed(ids) => Some(Change::Deleted(ids.clone())),
                    Happened::RemovedUpTo(id) => Some(Change::DeletedUpTo(*id)),
                    Happened::Marked(ids, _) => Some(Change::Marked(ids.clone())),
                    Happened::Unclear => None,
                };
                inlet.take_in(happened);
                if let Some(change) = change {
                    events.report(change);
                }
            }
        });
        let mut sessions = Sessions::new(bounds.sessions, bounds.session_bytes);
        let (backend, file, runs): (Arc<dyn Backend>, _, _) = match &settings.data {
            None => (Arc::new(memory::Memory::new(bounds, tell)), None, (None, None)),
            Some(folder) => {
                let disk = disk::Disk::open(folder, bounds, tell, inlet.backlog())?;
                sessions.begin_at(disk.first_session());
                let (file, runs) = (folder.join(disk::INDEX), disk.runs());
                (Arc::new(disk), Some(file), runs)
            }
        };
        let (advanced, awaited) = (Arc::clone(&changes), Arc::clone(&changes));
        let is_awaited = move || awaited.is_awaited();
        let news = (move || advanced.one_more(), is_awaited);
        let inbox_by = settings.inbox_by.as_ref();
        let index = Index::open(file, &backend, (inlet, outlet), inbox_by, runs, news)?;
        let outbox = Outbox::open(settings.data.as_deref(), Arc::clone(&events))?;
        let doors = OnceLock::new();
        let max_age = settings.max_age;
        Ok(Arc::new(Self {
            backend,
            index,
            sessions,
            events,
            found: FindingCounts::default(),
            sequences: Mutex::new(Sequences::new(settings.patience)),
            opened: Instant::now(),
            doors,
            outbox,
            changes,
            max_age,
        }))
    }

    /// Keeps a message; once this returns, every query finds it.
    ///
    /// # Errors
    /// Where it cannot be kept; nothing of it is kept then.
    pub async fn keep(&self, arrival: Arrival, bytes: Bytes) -> Result<Message, StoreError> {
        match self.backend.keep(arrival, bytes) {
            Keeping::Done(result) => result,
            Keeping::Later(word) => {
                word.await.unwrap_or_else(|_| Err(StoreError::Failed("the store is closed".into())))
            }
        }
    }

    /// The message of that name. May wait for a disk.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.backend.get(id)
    }

    /// The message of that name as lists show it. May wait for the index.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn entry(&self, id: MessageId) -> Result<Option<Entry>, StoreError> {
        Ok(self.entries(&[id], self.index.shown(&[id])?)?.pop())
    }

    /// A message that was just kept, as lists show it: also where it is gone again, or the index fails.
    /// May wait for the index.
    #[must_use]
    pub fn entry_of(&self, message: &Message) -> Entry {
        let known = self.entry(message.id()).ok().flatten();
        known.unwrap_or_else(|| Entry::unread(message, &self.index.inbox_by))
    }

    /// Messages as lists show them; those that are gone are left out.
    fn entries(
        &self,
        ids: &[MessageId],
        shown: Vec<Option<Shown>>,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        for (id, shown) in ids.iter().zip(shown) {
            if let Some(shown) = shown
                && let Some((arrival, size)) = self.backend.arrival(*id)?
            {
                let Shown { summary, inboxes, tags, is_read, has_attachment, is_bounce } = shown;
                let id = *id;
                entries.push(Entry {
                    id,
                    arrival,
                    size,
                    summary,
                    inboxes,
                    tags,
                    is_read,
                    has_attachment,
                    is_bounce,
                });
            }
        }
        Ok(entries)
    }

    /// All messages, newest first, read one by one as they are asked for. One that cannot be read
    /// is left out, and the log says so.
    pub fn newest(&self) -> impl Iterator<Item = Message> {
        let mut before = None;
        let mut names = Vec::new().into_iter();
        std::iter::from_fn(move || {
            loop {
                let id = match names.next() {
                    Some(id) => id,
                    None => {
                        let page = self.backend.newest(before, MANY).unwrap_or_default();
                        before = Some(*page.last()?);
                        names = page.into_iter();
                        continue;
                    }
                };
                match self.backend.get(id) {
                    Ok(Some(message)) => return Some(message),
                    Ok(None) => {}
                    Err(error) => tracing::error!(%id, %error, "a message cannot be read"),
                }
            }
        })
    }

    /// Finds messages. Sees everything that was kept before it was asked. May take its time: ask it
    /// where nothing waits.
    ///
    /// # Errors
    /// Where the store fails, or the search takes too long.
    pub fn find(&self, find: &Find) -> Result<Found, StoreError> {
        let Page { names, is_more, shown, total } = self.index.page(find)?;
        let next = names.last().copied().filter(|_| is_more);
        Ok(Found { entries: self.entries(&names, shown)?, next, total })
    }

    /// Removes messages; says how many. May take its time.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn remove(&self, selection: &Selection) -> Result<u64, StoreError> {
        match selection {
            Selection::All => {
                let Some(last) = self.backend.last() else { return Ok(0) };
                self.backend.remove(&Removal::UpTo(last))
            }
            Selection::UpTo(limit) => {
                // No name that is still to be given is said to be gone.
                let Some(last) = self.backend.last() else { return Ok(0) };
                self.backend.remove(&Removal::UpTo(last.min(*limit)))
            }
            selection => {
                let ids = self.selected(selection)?;
                let mut removed = 0;
                for ids in ids.chunks(MANY) {
                    removed += self.backend.remove(&Removal::Ids(ids.to_vec()))?;
                }
                Ok(removed)
            }
        }
    }

    /// Marks messages as read, or with tags; says how many. May take its time.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn mark(&self, selection: &Selection, marks: &Marks) -> Result<u64, StoreError> {
        let ids = self.selected(selection)?;
        for ids in ids.chunks(MANY) {
            self.backend.mark(ids, marks)?;
        }
        Ok(ids.len() as u64)
    }

    /// The names of the messages that are selected.
    fn selected(&self, selection: &Selection) -> Result<Vec<MessageId>, StoreError> {
        match selection {
            Selection::All => self.backend.newest(None, usize::MAX),
            Selection::UpTo(limit) => self.backend.newest(limit.following(), usize::MAX),
            Selection::Ids(ids) => {
                let mut there = Vec::new();
                for id in ids {
                    if self.backend.get(*id)?.is_some() {
                        there.push(*id);
                    }
                }
                Ok(there)
            }
            Selection::Matching { query, inbox, up_to } => {
                let find = Find {
                    query: query.clone(),
                    inbox: inbox.clone(),
                    before: up_to.and_then(MessageId::following),
                    after: None,
                    limit: usize::MAX,
                };
                self.index.names(&find)
            }
        }
    }

    /// All tags that a message has, with the number of messages.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn tags(&self) -> Result<Vec<Group>, StoreError> {
        self.index.tags()
    }

    /// All inboxes that a message is in.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn inboxes(&self) -> Result<Vec<Group>, StoreError> {
        let mut inboxes = self.index.inboxes()?;
        inboxes.retain(|inbox| inbox.name != OUTSIDE);
        Ok(inboxes)
    }

    /// How many messages are in no inbox.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn outside(&self) -> Result<u64, StoreError> {
        let inboxes = self.index.inboxes()?;
        let outside = inboxes.iter().find(|inbox| inbox.name == OUTSIDE);
        Ok(outside.map_or(0, |outside| outside.messages))
    }

    /// Messages that nobody has read.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn unread(&self) -> Result<u64, StoreError> {
        self.index.unread()
    }

    /// Changes that the index has not yet taken in.
    #[must_use]
    pub fn index_is_behind_by(&self) -> u64 {
        self.index.behind()
    }

    /// The queue of mail that goes on.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// How much is kept.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.backend.usage()
    }

    /// What happened, in order.
    #[must_use]
    pub fn events(&self) -> &Arc<Events> {
        &self.events
    }

    /// Files the doors that are open; done once, when all of them are.
    pub fn doors_are_open(&self, doors: Vec<Arc<Door>>) {
        // A second set would be a mistake of ours; the first stays.
        let _ = self.doors.set(doors);
    }

    /// The doors that are open.
    #[must_use]
    pub fn doors(&self) -> &[Arc<Door>] {
        self.doors.get().map_or(&[], Vec::as_slice)
    }

    /// Removes what is older than it may be; says how many messages that were. Asked now and then
    /// by whoever runs the store.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn remove_what_is_old(&self) -> Result<u64, StoreError> {
        let Some(age) = self.max_age else { return Ok(0) };
        let limit = OffsetDateTime::now_utc() - age;
        self.sessions.remove_before(limit);
        let removed = self.backend.remove(&Removal::OlderThan(limit))?;
        if removed > 0 {
            tracing::info!(removed, "messages older than --max-age are gone");
        }
        Ok(removed)
    }

    /// Says where the API is, and what token it asks for, for whoever finds the data folder in use.
    pub fn announce(&self, server: &str, token: Option<&str>) {
        self.backend.announce(server, token);
    }

    /// Brings everything to its end: what was kept is on the disk, and the index is whole. Nothing
    /// is kept or found any more.
    pub fn close(&self) {
        let was_told = self.backend.close();
        self.index.close(was_told);
    }

    /// Counts changes: messages that came, went or were marked, sessions that ended.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.changes.version()
    }

    /// Waits until something has changed since that version.
    pub async fn changed_since(&self, version: u64) {
        self.changes.since(version).await;
    }

    /// Asks `look` again after every change until it finds something.
    pub async fn wait_until<T>(&self, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        loop {
            let version = self.version();
            if let Some(found) = look(self) {
                return found;
            }
            self.changed_since(version).await;
        }
    }
}

/// A name that no other run has, so that its events are not taken for another's.
fn name_of_run() -> String {
    let mut octets = [0; 6];
    // Without random numbers the time has to do; doorpost then serves no connection anyway.
    if getrandom::fill(&mut octets).is_err() {
        let now = OffsetDateTime::now_utc().unix_timestamp_nanos().to_le_bytes();
        octets.copy_from_slice(&now[..6]);
    }
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
impl Store {
    /// Tells the index that all up to a message are gone, whatever the backend has.
    pub(super) fn index_inlet(&self) -> impl Fn(MessageId) + '_ {
        |last| self.index.inlet.take_in(Happened::RemovedUpTo(last))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}
