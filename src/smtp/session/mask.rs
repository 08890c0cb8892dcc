//! What of a client's line stands in the transcript: secrets do not.
//!
//! A password reaches a server by more ways than the right one: on an AUTH line that was
//! misspelled, as lines that follow an AUTH that was refused, in an answer to the wrong question.
//! What might be a secret is masked, also where it turns out to be none.

use super::super::auth::Exchange;
use super::super::command::{Rule, Verb};
use super::super::transcript::Kind;
use super::Session;
use base64::{Engine as _, engine::general_purpose::STANDARD};

const MASK: &[u8] = b"********";
/// The longest name of a SASL mechanism (RFC 4422 §3.1).
const MECHANISM_NAME: usize = 20;

impl Session {
    pub(super) fn record_client(&mut self, text: &[u8]) {
        self.record(Kind::Client, |out| out.extend(text));
    }

    /// Records a command line.
    pub(super) fn record_command(&mut self, text: &[u8], rule: Option<&'static Rule>) {
        let is_auth = rule.is_some_and(|rule| rule.verb == Verb::Auth) || begins_with_auth(text);
        // A client that goes on with an exchange that was refused sends its secrets as commands.
        let hush = self.hush && rule.is_none();
        self.hush = hush || is_auth;
        if self.policy.show_secrets || !(hush || is_auth) {
            return self.record_client(text);
        }
        let shown = if is_auth { masked_auth(text) } else { MASK.to_vec() };
        self.record_client(&shown);
    }

    /// Records the client's answer within an exchange.
    pub(super) fn record_answer(&mut self, line: &[u8], exchange: &Exchange) {
        // A whole PLAIN message in answer to LOGIN's first question holds the password.
        let is_name = || STANDARD.decode(line).is_ok_and(|answer| !answer.contains(&0));
        let shown =
            self.policy.show_secrets || line == b"*" || exchange.answer_is_harmless() && is_name();
        self.record_client(if shown { line } else { MASK });
    }

    /// Records what is known of a line that was too long to keep.
    pub(super) fn record_overlong(&mut self, start: &[u8], in_auth: bool) {
        let is_auth = in_auth || begins_with_auth(start);
        let hides = (is_auth || self.hush) && !self.policy.show_secrets;
        self.record_client(if hides { MASK } else { start });
    }
}

/// Whether a line is AUTH or meant to be, whatever slipped in front of it.
fn begins_with_auth(text: &[u8]) -> bool {
    meant(text).get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"AUTH"))
}

fn meant(text: &[u8]) -> &[u8] {
    let slipped = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | 0);
    let start = text.iter().position(|b| !slipped(b)).unwrap_or(text.len());
    &text[start..]
}

/// `AUTH MECHANISM ********`; the mechanism only where the word can be one.
fn masked_auth(text: &[u8]) -> Vec<u8> {
    let text = meant(text);
    let mut words = text.split(|b| *b == b' ').filter(|word| !word.is_empty());
    let verb = words.next().filter(|verb| verb.len() == 4).unwrap_or(b"AUTH");
    let mut shown = verb.to_vec();
    let rest: Vec<_> = words.collect();
    let masked = match rest.split_first() {
        None => text.len() > 4 && text.trim_ascii_end().len() != 4,
        Some((mechanism, secrets)) => {
            let is_name = can_be_mechanism(mechanism);
            if is_name {
                shown.extend([b" ", *mechanism].concat());
            }
            !is_name || !secrets.is_empty()
        }
    };
    if masked {
        shown.extend([b" ", MASK].concat());
    }
    shown
}

/// Upper case, digits, `-` and `_` (RFC 4422 §3.1), or a name that we know in any case.
fn can_be_mechanism(word: &[u8]) -> bool {
    let fits = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    let is_known = std::str::from_utf8(word)
        .is_ok_and(|name| super::super::auth::Mechanism::parse(name).is_some());
    is_known || word.len() <= MECHANISM_NAME && word.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_mechanism_is_shown() {
        for (line, shown) in [
            ("AUTH PLAIN AGEAYg==", "AUTH PLAIN ********"),
            ("AUTH PLAIN", "AUTH PLAIN"),
            ("auth login", "auth login"),
            ("AUTH DIGEST-MD5", "AUTH DIGEST-MD5"),
            ("AUTH  PLAIN  AGEAYg==", "AUTH PLAIN ********"),
            ("AUTH PLAIN\tAGEAYg==", "AUTH ********"),
            ("AUTH AGFsaWNlAHNlY3JldA==", "AUTH ********"),
            ("AUTH\tPLAIN AGEAYg==", "AUTH ********"),
            ("AUTH", "AUTH"),
            (" AUTH PLAIN AGEAYg==", "AUTH PLAIN ********"),
            ("\"AUTH PLAIN AGEAYg==\"", "AUTH PLAIN ********"),
        ] {
            let masked = masked_auth(line.as_bytes());
            assert_eq!(String::from_utf8_lossy(&masked), shown, "{line}");
        }
    }
}
