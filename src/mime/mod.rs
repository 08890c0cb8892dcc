//! Stored messages read for people. Done when somebody looks, never in order to store.
//!
//! Everything here is pure: bytes in, values out. A message is whatever some program sent, so what
//! is broken is absent, never an error, and what is too large is cut and marked ([`Mark`]): reading
//! takes time and memory in proportion to the bytes, and no depth of nesting can use up the stack.
//!
//! [`Summary`] is what a list shows, [`Reading`] everything, [`Searchable`] what an index takes in;
//! [`part`] gives one part's content. [`links`], [`images`] and [`codes`] look through a reading the
//! way tests do.
//!
//! The parts are found by a scan of our own (`structure`), because general parsers build a tree as
//! deep as the sender likes, and so are encoded words (`encoded_word`); `mail-parser` reads addresses, dates, parameters,
//! the charsets and the entities.

mod charset;
mod codes;
mod content;
mod encoded_word;
mod file_name;
mod header;
mod html;
mod limits;
mod links;
mod parameters;
mod parts;
mod reading;
mod searchable;
mod structure;
mod summary;
mod transfer;
mod urls;

#[cfg(test)]
mod tests;

pub use codes::{Code, codes};
pub use header::{HeaderField, field_text};
pub use limits::Mark;
pub use links::{Found, Image, Link, images, links};
pub use parts::{Attachment, Content, Contents, Part, part};
pub use reading::Reading;
pub use searchable::{Searchable, header_lines};
pub use summary::{Correspondent, Summary};
