//! What is said when something is wrong, word for word where the words matter.

use super::{configure, refused};
use crate::config::{Config, FLAGS, FlagValue, load_from};
use std::path::Path;

#[test]
fn a_wrong_value_is_shown_in_its_place() {
    let told = refused("\nmax_size = \"5 zebras\"\n");
    let expected = r#"error: wrong value for `max_size`: "5 zebras"
 --> doorpost.toml:2:12
  |
2 | max_size = "5 zebras"
  |            ^^^^^^^^^^ expected a size, such as "50MiB" or "10 MB", or a number of bytes, 1 or more"#;
    assert_eq!(told, expected);
}

#[test]
fn an_unknown_key_is_shown_with_what_was_meant() {
    let told = refused("[[doors]]\nname = \"relay\"\nlocal_domain = [\"example.org\"]");
    let expected = r#"error: unknown key `local_domain`
 --> doorpost.toml:3:1
  |
3 | local_domain = ["example.org"]
  | ^^^^^^^^^^^^ no such key in the door `relay`
  |
  = help: did you mean `local_domains`?"#;
    assert_eq!(told, expected);
}

#[test]
fn a_variable_and_a_flag_are_named() {
    let told =
        |variables: &[_], flags: &[_]| configure("", variables, flags).unwrap_err().to_string();
    let by_variable = told(&[("DOORPOST_PORTS", "standrad")], &[]);
    let expected = r#"error: wrong value for `DOORPOST_PORTS`: "standrad"
 |
 = note: expected "mapped", "standard" or "ephemeral"
 = help: did you mean "standard"?"#;
    assert_eq!(by_variable, expected);
    let by_flag = told(&[], &[("host", "localhost")]);
    assert!(by_flag.starts_with("error: wrong value for `--host`: \"localhost\"\n"), "{by_flag}");
    assert!(by_flag.contains("expected an IP address"), "{by_flag}");
}

#[test]
fn secrets_on_the_command_line_are_not_repeated() {
    for wrong in ["hunter2", ":hunter2"] {
        let told = configure("", &[], &[("user", wrong)]).unwrap_err().to_string();
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains("expected a name, a colon and a secret"), "{told}");
    }
    for (flag, wrong) in
        [("web-auth", "hunter2"), ("web-token", "hunter2!"), ("web-token", "hunter2,hunter2")]
    {
        let told = configure("", &[], &[(flag, wrong)]).unwrap_err().to_string();
        assert!(!told.contains("hunter2"), "{told}");
    }
    let twice = configure("", &[], &[("user", "a:b"), ("user", "a:c")]).unwrap_err().to_string();
    assert!(twice.contains("the user \"a\" stands twice"), "{twice}");
}

#[test]
fn all_mistakes_are_told_at_once_in_their_order() {
    let told = refused("tls = \"none\"\nhost = [\"::1\", \"x\"]\nmax_errors = 0");
    let places: Vec<&str> =
        told.lines().filter_map(|line| line.trim().strip_prefix("--> doorpost.toml:")).collect();
    assert_eq!(places, ["1:1", "2:16", "3:14"]);
}

/// Each file with what must be said about it.
#[rustfmt::skip] // a table
const REFUSED: &[(&str, &[&str])] = &[
    ("a = [", &["this is not TOML", "unclosed array"]),
    ("web = 1\nweb = 2", &["doorpost.toml:2:1", "duplicate key"]),
    ("max_messages = \"7\"", &["wrong value for `max_messages`: \"7\"", "did you mean 7?"]),
    ("memory = 1.5", &["wrong value for `memory`: 1.5"]),
    ("show_secrets = 1", &["expected true or false"]),
    ("max-bytes = 1", &["unknown key `max-bytes`", "did you mean `max_bytes`?"]),
    ("zebra = 1", &["unknown key `zebra`", "the keys here are allow_hosts, bare_lf, certs"]),
    ("tls = \"none\"", &["`tls` is a key of a door", "it belongs in a [[doors]] row"]),
    ("host = [\"::1\", \"::1\"]", &["doorpost.toml:1:16", "it stands in the list twice"]),
    ("host = []", &["there is no address to listen on"]),
    ("tls_cert = \"a.pem\"", &["`tls_cert` is set without `tls_key`"]),
    ("max_size = \"2GiB\"", &["a message of \"2GiB\" does not fit into `memory`", "`max_bytes` is \"1GiB\": raise it too"]),
    ("web = 2525", &["the door `alternate` and the web page want the same port 2525"]),
    ("host = [\"0.0.0.0\"]\nweb = \"127.0.0.1:2525\"", &["want the same port 2525"]),
    ("doors = 1", &["`doors` must be rows, and is 1"]),
    ("[doors.relay]\nport = 1", &["`doors` must be rows, and is a table", "each row begins with [[doors]]"]),
    ("[[doors]]\nport = 1", &["a row of [[doors]] has no `name`", "doorpost.toml:1:1"]),
    ("[[doors]]\nname = \"A b\"", &["wrong value for `name` in a row of [[doors]]: \"A b\""]),
    ("[[doors]]\nname = \"x\"\n[[doors]]\nname = \"x\"", &["two rows of [[doors]] have the name \"x\"", "the first one", "the second one"]),
    ("[[doors]]\nname = \"x\"\nlike = \"rely\"", &["wrong value for `like` of the door `x`", "did you mean \"relay\"?"]),
    ("[[doors]]\nname = \"x\"\nmax_bytes = 1", &["`max_bytes` is a key for the top of the file", "above the first row"]),
    ("[[doors]]\nname = \"relay\"\ntls = \"startls\"", &["wrong value for `tls` of the door `relay`: \"startls\"", "did you mean \"starttls\"?"]),
    ("[[doors]]\nname = \"relay\"\nmax_recipients = 99", &["expected a whole number, 100 to"]),
    ("[[doors]]\nname = \"relay\"\nport = 70_000", &["expected a whole number, 0 to 65535"]),
    ("[[doors]]\nname = \"relay\"\nport = 1587", &["the door `relay` and the door `submission` want the same port 1587", "doorpost.toml:3:8", "the port of the door `submission` (default)"]),
    ("[[doors]]\nname = \"relay\"\nmechanisms = [\"PLAIN\"]", &["names mechanisms and offers no AUTH"]),
    ("[[doors]]\nname = \"submission\"\nmechanisms = []", &["offers AUTH without a mechanism"]),
    ("[[doors]]\nname = \"submission\"\nmechanisms = [\"CRAMMD5\"]", &["did you mean \"CRAM-MD5\"?"]),
    ("[[doors]]\nname = \"submission\"\nmechanisms = [\"SCRAM-SHA-256\"]", &["nobody can log in", "works only with users whose secret is known"]),
    ("[[doors]]\nname = \"submission\"\ntls = \"none\"", &["nobody can log in", "AUTH waits for TLS here", "doorpost.toml:3:7"]),
    ("[[doors]]\nname = \"relay\"\nextensions = [\"BINARYMIME\"]", &["BINARYMIME needs CHUNKING and 8BITMIME"]),
    ("[[doors]]\nname = \"relay\"\nlocal_domains = [\"a.org\"]\nlocal_users = [\"u@b.org\"]", &["mail for u@b.org would never be taken", "the local domains"]),
    ("[[users]]\nname = \"a\"", &["the user `a` has no `secret`"]),
    ("[[users]]\nname = \"a\"\nsecret = \"b\"\nsender = []", &["unknown key `sender`", "did you mean `senders`?"]),
    ("[[users]]\nname = \"a\"\nsecret = \"b\"\nsenders = [\"c\"]", &["wrong value for `senders` of the user `a`: \"c\""]),
];

#[test]
fn mistakes_are_told() {
    for (file, words) in REFUSED {
        let told = refused(file);
        for word in *words {
            assert!(told.contains(word), "{file}\nlacks {word}\n{told}");
        }
    }
}

#[test]
fn every_door_may_be_closed_but_not_all() {
    let rows = ["relay", "submission", "submissions", "alternate"]
        .map(|door| format!("[[doors]]\nname = \"{door}\"\nenabled = false\n"));
    assert!(refused(&rows.concat()).contains("no door is enabled"));
    assert!(configure(&rows[1..].concat(), &[], &[]).is_ok());
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let empty = tempfile::tempdir().unwrap();
    let config = |flags: &[FlagValue]| load_from(flags, &|_| None, empty.path());
    assert!(config(&[]).is_ok());
    let flag = FLAGS.iter().find(|flag| flag.name == "config").unwrap();
    let named = FlagValue { flag, texts: vec!["no.toml".into()] };
    let told = config(std::slice::from_ref(&named)).unwrap_err().to_string();
    let expected =
        "error: the configuration file \"no.toml\", named by `--config`, cannot be read: ";
    assert!(told.starts_with(expected), "{told}");
    std::fs::write(empty.path().join("no.toml"), "verbosity = 2").unwrap();
    assert_eq!(config(&[named]).unwrap().0.verbosity, 2);
    let variable = |name: &str| (name == "DOORPOST_CONFIG").then(|| "else.toml".into());
    let told = load_from(&[], &variable, Path::new("")).unwrap_err().to_string();
    assert!(told.contains("\"else.toml\", named by `DOORPOST_CONFIG`"), "{told}");
}

/// At the place that is wrong, once, with what is allowed.
#[test]
fn what_is_allowed_is_said_where_it_is_not() {
    let told = refused("[[routes]]\nvia = \"capture\"\ndoor = [\"nosuch\"]\n");
    assert!(told.contains(":3:") && told.contains("expected one of relay"), "{told}");
    let told = |name, value| configure("", &[], &[(name, value)]).unwrap_err().to_string();
    assert!(told("port", "relay=70000").contains("from 0 to 65535"));
    let slow = told("fault", "slow=x");
    assert_eq!(slow.matches("expected a time").count(), 1, "{slow}");
    let route = told("route", "*@x.org=smtp://127.0.0.1:99999");
    assert!(route.contains("from 1 to 65535; \"capture\" keeps it here"), "{route}");
}

#[test]
fn colours_are_only_for_terminals() {
    let error = Config::parse("zebra = 1").unwrap_err();
    assert!(error.styled().contains('\u{1b}') && !error.to_string().contains('\u{1b}'));
}

/// Whatever stands in a file, there is an answer and never a panic.
#[test]
fn a_file_cut_anywhere_does_no_harm() {
    let text = include_str!("../defaults.toml");
    for (cut, _) in text.char_indices() {
        if let Err(error) = Config::parse(&text[..cut]) {
            assert!(error.to_string().starts_with("error: "));
        }
    }
}
