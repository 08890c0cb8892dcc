//! The verbs, and one table that says of each where it is legal (RFC 5321 §4.1.4).

/// A command's verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // they are the names of the RFCs
pub enum Verb {
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Quit,
    Help,
    Vrfy,
    Expn,
}

/// Where a verb is legal.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The verb.
    pub verb: Verb,
    /// Its name on the wire.
    pub name: &'static str,
    /// What must have happened before.
    pub needs: Needs,
    /// Whether it is answered before TLS where the door demands STARTTLS (RFC 3207 §4).
    pub before_tls: bool,
    /// Whether it must be the last of a pipelined group (RFC 2920 §3.1).
    pub ends_group: bool,
}

/// The state that a verb needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// None.
    Nothing,
    /// EHLO or HELO.
    Hello,
    /// EHLO or HELO, and no mail transaction.
    NoTransaction,
    /// A mail transaction.
    Transaction,
}

/// Every verb that doorpost knows.
pub const RULES: [Rule; 14] = {
    use Needs::{Hello, NoTransaction, Nothing, Transaction};
    const fn rule(
        verb: Verb,
        name: &'static str,
        needs: Needs,
        before_tls: bool,
        ends_group: bool,
    ) -> Rule {
        Rule { verb, name, needs, before_tls, ends_group }
    }
    [
        rule(Verb::Ehlo, "EHLO", Nothing, true, true),
        rule(Verb::Helo, "HELO", Nothing, true, true),
        rule(Verb::StartTls, "STARTTLS", Hello, true, true),
        rule(Verb::Auth, "AUTH", NoTransaction, false, true),
        rule(Verb::Mail, "MAIL", NoTransaction, false, false),
        rule(Verb::Rcpt, "RCPT", Transaction, false, false),
        rule(Verb::Data, "DATA", Transaction, false, true),
        rule(Verb::Bdat, "BDAT", Transaction, false, false),
        rule(Verb::Rset, "RSET", Nothing, true, false),
        rule(Verb::Noop, "NOOP", Nothing, true, true),
        rule(Verb::Quit, "QUIT", Nothing, true, true),
        rule(Verb::Help, "HELP", Nothing, false, false),
        rule(Verb::Vrfy, "VRFY", Nothing, false, true),
        rule(Verb::Expn, "EXPN", Nothing, false, true),
    ]
};

/// Splits a command line into its verb and its argument, without the spaces around them.
#[must_use]
pub fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.iter().position(|b| *b == b' ').unwrap_or(line.len());
    let (verb, argument) = line.split_at(end);
    (verb, argument.trim_ascii())
}

/// The rule of a verb, in any case.
#[must_use]
pub fn rule(verb: &[u8]) -> Option<&'static Rule> {
    let initial = verb.first()?.to_ascii_uppercase();
    let is = |name: &[u8]| name.first() == Some(&initial) && name.eq_ignore_ascii_case(verb);
    RULES.iter().find(|rule| is(rule.name.as_bytes()))
}

/// Whether a line begins as HTTP requests and their headers do. Browsers can be made to send
/// such lines to any port.
#[must_use]
pub fn is_http(line: &[u8]) -> bool {
    const METHODS: [&[u8]; 9] =
        [b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"DELETE", b"PATCH", b"PRI"];
    let (verb, argument) = split(line);
    let is_method = METHODS.iter().any(|method| method.eq_ignore_ascii_case(verb));
    let is_host = line.len() >= 5 && line[..5].eq_ignore_ascii_case(b"Host:");
    is_host || is_method && !argument.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_and_finds() {
        assert_eq!(split(b"mail FROM:<> SIZE=1  "), (&b"mail"[..], &b"FROM:<> SIZE=1"[..]));
        assert_eq!(split(b"DATA"), (&b"DATA"[..], &b""[..]));
        assert_eq!(rule(b"eHLo").map(|r| r.verb), Some(Verb::Ehlo));
        assert!(rule(b"EHLOX").is_none());
        assert!(is_http(b"GET / HTTP/1.1") && is_http(b"host: x") && !is_http(b"HELO x"));
    }
}
