//! Counting, one thing apart from another. What has not come again for long is forgotten where there is
//! more than can be remembered.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Things that are told apart, in each of two generations.
const REMEMBERED: usize = 50_000;

/// Times that are remembered in each generation, over all things.
const REMEMBERED_TIMES: usize = 1_000_000;

/// What is known of one thing.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// How often it came, this time included.
    pub(super) times: u64,
    /// When it came first.
    pub(super) first: Instant,
    /// When it came last, this time not included: as many as were asked for.
    pub(super) recent: VecDeque<Instant>,
}

/// Counters.
#[derive(Debug, Default)]
pub(super) struct Counters {
    young: HashMap<String, Counted>,
    old: HashMap<String, Counted>,
    /// Times that are remembered of the young.
    times: usize,
}

impl Counters {
    /// Counts a thing, and remembers its last `recent` times.
    pub(super) fn count(&mut self, key: String, now: Instant, recent: usize) -> Counted {
        if self.young.len() >= REMEMBERED || self.times >= REMEMBERED_TIMES {
            self.old = std::mem::take(&mut self.young);
            self.times = 0;
        }
        let before = self.old.remove(&key);
        self.times += before.as_ref().map_or(0, |before| before.recent.len());
        let fresh = || Counted { times: 0, first: now, recent: VecDeque::new() };
        let counted = self.young.entry(key).or_insert_with(|| before.unwrap_or_else(fresh));
        counted.times += 1;
        let told = counted.clone();
        if recent > 0 {
            counted.recent.push_back(now);
            self.times += 1;
            while counted.recent.len() > recent {
                counted.recent.pop_front();
                self.times -= 1;
            }
        }
        told
    }

    /// How many things are known.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

impl Counted {
    /// Whether so many came within the time before now.
    pub(super) fn came(&self, number: usize, within: Duration, now: Instant) -> bool {
        let earliest = now.checked_sub(within);
        let recently = |at: &&Instant| earliest.is_none_or(|earliest| **at >= earliest);
        self.recent.iter().filter(recently).count() >= number
    }
}

/// A number between 0 and 1 that follows from the seed and from what it is about: the same every time,
/// whatever else happens.
pub(super) fn chance(seed: u64, rule: &str, key: &str, times: u64) -> f64 {
    let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
    let mut mix = |octets: &[u8]| {
        // FNV-1a's step, then a finaliser that spreads its bits.
        for octet in octets {
            state = (state ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        state ^= state >> 32;
        state = state.wrapping_mul(0xd6e8_feb8_6659_fd93);
        state ^= state >> 32;
    };
    mix(rule.as_bytes());
    mix(key.as_bytes());
    mix(&times.to_le_bytes());
    (state >> 11) as f64 / (1_u64 << 53) as f64
}
