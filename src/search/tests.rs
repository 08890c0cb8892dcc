//! The language as a whole: what queries mean, what is said about wrong ones, and that no text
//! can do harm.

mod sessions;

use super::*;
use proptest::prelude::*;
use std::fmt;
use time::OffsetDateTime;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-11-22 10:00:00 UTC);

/// A query and its canonical form.
const RIGHT: &[(&str, &str)] = &[
    ("", ""),
    (" \t\n", ""),
    // Words and phrases.
    ("invoice", "invoice"),
    ("  two   words ", "two words"),
    (r#""a phrase""#, r#""a phrase""#),
    (r#""one""#, "one"),
    (r#""a \"b\" \\ c:\d""#, r#""a \"b\" \\ c:\\d""#),
    ("inv*", "inv*"),
    (r#""your co"*"#, r#""your co"*"#),
    (r#""in*""#, r#""in*""#),
    ("foo-bar don't 3.14 alice@example.org", "foo-bar don't 3.14 alice@example.org"),
    ("Grüße 日本語", "Grüße 日本語"),
    // What only looks like a key.
    ("http://example.org/a?b=c 12:30 std::fmt", "http://example.org/a?b=c 12:30 std::fmt"),
    ("-https://example.org", "-https://example.org"),
    ("foo:::bar subject:::x client:::1", r#""foo:::bar" "subject:::x" "client:::1""#),
    ("Dear Alice: hello", r#"Dear "Alice:" hello"#),
    (r#""from:alice""#, r#""from:alice""#),
    (r#""-x" "OR" "and" or and"#, r#""-x" "OR" and or and"#),
    // Joining, negating, grouping.
    ("a AND b", "a b"),
    ("a b OR c d", "a (b OR c) d"),
    ("a OR b AND c OR d", "(a OR b) (c OR d)"),
    ("a OR b OR c", "a OR b OR c"),
    ("a OR (b OR (c))", "a OR b OR c"),
    ("(a b) c", "a b c"),
    ("(a b) OR c", "(a b) OR c"),
    ("-a !b", "-a -b"),
    ("-(a b) -(a OR b)", "-(a b) -(a OR b)"),
    ("-(-a) -(-(a b))", "a a b"),
    ("-a OR -b", "-a OR -b"),
    ("a(b)c", "a b c"),
    (r#"-"a b" -from:a"#, r#"-"a b" -from:a"#),
    // Keys.
    ("FROM:Alice To:bob cC:c", "from:Alice to:bob cc:c"),
    (
        "bcc:a reply-to:b envelope:c rcpt:d subject:e",
        "bcc:a reply-to:b envelope:c rcpt:d subject:e",
    ),
    (r#"subject:"Your order" subject:ord*"#, r#"subject:"Your order" subject:ord*"#),
    (r#"header:X-Mailer:php header:x-a:"b c""#, r#"header:X-Mailer:php header:x-a:"b c""#),
    ("header:X-A:b:c", "header:X-A:\"b:c\""),
    ("message-id:<a@b> message-id:a@b", "message-id:a@b message-id:a@b"),
    (r#"tag:x tag:"a b" tag:"*""#, r#"tag:x tag:"a b" tag:"*""#),
    ("door:relay user:alice inbox:ci-7", "door:relay user:alice inbox:ci-7"),
    ("user:-x user:http://x", r#"user:"-x" user:http://x"#),
    (
        "is:read is:UNREAD is:bounce has:attachment has:attachments",
        "is:read is:unread is:bounce has:attachment has:attachment",
    ),
    ("larger:10k smaller:5MB larger:1000 larger:0", "larger:10k smaller:5M larger:1000 larger:0"),
    (
        "after:2026-11-22 before:2026-11-22T10:00:00Z",
        "after:2026-11-22 before:2026-11-22T10:00:00Z",
    ),
    ("after:1h before:2d", "after:2026-11-22T09:00:00Z before:2026-11-20T10:00:00Z"),
    (r#"id:42 id:"7""#, "id:42 id:7"),
];

#[test]
fn right_queries_have_a_canonical_form() {
    for (text, canonical) in RIGHT {
        let query = parse(text, NOW).unwrap_or_else(|error| panic!("{text}\n{error}"));
        assert_eq!(query.to_string(), *canonical, "{text}");
        assert_eq!(parse(canonical, NOW).unwrap(), query, "{text}");
        assert_eq!(query.is_all(), canonical.is_empty());
    }
}

/// Wrong queries as they are told; the first line is the query.
const WRONG: &[&str] = &[
    r##"foo:bar
^^^^ there is no key `foo:`
help: the keys are from: to: cc: bcc: reply-to: envelope: rcpt: subject: header: message-id: tag: door: user: inbox: finding: is: has: larger: smaller: after: before: id:; to find the text itself, put it in quotes"##,
    r##"from:alice form:bob
           ^^^^^ there is no key `form:`
help: did you mean `from:`? Or else, to find the text itself, put it in quotes"##,
    r##"newer_than:2d
^^^^^^^^^^^ there is no key `newer_than:`
help: did you mean `after:`? Or else, to find the text itself, put it in quotes"##,
    r##"is:unread CODE:550
          ^^^^^ `code:` is a key for sessions, not for messages
help: the keys are from: to: cc: bcc: reply-to: envelope: rcpt: subject: header: message-id: tag: door: user: inbox: finding: is: has: larger: smaller: after: before: id:; to find the text itself, put it in quotes"##,
    r##"X-Mailer:php
^^^^^^^^^ there is no key `X-Mailer:`
help: a header field is `header:X-Name:value`; to find the text itself, put it in quotes"##,
    r##"from: alice
    ^ there is no value behind this colon
help: no space stands between a key and its value"##,
    r##"(to:)
   ^ there is no value behind this colon
help: no space stands between a key and its value"##,
    r##"subject:(a b)
        ^ a key takes one value, not a group
help: write the key in front of each value: `(user:alice OR user:bob)`"##,
    r##"header:X-A
^^^^^^^^^^ `header:` takes the name of a header field, a colon and a value
help: as in `header:X-Name:value`"##,
    r##"header:X-A: b
          ^ there is no value behind this colon
help: no space stands between a key and its value"##,
    r##"header:X-Å:b
^^^^^^^^^^ `header:` takes the name of a header field, a colon and a value
help: as in `header:X-Name:value`"##,
    r##"is:nonsense
   ^^^^^^^^ `is:` takes `read`, `unread` or `bounce`"##,
    r##"is:unred
   ^^^^^ `is:` takes `read`, `unread` or `bounce`
help: did you mean `unread`?"##,
    r##"has:image
    ^^^^^ `has:` takes `attachment` or `attachments`"##,
    r##"larger:10x
       ^^^ `larger:` takes a size such as `300`, `10k` or `1.5MB`"##,
    r##"smaller:"5 apples"
        ^^^^^^^^^^ `smaller:` takes a size such as `300`, `10k` or `1.5MB`"##,
    r##"after:soon
      ^^^^ `after:` takes a day, a time with its zone, or how long ago
help: as in `2026-11-22` (from midnight UTC), `2026-11-22T10:00:00Z`, `30s`, `5m`, `1h`, `2d` or `1w`"##,
    r##"before:2026-02-30
       ^^^^^^^^^^ `before:` takes a day, a time with its zone, or how long ago
help: as in `2026-11-22` (from midnight UTC), `2026-11-22T10:00:00Z`, `30s`, `5m`, `1h`, `2d` or `1w`"##,
    r##"after:2026-11-22T10:00:00
      ^^^^^^^^^^^^^^^^^^^ `after:` takes a day, a time with its zone, or how long ago
help: as in `2026-11-22` (from midnight UTC), `2026-11-22T10:00:00Z`, `30s`, `5m`, `1h`, `2d` or `1w`"##,
    r##"id:0
   ^ `id:` takes the number of a message, 1 or more"##,
    r##"id:+5
   ^^ `id:` takes the number of a message, 1 or more"##,
    r##"tag:a*
    ^^ `tag:` compares whole values, no `*` can stand for the rest
help: in quotes a `*` is only a `*`"##,
    r##"user:"a"*
     ^^^^ `user:` compares whole values, no `*` can stand for the rest
help: in quotes a `*` is only a `*`"##,
    r##"door:""
     ^^ `door:` takes a value that is not empty"##,
    r##"say "abc
    ^ this quote is never closed
help: inside quotes, `\"` is a quote"##,
    r##"subject:"abc\"
        ^ this quote is never closed
help: inside quotes, `\"` is a quote"##,
    r##"5" nail
 ^ a quote can only stand around a whole value
help: inside quotes, `\"` is a quote"##,
    r##""a"b
   ^ a space is missing behind the quotes"##,
    r##"(a
^ this `(` is never closed
help: to find the text itself, put it in quotes"##,
    r##"a (b OR (c)
  ^ this `(` is never closed
help: to find the text itself, put it in quotes"##,
    r##"a) b
 ^ no `(` is open that this could close
help: to find the text itself, put it in quotes"##,
    r##"x -()
   ^^ there is nothing between these parentheses
help: to find the text itself, put it in quotes"##,
    r##"OR a
^^ `OR` joins two terms, and there is none in front of it
help: to find the word itself, write `"OR"`"##,
    r##"a OR
  ^^ `OR` joins two terms, and there is none behind it
help: to find the word itself, write `"OR"`"##,
    r##"(a OR) b
   ^^ `OR` joins two terms, and there is none behind it
help: to find the word itself, write `"OR"`"##,
    r##"a OR OR b
  ^^ `OR` joins two terms, and there is none behind it
help: to find the word itself, write `"OR"`"##,
    r##"a AND
  ^^^ `AND` joins two terms, and there is none behind it
help: to find the word itself, write `"AND"`"##,
    r##"a - b
  ^ `-` negates what stands right behind it, and here is nothing
help: as in `-word`; to find text with a `-` in it, put it in quotes"##,
    r##"--verbose
^ this negates neither a term nor a group
help: to find the text itself, put it in quotes"##,
    r##"-OR
^ this negates neither a term nor a group
help: to find the text itself, put it in quotes"##,
    r##"a*b
 ^ a `*` can only stand at the end, for the rest of a word
help: in quotes a `*` is only a `*`"##,
    r##"Terms & Conditions
      ^ there is no letter or digit to look for here
help: leave it out, or put it and its neighbours in quotes"##,
    r##"from:*
     ^ there is no letter or digit to look for here
help: leave it out, or put it and its neighbours in quotes"##,
    r##"🎉
^ there is no letter or digit to look for here
help: leave it out, or put it and its neighbours in quotes"##,
];

#[test]
fn wrong_queries_are_told_with_their_place() {
    for told in WRONG {
        let query = told.lines().next().unwrap();
        let error = parse(query, NOW).unwrap_err();
        assert_eq!(error.to_string(), *told);
        assert!(query.get(error.span()).is_some_and(|place| !place.is_empty()), "{query}");
        assert!(told.contains(error.message()) && told.contains(error.help().unwrap_or_default()));
    }
}

#[test]
fn hostile_queries_are_refused() {
    let deep = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(parse(&deep(MAX_DEPTH), NOW).unwrap().to_string(), "a");
    let message = |text: &str| parse(text, NOW).unwrap_err().message().to_owned();
    assert_eq!(message(&deep(MAX_DEPTH + 1)), "parentheses nest 50 deep at most");
    assert_eq!(message(&"-(".repeat(MAX_LENGTH / 2)), "parentheses nest 50 deep at most");
    assert!(parse(&"a ".repeat(MAX_TERMS), NOW).is_ok());
    assert_eq!(message(&"a ".repeat(MAX_TERMS + 1)), "a query has 200 terms at most");
    assert!(parse(&"a".repeat(MAX_LENGTH), NOW).is_ok());
    assert_eq!(message(&"é".repeat(MAX_LENGTH)), "a query has 4096 octets at most");
    assert_eq!(message(&format!("{}:x", "a".repeat(4000))), "there is no such key");
}

#[test]
fn a_long_query_is_shown_around_the_place() {
    let text = format!("{} is:x {}", "a".repeat(100), "b".repeat(100));
    let told = parse(&text, NOW).unwrap_err().to_string();
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines[0], format!("…{} is:x {}…", "a".repeat(36), "b".repeat(34)));
    assert_eq!(lines[1], format!("{}^ `is:` takes `read`, `unread` or `bounce`", " ".repeat(41)));
    let told = parse(&format!("is:{}", "é".repeat(1000)), NOW).unwrap_err().to_string();
    assert!(told.contains(&format!("   {} `is:`", "^".repeat(73))), "{told}");
}

#[test]
fn an_error_cannot_command_a_terminal() {
    let told = parse("\u{1b}[31m\u{202e}\u{9b}a\tb\n is:x", NOW).unwrap_err().to_string();
    assert!(told.starts_with("\u{fffd}[31m\u{fffd}\u{fffd}a b  is:x\n"), "{told:?}");
}

#[test]
fn a_condition_holds_as_its_terms_do() {
    let text = "Your code is 1234";
    let holds = |query: &str| {
        parse(query, NOW).unwrap().root.holds(&mut |term| match term {
            Term::Text(words) => words.matches(text),
            Term::Id(number) => *number == 7,
            _ => panic!("{term}"),
        })
    };
    for right in
        ["", "code", "CODE 1234", "x OR code", r#""code is""#, "-x", "-(code x)", "12* id:7"]
    {
        assert!(holds(right), "{right}");
    }
    for wrong in ["x", "code x", "-code", "-(x OR code)", r#""is code""#, "12", "id:8"] {
        assert!(!holds(wrong), "{wrong}");
    }
    // What decides comes first, and the rest is not asked.
    assert!(holds("id:7 OR is:read") && !holds("id:8 is:read"));
}

/// A text that looks like a query more often than chance would have it.
fn query_like(
    right: &'static [(&'static str, &'static str)],
    wrong: &'static [&'static str],
) -> impl Strategy<Value = String> {
    let written = |told: &str| told.lines().next().unwrap_or_default().to_owned();
    let syntax = &[
        "(", ")", "-", "!", " OR ", " AND ", "\"", "\\", "*", ":", " ", "user:", "header:",
        "client:", "<", ">",
    ][..];
    let piece = prop_oneof![
        prop::sample::select(right).prop_map(|(text, _)| text.to_owned()),
        prop::sample::select(wrong).prop_map(written),
        prop::sample::select(syntax).prop_map(str::to_owned),
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Parses, and if it is a query, checks that its canonical form is the same query.
fn round_trips<T: fmt::Debug + fmt::Display + PartialEq>(
    text: &str,
    parse: fn(&str, OffsetDateTime) -> Result<Query<T>, QueryError>,
) {
    match parse(text, NOW) {
        Ok(query) => {
            let canonical = query.to_string();
            if canonical.len() <= MAX_LENGTH {
                assert_eq!(parse(&canonical, NOW), Ok(query), "{text:?} {canonical:?}");
            }
        }
        Err(error) => {
            let place = text.get(error.span());
            assert!(place.is_some_and(|place| !place.is_empty()), "{text:?} {error}");
            assert!(!error.to_string().contains(|c: char| c.is_control() && c != '\n'));
        }
    }
}

proptest! {
    #[test]
    fn no_text_does_harm(text in any::<String>()) {
        round_trips(&text, parse);
    }

    #[test]
    fn nothing_like_a_query_does_harm(text in query_like(RIGHT, WRONG)) {
        round_trips(&text, parse);
    }

    #[test]
    fn any_words_can_be_written(text in any::<String>(), prefix: bool) {
        if let Some(words) = Words::new(text, prefix) {
            for term in [Term::Text(words.clone()), Term::Subject(words)] {
                let written = term.to_string();
                prop_assert_eq!(parse(&written, NOW).map(|query| query.root), Ok(Expr::Term(term)));
            }
        }
    }

    #[test]
    fn any_time_and_size_can_be_written(ago in 0..60_000_000_000_i64, octets: u64, part in 0..1_000_000_000_i64) {
        let time = NOW - time::Duration::seconds(ago) - time::Duration::nanoseconds(part);
        for term in [Term::After(time), Term::Smaller(octets), Term::Larger(octets << 10)] {
            let written = term.to_string();
            prop_assert_eq!(parse(&written, NOW).map(|query| query.root), Ok(Expr::Term(term)));
        }
    }
}
