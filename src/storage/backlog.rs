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
pub(super) struct Backlog(AtomicU64);

impl Backlog {
    /// What a message of so many octets will need.
    pub(super) fn of_message(octets: usize) -> u64 {
        WRITTEN * (octets as u64).min(SEARCHED)
    }

    /// Octets of the disk that will be needed.
    pub(super) fn octets(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// A message was kept.
    pub(super) fn add(&self, octets: usize) {
        self.0.fetch_add(Self::of_message(octets), Ordering::SeqCst);
    }

    /// What was counted so much has been taken in; with `is_all`, everything has.
    pub(super) fn take(&self, counted: u64, is_all: bool) {
        let rest = |now: u64| Some(if is_all { 0 } else { now.saturating_sub(counted) });
        // It always gives a new value, so it cannot fail.
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, rest);
    }
}
