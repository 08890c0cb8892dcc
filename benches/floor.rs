//! The floor: a server that answers as little as SMTP allows and keeps nothing, on the same runtime and the same TLS library.
//!
//! `cargo bench --bench floor -- --address 127.0.0.1:PORT`. What a measurement says of it is what the machine, the runtime and
//! the client cost; whoever serves for real is measured against that. It is no server to use: it checks nothing.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a benchmark may stop at the first surprise

use clap::Parser;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

#[derive(Parser)]
struct Floor {
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
    /// Where to listen.
    #[arg(long)]
    address: SocketAddr,
    /// A certificate and its key, both PEM: TLS from the first octet.
    #[arg(long, num_args = 2)]
    tls: Vec<PathBuf>,
}

fn main() {
    let floor = Floor::parse();
    assert!(floor.address.ip().is_loopback(), "only on loopback");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let acceptor = (!floor.tls.is_empty()).then(|| acceptor(&floor.tls));
        let listener = TcpListener::bind(floor.address).await.unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                match acceptor {
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            serve(stream).await;
                        }
                    }
                    None => serve(stream).await,
                }
            });
        }
    });
}

fn acceptor(files: &[PathBuf]) -> TlsAcceptor {
    let chain =
        CertificateDer::pem_file_iter(&files[0]).unwrap().collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(&files[1]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// One session, until the client goes.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut input = vec![0; 64 * 1024];
    let (mut held, mut in_data) = (Vec::new(), false);
    if stream.write_all(b"220 floor\r\n").await.is_err() {
        return;
    }
    while let Ok(read) = stream.read(&mut input).await {
        if read == 0 {
            return;
        }
        held.extend_from_slice(&input[..read]);
        let (answers, ended) = answer(&mut held, &mut in_data);
        if stream.write_all(&answers).await.is_err() || ended {
            return;
        }
    }
}

fn answer(held: &mut Vec<u8>, in_data: &mut bool) -> (Vec<u8>, bool) {
    let (mut answers, mut used, mut ended) = (Vec::new(), 0, false);
    loop {
        let rest = &held[used..];
        if *in_data {
            let Some(end) = memchr::memmem::find(rest, b"\r\n.\r\n") else {
                // Only what could begin the end has to be looked at again.
                used = held.len() - rest.len().min(4);
                break;
            };
            (*in_data, used) = (false, used + end + 5);
            answers.extend(b"250 ok\r\n");
            continue;
        }
        let Some(end) = memchr::memchr(b'\n', rest) else { break };
        let (reply, data, quit): (&[u8], bool, bool) = match rest[0].to_ascii_uppercase() {
            b'D' => (b"354 go on\r\n", true, false),
            b'Q' => (b"221 bye\r\n", false, true),
            _ => (b"250 ok\r\n", false, false),
        };
        answers.extend(reply);
        (*in_data, ended, used) = (data, quit, used + end + 1);
    }
    held.drain(..used);
    (answers, ended)
}
