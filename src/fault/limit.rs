//! Real rate limiters: so many in a time, a bucket for each thing that is limited apart.
//!
//! Buckets that are full again are forgotten; where too many are not, all are, so that memory stays bounded.

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// Things that have a bucket, at most.
const BUCKETS: usize = 50_000;

/// One limiter.
pub(super) struct Limiter {
    quota: Quota,
    buckets: RwLock<DefaultKeyedRateLimiter<String>>,
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Limiter of {:?}", self.quota)
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
        Self { quota, buckets: RwLock::new(RateLimiter::keyed(quota)) }
    }

    /// Whether one more is too many now.
    pub(super) fn is_over(&self, key: &String) -> bool {
        if self.held() >= BUCKETS {
            self.forget();
        }
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        buckets.check_key(key).is_err()
    }

    /// How many have a bucket.
    pub(super) fn held(&self) -> usize {
        self.buckets.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn forget(&self) {
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        buckets.retain_recent();
        // To look through many again for each one that comes would take too long.
        if buckets.len() > BUCKETS / 2 {
            *buckets = RateLimiter::keyed(self.quota);
        }
    }
}
