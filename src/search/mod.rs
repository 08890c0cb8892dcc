//! The query language in which caught messages are looked for: text in, a checked tree out.
//!
//! It is the one people know from Gmail and Mailpit:
//!
//! | written | finds |
//! |---|---|
//! | `invoice` | messages with that word, in a header field, the text or an attachment's name |
//! | `"your code is"` | these words in a row |
//! | `inv*`, `"your co"*` | a word, or the last of a phrase, that begins so |
//! | `a b`, `a AND b` | both |
//! | `a OR b` | one of them at least; `a b OR c` is `a (b OR c)`, as in Gmail |
//! | `-a`, `!a`, `-(a b)` | messages that `a` does not find |
//! | `from:` `to:` `cc:` `bcc:` `reply-to:` `subject:` `header:X-Name:` | words in that header field |
//! | `envelope:` | words in the reverse-path or a forward-path |
//! | `rcpt:` | words in a forward-path, whether or not a header field names it |
//! | `message-id:` `tag:` `door:` `user:` `inbox:` | that very value |
//! | `is:read` `is:unread` `is:bounce` `has:attachment` | what the words say; a bounce has the reverse-path `<>` |
//! | `larger:10k` `smaller:1.5MB` | more or fewer octets; k, M and G are powers of 1024, as in Mailpit |
//! | `after:2026-11-22` | received then or later; a day begins at midnight UTC |
//! | `before:2026-11-22T10:00:00Z` | received earlier |
//! | `after:1h`, `before:2d` | received within the last hour; more than two days ago (s, m, h, d, w) |
//! | `id:42` | the message with that number |
//!
//! Case does not matter, except in `OR` and `AND`; accents on Latin letters do not either. A value
//! goes into quotes if it has spaces, parentheses or quotes in it; `\"` is a quote there and `\\` a
//! backslash. Words are found whole: `from:example.org` finds `alice@example.org`, `from:ample`
//! does not. `http://x`, `12:30`, `std::fmt` and `Name:` with nothing behind it are plain words.
//! A query of nothing but spaces finds everything.
//!
//! Refuses unknown keys, values that a key does not take, terms without a letter or digit, `OR`,
//! `-`, quotes and parentheses with something missing, and queries over the limits
//! ([`MAX_LENGTH`], [`MAX_TERMS`], [`MAX_DEPTH`]), each with its place ([`QueryError`]). It never
//! drops what it does not understand: a query may say what is to be deleted.
//!
//! This room is pure: it knows no store, and the time is handed in.

mod error;
mod expr;
mod fold;
mod fts;
mod key;
mod language;
mod lex;
mod messages;
mod moment;
pub(crate) mod near;
mod network;
mod parse;
mod size;
mod term;
mod words;
mod write;

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests;

pub use error::QueryError;
pub use expr::{Expr, Query};
pub use fold::searchable;
pub use fts::fts_match;
pub use language::message_keys;
pub use network::{Network, NetworkError};
pub use parse::{MAX_DEPTH, MAX_LENGTH, MAX_TERMS, parse};
pub use term::{Flag, Term};
pub use words::Words;
