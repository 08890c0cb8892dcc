//! Following live through the HTTP API: in order, none left out, resumable.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use doorpost::Doorpost;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use support::{Client, PATIENCE, http, send_json};

/// Somebody who follows. HTTP/1.0, so that nothing stands between the lines.
struct Follower {
    lines: BufReader<TcpStream>,
}

#[derive(Debug)]
struct Told {
    id: String,
    name: String,
    data: Value,
}

impl Follower {
    fn new(web: SocketAddr, path: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(web).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n{headers}\r\n").unwrap();
        let mut follower = Self { lines: BufReader::new(stream) };
        let status = follower.line();
        assert!(status.contains(" 200 "), "{status}");
        while !follower.line().is_empty() {}
        follower
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.lines.read_line(&mut line).unwrap() > 0, "the stream ended");
        line.trim_end().to_owned()
    }

    /// The next event; what has no data is none.
    fn next(&mut self) -> Told {
        let mut told = Told { id: String::new(), name: String::new(), data: Value::Null };
        loop {
            let line = self.line();
            match line.split_once(": ") {
                Some(("id", id)) => told.id = id.to_owned(),
                Some(("event", name)) => told.name = name.to_owned(),
                Some(("data", data)) => told.data = serde_json::from_str(data).unwrap(),
                _ if line.is_empty() && !told.name.is_empty() => return told,
                _ => {}
            }
        }
    }

    fn names(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.next().name).collect()
    }
}

impl Told {
    fn number(&self) -> u64 {
        self.id.rsplit_once('-').unwrap().1.parse().unwrap()
    }
}

async fn running(test: impl FnOnce(SocketAddr, SocketAddr) + Send + 'static) {
    let doorpost = Doorpost::builder().web().start().await.unwrap();
    let (web, relay) = (doorpost.web_addresses()[0], doorpost.door("relay").unwrap().addresses[0]);
    tokio::task::spawn_blocking(move || test(web, relay)).await.unwrap();
}

fn mail(relay: SocketAddr, subject: &str) {
    let mut client = Client::connect(relay);
    assert!(client.mail(&format!("Subject: {subject}\r\n\r\nhi\r\n")).starts_with("250"));
    client.ask("QUIT");
    assert_eq!(client.reply(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_happens_is_told() {
    running(|web, relay| {
        let mut follower = Follower::new(web, "/api/events", "");
        let mut client = Client::connect(relay);
        client.begin_data();
        client.send("Subject: told\r\n\r\na\nb\r\n.\r\n");
        assert!(client.reply().starts_with("550"), "a bare LF is a finding");
        client.ask("QUIT");
        let began = follower.next();
        assert_eq!((&*began.name, &began.data["phase"]), ("session", &json!("began")));
        assert_eq!((&began.data["id"], &began.data["transcript"]), (&json!("1"), &Value::Null));
        let finding = follower.next();
        assert_eq!((&*finding.name, &finding.data["code"]), ("finding", &json!("bare-lf")));
        assert_eq!(
            (&finding.data["session"], &finding.data["text"]),
            (&json!("1"), &json!("The client ended a line with LF alone, without CR."))
        );
        let ended = follower.next();
        assert_eq!((&*ended.name, &ended.data["phase"]), ("session", &json!("ended")));
        assert_eq!(ended.data["ended"]["code"], json!("quit"));
        mail(relay, "told");
        follower.next();
        let message = follower.next();
        assert_eq!((&*message.name, &message.data["subject"]), ("message", &json!("told")));
        assert_eq!(message.data, support::json(web, "/api/messages")["messages"][0]);
        follower.next();
        send_json(web, "PATCH", "/api/messages/1", &json!({"read": true}));
        http(web, "localhost", "DELETE", "/api/messages/1");
        http(web, "localhost", "DELETE", "/api/messages?all=true");
        let (changed, deleted, all) = (follower.next(), follower.next(), follower.next());
        assert_eq!((&*changed.name, changed.data), ("changed", json!({"ids": ["1"]})));
        assert_eq!((&*deleted.name, deleted.data), ("deleted", json!({"ids": ["1"]})));
        assert_eq!((&*all.name, &all.data), ("deleted", &json!({"up_to": "1"})));
        assert_eq!(all.number(), began.number() + 8);
    })
    .await;
}

/// From several connections at once, through the real door.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_messages_are_told_in_order_and_none_is_left_out() {
    const CLIENTS: u64 = 8;
    const TURNS: u64 = 25;
    const BATCH: u64 = 50;
    running(|web, relay| {
        let mut follower = Follower::new(web, "/api/events", "");
        let following = std::thread::spawn(move || {
            let (mut messages, mut last) = (BTreeSet::new(), 0);
            while (messages.len() as u64) < CLIENTS * TURNS * BATCH {
                let told = follower.next();
                assert_eq!(told.number(), last + 1, "{told:?}");
                last = told.number();
                if told.name == "message" {
                    let id: u64 = told.data["id"].as_str().unwrap().parse().unwrap();
                    assert!(messages.insert(id), "{id} is told twice");
                }
            }
            messages.last().copied()
        });
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    for _ in 0..TURNS {
                        let mut client = Client::connect(relay);
                        client.reply();
                        client.ask("EHLO client.example");
                        let one = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nBDAT 14 LAST\r\nSubject: x\r\n\r\n";
                        client.send(one.repeat(BATCH as usize));
                        for _ in 0..3 * BATCH {
                            assert!(client.reply().starts_with("250"));
                        }
                    }
                });
            }
        });
        assert_eq!(following.join().unwrap(), Some(CLIENTS * TURNS * BATCH));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_goes_on_where_it_was() {
    running(|web, relay| {
        let mut follower = Follower::new(web, "/api/events", "");
        mail(relay, "one");
        let first = follower.next();
        drop(follower);
        mail(relay, "two");
        let all = ["message", "session", "session", "message", "session"];
        let mut by_header =
            Follower::new(web, "/api/events", &format!("Last-Event-ID: {}\r\n", first.id));
        assert_eq!(by_header.names(5), all);
        let path = format!("/api/events?last_event_id={}", first.id);
        assert_eq!(Follower::new(web, &path, "").names(5), all);
        // A browser that reconnects sends the header, and its address stays as it was.
        let run = first.id.rsplit_once('-').unwrap().0;
        let later = format!("Last-Event-ID: {run}-{}\r\n", first.number() + 3);
        assert_eq!(Follower::new(web, &path, &later).names(2), ["message", "session"]);
        // Without a name it begins with what comes next.
        let mut from_now = Follower::new(web, "/api/events?last_event_id=", "");
        mail(relay, "three");
        assert_eq!(from_now.next().number(), first.number() + 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_go_on_is_told_to_begin_anew() {
    running(|web, relay| {
        let mut follower = Follower::new(web, "/api/events", "");
        mail(relay, "one");
        let run = follower.next().id.rsplit_once('-').unwrap().0.to_owned();
        for id in ["another-1", "nonsense", "-", &format!("{run}-99"), &format!("{run}-x")] {
            let mut follower =
                Follower::new(web, "/api/events", &format!("Last-Event-ID: {id}\r\n"));
            let reset = follower.next();
            assert_eq!(reset.name, "reset", "{id}");
            assert!(reset.data["reason"].is_string(), "{reset:?}");
            assert_eq!(reset.id, format!("{run}-3"), "it can be resumed from here");
        }
        let mut follower = Follower::new(web, "/api/events?last_event_id=another-1", "");
        assert_eq!(follower.next().name, "reset");
        mail(relay, "two");
        assert_eq!(follower.names(3), ["session", "message", "session"]);
    })
    .await;
}
