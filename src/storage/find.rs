//! Which messages a query finds, judged one by one by reading them.
//!
//! What this store does not keep (whether a message was read, tags) it does not guess: such a
//! query is refused.

use super::Message;
use crate::mime::Searchable;
use crate::search::{Expr, Flag, Query, Term, Words};
use std::cell::OnceCell;

/// A key that the query language knows and this store does not keep.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{term}` asks for what is not kept yet")]
pub struct Unsupported {
    term: String,
}

/// Whether the query asks only for what is kept.
///
/// # Errors
/// Names the term that asks for more.
pub fn check(query: &Query) -> Result<(), Unsupported> {
    fn look(expr: &Expr) -> Result<(), Unsupported> {
        match expr {
            Expr::All => Ok(()),
            Expr::And(parts) | Expr::Or(parts) => parts.iter().try_for_each(look),
            Expr::Not(part) => look(part),
            Expr::Term(term @ (Term::Tag(_) | Term::Is(Flag::Read | Flag::Unread))) => {
                Err(Unsupported { term: term.to_string() })
            }
            Expr::Term(_) => Ok(()),
        }
    }
    look(&query.root)
}

/// Whether the query finds the message.
#[must_use]
pub fn matches(query: &Query, message: &Message) -> bool {
    // A query for a door or a recipient need not read the message at all.
    let content = OnceCell::new();
    let content = || content.get_or_init(|| Searchable::of(message.bytes()));
    query.root.holds(&mut |term| holds(term, message, &content))
}

fn holds<'a>(term: &Term, message: &Message, content: &impl Fn() -> &'a Searchable) -> bool {
    let envelope = message.envelope();
    let arrival = message.arrival();
    let is_recipient = |words: &Words| {
        envelope.forward_paths.iter().any(|recipient| words.matches(&recipient.path.to_string()))
    };
    let is_user = |name: &str| arrival.auth_user.as_deref() == Some(name);
    match term {
        Term::Text(words) => {
            let Searchable { headers, text, attachments, .. } = content();
            [headers, text, attachments].into_iter().any(|text| words.matches(text))
        }
        Term::From(words) => words.matches(&content().from),
        Term::To(words) => words.matches(&content().to),
        Term::Cc(words) => words.matches(&content().cc),
        Term::Bcc(words) => words.matches(&content().bcc),
        Term::ReplyTo(words) => words.matches(&content().reply_to),
        Term::Subject(words) => words.matches(&content().subject),
        Term::Envelope(words) => {
            words.matches(&envelope.reverse_path.to_string()) || is_recipient(words)
        }
        Term::Rcpt(words) => is_recipient(words),
        Term::Header { name, value } => content().headers.lines().any(|line| {
            let field = line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name));
            field.is_some_and(|(_, text)| value.matches(text))
        }),
        Term::MessageId(id) => content().message_id.as_deref() == Some(id),
        Term::Door(door) => arrival.door.eq_ignore_ascii_case(door),
        // Until inboxes can be chosen, a message's inbox is its user's.
        Term::User(name) | Term::Inbox(name) => is_user(name),
        Term::Is(Flag::Bounce) => envelope.reverse_path.mailbox().is_none() || content().is_bounce,
        Term::HasAttachment => content().has_attachment,
        Term::Larger(octets) => message.bytes().len() as u64 > *octets,
        Term::Smaller(octets) => (message.bytes().len() as u64) < *octets,
        Term::After(time) => arrival.received_at >= *time,
        Term::Before(time) => arrival.received_at < *time,
        Term::Id(id) => message.id().get() == *id,
        // `check` has refused them.
        Term::Is(Flag::Read | Flag::Unread) | Term::Tag(_) => false,
    }
}
