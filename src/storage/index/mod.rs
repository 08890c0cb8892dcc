//! The index: finds messages by what is in them.
//!
//! It is fed behind the doors, by a thread of its own, and is derived: what it knows can be read
//! again from the backend. A question first waits until everything that happened before it is taken
//! in, so that whoever has a 250 finds the message. It answers nothing where something could not be
//! taken in, rather than less than there is.

mod columns;
mod compile;
mod leisure;
mod priority;
mod read;
mod schema;
mod worker;
mod write;

pub(super) use columns::header_text;
pub(super) use read::{COUNTED, Shown};
pub(super) use write::OUTSIDE;

use super::backend::{Backend, Happened, StoreError};
use super::backlog::Backlog;
use super::{Find, Group, InboxBy, Total};
use crate::mail::MessageId;
use compile::Kind;
use rusqlite::{Connection, ErrorCode};
use schema::Place;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Searches that run at a time; more wait. Each has a cache of pages of its own.
const READERS: usize = 8;
/// Connections that are kept for the next search.
const IDLE_READERS: usize = 4;
/// How long a search may take.
const LONGEST: Duration = Duration::from_secs(30);
/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 1000;
/// How long a search has the processor while others want it. One that gave it away more often would hardly get on under
/// load: each time costs it the milliseconds that Linux would have let it have.
const TURN: Duration = Duration::from_micros(500);

/// What is to be taken in.
pub(super) enum Job {
    /// With the octets of the message.
    Add(MessageId, usize),
    Remove(Vec<MessageId>),
    RemoveUpTo(MessageId),
    Mark(Vec<MessageId>, super::Marks),
    /// Compare everything with the backend.
    Compare,
    /// The end; with the run of which the index then knows everything, where it lies in a file.
    Stop(Option<i64>),
}

/// Where jobs go in. Made before the backend, which tells of changes through it.
#[derive(Clone)]
pub(super) struct Inlet {
    jobs: Sender<Job>,
    /// Counted before they are sent: whoever reads this number waits for all that were sent.
    sent: Arc<AtomicU64>,
    /// What the messages among them will need.
    backlog: Arc<Backlog>,
}

/// Where they come out.
pub(super) struct Outlet {
    jobs: Receiver<Job>,
}

/// How far the index is.
#[derive(Default)]
struct Progress {
    state: Mutex<State>,
    advanced: Condvar,
    /// Somebody waits for what is not taken in yet.
    hurry: Condvar,
    /// In memory: held for reading by whoever searches, for writing by the worker.
    gate: RwLock<()>,
}

#[derive(Default)]
struct State {
    done: u64,
    /// As many jobs somebody waits for.
    wanted: u64,
    /// Since when the end is near: what takes long is left to the next start.
    closing: Option<Instant>,
    failure: Option<String>,
    is_over: bool,
}

/// The index.
pub(super) struct Index {
    pub(super) inlet: Inlet,
    pub(super) inbox_by: InboxBy,
    place: Place,
    backend: Arc<dyn Backend>,
    progress: Arc<Progress>,
    readers: Mutex<Readers>,
    free: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// The run of the backend, where it has a name for it.
    run: Option<i64>,
}

/// A page of what was found.
pub(super) struct Page {
    pub(super) names: Vec<MessageId>,
    /// Whether another page follows.
    pub(super) is_more: bool,
    /// What is known of each.
    pub(super) shown: Vec<Option<Shown>>,
    pub(super) total: Total,
}

#[derive(Default)]
struct Readers {
    idle: Vec<Connection>,
    busy: usize,
}

impl Progress {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn advance(&self, jobs: u64) {
        self.state().done += jobs;
        self.advanced.notify_all();
    }

    /// Lets more gather for one transaction, unless somebody waits for what has come; whether somebody does.
    fn gather(&self, time: Duration) -> bool {
        let is_at_leisure =
            |state: &mut State| state.wanted <= state.done && state.closing.is_none();
        let waited = self.hurry.wait_timeout_while(self.state(), time, is_at_leisure);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// How long the end has been near.
    fn stopping_for(&self) -> Option<Duration> {
        self.state().closing.map(|since| since.elapsed())
    }

    fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }

    /// Why nothing can be answered; nothing where it can.
    fn set_failure(&self, text: Option<&str>) {
        self.state().failure = text.map(str::to_owned);
    }
}

/// Where the worker is gone, nobody waits for it any longer.
struct Over(Arc<Progress>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.state().is_over = true;
        self.0.advanced.notify_all();
    }
}

impl Inlet {
    /// A way into an index that is still to be opened.
    pub(super) fn new() -> (Self, Outlet) {
        let (sender, receiver) = mpsc::channel();
        let inlet = Self { jobs: sender, sent: Arc::default(), backlog: Arc::default() };
        (inlet, Outlet { jobs: receiver })
    }

    /// What is still to be taken in will need this.
    pub(super) fn backlog(&self) -> Arc<Backlog> {
        Arc::clone(&self.backlog)
    }

    /// Takes note of what happened. Does not wait.
    pub(super) fn take_in(&self, happened: Happened) {
        self.send(match happened {
            Happened::Added(id, octets) => {
                self.backlog.add(octets);
                Job::Add(id, octets)
            }
            Happened::Removed(ids) => Job::Remove(ids),
            Happened::RemovedUpTo(id) => Job::RemoveUpTo(id),
            Happened::Marked(ids, marks) => Job::Mark(ids, marks),
            Happened::Unclear => Job::Compare,
        });
    }

    fn send(&self, job: Job) {
        self.sent.fetch_add(1, Ordering::SeqCst);
        // Where nobody receives any more, nobody will ask either.
        let _ = self.jobs.send(job);
    }
}

impl Index {
    /// An index in memory, or in a file; `run` is the backend's name for the time since it was
    /// opened, and `last_run` for the time before.
    pub(super) fn open(
        file: Option<PathBuf>,
        backend: &Arc<dyn Backend>,
        (inlet, outlet): (Inlet, Outlet),
        inbox_by: Option<&InboxBy>,
        (last_run, run): (Option<i64>, Option<i64>),
        (advanced, is_awaited): (impl Fn() + Send + 'static, impl Fn() -> bool + Send + 'static),
    ) -> Result<Self, StoreError> {
        let place = file.map_or_else(Place::in_memory, Place::File);
        let (connection, inbox_by, was_fit) = place.writer(inbox_by)?;
        let whole = worker::take_whole(&connection).map_err(|error| failed(&place, &error))?;
        let is_whole = was_fit && whole.is_some() && whole == last_run;
        let progress = Arc::new(Progress::default());
        let worker = worker::Worker {
            connection,
            place: place.clone(),
            backend: Arc::clone(backend),
            inbox_by: inbox_by.clone(),
            progress: Arc::clone(&progress),
            sent: Arc::clone(&inlet.sent),
            backlog: inlet.backlog(),
            advanced: Box::new(advanced),
            is_awaited: Box::new(is_awaited),
            pace: leisure::Pace::new(),
            effort: leisure::Effort::default(),
            is_ill: false,
            tried: Instant::now(),
        };
        if matches!(place, Place::File(_)) && !is_whole {
            inlet.send(Job::Compare);
        }
        let over = Over(Arc::clone(&progress));
        let thread = std::thread::Builder::new().name("index".into()).spawn(move || {
            worker.run(&outlet.jobs);
            drop(over);
        });
        let thread = thread.map_err(|error| StoreError::Failed(error.to_string()))?;
        // What lies in memory is there as long as somebody is connected to it.
        let first = place.reader(backend).map_err(|error| failed(&place, &error))?;
        let readers = Readers { idle: vec![first], busy: 0 };
        Ok(Self {
            inlet,
            inbox_by,
            place,
            backend: Arc::clone(backend),
            progress,
            readers: Mutex::new(readers),
            free: Condvar::new(),
            thread: Mutex::new(Some(thread)),
            run,
        })
    }

    /// Changes that are not taken in yet.
    pub(super) fn behind(&self) -> u64 {
        self.inlet.sent.load(Ordering::SeqCst).saturating_sub(self.progress.state().done)
    }

    /// Names of what is found, newest first; one more than asked for where there is more.
    pub(super) fn names(&self, find: &Find) -> Result<Vec<MessageId>, StoreError> {
        let find = find.filed(&self.inbox_by);
        self.ask(|connection| read::find(connection, &find))
    }

    /// A page of what is found, as it stands at one moment.
    pub(super) fn page(&self, find: &Find) -> Result<Page, StoreError> {
        let find = &find.filed(&self.inbox_by);
        self.ask(|connection| {
            let moment = connection.unchecked_transaction()?;
            let mut names = read::find(&moment, find)?;
            let is_more = names.len() > find.limit;
            names.truncate(find.limit);
            let shown = read::shown(&moment, &names)?;
            let total = read::total(&moment, find)?;
            Ok(Page { names, is_more, shown, total })
        })
    }

    /// What the index knows of messages; nothing of those that are gone.
    pub(super) fn shown(&self, names: &[MessageId]) -> Result<Vec<Option<Shown>>, StoreError> {
        self.ask(|connection| read::shown(connection, names))
    }

    pub(super) fn unread(&self) -> Result<u64, StoreError> {
        self.ask(read::unread)
    }

    /// All inboxes, also the one of messages that are in none.
    pub(super) fn inboxes(&self) -> Result<Vec<Group>, StoreError> {
        self.ask(|connection| read::groups(connection, Kind::Inbox))
    }

    pub(super) fn tags(&self) -> Result<Vec<Group>, StoreError> {
        self.ask(|connection| read::groups(connection, Kind::Tag))
    }

    /// Asks a question, when everything that happened before is taken in.
    fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.catch_up()?;
        let mut reader = self.reader()?;
        let mut turn = Instant::now();
        let end = turn + LONGEST;
        let is_late = move || {
            if turn.elapsed() >= TURN {
                priority::let_others_go_first();
                turn = Instant::now();
            }
            turn >= end
        };
        reader
            .progress_handler(STEPS, Some(is_late))
            .map_err(|error| failed(&self.place, &error))?;
        let answer = {
            let _not_while_it_writes = match self.place {
                Place::Memory(_) => {
                    Some(self.progress.gate.read().unwrap_or_else(PoisonError::into_inner))
                }
                Place::File(_) => None,
            };
            question(&reader)
        };
        self.give_back(reader);
        answer.map_err(|error| failed(&self.place, &error))
    }

    /// Waits until all that was sent is taken in.
    fn catch_up(&self) -> Result<(), StoreError> {
        let wanted = self.inlet.sent.load(Ordering::SeqCst);
        let is_behind = |state: &mut State| state.done < wanted && !state.is_over;
        let mut state = self.progress.state();
        if is_behind(&mut state) {
            state.wanted = state.wanted.max(wanted);
            self.progress.hurry.notify_one();
        }
        let waited = self.progress.advanced.wait_timeout_while(state, LONGEST, is_behind);
        let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() && state.failure.is_none() {
            return Err(StoreError::Behind(wanted - state.done));
        }
        match &state.failure {
            Some(failure) => Err(StoreError::Failed(failure.clone())),
            None if state.done < wanted => Err(StoreError::Failed("the store is closed".into())),
            None => Ok(()),
        }
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut readers = self
            .free
            .wait_while(readers, |readers| readers.busy >= READERS)
            .unwrap_or_else(PoisonError::into_inner);
        readers.busy += 1;
        let idle = readers.idle.pop();
        drop(readers);
        idle.map_or_else(|| self.place.reader(&self.backend), Ok).map_err(|error| {
            self.readers.lock().unwrap_or_else(PoisonError::into_inner).busy -= 1;
            self.free.notify_one();
            failed(&self.place, &error)
        })
    }

    fn give_back(&self, reader: Connection) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.busy -= 1;
        if readers.idle.len() < IDLE_READERS {
            readers.idle.push(reader);
        }
        drop(readers);
        self.free.notify_one();
    }

    /// Takes in what is left, and ends.
    ///
    /// With `is_whole`, everything that happened in this run was told.
    pub(super) fn close(&self, is_whole: bool) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.progress.state().closing = Some(Instant::now());
            self.progress.hurry.notify_one();
            self.inlet.send(Job::Stop(self.run.filter(|_| is_whole)));
            // It panics only by a mistake of ours, which it has reported by then.
            let _ = thread.join();
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.close(false);
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "index in {:?}", self.place)
    }
}

fn failed(place: &Place, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => StoreError::TooLong(LONGEST.as_secs()),
        _ => StoreError::Failed(schema::told(place, "the index", error)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::super::testing::arrival;
    use super::super::{Settings, Store};
    use super::*;

    /// The doors know nothing of the gate; only the worker, and with it new questions, wait.
    #[test]
    fn a_search_that_takes_long_does_not_hold_up_the_doors() {
        let store = Store::open(&Settings::default()).unwrap();
        let slow = store.index.progress.gate.read().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for _ in 0..1000 {
            runtime.block_on(store.keep(arrival(), "\r\nx".into())).unwrap();
        }
        assert!(store.index_is_behind_by() > 0);
        drop(slow);
        assert_eq!(store.unread(), Ok(1000));
        assert_eq!(store.index_is_behind_by(), 0);
    }

    #[test]
    fn an_index_that_lacks_something_says_so() {
        let store = Store::open(&Settings::default()).unwrap();
        store.index.progress.set_failure(Some("message 7 cannot be read"));
        assert_eq!(store.unread(), Err(StoreError::Failed("message 7 cannot be read".into())));
    }
}
