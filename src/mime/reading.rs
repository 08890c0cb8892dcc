//! A message read in full, for a person or a test to look at. What is broken is absent, what is too
//! much is cut and marked; the raw message stays the truth.

use super::header::{Fields, HeaderField, Raw};
use super::html;
use super::limits::{Mark, Marks, TEXT};
use super::parts::{Attachment, Part, Role, attachments, ids, roles, sizes, tree};
use super::structure::Structure;
use super::summary::{Correspondent, Summary};
use super::transfer;
use serde::Serialize;
use time::OffsetDateTime;

/// A message, read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// Subject, decoded.
    pub subject: Option<String>,
    /// From.
    pub from: Vec<Correspondent>,
    /// To; groups are taken apart.
    pub to: Vec<Correspondent>,
    /// Cc.
    pub cc: Vec<Correspondent>,
    /// Bcc, if the sender left it in.
    pub bcc: Vec<Correspondent>,
    /// Reply-To.
    pub reply_to: Vec<Correspondent>,
    /// Date.
    #[serde(with = "time::serde::rfc3339::option")]
    pub date: Option<OffsetDateTime>,
    /// Message-ID, without brackets.
    pub message_id: Option<String>,
    /// All fields of the header, in their order.
    pub headers: Vec<HeaderField>,
    /// The plain text, decoded, lines ended by LF.
    pub text: Option<String>,
    /// The HTML, decoded, lines ended by LF. Not made harmless: it is the sender's.
    pub html: Option<String>,
    /// Plain text made from the HTML.
    pub text_of_html: Option<String>,
    /// The message as a part, with all parts in it.
    pub parts: Part,
    /// The files, in their order. Those of a message in the message are its own.
    pub attachments: Vec<Attachment>,
    /// Whether it reports that mail was not delivered.
    pub is_bounce: bool,
    /// What was cut or broken.
    pub marked: Vec<Mark>,
}

impl Reading {
    /// Reads a message.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let structure = Structure::of(bytes);
        let root = &structure.entities[0];
        let fields = Fields::of(&bytes[root.fields.clone()]);
        let Summary { subject, from, to, date, message_id } = Summary::of(&fields);
        let mut bodies = Bodies::of(bytes, &structure, TEXT);
        let text_of_html = bodies.html.as_deref().map(|html| html::text(html, TEXT));
        bodies.marks.extend(&structure.marks);
        let (ids, sizes) = (ids(&structure), sizes(bytes, &structure));
        Self {
            subject,
            from,
            to,
            cc: fields.addresses("Cc"),
            bcc: fields.addresses("Bcc"),
            reply_to: fields.addresses("Reply-To"),
            date,
            message_id,
            headers: fields.iter().map(Raw::shown).collect(),
            text: bodies.text,
            html: bodies.html,
            text_of_html,
            parts: tree(&structure, &ids, &sizes),
            attachments: attachments(&structure, &ids, &sizes),
            is_bounce: is_bounce(&structure),
            marked: bodies.marks.list(),
        }
    }

    /// Adds what only the envelope says: mail without a reverse-path is a bounce, too.
    #[must_use]
    pub fn with_null_reverse_path(mut self, null: bool) -> Self {
        self.is_bounce |= null;
        self
    }

    /// The text that a person would see first: the plain text, or else that of the HTML.
    #[must_use]
    pub fn readable(&self) -> Option<&str> {
        let text = self.text.as_deref().filter(|text| !text.trim().is_empty());
        text.or(self.text_of_html.as_deref())
    }
}

/// RFC 3464, also without the parameter that names the kind of report.
pub(super) fn is_bounce(structure: &Structure) -> bool {
    let root = &structure.entities[0].declared;
    root.media == "multipart/report"
        && match root.report_type.as_deref() {
            Some(kind) => kind == "delivery-status",
            None => structure.entities.iter().any(|entity| {
                let media = &*entity.declared.media;
                entity.parent == Some(0)
                    && matches!(media, "message/delivery-status" | "message/global-delivery-status")
            }),
        }
}

/// The text and the HTML of a message, decoded.
#[derive(Default)]
pub(super) struct Bodies {
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
    pub(super) marks: Marks,
}

impl Bodies {
    /// Several parts of a kind make one text (a mailing list's footer is a part of its own).
    pub(super) fn of(bytes: &[u8], structure: &Structure, limit: usize) -> Self {
        let mut bodies = Self::default();
        for (index, role) in roles(structure) {
            let (body, cut) = match role {
                Role::Text => (&mut bodies.text, Mark::TextCut),
                Role::Html => (&mut bodies.html, Mark::HtmlCut),
                Role::Inline | Role::File => continue,
            };
            let room = limit.saturating_sub(body.as_ref().map_or(0, String::len));
            let entity = &structure.entities[index];
            let encoded = &bytes[entity.body.clone()];
            let (content, sound) = transfer::decode(encoded, entity.declared.encoding, room + 1);
            let mut content = &*content;
            if content.len() > room {
                bodies.marks.add(cut);
                content = whole(content, room);
            }
            if !sound {
                bodies.marks.add(Mark::BrokenEncoding);
            }
            let charset = entity.declared.charset.as_deref();
            let mut text = transfer::text(content, charset, &mut bodies.marks);
            // Other charsets may grow.
            text.truncate(text.floor_char_boundary(room));
            match body {
                Some(body) => {
                    body.push('\n');
                    body.push_str(&text);
                }
                None => *body = Some(text),
            }
        }
        bodies
    }
}

/// Content that is longer, cut where that does not break a character of UTF-8.
fn whole(content: &[u8], limit: usize) -> &[u8] {
    let mut end = limit;
    while end > limit.saturating_sub(4)
        && content.get(end).is_some_and(|octet| octet & 0xC0 == 0x80)
    {
        end -= 1;
    }
    &content[..end]
}
