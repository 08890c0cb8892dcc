//! The wire under the demo's client: octets out, replies in, TLS when it is asked for.
//!
//! Everything has ten seconds. Refuses what is no reply, lines and replies without end, and
//! anything that a server sends in the clear behind its word on STARTTLS: read as if it had come
//! through TLS, it would be a stranger's words under the server's name.

use crate::smtp::transcript::escape;
use crate::tls::Identity;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::BufReader;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long any one step may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Octets of a reply's line; the protocol allows 512.
const LONGEST_LINE: u64 = 4096;
/// Lines of a reply.
const MOST_LINES: usize = 200;
/// The name that a client on the same machine asks for.
const LOCALHOST: &str = "localhost";

/// Whom the client believes, and by which name.
#[derive(Debug)]
pub(super) struct Trust {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    /// Where the trust comes from, for the error when it is not enough.
    source: String,
}

impl Trust {
    /// Trusts this identity and nothing else.
    pub(super) fn of(identity: &Identity, source: String) -> Result<Self, String> {
        let config = identity.client_config().map_err(|error| error.to_string())?;
        let name = name_in(identity.names());
        let name = ServerName::try_from(name.clone())
            .map_err(|_| format!("the certificate's name {name} is no host name"))?;
        Ok(Self { config, name, source })
    }
}

/// `localhost` where the certificate is for it, else a name that it is for.
fn name_in(names: &[String]) -> String {
    if names.iter().any(|name| name == LOCALHOST) {
        return LOCALHOST.to_owned();
    }
    let first = names.first().map_or(LOCALHOST, String::as_str);
    // Any one label may stand for the star.
    first.replacen('*', "demo", 1)
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// A connection to a server.
pub(super) struct Wire {
    /// `None` after a handshake that failed.
    stream: Option<BufReader<Box<dyn Stream>>>,
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// As they came, with their codes, escaped.
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// The lines without their codes.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.get(4..).unwrap_or_default())
    }

    /// The last line, which alone says it all where a reply is not EHLO's.
    pub(super) fn last(&self) -> &str {
        self.lines.last().map_or("", String::as_str)
    }
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream: Some(BufReader::new(Box::new(stream))) }
    }

    fn stream(&mut self) -> Result<&mut BufReader<Box<dyn Stream>>, String> {
        self.stream.as_mut().ok_or_else(|| "the connection is gone".to_owned())
    }

    pub(super) async fn send(&mut self, text: &str) -> Result<(), String> {
        let stream = self.stream()?;
        let sending = async {
            stream.write_all(text.as_bytes()).await?;
            stream.flush().await
        };
        within("the server takes nothing", sending).await
    }

    /// Reads one whole reply.
    pub(super) async fn reply(&mut self) -> Result<Reply, String> {
        let stream = self.stream()?;
        let mut lines = Vec::new();
        let reading = async {
            loop {
                let line = line(stream).await?;
                let (code, is_last) = code_of(&line)
                    .ok_or_else(|| io::Error::other(format!("this is no SMTP reply: {line}")))?;
                lines.push(line);
                if is_last {
                    return Ok(code);
                }
                if lines.len() == MOST_LINES {
                    return Err(io::Error::other("the reply has no end"));
                }
            }
        };
        let code = within("the server does not answer", reading).await?;
        Ok(Reply { code, lines })
    }

    /// Does the handshake; says which version of TLS it is then.
    pub(super) async fn start_tls(&mut self, trust: &Trust) -> Result<String, String> {
        let stream = self.stream.take().ok_or("the connection is gone")?;
        if !stream.buffer().is_empty() {
            return Err("the server sent something in the clear behind its 220".into());
        }
        let connector = TlsConnector::from(Arc::clone(&trust.config));
        let handshake = connector.connect(trust.name.clone(), stream.into_inner());
        let sealed = within("the TLS handshake does not end", handshake).await;
        let sealed = sealed
            .map_err(|why| format!("TLS: {why} (the client trusts only {})", trust.source))?;
        let version = sealed.get_ref().1.protocol_version().and_then(|v| v.as_str());
        let version = version.unwrap_or("TLS").replace("TLSv1_", "TLSv1.");
        self.stream = Some(BufReader::new(Box::new(sealed)));
        Ok(version)
    }

    /// Says that nothing more will come.
    pub(super) async fn close(mut self) {
        if let Ok(stream) = self.stream() {
            // The conversation is over; a server that is gone already is as good.
            let _ = tokio::time::timeout(PATIENCE, stream.shutdown()).await;
        }
    }
}

/// One line without its CRLF, escaped.
async fn line(stream: &mut BufReader<Box<dyn Stream>>) -> io::Result<String> {
    let mut line = Vec::new();
    stream.take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
    match line.as_slice() {
        [text @ .., b'\r', b'\n'] | [text @ .., b'\n'] => Ok(escape(text, false)),
        [] => Err(io::Error::other("the server closed the connection")),
        _ => Err(io::Error::other("the server broke off in the middle of a line")),
    }
}

/// The code, and whether this is the reply's last line.
fn code_of(line: &str) -> Option<(u16, bool)> {
    let code = line.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?;
    let is_last = match line.as_bytes().get(3) {
        None | Some(b' ') => true,
        Some(b'-') => false,
        Some(_) => return None,
    };
    Some((code.parse().ok()?, is_last))
}

/// The step's outcome, or after ten seconds what it was that did not happen.
async fn within<T>(what: &str, step: impl Future<Output = io::Result<T>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, step).await {
        Ok(result) => result.map_err(|error| escape(error.to_string().as_bytes(), false)),
        Err(_) => Err(format!("{what}, within {} seconds", PATIENCE.as_secs())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    async fn heard(from_server: &'static [u8]) -> Result<Reply, String> {
        Wire { stream: Some(BufReader::new(Box::new(tokio::io::join(from_server, Vec::new())))) }
            .reply()
            .await
    }

    #[tokio::test]
    async fn replies_are_read_whole() {
        let reply = heard(b"250-one\r\n250-SIZE 9\r\n250 three\r\n250 next\r\n").await.unwrap();
        assert_eq!(reply.code, 250);
        assert_eq!(reply.texts().collect::<Vec<_>>(), ["one", "SIZE 9", "three"]);
        assert_eq!(heard(b"221\r\n").await.unwrap().texts().collect::<Vec<_>>(), [""]);
    }

    #[tokio::test]
    async fn what_is_no_reply_is_refused_and_escaped() {
        for (octets, why) in [
            (&b"HTTP/1.1 400 Bad\r\n"[..], "no SMTP reply: HTTP"),
            (b"250-one\r\n", "closed"),
            (b"250 one", "broke off"),
            (b"22\x1b[2J\r\n", "22\\u{1b}[2J"),
        ] {
            let error = heard(octets).await.unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_certificate_is_asked_for_by_a_name_it_has() {
        let name = |names: &[&str]| name_in(&names.iter().map(|n| (*n).into()).collect::<Vec<_>>());
        assert_eq!(name(&["mail.example.org", "localhost"]), "localhost");
        assert_eq!(name(&["*.example.org"]), "demo.example.org");
        assert_eq!(name(&[]), "localhost");
    }
}
