//! The API's description: it is what a client was promised, so a change to it is to be seen. And
//! what programs watch.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use doorpost::Doorpost;
use serde_json::{Value, json};
use std::net::SocketAddr;
use support::{Client, http, json};

async fn running(test: impl FnOnce(SocketAddr, SocketAddr) + Send + 'static) {
    let doorpost = Doorpost::builder().web().start().await.unwrap();
    let (web, relay) = (doorpost.web_addresses()[0], doorpost.door("relay").unwrap().addresses[0]);
    tokio::task::spawn_blocking(move || test(web, relay)).await.unwrap();
}

/// Every operation: its name, its tag, and problems for whatever it refuses.
#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_described_in_full() {
    running(|web, _| {
        let described = json(web, "/api/openapi.json");
        let mut names = Vec::new();
        let schemas = &described["components"]["schemas"];
        let known: Vec<_> =
            described["tags"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
        for (path, item) in described["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let place = format!("{method} {path}");
                names.push(operation["operationId"].as_str().unwrap().to_owned());
                assert!(known.contains(&&operation["tags"][0]), "{place}");
                let summary = operation["summary"].as_str().unwrap();
                assert!(summary.len() < 60 && !summary.ends_with('.'), "{place}: {summary}");
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    assert!(parameter["description"].is_string(), "{place}: {parameter}");
                }
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let is_problem = response["content"]["application/problem+json"].is_object();
                    assert_eq!(status.starts_with(['4', '5']), is_problem, "{place} {status}");
                }
                for needed in ["400", "403"] {
                    assert!(operation["responses"][needed].is_object(), "{place} {needed}");
                }
            }
        }
        let mut once = names.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), names.len(), "two operations have one name");
        // Whatever is referred to is there.
        let text = described.to_string();
        for (at, _) in text.match_indices("#/components/schemas/") {
            let name: String =
                text[at + 21..].chars().take_while(|c| c.is_alphanumeric()).collect();
            assert!(schemas[&name].is_object(), "{name}");
        }
    })
    .await;
}

/// What no operation knows, no operation passes over.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_parameters_are_refused_everywhere() {
    running(|web, relay| {
        assert!(Client::connect(relay).mail("Subject: x\r\n\r\n").starts_with("250"));
        let described = json(web, "/api/openapi.json");
        for (path, item) in described["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let path = path.replace("{id}", "1").replace("{part}", "1").replace("{name}", "a");
                let path = format!("{path}?colour=red");
                let (status, head, _) = http(web, "localhost", &method.to_uppercase(), &path);
                assert_eq!(status, 400, "{method} {path}");
                assert!(head.contains("application/problem+json"), "{head}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_front_points_to_the_page() {
    running(|web, _| {
        let (status, _, body) = http(web, "localhost", "GET", "/");
        let text = String::from_utf8(body).unwrap();
        assert_eq!(status, 200);
        assert!(text.contains("/api/docs") && text.lines().count() < 12, "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_there_for_people_and_for_prometheus() {
    running(|web, relay| {
        assert!(Client::connect(relay).mail("Subject: x\r\n\r\nhi\r\n").starts_with("250"));
        let statistics = json(web, "/api/statistics");
        assert_eq!((&statistics["messages"], &statistics["unread"]), (&json!(1), &json!(1)));
        // How far the index is behind is a matter of moments.
        assert!(statistics["pruned"] == json!(0) && statistics["index"]["behind"].is_u64());
        assert!(statistics["bytes"].as_u64().unwrap() > 0 && statistics["uptime_s"].is_u64());
        assert!(!statistics["run"].as_str().unwrap().is_empty(), "{statistics}");
        assert_eq!(statistics["run"], json(web, "/api/statistics")["run"]);
        assert_eq!(statistics["version"], json!(env!("CARGO_PKG_VERSION")));
        let door = &statistics["doors"][0];
        let expected = (&json!("relay"), &json!(true), &json!(1), &json!(1));
        assert_eq!(
            (&door["name"], &door["accepting"], &door["sessions"], &door["messages"]),
            expected
        );

        let (status, head, body) = http(web, "localhost", "GET", "/metrics");
        let text = String::from_utf8(body).unwrap();
        assert_eq!(status, 200);
        assert!(
            head.contains(
                "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"
            ),
            "{head}"
        );
        for line in [
            "doorpost_messages 1",
            "doorpost_messages_unread 1",
            "# UNIT doorpost_messages_size_bytes bytes",
            "doorpost_messages_pruned_total 0",
            "doorpost_index_behind_changes 0",
            "doorpost_door_messages_total{door=\"relay\"} 1",
            "doorpost_door_accepting{door=\"relay\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doorpost_that_stops_lives_and_is_not_ready() {
    let doorpost = Doorpost::builder().web().start().await.unwrap();
    let (web, relay) = (doorpost.web_addresses()[0], doorpost.door("relay").unwrap().addresses[0]);
    let ask = |path: &'static str| {
        tokio::task::spawn_blocking(move || http(web, "localhost", "GET", path))
    };
    assert_eq!(ask("/readyz").await.unwrap().0, 200);
    // A transaction that runs keeps the stop waiting, and the API answers until then.
    let client = tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(relay);
        client.begin_data();
        client
    });
    let mut client = client.await.unwrap();
    let stopping = doorpost.stop();
    tokio::pin!(stopping);
    let unready = async {
        loop {
            let (status, _, body) = ask("/readyz").await.unwrap();
            if status == 503 {
                break serde_json::from_slice::<Value>(&body).unwrap();
            }
        }
    };
    let problem = tokio::select! {
        () = stopping.as_mut() => panic!("it did not wait for the transaction"),
        problem = unready => problem,
    };
    assert!(problem["doors"].as_array().unwrap().contains(&json!("relay")), "{problem}");
    assert_eq!(ask("/livez").await.unwrap().0, 200);
    tokio::task::spawn_blocking(move || client.ask("\r\n.")).await.unwrap();
    stopping.await;
}
