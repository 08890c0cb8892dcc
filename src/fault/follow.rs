//! Who acts when a scenario is put in force, and who waits until that is done: a door that is to be closed is closed by
//! then. Nobody is waited for without end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// A port that somebody else took meanwhile may never come back.
const LONGEST: Duration = Duration::from_secs(2);

/// How often a scenario was put in force, and how far those who follow have come.
#[derive(Debug, Default)]
pub(super) struct Changes {
    count: watch::Sender<u64>,
    followers: Mutex<Vec<watch::Receiver<u64>>>,
}

/// One who acts on every change; gone when this is dropped.
#[derive(Debug)]
pub struct Follower {
    count: watch::Receiver<u64>,
    done: watch::Sender<u64>,
}

impl Changes {
    pub(super) fn one_more(&self) {
        self.count.send_modify(|count| *count += 1);
    }

    pub(super) fn follow(&self) -> Follower {
        let done = watch::Sender::new(0);
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are gone make room.
        followers.retain(|one| one.has_changed().is_ok());
        followers.push(done.subscribe());
        Follower { count: self.count.subscribe(), done }
    }

    pub(super) async fn settled(&self) {
        let count = *self.count.borrow();
        let followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let all = async {
            for mut done in followers {
                // One that is gone has nothing left to do.
                let _ = done.wait_for(|done| *done >= count).await;
            }
        };
        // Whoever asks has waited long enough either way.
        let _ = tokio::time::timeout(LONGEST, all).await;
    }
}

impl Follower {
    /// The change that is to be acted on; to be asked before the scenario is.
    pub fn begin(&mut self) -> u64 {
        *self.count.borrow_and_update()
    }

    /// What that change asks for is done.
    pub fn has_done(&self, change: u64) {
        self.done.send_replace(change);
    }

    /// Waits for a change behind the one that was begun with; without end where nobody is left who could make one.
    pub async fn changed(&mut self) {
        if self.count.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
