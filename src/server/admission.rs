//! Who may connect: caps over all clients and for each address.

use super::Caps;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts connections. Touched when one begins and ends, never for a message.
#[derive(Debug)]
pub(super) struct Admission {
    caps: Caps,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    counts: Arc<Mutex<Counts>>,
    address: IpAddr,
}

impl Admission {
    pub(super) fn new(caps: Caps) -> Self {
        Self { caps, counts: Arc::default() }
    }

    /// A place for a client, or `None` where a cap is reached.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut counts = lock(&self.counts);
        let from_address = counts.by_address.get(&address).copied().unwrap_or(0);
        if counts.all >= self.caps.connections || from_address >= self.caps.per_address {
            return None;
        }
        counts.all += 1;
        counts.by_address.insert(address, from_address + 1);
        Some(Place { counts: Arc::clone(&self.counts), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        counts.all -= 1;
        if let Some(from_address) = counts.by_address.get_mut(&self.address) {
            *from_address -= 1;
            if *from_address == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    // Nothing panics between lock and unlock; the counts are right in any case.
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_hold_and_places_come_back() {
        let admission = Admission::new(Caps { connections: 3, per_address: 2 });
        let [one, two, three] = [1, 2, 3].map(|n| IpAddr::from([127, 0, 0, n]));
        let first = admission.admit(one);
        let second = admission.admit(one);
        assert!(first.is_some() && second.is_some() && admission.admit(one).is_none());
        let third = admission.admit(two);
        assert!(third.is_some() && admission.admit(three).is_none());
        drop(first);
        assert!(admission.admit(three).is_some());
    }
}
