//! Findings that are refusals: what a door is strict about is answered with 5xx, where it is known in time.
//!
//! A finding that shows only later, or that no reply could reach, cannot be refused: [`Code::can_be_refused`].

use super::letter::{Letter, Letters};
use super::{Code, Observed, is_no_server, of, of_message};
use crate::mail::Envelope;
use crate::smtp::judge::Judge;
use crate::smtp::transcript::Kind;
use crate::smtp::{Reply, Session};
use std::collections::BTreeSet;

/// What a door is strict about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strict {
    codes: BTreeSet<Code>,
}

impl Strict {
    /// The word for all that can be refused.
    pub const ALL: &'static str = "all";

    /// Strict about these: names of codes, or `all`. Names that are none are passed over.
    #[must_use]
    pub fn about<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut codes = BTreeSet::new();
        for name in names {
            let named = |code: &Code| name == Self::ALL || code.as_str() == name;
            codes.extend(
                Code::ALL.iter().copied().filter(|code| code.can_be_refused()).filter(named),
            );
        }
        Self { codes }
    }

    /// Whether it is strict about nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }
}

impl Judge for Strict {
    fn judge(&self, session: &Session, message: Option<(&Envelope, &[u8])>) -> Option<Reply> {
        let mut letters = Letters::default();
        let letter = message.map(|(envelope, octets)| {
            let letter = Letter::read(octets).sent_by(&envelope.reverse_path);
            letters.add(&letter, session.transcript().last(Kind::Data).unwrap_or(0));
            letter
        });
        let observed = Observed { session, letters: Some(&letters) };
        // A message that was refused, or had no fault, says nothing of the next.
        let own = letter
            .map(|letter| of_message(session, &letter, || is_no_server(&observed)))
            .unwrap_or_default();
        let concerns = |code: &Code| !code.is_of_one_message() || own.contains(code);
        let found = of(&observed);
        let mut codes = found.iter().filter_map(super::Finding::code).filter(concerns);
        let code = codes.find(|code| self.codes.contains(code))?;
        let reply = match code {
            // Other or undefined media error (RFC 3463 §3.7): it is the message that is wrong.
            Code::BccHeaderSent | Code::DateMissing | Code::MessageIdMissing => {
                Reply::new(554, 6, 0, "")
            }
            _ => Reply::new(550, 7, 1, ""),
        };
        Some(reply.with_text(format!("{}: {} (--strict)", code, code.title())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_can_be_refused() {
        assert!(Strict::about(["never-retried", "nonsense"]).is_empty());
        let all = Strict::about([Strict::ALL]);
        assert!(
            all.codes.contains(&Code::DateMissing) && !all.codes.contains(&Code::ClosedWithoutQuit)
        );
        assert_eq!(Strict::about(["bare-lf"]).codes.len(), 1);
    }
}
