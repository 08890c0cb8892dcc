//! Changes to the index, several in one transaction. Each can be made twice: what is there already
//! stays, what is not there is not missed.

use super::columns::{COLUMNS, texts};
use super::compile::{Kind, nanoseconds};
use crate::finding::Finding;
use crate::mail::MessageId;
use crate::mime::Searchable;
use crate::storage::{InboxBy, Marks, Message};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction, params};
use std::collections::{BTreeSet, HashMap};

/// The row of `name` that counts all messages.
pub(super) const ALL: i64 = 1;
/// The inbox of messages that are in none; no other has an empty name.
pub(in crate::storage) const OUTSIDE: &str = "";

/// A transaction in progress, with the counts that it changes.
pub(super) struct Changes<'a> {
    transaction: Transaction<'a>,
    insert: Inserts<'a>,
    inbox_by: &'a InboxBy,
    counts: HashMap<i64, Count>,
    names: HashMap<(Kind, String), i64>,
}

/// What is said for each message, ready to be said: to look these up costs about what they do.
struct Inserts<'a> {
    message: CachedStatement<'a>,
    shown: CachedStatement<'a>,
    words: CachedStatement<'a>,
    member: CachedStatement<'a>,
}

impl<'a> Inserts<'a> {
    fn new(connection: &'a Connection) -> rusqlite::Result<Self> {
        let places = ", ?".repeat(COLUMNS.len());
        let words = format!("INSERT INTO words (rowid, {}) VALUES (?{places})", COLUMNS.join(", "));
        Ok(Self {
            message: connection.prepare_cached(
                "INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)",
            )?,
            shown: connection.prepare_cached("INSERT INTO shown VALUES (?, ?)")?,
            words: connection.prepare_cached(&words)?,
            member: connection.prepare_cached("INSERT OR IGNORE INTO member VALUES (?, ?)")?,
        })
    }
}

#[derive(Clone, Copy, Default)]
struct Count {
    messages: i64,
    unread: i64,
}

/// A message's row, as far as counts depend on it.
struct Row {
    is_unread: bool,
    members: Vec<i64>,
}

pub(super) fn sql_id(id: MessageId) -> i64 {
    // Names rise from one and do not come near the end of either type.
    i64::try_from(id.get()).unwrap_or(i64::MAX)
}

impl<'a> Changes<'a> {
    pub(super) fn begin(
        connection: &'a mut Connection,
        inbox_by: &'a InboxBy,
    ) -> rusqlite::Result<Self> {
        let connection = &*connection;
        let insert = Inserts::new(connection)?;
        // The connection is the caller's alone, so no other transaction is open.
        let transaction = connection.unchecked_transaction()?;
        Ok(Self { transaction, insert, inbox_by, counts: HashMap::new(), names: HashMap::new() })
    }

    /// Writes the counts and makes everything visible at once.
    pub(super) fn commit(self) -> rusqlite::Result<()> {
        {
            let mut update = self.transaction.prepare_cached(
                "UPDATE name SET messages = messages + ?, unread = unread + ? WHERE id = ?",
            )?;
            let mut sweep = self
                .transaction
                .prepare_cached("DELETE FROM name WHERE id = ? AND messages <= 0 AND kind < 2")?;
            for (name, count) in &self.counts {
                update.execute(params![count.messages, count.unread, name])?;
                if count.messages < 0 {
                    sweep.execute([name])?;
                }
            }
        }
        self.transaction.commit()
    }

    /// Takes in a message, unless it is there.
    pub(super) fn add(&mut self, message: &Message, content: &Searchable) -> rusqlite::Result<()> {
        let id = sql_id(message.id());
        let arrival = message.arrival();
        let added = self.insert.message.execute(params![
            id,
            nanoseconds(arrival.received_at),
            i64::try_from(message.bytes().len()).unwrap_or(i64::MAX),
            &*arrival.door,
            arrival.auth_user.as_deref().unwrap_or_default(),
            content.message_id.as_deref().unwrap_or_default(),
            content.has_attachment,
            content.is_bounce,
            codes(&arrival.findings),
        ])?;
        if added == 0 {
            return Ok(());
        }
        // A summary is made of strings, which JSON can always hold.
        let summary = serde_json::to_string(&content.summary).unwrap_or_default();
        self.insert.shown.execute(params![id, summary])?;
        let inboxes = self.inbox_by.inboxes(message, content);
        let texts = texts(message, content, &inboxes);
        self.insert.words.raw_bind_parameter(1, id)?;
        for (number, text) in texts.iter().enumerate() {
            self.insert.words.raw_bind_parameter(number + 2, text)?;
        }
        self.insert.words.raw_execute()?;
        self.count(ALL, 1, 1);
        if inboxes.is_empty() {
            let outside = self.name(Kind::Inbox, OUTSIDE)?;
            self.join(outside, id, true)?;
        }
        for inbox in inboxes {
            let name = self.name(Kind::Inbox, &inbox)?;
            self.join(name, id, true)?;
        }
        Ok(())
    }

    /// Forgets a message.
    pub(super) fn remove(&mut self, id: MessageId) -> rusqlite::Result<()> {
        let id = sql_id(id);
        let Some(row) = self.row(id)? else { return Ok(()) };
        let unread = -i64::from(row.is_unread);
        self.count(ALL, -1, unread);
        for name in row.members {
            self.count(name, -1, unread);
        }
        for statement in [
            "DELETE FROM member WHERE message = ?",
            "DELETE FROM words WHERE rowid = ?",
            "DELETE FROM shown WHERE id = ?",
            "DELETE FROM message WHERE id = ?",
        ] {
            self.transaction.prepare_cached(statement)?.execute([id])?;
        }
        Ok(())
    }

    /// Forgets all messages, much more quickly than one by one.
    pub(super) fn clear(&mut self) -> rusqlite::Result<()> {
        self.counts.clear();
        self.names.clear();
        self.transaction.execute_batch(
            "DELETE FROM member; DELETE FROM shown; DELETE FROM message;
            DELETE FROM name WHERE kind < 2;
            UPDATE name SET messages = 0, unread = 0;
            INSERT INTO words (words) VALUES ('delete-all');",
        )
    }

    /// Marks a message, if it is there.
    pub(super) fn mark(&mut self, id: MessageId, marks: &Marks) -> rusqlite::Result<()> {
        let id = sql_id(id);
        let Some(row) = self.row(id)? else { return Ok(()) };
        let is_unread = match marks.read {
            Some(read) => !read,
            None => row.is_unread,
        };
        if is_unread != row.is_unread {
            let sql = "UPDATE message SET is_read = ? WHERE id = ?";
            self.transaction.prepare_cached(sql)?.execute(params![!is_unread, id])?;
            let more = if is_unread { 1 } else { -1 };
            self.count(ALL, 0, more);
            for name in &row.members {
                self.count(*name, 0, more);
            }
        }
        if marks.tags.is_none() && marks.add_tags.is_empty() && marks.remove_tags.is_empty() {
            return Ok(());
        }
        let before = self.tags(id)?;
        let after = marks.applied_to(&before);
        for tag in before.difference(&after) {
            let name = self.name(Kind::Tag, tag)?;
            let sql = "DELETE FROM member WHERE name = ? AND message = ?";
            self.transaction.prepare_cached(sql)?.execute([name, id])?;
            self.count(name, -1, -i64::from(is_unread));
        }
        for tag in after.difference(&before) {
            let name = self.name(Kind::Tag, tag)?;
            self.join(name, id, is_unread)?;
        }
        Ok(())
    }

    fn tags(&self, id: i64) -> rusqlite::Result<BTreeSet<String>> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT name.name FROM member JOIN name ON name.id = member.name \
            WHERE member.message = ? AND name.kind = 1",
        )?;
        statement.query_map([id], |row| row.get(0))?.collect()
    }

    fn row(&self, id: i64) -> rusqlite::Result<Option<Row>> {
        let mut statement =
            self.transaction.prepare_cached("SELECT is_read = 0 FROM message WHERE id = ?")?;
        let is_unread = statement.query_row([id], |row| row.get(0)).optional()?;
        let Some(is_unread) = is_unread else { return Ok(None) };
        let mut statement =
            self.transaction.prepare_cached("SELECT name FROM member WHERE message = ?")?;
        let members = statement.query_map([id], |row| row.get(0))?;
        Ok(Some(Row { is_unread, members: members.collect::<rusqlite::Result<_>>()? }))
    }

    /// Makes a message a member.
    fn join(&mut self, name: i64, id: i64, is_unread: bool) -> rusqlite::Result<()> {
        let added = self.insert.member.execute([name, id])?;
        if added > 0 {
            self.count(name, 1, is_unread.into());
        }
        Ok(())
    }

    /// The number of a name, which is made where it is new.
    fn name(&mut self, kind: Kind, name: &str) -> rusqlite::Result<i64> {
        let key = (kind, name.to_owned());
        if let Some(id) = self.names.get(&key) {
            return Ok(*id);
        }
        let sql = "INSERT OR IGNORE INTO name (kind, name, messages, unread) VALUES (?, ?, 0, 0)";
        self.transaction.prepare_cached(sql)?.execute(params![kind as i64, name])?;
        let sql = "SELECT id FROM name WHERE kind = ? AND name = ?";
        let mut statement = self.transaction.prepare_cached(sql)?;
        let id = statement.query_row(params![kind as i64, name], |row| row.get(0))?;
        self.names.insert(key, id);
        Ok(id)
    }

    fn count(&mut self, name: i64, messages: i64, unread: i64) {
        let count = self.counts.entry(name).or_default();
        count.messages += messages;
        count.unread += unread;
    }
}

/// The codes of findings, each between spaces, so that one is found by `instr`.
fn codes(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let codes: Vec<_> = findings.iter().map(|finding| &*finding.code).collect();
    format!(" {} ", codes.join(" "))
}
