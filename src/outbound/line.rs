//! A connection to a server: feeds the pure client with octets and time, does what it asks for, and files the
//! conversation when it is over.
//!
//! While it writes it reads on, so that a server that answers early, or never reads, is heard and not waited for.

use super::connect::{ConnectError, Reach};
use crate::config::Server;
use crate::mail::SessionId;
use crate::smtp::TlsFacts;
use crate::smtp::client::{
    Action, Client, Fate, Input, Mail, Outcome, Said, Security, Settings, stuffed,
};
use crate::storage::{
    AuthRecord, EndedRecord, HelloRecord, LineRecord, SessionRecord, Store, TlsRecord,
    TransactionRecord,
};
use crate::tls::Outgoing;
use rustls::pki_types::ServerName;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

/// Read at a time.
const PIECE: usize = 8 * 1024;
/// Transactions of one session that are remembered.
const REMEMBERED: usize = 100;

/// The octets' way: in the clear, or through TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl Stream for TcpStream {}
impl Stream for TlsStream<TcpStream> {}

enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Gone,
}

/// A connection, ready for messages.
pub(super) struct Line<'a> {
    store: &'a Store,
    tls: &'a Outgoing,
    server: &'a Server,
    /// What the session is filed under.
    label: String,
    wire: Wire,
    client: Client,
    actions: VecDeque<Action>,
    started: Instant,
    connected_at: OffsetDateTime,
    pub(super) session: SessionId,
    pub(super) local: SocketAddr,
    peer: SocketAddr,
    is_ready: bool,
    outcome: Option<Outcome>,
    failed: Option<Fate>,
    transactions: Vec<TransactionRecord>,
}

impl<'a> Line<'a> {
    /// Connects, greets, begins TLS and logs in, as far as the target says so.
    pub(super) async fn open(
        store: &'a Store,
        tls: &'a Outgoing,
        reach: &Reach,
        server: &'a Server,
        label: String,
        settings: Settings,
    ) -> Result<Self, Fate> {
        let stream =
            reach.connect(&server.host, server.port).await.map_err(|error| match &error {
                ConnectError::NotAllowed(_) => {
                    Fate::Never(Said::by_us(550, "5.7.1", "the connection", error.to_string()))
                }
                ConnectError::NoAddress(..) => {
                    Fate::Later(Said::by_us(450, "4.4.3", "the connection", error.to_string()))
                }
                ConnectError::NoAnswer(..) => {
                    Fate::Later(Said::by_us(450, "4.4.1", "the connection", error.to_string()))
                }
            })?;
        let broken = |error: io::Error| {
            Fate::Later(Said::by_us(450, "4.4.2", "the connection", error.to_string()))
        };
        let (local, peer) =
            (stream.local_addr().map_err(broken)?, stream.peer_addr().map_err(broken)?);
        let mut line = Self {
            store,
            tls,
            server,
            label,
            wire: Wire::Plain(stream),
            client: Client::new(settings),
            actions: VecDeque::new(),
            started: Instant::now(),
            connected_at: OffsetDateTime::now_utc(),
            session: store.sessions().name_outbound(),
            local,
            peer,
            is_ready: false,
            outcome: None,
            failed: None,
            transactions: Vec::new(),
        };
        line.feed(Input::Connected);
        line.run(|line| line.is_ready).await;
        match line.failed.take() {
            Some(fate) => {
                line.file();
                Err(fate)
            }
            None => Ok(line),
        }
    }

    /// Sends a message; says what has become of it.
    pub(super) async fn send(&mut self, mail: Mail) -> Outcome {
        let recipients = mail.recipients.len();
        let mut transaction = begun(&mail);
        self.is_ready = false;
        self.feed(Input::Mail(Box::new(mail)));
        self.run(|line| line.outcome.is_some()).await;
        let outcome = self.outcome.take().unwrap_or_else(|| {
            let said = Said::by_us(450, "4.4.2", "MAIL", "the connection was closed before");
            let fates = vec![Fate::Later(said); recipients];
            Outcome { fates, reply_lost: false, hands_on_notify: false }
        });
        if self.transactions.len() < REMEMBERED {
            let taken = outcome.fates.iter().any(|fate| matches!(fate, Fate::Delivered(_)));
            transaction.verdict = if taken { "delivered" } else { "refused" }.to_owned();
            self.transactions.push(transaction);
        }
        outcome
    }

    /// Whether the connection can take another message, once the server has answered what was behind the last.
    pub(super) async fn becomes_ready(&mut self) -> bool {
        self.run(|line| line.is_ready).await;
        !self.client.is_closed()
    }

    /// Takes leave, and files what was said. Whoever is told to stop does not wait for the server's farewell.
    pub(super) async fn close(mut self, stop: &CancellationToken) {
        let leave = async {
            if self.becomes_ready().await {
                self.feed(Input::Quit);
                self.run(|_| false).await;
            }
        };
        tokio::select! {
            biased;
            () = leave => {}
            () = stop.cancelled() => {}
        }
        self.file();
    }

    fn feed(&mut self, input: Input<'_>) {
        let mut actions = Vec::new();
        self.client.handle(input, self.started.elapsed(), &mut actions);
        self.actions.extend(actions);
    }

    /// Goes on until the connection is closed, or what is waited for is there.
    async fn run(&mut self, is_done: impl Fn(&Self) -> bool) {
        while !is_done(self) {
            match self.actions.pop_front() {
                Some(action) => self.perform(action).await,
                None if self.client.is_closed() => return,
                None => self.listen().await,
            }
        }
    }

    async fn perform(&mut self, action: Action) {
        match action {
            Action::Send(octets) => self.write(&octets).await,
            Action::SendData(head, bytes) => self.write(&stuffed(&head, &bytes)).await,
            Action::SendChunk(head, bytes) => {
                self.write(&head).await;
                self.write(&bytes).await;
            }
            Action::StartTls => self.begin_tls().await,
            Action::Ready => self.is_ready = true,
            Action::Done(outcome) => self.outcome = Some(outcome),
            Action::Failed(fate) => self.failed = Some(fate),
            Action::Close => {
                if let Some(mut stream) = self.stream() {
                    // It is over; a server that is gone already is as good.
                    let _ = stream.shutdown().await;
                }
            }
        }
    }

    fn stream(&mut self) -> Option<Pin<&mut dyn Stream>> {
        match &mut self.wire {
            Wire::Plain(stream) => Some(Pin::new(stream)),
            Wire::Tls(stream) => Some(Pin::new(&mut **stream)),
            Wire::Gone => None,
        }
    }

    /// Waits for octets, or for the deadline.
    async fn listen(&mut self) {
        let deadline = self.client.deadline().map(|deadline| self.started + deadline);
        let Some(mut stream) = self.stream() else { return self.feed(Input::Closed) };
        let mut piece = [0; PIECE];
        let read = stream.read(&mut piece);
        let read = match deadline {
            None => read.await,
            Some(deadline) => match tokio::time::timeout_at(deadline, read).await {
                Ok(read) => read,
                Err(_) => return self.feed(Input::Time),
            },
        };
        self.heard(read, &piece);
    }

    fn heard(&mut self, read: io::Result<usize>, piece: &[u8]) {
        match read {
            Ok(0) => self.feed(Input::Closed),
            Ok(length) => self.feed(Input::Bytes(&piece[..length])),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.feed(Input::Closed),
            Err(error) => self.feed(Input::Broken(error.to_string())),
        }
    }

    async fn write(&mut self, octets: &[u8]) {
        let deadline = self.client.deadline().map(|deadline| self.started + deadline);
        let Some(stream) = self.stream() else { return };
        let (mut reader, mut writer) = tokio::io::split(stream);
        let writing = async {
            writer.write_all(octets).await?;
            writer.flush().await
        };
        tokio::pin!(writing);
        let mut early: Vec<u8> = Vec::new();
        let mut piece = [0; PIECE];
        let mut is_open = true;
        let late = tokio::time::sleep_until(deadline.unwrap_or_else(|| Instant::now() + FAR));
        tokio::pin!(late);
        let result = loop {
            tokio::select! {
                result = &mut writing => break result.map_err(|error| error.to_string()),
                read = reader.read(&mut piece), if is_open && early.len() < MOST_EARLY => match read {
                    Ok(length) if length > 0 => early.extend_from_slice(&piece[..length]),
                    _ => is_open = false,
                },
                () = &mut late => break Err("the server takes no more octets".into()),
            }
        };
        if !early.is_empty() {
            self.feed(Input::Bytes(&early));
        }
        if let Err(why) = result {
            self.feed(Input::Broken(why));
        }
    }

    async fn begin_tls(&mut self) {
        let Wire::Plain(stream) = std::mem::replace(&mut self.wire, Wire::Gone) else {
            return self.feed(Input::TlsFailed("TLS is on already".into()));
        };
        let deadline = self.client.deadline().map(|deadline| self.started + deadline);
        let deadline = deadline.unwrap_or_else(|| Instant::now() + FAR);
        let handshake = tokio::time::timeout_at(deadline, self.handshake(stream));
        match handshake.await {
            Ok(Ok((stream, facts))) => {
                self.wire = Wire::Tls(Box::new(stream));
                self.feed(Input::TlsStarted(facts));
            }
            Ok(Err(why)) => self.feed(Input::TlsFailed(why)),
            Err(_) => self.feed(Input::Time),
        }
    }

    async fn handshake(
        &self,
        stream: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, TlsFacts), String> {
        let is_demanded = self.server.security != Security::IfOffered;
        let elsewhere = !self.server.host.is_this_machine();
        let is_verified = self.server.verify.unwrap_or(is_demanded && elsewhere);
        let config = if is_verified {
            self.tls.verified().map_err(|error| error.to_string())?
        } else {
            self.tls.anybody()
        };
        let host = self.server.host.to_string();
        let mut host = host.trim_matches(['[', ']']).to_owned();
        // An address cannot be asked for in the handshake, and a client that asks for nothing is told so.
        if !elsewhere && !is_verified && host.parse::<std::net::IpAddr>().is_ok() {
            "localhost".clone_into(&mut host);
        }
        let name = ServerName::try_from(host.clone()).map_err(|error| error.to_string())?;
        let stream = TlsConnector::from(config).connect(name, stream).await;
        let stream = stream.map_err(|error| error.to_string())?;
        let (_, connection) = stream.get_ref();
        let version = connection.protocol_version().and_then(|v| v.as_str()).unwrap_or("TLS");
        let suite = connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
        let facts = TlsFacts {
            version: version.replace("TLSv1_", "TLSv1."),
            cipher: suite.unwrap_or("unknown").to_owned(),
            sni: Some(host).filter(|host| host.parse::<std::net::IpAddr>().is_err()),
            alpn: Vec::new(),
        };
        Ok((stream, facts))
    }

    /// Files the session with what was said.
    fn file(&mut self) {
        let client = &self.client;
        let transcript = client.transcript();
        let auth = client.login().map(|(user, mechanism)| AuthRecord {
            user: user.to_owned(),
            mechanism: mechanism.to_owned(),
            secret: None,
        });
        let ended = client.ended().unwrap_or("the connection was given up");
        let code = if ended == "closed after QUIT" { "quit" } else { "broken" };
        self.store.outbound_ended(SessionRecord {
            id: self.session,
            direction: "outbound".to_owned(),
            door: self.label.clone(),
            peer: self.peer,
            local: self.local,
            connected_at: self.connected_at,
            ended_at: Some(OffsetDateTime::now_utc()),
            hello: Some(HelloRecord { name: client.hello_name().to_owned(), extended: true }),
            tls: client.tls().map(TlsRecord::from),
            auth,
            messages: client.mails(),
            transactions: std::mem::take(&mut self.transactions),
            last_refusal: None,
            notes: Vec::new(),
            findings: Vec::new(),
            ended: Some(EndedRecord { code: code.to_owned(), text: ended.to_owned() }),
            transcript: Some(transcript.lines().map(LineRecord::from).collect()),
            omitted_lines: Some(transcript.omitted()),
        });
    }
}

/// Longer than anybody waits.
const FAR: std::time::Duration = std::time::Duration::from_hours(1);
/// Octets that are heard while a message is written; more waits.
const MOST_EARLY: usize = 64 * 1024;

fn begun(mail: &Mail) -> TransactionRecord {
    let paths = mail.recipients.iter().map(|recipient| recipient.path.to_string());
    TransactionRecord {
        reverse_path: mail.reverse_path.to_string(),
        forward_paths: paths.take(REMEMBERED).collect(),
        recipients: mail.recipients.len(),
        size: (mail.head.len() + mail.bytes.len()) as u64,
        verdict: "abandoned".to_owned(),
        message: None,
        reply: None,
    }
}
