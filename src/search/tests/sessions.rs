//! Queries for sessions: their keys, and what is said about those that only messages have. What
//! both languages share is tested with messages.

use super::*;
use std::net::IpAddr;

/// A query and its canonical form.
const RIGHT: &[(&str, &str)] = &[
    ("", ""),
    (r#"EHLO "550 5.7.1" auth*"#, r#"EHLO "550 5.7.1" auth*"#),
    ("a b OR -(c !d)", "a (b OR -(c -d))"),
    // Keys.
    (r#"door:relay USER:"Alice B""#, r#"door:relay user:"Alice B""#),
    ("hello:client.example.org hello:[192*", "hello:client.example.org hello:[192*"),
    ("envelope:alice@example.org -envelope:bob", "envelope:alice@example.org -envelope:bob"),
    ("finding:bare-lf", "finding:bare-lf"),
    ("code:550 code:200 code:599 Code:\"421\"", "code:550 code:200 code:599 code:421"),
    ("code:2xx -code:5XX", "code:2xx -code:5xx"),
    ("is:running is:ended is:REFUSED is:tls", "is:running is:ended is:refused is:tls"),
    ("after:1h before:2026-11-22", "after:2026-11-22T09:00:00Z before:2026-11-22"),
    ("id:7 message:42", "id:7 message:42"),
    // Addresses; the value may begin with colons, or stand in quotes.
    ("client:192.0.2.1 client:10.1.2.3/8", "client:192.0.2.1 client:10.0.0.0/8"),
    ("client:2001:DB8::1 client:fe80::/10", "client:2001:db8::1 client:fe80::/10"),
    ("client:::1 -client:::/0", "client:::1 -client:::/0"),
    (r#"(CLIENT:::1) client:"::1""#, "client:::1 client:::1"),
    ("client:::ffff:10.0.0.1", "client:10.0.0.1"),
    ("client:::ffff:10.0.0.0/104", "client:10.0.0.0/8"),
    // What only looks like a key.
    ("std::fmt client::x http://x 12:30", "std::fmt client::x http://x 12:30"),
    (r#"foo:::bar door:::x "client:::1""#, r#""foo:::bar" "door:::x" "client:::1""#),
    (r#"Subject: x "from:alice""#, r#""Subject:" x "from:alice""#),
];

#[test]
fn right_queries_have_a_canonical_form() {
    for (text, canonical) in RIGHT {
        let query = parse_sessions(text, NOW).unwrap_or_else(|error| panic!("{text}\n{error}"));
        assert_eq!(query.to_string(), *canonical, "{text}");
        assert_eq!(parse_sessions(canonical, NOW).unwrap(), query, "{text}");
        assert_eq!(query.is_all(), canonical.is_empty());
    }
}

/// Wrong queries as they are told; the first line is the query.
const WRONG: &[&str] = &[
    r##"foo:bar
^^^^ there is no key `foo:`
help: the keys are door: user: client: hello: envelope: code: finding: is: after: before: id: message:; to find the text itself, put it in quotes"##,
    r##"x findings:nul
  ^^^^^^^^^ there is no key `findings:`
help: did you mean `finding:`? Or else, to find the text itself, put it in quotes"##,
    r##"EHLO:x
^^^^^ there is no key `EHLO:`
help: did you mean `hello:`? Or else, to find the text itself, put it in quotes"##,
    r##"X-Mailer:php
^^^^^^^^^ there is no key `X-Mailer:`
help: the keys are door: user: client: hello: envelope: code: finding: is: after: before: id: message:; to find the text itself, put it in quotes"##,
    r##"door:relay -Subject:welcome
            ^^^^^^^^ `subject:` is a key for messages, not for sessions
help: the keys are door: user: client: hello: envelope: code: finding: is: after: before: id: message:; to find the text itself, put it in quotes"##,
    r##"header:X-A:b
^^^^^^^ `header:` is a key for messages, not for sessions
help: the keys are door: user: client: hello: envelope: code: finding: is: after: before: id: message:; to find the text itself, put it in quotes"##,
    r##"rcpt:bob
^^^^^ `rcpt:` is a key for messages, not for sessions
help: did you mean `envelope:`? Or else, to find the text itself, put it in quotes"##,
    r##"hello:(a b)
      ^ a key takes one value, not a group
help: write the key in front of each value: `(user:alice OR user:bob)`"##,
    r##"hello: x
     ^ there is no value behind this colon
help: no space stands between a key and its value"##,
    r##"is:unread
   ^^^^^^ `is:` takes `running`, `ended`, `refused`, `outbound` or `tls`"##,
    r##"is:runing
   ^^^^^^ `is:` takes `running`, `ended`, `refused`, `outbound` or `tls`
help: did you mean `running`?"##,
    r##"code:600
     ^^^ `code:` takes a reply code from 200 to 599, or `xx` behind its first digit
help: as in `550` or `5xx`"##,
    r##"code:5.7.1
     ^^^^^ `code:` takes a reply code from 200 to 599, or `xx` behind its first digit
help: as in `550` or `5xx`"##,
    r##"code:5*
     ^^ `code:` compares whole values, no `*` can stand for the rest
help: in quotes a `*` is only a `*`"##,
    r##"client:localhost
       ^^^^^^^^^ `client:` takes an address or a network
help: as in `192.0.2.1`, `2001:db8::1`, `10.0.0.0/8` or `fe80::/10`, without a port"##,
    r##"client:::g OR x
       ^^^ `client:` takes an address or a network
help: as in `192.0.2.1`, `2001:db8::1`, `10.0.0.0/8` or `fe80::/10`, without a port"##,
    r##"client:10.0.0.0/33
       ^^^^^^^^^^^ `client:` takes an address or a network
help: as in `192.0.2.1`, `2001:db8::1`, `10.0.0.0/8` or `fe80::/10`, without a port"##,
    r##"finding:""
        ^^ `finding:` takes a value that is not empty"##,
    r##"id:x
   ^ `id:` takes the number of a session, 1 or more"##,
    r##"message:0
        ^ `message:` takes the number of a message, 1 or more"##,
    r##"-(door:relay
 ^ this `(` is never closed
help: to find the text itself, put it in quotes"##,
];

#[test]
fn wrong_queries_are_told_with_their_place() {
    for told in WRONG {
        let query = told.lines().next().unwrap();
        assert_eq!(parse_sessions(query, NOW).unwrap_err().to_string(), *told);
    }
}

#[test]
fn no_other_value_is_a_reply_code() {
    for value in ["199", "1000", "0550", "+550", "55", "1xx", "6xx", "xxx", "5x", "5xxx", "٥xx"] {
        assert!(parse_sessions(&format!("code:{value}"), NOW).is_err(), "{value}");
    }
}

/// The names of the keys that only the first language has.
fn only_first(
    first: impl Iterator<Item = (&'static str, &'static str)>,
    second: impl Iterator<Item = (&'static str, &'static str)>,
) -> Vec<&'static str> {
    let second: Vec<_> = second.map(|(name, _)| name).collect();
    first.map(|(name, _)| name).filter(|name| !second.contains(name)).collect()
}

#[test]
fn keys_of_the_other_language_are_named_as_such() {
    let names = only_first(session_keys(), message_keys());
    assert_eq!(names, ["client", "hello", "code", "message"]);
    for name in names {
        let error = parse(&format!("{name}:1"), NOW).unwrap_err();
        assert_eq!(error.message(), format!("`{name}:` is a key for sessions, not for messages"));
    }
    for name in only_first(message_keys(), session_keys()) {
        let error = parse_sessions(&format!("{name}:1"), NOW).unwrap_err();
        assert_eq!(error.message(), format!("`{name}:` is a key for messages, not for sessions"));
    }
}

#[test]
fn every_key_is_listed_with_one_line() {
    for (name, finds) in message_keys().chain(session_keys()) {
        assert!(!finds.is_empty() && finds.len() < 60 && !finds.contains('\n'), "{name}: {finds}");
    }
    // What another program's key stands for is a key of ours.
    let known = |name: &str, mut keys: Vec<(&str, &str)>| {
        keys.retain(|(key, _)| *key == name);
        keys.len() == 1
    };
    for (theirs, ours) in messages::LANGUAGE.foreign {
        assert!(known(ours, message_keys().collect()), "{theirs}: {ours}");
    }
    for (theirs, ours) in super::super::sessions::LANGUAGE.foreign {
        assert!(known(ours, session_keys().collect()), "{theirs}: {ours}");
    }
}

#[test]
fn the_limits_are_the_same() {
    let message = |text: &str| parse_sessions(text, NOW).unwrap_err().message().to_owned();
    assert_eq!(message(&"-(".repeat(MAX_DEPTH + 1)), "parentheses nest 50 deep at most");
    assert_eq!(message(&"a ".repeat(MAX_TERMS + 1)), "a query has 200 terms at most");
    assert_eq!(message(&"a".repeat(MAX_LENGTH + 1)), "a query has 4096 octets at most");
}

#[test]
fn a_condition_holds_as_its_terms_do() {
    let address: IpAddr = "::ffff:10.1.2.3".parse().unwrap();
    let holds = |query: &str| {
        parse_sessions(query, NOW).unwrap().root.holds(&mut |term| match term {
            SessionTerm::Text(words) => words.matches("C: EHLO client.example.org"),
            SessionTerm::Client(network) => network.contains(address),
            SessionTerm::Code(code) => *code == 550,
            SessionTerm::CodeClass(class) => *class == 5,
            _ => panic!("{term}"),
        })
    };
    for right in ["", "ehlo", "client:10.0.0.0/8 code:5xx", "-client:::/0", "code:421 OR code:550"]
    {
        assert!(holds(right), "{right}");
    }
    for wrong in ["helo", "client:10.0.0.1", "code:4xx", "-(code:550 ehlo)"] {
        assert!(!holds(wrong), "{wrong}");
    }
}

fn any_words() -> impl Strategy<Value = Words> {
    (any::<String>(), any::<bool>())
        .prop_filter_map("no word", |(text, prefix)| Words::new(text, prefix))
}

fn any_value() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("empty", |text| !text.is_empty())
}

fn any_network() -> impl Strategy<Value = Network> {
    let mapped = any::<std::net::Ipv4Addr>().prop_map(|address| address.to_ipv6_mapped().into());
    let address = prop_oneof![any::<IpAddr>(), mapped];
    (address, 0..=128_u8)
        .prop_map(|(address, prefix)| Network::new(address, prefix).unwrap_or(address.into()))
}

fn any_term() -> impl Strategy<Value = SessionTerm> {
    use SessionTerm as Term;
    let flag = prop::sample::select(
        &[SessionFlag::Running, SessionFlag::Ended, SessionFlag::Refused, SessionFlag::Tls][..],
    );
    let time = (0..60_000_000_000_i64, 0..1_000_000_000_i64).prop_map(|(ago, part)| {
        NOW - time::Duration::seconds(ago) - time::Duration::nanoseconds(part)
    });
    prop_oneof![
        any_words().prop_map(Term::Text),
        any_words().prop_map(Term::Hello),
        any_words().prop_map(Term::Envelope),
        any_value().prop_map(Term::Door),
        any_value().prop_map(Term::User),
        any_value().prop_map(Term::Finding),
        any_network().prop_map(Term::Client),
        (200..=599_u16).prop_map(Term::Code),
        (2..=5_u8).prop_map(Term::CodeClass),
        flag.prop_map(Term::Is),
        time.clone().prop_map(Term::After),
        time.prop_map(Term::Before),
        (1..=u64::MAX).prop_map(Term::Id),
        (1..=u64::MAX).prop_map(Term::Message),
    ]
}

proptest! {
    #[test]
    fn no_text_does_harm(text in any::<String>()) {
        round_trips(&text, parse_sessions);
    }

    #[test]
    fn nothing_like_a_query_does_harm(text in query_like(RIGHT, WRONG)) {
        round_trips(&text, parse_sessions);
    }

    #[test]
    fn any_term_can_be_written(term in any_term()) {
        let written = term.to_string();
        prop_assert_eq!(parse_sessions(&written, NOW).map(|query| query.root), Ok(Expr::Term(term)));
    }

    #[test]
    fn any_terms_can_be_joined(terms in prop::collection::vec(any_term(), 2..5), not: bool) {
        let terms = terms.into_iter().map(Expr::Term).collect();
        let root = if not { Expr::Not(Box::new(Expr::Or(terms))) } else { Expr::And(terms) };
        let written = root.to_string();
        prop_assert_eq!(parse_sessions(&written, NOW).map(|query| query.root), Ok(root));
    }
}
