//! Questions to the index.

use super::compile::{Kind, Known, LookUp, Plan, compile};
use super::write::{ALL, OUTSIDE, sql_id};
use crate::mail::MessageId;
use crate::mime::Summary;
use crate::search::{Expr, Flag, Query, Term};
use crate::storage::{Find, Group, Total};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

/// As far as matches are counted one by one: what a person pages through ends long before, and a
/// test expects fewer.
pub(in crate::storage) const COUNTED: u64 = 10_000;

/// What the index alone knows of a message.
#[derive(Clone, Debug)]
pub(in crate::storage) struct Shown {
    pub(in crate::storage) summary: Summary,
    pub(in crate::storage) inboxes: Vec<String>,
    pub(in crate::storage) tags: Vec<String>,
    pub(in crate::storage) is_read: bool,
    pub(in crate::storage) has_attachment: bool,
    pub(in crate::storage) is_bounce: bool,
}

impl LookUp for Connection {
    fn known(&self, kind: Kind, name: &str) -> rusqlite::Result<Option<Known>> {
        if name.is_empty() {
            // What is in no inbox has a row of its own, and nobody can name it.
            return Ok(None);
        }
        let sql = "SELECT id, messages FROM name WHERE kind = ? AND name = ? AND messages > 0";
        let known = |row: &rusqlite::Row<'_>| {
            Ok(Known { id: row.get(0)?, messages: row.get::<_, i64>(1)?.unsigned_abs() })
        };
        self.prepare_cached(sql)?.query_row(params![kind as i64, name], known).optional()
    }

    fn count(&self, bound: &'static str, value: &Value, limit: u64) -> rusqlite::Result<u64> {
        let sql =
            format!("SELECT count(*) FROM (SELECT 1 FROM message WHERE {bound} ? LIMIT {limit})");
        let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        Ok(self.prepare_cached(&sql)?.query_row([value], count)?.unsigned_abs())
    }
}

/// The names of what is found, newest first; one more than asked for where there is more.
pub(super) fn find(connection: &Connection, find: &Find) -> rusqlite::Result<Vec<MessageId>> {
    let plan = compile(&find.query, find.inbox.as_deref(), connection)?;
    let limit = i64::try_from(find.limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut conditions = plan.conditions();
    let mut values = plan.values.clone();
    for (bound, sign) in [(find.before, "<"), (find.after, ">")] {
        if let Some(id) = bound {
            conditions += &format!(" AND {} {sign} ?", plan.key);
            values.push(Value::Integer(sql_id(id)));
        }
    }
    let Plan { from, key, .. } = plan;
    let sql = format!("SELECT {key} FROM {from} WHERE {conditions} ORDER BY {key} DESC LIMIT ?");
    values.push(Value::Integer(limit));
    let mut statement = connection.prepare_cached(&sql)?;
    let ids = statement.query_map(params_from_iter(values), |row| row.get::<_, i64>(0))?;
    let names = ids.map(|id| id.map(|id| MessageId::new(id.cast_unsigned())));
    names.filter_map(Result::transpose).collect()
}

/// How many messages are found in all, whatever the page.
pub(super) fn total(connection: &Connection, find: &Find) -> rusqlite::Result<Total> {
    let (query, inbox) = (&find.query, find.inbox.as_deref());
    if find.after.is_none()
        && let Some(count) = counted_already(connection, query, inbox)?
    {
        return Ok(Total { count, is_more: false });
    }
    let plan = compile(query, inbox, connection)?;
    let mut conditions = plan.conditions();
    let Plan { from, key, mut values, .. } = plan;
    if let Some(after) = find.after {
        conditions += &format!(" AND {key} > ?");
        values.push(Value::Integer(sql_id(after)));
    }
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {from} WHERE {conditions} LIMIT ?)");
    values.push(Value::Integer(COUNTED.cast_signed() + 1));
    let mut statement = connection.prepare_cached(&sql)?;
    let count = statement.query_row(params_from_iter(values), |row| row.get::<_, i64>(0))?;
    let count = count.unsigned_abs();
    Ok(Total { count: count.min(COUNTED), is_more: count > COUNTED })
}

/// What the counts that are kept answer by themselves: all, all unread or read, an inbox, a tag.
fn counted_already(
    connection: &Connection,
    query: &Query,
    inbox: Option<&str>,
) -> rusqlite::Result<Option<u64>> {
    let (name, flag) = match (inbox, &query.root) {
        (None, Expr::All) => (None, None),
        (None, Expr::Term(Term::Inbox(name))) => (Some((Kind::Inbox, name.as_str())), None),
        (None, Expr::Term(Term::Tag(name))) => (Some((Kind::Tag, name.as_str())), None),
        (None, Expr::Term(Term::Is(flag))) => (None, Some(*flag)),
        (Some(name), Expr::All) => (Some((Kind::Inbox, name)), None),
        (Some(name), Expr::Term(Term::Is(flag))) => (Some((Kind::Inbox, name)), Some(*flag)),
        _ => return Ok(None),
    };
    let id = match name {
        None => ALL,
        Some((kind, name)) => match connection.known(kind, name)? {
            Some(known) => known.id,
            None => return Ok(Some(0)),
        },
    };
    let sql = "SELECT messages, unread FROM name WHERE id = ?";
    let counts = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
    let (messages, unread) = connection.prepare_cached(sql)?.query_row([id], counts)?;
    let count = match flag {
        None => messages,
        Some(Flag::Unread) => unread,
        Some(Flag::Read) => messages - unread,
        Some(_) => return Ok(None),
    };
    Ok(Some(count.max(0).unsigned_abs()))
}

/// Messages that nobody has read.
pub(super) fn unread(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT unread FROM name WHERE id = ?";
    let unread: i64 = connection.prepare_cached(sql)?.query_row([ALL], |row| row.get(0))?;
    Ok(unread.max(0).unsigned_abs())
}

/// All names of a kind that have messages.
pub(super) fn groups(connection: &Connection, kind: Kind) -> rusqlite::Result<Vec<Group>> {
    let sql =
        "SELECT name, messages, unread FROM name WHERE kind = ? AND messages > 0 ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let group = |row: &rusqlite::Row<'_>| {
        Ok(Group {
            name: row.get(0)?,
            messages: row.get::<_, i64>(1)?.unsigned_abs(),
            unread: row.get::<_, i64>(2)?.max(0).unsigned_abs(),
        })
    };
    statement.query_map([kind as i64], group)?.collect()
}

/// What is known of messages; nothing of those that are gone.
pub(super) fn shown(
    connection: &Connection,
    names: &[MessageId],
) -> rusqlite::Result<Vec<Option<Shown>>> {
    names.iter().map(|id| shown_of(connection, *id)).collect()
}

fn shown_of(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<Shown>> {
    let id = sql_id(id);
    let sql = "SELECT is_read, has_attachment, is_bounce, summary \
        FROM message JOIN shown USING (id) WHERE id = ?";
    let known = |row: &rusqlite::Row<'_>| {
        let summary = row.get_ref(3)?.as_str()?;
        Ok(Shown {
            // We wrote it; if it cannot be read, the message itself still can.
            summary: serde_json::from_str(summary).unwrap_or_default(),
            inboxes: Vec::new(),
            tags: Vec::new(),
            is_read: row.get(0)?,
            has_attachment: row.get(1)?,
            is_bounce: row.get(2)?,
        })
    };
    let shown = connection.prepare_cached(sql)?.query_row([id], known).optional()?;
    let Some(mut shown) = shown else { return Ok(None) };
    let sql = "SELECT kind, name.name FROM member JOIN name ON name.id = member.name \
        WHERE member.message = ? ORDER BY name.name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        let of_kind = if row.get::<_, i64>(0)? == Kind::Inbox as i64 {
            &mut shown.inboxes
        } else {
            &mut shown.tags
        };
        let name: String = row.get(1)?;
        if name != OUTSIDE {
            of_kind.push(name);
        }
    }
    Ok(Some(shown))
}
