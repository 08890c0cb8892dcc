//! A message as a test asks about it.

use crate::mime::{self, Reading};
use crate::storage::Message;
use std::fmt;
use std::ops::Deref;

/// A message that was caught.
pub struct Received {
    message: Message,
    reading: Reading,
}

/// Everything that is kept of it: octets, envelope, how it came.
impl Deref for Received {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.message
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message.fmt(f)
    }
}

impl Received {
    pub(super) fn new(message: Message) -> Self {
        let reading = Reading::of(message.bytes());
        Self { message, reading }
    }

    /// Read for people: headers, parts, attachments.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// The value of the first header field of that name, decoded.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let field = self.reading.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        field.map(|field| field.value.as_str())
    }

    /// Its subject; empty where it has none.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.header("Subject").unwrap_or_default()
    }

    /// Its text, or what its HTML says.
    #[must_use]
    pub fn text(&self) -> &str {
        self.reading.readable().unwrap_or_default()
    }

    /// Its HTML.
    #[must_use]
    pub fn html(&self) -> Option<&str> {
        self.reading.html.as_deref()
    }

    /// The addresses of its links, each once.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        mime::links(&self.reading).into_iter().map(|link| link.url).collect()
    }

    /// The one-time code in it, as far as that can be guessed.
    #[must_use]
    pub fn code(&self) -> Option<String> {
        mime::codes(&self.reading).into_iter().next().map(|code| code.code)
    }

    /// Its forward-paths, without brackets, in their order.
    #[must_use]
    pub fn recipients(&self) -> Vec<String> {
        let paths = self.message.envelope().forward_paths.iter();
        paths.map(|recipient| recipient.path.to_string()).collect()
    }
}
