//! `doorpost watch`, as it is run. The events are played.

#![cfg(unix)] // signals
#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

#[path = "support/fake.rs"]
mod fake;
#[path = "support/program.rs"]
mod program;

use fake::{Fake, Request, respond_json};
use program::doorpost;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

const HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: hello\n\n";

fn event(name: &str, id: &str, data: Value) -> String {
    format!("event: {name}\nid: {id}\ndata: {data}\n\n")
}

fn message(id: u64, subject: &str) -> Value {
    json!({
        "id": id, "received_at": "2026-01-02T03:04:05Z", "door": "relay", "size": 1024, "subject": subject,
        "from": [{"name": "Alice", "address": "alice@example.org"}], "to": [{"name": null, "address": "bob@example.org"}],
    })
}

/// Two connections: the first ends, the second stays open as long as the client does.
fn play(request: &Request, stream: &mut TcpStream) {
    if request.path != "/api/events" {
        let is_wanted = request.parameter("query") != "(late OR early) id:1";
        let found = if is_wanted { vec![message(2, "x")] } else { vec![] };
        return respond_json(
            stream,
            200,
            json!({"messages": found, "next": null, "total": found.len()}),
        );
    }
    let session = |id: u64, phase: &str| {
        json!({"id": id, "phase": phase, "door": "relay", "peer": "127.0.0.1:9", "connected_at": "2026-01-02T03:04:05Z",
            "last_refusal": {"command": "RCPT", "reply": {"code": 550, "text": "5.1.1 no such user"}}})
    };
    let events = match request.header("last-event-id") {
        "" => [
            event("session", "r-1", session(1, "began")),
            event("message", "r-2", message(1, "first\u{1b}[2J")),
            event("session", "r-3", session(1, "ended")),
        ]
        .concat(),
        last => [
            event("reset", "s-1", json!({"reason": format!("{last} is of another run")})),
            event(
                "finding",
                "s-2",
                json!({"session": 2, "code": "bare-lf", "text": "LF without CR"}),
            ),
            event("colour", "s-3", json!("a kind of the future")),
            event("message", "s-4", message(2, "second")),
        ]
        .concat(),
    };
    stream.write_all((HEAD.to_owned() + &events).as_bytes()).unwrap();
    if !request.header("last-event-id").is_empty() {
        // Until the client goes.
        let _ = stream.read(&mut [0]);
    }
}

struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    _folder: tempfile::TempDir,
}

impl Watching {
    fn start(api: &Fake, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = doorpost(folder.path());
        command.arg("watch").args(arguments).env("DOORPOST_URL", format!("http://{}", api.address));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, _folder: folder }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// What it had said on standard error when Ctrl-C ended it, and its exit code.
    fn interrupt(mut self) -> (Option<i32>, String) {
        let kill = format!("kill -INT {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

/// A test that failed must not leave it behind.
impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_happens_is_shown_and_a_broken_connection_taken_up() {
    let api = Fake::start(play);
    let mut watching = Watching::start(&api, &[]);
    for words in [
        &["relay", "message 1  Alice → bob@example.org  first\\u{1b}[2J", "1.0 KiB"][..],
        &["session 1 ended  127.0.0.1:9  550 at RCPT: 5.1.1 no such user"],
        &["not known any more: r-3 is of another run"],
        &["session 2: LF without CR (bare-lf)"],
        &["message 2  Alice → bob@example.org  second"],
    ] {
        let line = watching.line();
        assert!(
            words.iter().all(|words| line.contains(words)) && !line.contains('\u{1b}'),
            "{line}"
        );
    }
    let (code, log) = watching.interrupt();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        log.contains("has ended; connecting again\n") && log.contains("connected again\n"),
        "{log}"
    );
}

#[test]
fn programs_get_an_object_a_line() {
    let api = Fake::start(play);
    let mut watching = Watching::start(&api, &["--json"]);
    let mut next = || serde_json::from_str::<Value>(&watching.line()).unwrap();
    let names: Vec<_> = (0..7).map(|_| next()["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        names,
        ["session", "message", "session", "reset", "finding", "colour", "message"][..]
    );
    assert_eq!(watching.interrupt().0, Some(0));
}

#[test]
fn a_query_chooses_messages() {
    let api = Fake::start(play);
    let mut watching = Watching::start(&api, &["--json", "late", "OR", "early"]);
    let mut next = || serde_json::from_str::<Value>(&watching.line()).unwrap();
    assert_eq!(next()["event"], json!("reset"));
    let second = next();
    assert_eq!((&second["event"], &second["id"]), (&json!("message"), &json!("s-4")));
    assert_eq!(second["data"]["subject"], json!("second"));
    assert_eq!(watching.interrupt().0, Some(0));
    let asked: Vec<_> =
        api.requests().iter().map(|request| request.parameter("query").to_owned()).collect();
    assert_eq!(asked, ["late OR early", "", "(late OR early) id:1", "", "(late OR early) id:2"]);
}

#[test]
fn one_that_cannot_be_reached_is_an_error() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = program::ask(closed, &["watch"]);
    assert_eq!((ran.code, ran.err.lines().count()), (Some(1), 1), "{}", ran.err);
}
