//! The byte stream under a session: in the clear, or inside TLS.

use crate::smtp::TlsFacts;
use rustls::server::Acceptor;
use rustls::{AlertDescription, ServerConfig};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// The first octet of a TLS record that holds a handshake message.
pub(super) const TLS_HANDSHAKE: u8 = 0x16;

/// Application protocols of a ClientHello that are kept: real clients offer two or three.
const ALPN_NAMES: usize = 8;
/// Octets of each.
const ALPN_NAME: usize = 32;

#[derive(Debug)]
pub(super) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// The handshake failed, or took the stream and did not finish.
    Gone,
}

impl Transport {
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buffer),
            Self::Gone => Poll::Ready(Ok(())),
        }
    }

    /// Sends what can be sent in the clear without waiting, and says how much.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let Self::Plain(stream) = self else { return Ok(0) };
        match stream.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            result => result,
        }
    }

    pub(super) async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        use tokio::io::AsyncWriteExt as _;
        match self {
            Self::Plain(stream) => stream.write_all(bytes).await,
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Tells the client that nothing more will come.
    pub(super) async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => {
                std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_shutdown(cx)).await
            }
            Self::Tls(stream) => {
                std::future::poll_fn(|cx| Pin::new(&mut **stream).poll_shutdown(cx)).await
            }
            Self::Gone => Ok(()),
        }
    }

    /// The first octet that the client sends, left where it is; `None` where it closes instead.
    pub(super) async fn first_octet(&self) -> io::Result<Option<u8>> {
        let Self::Plain(stream) = self else { return Ok(None) };
        let mut first = [0];
        Ok((stream.peek(&mut first).await? > 0).then_some(first[0]))
    }

    /// What the client has sent so far, left where it is, once something is there.
    pub(super) async fn peek(&self, buffer: &mut [u8]) -> usize {
        match self {
            // What is wrong with the stream shows when it is read.
            Self::Plain(stream) => stream.peek(buffer).await.unwrap_or(0),
            _ => 0,
        }
    }

    /// Answers the beginning of a handshake with a fatal alert, as a server that can agree on nothing.
    pub(super) async fn refuse_tls(&mut self) {
        const HANDSHAKE_FAILURE: [u8; 7] = [0x15, 3, 3, 0, 2, 2, 40];
        let mut hello = [0; 1024];
        let Self::Plain(stream) = self else { return };
        // It fails either way; the client may be gone already.
        let _ = stream.read(&mut hello).await;
        let _ = self.write_all(&HANDSHAKE_FAILURE).await;
        let _ = self.shutdown().await;
    }

    /// The close that follows is a reset: what is on its way to the client may be lost.
    pub(super) fn reset(&self) {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
            Self::Gone => return,
        };
        // A socket that cannot be reset is closed.
        let _ = stream.set_zero_linger();
    }

    /// Does the handshake; the clear stream is gone afterwards, also where it fails.
    pub(super) async fn accept_tls(
        &mut self,
        config: Arc<ServerConfig>,
    ) -> Result<TlsFacts, TlsFailure> {
        let Self::Plain(stream) = std::mem::replace(self, Self::Gone) else {
            return Err(TlsFailure::from("TLS is active already".to_owned()));
        };
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream)
            .await
            .map_err(|e| TlsFailure::new(&e, ""))?;
        let hello = start.client_hello();
        let sni = hello.server_name().map(str::to_owned);
        let alpn = hello.alpn().into_iter().flatten().take(ALPN_NAMES);
        let alpn = alpn.map(|name| name[..name.len().min(ALPN_NAME)].escape_ascii().to_string());
        let alpn = alpn.collect();
        let asked_for = match &sni {
            Some(name) => format!(" (the client asked for {name})"),
            None => String::new(),
        };
        let stream =
            start.into_stream(config).await.map_err(|e| TlsFailure::new(&e, &asked_for))?;
        let (_, connection) = stream.get_ref();
        let version = connection.protocol_version().and_then(|v| v.as_str()).unwrap_or("TLS");
        let cipher = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        let facts = TlsFacts {
            version: version.replace("TLSv1_", "TLSv1."),
            cipher: cipher.unwrap_or("unknown").to_owned(),
            sni,
            alpn,
        };
        *self = Self::Tls(Box::new(stream));
        Ok(facts)
    }
}

/// Why a handshake failed.
#[derive(Debug)]
pub(super) struct TlsFailure {
    pub(super) why: String,
    /// What the client said, where it said something.
    pub(super) alert: Option<AlertDescription>,
    /// Whether it went away without a word.
    pub(super) client_left: bool,
}

impl TlsFailure {
    fn new(error: &io::Error, more: &str) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let alert = match inner {
            Some(rustls::Error::AlertReceived(alert)) => Some(*alert),
            _ => None,
        };
        let client_left = inner.is_none()
            && matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionReset
            );
        Self { why: in_words(error) + more, alert, client_left }
    }
}

impl From<String> for TlsFailure {
    fn from(why: String) -> Self {
        Self { why, alert: None, client_left: false }
    }
}

/// An error of the handshake as people can use it.
pub(super) fn in_words(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(alert)) => {
            format!("the client sent the alert {alert:?}")
        }
        Some(other) => other.to_string(),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof => "the client closed the connection".into(),
            // What a client does that dislikes the certificate and says so to nobody.
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                "the client closed the connection while it was spoken to".into()
            }
            _ => error.to_string(),
        },
    }
}
