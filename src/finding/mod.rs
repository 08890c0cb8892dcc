//! Findings: what a client did wrong, by name, and what to change about it.
//!
//! This room is pure: it reads what a session noted, and knows no socket, no clock and no store. It says
//! only what the evidence carries; a false finding is worse than a missing one.

mod code;
pub mod text;

pub use code::{Code, Severity};
