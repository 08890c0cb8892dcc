//! Reads a file: the keys at the top, then the rows of doors and users.
//!
//! Refuses what is not TOML, keys that do not exist, rows without a name or with one that was
//! had before, and `like` where it does not name an earlier door.

use super::error::{File, Problem};
use super::keys::{self, DOOR, LIKE, NAME, TOP, USER};
use super::kind::{Fault, Given, one_of, quoted, shown};
use super::load::Layers;
use super::numbered::{ROUTES, WEBHOOKS};
use super::source::{Origin, Scope};
use super::{User, near};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

const DOORS: &str = "doors";
const USERS: &str = "users";

type Value<'a> = Spanned<DeValue<'a>>;

/// Names that rows of a file have taken, and where.
type Taken = BTreeMap<String, Range<usize>>;

impl Layers {
    /// Lays a file on what there is.
    pub(super) fn lay_file(&mut self, file: &File) {
        // Only the first error: what follows an unclosed quote is noise.
        let table = match DeTable::parse(&file.text) {
            Ok(table) => table,
            Err(error) => {
                let end = file.text.len();
                let place = file.at(error.span().unwrap_or(end..end));
                self.problems.push(Problem::new("this is not TOML").at(place, error.message()));
                return;
            }
        };
        // Values for all doors come first, so that rows win over them wherever they stand.
        for (key, value) in table.get_ref() {
            if ![DOORS, USERS, ROUTES, WEBHOOKS].contains(&key.get_ref().as_ref()) {
                self.top_key(file, key, value);
            }
        }
        if let Some(doors) = table.get_ref().get(DOORS) {
            let mut taken = Taken::new();
            for row in self.rows(file, DOORS, doors) {
                self.door_row(file, row, &mut taken);
            }
        }
        self.numbered(file, table.get_ref());
        if let Some(users) = table.get_ref().get(USERS) {
            let mut taken = Taken::new();
            self.config.users.clear();
            for row in self.rows(file, USERS, users) {
                self.user_row(file, row, &mut taken);
            }
        }
    }

    fn top_key(
        &mut self,
        file: &File,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Value<'_>,
    ) {
        let name = key.get_ref();
        let origin = file.at(value.span());
        let problem = |fault| in_file(file, &format!("`{name}`"), fault, &origin);
        if self.set_top(name, Given::Toml(value), &origin, problem) {
            return;
        }
        let known = keys::names(TOP).chain(keys::SHARED.iter().copied());
        let known = known.chain([DOORS, USERS, ROUTES, WEBHOOKS]);
        let mut unknown = unknown_key(name, known);
        if keys::find(DOOR, name).is_some() {
            unknown = Problem::new(format!("`{name}` is a key of a door"))
                .help("it belongs in a [[doors]] row, below the row's `name`");
        }
        self.problems.push(unknown.at(file.at(key.span()), "no such key at the top of the file"));
    }

    /// The tables of an array of tables.
    pub(super) fn rows<'a>(
        &mut self,
        file: &File,
        key: &str,
        value: &'a Value<'a>,
    ) -> Vec<(&'a DeTable<'a>, Range<usize>)> {
        let one = std::slice::from_ref(value);
        let rows = value.get_ref().as_array().map_or(one, |array| array);
        let is_array = value.get_ref().is_array();
        let mut tables = Vec::new();
        for row in rows {
            match row.get_ref() {
                DeValue::Table(table) if is_array => tables.push((table, row.span())),
                other => {
                    let problem =
                        Problem::new(format!("`{key}` must be rows, and is {}", shown(other)))
                            .at(file.at(row.span()), format!("expected [[{key}]]"))
                            .help(format!("each row begins with [[{key}]] and has a `name`"));
                    self.problems.push(problem);
                }
            }
        }
        tables
    }

    fn door_row(&mut self, file: &File, row: (&DeTable<'_>, Range<usize>), taken: &mut Taken) {
        let (table, span) = row;
        let Some(name) = self.row_name(file, DOORS, table, span, taken, keys::door_name) else {
            return;
        };
        let at = self.place_for(file, &name, table.get(LIKE));
        for (key, value) in table {
            if [NAME, LIKE].contains(&key.get_ref().as_ref()) {
                continue;
            }
            let Some(found) = keys::find(DOOR, key.get_ref()) else {
                let known = keys::names(DOOR).chain([NAME, LIKE]);
                let problem = self.not_in_a_row(key.get_ref(), known);
                let label = format!("no such key in the door `{name}`");
                self.problems.push(problem.at(file.at(key.span()), label));
                continue;
            };
            let Some(door) = self.config.doors.get_mut(at) else { continue };
            let outcome = (found.set)(door, Given::Toml(value));
            self.outcome(file, (Scope::Door(&name), "door"), found.name, value, outcome);
        }
    }

    /// Where the door of that name stands; makes it where there is none.
    fn place_for(&mut self, file: &File, name: &str, like: Option<&Value<'_>>) -> usize {
        let at = self.config.doors.iter().position(|door| door.name == name);
        let model = like.and_then(|like| self.named_model(file, name, like));
        let (model, at) = match (model, at) {
            (None, Some(at)) => return at,
            (Some(model), Some(at)) => {
                let door = &self.config.doors[at];
                let own = (door.enabled, door.port, door.stands_for);
                let mut copy = model.copy_as(name);
                (copy.enabled, copy.port, copy.stands_for) = own;
                self.config.doors[at] = copy;
                (model, at)
            }
            (model, None) => {
                let model = model.unwrap_or_else(|| self.config.model());
                self.config.doors.push(model.copy_as(name));
                (model, self.config.doors.len() - 1)
            }
        };
        let origin = Origin::Like(Arc::from(model.name));
        for key in keys::names(DOOR).filter(|key| !keys::ITS_OWN.contains(key)) {
            self.sources.set(Scope::Door(name), key, origin.clone());
        }
        at
    }

    /// The door that `like` names.
    fn named_model(&mut self, file: &File, name: &str, like: &Value<'_>) -> Option<super::Door> {
        let named = like.get_ref().as_str().unwrap_or_default();
        let model = self.config.door(named).filter(|door| door.name != name);
        if let Some(model) = model {
            return Some(model.clone());
        }
        let earlier: Vec<&str> = self
            .config
            .doors
            .iter()
            .map(|door| door.name.as_str())
            .filter(|door| *door != name)
            .collect();
        let fault = Fault {
            written: Some(shown(like.get_ref())),
            span: None,
            label: format!("expected the name of an earlier door: {}", one_of(&earlier)),
            near: near::word(named, earlier.iter().copied()).map(|door| quoted(&door)),
        };
        let told = format!("`{LIKE}` of the door `{name}`");
        self.problems.push(in_file(file, &told, fault, &file.at(like.span())));
        None
    }

    fn user_row(&mut self, file: &File, row: (&DeTable<'_>, Range<usize>), taken: &mut Taken) {
        let (table, span) = row;
        let name_of = |given: Given<'_>| {
            let mut user = User::default();
            keys::find(USER, NAME).map_or(Ok(()), |key| (key.set)(&mut user, given))?;
            Ok(user.name)
        };
        let Some(name) = self.row_name(file, USERS, table, span.clone(), taken, name_of) else {
            return;
        };
        let mut user = User::default();
        for (key, value) in table {
            let Some(found) = keys::find(USER, key.get_ref()) else {
                let problem = self.not_in_a_row(key.get_ref(), keys::names(USER));
                let label = format!("no such key in the user `{name}`");
                self.problems.push(problem.at(file.at(key.span()), label));
                continue;
            };
            let outcome = (found.set)(&mut user, Given::Toml(value));
            self.outcome(file, (Scope::User(&name), "user"), found.name, value, outcome);
        }
        if !table.contains_key("secret") {
            let problem = Problem::new(format!("the user `{name}` has no `secret`"));
            self.problems
                .push(problem.at(file.at(span), "expected a line secret = \"…\" in this row"));
        }
        self.config.users.push(user);
    }

    /// The row's name, if it has one that no other row has.
    fn row_name(
        &mut self,
        file: &File,
        rows: &str,
        table: &DeTable<'_>,
        span: Range<usize>,
        taken: &mut Taken,
        read: impl FnOnce(Given<'_>) -> Result<String, Fault>,
    ) -> Option<String> {
        let Some(value) = table.get(NAME) else {
            let problem = Problem::new(format!("a row of [[{rows}]] has no `name`"));
            self.problems
                .push(problem.at(file.at(span), "expected a line name = \"…\" in this row"));
            return None;
        };
        let origin = file.at(value.span());
        let name = match read(Given::Toml(value)) {
            Ok(name) => name,
            Err(fault) => {
                let told = format!("`name` in a row of [[{rows}]]");
                self.problems.push(in_file(file, &told, fault, &origin));
                return None;
            }
        };
        if let Some(first) = taken.insert(name.clone(), value.span()) {
            let problem = Problem::new(format!("two rows of [[{rows}]] have the name {name:?}"))
                .at(origin, "the second one")
                .at(file.at(first), "the first one")
                .help("put all keys into one row, or give one of them another name");
            self.problems.push(problem);
            return None;
        }
        Some(name)
    }

    /// Takes note of what came of setting a key of a row.
    pub(super) fn outcome(
        &mut self,
        file: &File,
        (scope, kind): (Scope<'_>, &str),
        key: &'static str,
        value: &Value<'_>,
        outcome: Result<(), Fault>,
    ) {
        let origin = file.at(value.span());
        if let Err(fault) = outcome {
            let told = format!("`{key}` of the {kind} `{}`", scope.name());
            self.problems.push(in_file(file, &told, fault, &origin));
        }
        self.sources.set(scope, key, origin);
    }

    /// A key that a row does not have. In TOML whatever follows a row's header belongs to the row.
    fn not_in_a_row(&self, key: &str, known: impl Iterator<Item = &'static str>) -> Problem {
        if keys::find(TOP, key).is_none() {
            return unknown_key(key, known);
        }
        Problem::new(format!("`{key}` is a key for the top of the file"))
            .help("it belongs above the first row that begins with [[")
    }
}

pub(super) fn unknown_key(key: &str, known: impl Iterator<Item = &'static str>) -> Problem {
    let mut known: Vec<&str> = known.collect();
    known.sort_unstable();
    known.dedup();
    let near = near::word(key, known.iter().copied());
    let problem = Problem::new(format!("unknown key `{key}`"));
    match near {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("the keys here are {}", known.join(", "))),
    }
}

/// A wrong value at its narrowest place.
fn in_file(file: &File, key: &str, fault: Fault, origin: &Origin) -> Problem {
    let place = fault.span.clone().map_or_else(|| origin.clone(), |span| file.at(span));
    Problem::value(key, fault, place)
}
