//! What of a message goes into which column of the full text.

use crate::mime::Searchable;
use crate::search::searchable;
use crate::storage::Message;
use std::collections::BTreeSet;

/// The columns, in their order.
pub(super) const COLUMNS: [&str; 12] = [
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
    "names",
];

/// Where a word without a key may stand. What `headers` holds need not be looked for in the
/// columns that hold a part of it.
pub(super) const TEXT: &[&str] = &["headers", "body", "files"];
pub(super) const HEADERS: &[&str] = &["headers"];
pub(super) const ENVELOPE: &[&str] = &["reverse_path", "forward_path"];
pub(super) const FORWARD_PATH: &[&str] = &["forward_path"];
/// The names that a message never loses: those of its door, its user and its inboxes, each as one
/// token. So the full text itself can limit a search for words to them.
pub(super) const NAMES: &[&str] = &["names"];

/// What a name in the column [`NAMES`] is of.
#[derive(Clone, Copy)]
pub(super) enum NameOf {
    Door,
    User,
    Inbox,
}

/// A name as one token, whatever it is made of.
pub(super) fn token(of: NameOf, name: &str) -> String {
    let (mut token, name) = match of {
        // Doors are found in any case.
        NameOf::Door => ("d".to_owned(), name.to_ascii_lowercase()),
        NameOf::User => ("u".to_owned(), name.to_owned()),
        NameOf::Inbox => ("i".to_owned(), name.to_owned()),
    };
    for octet in name.bytes() {
        token.extend(char::from_digit((octet >> 4).into(), 16));
        token.extend(char::from_digit((octet & 15).into(), 16));
    }
    token
}

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

/// Stands between what does not stand together (addresses, fields, passages), so that no phrase runs from
/// one into the next. No query has a word like it.
const BETWEEN: &str = " \u{ffff} ";

/// Texts as tokens, kept apart.
fn apart<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts = texts.into_iter().map(|text| searchable(text.as_ref()));
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(BETWEEN)
}

/// Every column of a message, as tokens with spaces between them.
pub(super) fn texts(
    message: &Message,
    content: &Searchable,
    inboxes: &BTreeSet<String>,
) -> [String; COLUMNS.len()] {
    let envelope = message.envelope();
    let arrival = message.arrival();
    let user = arrival.auth_user.iter().map(|user| token(NameOf::User, user));
    let inboxes = inboxes.iter().map(|inbox| token(NameOf::Inbox, inbox));
    let names: Vec<_> = user.chain(inboxes).chain([token(NameOf::Door, &arrival.door)]).collect();
    let forward_paths = envelope.forward_paths.iter();
    [
        searchable(&content.subject),
        apart(content.from.lines()),
        apart(content.to.lines()),
        apart(content.cc.lines()),
        apart(content.bcc.lines()),
        apart(content.reply_to.lines()),
        apart(header_text(&content.headers).lines()),
        apart(&content.text),
        apart(content.attachments.lines()),
        searchable(&envelope.reverse_path.text()),
        apart(forward_paths.map(|recipient| recipient.path.text())),
        names.join(" "),
    ]
}
