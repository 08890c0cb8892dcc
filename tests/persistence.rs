//! What outlives the program with `--data`: messages, marks, sessions with their conversations, numbers.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use doorpost::Doorpost;
use doorpost::storage::Selection;
use std::net::SocketAddr;
use support::{Client, json};

async fn start(folder: &std::path::Path) -> (Doorpost, SocketAddr, SocketAddr) {
    let builder = Doorpost::builder().data(folder).web();
    let doorpost = builder.start().await.unwrap();
    let relay = doorpost.door("relay").unwrap().addresses[0];
    let web = doorpost.web_addresses()[0];
    (doorpost, relay, web)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (doorpost, relay, web) = start(folder.path()).await;
    tokio::task::spawn_blocking(move || {
        let reply = Client::connect(relay).mail("Subject: first\r\n\r\nseven seas\r\n");
        assert_eq!(reply, "250 2.0.0 Ok: kept as 1");
        let mut refused = Client::connect(relay);
        refused.reply();
        assert!(refused.ask("EHLO second.example").contains("PIPELINING"));
        assert!(refused.ask("VRFY x").starts_with("252"));
        assert!(refused.ask("BOGUS").starts_with("500"));
        refused.ask("QUIT");
    })
    .await
    .unwrap();
    doorpost
        .wait_for_session(|s| s.id.get() == 2 && s.ended_at().is_some(), support::PATIENCE)
        .await
        .unwrap();
    let before = tokio::task::spawn_blocking(move || {
        let change = support::send_json(
            web,
            "PATCH",
            "/api/messages/1",
            &serde_json::json!({ "read": true, "tags": ["kept"] }),
        );
        assert_eq!(change.0, 200);
        (json(web, "/api/messages/1"), json(web, "/api/sessions/2"))
    })
    .await
    .unwrap();
    doorpost.stop().await;
    drop(doorpost);

    let (doorpost, relay, web) = start(folder.path()).await;
    let ran = tokio::task::spawn_blocking(move || {
        assert_eq!((json(web, "/api/messages/1"), json(web, "/api/sessions/2")), before);
        let found = |path: &str| json(web, path)["total"].as_u64().unwrap();
        assert_eq!(found("/api/messages?query=seas+tag:kept+is:read"), 1);
        assert_eq!(found("/api/sessions"), 2);
        for (query, count) in [
            ("code:500", 1),
            ("code:5xx+hello:second", 1),
            ("is:refused", 1),
            ("message:1", 1),
            ("BOGUS", 1),
            ("client:127.0.0.0/8+door:relay", 2),
            ("is:running", 0),
            ("-code:500+is:ended", 1),
        ] {
            assert_eq!(found(&format!("/api/sessions?query={query}")), count, "{query}");
        }
        let reply = Client::connect(relay).mail("\r\n");
        assert_eq!(reply, "250 2.0.0 Ok: kept as 2");
        let session = json(web, "/api/messages/2")["session"].as_str().unwrap().parse::<u64>();
        assert!(session.unwrap() > 2, "a session's number does not come again");
    });
    ran.await.unwrap();
    assert_eq!(doorpost.store().remove(&Selection::All), Ok(2));
    assert!(doorpost.messages().is_empty());
}
