//! The query language in which messages and sessions are looked for: text in, a checked tree out.
//!
//! It is the one people know from Gmail and Mailpit. Both kinds of query have this:
//!
//! | written | finds |
//! |---|---|
//! | `invoice` | messages with that word, in a header field, the text or an attachment's name; sessions with it in the transcript |
//! | `"your code is"` | these words in a row |
//! | `inv*`, `"your co"*` | a word, or the last of a phrase, that begins so |
//! | `a b`, `a AND b` | both |
//! | `a OR b` | one of them at least; `a b OR c` is `a (b OR c)`, as in Gmail |
//! | `-a`, `!a`, `-(a b)` | what `a` does not find |
//! | `after:2026-11-22` | received, or begun, then or later; a day begins at midnight UTC |
//! | `before:2026-11-22T10:00:00Z` | earlier |
//! | `after:1h`, `before:2d` | within the last hour; more than two days ago (s, m, h, d, w) |
//! | `door:` `user:` | that very door, and who had logged in |
//! | `finding:bare-lf` | the client did that very thing wrong |
//! | `id:42` | the message, or the session, with that number |
//!
//! Messages ([`parse`]) are also found by:
//!
//! | written | finds |
//! |---|---|
//! | `from:` `to:` `cc:` `bcc:` `reply-to:` `subject:` `header:X-Name:` | words in that header field |
//! | `envelope:` | words in the reverse-path or a forward-path |
//! | `rcpt:` | words in a forward-path, whether or not a header field names it |
//! | `message-id:` `tag:` `inbox:` | that very value |
//! | `is:read` `is:unread` `is:bounce` `has:attachment` | what the words say; a bounce has the reverse-path `<>`, or is a report of one |
//! | `larger:10k` `smaller:1.5MB` | more or fewer octets; k, M and G are powers of 1024, as in Mailpit |
//!
//! And sessions ([`parse_sessions`]) by:
//!
//! | written | finds |
//! |---|---|
//! | `client:192.0.2.1` `client:::1` | clients with that address; IPv4 in IPv6 (`::ffff:192.0.2.1`) is the same as IPv4 |
//! | `client:10.0.0.0/8` `client:fe80::/10` | clients in that network; `::/0` is all of IPv6 and none of IPv4 |
//! | `hello:` | words in what the client called itself, in HELO or EHLO |
//! | `envelope:` | words in a reverse-path or a forward-path of one of its transactions |
//! | `code:550` `code:5xx` | a reply with that code, or with one that begins so |
//! | `is:running` `is:ended` `is:refused` `is:tls` | what the words say; refused is one where anything was, or that failed |
//! | `is:outbound` | doorpost was the client |
//! | `message:42` | the session that brought that message |
//!
//! Case does not matter, except in `OR` and `AND`; accents on Latin letters do not either, and letters are the same
//! composed and decomposed. A value goes into quotes if it has spaces, parentheses or quotes in it; `\"` is a
//! quote there and `\\` a backslash. Words are found whole: `from:example.org` finds `alice@example.org`, `from:ample`
//! does not. `http://x`, `12:30`, `std::fmt` and `Name:` with nothing behind it are plain words.
//! A query of nothing but spaces finds everything.
//!
//! Refuses unknown keys, keys of the other kind of query, values that a key does not take, terms
//! without a letter or digit, `OR`, `-`, quotes and parentheses with something missing, and queries
//! over the limits ([`MAX_LENGTH`], [`MAX_TERMS`], [`MAX_DEPTH`]), each with its place
//! ([`QueryError`]). It never drops what it does not understand: a query may say what is to be
//! deleted.
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
mod session_term;
mod sessions;
mod size;
mod term;
mod words;
mod write;

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests;

pub use error::QueryError;
pub use expr::{Expr, Query, SessionQuery};
pub use fold::searchable;
pub use fts::fts_match;
pub use language::{message_keys, session_keys};
pub use network::{Network, NetworkError};
pub use parse::{MAX_DEPTH, MAX_LENGTH, MAX_TERMS, parse, parse_sessions};
pub use session_term::{SessionFlag, SessionTerm};
pub use term::{Flag, Term};
pub use words::Words;
