//! The protocol, pure: no socket, no clock, no database, no tokio.
//!
//! A [`Session`] is one client's conversation. Bytes, outcomes and the time go in
//! ([`Session::handle`]), actions come out ([`Action`]): send this reply, begin TLS, keep this
//! message, close. Everything that a door does differently from another is in its [`Policy`].

pub mod auth;
pub mod budget;
pub mod client;
pub mod client_hello;
pub mod command;
mod data;
mod extension;
pub mod judge;
pub mod misbehave;
mod parameter;
mod plain;
pub mod policy;
pub mod replies;
pub mod reply;
mod session;
pub mod transcript;

pub use auth::{Directory, Mechanism};
pub use budget::Budget;
pub use client_hello::ClientHello;
pub use extension::HIDEABLE;
pub use misbehave::Misbehave;
pub use policy::Policy;
pub use reply::Reply;
pub use session::{
    Action, Context, Ended, Incoming, Input, Refusal, Session, TlsFacts, Transaction, Verdict,
    Vouch,
};
pub use transcript::{Note, Transcript};
