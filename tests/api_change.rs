//! What the HTTP API changes: marks, deletions, inboxes, and messages that did not come by SMTP.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use doorpost::Doorpost;
use doorpost::config::Config;
use serde_json::{Value, json};
use std::net::SocketAddr;
use support::{Client, http, ids, json, request, send_json, with_query};

async fn with_mail(messages: usize, test: impl FnOnce(SocketAddr) + Send + 'static) {
    let doorpost = Doorpost::builder().web().start().await.unwrap();
    let (web, relay) = (doorpost.web_addresses()[0], doorpost.door("relay").unwrap().addresses[0]);
    tokio::task::spawn_blocking(move || {
        for n in 1..=messages {
            let text = format!("Subject: number {n}\r\n\r\nhi\r\n");
            assert!(Client::connect(relay).mail(&text).starts_with("250"));
        }
        test(web);
    })
    .await
    .unwrap();
}

const RFC822: &str = "Host: localhost\r\nContent-Type: message/rfc822\r\n";

fn import(web: SocketAddr, parameters: &str, message: &str) -> (u16, Value) {
    let path = format!("/api/messages{parameters}");
    let (status, _, body) = request(web, "POST", &path, RFC822, message.as_bytes());
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_everything_has_to_be_said() {
    with_mail(4, |web| {
        assert_eq!(http(web, "localhost", "DELETE", "/api/messages/2").0, 204);
        assert_eq!(http(web, "localhost", "DELETE", "/api/messages/2").0, 404);
        for unclear in
            ["", "?query=", "?all=true&query=id%3A1", "?all=maybe", "?all=false", "?inbox="]
        {
            let path = format!("/api/messages{unclear}");
            assert_eq!(http(web, "localhost", "DELETE", &path).0, 400, "{unclear}");
            assert_eq!(send_json(web, "PATCH", &path, &json!({"read": true})).0, 400, "{unclear}");
        }
        let (status, _, body) =
            http(web, "localhost", "DELETE", &with_query("/api/messages?query=", "id:1"));
        assert_eq!((status, &body[..]), (200, &br#"{"deleted":1}"#[..]));
        assert_eq!(ids(&json(web, "/api/messages")), ["4", "3"]);
        assert_eq!(http(web, "localhost", "DELETE", "/api/messages/latest").0, 204);
        let (_, _, body) = http(web, "localhost", "DELETE", "/api/messages?all=true");
        assert_eq!(&body[..], br#"{"deleted":1}"#);
        assert_eq!(json(web, "/api/messages")["total"], json!(0));
        assert_eq!(http(web, "localhost", "GET", "/api/messages/latest").0, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_somebody_has_looked_is_left_alone() {
    with_mail(5, |web| {
        for wrong in ["?up_to=3", "?all=true&up_to=0", "?all=true&up_to=x", "?all=true&up_to="] {
            let path = format!("/api/messages{wrong}");
            assert_eq!(http(web, "localhost", "DELETE", &path).0, 400, "{wrong}");
        }
        let path = with_query("/api/messages?up_to=3&query=", "subject:number");
        assert_eq!(send_json(web, "PATCH", &path, &json!({"read": true})).0, 200);
        assert_eq!(ids(&json(web, "/api/messages?query=is:read")), ["3", "2", "1"]);
        let path = with_query("/api/messages?up_to=2&query=", "subject:number");
        let (_, _, body) = http(web, "localhost", "DELETE", &path);
        assert_eq!(&body[..], br#"{"deleted":2}"#);
        let (_, _, body) = http(web, "localhost", "DELETE", "/api/messages?all=true&up_to=4");
        assert_eq!(&body[..], br#"{"deleted":2}"#);
        assert_eq!(ids(&json(web, "/api/messages")), ["5"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_marked() {
    with_mail(3, |web| {
        let change =
            json!({"read": true, "tags": ["a", "b"], "add_tags": ["c"], "remove_tags": ["b"]});
        let (status, message) = send_json(web, "PATCH", "/api/messages/2", &change);
        assert_eq!(
            (status, &message["read"], &message["tags"]),
            (200, &json!(true), &json!(["a", "c"]))
        );
        let path = with_query("/api/messages?query=", "id:1 OR id:3");
        let (status, changed) = send_json(web, "PATCH", &path, &json!({"add_tags": ["c"]}));
        assert_eq!((status, changed), (200, json!({"changed": 2})));
        let tags = json!({"tags": [{"name": "a", "messages": 1}, {"name": "c", "messages": 3}]});
        assert_eq!(json(web, "/api/tags"), tags);
        let statistics = json(web, "/api/statistics");
        assert_eq!((&statistics["messages"], &statistics["unread"]), (&json!(3), &json!(2)));
        let (_, changed) =
            send_json(web, "PATCH", "/api/messages?all=true", &json!({"read": true}));
        assert_eq!(changed, json!({"changed": 3}));
        assert_eq!(json(web, "/api/statistics")["unread"], json!(0));
        assert_eq!(json(web, "/api/messages/latest")["tags"], json!(["c"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_change_changes_nothing() {
    with_mail(1, |web| {
        let too_many: Vec<_> = (0..101).map(|n| n.to_string()).collect();
        for wrong in [
            json!({"raed": true}),
            json!({"read": 1}),
            json!({"tags": "a"}),
            json!({"add_tags": [" a"]}),
            json!({"add_tags": [""]}),
            json!({"add_tags": ["a\nb"]}),
            json!({"add_tags": ["a".repeat(101)]}),
            json!({"add_tags": too_many}),
            json!([]),
        ] {
            assert_eq!(send_json(web, "PATCH", "/api/messages/1", &wrong).0, 400, "{wrong}");
        }
        let large = json!({"tags": ["a".repeat(70_000)]});
        assert_eq!(send_json(web, "PATCH", "/api/messages/1", &large).0, 413);
        let (status, head, _) =
            request(web, "PATCH", "/api/messages/1", "Host: localhost\r\n", b"{}");
        assert_eq!(status, 415);
        assert!(head.contains("application/problem+json"), "{head}");
        assert_eq!(send_json(web, "PATCH", "/api/messages/9", &json!({"read": true})).0, 404);
        assert_eq!(json(web, "/api/messages/1")["tags"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_filed_without_smtp() {
    with_mail(0, |web| {
        let text = concat!(
            "Return-Path: <bounces@example.org>\r\nFrom: J\u{fc}rgen <j@example.org>\r\n",
            "To: Bob <bob@example.org>, nonsense\r\nCc: carol@example.org\r\nSubject: filed\r\n\r\nhi\r\n",
        );
        let (status, message) = import(web, "", text);
        assert_eq!(status, 201, "{message}");
        assert_eq!((&message["door"], &message["session"]), (&json!("import"), &Value::Null));
        assert_eq!(message["envelope"]["reverse_path"], json!("bounces@example.org"));
        let paths = |message: &Value| {
            let all = message["envelope"]["forward_paths"].as_array().unwrap();
            all.iter().map(|one| one["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(paths(&message), ["bob@example.org", "carol@example.org"]);
        assert_eq!(message["envelope"]["body"], json!("8BITMIME"));
        let (_, _, raw) = http(web, "localhost", "GET", "/api/messages/1/raw");
        assert_eq!(raw, text.as_bytes(), "it is kept as it came");

        let parameters = "?from=&to=a@example.org&to=%3Cb@example.org%3E&door=old&user=alice&received_at=2020-01-02T03:04:05%2B01:00";
        let (status, message) = import(web, parameters, "Subject: x\n\ny\n");
        assert_eq!(status, 201, "{message}");
        assert_eq!(paths(&message), ["a@example.org", "b@example.org"]);
        assert_eq!((&message["is_bounce"], &message["door"]), (&json!(true), &json!("old")));
        assert_eq!(message["received_at"], json!("2020-01-02T02:04:05Z"));
        assert_eq!(message["inboxes"], json!(["alice"]));
        assert!(message["received"].as_str().unwrap().contains(" with HTTP "), "{message}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_filed_is_refused() {
    with_mail(0, |web| {
        for wrong in [
            "?form=a@example.org",
            "?from=a",
            "?from=a@example.org&from=b@example.org",
            "?to=",
            "?to=a@example.org,b@example.org",
            "?door=A",
            "?door=",
            "?user=",
            "?received_at=yesterday",
        ] {
            let (status, problem) = import(web, wrong, "Subject: x\r\n\r\n");
            assert_eq!(status, 400, "{wrong}: {problem}");
        }
        let headers = "Host: localhost\r\nContent-Type: text/plain\r\n";
        assert_eq!(request(web, "POST", "/api/messages", headers, b"x").0, 415);
        let declared = format!("{RFC822}Content-Length: 99999999999\r\n");
        let (status, head, _) = request(web, "POST", "/api/messages", &declared, b"");
        assert_eq!(status, 413);
        assert!(head.contains("application/problem+json"), "{head}");
        assert_eq!(json(web, "/api/messages")["total"], json!(0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inboxes_part_what_tests_get() {
    with_mail(1, |web| {
        for user in ["alice", "alice", "bob"] {
            assert_eq!(import(web, &format!("?user={user}"), "Subject: x\r\n\r\n").0, 201);
        }
        let inboxes = json!({
            "inboxes": [
                {"name": "alice", "messages": 2, "unread": 2},
                {"name": "bob", "messages": 1, "unread": 1},
            ],
            "outside": 1,
        });
        assert_eq!(json(web, "/api/inboxes"), inboxes);
        assert_eq!(ids(&json(web, "/api/messages?inbox=alice")), ["3", "2"]);
        assert_eq!(ids(&json(web, "/api/messages?inbox=alice&query=id:2")), ["2"]);
        assert_eq!(json(web, "/api/messages/latest?inbox=alice")["id"], json!("3"));
        let text = json(web, "/api/messages/latest/text?query=id:1");
        assert!(text["text"].as_str().unwrap().starts_with("hi\n"), "{text}");
        // A name says which message is meant; a query beside it would say it twice.
        assert_eq!(http(web, "localhost", "GET", "/api/messages/1?inbox=alice").0, 400);
        assert_eq!(ids(&json(web, "/api/messages/wait?inbox=bob&timeout=0")), ["4"]);
        let (_, changed) =
            send_json(web, "PATCH", "/api/messages?inbox=alice", &json!({"read": true}));
        assert_eq!(changed, json!({"changed": 2}));
        let (status, _, body) = http(web, "localhost", "DELETE", "/api/inboxes/alice");
        assert_eq!((status, &body[..]), (200, &br#"{"deleted":2}"#[..]));
        assert_eq!(ids(&json(web, "/api/messages")), ["4", "1"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_by_recipient_is_asked_for_in_any_spelling() {
    let by = "recipient".parse().unwrap();
    let doorpost = Doorpost::builder().web().inbox_by(by).start().await.unwrap();
    let web = doorpost.web_addresses()[0];
    tokio::task::spawn_blocking(move || {
        for to in ["Bob@Example.org", "carol@example.org"] {
            assert_eq!(import(web, &format!("?to={to}"), "Subject: x\r\n\r\n").0, 201);
        }
        assert_eq!(ids(&json(web, "/api/messages?inbox=Bob@Example.org")), ["1"]);
        assert_eq!(ids(&json(web, "/api/messages?query=inbox:Bob@Example.org")), ["1"]);
        assert_eq!(json(web, "/api/messages/latest?inbox=Bob@Example.org")["id"], json!("1"));
        let waited = json(web, "/api/messages/wait?inbox=Bob@Example.org&timeout=0");
        assert_eq!(ids(&waited), ["1"]);
        let (_, _, body) = http(web, "localhost", "DELETE", "/api/inboxes/Bob@Example.org");
        assert_eq!(body, br#"{"deleted":1}"#);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_filed_is_told_although_it_is_gone_already() {
    let config = Config { max_messages: 1, ..Config::ephemeral() };
    let doorpost = Doorpost::builder().config(config).web().start().await.unwrap();
    let web = doorpost.web_addresses()[0];
    tokio::task::spawn_blocking(move || {
        let senders = (0..6).map(|sender| {
            std::thread::spawn(move || {
                for number in 0..20 {
                    let subject = format!("{sender}.{number}");
                    let (status, view) = import(
                        web,
                        "?user=alice",
                        &format!("From: a@example.org\r\nSubject: {subject}\r\n\r\nx"),
                    );
                    assert_eq!((status, &view["subject"]), (201, &json!(subject)), "{view}");
                    assert_eq!(view["inboxes"], json!(["alice"]));
                    assert_eq!(view["from"][0]["address"], json!("a@example.org"));
                }
            })
        });
        senders.collect::<Vec<_>>().into_iter().for_each(|sender| sender.join().unwrap());
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_path_that_nobody_said_is_no_bounce() {
    let folder = tempfile::tempdir().unwrap();
    let start =
        async || Doorpost::builder().web().data(folder.path().join("data")).start().await.unwrap();
    let doorpost = start().await;
    let web = doorpost.web_addresses()[0];
    tokio::task::spawn_blocking(move || {
        for (parameters, message, is_bounce) in [
            ("", "Subject: x\r\n\r\n", false),
            ("", "From: root\r\n\r\n", false),
            ("?from=", "Subject: x\r\n\r\n", true),
            ("", "Return-Path: <>\r\nFrom: a@example.org\r\n\r\n", true),
            ("", "From: a@example.org\r\n\r\n", false),
            ("", "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\n--b--", true),
        ] {
            let (status, view) = import(web, parameters, message);
            assert_eq!((status, &view["is_bounce"]), (201, &json!(is_bounce)), "{message:?}");
        }
    })
    .await
    .unwrap();
    doorpost.stop().await;
    drop(doorpost);
    // What was said is known of the disk as well, also to an index that is made anew.
    std::fs::remove_file(folder.path().join("data/index.db")).unwrap();
    let doorpost = start().await;
    let web = doorpost.web_addresses()[0];
    tokio::task::spawn_blocking(move || {
        assert_eq!(ids(&json(web, "/api/messages?query=is:bounce")), ["6", "4", "3"]);
        assert_eq!(json(web, "/api/messages/1/parts")["is_bounce"], json!(false));
        assert_eq!(json(web, "/api/messages/3/parts")["is_bounce"], json!(true));
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_encoded_is_refused() {
    with_mail(0, |web| {
        let headers = format!("{RFC822}Content-Encoding: gzip\r\n");
        let (status, _, problem) = request(web, "POST", "/api/messages", &headers, b"\x1f\x8b");
        assert_eq!(status, 415);
        let problem: Value = serde_json::from_slice(&problem).unwrap();
        assert!(problem["detail"].as_str().unwrap().contains("Content-Encoding"), "{problem}");
        let headers = format!("{RFC822}Content-Encoding: identity\r\n");
        assert_eq!(request(web, "POST", "/api/messages", &headers, b"\r\nx").0, 201);
    })
    .await;
}
