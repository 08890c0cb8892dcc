//! Mail going on: what was caught travels to the next server, bounces come back, and who asked is told.
//!
//! The [`Router`] decides, for each message that a door takes, where it goes on to; the [`Courier`] carries what is in
//! the queue ([`crate::storage::Outbox`]) over real SMTP. Doors and API know neither: they meet in the store.
//! Nothing here connects anywhere but through [`Reach`], which knows this machine and the hosts that a person named.

mod connect;
mod courier;
mod fate;
mod hooks;
mod line;
mod report;
mod router;
mod trace;

pub use connect::{ConnectError, Reach};
pub use courier::Courier;
pub use hooks::Hooks;
pub use router::Router;
