//! How far reading goes, and the marks that say where it stopped or what was broken.
//! What lies beyond a limit is left out; the raw message has it.

use serde::Serialize;

/// Octets of a message's header that are read.
pub(super) const HEADER: usize = 256 * 1024;
/// Octets of a part's header that are read.
pub(super) const PART_HEADER: usize = 32 * 1024;
/// Fields of a header that are read.
pub(super) const FIELDS: usize = 2_000;
/// Octets of one field that are decoded.
pub(super) const FIELD: usize = 64 * 1024;
/// Octets of a field with parameters: the parser's work grows with the square of their number.
pub(super) const PARAMETERS: usize = 8 * 1024;
/// Parts of parts: multiparts and messages that are open at once.
pub(super) const DEPTH: usize = 32;
/// Parts of a message.
pub(super) const PARTS: usize = 2_000;
/// Octets of text, and again of HTML, that are decoded to be shown.
pub(super) const TEXT: usize = 4 * 1024 * 1024;
/// Octets of text that are decoded to be searched.
pub(super) const SEARCHED: usize = 1024 * 1024;
/// Links, and again images, that are listed.
pub(super) const LINKS: usize = 5_000;
/// Octets of a URL; a longer one is left out.
pub(super) const URL: usize = 8 * 1024;
/// Octets of text in which codes are looked for.
pub(super) const CODES: usize = 256 * 1024;

/// Something about a message that a reader should know: it was cut, or it was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mark {
    /// A header was longer than is read, or had more fields.
    HeaderCut,
    /// The message has more parts than are read.
    TooManyParts,
    /// Parts lie deeper in one another than is read.
    TooDeep,
    /// The text was longer than is shown.
    TextCut,
    /// The HTML was longer than is shown.
    HtmlCut,
    /// A multipart without a single part: its boundary is missing or never comes.
    NoParts,
    /// A charset that is not known; its text was read as UTF-8.
    UnknownCharset,
    /// Octets that its charset does not have.
    BrokenCharset,
    /// Base64 or quoted-printable that is not what it says.
    BrokenEncoding,
}

/// The marks of one message, each once, in the order of [`Mark`].
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(std::collections::BTreeSet<Mark>);

impl Marks {
    pub(super) fn add(&mut self, mark: Mark) {
        self.0.insert(mark);
    }

    pub(super) fn extend(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    pub(super) fn list(&self) -> Vec<Mark> {
        self.0.iter().copied().collect()
    }
}

/// The longest beginning of a text that has at most so many octets.
pub(super) fn beginning(text: &str, octets: usize) -> &str {
    &text[..text.floor_char_boundary(octets)]
}
