//! A query as a tree, and how it is written.

use super::{SessionTerm, Term};
use std::fmt;

/// What to look for: messages, unless it says otherwise.
///
/// Displayed, it is in its canonical form, which means the same: parsed again it is the same query,
/// unless it has grown over a limit (`after:1h` becomes a date).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query<T = Term> {
    /// What a message has to be, or whatever else is looked for.
    pub root: Expr<T>,
}

/// A query that looks for sessions.
pub type SessionQuery = Query<SessionTerm>;

/// Conditions and what joins them.
///
/// [`parse`](super::parse) and [`parse_sessions`](super::parse_sessions) never put an `And` right into an `And`, an `Or` into an `Or`, or a
/// `Not` into a `Not`; both lists have two parts at least; and `All` is only at the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr<T = Term> {
    /// Everything.
    All,
    /// All of these hold.
    And(Vec<Expr<T>>),
    /// One of these holds at least.
    Or(Vec<Expr<T>>),
    /// This does not hold.
    Not(Box<Expr<T>>),
    /// One condition.
    Term(T),
}

impl<T> Query<T> {
    /// Whether nothing was asked for, so that everything matches.
    #[must_use]
    pub fn is_all(&self) -> bool {
        matches!(self.root, Expr::All)
    }
}

impl<T> Expr<T> {
    /// Whether the condition holds where `term` says which terms do. It is asked from left to
    /// right, and no further than needed.
    pub fn holds(&self, term: &mut impl FnMut(&T) -> bool) -> bool {
        match self {
            Self::All => true,
            Self::And(parts) => parts.iter().all(|part| part.holds(term)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(term)),
            Self::Not(part) => !part.holds(term),
            Self::Term(one) => term(one),
        }
    }
}

impl<T> Expr<T> {
    /// Lets `change` change every term.
    pub fn change_terms(&mut self, change: &mut impl FnMut(&mut T)) {
        match self {
            Self::All => {}
            Self::And(parts) | Self::Or(parts) => {
                parts.iter_mut().for_each(|part| part.change_terms(change));
            }
            Self::Not(part) => part.change_terms(change),
            Self::Term(one) => change(one),
        }
    }
}

impl<T: fmt::Display> Expr<T> {
    /// Writes the parts of an `And` or `Or`; in parentheses unless they are the whole query.
    ///
    /// An `Or` inside an `And` could do without, but few people would read it right.
    fn write(&self, f: &mut fmt::Formatter<'_>, whole: bool) -> fmt::Result {
        let (parts, between) = match self {
            Self::All => return Ok(()),
            Self::Term(term) => return fmt::Display::fmt(term, f),
            Self::Not(part) => {
                f.write_str("-")?;
                return part.write(f, false);
            }
            Self::And(parts) => (parts, " "),
            Self::Or(parts) => (parts, " OR "),
        };
        f.write_str(if whole { "" } else { "(" })?;
        for (number, part) in parts.iter().enumerate() {
            f.write_str(if number == 0 { "" } else { between })?;
            part.write(f, false)?;
        }
        f.write_str(if whole { "" } else { ")" })
    }
}

impl<T: fmt::Display> fmt::Display for Query<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.root, f)
    }
}

impl<T: fmt::Display> fmt::Display for Expr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, true)
    }
}
