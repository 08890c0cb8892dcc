//! How terms are written, so that they are read back as the same.
//!
//! Puts into quotes whatever could be taken for something else.

use super::{Words, lex};
use std::fmt;

/// A key and words.
pub(super) fn keyed(f: &mut fmt::Formatter<'_>, key: &str, words: &Words) -> fmt::Result {
    write!(f, "{key}:")?;
    self::words(f, words)
}

/// A key and a value that is compared as a whole.
pub(super) fn exact(f: &mut fmt::Formatter<'_>, key: &str, text: &str) -> fmt::Result {
    write!(f, "{key}:")?;
    value(f, text)
}

/// Words without a key, or behind one.
pub(super) fn words(f: &mut fmt::Formatter<'_>, words: &Words) -> fmt::Result {
    value(f, words.text())?;
    f.write_str(if words.is_prefix() { "*" } else { "" })
}

/// A value as it is, or in quotes if it could be taken for something else.
fn value(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    if lex::is_plain(text) {
        return f.write_str(text);
    }
    write!(f, "\"{}\"", text.replace('\\', r"\\").replace('"', r#"\""#))
}
