//! What happened, in order: for pages and programs that follow live.
//!
//! Bounded: the last events are kept, and a reader holds nothing but the number of the last one
//! that it has seen. So nobody who reports waits for anybody who reads, and a reader that is too
//! slow is told what it has missed instead of missing it unawares.

use crate::finding::Finding;
use crate::mail::{MessageId, QueueId, SessionId};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Events that are kept, where names within them count as well.
const HISTORY: usize = 65_536;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A message was taken.
    Message(MessageId),
    /// A client connected.
    SessionBegan(SessionId),
    /// A session ended.
    SessionEnded(SessionId),
    /// The client of a session did something wrong.
    Finding(SessionId, Arc<Finding>),
    /// Messages are gone.
    Deleted(Vec<MessageId>),
    /// All messages up to this one are gone.
    DeletedUpTo(MessageId),
    /// An entry of the queue of mail that goes on has changed, and whether it has come to its end by that.
    Queue(QueueId, bool),
    /// Messages were read or tagged.
    Marked(Vec<MessageId>),
}

/// A change and its number. Numbers rise by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number in this run, from 1.
    pub number: u64,
    /// What happened.
    pub change: Change,
}

/// The events of this run.
#[derive(Debug)]
pub struct Events {
    run: String,
    history: Mutex<History>,
    happened: Notify,
}

#[derive(Debug, Default)]
struct History {
    events: VecDeque<Arc<Event>>,
    last: u64,
    weight: usize,
}

/// Why a reader cannot go on where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("events up to {lost} are no longer kept")]
pub struct Lost {
    /// The last of those that are gone.
    pub lost: u64,
}

impl Change {
    fn weight(&self) -> usize {
        match self {
            Self::Deleted(ids) | Self::Marked(ids) => 1 + ids.len(),
            _ => 1,
        }
    }
}

impl Events {
    pub(super) fn new(run: String) -> Self {
        Self { run, history: Mutex::default(), happened: Notify::new() }
    }

    /// Names this run of the program, so that numbers of another are not taken for its own.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Reports a change. Never waits for a reader.
    pub fn report(&self, change: Change) {
        let mut history = self.history();
        history.last += 1;
        history.weight += change.weight();
        let event = Event { number: history.last, change };
        history.events.push_back(Arc::new(event));
        while history.weight > HISTORY && history.events.len() > 1 {
            if let Some(gone) = history.events.pop_front() {
                history.weight -= gone.change.weight();
            }
        }
        drop(history);
        self.happened.notify_waiters();
    }

    /// The number of the last event; 0 before the first.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.history().last
    }

    /// The events behind that number, in order, at most so many.
    ///
    /// # Errors
    /// Where one of them is no longer kept.
    pub fn after(&self, number: u64, limit: usize) -> Result<Vec<Arc<Event>>, Lost> {
        let history = self.history();
        let first = history.events.front().map_or(history.last + 1, |event| event.number);
        if number + 1 < first {
            return Err(Lost { lost: first - 1 });
        }
        let skipped = usize::try_from(number + 1 - first).unwrap_or(usize::MAX);
        Ok(history.events.iter().skip(skipped).take(limit).cloned().collect())
    }

    /// Waits until there is an event behind that number.
    pub async fn happened_after(&self, number: u64) {
        let happened = self.happened.notified();
        tokio::pin!(happened);
        // Registered before looking, so that a change in between is not missed.
        happened.as_mut().enable();
        if self.last() <= number {
            happened.await;
        }
    }

    fn history(&self) -> MutexGuard<'_, History> {
        // Nothing panics while it is locked; if it did, what is in it is whole.
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    fn message(number: u64) -> MessageId {
        MessageId::new(number).unwrap()
    }

    #[test]
    fn a_reader_gets_everything_in_order_or_is_told() {
        let events = Events::new("run".into());
        for number in 1..=10 {
            events.report(Change::Message(message(number)));
        }
        let got = events.after(7, 2).unwrap();
        assert_eq!(got.iter().map(|event| event.number).collect::<Vec<_>>(), [8, 9]);
        assert!(events.after(10, 9).unwrap().is_empty());
        let ids = vec![message(1); HISTORY - 5];
        events.report(Change::Deleted(ids));
        // The names weigh as much as events of their own.
        assert_eq!(events.after(5, 9), Err(Lost { lost: 6 }));
        assert_eq!(events.after(6, 9).unwrap().len(), 5);
        events.report(Change::Deleted(vec![message(1); HISTORY]));
        assert_eq!(events.after(11, 9).unwrap()[0].number, 12, "the last one always stays");
    }

    #[tokio::test]
    async fn waiting_ends_with_the_next_event() {
        let events = Arc::new(Events::new("run".into()));
        events.happened_after(0).now_or_never_is_pending();
        let waiting = tokio::spawn({
            let events = Arc::clone(&events);
            async move { events.happened_after(0).await }
        });
        events.report(Change::Message(message(1)));
        waiting.await.unwrap();
        events.happened_after(0).await;
    }

    /// A look at a future that must not be done.
    trait Pending: Future<Output = ()> + Sized {
        fn now_or_never_is_pending(self) {
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(std::pin::pin!(self).poll(&mut context).is_pending());
        }
    }

    impl<F: Future<Output = ()>> Pending for F {}
}
