//! Plays a dialogue over real sockets, with real TLS. Where time passes in it, the door's
//! deadlines are made shorter by one factor, and the waiting with them.

use super::compute::Client;
use super::parse::{Dialogue, Step};
use super::play::{Kept, at, check_stored, config, door, has_struck, scenario};
use doorpost::Doorpost;
use doorpost::smtp::Transcript;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long the longest wait of a dialogue really takes; all its times shrink with it.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How much of a wait is slept when nothing is to happen in it, so that a busy machine is not
/// late for it.
const SAFELY_BEFORE: f64 = 0.8;
/// Silence is believed after this.
const QUIET: Duration = Duration::from_millis(60);
/// A reply that does not come within this, on a machine with other things to do, is missing.
const PATIENCE: Duration = Duration::from_secs(30);

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

struct Line {
    doorpost: Arc<Doorpost>,
    stream: Option<Box<dyn Stream>>,
    received: Vec<u8>,
    ended: bool,
    faster: f64,
}

pub async fn play(dialogue: &Dialogue) -> Result<(), String> {
    let fail = |line: usize, error: String| at(dialogue, line, &error);
    let mut config = config(dialogue).map_err(|e| fail(1, e))?;
    let waits = dialogue.steps.iter().filter_map(|(_, step)| match step {
        Step::Wait(time) => Some(*time),
        _ => None,
    });
    let faster = waits.max().map_or(1.0, |longest| longest.div_duration_f64(LONGEST_WAIT)).max(1.0);
    if faster > 1.0 {
        let deadlines = &mut door(&mut config, dialogue).map_err(|e| fail(1, e))?.deadlines;
        for time in [
            &mut deadlines.command,
            &mut deadlines.data,
            &mut deadlines.session,
            &mut deadlines.greeting_delay,
            &mut deadlines.grace,
        ] {
            *time = time.div_f64(faster);
        }
    }
    let doorpost =
        Doorpost::builder().config(config).start().await.map_err(|e| fail(1, e.to_string()))?;
    doorpost.faults().set(None, scenario(dialogue).map_err(|e| fail(1, e))?);
    let address =
        doorpost.door(&dialogue.door).ok_or_else(|| fail(1, "no such door".into()))?.addresses[0];
    let stream = TcpStream::connect(address).await.map_err(|e| fail(1, e.to_string()))?;
    let mut line = Line {
        doorpost: Arc::new(doorpost),
        stream: Some(Box::new(stream)),
        received: Vec::new(),
        ended: false,
        faster,
    };
    let mut client = Client::default();
    for (n, (number, step)) in dialogue.steps.iter().enumerate() {
        let next_is_reply = matches!(dialogue.steps.get(n + 1), Some((_, Step::Expect(_))));
        line.step(step, next_is_reply, &mut client).await.map_err(|e| fail(*number, e))?;
    }
    Ok(())
}

impl Line {
    async fn step(
        &mut self,
        step: &Step,
        next_is_reply: bool,
        client: &mut Client,
    ) -> Result<(), String> {
        match step {
            Step::Send(pieces) => {
                let octets = client.octets(pieces)?;
                let stream = self.stream.as_mut().ok_or("the stream is gone")?;
                // The server may close before it has read everything; the next steps tell.
                let _ = stream.write_all(&octets).await;
                let _ = stream.flush().await;
                Ok(())
            }
            Step::Expect(pattern) => {
                let reply = self.reply().await?;
                if let Some(challenge) = reply[0].strip_prefix("334 ") {
                    client.challenge = challenge.to_owned();
                }
                pattern.check(&reply)
            }
            Step::Silence => self.silence(QUIET).await,
            Step::Handshake => self.handshake().await,
            // A reply that is due at the end of the wait is waited for, as long as it takes.
            Step::Wait(_) if next_is_reply => Ok(()),
            Step::Wait(time) => {
                tokio::time::sleep(time.div_f64(self.faster).mul_f64(SAFELY_BEFORE)).await;
                Ok(())
            }
            Step::Open => {
                self.silence(QUIET).await?;
                if self.ended { Err("the server has closed".into()) } else { Ok(()) }
            }
            Step::Closed => self.closed().await,
            Step::Eof => self
                .stream
                .as_mut()
                .ok_or("the stream is gone")?
                .shutdown()
                .await
                .map_err(|e| e.to_string()),
            Step::Shutdown => {
                let doorpost = Arc::clone(&self.doorpost);
                tokio::spawn(async move { doorpost.stop().await });
                Ok(())
            }
            Step::User(name) => {
                let sessions = self.doorpost.sessions();
                let session = sessions.last().ok_or("no session")?.session();
                match session.identity() {
                    Some(identity) if *identity.user == **name => Ok(()),
                    other => Err(format!("expected {name}, got {other:?}")),
                }
            }
            Step::Note(code) => {
                let has =
                    |transcript: &Transcript| transcript.notes().any(|note| note.code() == code);
                self.seen(has).await.map_err(|()| format!("no note {code}"))
            }
            Step::Finding(code) => {
                for _ in 0..100 {
                    let sessions = self.doorpost.sessions();
                    let all = sessions.iter().flat_map(|entry| entry.findings());
                    if all.into_iter().any(|found| found.code == *code) {
                        return Ok(());
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(format!("no finding {code}"))
            }
            Step::NoFinding => {
                let sessions = self.doorpost.sessions();
                let all: Vec<_> = sessions.iter().flat_map(|entry| entry.findings()).collect();
                if all.is_empty() { Ok(()) } else { Err(format!("found {all:?}")) }
            }
            Step::Fault(name) => {
                let has = |transcript: &Transcript| has_struck(transcript, name);
                self.seen(has).await.map_err(|()| format!("no fault {name:?}"))
            }
            Step::Stored(key, wanted) => check_stored(&self.kept(), key, wanted),
        }
    }

    fn kept(&self) -> Vec<Kept> {
        let kept = |message: doorpost::storage::Message| Kept {
            envelope: message.envelope().clone(),
            bytes: message.bytes().to_vec(),
            user: message.arrival().auth_user.as_deref().map(str::to_owned),
        };
        self.doorpost.messages().into_iter().map(kept).collect()
    }

    /// The transcript is written by the server's side, which may be a moment behind.
    async fn seen(&self, has: impl Fn(&Transcript) -> bool) -> Result<(), ()> {
        for _ in 0..100 {
            if self.doorpost.sessions().iter().any(|entry| has(entry.session().transcript())) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(())
    }

    async fn fill(&mut self, patience: Duration) -> Result<bool, String> {
        let stream = self.stream.as_mut().ok_or("the stream is gone")?;
        match timeout(patience, stream.read_buf(&mut self.received)).await {
            Err(_) => Ok(false),
            // A reset is an end as well.
            Ok(Ok(0) | Err(_)) => {
                self.ended = true;
                Ok(true)
            }
            Ok(Ok(_)) => Ok(true),
        }
    }

    async fn reply(&mut self) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        loop {
            while let Some(end) = self.received.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.received.drain(..end + 2).collect();
                let line = String::from_utf8_lossy(&line[..end]).into_owned();
                let is_last = line.as_bytes().get(3) != Some(&b'-');
                lines.push(line);
                if is_last {
                    return Ok(lines);
                }
            }
            if self.ended {
                return Err("the server closed instead of a reply".into());
            }
            if !self.fill(PATIENCE).await? {
                return Err("no reply".into());
            }
        }
    }

    async fn silence(&mut self, time: Duration) -> Result<(), String> {
        if self.received.is_empty() && !self.ended {
            self.fill(time).await?;
        }
        if self.received.is_empty() {
            return Ok(());
        }
        Err(format!("expected silence, got {:?}", String::from_utf8_lossy(&self.received)))
    }

    async fn closed(&mut self) -> Result<(), String> {
        while self.received.is_empty() && !self.ended {
            if !self.fill(PATIENCE).await? {
                return Err("the server does not close".into());
            }
        }
        if self.received.is_empty() {
            return Ok(());
        }
        Err(format!("expected the end, got {:?}", String::from_utf8_lossy(&self.received)))
    }

    async fn handshake(&mut self) -> Result<(), String> {
        let config = self.doorpost.identity().client_config().map_err(|e| e.to_string())?;
        let stream = self.stream.take().ok_or("the stream is gone")?;
        let name = ServerName::try_from("localhost").map_err(|e| e.to_string())?;
        let tls =
            TlsConnector::from(config).connect(name, stream).await.map_err(|e| e.to_string())?;
        self.stream = Some(Box::new(tls));
        Ok(())
    }
}
