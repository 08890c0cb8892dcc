//! The field's vocabulary: domains, mailboxes, paths, envelopes.
//!
//! Values here are made by parsing what a client sent (RFC 5321 §4.1.2, RFC 6531) and keep its
//! spelling; what does not follow the grammar cannot be built. This module imports nothing of
//! doorpost: every other room speaks these words.

mod domain;
mod envelope;
mod mailbox;
mod path;
mod xtext;

pub use domain::{Domain, DomainError};
pub use envelope::{Body, Envelope, MessageId, Notify, QueueId, Recipient, Ret, SessionId};
pub use mailbox::{Mailbox, MailboxError};
pub use path::{ForwardPath, PathError, ReversePath};
pub use xtext::{decode_xtext, encode_xtext};
