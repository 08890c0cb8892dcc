//! Whether a scenario can do anything where it is to be put in force: its doors exist, and its moments come when
//! the inbox is known. A rule that could never strike is a mistake, and is told.

use super::engine::InboxWay;
use super::read::{Mistake, ScenarioError};
use super::scenario::{At, Deed, Rule, Scenario};
use crate::smtp::misbehave::Point;

impl Scenario {
    /// Whether each door that a rule is about is one of these.
    ///
    /// # Errors
    /// Names the rules whose `when.door` matches none.
    pub fn fits_doors(&self, doors: &[&str]) -> Result<(), ScenarioError> {
        let astray = self.rules.iter().filter_map(|rule| {
            let pattern = rule.when.door.as_ref()?;
            let is_met = doors.iter().any(|door| pattern.matches(door));
            (!is_met).then(|| {
                let problem = format!("no door is called so; there are {}", doors.join(", "));
                mistake(rule, "when.door", Some(format!("{:?}", pattern.text())), problem)
            })
        });
        none(astray.collect())
    }

    /// Whether each rule comes at a moment when it is known in which inbox a message will be.
    ///
    /// # Errors
    /// Names the rules whose moment is too early, and the moments that are not.
    pub fn fits_inbox(&self, way: &InboxWay) -> Result<(), ScenarioError> {
        let early = self.rules.iter().filter(|rule| !is_known(way, rule)).map(|rule| {
            let (by, moments) = match way {
                InboxWay::User => ("user", "\"auth\" and what comes after a login"),
                InboxWay::Recipient => {
                    ("recipient", "\"rcpt\", \"data\", \"end-of-data\", \"kept\" and \"any\"")
                }
                InboxWay::Header(_) => ("header", "\"end-of-data\" and \"kept\""),
                InboxWay::Door => ("door", "every moment"),
            };
            let problem =
                format!("the inbox is not known by then: by {by}, it is known at {moments}");
            match rule.deed {
                Deed::RefuseDoor => mistake(rule, "do.door", Some("\"refused\"".into()), problem),
                Deed::Misdeed(_) | Deed::Later(_) => {
                    mistake(rule, "at", Some(format!("{:?}", rule.at.name())), problem)
                }
            }
        });
        none(early.collect())
    }
}

fn is_known(way: &InboxWay, rule: &Rule) -> bool {
    let is_door = matches!(rule.deed, Deed::RefuseDoor);
    match (way, rule.at) {
        (InboxWay::Door, _) => true,
        _ if is_door => false,
        (InboxWay::User, At::One(point)) => {
            !matches!(point, Point::Connect | Point::Tls | Point::Greeting | Point::Ehlo)
        }
        (InboxWay::User | InboxWay::Recipient, At::AnyVerb) => true,
        (InboxWay::Recipient, At::One(point)) => {
            matches!(point, Point::Rcpt | Point::Data | Point::EndOfData | Point::Kept)
        }
        (InboxWay::Header(_), at) => {
            matches!(at, At::One(Point::EndOfData | Point::Kept))
        }
    }
}

fn mistake(rule: &Rule, key: &str, value: Option<String>, problem: String) -> Mistake {
    Mistake { rule: Some(rule.name.clone()), line: rule.line, key: key.to_owned(), value, problem }
}

fn none(mistakes: Vec<Mistake>) -> Result<(), ScenarioError> {
    if mistakes.is_empty() { Ok(()) } else { Err(ScenarioError { mistakes }) }
}
