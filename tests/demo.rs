//! `doorpost demo` as a newcomer runs it: the program, its output, its exit code, and what a
//! doorpost that was running has caught afterwards.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

const DOORS: [&str; 4] = ["relay", "submission", "submissions", "alternate"];
/// One conversation below the other, so that each can be read by itself.
const ONE_BELOW_THE_OTHER: &str = "60";

/// The program in a folder of its own, with nothing of the user's around it.
fn doorpost(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorpost"));
    command.current_dir(home).env_clear().env("HOME", home).env("XDG_DATA_HOME", home.join("data"));
    command
}

/// `demo` on doors of its own: ports of the system's choice are nobody's yet.
fn demo(home: &Path, columns: &str) -> Command {
    let mut command = doorpost(home);
    command.args(["demo", "--ports", "ephemeral"]).env("COLUMNS", columns);
    command
}

fn words(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// The output of a demo that must end well.
fn shown(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (shown, errors) = words(&output);
    assert_eq!(output.status.code(), Some(0), "{shown}{errors}");
    assert_eq!(errors, "");
    shown
}

/// The conversations by door, from an output in one column.
fn conversations(shown: &str) -> BTreeMap<String, String> {
    let (talk, _) = shown.split_once("── What came of it").unwrap();
    let mut doors = BTreeMap::new();
    for part in talk.trim_end().split("\n\n").skip(1) {
        let (name, text) = part.split_once('\n').unwrap();
        doors.insert(name.trim().to_owned(), text.to_owned());
    }
    doors
}

/// Where it stands in the text, or a panic that shows the text.
fn at(text: &str, needle: &str) -> usize {
    text.find(needle).unwrap_or_else(|| panic!("no {needle:?} in:\n{text}"))
}

#[test]
fn each_door_is_used_in_its_own_manner() {
    let home = TempDir::new().unwrap();
    let shown = shown(&mut demo(home.path(), ONE_BELOW_THE_OTHER));
    let doors = conversations(&shown);
    assert_eq!(doors.len(), 4, "{shown}");

    let relay = &doors["relay"];
    at(relay, "25 · between servers");
    at(relay, "– not offered here: servers do not log in at each other –");
    assert!(!relay.contains("C: AUTH") && !relay.contains("250 AUTH"), "{relay}");

    let submission = &doors["submission"];
    at(submission, "587 · submission, STARTTLS");
    let order = ["S: 220 ", "C: STARTTLS", "TLSv1.3 begins", "AUTH is new", "C: AUTH", "C: MAIL"];
    let places: Vec<_> = order.iter().map(|step| at(submission, step)).collect();
    assert!(places.is_sorted(), "{submission}");
    at(submission, "→ demanded: no AUTH, no MAIL before");

    let submissions = &doors["submissions"];
    at(submissions, "465 · submission, TLS from the first byte");
    assert!(at(submissions, "TLSv1.3 begins") < at(submissions, "S: 220 "), "{submissions}");
    assert!(!submissions.contains("C: STARTTLS"), "{submissions}");
    at(submissions, "– nothing to do: TLS is on already –");
    let spoken = submissions.lines().filter(|line| line.contains("C: ") || line.contains("S: "));
    assert!(spoken.clone().count() > 20 && spoken.clone().all(|line| line.starts_with('┃')));

    let alternate = &doors["alternate"];
    at(alternate, "2525 · the providers' alternative");
    assert!(at(alternate, "AUTH PLAIN LOGIN") < at(alternate, "C: STARTTLS"), "{alternate}");

    for (number, door) in DOORS.iter().enumerate() {
        at(&doors[*door], &format!("S: 250 2.0.0 Ok: kept as {}", number + 1));
        at(&doors[*door], "C: ..A first dot");
    }
}

#[test]
fn secrets_and_colours_stay_out_of_a_file() {
    let home = TempDir::new().unwrap();
    let users = ["--user", "ann:open-sesame"];
    let plain = shown(demo(home.path(), "160").args(users));
    at(&plain, "C: AUTH PLAIN ********");
    at(&plain, "login needed, as ann");
    // AG… is the base64 of NUL and `ann`.
    for secret in ["open-sesame", "AGFubg", "\u{1b}"] {
        assert!(!plain.contains(secret), "{plain}");
    }
    let told = shown(demo(home.path(), "160").args(users).arg("--show-secrets"));
    at(&told, "AGFubgBvcGVuLXNlc2FtZQ==");
    let coloured = shown(demo(home.path(), "160").env("CLICOLOR_FORCE", "1"));
    assert!(coloured.contains("\u{1b}["));
    let without = shown(demo(home.path(), "160").env("NO_COLOR", "1"));
    assert!(!without.contains('\u{1b}'));
    assert!(std::fs::read_dir(home.path()).unwrap().next().is_none(), "files were left");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let home = TempDir::new().unwrap();
    for (columns, beside) in [(40, 1), (60, 1), (80, 2), (120, 2), (150, 4), (200, 4)] {
        let shown = shown(&mut demo(home.path(), &columns.to_string()));
        for line in shown.lines() {
            assert!(line.chars().count() <= columns, "{columns}: {line}");
            assert_eq!(line, line.trim_end());
        }
        let most = shown.lines().map(|line| line.matches("C: QUIT").count()).max();
        assert_eq!(most, Some(beside), "{columns}");
    }
}

#[test]
fn a_fifth_door_is_one_more_column() {
    let home = TempDir::new().unwrap();
    let row = "[[doors]]\nname = \"fifth\"\nport = 4025\ntls = \"none\"\nauth = \"optional\"\nauth_before_tls = true\n";
    std::fs::write(home.path().join("doorpost.toml"), row).unwrap();
    let shown = shown(&mut demo(home.path(), ONE_BELOW_THE_OTHER));
    let fifth = &conversations(&shown)["fifth"];
    at(fifth, "login if you like, no TLS");
    at(fifth, "! the secret crossed the wire in the clear");
    at(fifth, "kept as 5");
    at(&shown, "in the clear: everything");
}

#[test]
fn a_door_that_cannot_be_used_is_named_and_the_others_are() {
    let home = TempDir::new().unwrap();
    let row = "[[doors]]\nname = \"submission\"\nmechanisms = [\"LOGIN\"]\n";
    std::fs::write(home.path().join("doorpost.toml"), row).unwrap();
    let output = demo(home.path(), ONE_BELOW_THE_OTHER).output().unwrap();
    let (shown, errors) = words(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}{errors}");
    at(
        &errors,
        "error: submission stopped at AUTH: the demo knows AUTH PLAIN only; offered: LOGIN",
    );
    assert_eq!(errors.lines().count(), 1, "{errors}");
    let doors = conversations(&shown);
    at(&doors["submission"], "– not reached –");
    at(&doors["submission"], "S: 221 ");
    at(&doors["alternate"], "kept as 3");
}

#[test]
fn what_is_no_doorpost_gets_no_mail() {
    let home = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let one_door =
        DOORS[1..].iter().map(|name| format!("[[doors]]\nname = \"{name}\"\nenabled = false\n"));
    let rows = one_door.collect::<String>() + "[[doors]]\nname = \"relay\"\ntls = \"none\"\n";
    std::fs::write(home.path().join("doorpost.toml"), rows).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mail.example ESMTP \x1b[31mreal\r\n").unwrap();
        let mut heard = String::new();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        reader.read_line(&mut heard).unwrap();
        stream.write_all(b"221 bye\r\n").unwrap();
        reader.read_to_string(&mut heard).unwrap();
        heard
    });
    let output = doorpost(home.path())
        .args(["demo", "--no-web", "--port", &format!("relay={port}")])
        .output()
        .unwrap();
    let (shown, errors) = words(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}{errors}");
    at(&shown, "S: 220 mail.example ESMTP \\u{1b}[31mreal");
    at(&errors, "relay stopped at Greeting: this is not a doorpost");
    assert_eq!(server.join().unwrap(), "QUIT\r\n");
}

/// A running doorpost; it ends with the test.
struct Running {
    child: Child,
    ready: serde_json::Value,
}

impl Running {
    fn start(home: &Path) -> Self {
        let mut child = doorpost(home)
            .args(["serve", "--ports", "ephemeral", "--host", "127.0.0.1", "--ready", "json", "-q"])
            .args(["--certs", "ca"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, ready: serde_json::from_str(&line).unwrap() }
    }

    /// `--port` for each door, as somebody would say it who knows where they are.
    fn ports(&self) -> Vec<String> {
        let port = |name: &&str| {
            let address = self.ready["doors"][*name]["address"].as_str().unwrap();
            format!("--port={name}={}", address.rsplit(':').next().unwrap())
        };
        DOORS.iter().map(port).collect()
    }

    fn web(&self) -> &str {
        self.ready["web"].as_str().unwrap().strip_prefix("http://").unwrap()
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.web()).unwrap();
        let host = self.web();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_running_doorpost_has_the_messages_afterwards() {
    let home = TempDir::new().unwrap();
    let running = Running::start(home.path());
    let mut command = doorpost(home.path());
    command.arg("demo").args(running.ports()).args(["--certs", "ca", "--web", running.web()]);
    let shown = shown(&mut command);
    at(&shown, "The demo talks to the doorpost that listens on the configured ports.");
    at(&shown, &format!("http://{}/api/messages", running.web()));

    let messages = running.get("/api/messages");
    for door in DOORS {
        assert_eq!(messages.matches(&format!("\"door\":\"{door}\"")).count(), 1, "{messages}");
        at(&messages, &format!("\"subject\":\"Demo: {door}\""));
    }
    let raw = running.get("/api/messages/1/raw");
    assert!(raw.contains("\r\n.A first dot travels as two.\r\n"), "{raw}");
    // No door was knocked at for nothing.
    let sessions = running.get("/api/sessions");
    assert_eq!(sessions.matches("\"door\":").count(), 4, "{sessions}");
}

#[test]
fn another_ca_or_a_silent_door_is_a_clear_error() {
    let home = TempDir::new().unwrap();
    let running = Running::start(home.path());
    let demo = |more: &[&str]| {
        let mut command = doorpost(home.path());
        let output = command.args(["demo", "--no-web"]).args(running.ports()).args(more).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(1));
        words(&output).1
    };
    let errors = demo(&["--certs", "elsewhere"]);
    at(&errors, "there is no ca.pem in elsewhere");
    assert!(!home.path().join("elsewhere").exists());

    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let errors = demo(&["--certs", "ca", "--port", &format!("submission={}", free.port())]);
    at(&errors, "some doors answer and some do not");
    at(&errors, &format!("submission at {free} does not answer"));
    assert_eq!(errors.matches("\u{20}answers\n").count(), 3, "{errors}");
}
