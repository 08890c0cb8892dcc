//! A finding, as it is shown and kept: what happened, what to change, and where it is written.

use super::{Client, Code, words};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// Something that a client did wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Its stable name; `doorpost explain` tells more of it.
    pub code: Cow<'static, str>,
    /// `info`, `warning` or `error`.
    #[schema(pattern = "^(info|warning|error)$")]
    pub severity: Cow<'static, str>,
    /// The line of the session's transcript that shows it, from 0.
    pub line: Option<usize>,
    /// What happened, in a sentence.
    pub what: Cow<'static, str>,
    /// What to change, in a sentence; in the words of the client's library where that is known.
    pub change: Cow<'static, str>,
    /// Where it is written that this is a mistake.
    pub rfc: Cow<'static, str>,
    /// The client's library or program, where it was recognised.
    pub client: Option<Cow<'static, str>>,
}

impl Finding {
    /// A finding at a line. `about` is what the sentence needs to know: a name, a count, a time.
    #[must_use]
    pub fn new(code: Code, line: Option<usize>, client: Option<Client>, about: &str) -> Self {
        Self {
            code: code.as_str().into(),
            severity: code.severity().as_str().into(),
            line,
            what: words::what(code, about),
            change: words::change(code, client),
            rfc: code.rfc().into(),
            client: client.map(|client| client.as_str().into()),
        }
    }

    /// Its code; nothing where another version of doorpost found it.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        Code::parse(&self.code)
    }

    /// Octets of memory that it holds.
    #[must_use]
    pub fn memory(&self) -> usize {
        let texts = [&self.code, &self.severity, &self.what, &self.change, &self.rfc];
        let held = |text: &Cow<'static, str>| match text {
            Cow::Borrowed(_) => 0,
            Cow::Owned(text) => text.capacity(),
        };
        size_of::<Self>() + texts.map(held).iter().sum::<usize>()
    }
}
