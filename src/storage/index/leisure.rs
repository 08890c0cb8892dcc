//! When the index works: at once where somebody waits for it; a moment later where mail comes now and then, so that one
//! transaction serves many; and where mail comes quickly, when that is over, or when so much waits that whoever asks
//! would have to wait for long.
//!
//! Each message costs the index the same whenever it is taken in. But while mail comes quickly the doors, and the program
//! that sends, want all processors there are.

use super::schema::Place;
use super::worker::{TOGETHER, Worker};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long changes gather that nobody waits for.
const GATHER: Duration = Duration::from_millis(20);
/// Changes a second that are a rush.
const RUSH: f64 = 1000.0;
/// The same in octets of the [`Backlog`](crate::storage::backlog::Backlog), where the messages are large.
const RUSH_OCTETS: f64 = 48e6;
/// Changes that may wait for the end of a rush: they take two or three seconds.
const MOST: u64 = 100_000;
/// How long all that waits may take, where the messages are large: whoever asks waits for it.
const MOST_WORK: Duration = Duration::from_secs(4);
/// What may wait as long as nothing is known of that, by the backlog: with prose it takes as long. Words that are all
/// different take twenty times as long as lines of one letter.
const MOST_UNKNOWN: u64 = 512 << 20;
/// What may wait in any case if it will need the disk: so much is kept free for it.
const MOST_ON_DISK: u64 = 512 << 20;
/// Octets of the backlog that tell how long others will take; with fewer it is the transaction that takes its time.
const TELLING: u64 = 256 << 10;
/// Work that tells how long other will take: Linux counts in ticks of some milliseconds.
const TELLING_WORK: Duration = Duration::from_millis(20);
/// How long the end of the program may take for what is left; the next start takes in the rest.
const LAST_WORK: Duration = Duration::from_secs(2);

/// How quickly changes come.
#[derive(Debug)]
pub(super) struct Pace {
    looked: Instant,
    seen: Come,
}

/// What has come ever: changes, and octets by the backlog.
#[derive(Clone, Copy, Debug, Default)]
struct Come {
    changes: u64,
    octets: u64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { looked: Instant::now(), seen: Come::default() }
    }

    /// Looks on from here, whatever was before.
    fn begins(&mut self, come: Come, now: Instant) {
        *self = Self { looked: now, seen: come };
    }

    /// Whether changes, or octets, have come quickly since this was asked last.
    fn is_rush(&mut self, come: Come, now: Instant) -> bool {
        let seconds = now.duration_since(self.looked).as_secs_f64();
        let changes = come.changes.saturating_sub(self.seen.changes);
        let octets = come.octets.saturating_sub(self.seen.octets);
        self.begins(come, now);
        // No machine sends so many that this loses anything.
        #[expect(clippy::cast_precision_loss)]
        let is_rush = changes as f64 / RUSH + octets as f64 / RUSH_OCTETS >= seconds;
        changes > 0 && is_rush
    }
}

/// How long it takes to take in messages, by what was taken in before.
#[derive(Debug, Default)]
pub(super) struct Effort {
    /// For an octet of the backlog, of late.
    seconds: Option<f64>,
    /// What was taken in since that was reckoned, and how long it took.
    since: (u64, Duration),
}

impl Effort {
    /// So many octets of the backlog took so long.
    pub(super) fn took(&mut self, octets: u64, time: Duration) {
        if octets < TELLING {
            return;
        }
        let (octets, time) = (self.since.0 + octets, self.since.1 + time);
        if time < TELLING_WORK {
            self.since = (octets, time);
            return;
        }
        self.since = (0, Duration::ZERO);
        // No transaction holds so many that this loses anything.
        #[expect(clippy::cast_precision_loss)]
        let seconds = time.as_secs_f64() / octets as f64;
        self.seconds = Some(self.seconds.map_or(seconds, |before| (before + seconds) / 2.0));
    }

    /// Octets of the backlog that may wait.
    fn most_octets(&self) -> u64 {
        // What is too much for the type is too much for any memory, so it may be cut off there.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let most = |seconds| (MOST_WORK.as_secs_f64() / seconds) as u64;
        self.seconds.map_or(MOST_UNKNOWN, most)
    }
}

impl Worker {
    /// Returns when it is time to write what waits.
    pub(super) fn gather(&mut self) {
        let is_much = self.waiting() >= TOGETHER as u64;
        if self.is_urgent() || (is_much && !self.is_rush()) {
            return;
        }
        if !is_much {
            // A rush may begin here: how long nothing came before says nothing of it.
            self.pace.begins(self.come(), Instant::now());
        }
        loop {
            let is_asked = self.progress.gather(GATHER);
            if is_asked || self.is_urgent() || !self.is_rush() {
                return;
            }
        }
    }

    fn is_urgent(&self) -> bool {
        let most_octets = match self.place {
            Place::Memory(_) => self.effort.most_octets(),
            Place::File(_) => self.effort.most_octets().min(MOST_ON_DISK),
        };
        (self.is_awaited)() || self.waiting() >= MOST || self.backlog.octets() >= most_octets
    }

    fn is_rush(&mut self) -> bool {
        self.pace.is_rush(self.come(), Instant::now())
    }

    fn come(&self) -> Come {
        Come { changes: self.sent.load(Ordering::SeqCst), octets: self.backlog.ever() }
    }

    /// Whether the program has ended for so long that the rest is left to the next start.
    pub(super) fn is_out_of_time(&self) -> bool {
        self.progress.stopping_for().is_some_and(|time| time > LAST_WORK)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use crate::storage::testing::arrival;
    use crate::storage::{Settings, Store};

    #[test]
    fn a_rush_is_many_changes_for_their_time() {
        let mut pace = Pace::new();
        let start = pace.looked;
        let at = |millis| start + Duration::from_millis(millis);
        let come = |changes, octets| Come { changes, octets };
        assert!(!pace.is_rush(come(10, 0), at(20)), "500 a second");
        assert!(pace.is_rush(come(60, 0), at(40)), "2,500 a second");
        assert!(!pace.is_rush(come(60, 0), at(60)), "none");
        assert!(!pace.is_rush(come(60, 0), at(60)), "none, in no time");
        assert!(pace.is_rush(come(61, 0), at(60)), "one, in no time");
        assert!(!pace.is_rush(come(62, 500_000), at(80)), "a small one");
        assert!(pace.is_rush(come(63, 3_500_000), at(100)), "a large one");
        assert!(!pace.is_rush(come(100, 3_500_000), at(1100)), "37 in a second");
        pace.begins(come(101, 3_500_000), at(5000));
        assert!(pace.is_rush(come(141, 3_500_000), at(5020)), "2,000 a second, after a pause");
    }

    #[test]
    fn as_much_may_wait_as_takes_a_few_seconds() {
        let mut effort = Effort::default();
        assert_eq!(effort.most_octets(), MOST_UNKNOWN);
        effort.took(TELLING - 1, Duration::from_secs(1));
        assert_eq!(effort.most_octets(), MOST_UNKNOWN, "a transaction of next to nothing");
        effort.took(1 << 30, Duration::from_secs(8));
        assert_eq!(effort.most_octets(), 512 << 20, "half of what took eight");
        for _ in 0..20 {
            effort.took(1 << 30, Duration::from_secs(2));
        }
        let now = effort.most_octets();
        assert!(now > 2000 << 20 && now <= 2048 << 20, "{now}");
        effort.took(1 << 30, Duration::ZERO);
        assert_eq!(effort.most_octets(), now, "less than a tick");
        effort.took(1 << 30, Duration::from_secs(1));
        assert!(effort.most_octets() > now, "two in a second");
    }

    /// Nothing is taken in while mail comes quickly and nobody asks; whoever asks finds everything at once.
    #[test]
    fn a_rush_goes_before_the_index_and_a_question_before_the_rush() {
        let store = Store::open(&Settings::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let keep = || runtime.block_on(store.keep(arrival(), "\r\nx".into())).unwrap();
        let end = Instant::now() + Duration::from_millis(200);
        let (mut kept, mut behind) = (0, 0);
        while Instant::now() < end && kept < MOST / 2 {
            keep();
            kept += 1;
            behind = store.index_is_behind_by().max(behind);
        }
        // A machine that is very slow has no rush; one that pauses has several.
        if kept > 2000 {
            assert!(behind > kept / 4, "{behind} of {kept}");
        }
        assert_eq!(store.unread(), Ok(kept));
        assert_eq!(store.index_is_behind_by(), 0);
    }

    #[test]
    fn what_a_rush_left_is_taken_in_when_it_is_over() {
        let store = Store::open(&Settings::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for _ in 0..3000 {
            runtime.block_on(store.keep(arrival(), "\r\nx".into())).unwrap();
        }
        let end = Instant::now() + Duration::from_secs(60);
        while store.index_is_behind_by() > 0 {
            assert!(Instant::now() < end, "nobody asks, and it never comes to it");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
