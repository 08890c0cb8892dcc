//! Mail going on, in one process: routes, the queue, release, reports; over real sockets.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use doorpost::config::Config;
use doorpost::storage::Message;
use doorpost::{Builder, Doorpost};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use support::{Client, PATIENCE};

const MAIL: &str = "From: <alice@example.org>\r\nSubject: On its way\r\nMessage-ID: <1@example.org>\r\n\r\n.Body\r\n";

/// Settings on top of ports that the system chooses.
fn builder(toml: &str) -> Builder {
    let mut config = Config::parse(&format!("ports = \"ephemeral\"\n{toml}")).unwrap();
    config.web = Some(doorpost::config::WebConfig { address: None, port: 0 });
    Doorpost::builder().config(config)
}

async fn started(toml: &str) -> Doorpost {
    builder(toml).start().await.unwrap()
}

fn relay(doorpost: &Doorpost) -> SocketAddr {
    doorpost.door("relay").unwrap().addresses[0]
}

/// Hands a message in; the reply to its end.
async fn send(to: SocketAddr, mail: &str, rcpt: &[&str], data: &str) -> String {
    let (mail, data) = (mail.to_owned(), data.replace("\r\n.", "\r\n.."));
    let rcpt: Vec<_> = rcpt.iter().map(|one| (*one).to_owned()).collect();
    let sending = tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(to);
        client.reply();
        client.ask("EHLO client.example");
        assert!(client.ask(&format!("MAIL FROM:{mail}")).starts_with("250"));
        for one in rcpt {
            let reply = client.ask(&format!("RCPT TO:{one}"));
            assert!(reply.starts_with("250"), "{one}: {reply}");
        }
        client.ask("DATA");
        client.send(data);
        let reply = client.ask(".");
        client.ask("QUIT");
        reply
    });
    sending.await.unwrap()
}

async fn arrived(doorpost: &Doorpost, to: &str) -> Message {
    let to = to.to_owned();
    let is_for = move |message: &Message| {
        message.envelope().forward_paths.iter().any(|one| one.path.to_string() == to)
    };
    doorpost.wait_for(is_for, PATIENCE).await.unwrap()
}

async fn api(doorpost: &Doorpost, method: &'static str, path: &str, body: Value) -> (u16, Value) {
    let (address, path) = (doorpost.web_addresses()[0], path.to_owned());
    let asking = tokio::task::spawn_blocking(move || match method {
        "GET" => (200, support::json(address, &path)),
        _ => support::send_json(address, method, &path, &body),
    });
    asking.await.unwrap()
}

/// The queue once it looks as wanted.
async fn queue(doorpost: &Doorpost, wanted: impl Fn(&Value) -> bool) -> Value {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let (_, list) = api(doorpost, "GET", "/api/queue", Value::Null).await;
        if wanted(&list["items"]) {
            return list["items"].clone();
        }
        assert!(tokio::time::Instant::now() < end, "the queue never looked like that: {list:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn text(message: &Message) -> String {
    String::from_utf8_lossy(message.bytes()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_sends_on_and_both_hops_are_traced() {
    let other = started("").await;
    let port = relay(&other).port();
    let first = started(&format!(
        "[[routes]]\nto = [\"*@onward.example\"]\nvia = \"smtp://127.0.0.1:{port}\""
    ))
    .await;
    let rcpt =
        ["<bob@onward.example> NOTIFY=FAILURE ORCPT=rfc822;b@x.example", "<eve@here.example>"];
    let reply = send(relay(&first), "<alice@example.org> ENVID=e1", &rcpt, MAIL).await;
    assert!(reply.starts_with("250"), "{reply}");
    let there = arrived(&other, "bob@onward.example").await;
    assert_eq!(there.envelope().forward_paths.len(), 1);
    assert_eq!(there.envelope().envid.as_deref(), Some("e1"));
    assert_eq!(there.envelope().forward_paths[0].orcpt.as_deref(), Some("rfc822;b@x.example"));
    assert!(there.arrival().tls.is_some(), "STARTTLS was offered, and not taken");
    let here = &first.messages()[0];
    assert_eq!(text(&there), format!("{}{}", here.received(), text(here)));
    assert_eq!(text(here), MAIL);
    // The attempt is a session with its transcript.
    let items = queue(&first, |items| items[0]["state"] == "done").await;
    let session = items[0]["attempts"][0]["session"].as_str().unwrap().to_owned();
    let end = tokio::time::Instant::now() + PATIENCE;
    let record = loop {
        let id = session.parse().unwrap();
        if let Some(record) = first.store().session(id).unwrap() {
            break record;
        }
        assert!(tokio::time::Instant::now() < end, "the session was never filed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(record.direction, "outbound");
    let lines: Vec<_> = record.transcript.unwrap().into_iter().map(|line| line.text).collect();
    for wanted in
        ["STARTTLS", "RCPT TO:<bob@onward.example> NOTIFY=FAILURE ORCPT=rfc822;b@x.example", "QUIT"]
    {
        assert!(lines.iter().any(|line| line == wanted), "{wanted} in {lines:#?}");
    }
    assert_eq!(first.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_names_an_inbox_by_recipient_in_any_spelling() {
    let other = started("").await;
    let first = started(&format!(
        "inbox_by = \"recipient\"\n[[routes]]\ninbox = [\"Bob@Example.net\"]\nvia = \"smtp://127.0.0.1:{}\"",
        relay(&other).port()
    ))
    .await;
    for rcpt in ["<eve@example.net>", "<bob@EXAMPLE.net>"] {
        assert!(send(relay(&first), "<alice@example.org>", &[rcpt], MAIL).await.starts_with("250"));
    }
    arrived(&other, "bob@EXAMPLE.net").await;
    assert_eq!(other.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn submission_goes_through_relay_over_a_real_socket() {
    let doorpost = started(
        "[[routes]]\nto = [\"*@example.net\"]\ndoor = [\"alternate\"]\nvia = \"door:relay\"",
    )
    .await;
    let submission = doorpost.door("alternate").unwrap().addresses[0];
    tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(submission);
        client.reply();
        client.ask("EHLO client.example");
        assert!(client.ask("AUTH PLAIN AGEAYg==").starts_with("235"));
        client.ask("MAIL FROM:<alice@example.org>");
        client.ask("RCPT TO:<bob@example.net>");
        client.ask("DATA");
        client.send(MAIL.replace("\r\n.", "\r\n.."));
        assert!(client.ask(".").starts_with("250"));
    })
    .await
    .unwrap();
    let is_relayed = |message: &Message| &*message.arrival().door == "relay";
    let relayed = doorpost.wait_for(is_relayed, PATIENCE).await.unwrap();
    let text = text(&relayed);
    assert_eq!(text.matches("Received: ").count(), 1);
    assert!(text.contains("with ESMTPA id 1"), "{text}");
    let findings = &relayed.arrival().findings;
    let accused = findings.iter().any(|one| one.code == "duplicate-message");
    assert!(!accused, "doorpost itself: {findings:?}");
    let items = queue(&doorpost, |items| items[0]["state"] == "done").await;
    assert_eq!(items[0]["arrived"], json!([relayed.id().to_string()]));
    let (_, journey) = api(&doorpost, "GET", "/api/messages/1/journey", Value::Null).await;
    let doors: Vec<_> =
        journey["stops"].as_array().unwrap().iter().map(|stop| &stop["door"]).collect();
    assert_eq!(doors, ["alternate", "relay"]);
    assert_eq!(journey["hops"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_now_comes_again_and_what_never_is_comes_back() {
    let other = started("").await;
    other.faults().set(
        None,
        doorpost::fault::Scenario::parse(
            "[[rules]]\nname = \"busy\"\nat = \"rcpt\"\nfirst = 1\nwhen = { forward_path = \"slow@*\" }\ndo = { reply = \"451 4.7.1 Try again\" }\n\
             [[rules]]\nname = \"no\"\nat = \"rcpt\"\nwhen = { forward_path = \"no@*\" }\ndo = { reply = \"550 5.1.1 No such user\" }",
        )
        .unwrap(),
    );
    let port = relay(&other).port();
    let first = started(&format!(
        "retry = [\"1s\", \"1s\"]\ntime_scale = 10\n[[routes]]\nto = [\"*@onward.example\"]\nvia = \"smtp://localhost:{port}\""
    ))
    .await;
    let rcpt = ["<slow@onward.example>", "<no@onward.example>"];
    send(relay(&first), "<alice@example.org> RET=HDRS ENVID=q", &rcpt, MAIL).await;
    arrived(&other, "slow@onward.example").await;
    let bounce = arrived(&first, "alice@example.org").await;
    assert!(bounce.envelope().reverse_path.mailbox().is_none());
    let bounce = text(&bounce);
    for line in [
        "Action: failed\r\n",
        "Status: 5.1.1\r\n",
        "Final-Recipient: rfc822; no@onward.example\r\n",
        "Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n",
        "Original-Envelope-Id: q\r\n",
        "Remote-MTA: dns; localhost\r\n",
        "Content-Type: text/rfc822-headers\r\n",
    ] {
        assert!(bounce.contains(line), "{line} in {bounce}");
    }
    assert!(!bounce.contains("slow@"));
    let items = queue(&first, |items| items[1]["state"] == "failed").await;
    assert_eq!(items[1]["tries"], 2);
    assert_eq!(items[1]["recipients"][0]["standing"], "delivered");
    assert_eq!(items[1]["recipients"][1]["standing"], "failed");
}

/// A server that takes one connection and no recipient whose name begins with `no`, and that never answers some
/// commands; the port, and each command as it comes.
fn hop(never: &'static str) -> (u16, std::sync::mpsc::Receiver<String>) {
    use std::io::{BufRead as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = std::io::BufReader::new(stream.try_clone().unwrap()).lines();
        let mut is_data = false;
        stream.write_all(b"220 hop\r\n").unwrap();
        for line in lines.map_while(Result::ok) {
            let reply = match &*line {
                "." => "250 kept",
                _ if is_data => continue,
                "DATA" => "354 go",
                line if line.starts_with("RCPT TO:<no") => "550 5.1.1 no",
                _ => "250 ok",
            };
            is_data = line == "DATA";
            if line != never {
                stream.write_all(format!("{reply}\r\n").as_bytes()).unwrap();
            }
            // Whoever has seen enough is gone.
            let _ = tell.send(line);
        }
    });
    (port, told)
}

/// What is said up to a command.
async fn hears(told: std::sync::mpsc::Receiver<String>, wanted: &'static str) {
    let heard =
        tokio::task::spawn_blocking(
            move || {
                while told.recv_timeout(PATIENCE).unwrap() != wanted {}
            },
        );
    heard.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_before_the_reply_to_rset_and_the_end_does_not_wait_for_it() {
    for (never, to) in [("RSET", "<no@onward.example>"), ("QUIT", "<bob@onward.example>")] {
        let (port, told) = hop(never);
        let first = started(&format!(
            "[[routes]]\nto = [\"*@onward.example\"]\nvia = \"smtp://127.0.0.1:{port}\""
        ))
        .await;
        let began = tokio::time::Instant::now();
        send(relay(&first), "<alice@example.org>", &[to], MAIL).await;
        hears(told, never).await;
        if never == "RSET" {
            let bounce = text(&arrived(&first, "alice@example.org").await);
            assert!(bounce.contains("Status: 5.1.1"), "{bounce}");
        } else {
            queue(&first, |items| items[0]["state"] == "done").await;
        }
        first.stop().await;
        // Either takes five seconds where it is waited for.
        assert!(began.elapsed() < Duration::from_secs(4), "{never}: {:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_bounces_to_nobody() {
    let first = started(
        "retry = [\"1s\"]\ntime_scale = 100\n[[routes]]\nto = [\"*@onward.example\"]\nvia = \"smtp://127.0.0.1:1\"",
    )
    .await;
    send(relay(&first), "<>", &["<bob@onward.example>"], MAIL).await;
    let items = queue(&first, |items| items[0]["state"] == "failed").await;
    assert_eq!(items.as_array().unwrap().len(), 1, "{items:#}");
    assert_eq!(first.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_leaves_the_octets_as_they_were() {
    let (other, first) = (started("").await, started("").await);
    send(relay(&first), "<alice@example.org>", &["<bob@example.net>"], MAIL).await;
    let to = format!("smtp://127.0.0.1:{}", relay(&other).port());
    let (status, answer) =
        api(&first, "POST", "/api/messages/1/release", json!({ "to": to })).await;
    assert_eq!(status, 202, "{answer}");
    let released = arrived(&other, "bob@example.net").await;
    assert_eq!(text(&released), MAIL);
    let wanted = json!({ "to": to, "rcpt": ["carol@example.net"], "resent": true });
    let path = support::with_query("/api/messages/release?query=", "subject:way");
    let (status, _) = api(&first, "POST", &path, wanted).await;
    assert_eq!(status, 202);
    let released = text(&arrived(&other, "carol@example.net").await);
    assert!(released.starts_with("Resent-Date: ") && released.ends_with(MAIL), "{released}");
    for (to, wrong) in [
        ("smtp://192.0.2.1", "--allow-host 192.0.2.1"),
        ("smtp://mx.example", "is not this machine"),
        ("door:nowhere", "no open door nowhere"),
        ("x", "expected smtp://"),
    ] {
        let (status, answer) =
            api(&first, "POST", "/api/messages/1/release", json!({ "to": to })).await;
        assert_eq!(status, 400);
        assert!(answer["detail"].as_str().unwrap().contains(wrong), "{to}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn magic_addresses_answer_after_the_250() {
    let doorpost = started("feedback_loops = [\"example.org=fbl@example.org\"]").await;
    for (to, marks) in [
        ("bounce+550+1s@x.test", "Action: failed\r\nStatus: 5.1.1\r\n"),
        ("ooto@x.test", "Subject: Auto: On its way\r\n"),
        ("delayed+1s@x.test", "Action: delayed\r\nStatus: 4.2.1\r\n"),
        ("success@x.test> NOTIFY=SUCCESS", "Action: delivered\r\nStatus: 2.1.5\r\n"),
    ] {
        let rcpt = if to.contains('>') { format!("<{to}") } else { format!("<{to}>") };
        let before = doorpost.messages().len();
        let reply = send(relay(&doorpost), "<alice@example.org>", &[&rcpt], MAIL).await;
        assert!(reply.starts_with("250"), "{to}: {reply}");
        let comes_back = |message: &Message| {
            message.id().get() > before as u64 + 1
                && message.envelope().forward_paths[0].path.to_string() == "alice@example.org"
        };
        let back = doorpost.wait_for(comes_back, PATIENCE).await.unwrap();
        assert!(back.envelope().reverse_path.mailbox().is_none());
        assert_eq!(&*back.arrival().door, "relay");
        assert!(back.arrival().session.is_some(), "it came over a real socket");
        let text = text(&back);
        assert!(
            text.contains(marks) && text.contains("Auto-Submitted: auto-replied"),
            "{to}: {text}"
        );
    }
    send(relay(&doorpost), "<alice@example.org>", &["<complaint@x.test>"], MAIL).await;
    let complaint = text(&arrived(&doorpost, "fbl@example.org").await);
    assert!(
        complaint.contains("Feedback-Type: abuse\r\n") && complaint.contains("Subject: On its way")
    );
    // Without NOTIFY a success is not told, and nothing is ever said to nobody.
    let before = doorpost.messages().len();
    send(
        relay(&doorpost),
        "<>",
        &["<ooto@x.test>", "<complaint@x.test>", "<success@x.test>"],
        MAIL,
    )
    .await;
    send(relay(&doorpost), "<alice@example.org>", &["<success@x.test>"], MAIL).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(doorpost.messages().len(), before + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_reaches_its_sender_whatever_recipients_the_relay_has() {
    let doorpost =
        started("[[doors]]\nname = \"relay\"\nlocal_domains = [\"x.test\"]\nlocal_users = [\"bounce+550+1s@x.test\"]").await;
    send(relay(&doorpost), "<alice@example.org>", &["<bounce+550+1s@x.test>"], MAIL).await;
    let bounce = text(&arrived(&doorpost, "alice@example.org").await);
    assert!(bounce.contains("Action: failed"), "{bounce}");
    // Others are held to them as before.
    let address = relay(&doorpost);
    let reply = tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(address);
        client.reply();
        client.ask("EHLO client.example");
        client.ask("MAIL FROM:<>");
        client.ask("RCPT TO:<alice@example.org>")
    });
    assert_eq!(reply.await.unwrap().trim_end(), "554 5.7.1 Relay access denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_or_a_person_has_a_message_bounce() {
    let doorpost = started("").await;
    doorpost.faults().set(
        None,
        doorpost::fault::Scenario::parse(
            "[[rules]]\nname = \"full\"\nat = \"kept\"\nwhen = { forward_path = \"full@*\" }\n\
             do = { later = \"bounce\", after = \"1s\", reply = \"552 5.2.2 Mailbox full\" }",
        )
        .unwrap(),
    );
    send(relay(&doorpost), "<alice@example.org>", &["<full@example.net>"], MAIL).await;
    let bounce = text(&arrived(&doorpost, "alice@example.org").await);
    assert!(bounce.contains("Diagnostic-Code: smtp; 552 5.2.2 Mailbox full\r\n"), "{bounce}");
    send(relay(&doorpost), "<carol@example.org>", &["<bob@example.net>"], MAIL).await;
    let wanted = json!({ "kind": "status", "action": "failed", "reply": "550 5.7.1 Not you" });
    let path = "/api/messages/latest/report?query=rcpt%3Abob%40example.net";
    let (status, answer) = api(&doorpost, "POST", path, wanted).await;
    assert_eq!(status, 202, "{answer}");
    assert!(text(&arrived(&doorpost, "carol@example.org").await).contains("Status: 5.7.1"));
    for wrong in [
        json!({ "kind": "x" }),
        json!({ "kind": "status", "action": "x" }),
        json!({ "kind": "status", "reply": "250 2.0.0 well" }),
        json!({ "kind": "complaint", "feedback": "x" }),
    ] {
        let (status, _) =
            api(&doorpost, "POST", "/api/messages/latest/report", wrong.clone()).await;
        assert_eq!(status, 400, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_goes_in_a_circle_is_stopped() {
    // Each sends everything to the other.
    let first = started("").await;
    let port = relay(&first).port();
    let second = started(&format!("[[routes]]\nvia = \"smtp://127.0.0.1:{port}\"")).await;
    let port = relay(&second).port();
    let third = started(&format!(
        "[[routes]]\nto = [\"bob@circle.example\"]\nvia = \"smtp://127.0.0.1:{port}\""
    ))
    .await;
    let hops = "Received: by x\r\n".repeat(60);
    send(relay(&third), "<alice@example.org>", &["<bob@circle.example>"], &(hops + MAIL)).await;
    let bounce = text(&arrived(&third, "alice@example.org").await);
    assert!(
        bounce.contains("Status: 5.4.6") && bounce.contains("has passed 61 servers"),
        "{bounce}"
    );
    assert!(second.messages().is_empty() && first.messages().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_in_a_circle_is_stopped_on_a_connection_that_is_open_too() {
    let second = Doorpost::builder().config(Config::ephemeral()).fault("slow=300ms").start().await;
    let second = second.unwrap();
    let port = relay(&second).port();
    let first = started(&format!(
        "max_connections_per_target = 1\n[[routes]]\nto = [\"*@onward.example\"]\nvia = \"smtp://127.0.0.1:{port}\""
    ))
    .await;
    send(relay(&first), "<alice@example.org>", &["<bob@onward.example>"], MAIL).await;
    let hops = "Received: by x\r\n".repeat(60);
    send(relay(&first), "<alice@example.org>", &["<eve@onward.example>"], &(hops + MAIL)).await;
    let bounce = text(&arrived(&first, "alice@example.org").await);
    assert!(bounce.contains("Status: 5.4.6") && bounce.contains("eve@onward.example"), "{bounce}");
    arrived(&second, "bob@onward.example").await;
    assert_eq!(second.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_tried_now_or_taken_out() {
    let first = started(
        "retry = [\"1h\"]\n[[routes]]\nto = [\"*@onward.example\"]\nvia = \"smtp://127.0.0.1:1\"",
    )
    .await;
    send(relay(&first), "<alice@example.org>", &["<bob@onward.example>"], MAIL).await;
    let items = queue(&first, |items| items[0]["tries"] == 1).await;
    assert_eq!(items[0]["state"], "waiting");
    assert!(
        items[0]["attempts"][0]["outcome"]
            .as_str()
            .unwrap()
            .contains("no connection to 127.0.0.1:1")
    );
    let (status, _) = api(&first, "DELETE", "/api/queue/1", Value::Null).await;
    assert_eq!(status, 204);
    queue(&first, |items| items[0]["state"] == "dropped").await;
    let (status, _) = api(&first, "POST", "/api/queue/1/retry", Value::Null).await;
    assert_eq!(status, 409);
    send(relay(&first), "<alice@example.org>", &["<bob@onward.example>"], MAIL).await;
    queue(&first, |items| items[0]["tries"] == 1).await;
    let (status, _) = api(&first, "POST", "/api/queue/2/retry", Value::Null).await;
    assert_eq!(status, 200);
    // Given up then: the report that it was stands in front of it.
    let items = queue(&first, |items| items[1]["tries"] == 2).await;
    assert_eq!((&items[0]["reason"], &items[1]["state"]), (&json!("report"), &json!("failed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_what_was_taken_out_while_it_ran() {
    let second = builder("[[doors]]\nname = \"relay\"\nlocal_domains = [\"other.example\"]");
    let second = second.fault("slow=300ms").start().await.unwrap();
    let port = relay(&second).port();
    let first = started(&format!(
        "[[routes]]\nto = [\"*@onward.example\"]\nvia = \"smtp://127.0.0.1:{port}\""
    ))
    .await;
    send(relay(&first), "<alice@example.org>", &["<bob@onward.example>"], MAIL).await;
    queue(&first, |items| items[0]["state"] == "running").await;
    let (status, _) = api(&first, "DELETE", "/api/queue/1", Value::Null).await;
    assert_eq!(status, 204);
    let items = queue(&first, |items| items[0]["attempts"][0].is_object()).await;
    assert!(items[0]["attempts"][0]["outcome"].as_str().unwrap().contains("554"), "{items:#}");
    assert_eq!((items.as_array().unwrap().len(), &items[0]["state"]), (1, &json!("dropped")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_queued_is_not_kept_either() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display();
    let first = started(&format!(
        "data = \"{data}\"\n[[routes]]\nto = [\"*@onward.example\"]\nvia = \"smtp://127.0.0.1:1\""
    ))
    .await;
    let queue = rusqlite::Connection::open(folder.path().join("queue.db")).unwrap();
    queue.execute_batch("ALTER TABLE item RENAME TO away").unwrap();
    let reply = send(relay(&first), "<alice@example.org>", &["<bob@onward.example>"], MAIL).await;
    assert!(reply.starts_with("451"), "{reply}");
    assert!(first.messages().is_empty());
    queue.execute_batch("ALTER TABLE away RENAME TO item").unwrap();
    let reply = send(relay(&first), "<alice@example.org>", &["<bob@onward.example>"], MAIL).await;
    assert!(reply.starts_with("250"), "{reply}");
    let messages = first.messages();
    assert_eq!(messages.len(), 1);
    assert!(messages[0].arrival().findings.iter().all(|one| one.code != "duplicate-message"));
}

#[test]
fn a_place_beyond_this_machine_is_refused_unless_it_is_named() {
    let parse = |toml: &str| Config::parse(toml).err().map(|error| error.to_string());
    let route = "[[routes]]\nvia = \"smtp://mx.example.org\"";
    let error = parse(route).unwrap();
    assert!(
        error.contains("mx.example.org, which is not this machine")
            && error.contains("allow_hosts"),
        "{error}"
    );
    assert_eq!(parse(&format!("allow_hosts = [\"mx.example.org\"]\n{route}")), None);
    let hook = parse("[[webhooks]]\nurl = \"http://192.0.2.1/x\"").unwrap();
    assert!(hook.contains("192.0.2.1"), "{hook}");
    let secret = parse("[[routes]]\nvia = \"smtps://u:geheim@\"").unwrap();
    assert!(secret.contains("no host"), "{secret}");
    let door = parse("[[routes]]\nvia = \"door:nowhere\"").unwrap();
    assert!(door.contains("\"nowhere\", which is not open"), "{door}");
}
