//! What the index has still to take in, in octets: room that it will need on the disk.
//!
//! An estimate that errs upwards, and never for long: whenever the index knows everything, it is nothing.

use std::sync::atomic::{AtomicU64, Ordering};

/// Octets of one message that are searched at most, and so written into the index.
const SEARCHED: u64 = 1 << 20;
/// Octets that the index may write for one of a message: into its log, and then into its place.
const WRITTEN: u64 = 3;

/// Room that the index will need for the messages that it has still to take in.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    needed: AtomicU64,
    /// The same for all messages that ever came.
    ever: AtomicU64,
}

impl Backlog {
    /// What a message of so many octets will need.
    pub(super) fn of_message(octets: usize) -> u64 {
        WRITTEN * (octets as u64).min(SEARCHED)
    }

    /// Octets of the disk that will be needed.
    pub(super) fn octets(&self) -> u64 {
        self.needed.load(Ordering::SeqCst)
    }

    /// As many as would have been needed if nothing had ever been taken in.
    pub(super) fn ever(&self) -> u64 {
        self.ever.load(Ordering::SeqCst)
    }

    /// A message was kept.
    pub(super) fn add(&self, octets: usize) {
        let needed = Self::of_message(octets);
        self.needed.fetch_add(needed, Ordering::SeqCst);
        self.ever.fetch_add(needed, Ordering::SeqCst);
    }

    /// What was counted so much has been taken in; with `is_all`, everything has.
    pub(super) fn take(&self, counted: u64, is_all: bool) {
        let rest = |now: u64| Some(if is_all { 0 } else { now.saturating_sub(counted) });
        // It always gives a new value, so it cannot fail.
        let _ = self.needed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, rest);
    }
}
