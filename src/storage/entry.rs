//! A message as lists show it: everything but its octets. And what is asked for, and how much of
//! it there is.

use super::{Arrival, InboxBy, Message};
use crate::mail::MessageId;
use crate::mime::{Searchable, Summary};
use crate::search::{Query, Term};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A message without its octets.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub id: MessageId,
    /// How it came here.
    pub arrival: Arc<Arrival>,
    /// Its octets.
    pub size: u64,
    /// What its header says.
    pub summary: Summary,
    /// The inboxes that it is in.
    pub inboxes: Vec<String>,
    /// What people have marked it with.
    pub tags: Vec<String>,
    /// Whether somebody has read it.
    pub is_read: bool,
    /// Whether it has a file that does not belong to the text.
    pub has_attachment: bool,
    /// Whether it reports that mail was not delivered.
    pub is_bounce: bool,
}

impl Entry {
    /// A message that nobody has looked at yet, read by itself.
    pub(super) fn unread(message: &Message, inbox_by: &InboxBy) -> Self {
        let arrival = Arc::clone(message.arrival());
        let is_null = arrival.has_null_reverse_path();
        let content = Searchable::of(message.bytes()).with_null_reverse_path(is_null);
        let inboxes = inbox_by.inboxes(message, &content).into_iter().collect();
        let Searchable { summary, has_attachment, is_bounce, .. } = content;
        Self {
            id: message.id(),
            arrival,
            size: message.bytes().len() as u64,
            summary,
            inboxes,
            tags: Vec::new(),
            is_read: false,
            has_attachment,
            is_bounce,
        }
    }
}

/// Which messages to find.
#[derive(Clone, Debug)]
pub struct Find {
    /// What they have to be.
    pub query: Query,
    /// The inbox that they have to be in.
    pub inbox: Option<String>,
    /// Only older ones: the last name of the page before.
    pub before: Option<MessageId>,
    /// Only newer ones.
    pub after: Option<MessageId>,
    /// How many at most.
    pub limit: usize,
}

impl Find {
    /// The same with inboxes by the names under which they are filed.
    pub(super) fn filed(&self, by: &InboxBy) -> Self {
        let mut find = self.clone();
        find.inbox = find.inbox.map(|name| by.filed(&name));
        find.query.root.change_terms(&mut |term| {
            if let Term::Inbox(name) = term {
                *name = by.filed(name);
            }
        });
        find
    }
}

/// What was found, newest first.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// As many as were asked for.
    pub entries: Vec<Entry>,
    /// Where the next page begins: [`Find::before`].
    pub next: Option<MessageId>,
    /// How many there are in all behind [`Find::after`], whatever the page.
    pub total: Total,
}

/// How many messages a query finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// The number, or the number at which counting stopped.
    pub count: u64,
    /// Whether there are more than that.
    pub is_more: bool,
}

/// Which messages to change or remove.
#[derive(Clone, Debug)]
pub enum Selection {
    /// Every one.
    All,
    /// Every one up to this one.
    UpTo(MessageId),
    /// Those with these names.
    Ids(Vec<MessageId>),
    /// Those that a query finds.
    Matching {
        /// What they have to be.
        query: Query,
        /// The inbox that they have to be in.
        inbox: Option<String>,
        /// Only those up to this one.
        up_to: Option<MessageId>,
    },
}

/// What to change about messages. The octets and the envelope never change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Whether they are read from now on.
    pub read: Option<bool>,
    /// All tags that they have from now on.
    pub tags: Option<Vec<String>>,
    /// Tags that they get.
    pub add_tags: Vec<String>,
    /// Tags that they lose.
    pub remove_tags: Vec<String>,
}

/// An inbox and what is in it; a tag and what has it (where nothing counts unread ones).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its messages.
    pub messages: u64,
    /// Those that nobody has read.
    pub unread: u64,
}

impl Marks {
    /// Whether they change nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The tags of a message that had these before.
    #[must_use]
    pub fn applied_to(&self, before: &BTreeSet<String>) -> BTreeSet<String> {
        let all =
            self.tags.as_ref().map_or_else(|| before.clone(), |all| all.iter().cloned().collect());
        let with = all.into_iter().chain(self.add_tags.iter().cloned());
        with.filter(|tag| !self.remove_tags.contains(tag)).collect()
    }
}
