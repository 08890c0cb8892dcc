//! HTTP connections: accepted up to a cap, each with a time for its header, none waited for that
//! does not read.
//!
//! A connection over the cap is told 503 and closed, without a task of its own.

use super::Peer;
use super::stall::Stalling;
use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How long to wait when the system has no file handle or memory left for a new connection.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// The time for a request's header, and for the next request.
const HEADER: Duration = Duration::from_secs(30);
/// How long a client may take nothing of what is sent to it.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time for answers that are on their way when the API ends.
const GRACE: Duration = Duration::from_secs(2);
/// Octets that are read ahead, and so the largest header.
const BUFFER: usize = 64 * 1024;

/// What a client over the cap gets.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/problem+json\r\ncontent-length: 83\r\n\
    connection: close\r\nretry-after: 1\r\n\r\n\
    {\"title\":\"Service Unavailable\",\"status\":503,\"detail\":\"too many HTTP connections\"}\r\n";

/// Accepts until `stop`; connections that run are told to end then.
pub(super) async fn run(
    listener: &TcpListener,
    router: &Router,
    connections: &Arc<Semaphore>,
    stop: &CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match Arc::clone(connections).try_acquire_owned() {
                Ok(place) => {
                    let (router, stop) = (router.clone(), stop.clone());
                    tokio::spawn(async move {
                        serve(stream, peer, router, &stop).await;
                        drop(place);
                    });
                }
                Err(_) => turn_away(stream),
            },
            Err(error) if is_about_one_client(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept an HTTP connection, trying again");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

/// The client was gone before it was accepted; the listener is well.
fn is_about_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

async fn serve(stream: TcpStream, peer: SocketAddr, router: Router, stop: &CancellationToken) {
    // A socket that refuses it is slower, not wrong.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Stalling::new(stream, PATIENCE)), service);
    tokio::pin!(connection);
    // How a connection fails is the client's affair: there is nobody else to tell.
    tokio::select! {
        result = connection.as_mut() => return drop(result),
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(GRACE, connection).await;
}

fn turn_away(mut stream: TcpStream) {
    // A socket that was just opened takes a line at once; one that does not is not waited for.
    if stream.try_write(FULL).is_ok() {
        tokio::spawn(async move {
            let linger = async {
                stream.shutdown().await?;
                tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
            };
            // Either it ends or the time does.
            let _ = tokio::time::timeout(EXHAUSTED, linger).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_is_as_long_as_it_says() {
        let text = std::str::from_utf8(FULL).unwrap_or_default();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{}", body.len());
    }
}
