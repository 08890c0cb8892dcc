//! What rules do, moment by moment, and what the reader says about those that are wrong.

mod counting;
mod joining;
mod reading;
mod whom;

use super::{Faults, InboxWay, Scenario};
use crate::smtp::misbehave::{Misbehave, Occasion, Point};
use std::net::{IpAddr, Ipv4Addr};

/// A moment as most of them are: bob's mail to alice, on `relay`.
fn occasion(point: Point) -> Occasion<'static> {
    Occasion {
        point,
        door: "relay",
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        hello: Some("client.example"),
        user: None,
        encrypted: false,
        reverse_path: Some("bob@example.net"),
        forward_paths: &[],
        recipients: 1,
        size: None,
        message: None,
    }
}

fn faults(scenario: &str) -> Faults {
    let faults = Faults::new(InboxWay::User);
    faults.set(None, Scenario::parse(scenario).unwrap());
    faults
}

/// One rule at RCPT, with this in it.
fn at_rcpt(rest: &str) -> Faults {
    faults(&format!(
        "[[rules]]\nname = \"r\"\nat = \"rcpt\"\n{rest}\ndo = {{ reply = \"450 no\" }}\n"
    ))
}

/// Whether it strikes at RCPT for this recipient.
fn strikes(faults: &Faults, recipient: &str) -> bool {
    let paths = [recipient.to_owned()];
    faults.ask(&Occasion { forward_paths: &paths, ..occasion(Point::Rcpt) }).is_some()
}

/// At which of so many times it strikes, from 1.
fn times(faults: &Faults, number: usize) -> Vec<usize> {
    (1..=number).filter(|_| strikes(faults, "alice@example.org")).collect()
}
