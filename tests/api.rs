//! The HTTP API, over a real socket.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use doorpost::Doorpost;
use serde_json::{Value, json};
use std::net::SocketAddr;
use support::{Client, http, json};

async fn with_mail(messages: usize, test: impl FnOnce(SocketAddr, SocketAddr) + Send + 'static) {
    let doorpost = Doorpost::builder().web().start().await.unwrap();
    let (web, relay) = (doorpost.web_addresses()[0], doorpost.door("relay").unwrap().addresses[0]);
    tokio::task::spawn_blocking(move || {
        for n in 1..=messages {
            let reply = Client::connect(relay).mail(&format!(
                "From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nTo: bob@example.org\r\nSubject: =?utf-8?q?=C3=A4_{n}?=\r\n\r\n..dot\r\n"
            ));
            assert!(reply.starts_with("250"));
        }
        test(web, relay);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_as_it_came() {
    with_mail(1, |web, _| {
        let message = json(web, "/api/messages/1");
        let known = [
            ("id", json!("1")),
            ("door", json!("relay")),
            ("session", json!("1")),
            ("auth_user", Value::Null),
            ("tls", Value::Null),
            ("subject", json!("ä 1")),
            ("from", json!([{"name": "Jürgen", "address": "j@example.org"}])),
            ("to", json!([{"name": null, "address": "bob@example.org"}])),
            ("date", Value::Null),
            ("message_id", Value::Null),
        ];
        for (key, value) in known {
            assert_eq!(message[key], value, "{key}");
        }
        let path = json!({"path": "bob@example.org", "notify": null, "orcpt": null});
        assert_eq!(
            message["envelope"],
            json!({
                "reverse_path": "alice@example.org", "forward_paths": [path], "ret": null,
                "envid": null, "body": "7BIT", "smtputf8": false,
            })
        );
        let (status, head, raw) = http(web, "localhost", "GET", "/api/messages/1/raw");
        assert_eq!(status, 200);
        assert!(
            head.contains("content-type: message/rfc822") && head.contains("nosniff"),
            "{head}"
        );
        assert!(head.contains("content-disposition: attachment"), "{head}");
        assert!(raw.ends_with(b"\r\n\r\n.dot\r\n\r\n"), "{}", raw.escape_ascii());
        assert_eq!(message["size"], json!(raw.len()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages_newest_first() {
    with_mail(5, |web, _| {
        let mut path = "/api/messages?limit=2".to_owned();
        let mut seen = Vec::new();
        loop {
            let page = json(web, &path);
            assert_eq!(page["total"], json!(5));
            seen.extend(
                page["messages"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|m| m["id"].as_str().unwrap().to_owned()),
            );
            match page["next"].as_str() {
                Some(next) => path = format!("/api/messages?limit=2&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, ["5", "4", "3", "2", "1"]);
        for wrong in ["limit=0", "limit=x", "limit=1001", "cursor=x", "cursor=0", "colour=red"] {
            let (status, head, body) =
                http(web, "localhost", "GET", &format!("/api/messages?{wrong}"));
            assert_eq!(status, 400, "{wrong}");
            assert!(head.contains("application/problem+json"), "{head}");
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["status"], json!(400));
            assert!(
                problem["detail"].as_str().unwrap().contains(wrong.split('=').next().unwrap()),
                "{problem}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_there_while_they_run_and_afterwards() {
    with_mail(0, |web, relay| {
        let mut client = Client::connect(relay);
        client.reply();
        client.ask("EHLO <script>");
        client.ask("MAIL FROM:<nonsense>");
        let running = json(web, "/api/sessions/1");
        assert_eq!(running["ended"], Value::Null);
        assert_eq!(running["hello"], json!({"name": "<script>", "extended": true}));
        client.ask("QUIT");
        assert_eq!(client.reply(), "");
        let ended = json(web, "/api/sessions/1");
        assert_eq!(ended["ended"]["code"], json!("quit"));
        assert_eq!(ended["last_refusal"]["reply"]["enhanced"], json!("5.1.7"));
        let transcript = ended["transcript"].as_array().unwrap();
        let said: Vec<_> = transcript.iter().map(|line| line["kind"].as_str().unwrap()).collect();
        assert_eq!(
            said,
            ["server", "client", "server", "client", "server", "client", "server", "end"]
        );
        let times: Vec<_> = transcript.iter().map(|line| line["at_us"].as_u64().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
        assert_eq!(json(web, "/api/sessions")["sessions"][0]["transcript"], Value::Null);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doors_are_described() {
    with_mail(1, |web, relay| {
        let doors = json(web, "/api/doors");
        let names: Vec<_> =
            doors["doors"].as_array().unwrap().iter().map(|d| d["name"].clone()).collect();
        assert_eq!(names, ["relay", "submission", "submissions", "alternate"]);
        let door = &doors["doors"][0];
        assert_eq!(door["addresses"][0], json!(relay.to_string()));
        assert_eq!((&door["stands_for"], &door["messages"]), (&json!(25), &json!(1)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_names_and_unknown_paths_are_refused() {
    with_mail(1, |web, _| {
        for host in ["evil.example", "localhost.evil.example", ""] {
            assert_eq!(http(web, host, "GET", "/api/messages").0, 403, "{host}");
        }
        for host in ["127.0.0.1:1", "[::1]", "app.localhost", "doorpost.test"] {
            assert_eq!(http(web, host, "GET", "/api/messages").0, 200, "{host}");
        }
        for path in [
            "/api/messages/99",
            "/api/messages/x",
            "/api/sessions/99",
            "/api/messages/99/raw",
            "/nothing",
            "/api/messages/%ff",
            "/api/messages/%ff",
        ] {
            assert_eq!(http(web, "localhost", "GET", path).0, 404, "{path}");
        }
        assert_eq!(http(web, "localhost", "POST", "/api/messages").0, 405);
    })
    .await;
}
