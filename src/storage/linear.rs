//! A stand-in for the index: reads every message.
use super::{Entry, Find, Found, Group, Marks, Message, Total};
use crate::mail::MessageId;
use crate::mime::Searchable;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

#[derive(Debug, Default)]
pub(super) struct Linear {
    marks: Mutex<BTreeMap<MessageId, (bool, BTreeSet<String>)>>,
}

impl Linear {
    pub(super) fn entry(&self, message: &Message) -> Entry {
        let content = Searchable::of(message.bytes())
            .with_null_reverse_path(message.envelope().reverse_path.mailbox().is_none());
        let marks = self.marks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (is_read, tags) = marks.get(&message.id()).cloned().unwrap_or_default();
        let user = message.arrival().auth_user.as_deref().map(str::to_owned);
        Entry {
            id: message.id(),
            arrival: message.arrival().clone(),
            size: message.bytes().len() as u64,
            summary: content.summary,
            inboxes: user.into_iter().collect(),
            tags: tags.into_iter().collect(),
            is_read,
            has_attachment: content.has_attachment,
            is_bounce: content.is_bounce,
        }
    }

    pub(super) fn mark(&self, ids: &[MessageId], change: &Marks) {
        let mut marks = self.marks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for id in ids {
            let (read, tags) = marks.entry(*id).or_default();
            *read = change.read.unwrap_or(*read);
            if let Some(all) = &change.tags {
                *tags = all.iter().cloned().collect();
            }
            tags.extend(change.add_tags.iter().cloned());
            tags.retain(|tag| !change.remove_tags.contains(tag));
        }
    }

    pub(super) fn find(&self, all: impl Iterator<Item = Message>, find: &Find) -> Found {
        let mut found = Found::default();
        let mut total = 0;
        for message in all {
            let entry = self.entry(&message);
            if find.inbox.as_ref().is_some_and(|inbox| !entry.inboxes.contains(inbox)) {
                continue;
            }
            if find.after.is_some_and(|after| entry.id <= after)
                || !super::matches(&find.query, &message)
            {
                continue;
            }
            total += 1;
            if find.before.is_none_or(|before| entry.id < before) {
                if found.entries.len() < find.limit {
                    found.entries.push(entry);
                } else {
                    found.next = found.entries.last().map(|entry| entry.id);
                }
            }
        }
        found.total = Total { count: total, is_more: false };
        found
    }

    pub(super) fn groups(&self, entries: impl Iterator<Item = (String, bool)>) -> Vec<Group> {
        let mut groups = BTreeMap::<String, (u64, u64)>::new();
        for (name, is_read) in entries {
            let counts = groups.entry(name).or_default();
            counts.0 += 1;
            counts.1 += u64::from(!is_read);
        }
        let group = |(name, (messages, unread))| Group { name, messages, unread };
        groups.into_iter().map(group).collect()
    }
}
