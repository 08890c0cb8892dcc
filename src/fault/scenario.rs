//! A scenario, read: rules in order, each with its conditions, its moment, its count and its deed.

use super::later::Later;
use super::when::When;
use crate::smtp::misbehave::{Misdeed, Occasion, Point};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// An ordered list of rules.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// What odds are computed from.
    pub(super) seed: Option<u64>,
    pub(super) rules: Vec<Rule>,
    /// As it was written.
    pub(super) text: String,
}

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    /// Where it stands, from 1.
    pub(super) line: usize,
    pub(super) at: At,
    pub(super) when: When,
    pub(super) count: Count,
    pub(super) per: Per,
    pub(super) deed: Deed,
}

/// What a rule does.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// Something in a session.
    Misdeed(Box<Misdeed>),
    /// Nothing listens behind the door.
    RefuseDoor,
    /// Something that comes after the 250.
    Later(Later),
}

/// The moments of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    One(Point),
    /// Every command.
    AnyVerb,
}

/// How often a rule strikes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Count {
    Always,
    /// Only these times, the first being 1.
    Nth(Vec<u64>),
    First(u64),
    Every(u64),
    /// When there were so many before within the time.
    After {
        messages: usize,
        within: Duration,
    },
    /// With this probability.
    Odds(f64),
    /// When more come than so many in a time.
    Limit {
        number: u32,
        period: Duration,
    },
    /// Until the same triplet comes again, this much later or more.
    Greylist(Duration),
}

/// What is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Per {
    Rule,
    Client,
    User,
    Sender,
    Recipient,
    Triplet,
    Envelope,
    Message,
}

/// Octets of what tells one thing from another; of what is longer, its digest does.
const LONGEST_KEY: usize = 128;

impl At {
    pub(super) fn matches(self, point: Point) -> bool {
        match self {
            Self::One(own) => own == point,
            Self::AnyVerb => is_verb(point),
        }
    }

    /// Its bit, and those of all others.
    pub(super) fn bits(self) -> u32 {
        match self {
            Self::One(point) => bit(point),
            Self::AnyVerb => {
                [Point::Ehlo, Point::Auth, Point::Mail, Point::Rcpt, Point::Data, Point::Other("")]
                    .into_iter()
                    .map(bit)
                    .fold(0, |all, one| all | one)
            }
        }
    }
}

fn is_verb(point: Point) -> bool {
    !matches!(point, Point::Connect | Point::Tls | Point::Greeting | Point::EndOfData | Point::Kept)
}

/// A bit for each moment; those verbs that are rarely asked about share one.
pub(super) const fn bit(point: Point) -> u32 {
    1 << match point {
        Point::Connect => 0,
        Point::Tls => 1,
        Point::Greeting => 2,
        Point::Ehlo => 3,
        Point::Auth => 4,
        Point::Mail => 5,
        Point::Rcpt => 6,
        Point::Data => 7,
        Point::EndOfData => 8,
        Point::Kept => 9,
        Point::Other(_) => 10,
    }
}

impl Per {
    /// What tells one thing that is counted from another. Clients decide how many things there are, so each is short.
    pub(super) fn key(self, occasion: &Occasion<'_>) -> String {
        let key = self.whole_key(occasion);
        if key.len() <= LONGEST_KEY {
            return key;
        }
        let digest = Sha256::digest(key.as_bytes());
        digest.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    fn whole_key(self, occasion: &Occasion<'_>) -> String {
        let sender = occasion.reverse_path.unwrap_or_default();
        let recipients = || occasion.forward_paths.join(",").to_lowercase();
        match self {
            Self::Rule => String::new(),
            Self::Client => occasion.peer.to_string(),
            Self::User => occasion.user.unwrap_or_default().to_owned(),
            Self::Sender => sender.to_lowercase(),
            Self::Recipient => recipients(),
            Self::Triplet => {
                format!("{}\n{}\n{}", occasion.peer, sender.to_lowercase(), recipients())
            }
            Self::Envelope => format!("{}\n{}", sender.to_lowercase(), recipients()),
            Self::Message => {
                let named =
                    occasion.message.and_then(|message| super::when::field(message, "Message-ID"));
                named.unwrap_or_else(|| Self::Envelope.whole_key(occasion))
            }
        }
    }
}

impl Scenario {
    /// What it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it has no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The names of its rules, in order.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| &*rule.name)
    }
}
