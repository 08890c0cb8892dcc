//! Which messages a query finds, judged one by one by reading them: slow, and simple enough to be
//! right. It judges what the index no longer knows, and tests hold the index to it.

use super::index::header_text;
use super::{InboxBy, Message};
use crate::mime::Searchable;
use crate::search::{Flag, Query, Term, Words};
use std::collections::BTreeSet;

/// The marks of a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Marked {
    pub(super) is_read: bool,
    pub(super) tags: BTreeSet<String>,
}

/// Whether the query finds a message that has no marks any more.
pub(crate) fn judge(query: &Query, message: &Message, by: &InboxBy) -> bool {
    matches(query, message, &Marked::default(), by)
}

/// Whether the query finds the message.
pub(super) fn matches(query: &Query, message: &Message, marked: &Marked, by: &InboxBy) -> bool {
    let content = Searchable::of(message.bytes());
    query.root.holds(&mut |term| holds(term, message, &content, marked, by))
}

fn holds(
    term: &Term,
    message: &Message,
    content: &Searchable,
    marked: &Marked,
    by: &InboxBy,
) -> bool {
    let envelope = message.envelope();
    let arrival = message.arrival();
    let is_recipient = |words: &Words| {
        envelope.forward_paths.iter().any(|recipient| words.matches(&recipient.path.to_string()))
    };
    match term {
        Term::Text(words) => {
            let in_a_passage = content.text.iter().any(|passage| words.matches(passage));
            in_a_passage
                || in_a_line(&header_text(&content.headers), words)
                || in_a_line(&content.attachments, words)
        }
        Term::From(words) => in_a_line(&content.from, words),
        Term::To(words) => in_a_line(&content.to, words),
        Term::Cc(words) => in_a_line(&content.cc, words),
        Term::Bcc(words) => in_a_line(&content.bcc, words),
        Term::ReplyTo(words) => in_a_line(&content.reply_to, words),
        Term::Subject(words) => words.matches(&content.subject),
        Term::Envelope(words) => {
            words.matches(&envelope.reverse_path.to_string()) || is_recipient(words)
        }
        Term::Rcpt(words) => is_recipient(words),
        Term::Header { name, value } => content.headers.lines().any(|line| {
            let field = line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name));
            field.is_some_and(|(_, text)| value.matches(text))
        }),
        Term::MessageId(id) => content.message_id.as_deref() == Some(id),
        Term::Door(door) => arrival.door.eq_ignore_ascii_case(door),
        Term::User(name) => arrival.auth_user.as_deref() == Some(name),
        Term::Inbox(name) => by.inboxes(message, content).contains(&by.filed(name)),
        Term::Tag(name) => marked.tags.contains(name),
        Term::Finding(name) => {
            arrival.findings.iter().any(|finding| finding.code.eq_ignore_ascii_case(name))
        }
        Term::Is(Flag::Read) => marked.is_read,
        Term::Is(Flag::Unread) => !marked.is_read,
        Term::Is(Flag::Bounce) => arrival.has_null_reverse_path() || content.is_bounce,
        Term::HasAttachment => content.has_attachment,
        Term::Larger(octets) => message.bytes().len() as u64 > *octets,
        Term::Smaller(octets) => (message.bytes().len() as u64) < *octets,
        Term::After(time) => arrival.received_at >= *time,
        Term::Before(time) => arrival.received_at < *time,
        Term::Id(id) => message.id().get() == *id,
    }
}

fn in_a_line(text: &str, words: &Words) -> bool {
    text.lines().any(|line| words.matches(line))
}
