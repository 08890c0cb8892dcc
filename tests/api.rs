//! The HTTP API, over a real socket.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use doorpost::Doorpost;
use serde_json::{Value, json};
use std::net::SocketAddr;
use support::{Client, http, ids, json, with_query};

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
        let headers = &json(web, "/api/messages/1/headers")["headers"];
        let from = json!([{"name": "Jürgen", "address": "j@example.org"}]);
        assert_eq!((&headers[0]["addresses"], &headers[2]["addresses"]), (&from, &json!([])));
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
            ("inboxes", json!([])),
            ("read", json!(false)),
            ("tags", json!([])),
            ("has_attachment", json!(false)),
            ("is_bounce", json!(false)),
            ("hello", json!("client.example")),
            ("protocol", json!("ESMTP")),
        ];
        for (key, value) in known {
            assert_eq!(message[key], value, "{key}");
        }
        assert!(message["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{message}");
        assert!(message["received"].as_str().unwrap().starts_with("Received: from"), "{message}");
        assert_eq!(json(web, "/api/messages/latest"), message);
        assert_eq!(json(web, "/api/messages")["messages"][0]["received"], Value::Null);
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
            assert_eq!((&page["total"], &page["total_is_exact"]), (&json!(5), &json!(true)));
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
        let list = json(web, "/api/sessions");
        assert_eq!(list["sessions"][0]["transcript"], Value::Null);
        assert_eq!((&list["total"], &list["next"]), (&json!(1), &Value::Null));
        let (status, head, text) = http(web, "localhost", "GET", "/api/sessions/1/transcript");
        let text = String::from_utf8(text).unwrap();
        assert_eq!(status, 200);
        assert!(head.contains("content-type: text/plain; charset=utf-8"), "{head}");
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("S: 220 "), "{text}");
        assert!(lines.contains(&"C: EHLO <script>") && lines.contains(&"C: QUIT"), "{text}");
        assert!(lines.iter().any(|line| line.starts_with("S: 250-")), "{text}");
        assert!(lines.last().unwrap().starts_with('['), "{text}");
        assert_eq!(http(web, "localhost", "GET", "/api/sessions?query=%20").0, 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_behind_one_are_listed_and_counted_by_themselves() {
    with_mail(5, |web, _| {
        let found = |parameters: &str| {
            let list = json(web, &format!("/api/sessions?{parameters}"));
            let ids = list["sessions"].as_array().unwrap().iter();
            let ids: Vec<_> = ids.map(|one| one["id"].as_str().unwrap().to_owned()).collect();
            (ids.join(" "), list["total"].as_u64().unwrap(), list["next"] == Value::Null)
        };
        for query in ["", "&query=door:relay"] {
            assert_eq!(found(&format!("since=3{query}")), ("5 4".into(), 2, true), "{query}");
            assert_eq!(found(&format!("since=1&limit=2{query}")), ("5 4".into(), 4, false));
            assert_eq!(found(&format!("since=1&cursor=4{query}")), ("3 2".into(), 4, true));
            assert_eq!(found(&format!("since=5{query}")), (String::new(), 0, true), "{query}");
        }
        assert_eq!(http(web, "localhost", "GET", "/api/sessions?since=10m").0, 400);
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
        // This CA lives in memory, and is given all the same.
        assert_eq!(doors["ca"], json!(null));
        let (status, head, pem) = http(web, "localhost", "GET", "/api/ca.pem");
        assert_eq!(status, 200);
        assert!(head.contains("application/pem-certificate-chain"), "{head}");
        assert!(pem.starts_with(b"-----BEGIN CERTIFICATE-----"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_where_the_ca_lies() {
    let folder = tempfile::tempdir().unwrap();
    let doorpost = Doorpost::builder().certs(folder.path()).web().start().await.unwrap();
    let web = doorpost.web_addresses()[0];
    let doors = tokio::task::spawn_blocking(move || json(web, "/api/doors")).await.unwrap();
    let ca = doors["ca"].as_str().unwrap();
    assert_eq!(std::path::Path::new(ca), folder.path().join("ca.pem"));
    assert_eq!(std::fs::read_to_string(ca).unwrap(), doorpost.ca_pem().unwrap());
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
            "/api/messages/1/parts/%ff",
        ] {
            assert_eq!(http(web, "localhost", "GET", path).0, 404, "{path}");
        }
        let (status, head, body) = http(web, "localhost", "TRACE", "/api/messages");
        assert_eq!(status, 405);
        assert!(head.contains("allow: get,head,post,patch,delete"), "{head}");
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["status"], json!(405));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_found_by_query() {
    with_mail(3, |web, _| {
        for (query, found) in [
            ("subject:\"ä 2\"", &["2"][..]),
            ("from:jurgen", &["3", "2", "1"]),
            ("rcpt:bob@example.org -id:2", &["3", "1"]),
            ("envelope:alice to:bob door:relay larger:10", &["3", "2", "1"]),
            ("id:1 OR id:3", &["3", "1"]),
            ("user:alice", &[]),
            ("dot after:1h", &["3", "2", "1"]),
            ("has:attachment", &[]),
            ("header:subject:\"ä 3\"", &["3"]),
        ] {
            let list = json(web, &with_query("/api/messages?query=", query));
            assert_eq!(ids(&list), found, "{query}");
            assert_eq!(list["total"], json!(found.len()), "{query}");
        }
        let first = json(web, &with_query("/api/messages?limit=2&query=", "from:jurgen"));
        let next = first["next"].as_str().unwrap();
        let rest = json(
            web,
            &with_query(&format!("/api/messages?limit=2&cursor={next}&query="), "from:jurgen"),
        );
        assert_eq!((ids(&first), ids(&rest)), (vec!["3", "2"], vec!["1"]));
        assert_eq!((&rest["next"], &rest["total"]), (&Value::Null, &json!(3)));

        let (status, _, body) =
            http(web, "localhost", "GET", &with_query("/api/messages?query=", "bob form:x"));
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (status, &problem["start"], &problem["end"]),
            (400, &json!(4), &json!(9)),
            "{problem}"
        );
        assert!(problem["help"].as_str().unwrap().contains("from"), "{problem}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_read_for_people_and_tests() {
    with_mail(0, |web, relay| {
        let mail = concat!(
            "Subject: =?utf-8?q?Best=C3=A4tigung?=\r\nMIME-Version: 1.0\r\n",
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
            "--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n",
            "<p>Your code is <b>483920</b>. <a href=\"https://app.example/reset?t=1&amp;u=2\">Reset</a></p>\r\n",
            "<script>alert(1)</script>\r\n",
            "--b\r\nContent-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment; filename=\"../a.txt\"\r\n",
            "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n",
        );
        assert!(Client::connect(relay).mail(mail).starts_with("250"));
        let codes = json(web, "/api/messages/1/codes");
        assert_eq!(codes["codes"][0]["code"], json!("483920"));
        let links = json(web, "/api/messages/1/links");
        assert_eq!(links["links"][0]["url"], json!("https://app.example/reset?t=1&u=2"));
        let text = json(web, "/api/messages/1/text");
        assert!(text["text_of_html"].as_str().unwrap().contains("Your code is 483920"), "{text}");
        assert!(!text["text_of_html"].as_str().unwrap().contains("alert"), "{text}");
        assert!(json(web, "/api/messages/1/html")["html"].as_str().unwrap().contains("<script>"));
        assert_eq!(json(web, "/api/messages/1/headers")["headers"][0]["value"], json!("Bestätigung"));
        let parts = json(web, "/api/messages/1/parts");
        let file = &parts["attachments"][0];
        assert_eq!(file["size"], json!(5));
        assert!(!file["file_name"].as_str().unwrap().contains('/'), "{file}");
        let id = file["id"].as_str().unwrap();
        let (status, head, body) = http(web, "localhost", "GET", &format!("/api/messages/1/parts/{id}"));
        assert_eq!((status, &body[..]), (200, &b"hello"[..]));
        assert!(head.contains("content-disposition: attachment") && head.contains("nosniff"), "{head}");
        assert_eq!(json(web, "/api/messages/latest/attachments")["attachments"], parts["attachments"]);
        let (_, head, _) = http(web, "localhost", "GET", "/api/messages/1/parts/1");
        assert!(head.contains("content-type: text/html; charset=utf-8\r\n"), "{head}");
        assert_eq!(http(web, "localhost", "GET", "/api/messages/1/parts/9").0, 404);
        assert_eq!(http(web, "localhost", "GET", "/api/messages/2/codes").0, 404);
    })
    .await;
}
