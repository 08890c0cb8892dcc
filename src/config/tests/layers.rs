//! Which layer wins, what the defaults are, and that what is printed can be read again.

use super::configure;
use crate::config::{Config, Format, PortSet, default_doors, keys, render};
use crate::mail::Domain;
use crate::smtp::auth::{Directory, Mechanism};
use crate::smtp::policy::{AuthMode, TlsMode};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn each_layer_wins_over_the_one_below() {
    let size = |file, variables: &[_], flags: &[_]| {
        let (config, sources) = configure(file, variables, flags).unwrap();
        let origin = sources.of("max_messages").to_string();
        (config.max_messages, origin)
    };
    let file = "\nmax_messages = 1";
    let variables = [("DOORPOST_MAX_MESSAGES", "2")];
    let flags = [("max-messages", "3")];
    assert_eq!(size("", &[], &[]), (100_000, "default".into()));
    assert_eq!(size(file, &[], &[]), (1, "doorpost.toml:2".into()));
    assert_eq!(size(file, &variables, &[]), (2, "DOORPOST_MAX_MESSAGES".into()));
    assert_eq!(size(file, &variables, &flags), (3, "--max-messages".into()));
    assert_eq!(size(file, &[("DOORPOST_MAX_MESSAGES", "")], &[]).0, 1, "empty is not set");
}

/// shared/PORTS.md and the table of the doors in README.md.
#[test]
fn the_four_doors_are_the_documented_ones() {
    let doors = default_doors();
    let row = |at: usize| {
        let door = &doors[at];
        let auth = (door.auth, door.auth_before_tls, door.qualified_only);
        (door.name.as_str(), door.stands_for, door.port, door.tls, auth)
    };
    let required = (AuthMode::Required, false, true);
    let early = (AuthMode::Required, true, true);
    let none = (AuthMode::None, false, false);
    assert_eq!(doors.len(), 4);
    assert_eq!(row(0), ("relay", Some(25), 1025, TlsMode::StartTls, none));
    assert_eq!(row(1), ("submission", Some(587), 1587, TlsMode::Required, required));
    assert_eq!(row(2), ("submissions", Some(465), 1465, TlsMode::Implicit, required));
    assert_eq!(row(3), ("alternate", Some(2525), 2525, TlsMode::StartTls, early));
    assert!(doors.iter().all(|door| door.limits.message_size == 50 * 1024 * 1024));
}

#[test]
fn the_defaults_are_complete_and_without_fault() {
    let config = Config::default();
    config.check().unwrap();
    let text = include_str!("../defaults.toml");
    for key in keys::names(keys::TOP) {
        let left_open = [
            "web_auth",
            "certs",
            "tls_cert",
            "tls_key",
            "data",
            "max_age",
            "scenario",
            "max_connections_per_address",
        ];
        let stated = text.lines().any(|line| line.starts_with(&format!("{key} = ")));
        assert!(stated != left_open.contains(&key), "{key}");
    }
    assert_eq!(config.max_connections_per_address, config.max_connections);
    assert!(config.host.iter().all(std::net::IpAddr::is_loopback));
    assert_eq!(config.web_addresses().len(), 2);
}

#[test]
fn a_fifth_door_is_five_lines() {
    let file = "[[doors]]\nname = \"partner\"\nlike = \"relay\"\nport = 4025\ntls = \"required\"";
    let (config, sources) = configure(file, &[], &[]).unwrap();
    assert_eq!(config.doors.len(), 5);
    let door = config.door("partner").unwrap();
    assert_eq!((door.port, door.stands_for, door.tls), (4025, None, TlsMode::Required));
    assert_eq!(door.auth, AuthMode::None);
    assert_eq!(sources.of_door("partner", "tls").to_string(), "doorpost.toml:5");
    assert_eq!(sources.of_door("partner", "auth").to_string(), "like relay");
    let policy = door.policy(&config, Arc::new(Directory::open()));
    assert_eq!((&*policy.door, policy.mechanisms.len()), ("partner", 0));
}

#[test]
fn a_row_without_a_model_is_like_submission_and_lets_the_system_choose() {
    let (config, _) = configure("[[doors]]\nname = \"x\"", &[], &[]).unwrap();
    let door = config.door("x").unwrap();
    assert_eq!((door.port, door.tls, door.auth), (0, TlsMode::Required, AuthMode::Required));
}

#[test]
fn a_row_with_a_known_name_changes_that_door() {
    let file = "[[doors]]\nname = \"submission\"\nlike = \"alternate\"\nmax_errors = 2";
    let (config, _) = configure(file, &[], &[]).unwrap();
    let door = config.door("submission").unwrap();
    assert_eq!((config.doors.len(), door.port, door.stands_for), (4, 1587, Some(587)));
    assert_eq!((door.tls, door.limits.errors), (TlsMode::StartTls, 2));
}

#[test]
fn a_row_wins_within_its_layer_and_a_higher_layer_wins_over_it() {
    let file = "max_size = \"2MiB\"\n[[doors]]\nname = \"relay\"\nmax_size = \"3MiB\"";
    let sizes = |variables: &[_], flags: &[_]| {
        let (config, _) = configure(file, variables, flags).unwrap();
        config.doors.iter().map(|door| door.limits.message_size >> 20).collect::<Vec<_>>()
    };
    assert_eq!(sizes(&[], &[]), [3, 2, 2, 2]);
    assert_eq!(sizes(&[("DOORPOST_MAX_SIZE", "4MiB")], &[]), [4, 4, 4, 4]);
    assert_eq!(sizes(&[], &[("max-size", "5 MiB")]), [5, 5, 5, 5]);
}

#[test]
fn ports_are_mapped_standard_or_ephemeral() {
    let file = "ports = \"standard\"\n[[doors]]\nname = \"relay\"\nport = 4025\n\
                [[doors]]\nname = \"x\"\nport = 4026";
    let ports = |flags: &[_]| {
        let (config, _) = configure(file, &[], flags).unwrap();
        let web = config.web.unwrap().port;
        (config.doors.iter().map(|door| door.port).collect::<Vec<_>>(), web)
    };
    assert_eq!(ports(&[]), (vec![4025, 587, 465, 2525, 4026], 8025));
    assert_eq!(ports(&[("ports", "standard")]), (vec![25, 587, 465, 2525, 4026], 8025));
    assert_eq!(ports(&[("ports", "mapped")]), (vec![4025, 1587, 1465, 2525, 4026], 8025));
    assert_eq!(ports(&[("ports", "ephemeral")]), (vec![0; 5], 0));
    let one = [("ports", "ephemeral"), ("port", "relay=5025, x=0"), ("web", "5080")];
    assert_eq!(ports(&one), (vec![5025, 0, 0, 0, 0], 5080));
    let ephemeral = Config::ephemeral();
    assert_eq!(ephemeral.ports, PortSet::Ephemeral);
    assert!(ephemeral.doors.iter().all(|door| door.port == 0));
    assert_eq!(ephemeral.web.unwrap().port, 0);
}

#[test]
fn flags_of_the_relay_are_keys_of_its_row() {
    let flags = [
        ("local-domain", "example.org"),
        ("local-domain", "example.net"),
        ("local-user", "Alice@Example.org"),
        ("trusted-network", "192.0.2.0/24"),
    ];
    let (config, sources) = configure("", &[], &flags).unwrap();
    let rules = &config.door("relay").unwrap().recipients;
    assert_eq!(rules.local_domains.as_ref().unwrap()[1], Domain::parse("example.net").unwrap());
    assert!(rules.local_users.as_ref().unwrap().contains("alice@example.org"));
    assert_eq!(rules.trusted_networks.len(), 1);
    assert_eq!(sources.of_door("relay", "local_users").to_string(), "--local-user");
    assert!(config.door("submission").unwrap().recipients.local_domains.is_none());
}

#[test]
fn users_of_a_layer_stand_in_for_those_below() {
    let file = "[[users]]\nname = \"bob\"\nsecret = \"b\"";
    let variable = [("DOORPOST_USER", "carol:a,b:c\ndave:d")];
    let names = |variables: &[_], flags: &[_]| {
        let (config, _) = configure(file, variables, flags).unwrap();
        config.users.into_iter().map(|user| (user.name, user.secret)).collect::<Vec<_>>()
    };
    let user = |name: &str, secret: &str| (name.to_owned(), secret.to_owned());
    assert_eq!(names(&[], &[]), [user("bob", "b")]);
    assert_eq!(names(&variable, &[]), [user("carol", "a,b:c"), user("dave", "d")]);
    assert_eq!(names(&variable, &[("user", "eve:x y")]), [user("eve", "x y")]);
    assert!(Config::default().directory().is_open());
    assert!(!configure(file, &[], &[]).unwrap().0.directory().is_open());
}

#[test]
fn what_kubernetes_says_of_a_service_of_this_name_is_no_setting() {
    let linked = [("DOORPOST_PORT", "tcp://10.96.0.10:25")];
    let (config, sources) = configure("", &linked, &[]).unwrap();
    let ports = |config: &Config| config.doors.iter().map(|door| door.port).collect::<Vec<_>>();
    assert_eq!(ports(&config), ports(&configure("", &[], &[]).unwrap().0));
    assert!(!sources.of("port").is_set());
    assert!(configure("", &[("DOORPOST_PORT", "relay")], &[]).is_err());
}

#[test]
fn web_and_verbosity_have_opposites() {
    let web = |variables: &[_], flags: &[_]| configure("", variables, flags).unwrap().0.web;
    assert!(web(&[], &[("no-web", "true")]).is_none());
    assert!(web(&[("DOORPOST_NO_WEB", "0")], &[]).is_some());
    assert!(web(&[("DOORPOST_NO_WEB", "yes")], &[("web", "[::1]:5080")]).is_some());
    let level = |variables: &[_], flags: &[_]| configure("", variables, flags).unwrap().0.verbosity;
    assert_eq!(level(&[], &[("verbose", "2")]), 2);
    assert_eq!(level(&[], &[("verbose", "2"), ("quiet", "1")]), 1);
    assert_eq!(level(&[("DOORPOST_QUIET", "9")], &[]), -3);
    assert_eq!(level(&[("DOORPOST_QUIET", "1")], &[("verbose", "1")]), 1);
}

/// One of everything, so that a key that is not written back is found out.
const EVERYTHING: &str = r#"
hostname = "mx.example.test"
host = ["0.0.0.0", "::"]
ports = "standard"
web = "127.0.0.1:5080"
web_host = ["mail.test"]
web_auth = "alice:of:wonder"
web_token = ["abc", "def="]
cors = ["http://localhost:5173"]
certs = "some folder"
tls_cert = "a.pem"
tls_key = 'b\c.pem'
max_messages = 7
max_bytes = "3GB"
max_connections = 20_000
log_format = "json"
ready = "json"
verbosity = -1
show_secrets = true
command_timeout = "1h 30s"

[[users]]
name = "alice"
secret = 'a"\b'
senders = ["alice@example.org", "*@team.example"]

[[doors]]
name = "relay"
port = 4025
local_domains = ["example.org", "bücher.example"]
local_users = ['"a \"b"@example.org', "alice@bücher.example"]
trusted_networks = ["192.0.2.0/24", "::1"]
bare_lf = "accept"
extensions = ["SIZE", "8BITMIME"]
greeting_delay = "250ms"
minimum_rate = 0

[[doors]]
name = "alternate"
enabled = false

[[doors]]
name = "fifth"
like = "relay"
auth = "optional"
mechanisms = ["PLAIN", "SCRAM-SHA-256"]
"#;

#[test]
fn what_is_printed_can_be_read_again() {
    let flags = [("ports", "ephemeral"), ("max-size", "1234567"), ("show-secrets", "true")];
    for (file, flags) in [("", &[][..]), (EVERYTHING, &[]), (EVERYTHING, &flags), ("", &flags)] {
        let (config, sources) = configure(file, &[], flags).unwrap();
        let printed = render(&config, &sources);
        let again = Config::parse(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
        assert_eq!(format!("{config:#?}"), format!("{again:#?}"));
        assert_eq!(config.users, again.users);
        assert_eq!((&config.web_auth, &config.web_token), (&again.web_auth, &again.web_token));
        // Printed again, only the comments differ.
        let values = |text: &str| {
            text.lines().map(|line| line.split(" # ").next().map(str::to_owned)).collect::<Vec<_>>()
        };
        let (_, sources) = configure(&printed, &[], &[]).unwrap();
        assert_eq!(values(&printed), values(&render(&again, &sources)));
    }
}

#[test]
fn everything_is_read() {
    let (config, _) = configure(EVERYTHING, &[], &[]).unwrap();
    assert_eq!(config.max_connections_per_address, 20_000);
    assert_eq!(
        (config.log_format, config.ready, config.verbosity),
        (Format::Json, Format::Json, -1)
    );
    assert_eq!(config.max_bytes, 3_000_000_000);
    let fifth = config.door("fifth").unwrap();
    assert_eq!(fifth.mechanisms, [Mechanism::Plain, Mechanism::ScramSha256]);
    assert!(fifth.extensions.size && !fifth.extensions.pipelining);
    assert_eq!(fifth.deadlines.command, Duration::from_secs(3630));
    assert_eq!(fifth.deadlines.greeting_delay, Duration::from_millis(250));
    assert_eq!(config.open_doors().count(), 4);
}

#[test]
fn each_line_says_where_its_value_came_from() {
    let variables = [
        ("DOORPOST_HOSTNAME", "a.test"),
        ("DOORPOST_USER", "alice:hush"),
        ("DOORPOST_WEB_TOKEN", "hush1,hush2"),
        ("DOORPOST_WEB_AUTH", "alice:hush,hush"),
    ];
    let file = "memory = \"1GiB\"\n[[doors]]\nname = \"x\"\nport = 26";
    let (config, sources) = configure(file, &variables, &[("port", "relay=5025")]).unwrap();
    let printed = render(&config, &sources);
    for line in [
        "hostname = \"a.test\"                          # DOORPOST_HOSTNAME\n",
        "memory = \"1GiB\"                              # doorpost.toml:1\n",
        "max_connections = 10000                      # default\n",
        "# certs is not set\n",
        "# secret is hidden: --show-secrets prints it\n",
        "# web_auth is hidden: --show-secrets prints it\n",
        "# web_token is hidden: --show-secrets prints it\n",
        "port = 5025                                  # --port\n",
        "port = 26                                    # doorpost.toml:4\n",
        "tls = \"required\"                             # like submission\n",
        "# mechanisms are not used, since auth is \"none\"\n",
    ] {
        assert!(printed.contains(line), "{line}\n{printed}");
    }
    assert!(!printed.contains("hush"));
    let again = Config::parse(&printed).unwrap_err().to_string();
    assert!(again.contains("the user `alice` has no `secret`"), "{again}");
}
