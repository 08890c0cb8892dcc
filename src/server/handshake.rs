//! TLS begins: at STARTTLS, or with the first octet. What comes in its place is named and refused.

use super::connection::Connection;
use super::is_stopping;
use super::transport::{TLS_HANDSHAKE, TlsFailure, in_words};
use crate::smtp::client_hello::is_proxy_header;
use crate::smtp::misbehave::TlsFault;
use crate::smtp::policy::TlsMode;
use crate::smtp::{ClientHello, Input, Note, TlsFacts};
use crate::tls::Flaw;
use rustls::{AlertDescription, ServerConfig};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::ReadBuf;
use tokio::time::Instant;

/// Silence after which a client on an implicit-TLS door is named.
const SILENCE: Duration = Duration::from_secs(3);
/// Silence that is more than a look at the port.
const GLANCE: Duration = Duration::from_millis(500);

impl Connection<'_> {
    pub(super) async fn start_tls(&mut self, fault: Option<TlsFault>) {
        // One that was accepted while the server began to stop is in no list of those to be told.
        if is_stopping(self.shared) {
            return self.tell_of_stop();
        }
        let implicit = self.door.policy.tls == TlsMode::Implicit;
        let Some(deadline) = self.entry.session().deadline() else { return };
        let deadline = self.started + deadline;
        let entry = Arc::clone(&self.entry);
        let handshake = async {
            if implicit {
                self.first_octet_is_tls().await?;
            }
            let flaw = match fault {
                None => return self.accept(Arc::clone(&self.shared.tls), None).await,
                Some(TlsFault::Refuse) => {
                    self.transport.refuse_tls().await;
                    return Err("refused, as a fault asked for".into());
                }
                Some(TlsFault::Stall) => {
                    self.swallow().await;
                    return Err("left unanswered, as a fault asked for".into());
                }
                Some(TlsFault::Expired) => Flaw::Expired,
                Some(TlsFault::SelfSigned) => Flaw::SelfSigned,
                Some(TlsFault::WrongHost) => Flaw::WrongHost,
            };
            self.accept(self.shared.flawed.config(flaw)?, Some(flaw)).await
        };
        let input = tokio::select! {
            result = handshake => match result {
                Ok(facts) => Input::TlsStarted(facts),
                Err(why) => Input::TlsFailed(why),
            },
            () = tokio::time::sleep_until(deadline) => Input::Time,
            () = entry.stop.notified() => Input::Shutdown,
        };
        self.feed(input);
    }

    /// Does the handshake, and notes what the client thinks of the certificate.
    async fn accept(
        &mut self,
        config: Arc<ServerConfig>,
        flaw: Option<Flaw>,
    ) -> Result<TlsFacts, String> {
        let mut beginning = [0; 2048];
        let length = self.transport.peek(&mut beginning).await;
        let hello = ClientHello::read(&beginning[..length]);
        let result = self.transport.accept_tls(config).await;
        let asked = match &result {
            Ok(facts) => facts.sni.clone(),
            Err(_) => hello.as_ref().and_then(|hello| hello.server_name.clone()),
        };
        // Without a name a client judges by the address, if it judges at all.
        let host = asked.unwrap_or_else(|| self.entry.local.ip().to_canonical().to_string());
        let flawed = &self.shared.flawed;
        let (is_for, is_over) = (flawed.is_for(flaw, &host), flawed.is_over(flaw));
        match &result {
            Ok(_) => {
                if !is_for {
                    self.feed(Input::Noticed(Note::OtherNameAsked));
                }
                if is_over {
                    self.feed(Input::Noticed(Note::CertificateIsOver));
                }
            }
            Err(failure) => {
                if let Some(note) = blamed(failure, hello.as_ref(), is_for, is_over) {
                    self.feed(Input::Noticed(note));
                }
            }
        }
        result.map_err(|failure| failure.why)
    }

    /// Reads what comes and answers nothing, until the client goes.
    async fn swallow(&mut self) {
        let mut piece = [0; 1024];
        loop {
            let mut read = ReadBuf::new(&mut piece);
            let result = std::future::poll_fn(|cx| self.transport.poll_read(cx, &mut read)).await;
            if result.is_err() || read.filled().is_empty() {
                return;
            }
        }
    }

    /// On an implicit-TLS door: whether the client knows. One that waits for a greeting is named
    /// after a while, without a byte on the wire.
    async fn first_octet_is_tls(&mut self) -> Result<(), String> {
        let began = Instant::now();
        let silence = tokio::time::sleep(SILENCE);
        tokio::pin!(silence);
        let mut silent = false;
        let first = loop {
            tokio::select! {
                first = self.transport.first_octet() => break first,
                () = &mut silence, if !silent => {
                    silent = true;
                    self.feed(Input::Noticed(Note::SilentOnTlsPort));
                }
            }
        };
        match first {
            Ok(Some(TLS_HANDSHAKE)) => Ok(()),
            Ok(Some(_)) => {
                let mut beginning = [0; 16];
                let length = self.transport.peek(&mut beginning).await;
                if is_proxy_header(&beginning[..length]) {
                    self.feed(Input::Noticed(Note::ProxyHeader));
                }
                self.feed(Input::Noticed(Note::PlainOnTlsPort));
                Err("the client began in the clear".into())
            }
            Ok(None) => {
                // It waited for a greeting, with less patience than ours; a port scan does not wait.
                if !silent && began.elapsed() > GLANCE {
                    self.feed(Input::Noticed(Note::SilentOnTlsPort));
                }
                Err("the client closed the connection without a word".into())
            }
            Err(error) => Err(in_words(&error)),
        }
    }
}

/// What a handshake that failed says of the client. Libraries that dislike a certificate say so precisely, or
/// vaguely, or leave; then it is the certificate that tells what they cannot have liked.
fn blamed(
    failure: &TlsFailure,
    hello: Option<&ClientHello>,
    is_for: bool,
    is_over: bool,
) -> Option<Note> {
    if hello.is_some_and(ClientHello::is_too_old) {
        return Some(Note::TlsTooOld);
    }
    match failure.alert {
        Some(AlertDescription::UnknownCA) => Some(Note::CertificateNotTrusted),
        Some(AlertDescription::CertificateExpired) => Some(Note::CertificateExpired),
        Some(AlertDescription::BadCertificate | AlertDescription::CertificateUnknown) => {
            Some(by_certificate(is_for, is_over))
        }
        None if failure.client_left && hello.is_some() => Some(by_certificate(is_for, is_over)),
        _ => None,
    }
}

fn by_certificate(is_for: bool, is_over: bool) -> Note {
    match (is_over, is_for) {
        (true, _) => Note::CertificateExpired,
        (false, false) => Note::CertificateNameMismatch,
        (false, true) => Note::CertificateNotTrusted,
    }
}
