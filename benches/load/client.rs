//! One session of the load: it writes, and counts replies; their text is read only as far as the code.

use super::plan::{Plan, Tls};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::ClientConfig;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

const RCPT: &[u8] = b"RCPT TO:<b@example.org>\r\n";
/// The end of DATA.
const END: usize = b".\r\n".len();

pub struct Client {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
    used: usize,
    /// Whether the server takes the SIZE of a message in front of it, as libraries then tell it.
    takes_size: bool,
}

impl Client {
    pub async fn connect(plan: &Plan, tls: Option<&Arc<ClientConfig>>) -> Self {
        let stream = TcpStream::connect(plan.address).await.expect("cannot connect");
        stream.set_nodelay(true).unwrap();
        let mut client = Self::on(Box::new(stream));
        if plan.tls == Tls::Implicit {
            client = client.secured(tls.unwrap()).await;
        }
        client.expect(b'2').await;
        client.command(b"EHLO load.example\r\n", b'2').await;
        if plan.tls == Tls::Starttls {
            client.command(b"STARTTLS\r\n", b'2').await;
            client = client.secured(tls.unwrap()).await;
            client.command(b"EHLO load.example\r\n", b'2').await;
        }
        if let Some(login) = &plan.login {
            let (user, secret) = login.split_once(':').expect("--login USER:SECRET");
            let answer = STANDARD.encode(format!("\0{user}\0{secret}"));
            client.command(format!("AUTH PLAIN {answer}\r\n").as_bytes(), b'2').await;
        }
        client
    }

    async fn secured(self, config: &Arc<ClientConfig>) -> Self {
        assert_eq!(self.used, self.input.len(), "octets in front of the handshake");
        let name = "localhost".try_into().unwrap();
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, self.stream).await;
        Self::on(Box::new(stream.expect("no handshake")))
    }

    fn on(stream: Box<dyn Stream>) -> Self {
        Self { stream, input: Vec::new(), used: 0, takes_size: false }
    }

    fn mail(&self, octets: usize) -> Vec<u8> {
        match self.takes_size {
            true => format!("MAIL FROM:<a@example.org> SIZE={octets}\r\n").into(),
            false => b"MAIL FROM:<a@example.org>\r\n".into(),
        }
    }

    /// Sends one message, behind which stands the end of DATA; how long the last reply took.
    pub async fn send(&mut self, plan: &Plan, message: &[u8]) -> Duration {
        if plan.bdat {
            return self.send_by_bdat(plan, message).await;
        }
        let mail = self.mail(message.len() - END);
        if plan.pipelined {
            let group = [&*mail, RCPT, b"DATA\r\n"].concat();
            self.write(&group).await;
            self.expect(b'2').await;
            self.expect(b'2').await;
        } else {
            self.command(&mail, b'2').await;
            self.command(RCPT, b'2').await;
            self.write(b"DATA\r\n").await;
        }
        self.expect(b'3').await;
        self.write(message).await;
        self.timed_reply().await
    }

    async fn send_by_bdat(&mut self, plan: &Plan, message: &[u8]) -> Duration {
        let message = &message[..message.len() - END];
        let mail = self.mail(message.len());
        let bdat = format!("BDAT {} LAST\r\n", message.len());
        if plan.pipelined {
            self.write(&[&*mail, RCPT, bdat.as_bytes(), message].concat()).await;
            self.expect(b'2').await;
            self.expect(b'2').await;
        } else {
            self.command(&mail, b'2').await;
            self.command(RCPT, b'2').await;
            self.write(&[bdat.as_bytes(), message].concat()).await;
        }
        self.timed_reply().await
    }

    async fn timed_reply(&mut self) -> Duration {
        let began = Instant::now();
        self.expect(b'2').await;
        began.elapsed()
    }

    pub async fn quit(mut self) {
        self.command(b"QUIT\r\n", b'2').await;
    }

    async fn command(&mut self, line: &[u8], hoped_for: u8) {
        self.write(line).await;
        self.expect(hoped_for).await;
    }

    async fn write(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.expect("cannot write");
        self.stream.flush().await.expect("cannot write");
    }

    /// Reads one whole reply.
    async fn expect(&mut self, hoped_for: u8) {
        loop {
            while let Some(end) = self.input[self.used..].iter().position(|octet| *octet == b'\n') {
                let line = &self.input[self.used..self.used + end];
                self.used += end + 1;
                assert_eq!(line[0], hoped_for, "{}", String::from_utf8_lossy(line));
                self.takes_size |= line.get(4..).is_some_and(|text| text.starts_with(b"SIZE"));
                if line.get(3) != Some(&b'-') {
                    return;
                }
            }
            self.input.drain(..self.used);
            self.used = 0;
            let read = self.stream.read_buf(&mut self.input).await.expect("cannot read");
            assert!(read > 0, "the server closed");
        }
    }
}
