//! TLS begins: at STARTTLS, or with the first octet. What comes in its place is named and refused.

use super::connection::Connection;
use super::is_stopping;
use super::transport::{TLS_HANDSHAKE, in_words};
use crate::smtp::misbehave::TlsFault;
use crate::smtp::policy::TlsMode;
use crate::smtp::{Input, Note};
use crate::tls::Flaw;
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
                None => return self.transport.accept_tls(Arc::clone(&self.shared.tls)).await,
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
            self.transport.accept_tls(self.shared.flawed.config(flaw)?).await
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
