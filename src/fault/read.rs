//! Reads a scenario. All its mistakes are told at once, each with rule, line, key, value and what is
//! allowed; with a mistake nothing of it is taken.

pub(super) mod deed;
pub(super) mod rule;
mod value;

use super::scenario::Scenario;
use std::fmt;
use toml::de::{DeTable, DeValue};
pub(super) use value::read_reply;
use value::{Spot, Value, shown};

/// Rules of one scenario, at most.
const MOST_RULES: usize = 1000;
/// Octets of one, at most.
const LONGEST: usize = 1 << 20;

/// One thing that is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The rule's name, or its place in the list where it has none.
    pub rule: Option<String>,
    /// The line, from 1.
    pub line: usize,
    /// The key, such as `when.door`.
    pub key: String,
    /// The value, as it was written.
    pub value: Option<String>,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(rule) = &self.rule {
            write!(f, "rule {rule}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "`{}`", self.key)?;
            if let Some(value) = &self.value {
                write!(f, " = {value}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.problem)
    }
}

/// Everything that is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// One at least, in the order of the text.
    pub mistakes: Vec<Mistake>,
}

impl std::error::Error for ScenarioError {}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.mistakes.iter().map(Mistake::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// What reads, and what it found wrong.
struct Reader<'a> {
    text: &'a str,
    mistakes: Vec<Mistake>,
}

impl Scenario {
    /// Reads the TOML of a scenario.
    ///
    /// # Errors
    /// Lists everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let mut reader = Reader { text, mistakes: Vec::new() };
        let scenario = reader.scenario();
        if reader.mistakes.is_empty() {
            let text = match text.trim_end() {
                "" => String::new(),
                text => text.to_owned() + "\n",
            };
            return Ok(Self { text, ..scenario });
        }
        reader.mistakes.sort_by_key(|mistake| mistake.line);
        Err(ScenarioError { mistakes: reader.mistakes })
    }
}

impl Reader<'_> {
    fn scenario(&mut self) -> Scenario {
        let mut scenario = Scenario::default();
        let top = Spot::default();
        if self.text.len() > LONGEST {
            self.wrong(&top, "", None, format!("a scenario has at most {LONGEST} octets"));
            return scenario;
        }
        let table = match DeTable::parse(self.text) {
            Ok(table) => table,
            Err(error) => {
                let at = error.span().map_or(self.text.len(), |span| span.start);
                let spot = Spot { rule: None, line: self.line(at) };
                self.wrong(&spot, "", None, format!("this is not TOML: {}", error.message()));
                return scenario;
            }
        };
        for (key, value) in table.get_ref() {
            match key.get_ref().as_ref() {
                "seed" => {
                    scenario.seed = self.read(&top, "seed", value, value::whole);
                }
                "rules" => self.rules(value, &mut scenario),
                other => {
                    let spot = Spot { rule: None, line: self.line(key.span().start) };
                    self.wrong(
                        &spot,
                        other,
                        None,
                        "no such key; a scenario has `seed` and [[rules]]",
                    );
                }
            }
        }
        scenario
    }

    fn rules(&mut self, value: &Value<'_>, scenario: &mut Scenario) {
        let spot = Spot { rule: None, line: self.line(value.span().start) };
        let DeValue::Array(rows) = value.get_ref() else {
            let shown = shown(value.get_ref());
            return self.wrong(
                &spot,
                "rules",
                Some(shown),
                "expected [[rules]], a table for each rule",
            );
        };
        if rows.len() > MOST_RULES {
            let problem = format!("{} rules, and at most {MOST_RULES} are taken", rows.len());
            return self.wrong(&spot, "rules", None, problem);
        }
        for (number, row) in rows.iter().enumerate() {
            let DeValue::Table(table) = row.get_ref() else {
                self.wrong(&spot, "rules", Some(shown(row.get_ref())), "expected a table");
                continue;
            };
            if let Some(rule) = self.rule(number + 1, row, table) {
                let name = rule.name.clone();
                if scenario.rules.iter().any(|other| other.name == name) {
                    let spot = Spot { rule: Some(name.clone()), line: self.line(row.span().start) };
                    self.wrong(
                        &spot,
                        "name",
                        Some(format!("{name:?}")),
                        "another rule has this name",
                    );
                }
                scenario.rules.push(rule);
            }
        }
    }

    fn line(&self, at: usize) -> usize {
        1 + self.text.as_bytes().iter().take(at).filter(|octet| **octet == b'\n').count()
    }

    fn wrong(&mut self, spot: &Spot, key: &str, value: Option<String>, problem: impl Into<String>) {
        self.mistakes.push(Mistake {
            rule: spot.rule.clone(),
            line: spot.line,
            key: key.to_owned(),
            value,
            problem: problem.into(),
        });
    }

    /// Reads a value, or says what is allowed there.
    fn read<T>(
        &mut self,
        spot: &Spot,
        key: &str,
        value: &Value<'_>,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, String>,
    ) -> Option<T> {
        match read(value.get_ref()) {
            Ok(read) => Some(read),
            Err(problem) => {
                let spot = Spot { rule: spot.rule.clone(), line: self.line(value.span().start) };
                self.wrong(&spot, key, Some(shown(value.get_ref())), problem);
                None
            }
        }
    }
}
