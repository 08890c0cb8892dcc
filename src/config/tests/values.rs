//! What single values may look like, and one key at a time.

use crate::config::kind::{Scalar, Switch, Whole};
use crate::config::values::{Address, DoorName, HostName, LocalUser, Size, Time, WebAddress};
use crate::config::{Config, FLAGS, Takes, WebConfig, default_doors};
use crate::smtp::policy::{AuthMode, TlsMode};
use std::time::Duration;

#[test]
fn sizes() {
    for (text, octets) in [("1", 1), ("50MiB", 50 << 20), ("10 MB", 10_000_000), ("1.5k", 1500)] {
        assert_eq!(Size::parse(text), Some(octets), "{text}");
    }
    for wrong in ["", "0", "-1", "5 zebras", "MiB", "1 2"] {
        assert_eq!(Size::parse(wrong), None, "{wrong}");
    }
    for (octets, text) in [(50 << 20, "\"50MiB\""), (1000, "\"1000B\""), (3 << 10, "\"3KiB\"")] {
        assert_eq!(Size::write(&octets), text);
    }
    assert_eq!(Size::parse(Size::write(&u64::MAX).trim_matches('"')), Some(u64::MAX));
}

#[test]
fn times() {
    for (text, seconds) in [("5m", 300), ("90", 90), ("1h 30s", 3630), ("30days", 30 * 86_400)] {
        assert_eq!(Time::<false>::parse(text), Some(Duration::from_secs(seconds)), "{text}");
    }
    for wrong in ["", "-1", "5 zebras", "31days", "5000000000000y", "99999999999999999999"] {
        assert_eq!(Time::<true>::parse(wrong), None, "{wrong}");
    }
    assert_eq!(Time::<true>::parse("0"), Some(Duration::ZERO));
    assert_eq!(Time::<false>::parse("0s"), None);
}

#[test]
fn numbers_and_switches() {
    assert_eq!(Whole::<u16, 0>::parse("65535"), Some(65_535));
    assert_eq!(Whole::<u16, 0>::parse("65536"), None);
    assert_eq!(Whole::<u32, 100>::parse("99"), None);
    for (text, value) in [("true", true), ("On", true), ("1", true), ("no", false), ("0", false)] {
        assert_eq!(Switch::parse(text), Some(value), "{text}");
    }
    assert_eq!(Switch::parse("2"), None);
}

#[test]
fn names_and_addresses() {
    assert!(Address::parse("[::1]").is_some() && Address::parse("localhost").is_none());
    assert_eq!(HostName::parse("Bücher.Example").as_deref(), Some("xn--bcher-kva.example"));
    assert_eq!(HostName::parse("my_host"), None);
    assert_eq!(LocalUser::parse("\"A b\"@X.org").as_deref(), Some("a b@x.org"));
    assert_eq!(LocalUser::write(&"a b@x.org".into()), r#"'"a b"@x.org'"#);
    assert_eq!(LocalUser::parse("alice"), None);
    assert!(DoorName::parse("relay-2").is_some());
    assert!(["", "A", "a_b", "-a", "a-", "web"].iter().all(|name| DoorName::parse(name).is_none()));
    let web = WebConfig { address: None, port: 5080 };
    assert_eq!(WebAddress::parse("5080"), Some(Some(web)));
    assert_eq!(WebAddress::parse("false"), Some(None));
    assert!(WebAddress::parse("[::1]:5080").is_some() && WebAddress::parse("::1").is_none());
}

#[test]
fn a_door_is_set_key_by_key() {
    let mut door = default_doors().remove(0);
    door.set("auth", "\"optional\"").unwrap();
    door.set("tls", "'none'").unwrap();
    door.set("command_timeout", "7").unwrap();
    door.set("local_domains", "[\"example.org\"]").unwrap();
    assert_eq!((door.auth, door.tls), (AuthMode::Optional, TlsMode::None));
    assert_eq!(door.deadlines.command, Duration::from_secs(7));
    for (key, value, wrong) in [
        ("tsl", "1", "a door has no key `tsl`, did you mean `tls`?"),
        ("name", "\"x\"", "a door has no key `name`"),
        ("max_errors", "0", "`max_errors`: 0: expected a whole number, 1 to 4294967295"),
        (
            "auth_before_tls",
            "\"true\"",
            "`auth_before_tls`: \"true\": expected true or false, did you mean true?",
        ),
        (
            "bare_lf",
            "\"acept\"",
            "`bare_lf`: \"acept\": expected \"reject\" or \"accept\", did you mean \"accept\"?",
        ),
    ] {
        assert_eq!(door.set(key, value), Err(wrong.into()));
    }
    assert!(door.set("tls", "none").is_err_and(|error| error.contains("in none")));
    // A configuration that was changed in code is judged as a file is.
    let mut config = Config::ephemeral();
    config.door_mut("relay").unwrap().clone_from(&door);
    let error = config.check().unwrap_err().to_string();
    assert!(error.contains("nobody can log in at the door `relay`"), "{error}");
}

#[test]
fn every_flag_has_a_name_of_its_own() {
    for (at, flag) in FLAGS.iter().enumerate() {
        assert!(FLAGS[at + 1..].iter().all(|other| other.name != flag.name), "{}", flag.name);
        assert!(flag.default_value().is_none() || flag.takes != Takes::Nothing);
    }
    let default = |name| FLAGS.iter().find(|flag| flag.name == name).unwrap().default_value();
    assert_eq!(default("host").as_deref(), Some("127.0.0.1, ::1"));
    assert_eq!(default("max-size").as_deref(), Some("50MiB"));
    assert_eq!(default("certs"), None);
}
