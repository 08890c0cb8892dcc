//! The conditions of a rule: all that are named have to hold. A condition about something that is not
//! known yet does not hold.

use super::pattern::Pattern;
use crate::mime;
use crate::smtp::misbehave::Occasion;
use crate::smtp::policy::Network;

/// Octets of a header in which a field is looked for.
const LONGEST_HEAD: usize = 256 * 1024;

/// When a rule applies.
#[derive(Clone, Debug, Default)]
pub(super) struct When {
    pub(super) door: Option<Pattern>,
    pub(super) client: Option<Network>,
    pub(super) hello: Option<Pattern>,
    pub(super) user: Option<Pattern>,
    pub(super) reverse_path: Option<Pattern>,
    pub(super) forward_path: Option<Pattern>,
    pub(super) size: Option<Bound>,
    /// Recipients of the transaction.
    pub(super) recipients: Option<Bound>,
    /// A field's name, and what its value has to look like.
    pub(super) header: Option<(String, Pattern)>,
    pub(super) tls: Option<bool>,
}

/// A bound for a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    Over(u64),
    Under(u64),
}

impl When {
    pub(super) fn holds(&self, occasion: &Occasion<'_>) -> bool {
        let fits = |pattern: &Option<Pattern>, text: Option<&str>| match (pattern, text) {
            (None, _) => true,
            (Some(pattern), Some(text)) => pattern.matches(text),
            (Some(_), None) => false,
        };
        fits(&self.door, Some(occasion.door))
            && self.client.is_none_or(|network| network.contains(occasion.peer))
            && fits(&self.hello, occasion.hello)
            && fits(&self.user, occasion.user)
            && fits(&self.reverse_path, occasion.reverse_path)
            && self.forward_path.as_ref().is_none_or(|pattern| {
                occasion.forward_paths.iter().any(|path| pattern.matches(path))
            })
            && self.size.is_none_or(|bound| occasion.size.is_some_and(|size| bound.holds(size)))
            && self.recipients.is_none_or(|bound| bound.holds(occasion.recipients as u64))
            && self.tls.is_none_or(|tls| tls == occasion.encrypted)
            && self.header.as_ref().is_none_or(|(name, pattern)| {
                let value = occasion.message.and_then(|message| field(message, name));
                value.is_some_and(|value| pattern.matches(&value))
            })
    }

    /// What of it needs the message, or a transaction, to be known.
    pub(super) fn needs(&self) -> Needs {
        if self.header.is_some() {
            Needs::Message
        } else if self.forward_path.is_some() || self.recipients.is_some() {
            Needs::Recipient
        } else if self.reverse_path.is_some() || self.size.is_some() {
            Needs::Sender
        } else {
            Needs::Nothing
        }
    }
}

impl Bound {
    fn holds(self, number: u64) -> bool {
        match self {
            Self::Over(bound) => number > bound,
            Self::Under(bound) => number < bound,
        }
    }
}

/// How far a session has to have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needs {
    Nothing,
    Sender,
    Recipient,
    Message,
}

/// The value of the first header field of that name, as the store reads it: unfolded, encoded words decoded.
pub(super) fn field(message: &[u8], name: &str) -> Option<String> {
    let head = &message[..message.len().min(LONGEST_HEAD)];
    let line_end =
        |at: usize| memchr::memchr(b'\n', &head[at..]).map_or(head.len(), |n| at + n + 1);
    let goes_on = |at: usize| matches!(head.get(at), Some(b' ' | b'\t'));
    let initial = |text: &[u8]| text.first().map(u8::to_ascii_lowercase);
    let mut at = 0;
    loop {
        let end = line_end(at);
        let line = &head[at..end];
        // The header ends with an empty line, or with the message.
        if line.trim_ascii_end().is_empty() {
            return None;
        }
        // Nearly all are others: one octet tells.
        if initial(line) != initial(name.as_bytes()) {
            at = end;
            continue;
        }
        let (key, rest) = line.split_at(name.len().min(line.len()));
        let rest = rest.trim_ascii_start().strip_prefix(b":");
        if let Some(rest) = rest
            && !goes_on(at)
            && key.eq_ignore_ascii_case(name.as_bytes())
        {
            let mut value_end = end;
            while goes_on(value_end) {
                value_end = line_end(value_end);
            }
            return Some(mime::field_text(&head[end - rest.len()..value_end]));
        }
        at = end;
    }
}
