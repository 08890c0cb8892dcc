//! Real rate limiters: so many in a time, a bucket for each thing that is limited apart.

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// Things that have a bucket, before those that are full again are forgotten.
const BUCKETS: usize = 50_000;

/// One limiter.
pub(super) struct Limiter(DefaultKeyedRateLimiter<String>);

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Limiter of {} buckets", self.0.len())
    }
}

impl Limiter {
    /// So many in a time, all of them at once where they come at once.
    pub(super) fn new(number: u32, period: Duration) -> Self {
        let number = NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        // A period that is no time at all limits nothing.
        let replenished = (period / number.get()).max(Duration::from_nanos(1));
        let quota = match Quota::with_period(replenished) {
            Some(quota) => quota.allow_burst(number),
            None => Quota::per_second(number),
        };
        Self(RateLimiter::keyed(quota))
    }

    /// Whether one more is too many now.
    pub(super) fn is_over(&self, key: &String) -> bool {
        if self.0.len() > BUCKETS {
            self.0.retain_recent();
        }
        self.0.check_key(key).is_err()
    }
}
