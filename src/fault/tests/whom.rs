//! Who is met: conditions, patterns, the order of rules, the scenarios of inboxes, doors that are closed.

use super::super::when::field;
use super::super::{Faults, InboxWay, Scenario};
use super::{at_rcpt, faults, occasion, strikes};
use crate::smtp::misbehave::{Misbehave, Misdeed, Occasion, Pace, Point};
use std::time::Duration;

/// Whether a rule with these conditions strikes at the end of a message.
fn holds(when: &str, occasion: &Occasion<'_>) -> bool {
    let rule = format!(
        "[[rules]]\nname = \"r\"\nat = \"end-of-data\"\nwhen = {{ {when} }}\ndo = {{ lose = true }}\n"
    );
    faults(&rule).ask(occasion).is_some()
}

#[test]
fn every_condition_holds_and_fails() {
    let paths = ["alice@example.org".to_owned(), "carol@example.com".to_owned()];
    let known = Occasion {
        user: Some("bob"),
        encrypted: true,
        forward_paths: &paths,
        recipients: 2,
        size: Some(2000),
        message: Some(b"Subject: very\r\n urgent\r\n\r\nbody: x\r\n"),
        ..occasion(Point::EndOfData)
    };
    let both = [
        ("door = \"rel*\"", "door = \"submission\""),
        ("client = \"127.0.0.0/8\"", "client = \"10.0.0.0/8\""),
        ("hello = \"*.example\"", "hello = \"*.test\""),
        ("user = \"b?b\"", "user = \"b?\""),
        ("reverse_path = \"/^BOB@/\"", "reverse_path = \"/^ob@/\""),
        ("forward_path = \"carol@*\"", "forward_path = \"dave@*\""),
        ("recipients = \"> 1\"", "recipients = \"< 2\""),
        ("size = \"> 1999B\"", "size = \"< 2kB\""),
        ("header = \"subject: very urgent\"", "header = \"body: x\""),
        ("tls = true", "tls = false"),
    ];
    for (right, wrong) in both {
        assert!(holds(right, &known), "{right}");
        assert!(!holds(wrong, &known), "{wrong}");
        let also = if right.starts_with("door") { "user = \"b*\"" } else { "door = \"relay\"" };
        assert!(holds(&format!("{right}, {also}"), &known), "{right} and {also}");
        assert!(!holds(&format!("{wrong}, {also}"), &known), "all have to hold: {wrong}");
    }
    let unknown = occasion(Point::EndOfData);
    for when in
        ["user = \"*\"", "size = \"> 0B\"", "header = \"Subject: *\"", "forward_path = \"*\""]
    {
        assert!(!holds(when, &unknown), "{when} is about what is not known");
    }
}

#[test]
fn a_pattern_is_a_glob_or_an_expression() {
    let cases = [
        ("*@example.org", "alice@example.org", true),
        ("*@example.org", "alice@example.org.net", false),
        ("a?ice@*", "ALICE@x", true),
        ("a.ice@*", "alice@x", false),
        ("/ice@/", "alice@x", true),
        ("/^ice@/", "alice@x", false),
    ];
    for (pattern, address, fits) in cases {
        let faults = at_rcpt(&format!("when = {{ forward_path = {pattern:?} }}"));
        assert_eq!(strikes(&faults, address), fits, "{pattern} {address}");
    }
}

#[test]
fn the_first_that_answers_answers_and_others_slow_it_down() {
    let rules = "\
[[rules]]\nname = \"slow\"\nat = \"any\"\ndo = { pause = \"3s\" }
[[rules]]\nname = \"busy\"\nat = \"rcpt\"\nfirst = 1\ndo = { reply = \"450 busy\" }
[[rules]]\nname = \"full\"\nat = \"rcpt\"\ndo = { reply = \"452 full\", pause = \"9s\" }
[[rules]]\nname = \"slow-lines\"\nat = \"rcpt\"\ndo = { line_pause = \"1s\" }\n";
    let faults = faults(rules);
    let ask = || -> Misdeed { faults.ask(&occasion(Point::Rcpt)).unwrap() };
    let first = ask();
    assert_eq!(first.name, "slow; busy, 1 of 1; slow-lines");
    assert_eq!(first.pace, Some(Pace::Lines(Duration::from_secs(1))));
    assert_eq!(first.pause, Some(Duration::from_secs(3)));
    assert_eq!(first.reply.map(|reply| reply.code()), Some(450));
    assert_eq!(ask().reply.map(|reply| reply.code()), Some(452));
    let states: Vec<_> =
        faults.states(None).into_iter().map(|one| (one.name, one.met, one.struck)).collect();
    let expected = [("slow", 2, 2), ("busy", 2, 1), ("full", 1, 1), ("slow-lines", 2, 2)];
    assert_eq!(states, expected.map(|(name, met, struck)| (name.to_owned(), met, struck)));
}

#[test]
fn nobody_is_asked_where_no_rule_could_strike() {
    let none = Faults::default();
    assert!(!none.cares(Point::Rcpt));
    let rcpt = at_rcpt("");
    assert!(rcpt.cares(Point::Rcpt) && !rcpt.cares(Point::Mail));
    rcpt.set(None, Scenario::default());
    assert!(!rcpt.cares(Point::Rcpt));
}

#[test]
fn an_inbox_has_faults_of_its_own_in_front_of_those_for_all() {
    let rule = |name: &str| {
        let text = format!(
            "[[rules]]\nname = {name:?}\nat = \"rcpt\"\ndo = {{ reply = \"450 {name}\" }}\n"
        );
        Scenario::parse(&text).unwrap()
    };
    let faults = Faults::new(InboxWay::Recipient);
    faults.set(None, rule("all"));
    faults.set(Some("alice@example.org"), rule("hers"));
    let name = |address: &str| {
        let paths = [address.to_owned()];
        faults.ask(&Occasion { forward_paths: &paths, ..occasion(Point::Rcpt) }).unwrap().name
    };
    assert_eq!(name("Alice@example.org"), "hers");
    assert_eq!(name("carol@example.org"), "all");
    assert_eq!(faults.inboxes(), ["alice@example.org"]);
    faults.set(Some("alice@example.org"), Scenario::default());
    assert_eq!(name("alice@example.org"), "all");
    faults.set(Some("Alice@Example.org"), rule("hers"));
    assert_eq!(faults.inboxes(), ["alice@example.org"], "as the store names it");
    assert_eq!(faults.states(Some("ALICE@example.org")).len(), 1);
    assert_eq!(name("alice@EXAMPLE.org"), "hers");
    faults.set(Some("ALICE@example.org"), Scenario::default());
    assert_eq!(name("alice@example.org"), "all");
}

#[test]
fn an_inbox_by_a_header_field_has_the_name_that_the_store_gives_it() {
    let text = "[[rules]]\nname = \"r\"\nat = \"end-of-data\"\ndo = { reply = \"450 no\" }\n";
    let faults = Faults::new(InboxWay::Header("X-Test-Run".into()));
    faults.set(Some("t\u{e9}st one"), Scenario::parse(text).unwrap());
    let meets = |message: &[u8]| {
        let occasion = Occasion { message: Some(message), ..occasion(Point::EndOfData) };
        faults.ask(&occasion).is_some()
    };
    assert!(meets(b"X-Test-Run: =?utf-8?q?t=C3=A9st?=\r\n one\r\n\r\n"));
    assert!(!meets(b"X-Test-Run: two\r\nX-Test-Run: =?utf-8?q?t=C3=A9st_one?=\r\n\r\n"));
    let long = "x".repeat(300);
    faults.set(Some(&long), Scenario::parse(text).unwrap());
    assert!(meets(format!("X-Test-Run: {long}\r\n\r\n").as_bytes()));
    assert!(meets(format!("X-Test-Run: {}\r\n\r\n", &long[..255]).as_bytes()));
}

#[test]
fn a_rule_that_comes_before_its_inbox_is_known_is_refused() {
    let rule = |at: &str| {
        let text = format!("\n[[rules]]\nname = \"r\"\nat = {at:?}\ndo = {{ pause = \"1s\" }}\n");
        Scenario::parse(&text).unwrap()
    };
    let header = InboxWay::Header("X-Run".into());
    for (way, right, wrong) in [
        (InboxWay::User, "auth", "ehlo"),
        (InboxWay::Recipient, "rcpt", "mail"),
        (header, "kept", "any"),
    ] {
        assert_eq!(rule(right).fits_inbox(&way), Ok(()), "{way:?} {right}");
        let error = rule(wrong).fits_inbox(&way).unwrap_err().to_string();
        let start = format!("line 2: rule r: `at` = {wrong:?}: the inbox is not known by then");
        assert!(error.starts_with(&start), "{error}");
    }
    let door = Scenario::parse("[[rules]]\nname = \"r\"\ndo = { door = \"refused\" }\n").unwrap();
    assert!(door.fits_inbox(&InboxWay::User).is_err());
    let faults = Faults::new(InboxWay::Door);
    assert_eq!(door.fits_inbox(faults.inbox_way()), Ok(()));
    faults.set(Some("relay"), door);
    assert!(faults.refuses("relay") && !faults.refuses("submission"));
}

#[test]
fn a_door_that_there_is_not_is_refused() {
    let scenario = |door: &str| {
        let text = format!(
            "[[rules]]\nname = \"r\"\nat = \"rcpt\"\nwhen = {{ door = {door:?} }}\ndo = {{ pause = \"1s\" }}\n"
        );
        Scenario::parse(&text).unwrap()
    };
    let doors = ["relay", "submission"];
    assert_eq!(scenario("sub*").fits_doors(&doors), Ok(()));
    assert_eq!(
        scenario("relai").fits_doors(&doors).unwrap_err().to_string(),
        "line 1: rule r: `when.door` = \"relai\": no door is called so; there are relay, submission"
    );
}

#[test]
fn a_header_is_unfolded_and_ends_at_the_empty_line() {
    let message = b"X: 1\r\nsubject : a\r\n\tb\r\nSubject: c\r\n\r\nLate: 1\r\n";
    assert_eq!(field(message, "Subject").as_deref(), Some("a b"));
    assert_eq!(field(message, "Late"), None);
    assert_eq!(field(message, "Sub"), None);
    assert_eq!(field(b"", "X"), None);
    assert_eq!(field(b"X: \xff", "x").as_deref(), Some("\u{fffd}"));
}
