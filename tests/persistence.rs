//! What outlives the program with `--data`: messages, marks, sessions with their conversations, numbers.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

#[path = "support/program.rs"]
mod program;
mod support;

use doorpost::Doorpost;
use doorpost::storage::Selection;
use program::{Ran, doorpost as command};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
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

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    command(folder).args(arguments).output().unwrap().into()
}

/// Commands open a folder that no doorpost has open: one after the other, for a moment, and only one that has mail.
#[test]
fn a_folder_is_read_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("mail")).unwrap();
    fs::create_dir(at("other")).unwrap();
    fs::write(at("a.eml"), "Subject: filed\r\n\r\n").unwrap();
    fs::write(at("other/report.txt"), "x").unwrap();
    run(folder.path(), &["import", "a.eml", "--data", "mail"]).good();
    let list = || {
        let mut command = command(folder.path());
        let command = command.args(["list", "--data", "mail"]).stdout(Stdio::piped());
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    for lists in std::array::from_fn::<_, 8, _>(|_| list()) {
        let listed = Ran::from(lists.wait_with_output().unwrap()).good();
        assert!(listed.contains("filed"), "{listed}");
    }
    assert!(
        run(folder.path(), &["wait", "subject:filed", "--data", "mail"]).good().contains("filed")
    );
    // Nothing comes in, so nobody waits for it and keeps out the doorpost that would bring it.
    for arguments in [&["wait", "subject:other"][..], &["watch"], &["ready"]] {
        let ran = run(folder.path(), &[arguments, &["--data", "mail"]].concat());
        assert_eq!(ran.code, Some(1), "{arguments:?}");
        assert!(ran.err.contains("no doorpost has mail open"), "{arguments:?}: {}", ran.err);
    }
    let ran = run(folder.path(), &["list", "--data", "other"]);
    assert_eq!((ran.code, fs::read_dir(at("other")).unwrap().count()), (Some(1), 1));
    assert!(ran.err.contains("other is no data folder"), "{}", ran.err);
}
