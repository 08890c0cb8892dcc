//! The index finds what reading every message finds: random messages, random queries.

use super::super::oracle::{Marked, matches};
use super::super::{Marks, Selection};
use super::*;
use proptest::prelude::*;

/// Few words, so that they meet often; with accents, scripts without case, and an emoji.
const WORDS: [&str; 10] =
    ["alpha", "Béta", "beta", "gamma", "δέλτα", "日本", "7seas", "seas", "x-run", "a🎉b"];

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(&WORDS[..]).prop_map(str::to_owned)
}

fn words(most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 1..=most).prop_map(|words| words.join(" "))
}

/// A message's octets, its user and recipients, and whether it has a reverse-path.
fn message() -> impl Strategy<Value = (String, Option<String>, Vec<String>, bool)> {
    let fields = (words(3), words(2), words(2), proptest::option::of(words(2)), words(6));
    let envelope = (
        proptest::option::of(prop::sample::select(&["alpha", "gamma"][..])),
        prop::collection::vec(prop::sample::select(&["alpha", "beta", "seas"][..]), 1..3),
        any::<bool>(),
        any::<bool>(),
    );
    (fields, envelope).prop_map(|((subject, from, to, run, body), (user, rcpt, null, file))| {
        let run = run.map_or_else(String::new, |run| format!("X-Run: {run}\r\n"));
        let head = format!(
            "Subject: {subject}\r\nFrom: {from} <alpha@example.org>\r\nTo: {to} <beta@example.org>\r\n\
            Cc: gamma@example.org\r\nMessage-ID: <{}@x>\r\n{run}",
            body.len()
        );
        let content = if file {
            format!(
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{body}\r\n--b\r\n\
                Content-Disposition: attachment; filename=\"seas.txt\"\r\n\r\nalpha\r\n--b--\r\n"
            )
        } else {
            format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n")
        };
        let rcpt = rcpt.into_iter().map(|name| format!("{name}@example.org")).collect();
        (head + &content, user.map(str::to_owned), rcpt, null)
    })
}

fn term() -> impl Strategy<Value = String> {
    let key = prop::sample::select(
        &[
            "",
            "from:",
            "to:",
            "cc:",
            "subject:",
            "envelope:",
            "rcpt:",
            "header:X-Run:",
            "header:To:",
        ][..],
    );
    let value = (words(2), any::<bool>())
        .prop_map(|(words, open)| format!("\"{words}\"{}", if open { "*" } else { "" }));
    let words = (key, value).prop_map(|(key, value)| format!("{key}{value}"));
    let rest = prop::sample::select(
        &[
            "user:alpha",
            "inbox:gamma",
            "is:bounce",
            "is:read",
            "is:unread",
            "has:attachment",
            "larger:250",
            "smaller:250",
            "door:RELAY",
            "door:submission",
            "id:3",
            "id:99",
            "message-id:14@x",
            "tag:blue",
            "tag:none",
            "after:1970-01-01T00:00:05Z",
            "before:1970-01-01T00:00:05Z",
            "7se*",
        ][..],
    );
    prop_oneof![3 => words, 2 => rest.prop_map(str::to_owned)]
}

fn query() -> impl Strategy<Value = String> {
    term().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|all| format!("({})", all.join(" "))),
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(|all| format!("({})", all.join(" OR "))),
            inner.prop_map(|one| format!("-({one})")),
        ]
    })
}

fn agree(
    kept: Kept,
    messages: Vec<(String, Option<String>, Vec<String>, bool)>,
    queries: &[String],
) {
    let store = kept.open();
    let mut all = Vec::new();
    for (number, (bytes, user, rcpt, null)) in messages.into_iter().enumerate() {
        let mut came = to(&rcpt.iter().map(String::as_str).collect::<Vec<_>>());
        if null {
            came.envelope.reverse_path = ReversePath::Null;
        }
        came.auth_user = user.map(Into::into);
        came.received_at += Duration::seconds(i64::try_from(number).unwrap());
        let message = keep(&store, came, bytes);
        let mut marked = Marked { is_read: number % 3 == 0, ..Marked::default() };
        if number % 4 == 1 {
            marked.tags.insert("blue".into());
        }
        let marks = Marks {
            read: Some(marked.is_read),
            tags: Some(marked.tags.iter().cloned().collect()),
            ..Marks::default()
        };
        store.mark(&Selection::Ids(vec![message.id()]), &marks).unwrap();
        all.push((message, marked));
    }
    for text in queries {
        let find = find(text);
        let by = InboxBy::User;
        let wanted = all.iter().rev().filter(|(m, marked)| matches(&find.query, m, marked, &by));
        let wanted: Vec<_> = wanted.map(|(message, _)| message.id().get()).collect();
        assert_eq!(numbers(&store, text), wanted, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn in_memory(
        messages in prop::collection::vec(message(), 1..12),
        queries in prop::collection::vec(query(), 24),
    ) {
        agree(Kept::Memory, messages, &queries);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn on_a_disk(
        messages in prop::collection::vec(message(), 1..12),
        queries in prop::collection::vec(query(), 24),
    ) {
        agree(Kept::Disk, messages, &queries);
    }
}
