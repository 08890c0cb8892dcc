//! Puts the pieces of a query together.
//!
//! Refuses `OR` and `AND` with a side missing, parentheses without their other half or with
//! nothing inside, and queries that are too long, too deep or have too many terms: what a hostile
//! query can cost is bounded here.

use super::error::Fault;
use super::language::Language;
use super::lex::{Lexer, Placed, Token};
use super::{Expr, Query, QueryError, SessionQuery, messages, sessions};
use std::iter::Peekable;
use std::ops::Range;
use std::vec::IntoIter;
use time::OffsetDateTime;

/// The longest query, in octets.
pub const MAX_LENGTH: usize = 4096;

/// How deep parentheses can be nested.
pub const MAX_DEPTH: usize = 50;

/// How many terms a query can have.
pub const MAX_TERMS: usize = 200;

/// Reads a query for messages; `now` is what `after:1h` counts back from.
///
/// ```
/// use doorpost::search::parse;
/// use time::OffsetDateTime;
///
/// let query = parse("to:alice -is:read code OR link", OffsetDateTime::UNIX_EPOCH)?;
/// assert_eq!(query.to_string(), "to:alice -is:read (code OR link)");
/// # Ok::<(), doorpost::search::QueryError>(())
/// ```
///
/// # Errors
/// Says what is wrong, where, and what to write instead.
pub fn parse(text: &str, now: OffsetDateTime) -> Result<Query, QueryError> {
    query(&messages::LANGUAGE, text, now)
}

/// Reads a query for sessions; `now` is what `after:1h` counts back from.
///
/// ```
/// use doorpost::search::parse_sessions;
/// use time::OffsetDateTime;
///
/// let query = parse_sessions("client:10.0.0.0/8 code:5xx OR is:running", OffsetDateTime::UNIX_EPOCH)?;
/// assert_eq!(query.to_string(), "client:10.0.0.0/8 (code:5xx OR is:running)");
/// # Ok::<(), doorpost::search::QueryError>(())
/// ```
///
/// # Errors
/// Says what is wrong, where, and what to write instead.
pub fn parse_sessions(text: &str, now: OffsetDateTime) -> Result<SessionQuery, QueryError> {
    query(&sessions::LANGUAGE, text, now)
}

fn query<T: Clone>(
    language: &'static Language<T>,
    text: &str,
    now: OffsetDateTime,
) -> Result<Query<T>, QueryError> {
    let root = read(language, text, now);
    root.map(|root| Query { root }).map_err(|fault| QueryError::new(text, fault))
}

fn read<T: Clone>(
    language: &'static Language<T>,
    text: &str,
    now: OffsetDateTime,
) -> Result<Expr<T>, Fault> {
    if text.len() > MAX_LENGTH {
        let message = format!("a query has {MAX_LENGTH} octets at most");
        let end = text.floor_char_boundary(MAX_LENGTH);
        return Err(Fault::new(end..text.len(), message));
    }
    let tokens = tokens(Lexer::new(language, text, now))?;
    let mut parser = Parser { tokens: tokens.into_iter().peekable() };
    if parser.peek().is_none() {
        return Ok(Expr::All);
    }
    let root = parser.all(0)?;
    match parser.tokens.next() {
        // Nothing but a parenthesis ends what is not at its end.
        Some((_, span)) => {
            Err(Fault::new(span, "no `(` is open that this could close").help(QUOTE))
        }
        None => Ok(root),
    }
}

/// What to do where syntax was meant as text.
const QUOTE: &str = "to find the text itself, put it in quotes";

/// All pieces and their places, with no more terms than may be.
fn tokens<T: Clone>(mut lexer: Lexer<'_, T>) -> Result<Vec<Placed<T>>, Fault> {
    let mut tokens = Vec::new();
    let mut terms = 0;
    while let Some((token, span)) = lexer.next()? {
        terms += usize::from(matches!(token, Token::Term(_)));
        if terms > MAX_TERMS {
            return Err(Fault::new(span, format!("a query has {MAX_TERMS} terms at most")));
        }
        tokens.push((token, span));
    }
    Ok(tokens)
}

struct Parser<T> {
    tokens: Peekable<IntoIter<Placed<T>>>,
}

impl<T> Parser<T> {
    fn peek(&mut self) -> Option<&Token<T>> {
        self.tokens.peek().map(|(token, _)| token)
    }

    /// Whether something that can be found comes next.
    fn operand_follows(&mut self) -> bool {
        matches!(self.peek(), Some(Token::Term(_) | Token::Open | Token::Not))
    }

    /// Everything up to a closing parenthesis or the end; each part has to hold.
    fn all(&mut self, depth: usize) -> Result<Expr<T>, Fault> {
        let mut parts = Vec::new();
        loop {
            match self.peek() {
                None | Some(Token::Close) => return Ok(one_or(parts, Expr::And)),
                Some(Token::And) => self.joint("AND", !parts.is_empty())?,
                Some(Token::Or) => self.joint("OR", false)?,
                Some(Token::Open | Token::Not | Token::Term(_)) => {}
            }
            match self.any(depth)? {
                Expr::And(inner) => parts.extend(inner),
                part => parts.push(part),
            }
        }
    }

    /// What `OR` joins.
    fn any(&mut self, depth: usize) -> Result<Expr<T>, Fault> {
        let mut parts = Vec::new();
        loop {
            match self.operand(depth)? {
                Expr::Or(inner) => parts.extend(inner),
                part => parts.push(part),
            }
            if !matches!(self.peek(), Some(Token::Or)) {
                return Ok(one_or(parts, Expr::Or));
            }
            self.joint("OR", true)?;
        }
    }

    /// Steps over an `OR` or `AND`, if there is something on both sides.
    fn joint(&mut self, word: &str, before: bool) -> Result<(), Fault> {
        let span = self.tokens.next().map_or(0..1, |(_, span)| span);
        let side = match (before, self.operand_follows()) {
            (true, true) => return Ok(()),
            (false, _) => "in front of",
            (true, false) => "behind",
        };
        let message = format!("`{word}` joins two terms, and there is none {side} it");
        Err(Fault::new(span, message).help(format!("to find the word itself, write `\"{word}\"`")))
    }

    /// A term or a group, negated or not.
    fn operand(&mut self, depth: usize) -> Result<Expr<T>, Fault> {
        match self.tokens.next() {
            Some((Token::Term(term), _)) => Ok(Expr::Term(term)),
            Some((Token::Open, span)) => self.group(depth + 1, span),
            Some((Token::Not, span)) => {
                if !matches!(self.peek(), Some(Token::Term(_) | Token::Open)) {
                    return Err(
                        Fault::new(span, "this negates neither a term nor a group").help(QUOTE)
                    );
                }
                Ok(match self.operand(depth)? {
                    Expr::Not(inner) => *inner,
                    inner => Expr::Not(Box::new(inner)),
                })
            }
            // Cannot be: nobody asks for an operand unless one follows.
            other => {
                let span = other.map_or(0..1, |(_, span)| span);
                Err(Fault::new(span, "a term is missing here"))
            }
        }
    }

    /// What stands in parentheses; `open` is where they begin.
    fn group(&mut self, depth: usize, open: Range<usize>) -> Result<Expr<T>, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::new(open, format!("parentheses nest {MAX_DEPTH} deep at most")));
        }
        if let Some((_, close)) = self.tokens.next_if(|(token, _)| matches!(token, Token::Close)) {
            let span = open.start..close.end;
            return Err(Fault::new(span, "there is nothing between these parentheses").help(QUOTE));
        }
        let inside = self.all(depth)?;
        match self.tokens.next() {
            Some(_) => Ok(inside),
            None => Err(Fault::new(open, "this `(` is never closed").help(QUOTE)),
        }
    }
}

/// The only part, or all of them together.
fn one_or<T>(mut parts: Vec<Expr<T>>, together: fn(Vec<Expr<T>>) -> Expr<T>) -> Expr<T> {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            together(parts)
        }
        None => Expr::All,
    }
}
