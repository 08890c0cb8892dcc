//! Findings, over real sockets: those that only sockets show, those that need several sessions, and where they are
//! shown. What a single conversation shows stands in the dialogues.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use doorpost::Doorpost;
use doorpost::config::Config;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{Client, PATIENCE, http, json, with_query};

const LETTER: &str = "Received: from x\r\nFrom: a@example.org\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n";

fn config() -> Config {
    Config {
        web: Some(doorpost::config::WebConfig { address: None, port: 0 }),
        ..Config::ephemeral()
    }
}

/// Runs a test beside a doorpost, as it blocks.
async fn beside(
    config: Config,
    fault: Option<&str>,
    test: impl FnOnce(&Doorpost) + Send + 'static,
) {
    let mut builder = Doorpost::builder().config(config);
    if let Some(fault) = fault {
        builder = builder.fault(fault);
    }
    let doorpost = builder.start().await.unwrap();
    let run = move || {
        test(&doorpost);
        doorpost
    };
    let doorpost = tokio::task::spawn_blocking(run).await.unwrap();
    doorpost.stop().await;
}

fn door(doorpost: &Doorpost, name: &str) -> SocketAddr {
    doorpost.door(name).unwrap().addresses[0]
}

/// The codes that were found so far, once all of these are among them.
fn found(doorpost: &Doorpost, wanted: &[&str]) -> Vec<String> {
    let end = Instant::now() + PATIENCE;
    loop {
        let sessions = doorpost.sessions();
        let all: Vec<_> = sessions
            .iter()
            .flat_map(|entry| entry.findings())
            .map(|one| one.code.into_owned())
            .collect();
        if wanted.iter().all(|code| all.iter().any(|one| one == code)) {
            return all;
        }
        assert!(Instant::now() < end, "waited for {wanted:?}, found {all:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A client that trusts these.
fn tls_client(name: &str, ca: Option<&str>) -> rustls::ClientConnection {
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = RootCertStore::empty();
    if let Some(ca) = ca {
        let der = rustls::pki_types::CertificateDer::from_pem_slice(ca.as_bytes()).unwrap();
        roots.add(der).unwrap();
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    rustls::ClientConnection::new(Arc::new(config), name).unwrap()
}

/// A handshake with a client that trusts these; what became of it.
fn handshake(address: SocketAddr, name: &str, ca: Option<&str>) -> std::io::Result<()> {
    let mut client = tls_client(name, ca);
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut tls = rustls::Stream::new(&mut client, &mut stream);
    let mut greeting = [0; 3];
    tls.read_exact(&mut greeting)?;
    assert_eq!(&greeting, b"220");
    tls.conn.send_close_notify();
    tls.flush()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clients_think_of_the_certificate() {
    for (fault, name, trusts, code) in [
        (None, "localhost", false, "certificate-not-trusted"),
        (Some("tls-expired"), "localhost", true, "certificate-expired"),
        (Some("tls-wrong-host"), "localhost", true, "certificate-name-mismatch"),
        (None, "mail.example.com", true, "certificate-name-mismatch"),
        (Some("tls-self-signed"), "localhost", true, "certificate-not-trusted"),
    ] {
        beside(config(), fault, move |doorpost| {
            let ca = doorpost.ca_pem().filter(|_| trusts);
            assert!(handshake(door(doorpost, "submissions"), name, ca).is_err());
            assert_eq!(found(doorpost, &[code]), [code], "{fault:?} {name} {trusts}");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_after_the_handshake_disliked_something() {
    beside(config(), None, |doorpost| {
        handshake(door(doorpost, "submissions"), "localhost", doorpost.ca_pem()).unwrap();
        found(doorpost, &["certificate-not-trusted"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_sent_nonsense_is_not_said_to_dislike_the_certificate() {
    for fault in ["garbage@submissions", "no-service@submissions"] {
        beside(config(), Some(fault), move |doorpost| {
            let mut client = tls_client("localhost", doorpost.ca_pem());
            let mut stream = TcpStream::connect(door(doorpost, "submissions")).unwrap();
            // Whatever it is.
            let _ = rustls::Stream::new(&mut client, &mut stream).read(&mut [0; 64]);
            drop(stream);
            let ended = doorpost.store().wait_until(|store| {
                let sessions = store.sessions().newest();
                sessions.into_iter().find(|entry| entry.session().ended().is_some())
            });
            let ended = tokio::time::timeout(PATIENCE, ended);
            let entry = tokio::runtime::Handle::current().block_on(ended).unwrap();
            assert!(entry.findings().is_empty(), "{fault}: {:?}", entry.findings());
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_only_slows_hides_no_finding() {
    beside(config(), Some("slow=10ms"), |doorpost| {
        let mut client = Client::connect(door(doorpost, "submission"));
        client.reply();
        client.ask("EHLO client.example");
        assert!(client.ask("AUTH PLAIN AGEAYg==").starts_with("5"));
        found(doorpost, &["starttls-not-used"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_is_named_without_an_octet_on_the_wire() {
    beside(config(), None, |doorpost| {
        let mut client = TcpStream::connect(door(doorpost, "submissions")).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
        let began = Instant::now();
        found(doorpost, &["silent-on-tls-port"]);
        assert!(began.elapsed() > Duration::from_millis(2500), "a glance is no mistake");
        assert!(client.read(&mut [0]).is_err(), "nothing was said");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_and_a_balancer_are_named_where_tls_comes_first() {
    for (said, code) in [
        (&b"EHLO client.example\r\n"[..], "plain-on-tls-port"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 5 25\r\n", "proxy-protocol"),
    ] {
        beside(config(), None, move |doorpost| {
            let mut client = TcpStream::connect(door(doorpost, "submissions")).unwrap();
            client.write_all(said).unwrap();
            assert_eq!(found(doorpost, &[code]), [code]);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_421_and_goes_on_is_named() {
    beside(config(), Some("hang-up"), |doorpost| {
        let mut client = Client::connect(door(doorpost, "relay"));
        client.reply();
        let mut said = client.ask("EHLO client.example");
        for line in ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "DATA"] {
            if said.starts_with("421") {
                break;
            }
            said = client.ask(line);
        }
        assert!(said.starts_with("421"), "{said}");
        client.send("RSET\r\n");
        found(doorpost, &["command-after-421"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_comes_back_is_named_and_who_does_is_not() {
    let retry_within = Duration::from_secs(4);
    beside(Config { retry_within, ..config() }, Some("mailbox-full"), move |doorpost| {
        let try_to_send = |sender: &str| {
            let mut client = Client::connect(door(doorpost, "relay"));
            client.reply();
            client.ask("EHLO client.example");
            client.ask(&format!("MAIL FROM:<{sender}>"));
            let said = client.ask("RCPT TO:<bob@example.org>");
            client.ask("QUIT");
            said
        };
        assert!(try_to_send("gone@example.org").starts_with("452"));
        assert!(try_to_send("back@example.org").starts_with("452"));
        doorpost.faults().set(None, doorpost::fault::Scenario::default());
        assert!(try_to_send("back@example.org").starts_with("250"));
        found(doorpost, &["never-retried"]);
        std::thread::sleep(retry_within / 2);
        assert_eq!(found(doorpost, &[]), ["never-retried"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_twice_is_a_duplicate() {
    beside(config(), None, |doorpost| {
        for _ in 0..2 {
            let mut client = Client::connect(door(doorpost, "relay"));
            assert!(client.mail(LETTER).starts_with("250"));
            client.ask("QUIT");
        }
        assert_eq!(found(doorpost, &["duplicate-message"]), ["duplicate-message"]);
        let web = doorpost.web_addresses()[0];
        assert_eq!(json(web, "/api/messages/1")["findings"], json!([]));
        let finding = &json(web, "/api/messages/2")["findings"][0];
        assert_eq!(finding["code"], "duplicate-message");
        assert_eq!(finding["what"], "The same message came before in session 1.");
        let query = with_query("/api/messages?query=", "finding:duplicate-message");
        assert_eq!(support::ids(&json(web, &query)), ["2"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_lists_what_was_found() {
    beside(config(), None, |doorpost| {
        let web = doorpost.web_addresses()[0];
        for name in ["localhost", "my_box.example"] {
            let mut client = Client::connect(door(doorpost, "relay"));
            client.reply();
            client.ask(&format!("EHLO {name}"));
            client.ask("QUIT");
        }
        let mut client = Client::connect(door(doorpost, "submission"));
        client.reply();
        client.ask("EHLO client.example");
        client.ask("MAIL FROM:<a@example.org>");
        client.ask("QUIT");
        found(doorpost, &["starttls-not-used"]);
        let codes = |path: &str| -> Vec<String> {
            let list = json(web, path);
            let of = |one: &Value| format!("{} {}", one["session"], one["code"]).replace('"', "");
            list["findings"].as_array().unwrap().iter().map(of).collect()
        };
        let all = ["3 starttls-not-used", "2 poor-ehlo-name", "1 poor-ehlo-name"];
        assert_eq!(codes("/api/findings"), all);
        assert_eq!(codes("/api/findings?severity=error"), all[..1]);
        assert_eq!(codes("/api/findings?code=poor-ehlo-name"), all[1..]);
        assert_eq!(codes("/api/findings?door=submission"), all[..1]);
        assert_eq!(codes("/api/findings?session=1"), all[2..]);
        assert!(codes("/api/findings?since=2999-01-01T00:00:00Z").is_empty());
        let first = json(web, "/api/findings?limit=2");
        let next = first["next"].as_str().unwrap();
        assert_eq!(codes(&format!("/api/findings?limit=2&cursor={next}")), all[2..]);
        assert_eq!(
            first["findings"][1]["what"],
            "The client calls itself my_box.example; an underscore cannot stand in a host name."
        );
        let line = first["findings"][0]["line"].as_u64().unwrap();
        let session = json(web, "/api/sessions/3");
        let said = &session["transcript"][usize::try_from(line).unwrap()]["text"];
        assert_eq!(said, "MAIL FROM:<a@example.org>");
        assert_eq!(session["findings"][0]["rfc"], "RFC 3207 §4");
        let (status, _, body) = http(web, "localhost", "GET", "/api/findings?code=bare-fl");
        let told = String::from_utf8(body).unwrap();
        assert!(status == 400 && told.contains("did you mean bare-lf"), "{status} {told}");
        let counts = json(web, "/api/findings/codes");
        let poor = counts["codes"].as_array().unwrap().iter();
        let poor: Vec<_> = poor.filter(|one| one["code"] == "poor-ehlo-name").collect();
        assert_eq!((poor.len(), &poor[0]["count"]), (1, &json!(2)));
        let (_, _, metrics) = http(web, "localhost", "GET", "/metrics");
        let metrics = String::from_utf8(metrics).unwrap();
        assert!(
            metrics.contains("doorpost_findings_total{code=\"poor-ehlo-name\"} 2"),
            "{metrics}"
        );
        let query = with_query("/api/sessions?query=", "finding:starttls-not-used");
        assert_eq!(json(web, &query)["sessions"][0]["id"], "3");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let settings = || Config { data: Some(folder.path().to_owned()), ..config() };
    beside(settings(), None, |doorpost| {
        let mut client = Client::connect(door(doorpost, "relay"));
        assert!(client.mail("Received: from x\r\nFrom: a@example.org\r\n\r\n").starts_with("250"));
        client.ask("QUIT");
        client.stream().shutdown(Shutdown::Both).unwrap();
        found(doorpost, &["date-missing", "message-id-missing"]);
        let end = Instant::now() + PATIENCE;
        while doorpost.sessions()[0].ended_at().is_none() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
    })
    .await;
    beside(settings(), None, |doorpost| {
        let web = doorpost.web_addresses()[0];
        for path in ["/api/messages/1", "/api/sessions/1"] {
            let codes: Vec<_> = json(web, path)["findings"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["code"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(codes, ["date-missing", "message-id-missing"], "{path}");
        }
        let query = with_query("/api/messages?query=", "finding:date-missing");
        assert_eq!(support::ids(&json(web, &query)), ["1"]);
    })
    .await;
}

#[test]
fn a_wrong_name_in_strict_is_a_setting_with_a_mistake() {
    let wrong = |text: &str| Config::parse(text).unwrap_err().to_string();
    let told = wrong("strict = [\"never-retried\"]");
    assert!(told.contains("strict") && told.contains("date-missing"), "{told}");
    assert!(wrong("strict = \"date-mising\"").contains("date-missing"));
    let config =
        Config::parse("strict = \"all\"\n[[doors]]\nname = \"relay\"\nstrict = []").unwrap();
    assert!(config.door("relay").unwrap().strict.is_empty());
    assert_eq!(config.door("submission").unwrap().strict, ["all"]);
}

#[tokio::test]
#[should_panic(expected = "poor-ehlo-name: The client calls itself localhost")]
async fn a_test_that_expects_none_is_told_which() {
    let caught = doorpost::test::start().await;
    let relay = door(&caught, "relay");
    let asked = tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(relay);
        client.reply();
        client.ask("EHLO localhost");
        client.ask("QUIT");
    });
    asked.await.unwrap();
    caught.expect_session("is:ended").await;
    caught.expect_no_findings();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_given_what_is_wrong_with_it_and_not_with_the_one_before() {
    let mut config = config();
    config.door_mut("relay").unwrap().bare_lf = doorpost::smtp::policy::BareLf::Accept;
    beside(config, None, |doorpost| {
        let mut client = Client::connect(door(doorpost, "relay"));
        let good = LETTER;
        let bare = "Received: from x\r\nDate: x\r\n\r\none\ntwo\r\n";
        let submitted =
            "From: a@example.org\r\nDate: x\r\nMessage-ID: <2@example.org>\r\n\r\ntext\r\n";
        let sends = |client: &mut Client, text: &str| {
            client.ask("MAIL FROM:<a@example.org>");
            client.ask("RCPT TO:<b@example.net>");
            client.ask("DATA");
            client.send(text);
            assert!(client.ask(".").starts_with("250"));
        };
        client.reply();
        client.ask("EHLO client.example");
        for text in [bare, good, submitted, bare] {
            sends(&mut client, text);
        }
        let web = doorpost.web_addresses()[0];
        let codes = |number: usize| -> Vec<String> {
            let message = json(web, &format!("/api/messages/{number}"));
            let findings = message["findings"].as_array().unwrap().clone();
            findings.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(codes(1), ["bare-lf"]);
        assert!(codes(2).is_empty(), "{:?}", codes(2));
        assert_eq!(codes(3), ["credentials-not-used"]);
        assert_eq!(codes(4), ["bare-lf"]);
        client.ask("QUIT");
    })
    .await;
}
