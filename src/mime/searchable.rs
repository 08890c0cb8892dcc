//! What an index takes in of a message: plain strings, made in one pass and bounded, so that no
//! message can stall it. It knows nothing of the index.

use super::header::{Fields, Raw, block};
use super::html;
use super::limits::{HEADER, Mark, SEARCHED, beginning};
use super::parts::{Role, roles};
use super::reading::{Bodies, is_bounce};
use super::structure::Structure;
use super::summary::{Correspondent, Summary};
use memchr::memmem;
use serde::Serialize;
use std::ops::Range;
use unicode_normalization::char::is_combining_mark;

/// As far ahead in the plain text as a line of the HTML is looked for.
const WINDOW: usize = 4096;
/// As many places as are looked at for one line, where longer words begin like it.
const TRIES: usize = 64;
/// As many octets as are looked through for that in all.
const WORK: usize = 64 * 1024 * 1024;

/// A message as an index takes it in. Everything is decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Searchable {
    /// Subject.
    pub subject: String,
    /// The names and addresses of From, each with its name on a line of its own; where it has none, what
    /// it says. The same for the next ones.
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
    /// The plain text, and of the HTML's text what the plain text does not say, in passages: what stands
    /// in two of them does not stand together.
    pub text: Vec<String>,
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
            from: listed(&fields, "From", &summary.from),
            to: listed(&fields, "To", &summary.to),
            cc: listed(&fields, "Cc", &fields.addresses("Cc")),
            bcc: listed(&fields, "Bcc", &fields.addresses("Bcc")),
            reply_to: listed(&fields, "Reply-To", &fields.addresses("Reply-To")),
            headers: headers(&fields),
            text: passages(bodies.text.unwrap_or_default(), html.unwrap_or_default()),
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

/// Whom the fields of a name speak of.
fn listed(fields: &Fields<'_>, name: &str, correspondents: &[Correspondent]) -> String {
    if correspondents.is_empty() {
        // `From: root` has no address, and people look for it.
        return fields.named(name).map(Raw::line).collect::<Vec<_>>().join("\n");
    }
    let each = correspondents.iter().map(|Correspondent { name, address }| match name {
        Some(name) => format!("{name} {address}").replace('\n', " "),
        None => address.replace('\n', " "),
    });
    each.collect::<Vec<_>>().join("\n")
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
        lines.push_str(&field.line());
        lines.push('\n');
    }
    lines
}

/// The two alternatives mostly say the same, so a line of the second that comes next in the first
/// is left out. Lines are looked for a little ahead only, and not without end.
fn passages(text: String, html: String) -> Vec<String> {
    if text.is_empty() || html.is_empty() {
        return [text, html].into_iter().filter(|text| !text.is_empty()).collect();
    }
    let said = words(&text);
    let mut room = SEARCHED.saturating_sub(text.len());
    let (mut at, mut work) = (0, 0);
    let mut passages = vec![text];
    // Lines of the HTML that follow each other make one passage.
    let mut goes_on = false;
    for line in html.lines().map(words).filter(|line| !line.is_empty()) {
        let until = said.len().min(at + WINDOW + line.len());
        work += until - at;
        if work < WORK
            && let Some(found) = next_in(&said, at..until, &line)
        {
            at = found + line.len();
            goes_on = false;
            continue;
        }
        if room == 0 {
            break;
        }
        let line = beginning(&line, room);
        room = room.saturating_sub(line.len() + 1);
        match passages.last_mut().filter(|_| goes_on) {
            Some(passage) => {
                passage.push('\n');
                passage.push_str(line);
            }
            None => passages.push(line.to_owned()),
        }
        goes_on = true;
    }
    passages
}

/// Where the line stands next in what is said, as whole words: an index would not find `order` in
/// `orders`, nor `4711` in `47110815`.
fn next_in(said: &str, within: Range<usize>, line: &str) -> Option<usize> {
    let found = memmem::find_iter(&said.as_bytes()[within.clone()], line);
    found.take(TRIES).map(|found| within.start + found).find(|found| {
        let before = said[..*found].chars().next_back();
        let behind = said[found + line.len()..].chars().next();
        !before.into_iter().chain(behind).any(may_be_of_a_word)
    })
}

/// Whether a character may belong to the same word as the one beside it. More than do, rather than
/// fewer: a line that is taken in twice does no harm.
fn may_be_of_a_word(c: char) -> bool {
    let is_private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    c.is_alphanumeric() || is_combining_mark(c) || is_private
}

/// Single blanks between words, and the marks at the beginning of lists and quotations gone.
fn words(text: &str) -> String {
    let words = text.split_whitespace().filter(|word| !matches!(*word, "-" | "*" | ">" | "•"));
    words.collect::<Vec<_>>().join(" ")
}
