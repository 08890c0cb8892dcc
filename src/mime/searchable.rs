//! What an index takes in of a message: plain strings, made in one pass and bounded, so that no
//! message can stall it. It knows nothing of the index.

use super::header::{Fields, block};
use super::html;
use super::limits::{HEADER, Mark, SEARCHED, beginning};
use super::parts::{Role, roles};
use super::reading::{Bodies, is_bounce};
use super::structure::Structure;
use super::summary::{Correspondent, Summary};
use memchr::memmem;
use serde::Serialize;

/// As far ahead in the plain text as a line of the HTML is looked for.
const WINDOW: usize = 4096;
/// As many octets as are looked through for that in all.
const WORK: usize = 64 * 1024 * 1024;

/// A message as an index takes it in. Everything is decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Searchable {
    /// Subject.
    pub subject: String,
    /// The names and addresses of From, separated by commas; the same for the next ones.
    pub from: String,
    /// To.
    pub to: String,
    /// Cc.
    pub cc: String,
    /// Bcc.
    pub bcc: String,
    /// Reply-To.
    pub reply_to: String,
    /// All fields, each on a line of its own, `Name: value`.
    pub headers: String,
    /// The plain text, and of the HTML's text what the plain text does not say.
    pub text: String,
    /// The names of the files, each on a line of its own.
    pub attachments: String,
    /// Whether there is a file that does not belong to the text.
    pub has_attachment: bool,
    /// Whether it reports that mail was not delivered.
    pub is_bounce: bool,
    /// Message-ID, without brackets.
    pub message_id: Option<String>,
    /// What was cut or broken.
    pub marked: Vec<Mark>,
    /// What a list shows of it.
    pub summary: Summary,
}

impl Searchable {
    /// Reads a message for an index.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let structure = Structure::of(bytes);
        let fields = Fields::of(&bytes[structure.entities[0].fields.clone()]);
        let mut bodies = Bodies::of(bytes, &structure, SEARCHED);
        bodies.marks.extend(&structure.marks);
        let html = bodies.html.as_deref().map(|html| html::text(html, SEARCHED));
        let files = roles(&structure).filter(|(_, role)| matches!(role, Role::Inline | Role::File));
        let files: Vec<_> = files.collect();
        let names = files
            .iter()
            .filter_map(|(index, _)| structure.entities[*index].declared.file_name.as_deref());
        let summary = Summary::of(&fields);
        Self {
            subject: summary.subject.clone().unwrap_or_default(),
            from: listed(&summary.from),
            to: listed(&summary.to),
            cc: listed(&fields.addresses("Cc")),
            bcc: listed(&fields.addresses("Bcc")),
            reply_to: listed(&fields.addresses("Reply-To")),
            headers: headers(&fields),
            text: joined(bodies.text.unwrap_or_default(), html.as_deref().unwrap_or_default()),
            attachments: names.collect::<Vec<_>>().join("\n"),
            has_attachment: files.iter().any(|(_, role)| *role == Role::File),
            is_bounce: is_bounce(&structure),
            message_id: summary.message_id.clone(),
            marked: bodies.marks.list(),
            summary,
        }
    }

    /// Adds what only the envelope says: mail without a reverse-path is a bounce, too.
    #[must_use]
    pub fn with_null_reverse_path(mut self, null: bool) -> Self {
        self.is_bounce |= null;
        self
    }
}

fn listed(correspondents: &[Correspondent]) -> String {
    let each = correspondents.iter().map(|Correspondent { name, address }| match name {
        Some(name) => format!("{name} {address}"),
        None => address.clone(),
    });
    each.collect::<Vec<_>>().join(", ")
}

/// The fields of a message's header, each on a line of its own, `Name: value`, decoded; the body is
/// not looked at.
#[must_use]
pub fn header_lines(bytes: &[u8]) -> String {
    let block = block(bytes, 0, HEADER, |_| false);
    headers(&Fields::of(&bytes[block.fields]))
}

fn headers(fields: &Fields<'_>) -> String {
    let mut lines = String::new();
    for field in fields.iter() {
        lines.push_str(&String::from_utf8_lossy(field.name));
        lines.push_str(": ");
        lines.extend(field.text().chars().map(|c| if c == '\n' { ' ' } else { c }));
        lines.push('\n');
    }
    lines
}

/// The two alternatives mostly say the same, so a line of the second that comes next in the first
/// is left out. Lines are looked for a little ahead only, and not without end.
fn joined(text: String, html: &str) -> String {
    if html.is_empty() || text.is_empty() {
        return if text.is_empty() { html.to_owned() } else { text };
    }
    let said = words(&text);
    let (mut at, mut work) = (0, 0);
    let mut more = String::new();
    for line in html.lines() {
        let line = words(line);
        let window = &said.as_bytes()[at..said.len().min(at + WINDOW + line.len())];
        work += window.len();
        match memmem::find(window, line.as_bytes()).filter(|_| work < WORK) {
            Some(found) => at += found + line.len(),
            None => {
                more.push('\n');
                more.push_str(&line);
            }
        }
    }
    let mut text = text;
    text.push_str(beginning(&more, SEARCHED.saturating_sub(text.len())));
    text
}

/// Single blanks between words, and the marks at the beginning of lists and quotations gone.
fn words(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !matches!(*word, "-" | "*" | ">" | "•"));
    words.collect::<Vec<_>>().join(" ")
}
