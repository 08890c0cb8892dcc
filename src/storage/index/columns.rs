//! What of a message goes into which column of the full text.

use crate::mime::Searchable;
use crate::search::searchable;
use crate::storage::Message;

/// The columns, in their order.
pub(super) const COLUMNS: [&str; 11] = [
    "subject",
    "sender",
    "recipient",
    "cc",
    "bcc",
    "reply_to",
    "headers",
    "body",
    "files",
    "reverse_path",
    "forward_path",
];

/// Where a word without a key may stand. What `headers` holds need not be looked for in the
/// columns that hold a part of it.
pub(super) const TEXT: &[&str] = &["headers", "body", "files"];
pub(super) const HEADERS: &[&str] = &["headers"];
pub(super) const ENVELOPE: &[&str] = &["reverse_path", "forward_path"];
pub(super) const FORWARD_PATH: &[&str] = &["forward_path"];

/// Fields whose names say nothing of a message, since nearly all messages have them: a search for
/// `subject` should not find everything.
const ORDINARY: [&str; 17] = [
    "From",
    "To",
    "Cc",
    "Bcc",
    "Reply-To",
    "Sender",
    "Return-Path",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Received",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Disposition",
];

/// The header as it is searched: all values, and the names of fields that are out of the ordinary.
pub(in crate::storage) fn header_text(headers: &str) -> String {
    let mut text = String::with_capacity(headers.len());
    for line in headers.lines() {
        let value = match line.split_once(':') {
            Some((name, value)) if ORDINARY.iter().any(|one| one.eq_ignore_ascii_case(name)) => {
                value
            }
            _ => line,
        };
        text.push_str(value);
        text.push('\n');
    }
    text
}

/// Every column of a message, as tokens with spaces between them.
pub(super) fn texts(message: &Message, content: &Searchable) -> [String; COLUMNS.len()] {
    let envelope = message.envelope();
    let forward_paths: Vec<_> =
        envelope.forward_paths.iter().map(|recipient| recipient.path.to_string()).collect();
    [
        searchable(&content.subject),
        searchable(&content.from),
        searchable(&content.to),
        searchable(&content.cc),
        searchable(&content.bcc),
        searchable(&content.reply_to),
        searchable(&header_text(&content.headers)),
        searchable(&content.text),
        searchable(&content.attachments),
        searchable(&envelope.reverse_path.to_string()),
        searchable(&forward_paths.join("\n")),
    ]
}
