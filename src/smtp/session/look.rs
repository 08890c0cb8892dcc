//! What the shell, and the people who look at a session, ask of it.

use super::super::auth::Identity;
use super::super::command::{self, Verb};
use super::super::policy::Policy;
use super::super::transcript::{Note, Transcript};
use super::{Awaiting, Ended, Refusal, Session, State, TlsFacts, Transaction};
use std::sync::Arc;
use std::time::Duration;

impl Session {
    /// Whether the session would use bytes now. While it waits for the shell it would not, and
    /// whoever reads from the client should leave the bytes where they are.
    #[must_use]
    pub fn wants_bytes(&self) -> bool {
        match &self.state {
            _ if self.paused => false,
            State::AwaitingShell(awaiting) => {
                matches!(awaiting, Awaiting::Greeting | Awaiting::Nothing)
            }
            State::Closed => false,
            _ => true,
        }
    }

    /// Whether commands are left from a long pipeline: [`super::Input::Turn`] goes on with them, when
    /// the replies so far are sent.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused && !matches!(self.state, State::Closed | State::AwaitingShell(_))
    }

    /// Whether a mail transaction is going on.
    #[must_use]
    pub fn in_transaction(&self) -> bool {
        matches!(
            self.state,
            State::InTransaction(_)
                | State::ReceivingData(_)
                | State::ReceivingChunk(_)
                | State::AwaitingShell(Awaiting::Store)
        )
    }

    /// The door's policy.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Who has logged in.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Whether it has ended as it should, with nothing refused last.
    #[must_use]
    pub fn went_well(&self) -> bool {
        self.last_refusal.is_none()
            && matches!(self.ended, Some(Ended::Quit | Ended::ClosedByClient))
    }

    /// TLS, if it is on.
    #[must_use]
    pub fn tls(&self) -> Option<&Arc<TlsFacts>> {
        self.tls.as_ref()
    }

    /// The name that the client gave itself, and whether by EHLO.
    #[must_use]
    pub fn hello(&self) -> Option<(&str, bool)> {
        self.hello.as_ref().map(|hello| (&*hello.name, hello.extended))
    }

    /// The first mail transactions, in order.
    #[must_use]
    pub fn transactions(&self) -> &[Transaction] {
        &self.transactions
    }

    /// What was noted about the message that is coming, or came last: from its MAIL on, each once.
    #[must_use]
    pub fn notes_of_message(&self) -> &[Note] {
        &self.message_notes
    }

    /// How many messages were sent to their end, also those beyond the ones remembered.
    #[must_use]
    pub fn messages(&self) -> u32 {
        self.transaction_count
    }

    /// The last command that was refused.
    #[must_use]
    pub fn last_refusal(&self) -> Option<&Refusal> {
        self.last_refusal.as_ref()
    }

    /// What was said.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// Rises with everything that may be a mistake of the client, and when the session ends.
    #[must_use]
    pub fn remarks(&self) -> u32 {
        self.remarks
    }

    /// Whether STARTTLS was taken away by a fault, as somebody between client and server can.
    #[must_use]
    pub fn starttls_was_hidden(&self) -> bool {
        self.starttls_hidden
    }

    /// Whether AUTH was taken away by a fault, or a mechanism of it.
    #[must_use]
    pub fn auth_was_hidden(&self) -> bool {
        self.auth_hidden
    }

    /// Whether the fault of that line decided what the client heard: not one that only slows or hides something.
    #[must_use]
    pub fn fault_answered(&self, line: usize) -> bool {
        self.slowed.binary_search(&line).is_err()
    }

    /// Takes what the client still sends although it was told 421. What was on its way already is no mistake:
    /// a client that pipelines is believed to have sent it before it could know. True where it is one.
    pub fn heard_after_end(&mut self, octets: &[u8], now: Duration) -> bool {
        let told = matches!(self.ended, Some(Ended::ClosedByServer { code: 421 }));
        let (verb, _) = command::split(octets.trim_ascii_end());
        let goes_on = command::rule(verb).is_some_and(|rule| rule.verb != Verb::Quit);
        let is_mistake = told && goes_on && !self.has_pipelined;
        if is_mistake {
            self.clock.now = now;
            // One is enough.
            self.has_pipelined = true;
            self.note(Note::CommandAfter421);
        }
        is_mistake
    }

    /// Octets of input that wait to be used.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether mail data is coming in, so that reading in large pieces pays.
    #[must_use]
    pub fn is_receiving(&self) -> bool {
        matches!(self.state, State::ReceivingData(_) | State::ReceivingChunk(_))
    }

    /// Octets of memory that it holds beside the message it is receiving.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.transcript.memory()
            + self.transactions.iter().map(Transaction::memory).sum::<usize>()
            + self.message_notes.capacity() * size_of::<Note>()
            + self.pending.capacity()
            + self.tls.as_ref().map_or(0, |facts| facts.memory())
            + self.hello.as_ref().map_or(0, |hello| hello.name.len())
            + self.identity.as_ref().map_or(0, |identity| {
                identity.user.len() + identity.secret.as_ref().map_or(0, |secret| secret.len())
            })
    }
}
