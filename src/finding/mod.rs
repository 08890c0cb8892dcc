//! Findings: what a client did wrong, by name, and what to change about it.
//!
//! [`of`] is a pure function from what was seen of a client. This room knows no socket, no clock and no store,
//! and says only what the evidence carries: a false finding is worse than a missing one.

mod client;
mod code;
mod ehlo;
mod letter;
mod of;
mod said;
mod sequence;
mod strict;
pub mod text;
mod words;

pub use client::Client;
pub use code::{Code, Severity};
pub use letter::{Letter, Letters};
pub use of::{Observed, besides, client, is_no_server, of, of_message};
pub use said::Finding;
pub use sequence::{Attempts, MessageKey, Patience, Sequences};
pub use strict::Strict;
