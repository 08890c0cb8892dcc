//! A query as SQL: full text drives where it can, everything else is a condition on a row.
//!
//! What people typed only ever becomes a bound value.

use super::columns::{self, ENVELOPE, FORWARD_PATH, HEADERS, NAMES, NameOf, token};
use crate::search::{Expr, Flag, Query, Term, Words, fts_match};
use rusqlite::types::Value;
use time::OffsetDateTime;

/// As few messages of a name that looking each of them up in the full text is quicker than reading
/// everything that the words find.
const FEW: u64 = 1000;

/// What kind of name a message is a member of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Inbox = 0,
    Tag = 1,
}

/// A name that has members, and how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) id: i64,
    pub(super) messages: u64,
}

/// The middle of a SELECT: from where, and what has to hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) from: String,
    /// The column that is the message's number.
    pub(super) key: &'static str,
    conditions: Vec<String>,
    pub(super) values: Vec<Value>,
}

impl Plan {
    /// Everything behind WHERE; always a condition.
    pub(super) fn conditions(&self) -> String {
        match self.conditions.as_slice() {
            [] => "1".to_owned(),
            all => all.join(" AND "),
        }
    }

    fn add(&mut self, condition: impl Into<String>, values: impl IntoIterator<Item = Value>) {
        self.conditions.push(condition.into());
        self.values.extend(values);
    }
}

/// Looks up what a query speaks of, before it is asked.
pub(super) trait LookUp {
    /// The name of that kind, if it has members.
    fn known(&self, kind: Kind, name: &str) -> rusqlite::Result<Option<Known>>;
    /// How many messages are within a bound, counted up to a limit.
    fn count(&self, bound: &'static str, value: &Value, limit: u64) -> rusqlite::Result<u64>;
}

/// Compiles a query, limited to an inbox where one is given.
pub(super) fn compile(
    query: &Query,
    inbox: Option<&str>,
    names: &impl LookUp,
) -> rusqlite::Result<Plan> {
    let inbox = inbox.map(|name| Expr::Term(Term::Inbox(name.to_owned())));
    let parts: Vec<&Expr> = match &query.root {
        Expr::All => Vec::new(),
        Expr::And(parts) => parts.iter().collect(),
        other => vec![other],
    };
    let mut compiler = Compiler { names };
    let (mut found, mut left_out, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let all = || inbox.iter().chain(parts.iter().copied());
    // Where there are words, names narrow them in the full text; alone they have rows of their own.
    let has_words = all().any(|part| {
        let is_header = matches!(part, Expr::Term(Term::Header { .. }));
        is_header || match_of(part, Names::AreRows).is_some()
    });
    let names_are = if has_words { Names::AreWords } else { Names::AreRows };
    for part in all() {
        match part {
            Expr::Not(inner) => match match_of(inner, names_are) {
                Some(expression) => left_out.push(expression),
                None => others.push(part),
            },
            _ => match match_of(part, names_are) {
                Some(expression) => found.push(expression),
                None => {
                    // Its words narrow what has to be read; the condition judges the field.
                    if let Expr::Term(Term::Header { value, .. }) = part {
                        found.push(header_words(value));
                    }
                    others.push(part);
                }
            },
        }
    }
    let mut plan = Plan { from: "message m".into(), key: "m.id", ..Plan::default() };
    if found.is_empty() {
        for expression in left_out {
            let condition = "m.id NOT IN (SELECT rowid FROM words WHERE words MATCH ?)";
            plan.add(condition, [Value::Text(expression)]);
        }
    } else {
        let expression = joined(&found, " AND ", &left_out);
        if compiler.is_of_few(&others)? {
            let condition =
                "EXISTS (SELECT 1 FROM words WHERE words MATCH ? AND words.rowid = m.id)";
            plan.add(condition, [Value::Text(expression)]);
        } else {
            let joins = !others.is_empty();
            plan.from = "words".into();
            plan.key = "words.rowid";
            if joins {
                // The order of the tables stays as written: words first.
                plan.from += " CROSS JOIN message m ON m.id = words.rowid";
            }
            plan.add("words MATCH ?", [Value::Text(expression)]);
        }
    }
    for part in others {
        let mut values = Vec::new();
        let condition = compiler.condition(part, &mut values)?;
        plan.add(condition, values);
    }
    Ok(plan)
}

struct Compiler<'a, N> {
    names: &'a N,
}

impl<N: LookUp> Compiler<'_, N> {
    /// Whether one of the conditions leaves few messages.
    fn is_of_few(&self, parts: &[&Expr]) -> rusqlite::Result<bool> {
        for part in parts {
            let known = match part {
                Expr::Term(Term::Tag(name)) => self.names.known(Kind::Tag, name)?,
                Expr::Term(Term::Id(_) | Term::MessageId(_)) => return Ok(true),
                _ => continue,
            };
            if known.is_none_or(|known| known.messages <= FEW) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A condition on a row `m`.
    fn condition(&mut self, expr: &Expr, values: &mut Vec<Value>) -> rusqlite::Result<String> {
        if let Some(expression) = match_of(expr, Names::AreRows) {
            values.push(Value::Text(expression));
            return Ok("m.id IN (SELECT rowid FROM words WHERE words MATCH ?)".to_owned());
        }
        let (parts, between) = match expr {
            Expr::All => return Ok("1".to_owned()),
            Expr::Term(term) => return self.term(term, values),
            Expr::Not(part) => {
                return match **part {
                    // Said the other way round there is an index for it.
                    Expr::Term(Term::Is(Flag::Unread)) => Ok("m.is_read = 1".to_owned()),
                    Expr::Term(Term::Is(Flag::Read)) => Ok("m.is_read = 0".to_owned()),
                    _ => Ok(format!("NOT ({})", self.condition(part, values)?)),
                };
            }
            Expr::And(parts) => (parts, " AND "),
            Expr::Or(parts) => (parts, " OR "),
        };
        let mut conditions = Vec::new();
        for part in parts {
            conditions.push(self.condition(part, values)?);
        }
        Ok(format!("({})", conditions.join(between)))
    }

    fn term(&mut self, term: &Term, values: &mut Vec<Value>) -> rusqlite::Result<String> {
        let bound = |condition: &str, value: Value, values: &mut Vec<Value>| {
            values.push(value);
            Ok(condition.to_owned())
        };
        match term {
            Term::MessageId(id) => {
                bound("m.message_id = ? AND m.message_id <> ''", Value::Text(id.clone()), values)
            }
            Term::Door(door) => bound("m.door = ?", Value::Text(door.clone()), values),
            Term::User(user) => {
                bound("m.user = ? AND m.user <> ''", Value::Text(user.clone()), values)
            }
            Term::Larger(octets) => self.range("size >", number(*octets), values),
            Term::Smaller(octets) => self.range("size <", number(*octets), values),
            Term::After(time) => self.range("received_at >=", moment(*time), values),
            Term::Before(time) => self.range("received_at <", moment(*time), values),
            Term::Id(id) => bound("m.id = ?", number(*id), values),
            Term::Inbox(name) => self.member(Kind::Inbox, name),
            Term::Tag(name) => self.member(Kind::Tag, name),
            Term::Finding(code) => {
                let code = Value::Text(format!(" {} ", code.to_ascii_lowercase()));
                bound("(m.findings <> '' AND instr(m.findings, ?) > 0)", code, values)
            }
            Term::Is(Flag::Read) => Ok("m.is_read = 1".to_owned()),
            Term::Is(Flag::Unread) => Ok("m.is_read = 0".to_owned()),
            Term::Is(Flag::Bounce) => Ok("m.is_bounce = 1".to_owned()),
            Term::HasAttachment => Ok("m.has_attachment = 1".to_owned()),
            Term::Header { name, value } => {
                values.extend([
                    Value::Text(header_words(value)),
                    Value::Text(name.clone()),
                    Value::Text(value.text().to_owned()),
                    Value::Integer(value.is_prefix().into()),
                ]);
                // In this order, whatever SQLite thinks is cheaper: the words are looked up at once,
                // the function reads the message.
                Ok("(CASE WHEN m.id IN (SELECT rowid FROM words WHERE words MATCH ?) \
                    THEN has_header(m.id, ?, ?, ?) ELSE 0 END)"
                    .to_owned())
            }
            // Words are the full text's part, and never come here.
            other => unreachable!("`{other}` is found by its words"),
        }
    }

    /// A bound on a column that has an index. Few messages are looked up there; many are met soon
    /// when all are walked through from the newest on, and would have to be sorted otherwise.
    fn range(
        &self,
        bound: &'static str,
        value: Value,
        values: &mut Vec<Value>,
    ) -> rusqlite::Result<String> {
        let is_few = self.names.count(bound, &value, 2 * FEW)? < 2 * FEW;
        values.push(value);
        Ok(if is_few {
            format!("m.id IN (SELECT id FROM message WHERE {bound} ?)")
        } else {
            // The sign keeps SQLite from the index.
            format!("+m.{bound} ?")
        })
    }

    fn member(&self, kind: Kind, name: &str) -> rusqlite::Result<String> {
        let Some(Known { id, messages }) = self.names.known(kind, name)? else {
            return Ok("0".to_owned());
        };
        Ok(if messages <= 50 * FEW {
            format!("m.id IN (SELECT message FROM member WHERE name = {id})")
        } else {
            format!("EXISTS (SELECT 1 FROM member WHERE name = {id} AND message = m.id)")
        })
    }
}

/// Where the names of doors, users and inboxes are looked for.
#[derive(Clone, Copy)]
enum Names {
    AreRows,
    AreWords,
}

/// How deep MATCH is nested. FTS5 parses it with a stack of 100; what lies deeper is put together by SQL.
const DEEPEST: usize = 12;

/// The MATCH expression for what is nothing but words.
fn match_of(expr: &Expr, names: Names) -> Option<String> {
    match_within(expr, names, DEEPEST)
}

/// The same where it lies no deeper in itself than so.
fn match_within(expr: &Expr, names: Names, room: usize) -> Option<String> {
    let match_of = |part: &Expr| match_within(part, names, room.checked_sub(1)?);
    match expr {
        Expr::Term(term) => match (names, term) {
            (Names::AreWords, Term::Door(name)) => Some(name_match(NameOf::Door, name)),
            (Names::AreWords, Term::User(name)) => Some(name_match(NameOf::User, name)),
            (Names::AreWords, Term::Inbox(name)) => Some(name_match(NameOf::Inbox, name)),
            _ => words_of(term).map(|(words, columns)| fts_match(words, columns)),
        },
        Expr::Or(parts) => {
            let all: Option<Vec<_>> = parts.iter().map(match_of).collect();
            all.map(|all| joined(&all, " OR ", &[]))
        }
        Expr::And(parts) => {
            let (mut found, mut left_out) = (Vec::new(), Vec::new());
            for part in parts {
                match part {
                    Expr::Not(inner) => left_out.push(match_of(inner)?),
                    part => found.push(match_of(part)?),
                }
            }
            (!found.is_empty()).then(|| joined(&found, " AND ", &left_out))
        }
        Expr::All | Expr::Not(_) => None,
    }
}

fn joined(found: &[String], between: &str, left_out: &[String]) -> String {
    let in_parentheses =
        |all: &[String]| all.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(between);
    let mut expression = in_parentheses(found);
    if !left_out.is_empty() {
        expression = format!("({expression})");
        for one in left_out {
            expression += &format!(" NOT ({one})");
        }
    }
    expression
}

/// The words of a term, and the columns in which they may stand.
fn words_of(term: &Term) -> Option<(&Words, &'static [&'static str])> {
    Some(match term {
        Term::Text(words) => (words, columns::TEXT),
        Term::Subject(words) => (words, &["subject"]),
        Term::From(words) => (words, &["sender"]),
        Term::To(words) => (words, &["recipient"]),
        Term::Cc(words) => (words, &["cc"]),
        Term::Bcc(words) => (words, &["bcc"]),
        Term::ReplyTo(words) => (words, &["reply_to"]),
        Term::Envelope(words) => (words, ENVELOPE),
        Term::Rcpt(words) => (words, FORWARD_PATH),
        _ => return None,
    })
}

fn name_match(of: NameOf, name: &str) -> String {
    format!("{{{}}} : {}", NAMES.join(" "), token(of, name))
}

fn header_words(value: &Words) -> String {
    fts_match(value, HEADERS)
}

/// SQLite's numbers have a sign; no message is larger than half of them.
fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn moment(time: OffsetDateTime) -> Value {
    Value::Integer(nanoseconds(time))
}

/// A time as the index keeps it. What lies beyond the years that fit is at their end.
pub(super) fn nanoseconds(time: OffsetDateTime) -> i64 {
    let nanoseconds = time.unix_timestamp_nanos();
    i64::try_from(nanoseconds).unwrap_or(if nanoseconds < 0 { i64::MIN } else { i64::MAX })
}
