//! Who may use the HTTP API: names, pages from elsewhere, logins and tokens.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorpost::Doorpost;
use doorpost::config::{Config, WebConfig};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use support::{http, json, request};

async fn running(settings: &str, test: impl FnOnce(SocketAddr) + Send + 'static) {
    let config = Config::parse(&format!("ports = \"ephemeral\"\n{settings}")).unwrap();
    let config = Config { web: Some(WebConfig { address: None, port: 0 }), ..config };
    let doorpost = Doorpost::builder().config(config).start().await.unwrap();
    let web = doorpost.web_addresses()[0];
    tokio::task::spawn_blocking(move || test(web)).await.unwrap();
}

const PATHS: [&str; 9] = [
    "/",
    "/api/messages",
    "/api/messages/wait?timeout=0",
    "/api/events",
    "/api/openapi.json",
    "/api/docs",
    "/api/docs/docs.js",
    "/metrics",
    "/nothing",
];

#[tokio::test(flavor = "multi_thread")]
async fn only_names_of_this_machine_are_answered_on_every_path() {
    running("", |web| {
        for path in PATHS.into_iter().chain(["/livez", "/readyz"]) {
            let (status, head, body) = http(web, "evil.example", "GET", path);
            assert_eq!(status, 403, "{path}");
            assert!(head.contains("application/problem+json"), "{head}");
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["status"], json!(403));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_from_elsewhere_cannot_ask() {
    running("", |web| {
        let ask = |origin: &str, method: &str| {
            http(web, &format!("localhost\r\nOrigin: {origin}"), method, "/api/messages?all=true")
        };
        assert_eq!(ask("https://evil.example", "DELETE").0, 403);
        assert_eq!(ask("null", "DELETE").0, 403);
        let (status, head, _) = ask("http://localhost:3000", "DELETE");
        assert_eq!(status, 200);
        assert!(!head.contains("access-control"), "{head}");
        assert_eq!(ask("http://localhost:3000", "OPTIONS").0, 405);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_named_can() {
    running("cors = [\"https://app.example\"]\nweb_token = [\"open\"]", |web| {
        let host = |more: &str| format!("Host: localhost\r\nOrigin: https://app.example\r\n{more}");
        let preflight = host("Access-Control-Request-Method: PATCH\r\nAccess-Control-Request-Headers: authorization\r\n");
        let (status, head, _) = request(web, "OPTIONS", "/api/messages", &preflight, b"");
        assert_eq!(status, 204, "a preflight carries no token");
        for line in [
            "access-control-allow-origin: https://app.example",
            "access-control-allow-methods: get, post, put, patch, delete",
            "access-control-allow-headers: authorization, content-type, last-event-id",
            "vary: origin",
        ] {
            assert!(head.contains(line), "{line}\n{head}");
        }
        let (status, head, _) = request(web, "GET", "/api/messages", &host("Authorization: Bearer open\r\n"), b"");
        assert_eq!(status, 200);
        assert!(head.contains("access-control-allow-origin: https://app.example"), "{head}");
        // A problem can be read by the page too.
        let (status, head, _) = request(web, "GET", "/api/messages", &host(""), b"");
        assert_eq!(status, 401);
        assert!(head.contains("access-control-allow-origin: https://app.example"), "{head}");
        let other = "Host: localhost\r\nAuthorization: Bearer open\r\n";
        let (status, head, _) = request(web, "GET", "/api/messages", other, b"");
        assert_eq!(status, 200);
        assert!(head.contains("vary: origin") && !head.contains("access-control"), "{head}");
        let evil = "Host: localhost\r\nOrigin: https://app.example.evil.example\r\n";
        assert_eq!(request(web, "GET", "/api/messages", evil, b"").0, 403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_or_a_token_is_wanted_on_every_path() {
    running("web_auth = \"alice:se:cret\"\nweb_token = [\"first\", \"second=\"]", |web| {
        for path in PATHS {
            let (status, head, body) = http(web, "localhost", "GET", path);
            assert_eq!(status, 401, "{path}");
            assert!(
                head.contains("www-authenticate: basic realm=\"doorpost\", charset=\"utf-8\""),
                "{head}"
            );
            assert!(head.contains("www-authenticate: bearer realm=\"doorpost\""), "{head}");
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["status"], json!(401));
        }
        for path in ["/livez", "/readyz"] {
            assert_eq!(http(web, "localhost", "GET", path).0, 200, "{path}");
        }
        let ask = |shown: &str| {
            let headers = format!("Host: localhost\r\nAuthorization: {shown}\r\n");
            request(web, "GET", "/api/messages", &headers, b"").0
        };
        let basic = |login: &str| format!("Basic {}", STANDARD.encode(login));
        for right in [&basic("alice:se:cret"), "Bearer first", "bearer  second="] {
            assert_eq!(ask(right), 200, "{right}");
        }
        let wrong = [
            &basic("alice:se"),
            &basic("alice:se:cret2"),
            &basic("Alice:se:cret"),
            &basic("first"),
            "Basic %",
            "Bearer",
            "Bearer firs",
            "Bearer alice:se:cret",
            "Digest first",
            "first",
        ];
        for wrong in wrong {
            assert_eq!(ask(wrong), 401, "{wrong}");
        }
        // Wrong ones are answered late, and lock nobody out.
        let began = Instant::now();
        assert_eq!(ask("Bearer wrong"), 401);
        assert!(began.elapsed() >= Duration::from_millis(100));
        assert_eq!(ask("Bearer first"), 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_may_do_only_what_it_needs() {
    running("", |web| {
        for (path, kind) in [
            ("/api/docs", "text/html"),
            ("/api/docs/docs.css", "text/css"),
            ("/api/docs/docs.js", "text/javascript"),
        ] {
            let (status, head, body) = http(web, "localhost", "GET", path);
            assert_eq!(status, 200);
            assert!(head.contains(&format!("content-type: {kind}; charset=utf-8")), "{head}");
            assert!(
                head.contains(
                    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"
                ),
                "{head}"
            );
            let text = String::from_utf8(body).unwrap();
            for outside in ["http://", "https://", "innerHTML", "eval(", "@import", " url("] {
                assert!(!text.contains(outside), "{path} holds {outside}");
            }
        }
        let (_, head, _) = http(web, "localhost", "GET", "/api/messages");
        assert!(
            head.contains(
                "content-security-policy: default-src 'none'; frame-ancestors 'none'; sandbox"
            ),
            "{head}"
        );
        assert_eq!(json(web, "/livez"), json!({"status": "ok"}));
    })
    .await;
}
