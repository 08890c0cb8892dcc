//! The program as people and scripts run it.

#![cfg(unix)] // signals and inherited sockets
#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use support::Client;
use tempfile::TempDir;

/// The program in a folder of its own, with nothing of this machine's settings.
fn doorpost(folder: &Path) -> Command {
    isolated(Command::new(env!("CARGO_BIN_EXE_doorpost")), folder)
}

fn isolated(mut command: Command, folder: &Path) -> Command {
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PATH", std::env::var_os("PATH").unwrap());
    command
}

struct Running {
    child: Child,
    ready: Value,
    folder: TempDir,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = doorpost(folder.path());
        command.args(["serve", "--ports", "ephemeral", "--ready", "json"]).args(arguments);
        Self::launch(command, folder)
    }

    fn launch(mut command: Command, folder: TempDir) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut log = String::new();
            child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
            panic!("no ready line but {line:?}: {log}")
        });
        Self { child, ready, folder }
    }

    fn address(&self, door: &str) -> SocketAddr {
        self.ready["doors"][door]["address"].as_str().unwrap().parse().unwrap()
    }

    fn signal(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Stops it; what it had printed after the ready line, and its log.
    fn stop(mut self) -> (Option<i32>, String, String) {
        self.signal();
        let (mut out, mut log) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), out, log)
    }
}

/// A test that failed must not leave its server behind.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    doorpost(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_ready_line_is_all_there_is_on_stdout() {
    let running = Running::start(&[]);
    let ready = &running.ready;
    for (door, stands_for, tls, auth) in [
        ("relay", 25, "starttls", "none"),
        ("submission", 587, "required", "required"),
        ("submissions", 465, "implicit", "required"),
        ("alternate", 2525, "starttls", "required"),
    ] {
        let address = running.address(door).to_string();
        let wanted =
            json!({"address": address, "stands_for": stands_for, "tls": tls, "auth": auth});
        assert_eq!(ready["doors"][door], wanted);
        assert!(TcpStream::connect(&address).is_ok());
    }
    assert_eq!(ready["pid"], json!(running.child.id()));
    let ca = Path::new(ready["ca"].as_str().unwrap());
    assert!(ca.starts_with(running.folder.path()) && ca.is_file(), "{ca:?}");
    let web: SocketAddr =
        ready["web"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    assert_eq!(support::json(web, "/api/messages")["total"], json!(0));

    let mut client = Client::connect(running.address("relay"));
    assert!(client.mail("Subject: \u{1b}[2J\r\n\r\nhi\r\n").starts_with("250"));
    client.ask("QUIT");
    let (code, out, log) = running.stop();
    assert_eq!((code, &*out), (Some(0), ""));
    assert!(
        log.contains("alice@example.org → bob@example.org") && log.contains("kept as 1"),
        "{log}"
    );
}

#[test]
fn the_conversation_is_shown_when_asked_for_and_escaped() {
    let running = Running::start(&["-v"]);
    let mut client = Client::connect(running.address("relay"));
    client.reply();
    client.ask("EHLO \u{1b}[2J");
    client.ask("QUIT");
    assert_eq!(client.reply(), "");
    let (_, _, log) = running.stop();
    assert!(log.contains("C: EHLO \\u{1b}[2J") && !log.contains("\u{1b}[2J"), "{log}");
    assert!(log.contains("S: 501 5.5.4") && log.contains("S: 221 2.0.0"), "{log}");
}

#[test]
fn a_misspelt_variable_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = doorpost(folder.path());
    command.args(["--ports", "ephemeral", "--ready", "json"]);
    command.env("DOORPOST_MAX_SIZ", "5MiB").env("DOORPOST_SERVICE_HOST", "10.0.0.1");
    let (_, _, log) = Running::launch(command, tempfile::tempdir().unwrap()).stop();
    assert!(log.contains("DOORPOST_MAX_SIZ sets nothing"), "{log}");
    assert!(!log.contains("DOORPOST_SERVICE_HOST"), "{log}");
}

#[test]
fn a_json_log_is_json_throughout() {
    let running = Running::start(&["--log-format", "json"]);
    let mut client = Client::connect(running.address("relay"));
    assert!(client.mail("hi\r\n").starts_with("250"));
    client.ask("QUIT");
    assert_eq!(client.reply(), "");
    let (_, _, log) = running.stop();
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ended = events.iter().find(|event| event["fields"]["message"] == "session ended").unwrap();
    let fields = &ended["fields"];
    assert_eq!((&fields["door"], &fields["kept"]), (&json!("relay"), &json!("1")));
    assert_eq!(
        (&fields["ended"], &fields["forward_paths"]),
        (&json!("quit"), &json!("bob@example.org"))
    );
}

/// A harness that reads the ready line and nothing else is the usual one.
#[test]
fn nobody_has_to_read_what_it_says() {
    let mut running = Running::start(&["-v"]);
    let relay = running.address("relay");
    // More than a pipe holds, several times over.
    for _ in 0..600 {
        let mut client = Client::connect(relay);
        assert!(client.reply().starts_with("220"));
        client.ask("EHLO client.example");
        assert!(client.ask("QUIT").starts_with("221"));
    }
    assert!(Client::connect(relay).mail("still here").starts_with("250"));
    running.signal();
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn it_stops_in_good_order_and_at_once_when_told_twice() {
    let mut running = Running::start(&[]);
    let relay = running.address("relay");
    let (mut client, mut other) = (Client::connect(relay), Client::connect(relay));
    client.begin_data();
    other.begin_data();
    // The running transaction has its grace time; a second signal does not give it, unless it comes with the first.
    running.signal();
    let mut log = BufReader::new(running.child.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("stopping")));
    running.signal();
    assert!(client.ask("Subject: last\r\n\r\n.").starts_with("250"));
    while running.child.try_wait().unwrap().is_none() {
        running.signal();
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(log.any(|line| line.unwrap().contains("stopped at once")));
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_port_that_is_taken_is_one_clear_line_and_leaves_no_trace() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["--ports", "ephemeral", "--host", "127.0.0.1", "--port", &format!("alternate={port}")];
    let output = run(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    for words in
        ["alternate", &format!("127.0.0.1:{port}"), "Another program", "--port alternate=N"]
    {
        assert!(error.contains(words), "{words} is not in {error}");
    }
    assert!(!folder.path().join(".local").exists(), "certificates were made for nothing");
}

#[test]
fn a_wrong_setting_names_its_place_and_what_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("doorpost.toml"),
        "[[doors]]\nname = \"relay\"\ntls = \"maybe\"\n",
    )
    .unwrap();
    let output = run(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    for words in ["doorpost.toml:3", "tls", "maybe", "starttls", "implicit"] {
        assert!(error.contains(words), "{words} is not in {error}");
    }
    assert!(!error.contains('\u{1b}'), "colours where nobody sees them: {error}");
}

#[test]
fn a_wrong_fault_names_its_value_and_what_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let rule = "[[rules]]\nname = \"r\"\nat = \"rcpt\"\nwhen = { door = \"relai\" }\ndo = { pause = \"1s\" }\n";
    std::fs::write(folder.path().join("mine.toml"), rule).unwrap();
    let cases: [(&[&str], &str); 5] = [
        (&["--fault", "slow=abc"], "the fault slow: expected a time such as \"2s\""),
        (&["--fault", "spam=1"], "the fault spam takes no value"),
        (&["--fault", "graylist"], "did you mean \"greylist\"?"),
        (&["--fault", "slow@relai"], "expected one of relay, submission, submissions, alternate"),
        (&["--scenario", "mine.toml"], "rule r: `when.door` = \"relai\": no door is called so"),
    ];
    for (arguments, words) in cases {
        let output = run(folder.path(), &[&["--ports", "ephemeral"], arguments].concat());
        assert!(!output.status.success(), "{arguments:?}");
        let error = text(&output.stderr);
        assert!(error.contains(words), "{words} is not in {error}");
    }
}

#[test]
fn magic_addresses_are_switched_off_by_a_flag() {
    let folder = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str]| text(&run(folder.path(), arguments).stdout);
    assert!(said(&["config", "--magic", "off"]).contains("magic = false"));
    assert!(said(&["config"]).contains("magic = true"));
}

#[test]
fn the_effective_configuration_can_be_fed_back() {
    let folder = tempfile::tempdir().unwrap();
    let five_lines =
        "[[doors]]\nname = \"legacy\"\nport = 3025\nlike = \"relay\"\ntls = \"none\"\n";
    std::fs::write(folder.path().join("doorpost.toml"), five_lines).unwrap();
    let first = run(folder.path(), &["config", "--max-size", "1MiB"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let printed = text(&first.stdout);
    assert!(printed.contains("# --max-size") && printed.contains("# doorpost.toml:3"), "{printed}");
    std::fs::write(folder.path().join("again.toml"), &printed).unwrap();
    let second = run(folder.path(), &["config", "--config", "again.toml"]);
    assert!(second.status.success(), "{}", text(&second.stderr));
    let values = |text: &str| {
        let lines =
            text.lines().map(|line| line.split(" # ").next().unwrap().trim_end().to_owned());
        lines.filter(|line| !line.starts_with('#')).collect::<Vec<_>>()
    };
    assert_eq!(values(&printed), values(&text(&second.stdout)));
}

#[test]
fn a_socket_from_systemd_is_used_by_its_name() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let activated = |name: &str, listener: TcpListener| {
        let mut command = isolated(Command::new("sh"), folder.path());
        let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" --ports ephemeral --no-web --ready json 3<&0 </dev/null";
        command.args(["-c", script, env!("CARGO_BIN_EXE_doorpost")]);
        command.env("LISTEN_FDNAMES", name).stdin(Stdio::from(OwnedFd::from(listener)));
        command
    };
    let unknown = activated("relai", listener.try_clone().unwrap()).output().unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("relai"), "{}", text(&unknown.stderr));

    let command = activated("relay", listener);
    let running = Running::launch(command, tempfile::tempdir().unwrap());
    assert_eq!(running.address("relay"), address);
    assert!(Client::connect(address).mail("hi").starts_with("250"));
    assert_eq!(running.stop().0, Some(0));
}

#[test]
fn the_ca_is_made_once_and_its_path_is_printed_first() {
    let folder = tempfile::tempdir().unwrap();
    let printed = || text(&run(folder.path(), &["cert"]).stdout);
    let first = printed();
    let path = first.lines().next().unwrap().to_owned();
    let certificate = std::fs::read(&path).unwrap();
    assert_eq!(printed(), first);
    assert_eq!(std::fs::read(&path).unwrap(), certificate);
    std::fs::create_dir(folder.path().join("certs")).unwrap();
    let here = text(&run(folder.path(), &["cert"]).stdout);
    assert!(here.lines().next().unwrap().ends_with("/certs/ca.pem"), "{here}");
    assert_ne!(here.lines().next().unwrap(), path);
}

#[test]
fn findings_are_explained_without_a_doorpost() {
    let folder = tempfile::tempdir().unwrap();
    let all = run(folder.path(), &["explain"]);
    let list = text(&all.stdout);
    assert!(all.status.success(), "{list}");
    let row = list.lines().find(|line| line.contains("silent-downgrade")).unwrap();
    assert!(row.contains(" error ") && row.contains("in the clear"), "{row}");
    assert_eq!(list.lines().count(), 2 + doorpost::finding::Code::ALL.len(), "{list}");

    let one = text(&run(folder.path(), &["explain", "silent-downgrade"]).stdout);
    for piece in ["What happened", "Why", "What to change", "`requireTLS: true`", "RFC 3207 §6"] {
        assert!(one.contains(piece), "{piece}: {one}");
    }
    assert!(
        one.lines().all(|line| line.chars().count() <= 100) && !one.contains('\u{1b}'),
        "{one}"
    );
    let ruby =
        text(&run(folder.path(), &["explain", "silent-downgrade", "--language", "Ruby"]).stdout);
    assert!(ruby.contains("enable_starttls") && !ruby.contains("requireTLS"), "{ruby}");

    for (arguments, told) in [
        (&["explain", "silent-downgrad"][..], "did you mean silent-downgrade?"),
        (&["explain", "zebra"], "`doorpost explain` lists them all"),
        (&["explain", "nul", "--language", "cobol"], "rust, lettre"),
        (&["explain", "--language", "go"], "CODE"),
    ] {
        let refused = run(folder.path(), arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(text(&refused.stderr).contains(told), "{}", text(&refused.stderr));
    }
}
