//! The doors that are open, and what each has seen.

use crate::smtp::Policy;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// One open door.
#[derive(Debug)]
pub struct Door {
    /// The port that it stands for, where it stands for one.
    pub stands_for: Option<u16>,
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// How it behaves.
    pub policy: Arc<Policy>,
    /// What it has seen so far.
    pub counts: Counts,
}

impl Door {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.policy.door
    }

    /// Whether it is closed because somebody asked for it: connections are refused.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.counts.closed.load(Ordering::Relaxed) > 0
    }

    /// Whether each of its listeners takes connections, or was closed on request.
    #[must_use]
    pub fn is_accepting(&self) -> bool {
        let open = self.counts.accepting.load(Ordering::Relaxed);
        open + self.counts.closed.load(Ordering::Relaxed) >= self.addresses.len()
    }
}

/// What a door has seen so far.
#[derive(Debug, Default)]
pub struct Counts {
    sessions: AtomicU64,
    messages: AtomicU64,
    refused: AtomicU64,
    turned_away: AtomicU64,
    accepting: AtomicUsize,
    closed: AtomicUsize,
}

/// A listener that is closed on request, until this is dropped.
#[derive(Debug)]
pub struct Closed<'a>(&'a Counts);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.closed.fetch_sub(1, Ordering::Relaxed);
        self.0.listener_began();
    }
}

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident, $add:ident) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name(&self) -> u64 {
            self.$name.load(Ordering::Relaxed)
        }

        /// Counts one more; gives the new number.
        pub fn $add(&self) -> u64 {
            self.$name.fetch_add(1, Ordering::Relaxed) + 1
        }
    };
}

impl Counts {
    /// One more listener takes connections.
    pub fn listener_began(&self) {
        self.accepting.fetch_add(1, Ordering::Relaxed);
    }

    /// A listener is closed because somebody asked for it.
    #[must_use]
    pub fn is_closed_on_request(&self) -> Closed<'_> {
        self.closed.fetch_add(1, Ordering::Relaxed);
        self.listener_ended();
        Closed(self)
    }

    /// One listener less does.
    pub fn listener_ended(&self) {
        self.accepting.fetch_sub(1, Ordering::Relaxed);
    }

    counter! {
        /// Connections that became sessions.
        sessions, add_session
    }
    counter! {
        /// Messages kept.
        messages, add_message
    }
    counter! {
        /// Sessions in which something was refused, or that failed.
        refused, add_refused
    }
    counter! {
        /// Connections over a cap, which became no session.
        turned_away, add_turned_away
    }
}
