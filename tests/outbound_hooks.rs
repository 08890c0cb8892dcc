//! Webhooks: told in order, signed, tried again, and their history.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

#[path = "support/fake.rs"]
mod fake;
mod support;

use doorpost::Doorpost;
use doorpost::config::Config;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{Client, PATIENCE};

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_hears_of_everything_in_order() {
    let failures = Arc::new(AtomicUsize::new(2));
    let left = Arc::clone(&failures);
    let fake = fake::Fake::start(move |_, stream| {
        let fails =
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
        let status = if fails { "500 No" } else { "204 Yes" };
        let _ =
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    let toml = format!(
        "ports = \"ephemeral\"\ntime_scale = 100\n[[webhooks]]\nurl = \"http://{}/hook?x=1\"\nevents = [\"message\", \"bounce\"]\nsecret = \"shared\"",
        fake.address
    );
    let mut config = Config::parse(&toml).unwrap();
    config.web = Some(doorpost::config::WebConfig { address: None, port: 0 });
    let doorpost = Doorpost::builder().config(config).start().await.unwrap();
    let relay = doorpost.door("relay").unwrap().addresses[0];
    tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(relay);
        client.reply();
        client.ask("EHLO x.example");
        client.ask("MAIL FROM:<alice@example.org>");
        client.ask("RCPT TO:<bounce+550+1s@x.test>");
        client.ask("DATA");
        assert!(client.ask("Subject: x\r\n\r\ny\r\n.").starts_with("250"));
    })
    .await
    .unwrap();
    // Twice refused, then the message, its bounce as a message, and the bounce.
    let end = Instant::now() + PATIENCE;
    while fake.requests().len() < 5 {
        assert!(Instant::now() < end, "{:?}", fake.requests());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let requests = fake.requests();
    let bodies: Vec<Value> =
        requests.iter().map(|one| serde_json::from_slice(&one.body).unwrap()).collect();
    assert_eq!(bodies[0], bodies[2], "the same event, tried again");
    let names: Vec<_> = bodies[2..].iter().map(|body| body["event"].as_str().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| **name == "message").count(), 2, "{names:?}");
    assert_eq!(names.iter().filter(|name| **name == "bounce").count(), 1, "{names:?}");
    let numbers: Vec<u64> = bodies
        .iter()
        .map(|body| body["id"].as_str().unwrap().rsplit('-').next().unwrap().parse().unwrap())
        .collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    for request in &requests {
        assert_eq!(request.line(), "POST /hook");
        let signature = request.header("doorpost-signature");
        let (seconds, hex) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(b"shared").unwrap();
        mac.update(format!("{seconds}.").as_bytes());
        mac.update(&request.body);
        let wanted: String =
            mac.finalize().into_bytes().iter().map(|o| format!("{o:02x}")).collect();
        assert_eq!(hex, wanted);
    }
    let web = doorpost.web_addresses()[0];
    let hooks =
        tokio::task::spawn_blocking(move || support::json(web, "/api/webhooks")).await.unwrap();
    let hook = &hooks["webhooks"][0];
    assert_eq!((hook["signed"].as_bool(), hook["lost"].as_u64()), (Some(true), Some(0)));
    let tries = hook["tries"].as_array().unwrap();
    assert!(tries.iter().any(|one| one["status"] == 500 && one["attempt"] == 1));
    assert!(tries.iter().any(|one| one["status"] == 204 && one["attempt"] == 3));
}
