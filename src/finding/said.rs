//! A finding, as it is shown and kept: what happened, what to change, and where it is written.

use super::{Client, Code, words};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that a client did wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Its stable name; `doorpost explain` tells more of it.
    pub code: String,
    /// `info`, `warning` or `error`.
    #[schema(pattern = "^(info|warning|error)$")]
    pub severity: String,
    /// The line of the session's transcript that shows it, from 0.
    pub line: Option<usize>,
    /// What happened, in a sentence.
    pub what: String,
    /// What to change, in a sentence; in the words of the client's library where that is known.
    pub change: String,
    /// Where it is written that this is a mistake.
    pub rfc: String,
    /// The client's library or program, where it was recognised.
    pub client: Option<String>,
}

impl Finding {
    /// A finding at a line. `about` is what the sentence needs to know: a name, a count, a time.
    #[must_use]
    pub fn new(code: Code, line: Option<usize>, client: Option<Client>, about: &str) -> Self {
        Self {
            code: code.as_str().to_owned(),
            severity: code.severity().as_str().to_owned(),
            line,
            what: words::what(code, about),
            change: words::change(code, client),
            rfc: code.rfc().to_owned(),
            client: client.map(|client| client.as_str().to_owned()),
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
        size_of::<Self>() + texts.map(String::capacity).iter().sum::<usize>()
    }
}
