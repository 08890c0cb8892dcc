//! What one kind of query knows: its keys, and what to say about others.
//!
//! Refuses unknown keys, and guesses what was meant.

use super::error::Fault;
use super::key::{Key, Reads};
use super::{Words, messages, near};
use std::ops::Range;

/// The longest unknown key that is repeated to whoever wrote it.
const LONGEST_TOLD: usize = 20;

/// The keys of one language.
pub(super) struct Language<T: 'static> {
    /// What words without a key are.
    pub(super) text: fn(Words) -> T,
    /// Every key, in the order in which they are told.
    pub(super) keys: &'static [Key<T>],
    /// What other programs call a key of ours.
    pub(super) foreign: &'static [(&'static str, &'static str)],
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
        let message = if name.len() <= LONGEST_TOLD {
            format!("there is no key `{name}:`")
        } else {
            "there is no such key".to_owned()
        };
        let misspelt = || near::word(name, self.names());
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
