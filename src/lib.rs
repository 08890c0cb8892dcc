//! A local mail server for programs that send mail: the four ports of SMTP at once, each with its
//! own manners, every message and every conversation kept.
//!
//! Most people run the `doorpost` program. In a Rust test, [`mod@test`] is the short way:
//!
//! ```
//! # #[tokio::main]
//! # async fn main() {
//! let mail = doorpost::test::start().await;
//! // … let the program under test send to `mail.url("relay")` …
//! mail.expect_none("rcpt:carol@example.net").await;
//! # }
//! ```
//!
//! [`Doorpost`] is the server itself:
//!
//! ```
//! use doorpost::Doorpost;
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let doorpost = Doorpost::builder().user("alice", "secret").start().await?;
//! let submission = doorpost.door("submission").ok_or("no such door")?.addresses[0];
//! // … point the program under test at `submission`, let it trust `doorpost.ca_pem()` …
//! let welcome = |message: &doorpost::storage::Message| {
//!     message.envelope().forward_paths.iter().any(|to| to.path.to_string() == "bob@example.org")
//! };
//! let outcome = doorpost.wait_for(welcome, Duration::from_millis(10)).await;
//! assert!(outcome.is_err_and(|error| error.to_string().contains("none arrived at all")));
//! # let _ = submission;
//! # Ok(())
//! # }
//! ```
//!
//! Nothing is global: as many as you like run in one process, on ports that the system chooses.
//! A [`Doorpost`] stops when it is dropped.
//!
//! The rooms of the house, from the protocol outwards: [`mail`] is the vocabulary, [`smtp`] the
//! session as a pure state machine, [`mime`] reads messages for people, [`search`] is the query
//! language, [`fault`] misbehaviour on request, [`finding`] what a
//! client did wrong, [`storage`] what was caught, [`server`] the sockets, [`tls`]
//! the certificates, [`config`] what can be set, [`web`] the API,
//! [`outbound`] mail going on, [`app`] what wires them up.

pub mod app;
pub mod cli;
pub mod config;
pub mod fault;
pub mod finding;
pub mod mail;
pub mod mime;
pub mod outbound;
pub mod search;
pub mod server;
pub mod smtp;
pub mod storage;
pub mod test;
pub mod tls;
pub mod web;

pub use app::{Builder, Doorpost, NotFound, SearchError, StartError};
