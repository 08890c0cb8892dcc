//! Waiting for mail through the HTTP API, and what counts as new.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use doorpost::Doorpost;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use support::{Client, http, ids, json, send_json, with_query};

async fn running(test: impl FnOnce(SocketAddr, SocketAddr) + Send + 'static) {
    let doorpost = Doorpost::builder().web().start().await.unwrap();
    let (web, relay) = (doorpost.web_addresses()[0], doorpost.door("relay").unwrap().addresses[0]);
    tokio::task::spawn_blocking(move || test(web, relay)).await.unwrap();
}

fn mail(relay: SocketAddr, subject: &str) {
    let text = format!("Subject: {subject}\r\n\r\nhi\r\n");
    assert!(Client::connect(relay).mail(&text).starts_with("250"));
}

fn problem(web: SocketAddr, path: &str) -> (u16, Value) {
    let (status, _, body) = http(web, "localhost", "GET", path);
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_can_wait_for_mail() {
    running(|web, relay| {
        mail(relay, "there");
        let there = json(web, &with_query("/api/messages/wait?timeout=1s&query=", "rcpt:bob"));
        assert_eq!((ids(&there), &there["total"]), (vec!["1"], &1.into()));
        let path = "/api/messages/wait?since=1&count=2&timeout=30s&query=";
        let waiting = std::thread::spawn(move || json(web, &with_query(path, "subject:late")));
        for subject in ["early", "late", "later", "late again"] {
            mail(relay, subject);
        }
        assert_eq!(ids(&waiting.join().unwrap()), ["5", "3"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_in_vain_says_what_did_come() {
    running(|web, relay| {
        for subject in ["there", "early", "late", "later", "late again"] {
            mail(relay, subject);
        }
        let path = "/api/messages/wait?since=1&timeout=0&count=3&query=";
        let (status, vain) = problem(web, &with_query(path, "subject:late"));
        assert_eq!(status, 408);
        assert!(vain["detail"].as_str().unwrap().starts_with("2 of 3 messages came"), "{vain}");
        assert_eq!(ids(&vain), ["5", "3"]);
        let arrived = vain["arrived"].as_array().unwrap();
        let subjects: Vec<_> = arrived.iter().map(|m| m["subject"].as_str().unwrap()).collect();
        assert_eq!(subjects, ["late again", "later", "late", "early"]);
        for _ in 0..20 {
            mail(relay, "more");
        }
        let (_, vain) = problem(web, "/api/messages/wait?since=1&timeout=0&count=100");
        assert_eq!(vain["arrived"].as_array().unwrap().len(), 20);
        for wrong in [
            "timeout=6m",
            "timeout=soon",
            "count=x",
            "count=0",
            "count=1001",
            "since=x",
            "since=",
            "since=0",
            "since=2026-11-22T10:00:00",
            "inbox=",
            "colour=red",
        ] {
            let path = format!("/api/messages/wait?{wrong}");
            assert_eq!(http(web, "localhost", "GET", &path).0, 400, "{wrong}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_is_kept() {
    running(|web, _| {
        let began = Instant::now();
        assert_eq!(problem(web, "/api/messages/wait?timeout=1s").0, 408);
        let took = began.elapsed();
        assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(10), "{took:?}");
    })
    .await;
}

/// However many come at once from however many clients, a wait sees all of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_counts_what_many_bring() {
    running(|web, relay| {
        let path = "/api/messages/wait?count=200&timeout=60s&query=";
        let waiting = std::thread::spawn(move || json(web, &with_query(path, "subject:yes")));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        mail(relay, "no");
                        mail(relay, "yes");
                    }
                });
            }
        });
        let found = waiting.join().unwrap();
        assert_eq!((ids(&found).len(), &found["total"]), (200, &200.into()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn since_takes_a_time_as_well() {
    running(|web, relay| {
        mail(relay, "one");
        assert_eq!(ids(&json(web, "/api/messages?since=10m")), ["1"]);
        assert_eq!(ids(&json(web, "/api/messages?since=2020-01-01T00:00:00Z")), ["1"]);
        assert_eq!(
            ids(&json(web, &with_query("/api/messages?since=", "2020-01-01T02:00:00+02:00"))),
            ["1"]
        );
        let (status, list) = problem(web, "/api/messages?since=2999-01-01T00:00:00Z");
        assert_eq!((status, &list["total"]), (200, &0.into()));
        assert_eq!(
            ids(&json(web, "/api/messages/wait?since=10m&timeout=0&query=subject:one")),
            ["1"]
        );
        let (status, vain) =
            problem(web, "/api/messages/wait?since=2999-01-01T00:00:00Z&timeout=0");
        assert_eq!((status, vain["arrived"].as_array().unwrap().len()), (408, 0));
        mail(relay, "two");
        assert_eq!(ids(&json(web, "/api/messages?since=1")), ["2"]);
    })
    .await;
}

/// What an old message is asked for may become true of it later.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_sees_an_old_message_change() {
    running(|web, relay| {
        mail(relay, "old");
        let path = "/api/messages/wait?timeout=30s&query=";
        let waiting = std::thread::spawn(move || json(web, &with_query(path, "tag:seen is:read")));
        let change = serde_json::json!({"read": true, "tags": ["seen"]});
        assert_eq!(send_json(web, "PATCH", "/api/messages/1", &change).0, 200);
        assert_eq!(ids(&waiting.join().unwrap()), ["1"]);
    })
    .await;
}
