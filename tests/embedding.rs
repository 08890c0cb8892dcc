//! Embedding through the public library: start, send with lettre, look, wait, stop.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use doorpost::smtp::policy::{AuthMode, TlsMode};
use doorpost::storage::{Door, Message as Caught};
use doorpost::{Doorpost, StartError};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use std::time::Duration;
use support::{Client, PATIENCE};
use tokio::net::TcpStream;

type Lettre = AsyncSmtpTransport<Tokio1Executor>;

fn lettre(doorpost: &Doorpost, door: &Door, secret: &str) -> Lettre {
    let ca = Certificate::from_pem(doorpost.ca_pem().unwrap().as_bytes()).unwrap();
    let tls = TlsParameters::builder("localhost".into()).add_root_certificate(ca).build().unwrap();
    let tls = match door.policy.tls {
        TlsMode::Implicit => Tls::Wrapper(tls),
        _ => Tls::Required(tls),
    };
    let address = door.addresses[0];
    let mut client =
        Lettre::builder_dangerous(address.ip().to_string()).port(address.port()).tls(tls);
    if door.policy.auth != AuthMode::None {
        client = client.credentials(Credentials::new("alice".into(), secret.into()));
    }
    client.build()
}

fn mail(subject: &str) -> Message {
    Message::builder()
        .from("alice@example.org".parse().unwrap())
        .to("bob@example.org".parse().unwrap())
        .subject(subject)
        .body(".dot\r\nand more\r\n".to_owned())
        .unwrap()
}

#[tokio::test]
async fn lettre_gets_its_mail_through_every_door() {
    let doorpost = Doorpost::builder().user("alice", "secret").start().await.unwrap();
    assert_eq!(doorpost.doors().len(), 4);
    for door in doorpost.doors() {
        let message = mail(door.name());
        let reply = lettre(&doorpost, door, "secret").send(message.clone()).await.unwrap();
        assert!(reply.first_line().unwrap().contains("kept as"));
        let name = door.name().to_owned();
        let caught = doorpost.wait_for(|m| *m.arrival().door == *name, PATIENCE).await.unwrap();
        // lettre puts a CRLF of its own in front of the final dot.
        assert_eq!(caught.bytes()[..], [&message.formatted()[..], b"\r\n"].concat());
        assert_eq!(caught.arrival().tls.as_ref().unwrap().version, "TLSv1.3");
        let user = (door.policy.auth != AuthMode::None).then_some("alice");
        assert_eq!(caught.arrival().auth_user.as_deref(), user);
    }
    assert_eq!(doorpost.messages().len(), 4);
    doorpost.clear();
    assert!(doorpost.messages().is_empty());
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_the_session_is_kept() {
    let doorpost = Doorpost::builder().user("alice", "secret").start().await.unwrap();
    let door = doorpost.door("submission").unwrap();
    let error = lettre(&doorpost, door, "wrong").send(mail("x")).await.unwrap_err();
    assert!(
        error.to_string().contains("535")
            || error.status().is_some_and(|code| code.to_string() == "535")
    );
    let refused = |entry: &doorpost::storage::SessionEntry| {
        entry.session().last_refusal().is_some_and(|refusal| refusal.reply.code() == 535)
    };
    let entry = doorpost.wait_for_session(refused, PATIENCE).await.unwrap();
    let transcript = entry.session().transcript().to_string();
    assert!(transcript.contains("AUTH PLAIN ********"), "{transcript}");
    assert!(doorpost.messages().is_empty());
}

#[tokio::test]
async fn waiting_in_vain_says_what_did_arrive() {
    let doorpost = Doorpost::builder().start().await.unwrap();
    let short = Duration::from_millis(50);
    let nothing = doorpost.wait_for(|_| true, short).await.unwrap_err().to_string();
    assert!(nothing.contains("none arrived at all"), "{nothing}");
    let relay = doorpost.door("relay").unwrap();
    lettre(&doorpost, relay, "").send(mail("x")).await.unwrap();
    let other =
        doorpost.wait_for(|m: &Caught| m.bytes().is_empty(), short).await.unwrap_err().to_string();
    assert!(
        other.contains("1 at relay (TLSv1.3): <alice@example.org> → <bob@example.org>"),
        "{other}"
    );
}

#[tokio::test]
async fn several_run_beside_each_other_and_stop_when_dropped() {
    let one = Doorpost::builder().start().await.unwrap();
    let two = Doorpost::builder().start().await.unwrap();
    let (first, second) =
        (one.door("relay").unwrap().addresses[0], two.door("relay").unwrap().addresses[0]);
    assert_ne!(first, second);
    drop(one);
    // The listener is closed by its task, which runs soon and not at once.
    let refused = async {
        while TcpStream::connect(first).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.unwrap();
    assert!(TcpStream::connect(second).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_a_running_transaction() {
    let doorpost = Doorpost::builder().start().await.unwrap();
    let address = doorpost.door("relay").unwrap().addresses[0];
    let client = tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(address);
        client.begin_data();
        client
    });
    let mut client = client.await.unwrap();
    let finish = tokio::task::spawn_blocking(move || {
        client.send("Subject: late\r\n\r\n");
        (client.ask("still in time\r\n."), client.reply(), client.reply())
    });
    doorpost.stop().await;
    let (kept, bye, end) = finish.await.unwrap();
    assert!(kept.starts_with("250 2.0.0"), "{kept}");
    assert!(bye.starts_with("421 4.3.2"), "{bye}");
    assert_eq!(end, "");
    assert_eq!(doorpost.messages().len(), 1);
}

#[tokio::test]
async fn mistakes_are_told_before_anything_opens() {
    let start = |builder: doorpost::Builder| async { builder.start().await.unwrap_err() };
    let unknown = start(Doorpost::builder().set("relai", "auth", "\"none\"")).await;
    assert!(matches!(unknown, StartError::Setting(_)) && unknown.to_string().contains("relai"));
    let wrong = start(Doorpost::builder().set("relay", "max_sise", "5")).await.to_string();
    assert!(wrong.contains("max_sise") && wrong.contains("did you mean `max_size`"), "{wrong}");
}

#[tokio::test]
async fn a_test_can_search_and_read_codes() {
    let doorpost = Doorpost::builder().start().await.unwrap();
    let relay = doorpost.door("relay").unwrap();
    lettre(&doorpost, relay, "").send(mail("Your code is 483920")).await.unwrap();
    let found = doorpost.search("subject:code rcpt:bob@example.org").unwrap();
    let [message] = found.as_slice() else { panic!("{} messages were found", found.len()) };
    let reading = doorpost::mime::Reading::of(message.bytes());
    assert_eq!(doorpost::mime::codes(&reading)[0].code, "483920");
    assert!(doorpost.search("subject:other").unwrap().is_empty());
    let wrong = doorpost.search("subjcet:x").unwrap_err().to_string();
    assert!(wrong.contains("did you mean `subject:`"), "{wrong}");
    assert_eq!(doorpost.search("is:unread").unwrap().len(), 1);
}
