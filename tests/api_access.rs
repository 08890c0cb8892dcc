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

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// Sends the form; the status, the header, and what a browser sends as a cookie from then on.
fn sign_in(web: SocketAddr, host: &str, more: &str, token: &str) -> (u16, String, String) {
    let headers = format!("Host: {host}\r\n{FORM}{more}");
    let body = format!("token={token}");
    let (status, head, _) = request(web, "POST", "/sign-in", &headers, body.as_bytes());
    let line = head.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    let cookie = line.unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
    (status, head, cookie)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_opens_it_in_a_browser_without_a_token_gets_a_form_and_programs_a_problem() {
    running("web_token = [\"first\"]", |web| {
        let html = "Host: localhost\r\nAccept: text/html,*/*;q=0.8\r\n";
        for path in ["/", "/api/docs", "/nothing"] {
            let (status, head, body) = request(web, "GET", path, html, b"");
            assert_eq!(status, 401, "{path}");
            assert!(head.contains("www-authenticate: bearer realm=\"doorpost\""), "{head}");
            assert!(head.contains("content-security-policy: default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'"), "{head}");
            // The page's own form goes to where it is, so that a browser keeps what stands behind the `#`.
            let names_path = String::from_utf8_lossy(&body).contains("action=\"/sign-in\"");
            assert_eq!(names_path, path != "/", "{path}");
        }
        let form = format!("Host: localhost\r\n{FORM}");
        let (status, head, body) = request(web, "POST", "/", &form, b"token=wrong");
        assert_eq!((status, head.contains("set-cookie")), (401, false), "{head}");
        assert!(String::from_utf8_lossy(&body).contains("<form method=\"post\">"));
        let (status, head, _) = request(web, "POST", "/", &form, b"token=first");
        assert_eq!(status, 303, "{head}");
        assert!(head.contains("location: /\r") && head.contains("set-cookie: doorpost="), "{head}");
        let (status, head, _) = request(web, "DELETE", "/api/messages?all=true", html, b"");
        assert_eq!(status, 401);
        assert!(head.contains("application/problem+json"), "{head}");
        assert_eq!(http(web, "localhost", "GET", "/sign-in.css").0, 200);
        assert_eq!(http(web, "localhost", "GET", "/page/page.css").0, 401);
        assert_eq!(http(web, "evil.example", "GET", "/sign-in").0, 403);
    })
    .await;
    // A browser asks for a name and a password by itself.
    running("web_auth = \"a:b\"", |web| {
        let html = "Host: localhost\r\nAccept: text/html\r\n";
        let (status, head, _) = request(web, "GET", "/", html, b"");
        assert_eq!(status, 401);
        assert!(
            head.contains("www-authenticate: basic") && head.contains("problem+json"),
            "{head}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_shows_a_cookie_until_they_sign_out() {
    running("web_token = [\"first\", \"second\"]", |web| {
        let began = Instant::now();
        let (status, head, cookie) = sign_in(web, "localhost:8025", "", "third");
        assert_eq!((status, &*cookie), (401, ""), "{head}");
        assert!(began.elapsed() >= Duration::from_millis(100));
        let (status, head, cookie) = sign_in(web, "localhost:8025", "", "second");
        assert_eq!(status, 303);
        assert!(cookie.starts_with("doorpost-8025=") && cookie.len() > 50, "{cookie}");
        for part in ["path=/", "httponly", "samesite=strict", "location: /"] {
            assert!(head.contains(part), "{part}\n{head}");
        }
        assert!(!head.contains("secure"), "{head}");
        let ask = |host: &str, more: &str, method: &str| {
            let headers = format!("Host: {host}\r\nCookie: a=b; {cookie}\r\n{more}");
            request(web, method, "/api/messages?limit=1", &headers, b"").0
        };
        assert_eq!(ask("localhost:8025", "", "GET"), 200);
        assert_eq!(ask("localhost:8025", "Origin: http://localhost:8025\r\n", "DELETE"), 400);
        // It holds for the port that it was given for, and a wrong token beside it is a wrong token.
        assert_eq!(ask("localhost:9999", "", "GET"), 401);
        assert_eq!(ask("localhost:8025", "Authorization: Bearer third\r\n", "GET"), 401);
        let headers = format!("Host: localhost:8025\r\nCookie: {cookie}x\r\n");
        assert_eq!(request(web, "GET", "/api/messages", &headers, b"").0, 401);
        let headers = format!("Host: localhost:8025\r\nCookie: {cookie}\r\n");
        let (status, head, _) = request(web, "POST", "/sign-out", &headers, b"");
        assert_eq!(status, 303);
        assert!(head.contains("doorpost-8025=; ") && head.contains("max-age=0"), "{head}");
        assert_eq!(ask("localhost:8025", "", "GET"), 401);
        assert_eq!(request(web, "POST", "/sign-out", &headers, b"").0, 401);
        // Behind a proxy that speaks TLS.
        let (_, head, _) = sign_in(web, "localhost", "X-Forwarded-Proto: https\r\n", "first");
        assert!(head.contains("; secure"), "{head}");
        let (_, head, _) = sign_in(web, "localhost", "Origin: https://localhost\r\n", "first");
        assert!(head.contains("; secure"), "{head}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_counts_for_our_own_page_alone() {
    running("web_token = [\"first\"]", |web| {
        let (.., cookie) = sign_in(web, "localhost:8025", "", "first");
        let ask = |more: &str| {
            let headers = format!("Host: localhost:8025\r\nCookie: {cookie}\r\n{more}");
            request(web, "GET", "/api/messages", &headers, b"").0
        };
        let opened =
            "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
        for ours in [
            "",
            "Sec-Fetch-Site: same-origin\r\n",
            "Sec-Fetch-Site: none\r\n",
            "Origin: http://localhost:8025\r\n",
            opened,
        ] {
            assert_eq!(ask(ours), 200, "{ours}");
        }
        // Another port of this machine is the same site to a browser.
        let framed =
            "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n";
        for other in [
            "Sec-Fetch-Site: same-site\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Origin: http://localhost:3000\r\n",
            framed,
        ] {
            assert_eq!(ask(other), 401, "{other}");
        }
        let evil =
            format!("Host: localhost:8025\r\nCookie: {cookie}\r\nOrigin: https://evil.example\r\n");
        assert_eq!(request(web, "GET", "/api/messages", &evil, b"").0, 403);
        let form = format!("Host: localhost:8025\r\n{FORM}Origin: https://evil.example\r\n");
        assert_eq!(request(web, "POST", "/sign-in", &form, b"token=first").0, 403);
        let json = "Host: localhost:8025\r\nContent-Type: application/json\r\n";
        assert_eq!(request(web, "POST", "/sign-in", json, b"{}").0, 415);
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
