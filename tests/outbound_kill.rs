//! Two doorposts relay to each other, and either is killed in the middle: nothing that got its 250 is lost, and what
//! arrives twice is what the queue says may have: its reply never came.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::{Client, json};

/// Messages of a round, in either direction.
const MESSAGES: usize = 30;
const ROUNDS: usize = 4;

struct Program {
    child: Child,
    relay: SocketAddr,
    web: SocketAddr,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One that sends mail for the other's domain to it.
fn start(folder: &Path, name: &str, port: u16, other: (&str, u16)) -> Program {
    let own = folder.join(name);
    std::fs::create_dir_all(&own).unwrap();
    let (other, other_port) = other;
    let mut child = Command::new(env!("CARGO_BIN_EXE_doorpost"))
        .args(["--ports", "ephemeral", "--host", "127.0.0.1", "--web", "127.0.0.1:0"])
        .args(["--ready", "json", "-qq", "--data", "data", "--certs", "certs"])
        .args(["--port", &format!("relay={port}"), "--hostname", &format!("{name}.test")])
        .args(["--route", &format!("*@{other}.example=smtp://127.0.0.1:{other_port}")])
        .args(["--retry", &vec!["1s"; 60].join(","), "--time-scale", "4"])
        .current_dir(&own)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut ready).unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let web = ready["web"].as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap();
    let relay = ready["doors"]["relay"]["address"].as_str().unwrap().parse().unwrap();
    Program { child, relay, web }
}

/// Hands messages in for the other's domain; gives those that got their 250.
fn send(to: SocketAddr, domain: &str, first: usize) -> Vec<String> {
    let mut client = Client::connect(to);
    client.reply();
    client.ask("EHLO client.example");
    let mut taken = Vec::new();
    for number in first..first + MESSAGES {
        let token = format!("{domain}-{number}");
        client.ask("MAIL FROM:<>");
        client.ask(&format!("RCPT TO:<bob@{domain}.example>"));
        client.ask("DATA");
        if client.ask(&format!("Subject: {token}\r\n\r\nBody\r\n.")).starts_with("250") {
            taken.push(token);
        }
    }
    taken
}

/// How often each message arrived for a domain.
fn arrived(web: SocketAddr, domain: &str) -> HashMap<String, usize> {
    let path = format!("/api/messages?limit=1000&query=rcpt:bob@{domain}.example");
    let list = json(web, &path);
    assert_eq!(list["next"], Value::Null, "one page holds them all");
    let mut counts = HashMap::new();
    for message in list["messages"].as_array().unwrap() {
        *counts.entry(message["subject"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

/// Waits until nothing is on its way.
fn wait_for_the_end(web: SocketAddr) -> Vec<Value> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let items = json(web, "/api/queue")["items"].as_array().unwrap().clone();
        let is_open = |item: &&Value| item["state"] == "waiting" || item["state"] == "running";
        let open = items.iter().filter(is_open).count();
        if open == 0 {
            return items;
        }
        assert!(Instant::now() < end, "{open} entries are still on their way");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Names of messages on `from` that the queue says may have come twice.
fn may_be_doubled(from: SocketAddr, items: &[Value]) -> Vec<String> {
    let is_uncertain = |item: &&Value| {
        item["attempts"].as_array().unwrap().iter().any(|attempt| attempt["reply_lost"] == true)
    };
    let subject = |item: &Value| {
        let id = item["message"].as_str().unwrap();
        json(from, &format!("/api/messages/{id}"))["subject"].as_str().unwrap().to_owned()
    };
    items.iter().filter(is_uncertain).map(subject).collect()
}

#[test]
fn a_kill_of_either_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (port_a, port_b) = (free_port(), free_port());
    let start_a = || start(folder.path(), "a", port_a, ("b", port_b));
    let start_b = || start(folder.path(), "b", port_b, ("a", port_a));
    let (mut a, mut b) = (start_a(), start_b());
    let (mut for_a, mut for_b) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let first = round * MESSAGES;
        for_b.extend(send(a.relay, "b", first));
        for_a.extend(send(b.relay, "a", first));
        // In the middle of what they send to each other.
        std::thread::sleep(Duration::from_millis(7 * round as u64));
        if round % 2 == 0 {
            drop(a);
            a = start_a();
        } else {
            drop(b);
            b = start_b();
        }
    }
    let (items_a, items_b) = (wait_for_the_end(a.web), wait_for_the_end(b.web));
    for (there, domain, sent, from, items) in
        [(b.web, "b", &for_b, a.web, &items_a), (a.web, "a", &for_a, b.web, &items_b)]
    {
        assert_eq!(sent.len(), MESSAGES * ROUNDS);
        // The other side has what was sent on, and the sender's own copy has not the Received line of a hop.
        let counts = arrived(there, domain);
        let uncertain = may_be_doubled(from, items);
        for token in sent {
            let count = counts.get(token).copied().unwrap_or_default();
            assert!(count >= 1, "{token} is lost");
            assert!(
                count == 1 || uncertain.contains(token),
                "{token} came {count} times, and no reply was lost"
            );
        }
        assert!(items.iter().all(|item| item["state"] == "done"), "{items:#?}");
    }
}
