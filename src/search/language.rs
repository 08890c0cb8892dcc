//! What one kind of query knows: its keys, and what to say about others.
//!
//! Refuses unknown keys, and tells a key of the other language from a misspelt one.

use super::error::Fault;
use super::key::{Key, Reads};
use super::{Words, messages, near, sessions};
use std::ops::Range;

/// The longest unknown key that is repeated to whoever wrote it.
const LONGEST_TOLD: usize = 20;

/// The keys of one language.
pub(super) struct Language<T: 'static> {
    /// What it looks for, in the plural.
    pub(super) finds: &'static str,
    /// What words without a key are.
    pub(super) text: fn(Words) -> T,
    /// Every key, in the order in which they are told.
    pub(super) keys: &'static [Key<T>],
    /// What other programs, or the other language, call a key of ours.
    pub(super) foreign: &'static [(&'static str, &'static str)],
    /// The other language.
    pub(super) other: Other,
}

/// As much of another language as errors tell.
pub(super) struct Other {
    /// What it looks for.
    pub(super) finds: &'static str,
    /// Its own spelling of a key, if it has it.
    pub(super) key: fn(&str) -> Option<&'static str>,
}

impl<T> Language<T> {
    /// The key of that name, in any case.
    pub(super) fn find(&self, name: &str) -> Option<&'static Key<T>> {
        self.keys.iter().find(|key| key.name.eq_ignore_ascii_case(name))
    }

    fn names(&self) -> impl Iterator<Item = &'static str> + use<T> {
        self.keys.iter().map(|key| key.name)
    }

    /// What to say about a key that does not exist.
    pub(super) fn unknown(&self, name: &str, span: Range<usize>) -> Fault {
        let elsewhere = (self.other.key)(name);
        let message = match elsewhere {
            Some(key) => {
                format!("`{key}:` is a key for {}, not for {}", self.other.finds, self.finds)
            }
            None if name.len() <= LONGEST_TOLD => format!("there is no key `{name}:`"),
            None => "there is no such key".to_owned(),
        };
        // Who wrote a key of the other language did not misspell one of ours.
        let misspelt = || near::word(name, self.names()).filter(|_| elsewhere.is_none());
        let foreign = self.foreign.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(name));
        let meant = foreign.map(|(_, ours)| *ours).or_else(misspelt);
        Fault::new(span, message).help(self.advice(name, meant))
    }

    fn advice(&self, name: &str, meant: Option<&str>) -> String {
        let quote = "to find the text itself, put it in quotes";
        let has_header = || self.keys.iter().any(|key| matches!(key.reads, Reads::Header(_)));
        match meant {
            Some(meant) => format!("did you mean `{meant}:`? Or else, {quote}"),
            None if name.contains('-') && has_header() => {
                format!("a header field is `header:X-Name:value`; {quote}")
            }
            None => {
                let names: Vec<_> = self.names().map(|name| format!("{name}:")).collect();
                format!("the keys are {}; {quote}", names.join(" "))
            }
        }
    }

    fn described(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<T> {
        self.keys.iter().map(|key| (key.name, key.finds))
    }
}

/// The keys of queries for messages, each with what it finds.
///
/// ```
/// let keys: Vec<_> = doorpost::search::message_keys().collect();
/// assert!(keys.contains(&("tag", "a tag")));
/// ```
pub fn message_keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    messages::LANGUAGE.described()
}

/// The keys of queries for sessions, each with what it finds.
///
/// ```
/// let keys: Vec<_> = doorpost::search::session_keys().collect();
/// assert!(keys.contains(&("door", "the name of the door")));
/// ```
pub fn session_keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    sessions::LANGUAGE.described()
}
