//! Bounds of the API that take settings of their own, and events that no door could bring.
#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use super::{Settings, Web};
use crate::mail::MessageId;
use crate::storage::{Change, Settings as StoreSettings, Store};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

struct Running {
    store: Arc<Store>,
    address: SocketAddr,
    _stop: DropGuard,
}

async fn running(settings: Settings) -> Running {
    let store = Store::open(&StoreSettings::default()).unwrap();
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Web::new(Arc::clone(&store), settings, stop.clone()).serve(listener));
    Running { store, address, _stop: stop.drop_guard() }
}

/// Asks one thing, after which the connection ends.
async fn ask(address: SocketAddr, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Reads until that text has come.
async fn until(stream: &mut TcpStream, text: &str) -> String {
    let mut got = Vec::new();
    while !String::from_utf8_lossy(&got).contains(text) {
        assert!(stream.read_buf(&mut got).await.unwrap() > 0, "{}", got.escape_ascii());
    }
    String::from_utf8(got).unwrap()
}

async fn rest(mut stream: TcpStream) -> String {
    let mut got = String::new();
    stream.read_to_string(&mut got).await.unwrap();
    got
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_told_and_cut_off() {
    let running = running(Settings::default()).await;
    let mut reader = ask(running.address, "GET /api/events").await;
    let id = until(&mut reader, "from here on\n").await;
    assert!(id.contains(" 200 OK"), "{id}");
    let events = running.store.events();
    let first = format!("{}-{}", events.run(), events.last());
    let ids = vec![MessageId::new(1).unwrap(); 1000];
    // Nothing else runs on this thread in between, so that the reader cannot keep up.
    for _ in 0..100 {
        events.report(Change::Marked(ids.clone()));
    }
    let told = rest(reader).await;
    assert!(told.contains("event: too-slow\n"), "{told}");
    assert!(told.contains("are no longer kept") && !told.contains("event: changed"), "{told}");

    let mut resumed = ask(running.address, &format!("GET /api/events?last_event_id={first}")).await;
    let told = until(&mut resumed, "event: reset\n").await;
    assert!(told.contains("200 OK"), "{told}");
    running.store.events().report(Change::Deleted(vec![ids[0]]));
    until(&mut resumed, "event: deleted\ndata: {\"ids\":[\"1\"]}\n").await;
}

#[tokio::test]
async fn readers_are_bounded_and_their_places_come_back() {
    let running = running(Settings { readers: 1, ..Settings::default() }).await;
    let mut reader = ask(running.address, "GET /api/events").await;
    until(&mut reader, "from here on").await;
    let mut second = ask(running.address, "GET /api/events").await;
    let refused = until(&mut second, "follow the events already").await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("application/problem+json"), "{refused}");
    drop(reader);
    loop {
        let mut third = ask(running.address, "GET /api/events").await;
        let told = until(&mut third, "\r\n").await;
        if told.starts_with("HTTP/1.1 200 ") {
            break;
        }
    }
}

#[tokio::test]
async fn connections_are_bounded_and_told_so() {
    let running = running(Settings { connections: 1, ..Settings::default() }).await;
    let mut first = TcpStream::connect(running.address).await.unwrap();
    first.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    until(&mut first, "ok").await;
    let second = ask(running.address, "GET /livez").await;
    let refused = rest(second).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("too many HTTP connections"), "{refused}");
    // The first is still served.
    first.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    until(&mut first, "ok").await;
}

#[tokio::test]
async fn an_import_is_as_large_as_a_message_may_be() {
    let running = running(Settings { largest_message: 10, ..Settings::default() }).await;
    for (length, status) in [(10, "201"), (11, "413")] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        // In chunks, so that no length is declared.
        let request = format!(
            "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: message/rfc822\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{}\r\n0\r\n\r\n",
            "x".repeat(length)
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = until(&mut stream, "\r\n").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
}

#[tokio::test]
async fn without_a_door_it_lives_and_is_not_ready() {
    let running = running(Settings::default()).await;
    let mut stream = ask(running.address, "GET /livez").await;
    assert!(until(&mut stream, "\r\n").await.contains(" 200 "));
    let mut stream = ask(running.address, "GET /readyz").await;
    let answer = until(&mut stream, "\"doors\":[]").await;
    assert!(answer.contains(" 503 "), "{answer}");
}

/// Whoever waits or follows is let go when it ends.
#[tokio::test]
async fn it_ends_with_all_that_wait() {
    let running = running(Settings::default()).await;
    let mut reader = ask(running.address, "GET /api/events").await;
    until(&mut reader, "from here on").await;
    let waiting = ask(running.address, "GET /api/messages/wait?timeout=5m").await;
    // Whoever came before this one has been read when it is answered.
    until(&mut ask(running.address, "GET /livez").await, "ok").await;
    drop(running);
    rest(reader).await;
    let answer = rest(waiting).await;
    assert!(answer.contains("doorpost is stopping"), "{answer}");
}
