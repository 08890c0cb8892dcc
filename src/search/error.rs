//! What is wrong with a query, told with a finger on the place.
//!
//! Never writes a control character of the query to a terminal.

use std::fmt;
use std::ops::Range;

/// How much of a long query is shown, in characters.
const WIDTH: usize = 76;

/// How much of it stands in front of the place.
const BEFORE: usize = 40;

/// What is wrong at a place, before it is known how to show it.
#[derive(Debug)]
pub(super) struct Fault {
    span: Range<usize>,
    message: String,
    help: Option<String>,
}

impl Fault {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// Why a text is not a query, and where.
///
/// Displayed, it is the query, and below it the place and the message; with a third line if there
/// is something to advise. (Characters that take two columns of a terminal, or none, move the place.)
///
/// ```
/// use doorpost::search::parse;
/// use time::OffsetDateTime;
///
/// let error = parse("invoice is:unred", OffsetDateTime::UNIX_EPOCH).unwrap_err();
/// assert_eq!(error.span(), 11..16);
/// assert_eq!(
///     error.to_string(),
///     "invoice is:unred
///            ^^^^^ `is:` takes `read`, `unread` or `bounce`
/// help: did you mean `unread`?"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    message: String,
    span: Range<usize>,
    help: Option<String>,
    /// The query as it is shown: one line, cut at both ends if it is long.
    line: String,
    /// Where the place begins in that line, and how far it goes, in characters.
    mark: (usize, usize),
}

impl QueryError {
    pub(super) fn new(query: &str, fault: Fault) -> Self {
        let Fault { span, message, help } = fault;
        let (line, mark) = excerpt(query, &span);
        Self { message, span, help, line, mark }
    }

    /// What is wrong, in a sentence without its full stop.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The octets of the query that are wrong; never empty.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, help, line, mark: (start, length), .. } = self;
        write!(f, "{line}\n{:start$}{:^<length$} {message}", "", "")?;
        help.as_ref().map_or(Ok(()), |help| write!(f, "\nhelp: {help}"))
    }
}

impl std::error::Error for QueryError {}

/// The part of a query around a place, on one line, and the place in it.
fn excerpt(query: &str, span: &Range<usize>) -> (String, (usize, usize)) {
    let start = query.floor_char_boundary(span.start);
    let before = query[..start].chars().count();
    // Only as much as can be shown is looked at: the query may be of any length.
    let marked = query[start..].char_indices().take(WIDTH);
    let marked = marked.take_while(|(at, _)| start + at < span.end).count().max(1);
    let behind = query[start..].chars().take(WIDTH + 1).count();

    let skipped = if before + behind > WIDTH { before.saturating_sub(BEFORE) } else { 0 };
    let shown = query.chars().skip(skipped).take(WIDTH);
    let mut line: String = shown.map(harmless).collect();
    if before + behind - skipped > WIDTH {
        line.push('…');
    }
    if skipped > 0 {
        line.insert(0, '…');
    }
    let at = before - skipped + usize::from(skipped > 0);
    (line, (at, marked.min(WIDTH - (before - skipped))))
}

/// A character that takes one column of a terminal, and cannot command it.
fn harmless(c: char) -> char {
    match c {
        _ if c.is_whitespace() => ' ',
        // Control characters, and what turns the direction of writing or cannot be seen.
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '\u{fffd}',
        _ if c.is_control() => '\u{fffd}',
        _ => c,
    }
}
