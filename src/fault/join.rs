//! Two scenarios become one, as a text that can be read, copied and put in force again.
//!
//! The first one's seed wins. A rule of the second whose name is taken gets a number behind it. Refuses what is
//! no longer a scenario: too many rules, or `rules = […]`, to which TOML lets nobody add.

use super::read::{Mistake, ScenarioError};
use super::scenario::Scenario;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Octets of a rule's name.
const LONGEST_NAME: usize = 64;

/// Something else in the place of a part of the text.
type Edit = (Range<usize>, String);

impl Scenario {
    /// This one, and behind it the rules of another.
    ///
    /// # Errors
    /// Where both together are no scenario: there are too many rules, or they are an array that cannot grow.
    pub fn and(self, other: &Self) -> Result<Self, ScenarioError> {
        if self.text.is_empty() {
            return Ok(other.clone());
        }
        if other.text.is_empty() {
            return Ok(self);
        }
        let mut text = String::new();
        if let (None, Some(seed)) = (self.seed, other.seed) {
            text.push_str(&format!("seed = {seed}\n\n"));
        }
        text.push_str(&self.text);
        text.push('\n');
        text.push_str(&edited(&other.text, edits(&self, other)));
        Self::parse(&text).map_err(|error| ScenarioError {
            mistakes: error.mistakes.into_iter().map(explained).collect(),
        })
    }
}

/// What has to change in the second text so that it can stand behind the first.
fn edits(first: &Scenario, second: &Scenario) -> Vec<Edit> {
    let Ok(table) = DeTable::parse(&second.text) else { return Vec::new() };
    let mut edits = Vec::new();
    for (key, value) in table.get_ref() {
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("seed", _) => edits.push((key.span().start..value.span().end, String::new())),
            ("rules", DeValue::Array(rows)) => {
                let mut taken: Vec<String> =
                    first.rules().chain(second.rules()).map(str::to_owned).collect();
                for row in rows {
                    let DeValue::Table(rule) = row.get_ref() else { continue };
                    let Some(name) = rule.get("name") else { continue };
                    let Some(text) = name.get_ref().as_str() else { continue };
                    if first.rules().any(|other| other == text) {
                        let free = free_name(text, &taken);
                        edits.push((name.span(), format!("{free:?}")));
                        taken.push(free);
                    }
                }
            }
            _ => {}
        }
    }
    edits
}

fn free_name(name: &str, taken: &[String]) -> String {
    let mut number = 2_usize;
    loop {
        let suffix = format!("-{number}");
        // A name is ASCII, so it can be cut anywhere.
        let base = &name[..name.len().min(LONGEST_NAME - suffix.len())];
        let free = format!("{base}{suffix}");
        if !taken.contains(&free) {
            return free;
        }
        number += 1;
    }
}

fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = text.to_owned();
    for (range, instead) in edits {
        text.replace_range(range, &instead);
    }
    text.trim_start().to_owned()
}

/// Each text was a scenario by itself, so what is not TOML now is an array that does not grow.
fn explained(mistake: Mistake) -> Mistake {
    match mistake.problem.starts_with("this is not TOML") {
        true => Mistake {
            key: "rules".into(),
            problem: "nothing can be added to an array in brackets; write [[rules]] for each rule"
                .into(),
            ..mistake
        },
        false => mistake,
    }
}
