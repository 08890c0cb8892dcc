//! How often each mistake of a client was found since the start.

use crate::finding::{Code, Finding};
use std::sync::atomic::{AtomicU64, Ordering};

/// A count for each code.
#[derive(Debug)]
pub(super) struct FindingCounts(Vec<AtomicU64>);

impl Default for FindingCounts {
    fn default() -> Self {
        Self(Code::ALL.iter().map(|_| AtomicU64::new(0)).collect())
    }
}

impl FindingCounts {
    /// One more.
    pub(super) fn count(&self, finding: &Finding) {
        let at = finding.code().and_then(|code| Code::ALL.iter().position(|one| *one == code));
        if let Some(count) = at.and_then(|at| self.0.get(at)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Each code and its count.
    pub(super) fn counts(&self) -> impl Iterator<Item = (Code, u64)> + '_ {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        Code::ALL.iter().copied().zip(counts)
    }
}
