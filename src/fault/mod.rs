//! Faults: a session misbehaves exactly as it was asked to, as often as it was asked to.
//!
//! A [`Scenario`] is an ordered list of rules, read from TOML: *when* (conditions and a count), *at* which
//! moment of a session, *do* what. [`Faults`] holds the scenarios that are in force, counts, and answers the
//! sessions, which ask through [`crate::smtp::Misbehave`]. Named [`presets`] are scenarios that come along;
//! [`magic`] addresses and a header ask for a fault without any configuration.
//!
//! This room knows no socket, and no clock but that of its rate limiters and of whoever waits for the doors. The same scenario, seed and mail
//! give the same faults, in whatever order connections come: nothing is drawn, odds are computed from what
//! they are about. A scenario with a mistake is refused whole.

mod count;
mod engine;
mod fits;
mod follow;
mod join;
pub mod language;
pub mod later;
mod limit;
pub mod magic;
mod pattern;
pub mod presets;
mod read;
mod scenario;
mod when;

pub use engine::{Faults, InboxWay, RuleState};
pub use follow::Follower;
pub use later::Later;
pub use read::{Mistake, ScenarioError};
pub use scenario::Scenario;

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests;
