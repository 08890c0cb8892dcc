//! `doorpost::test`: what a test of somebody else's program sees, and what its failures say.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use doorpost::Doorpost;
use lettre::{Message, SmtpTransport, Transport as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

fn mail(to: &str, subject: &str) -> Message {
    let body = "Your code is 493817.\nhttps://shop.example/confirm?t=1\n".to_owned();
    let message = Message::builder().from("shop@example.org".parse().unwrap());
    message.to(to.parse().unwrap()).subject(subject).body(body).unwrap()
}

fn send(url: &str, to: &str) -> Result<(), lettre::transport::smtp::Error> {
    let client = SmtpTransport::from_url(url)?.build();
    client.send(&mail(to, "Welcome")).map(drop)
}

/// What a failing assertion says.
fn failure(assertion: impl FnOnce()) -> String {
    let caught = catch_unwind(AssertUnwindSafe(assertion)).unwrap_err();
    caught.downcast_ref::<String>().unwrap().clone()
}

#[tokio::test]
async fn a_message_is_waited_for_and_read() {
    let caught = doorpost::test::start().await;
    let url = caught.url("relay");
    let late = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(100));
        send(&url, "bob@example.net")
    });
    let welcome = caught.expect("rcpt:bob@example.net subject:welcome").await;
    late.await.unwrap().unwrap();
    assert_eq!(
        (welcome.subject(), welcome.recipients()),
        ("Welcome", vec!["bob@example.net".into()])
    );
    assert_eq!(welcome.code().as_deref(), Some("493817"));
    assert_eq!(welcome.links(), ["https://shop.example/confirm?t=1"]);
    assert_eq!(welcome.header("from"), Some("shop@example.org"));
    assert!(welcome.text().contains("493817") && welcome.html().is_none());
    caught.expect_none("rcpt:carol@example.net").await;
    assert_eq!(caught.expect_count("subject:welcome", 1).await.len(), 1);
    let session = caught.expect_session("door:relay is:ended").await;
    assert!(session.lines().any(|line| line.text.contains("RCPT TO:<bob@example.net>")));
}

#[tokio::test]
async fn a_session_that_goes_on_is_found_by_what_it_comes_to_say() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let caught = doorpost::test::start().await;
    let url = caught.url("relay");
    let mut expected = std::pin::pin!(caught.expect_session("code:500"));
    // It looks for the first time, and finds nothing.
    assert!(tokio::time::timeout(Duration::ZERO, &mut expected).await.is_err());
    let said = tokio::task::spawn_blocking(move || {
        let address = url.trim_start_matches("smtp://").trim_end_matches('/').to_owned();
        let mut stream = std::net::TcpStream::connect(&*address).unwrap();
        stream.write_all(b"BEFORE\r\n").unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        while !lines.next().unwrap().unwrap().starts_with("500") {}
        stream
    });
    let (_, stream) = tokio::join!(expected, said);
    drop(stream.unwrap());
}

#[test]
fn several_stand_side_by_side_for_tests_that_block() {
    let (one, two) = (doorpost::test::blocking::start(), doorpost::test::blocking::start());
    send(&one.url("relay"), "bob@example.net").unwrap();
    assert_eq!(one.expect("rcpt:bob@example.net").subject(), "Welcome");
    two.expect_none("rcpt:bob@example.net");
}

#[test]
fn faults_come_and_go() {
    let caught = doorpost::test::blocking::start();
    let url = caught.url("relay");
    caught.fault("unknown-user@submission");
    caught.fault("busy=1@relay");
    let refused = send(&url, "bob@example.net").unwrap_err();
    assert!(refused.is_transient(), "{refused}");
    send(&url, "bob@example.net").unwrap();
    caught.behave();
    caught
        .fault_rules("[[rules]]\nname = \"no\"\nat = \"rcpt\"\ndo = { reply = \"550 5.1.1 no\" }");
    assert!(send(&url, "bob@example.net").unwrap_err().is_permanent());
    caught.behave();
    send(&url, "bob@example.net").unwrap();
    caught.expect_count("rcpt:bob@example.net", 2);
}

#[test]
fn a_failure_says_what_did_arrive() {
    let caught = doorpost::test::blocking::start().patience(Duration::from_millis(50));
    let said = failure(|| drop(caught.expect("rcpt:carol@example.net")));
    assert!(said.contains("none arrived at all; nobody connected either"), "{said}");
    assert!(said.contains("tests/fixture.rs:"), "{said}");
    caught.fault("unknown-user");
    send(&caught.url("relay"), "bob@example.net").unwrap_err();
    let said = failure(|| drop(caught.expect("rcpt:carol@example.net")));
    assert!(said.contains("RCPT was answered 550 No such user here"), "{said}");
    caught.behave();
    send(&caught.url("relay"), "bob@example.net").unwrap();
    let said = failure(|| drop(caught.expect("rcpt:carol@example.net")));
    assert!(said.contains("1 arrived") && said.contains("<bob@example.net>"), "{said}");
    let said = failure(|| drop(caught.expect_count("rcpt:bob@example.net", 2)));
    assert!(said.contains("1 messages like that, expected 2"), "{said}");
    let said = failure(|| caught.expect_none("rcpt:bob@example.net"));
    assert!(said.contains("a message like that came"), "{said}");
    let said = failure(|| drop(caught.expect_session("code:421")));
    assert!(said.contains("no session like that") && said.contains("C: EHLO"), "{said}");
    for (said, wanted) in [
        (failure(|| drop(caught.expect("subjct:x"))), "did you mean `subject:`"),
        (failure(|| caught.fault("busi")), "there is no fault \"busi\""),
        (failure(|| caught.fault_rules("[[rules]]")), "line 1"),
        (failure(|| drop(caught.url("nowhere"))), "there is no door nowhere"),
    ] {
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn urls_have_the_login_and_the_scheme_of_their_door() {
    let caught = doorpost::test::blocking::with(Doorpost::builder().user("alice", "s3cret"));
    assert!(caught.url("relay").starts_with("smtp://localhost:"));
    assert!(caught.url("submission").starts_with("smtp://alice:s3cret@localhost:"));
    assert!(caught.url("submissions").starts_with("smtps://alice:s3cret@localhost:"));
    let said = failure(|| {
        let settings = Doorpost::builder().set("relay", "max_size", "\"huge\"");
        drop(doorpost::test::blocking::with(settings));
    });
    assert!(said.contains("relay") && said.contains("huge"), "{said}");
}
