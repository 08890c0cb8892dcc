//! What the reader says: rule, line, key, value and what is allowed, everything that is wrong at once.

use super::super::{Scenario, language, presets, read};
use proptest::prelude::*;

fn errors(text: &str) -> String {
    Scenario::parse(text).unwrap_err().to_string()
}

/// What is said about one rule at RCPT with this in it.
fn about(rest: &str) -> String {
    let text = format!("[[rules]]\nname = \"r\"\nat = \"rcpt\"\n{rest}\n");
    let said = errors(&text);
    let (place, what) = said.split_once("rule r: ").unwrap_or(("", &said));
    assert!(place.starts_with("line ") && !what.contains('\n'), "{said}");
    what.to_owned()
}

const DO: &str = "\ndo = { reply = \"450 no\" }";

#[test]
fn a_wrong_value_is_told_with_what_is_allowed() {
    let cases = [
        (
            "per = \"planet\"",
            "`per` = \"planet\": expected one of \"rule\", \"client\", \"user\", \"sender\", \"recipient\", \"triplet\", \"envelope\", \"message\"",
        ),
        ("first = 0", "`first` = 0: expected a whole number, 1 or more"),
        (
            "nth = []",
            "`nth` = […]: expected a whole number, 1 or more, or a list of them, such as [1, 3]",
        ),
        ("odds = 1.5", "`odds` = 1.5: expected a number from 0.0 (never) to 1.0 (always)"),
        (
            "limit = \"many\"",
            "`limit` = \"many\": expected so many in a time, such as \"10/1m\" or \"5/1s\"",
        ),
        (
            "greylist = 5",
            "`greylist` = 5: expected a time such as \"2s\" or \"500ms\", at most a day",
        ),
        (
            "after = 3",
            "`after` = 3: expected such as { messages = 10, within = \"1m\" }, of at most 10000 messages",
        ),
        (
            "when = 1",
            "`when` = 1: expected a table of door, client, hello, user, reverse_path, forward_path, recipients, size, header, tls",
        ),
        (
            "when = { colour = 1 }",
            "`when.colour`: no such condition; allowed are door, client, hello, user, reverse_path, forward_path, recipients, size, header, tls",
        ),
        (
            "when = { client = \"localhost\" }",
            "`when.client` = \"localhost\": expected an address or a range, such as \"127.0.0.1\" or \"10.0.0.0/8\"",
        ),
        (
            "when = { size = \"1MiB\" }",
            "`when.size` = \"1MiB\": expected a bound such as \"> 1MiB\" or \"< 10kB\"",
        ),
        (
            "when = { recipients = 3 }",
            "`when.recipients` = 3: expected a bound such as \"> 3\" or \"< 2\"",
        ),
        ("when = { tls = \"on\" }", "`when.tls` = \"on\": expected true or false"),
        (
            "when = { user = \"\" }",
            "`when.user` = \"\": expected a pattern such as \"*@example.org\", or an expression such as \"/^a.*b$/\"",
        ),
        (
            "first = 1\nevery = 2",
            "`first`: a rule counts in one way, and this one has another already",
        ),
    ];
    for (written, said) in cases {
        assert_eq!(about(&format!("{written}{DO}")), said, "{written}");
    }
}

#[test]
fn a_wrong_deed_is_told_with_what_is_allowed() {
    const KEYS: &str = "reply, pause, line_pause, octet_pause, close, reset, garbage, silent, hide, tls, rate, lose, door, later, after";
    let reply = "expected a reply such as \"451 4.7.1 Come back later\": a code from 200 to 599, an enhanced code of \
                 the same class if any, and a text";
    let cases = [
        ("{}", format!("`do` = {{}}: expected one at least of {KEYS}")),
        ("{ explode = true }", format!("`do.explode`: no such key; allowed are {KEYS}")),
        ("{ reply = \"99 no\" }", format!("`do.reply` = \"99 no\": {reply}")),
        ("{ reply = \"450 5.1.1 no\" }", format!("`do.reply` = \"450 5.1.1 no\": {reply}")),
        ("{ pause = \"2 days\" }", "`do.pause` = \"2 days\": expected a time such as \"2s\" or \"500ms\", at most a day".into()),
        ("{ close = \"now\" }", "`do.close` = \"now\": expected \"before\" or \"after\", which is about the reply".into()),
        ("{ silent = false }", "`do.silent` = false: expected true; leave the key out otherwise".into()),
        ("{ rate = 0 }", "`do.rate` = 0: expected octets a second, a whole number from 1 on".into()),
        ("{ close = \"after\", reset = \"after\" }", "`do.close`: cannot go together with `do.reset`".into()),
        ("{ reply = \"450 no\", close = \"before\" }", "`do.close`: a reply is given, and the connection closed before it: say \"after\"".into()),
        ("{ tls = \"expired\" }", "`do.tls`: a handshake goes wrong at \"tls\"".into()),
        ("{ lose = true }", "`do.lose`: a message is lost at \"end-of-data\"".into()),
        ("{ hide = [] }", "`do.hide` = […]: expected a list of PIPELINING, SIZE, ENHANCEDSTATUSCODES, 8BITMIME, SMTPUTF8, DSN, CHUNKING, BINARYMIME, LIMITS, STARTTLS, AUTH, or of AUTH PLAIN and its like".into()),
        ("{ garbage = '\\q' }", "`do.garbage` = \"\\\\q\": expected a text in which \\xNN, \\r, \\n, \\0 and \\\\ stand for octets, at most 64 KiB; in TOML between single quotes".into()),
    ];
    for (written, said) in cases {
        assert_eq!(about(&format!("do = {written}")), said, "{written}");
    }
    assert_eq!(about("").as_str(), "`do`: is missing: what is the rule to do?");
}

#[test]
fn what_is_not_known_at_a_moment_is_told() {
    let rule =
        |at: &str, rest: &str| errors(&format!("[[rules]]\nname = \"r\"\nat = {at:?}\n{rest}\n"));
    let quiet = "\ndo = { pause = \"1s\" }";
    let cases = [
        (
            "mail",
            format!("when = {{ forward_path = \"*\" }}{quiet}"),
            "`when`: forward-paths are known at \"rcpt\", \"data\", \"end-of-data\" and \"kept\"",
        ),
        (
            "ehlo",
            format!("when = {{ reverse_path = \"*\" }}{quiet}"),
            "`when`: a reverse-path and a size are known at \"mail\" and after it",
        ),
        (
            "rcpt",
            format!("when = {{ header = \"X: *\" }}{quiet}"),
            "`when`: a header is known at \"end-of-data\" and \"kept\"",
        ),
        (
            "mail",
            format!("first = 1\nper = \"recipient\"{quiet}"),
            "`per`: forward-paths are known at \"rcpt\", \"data\", \"end-of-data\" and \"kept\"",
        ),
        (
            "greeting",
            format!("odds = 0.5\nper = \"envelope\"{quiet}"),
            "`per`: a reverse-path and a size are known at \"mail\" and after it",
        ),
        (
            "connect",
            DO.to_owned(),
            "`do`: there is no reply at this moment; the first one is due at \"greeting\"",
        ),
        (
            "kept",
            DO.to_owned(),
            "`do.reply`: the message is kept by now: refuse it at \"end-of-data\", or close the connection",
        ),
    ];
    for (at, rest, said) in cases {
        assert_eq!(rule(at, &rest), format!("line 1: rule r: {said}"), "{at} {rest}");
    }
    let closed = rule("rcpt", "do = { door = \"refused\" }");
    assert_eq!(
        closed,
        "line 1: rule r: `at`: a door is closed for everybody and always: it takes only `when.door`"
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once_in_order() {
    let text =
        "seed = -1\ncolour = 1\n\n[[rules]]\nname = \"a b\"\nat = \"lunch\"\ndo = { reply = 5 }\n";
    let lines = errors(text);
    let keys: Vec<_> = lines.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(keys, ["line 1", "line 2", "line 4", "line 6", "line 7"], "{lines}");
    assert!(
        lines.contains("line 2: `colour`: no such key; a scenario has `seed` and [[rules]]"),
        "{lines}"
    );
    assert!(
        lines.contains("line 6: rule 1: `at` = \"lunch\": expected one of connect, tls, greeting"),
        "{lines}"
    );
}

#[test]
fn what_is_no_scenario_is_told() {
    assert!(errors("[[rules").starts_with("line 1: this is not TOML: "));
    assert!(errors("rules = 1").starts_with("line 1: `rules` = 1: expected [[rules]]"));
    assert!(errors(&"#".repeat((1 << 20) + 1)).contains("a scenario has at most 1048576 octets"));
    let twice = "[[rules]]\nname = \"r\"\nat = \"rcpt\"\ndo = { lose = true }\n";
    assert!(errors(twice).contains("a message is lost at"));
    let rule = "[[rules]]\nname = \"r\"\nat = \"rcpt\"\ndo = { pause = \"1s\" }\n";
    assert_eq!(
        errors(&rule.repeat(2)),
        "line 5: rule r: `name` = \"r\": another rule has this name"
    );
    assert!(Scenario::parse("").unwrap().is_empty());
}

#[test]
fn every_preset_is_a_scenario_at_every_door() {
    for preset in presets::PRESETS {
        for spec in [preset.name.to_owned(), format!("{}@relay", preset.name)] {
            let scenario =
                presets::scenario(&spec).unwrap_or_else(|error| panic!("{spec}: {error}"));
            assert!(scenario.rules().all(|rule| rule.starts_with(preset.name)), "{spec}");
        }
    }
    let error = |spec: &str| presets::scenario(spec).unwrap_err().to_string();
    assert!(error("graylist").starts_with(
        "there is no fault \"graylist\"; `doorpost faults` lists them: greylist, busy"
    ));
    assert_eq!(error("spam=1"), "the fault spam takes no value: leave `=` out");
    assert_eq!(error("busy=x"), "the fault busy: expected a whole number, 1 or more");
}

/// Keys in a list such as `door, client, …`.
fn listed(keys: &str, prefix: &str) -> Vec<String> {
    let words = keys.replace("and one of ", "");
    words.split(", ").map(|key| format!("{prefix}{}", key.trim())).collect()
}

#[test]
fn the_table_of_the_language_has_every_key_and_its_examples_are_taken() {
    let of = |keys: &[language::Key]| keys.iter().map(|key| key.key.to_owned()).collect::<Vec<_>>();
    let same = |mut one: Vec<String>, mut other: Vec<String>| {
        one.sort();
        other.sort();
        assert_eq!(one, other);
    };
    same(of(language::RULE), listed(read::rule::KEYS, ""));
    same(of(language::WHEN), listed(read::rule::CONDITIONS, "when."));
    same(of(language::DO), listed(read::deed::KEYS, "do."));
    for key in [language::RULE, language::WHEN, language::DO].into_iter().flatten() {
        let scenario = key.scenario();
        assert!(Scenario::parse(&scenario).is_ok(), "{scenario}");
        let last = key.key.rsplit('.').next().unwrap();
        assert!(key.example.contains(&format!("{last} = ")), "{}", key.key);
    }
    let moments: Vec<_> =
        language::MOMENTS.iter().flat_map(|(names, _)| names.split(", ")).collect();
    let wrong = errors("[[rules]]\nname = \"r\"\nat = \"lunch\"\ndo = { pause = \"1s\" }\n");
    let (_, allowed) = wrong.split_once("expected one of ").unwrap();
    same(moments.iter().map(|&name| name.to_owned()).collect(), listed(allowed, ""));
    for moment in moments {
        let rule = format!("[[rules]]\nname = \"r\"\nat = {moment:?}\ndo = {{ pause = \"1s\" }}\n");
        assert!(Scenario::parse(&rule).is_ok(), "{moment}");
    }
}

proptest! {
    /// Whatever is written, the reader says what is wrong or takes it, and what it takes it takes again.
    #[test]
    fn any_text_is_read_or_refused(text in "(\\[\\[rules\\]\\]|name|at|do|when|[a-z \"={}\\[\\]0-9.\\n]){0,40}") {
        if let Ok(scenario) = Scenario::parse(&text) {
            prop_assert!(Scenario::parse(scenario.text()).is_ok());
        }
    }
}
