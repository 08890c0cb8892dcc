//! What comes after the 250: a message that was taken, and bounces, or is complained of, some time later. Asked for by
//! rules (`do = { later = "bounce", after = "10s" }`) and by magic addresses.
//!
//! This says what and when; to write and to send it is the outbound room's part.

use super::engine::Faults;
use super::magic;
use super::scenario::Deed;
use crate::smtp::Reply;
use crate::smtp::misbehave::Occasion;
use std::time::{Duration, Instant};

/// Time after the 250 where none is named.
pub const USUAL_DELAY: Duration = Duration::from_secs(2);

/// Something that comes later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// What.
    pub what: What,
    /// So long after the 250.
    pub after: Duration,
    /// The reply that a bounce tells of.
    pub reply: Option<Reply>,
}

/// What comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A delivery status notification that says `failed` (RFC 3464).
    Bounce,
    /// One that says `delayed`.
    Delay,
    /// One that says `delivered`, where NOTIFY asks for it (RFC 3461).
    Success,
    /// One that says `expanded`, where NOTIFY asks for it.
    Expanded,
    /// An answer of somebody who is away (RFC 3834).
    OutOfOffice,
    /// A complaint (RFC 5965).
    Complaint,
}

impl What {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Bounce,
        Self::Delay,
        Self::Success,
        Self::Expanded,
        Self::OutOfOffice,
        Self::Complaint,
    ];

    /// Its name in a scenario.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Delay => "delay",
            Self::Success => "success",
            Self::Expanded => "expanded",
            Self::OutOfOffice => "out-of-office",
            Self::Complaint => "complaint",
        }
    }
}

impl Faults {
    /// What comes later because of a message that was taken for one recipient, the only one of the occasion.
    #[must_use]
    pub fn later(&self, occasion: &Occasion<'_>) -> Vec<Later> {
        let now = Instant::now();
        let mut found = Vec::new();
        for one in self.scenarios(occasion) {
            for (rule, tally) in one.scenario.rules.iter().zip(&one.tallies) {
                if let Deed::Later(later) = &rule.deed
                    && tally
                        .strikes_at(one.scenario.seed.unwrap_or_default(), rule, occasion, now)
                        .is_some()
                {
                    found.push(later.clone());
                }
            }
        }
        if self.has_magic() {
            found.extend(magic::later(occasion));
        }
        found
    }

    /// Whether any rule asks for something later.
    #[must_use]
    pub fn has_later(&self) -> bool {
        self.has_deed(|deed| matches!(deed, Deed::Later(_)))
    }
}
