//! Findings among the settings: what a door is strict about.
//!
//! Refuses a name that is none, and a finding that cannot be refused, since it shows too late for a reply.

use super::kind::{Scalar, quoted};
use crate::finding::{Code, Strict};

/// A finding that can be refused, or `all` of them.
pub(super) struct Refusable;

fn words() -> Vec<&'static str> {
    let codes = Code::ALL.iter().filter(|code| code.can_be_refused()).map(|code| code.as_str());
    [Strict::ALL].into_iter().chain(codes).collect()
}

impl Scalar for Refusable {
    type Value = String;

    fn expected() -> String {
        format!("a finding that can be refused: {}", words().join(", "))
    }

    fn words() -> Vec<&'static str> {
        words()
    }

    fn parse(text: &str) -> Option<String> {
        words().contains(&text).then(|| text.to_owned())
    }

    fn write(value: &String) -> String {
        quoted(value)
    }
}
