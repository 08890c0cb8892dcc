//! What must hold whatever comes in, target by target: [`check`](session::check) stops at the first thing that does not. The fuzzer calls
//! these with inputs that it makes up, and `tests/corpus.rs` with those in `corpus/`.

pub mod auth;
pub mod bdat;
pub mod client_hello;
pub mod config;
pub mod mime;
pub mod paths;
pub mod query;
pub mod scenario;
pub mod session;
pub mod shell;
