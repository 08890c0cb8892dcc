//! Memory for mail in flight: one cap over all sessions, so that many large messages at once are
//! refused with 452 4.3.1 instead of ending the program.
//!
//! A [`Reservation`] takes from the [`Budget`] and gives back when dropped. The counter is one
//! atomic number that is touched once per 64 KiB of mail data and never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much a reservation takes at a time.
const STEP: u64 = 64 * 1024;

/// Octets of mail data that may be in memory before they are handed to the store.
#[derive(Debug)]
pub struct Budget {
    free: AtomicU64,
}

impl Budget {
    /// A budget of so many octets.
    #[must_use]
    pub fn new(octets: u64) -> Arc<Self> {
        Arc::new(Self { free: AtomicU64::new(octets) })
    }

    /// Octets that are not taken.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }

    fn take(&self, octets: u64) -> bool {
        let taken = |free: u64| free.checked_sub(octets);
        self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).is_ok()
    }
}

/// A part of the budget, held by one message.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    held: u64,
}

impl Reservation {
    /// A reservation that holds nothing yet.
    #[must_use]
    pub fn new(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), held: 0 }
    }

    /// Makes sure that at least `octets` are held; false where the budget has no room.
    #[must_use]
    pub fn grow_to(&mut self, octets: u64) -> bool {
        if octets <= self.held {
            return true;
        }
        let wanted = octets.div_ceil(STEP).saturating_mul(STEP) - self.held;
        let granted = self.budget.take(wanted);
        if granted {
            self.held += wanted;
        }
        granted
    }
}

impl Reservation {
    /// Gives everything back.
    pub fn release(&mut self) {
        let held = std::mem::take(&mut self.held);
        self.budget.free.fetch_add(held, Ordering::Relaxed);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_comes_back() {
        let budget = Budget::new(3 * STEP);
        let mut one = Reservation::new(&budget);
        let mut two = Reservation::new(&budget);
        assert!(one.grow_to(1) && one.grow_to(STEP + 1));
        assert_eq!(budget.free(), STEP);
        assert!(two.grow_to(STEP) && !two.grow_to(STEP + 1));
        drop(one);
        assert!(two.grow_to(STEP + 1));
        drop(two);
        assert_eq!(budget.free(), 3 * STEP);
    }
}
