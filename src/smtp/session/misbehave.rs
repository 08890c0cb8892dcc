//! A session that misbehaves on request. What it does stands in the transcript; whoever asks for
//! nothing gets nothing.

use super::super::command::{Rule, Verb};
use super::super::misbehave::{HangUp, Misdeed, Occasion, Point, TlsFault};
use super::super::replies;
use super::super::reply::Reply;
use super::super::transcript::Kind;
use super::{Action, Awaiting, Ended, Session, State, Verdict};
use crate::mail::{Envelope, Recipient};
use std::sync::Arc;

/// Octets of a message's head that are remembered until its 250 is due.
const LONGEST_HEAD: usize = 64 * 1024;

/// What is known of a transaction when it is asked about.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    hello: Option<String>,
    user: Option<String>,
    reverse_path: Option<String>,
    forward_paths: Vec<String>,
    recipients: usize,
    size: Option<u64>,
}

impl About {
    pub(super) fn hello(name: &[u8]) -> Self {
        Self { hello: Some(String::from_utf8_lossy(name).into_owned()), ..Self::default() }
    }

    pub(super) fn user(name: Option<&str>) -> Self {
        Self { user: name.map(str::to_owned), ..Self::default() }
    }

    pub(super) fn envelope(envelope: &Envelope) -> Self {
        let paths = envelope.forward_paths.iter().map(|one| one.path.text());
        Self {
            reverse_path: Some(envelope.reverse_path.text()),
            forward_paths: paths.collect(),
            recipients: envelope.forward_paths.len(),
            size: envelope.declared_size,
            ..Self::default()
        }
    }
}

impl Session {
    /// Whether anybody has a word to say at this moment.
    pub(super) fn is_asked(&self, point: Point) -> bool {
        self.context.faults.as_ref().is_some_and(|faults| faults.cares(point))
    }

    /// Asks whether to misbehave now. What is to be done about the next reply is remembered; the caller has to
    /// stop where the answer [refuses](Misdeed::refuses).
    fn ask(&mut self, point: Point, about: &About, message: Option<&[u8]>) -> Option<&Misdeed> {
        let faults = self.context.faults.clone()?;
        let hello = self.hello.as_ref().map(|hello| &*hello.name);
        let misdeed = faults.ask(&Occasion {
            point,
            door: &self.policy.door,
            peer: self.context.peer,
            hello: about.hello.as_deref().or(hello),
            user: about.user.as_deref().or(self.identity.as_ref().map(|one| &*one.user)),
            encrypted: self.tls.is_some(),
            reverse_path: about.reverse_path.as_deref(),
            forward_paths: &about.forward_paths,
            recipients: about.recipients,
            size: about.size,
            message,
        })?;
        let line = self.transcript.len();
        self.record(Kind::Fault, |out| out.extend(format!("fault: {}", misdeed.name).as_bytes()));
        if !misdeed.answers() && self.transcript.len() > line {
            self.slowed.push(line);
        }
        if !misdeed.hide.is_empty() {
            let offered = self.policy.offers_starttls(self.standing());
            let mechanisms = self.policy.offered_mechanisms().count();
            Arc::make_mut(&mut self.policy).hide(&misdeed.hide);
            self.starttls_hidden |= offered && !self.policy.offers_starttls(self.standing());
            self.auth_hidden |= self.policy.offered_mechanisms().count() < mechanisms;
        }
        // What is asked for at the end of the data holds when the message is kept, too.
        let misdeed = match self.misdeed.take() {
            Some(before) => before.and(misdeed),
            None => misdeed,
        };
        Some(self.misdeed.insert(Box::new(misdeed)))
    }

    fn ask_and_stop(
        &mut self,
        point: Point,
        about: &About,
        message: Option<&[u8]>,
    ) -> Result<(), Reply> {
        match self.ask(point, about, message) {
            Some(misdeed) if misdeed.refuses() => {
                // Where nothing is to be sent, this one never leaves `reply`.
                Err(misdeed.reply.clone().unwrap_or(replies::NO_REPLY))
            }
            _ => Ok(()),
        }
    }

    /// Asks before something is done: the reply to refuse it with, where it is refused.
    pub(super) fn ask_before(
        &mut self,
        point: Point,
        about: impl FnOnce() -> About,
    ) -> Result<(), Reply> {
        if self.is_asked(point) { self.ask_and_stop(point, &about(), None) } else { Ok(()) }
    }

    /// Asks before a verb is carried out of which nothing needs to be read first.
    pub(super) fn ask_before_verb(&mut self, rule: &Rule, argument: &[u8]) -> Result<(), Reply> {
        match rule.verb {
            // These are asked about when it is known that they would be taken.
            Verb::Auth | Verb::Mail | Verb::Rcpt | Verb::Data | Verb::Bdat => Ok(()),
            Verb::Ehlo => self.ask_before(Point::Ehlo, || About::hello(argument)),
            Verb::Helo => self.ask_before(Point::Other(rule.name), || About::hello(argument)),
            _ => self.ask_before(Point::Other(rule.name), About::default),
        }
    }

    /// Asks before a recipient is taken.
    pub(super) fn ask_before_recipient(&mut self, recipient: &Recipient) -> Result<(), Reply> {
        let Some(faults) = &self.context.faults else { return Ok(()) };
        let State::InTransaction(open) = &self.state else { return Ok(()) };
        if !faults.cares(Point::Rcpt) && !faults.is_magic(&recipient.path) {
            return Ok(());
        }
        let about = About {
            reverse_path: Some(open.envelope.reverse_path.text()),
            forward_paths: vec![recipient.path.text()],
            recipients: open.envelope.forward_paths.len() + 1,
            size: open.envelope.declared_size,
            ..About::default()
        };
        self.ask_and_stop(Point::Rcpt, &about, None)
    }

    /// Asks before a message is kept; what is known of it is remembered for the moment after.
    pub(super) fn ask_before_keeping(
        &mut self,
        envelope: &Envelope,
        message: &[u8],
    ) -> Result<(), Reply> {
        // One that could not be kept has left its own.
        self.to_be_kept = None;
        let Some(faults) = &self.context.faults else { return Ok(()) };
        let asked = faults.cares(Point::EndOfData) || faults.is_triggered(message);
        if !asked && !faults.cares(Point::Kept) {
            return Ok(());
        }
        // How large it is, not how large it was said to be.
        let about = About { size: Some(message.len() as u64), ..About::envelope(envelope) };
        let result =
            if asked { self.ask_and_stop(Point::EndOfData, &about, Some(message)) } else { Ok(()) };
        let head = memchr::memmem::find(message, b"\r\n\r\n").map_or(message.len(), |at| at + 2);
        let head = message[..head.min(LONGEST_HEAD)].to_vec();
        self.to_be_kept = Some(Box::new((about, head)));
        result
    }

    /// Asks when a message is kept and its 250 is due, which can be changed, held back or left out.
    pub(super) fn ask_when_kept(&mut self) {
        if let Some(kept) = self.to_be_kept.take() {
            let (about, head) = *kept;
            self.ask(Point::Kept, &about, Some(&head));
        }
    }

    /// The reply to an error, which is another one when there have been too many.
    pub(super) fn counted(&mut self, reply: Reply) -> Reply {
        // Refused because it was asked for, which is no error of the client.
        if self.misdeed.as_ref().is_some_and(|misdeed| misdeed.refuses()) {
            return reply;
        }
        self.errors += u32::from(reply.code() >= 500);
        let too_many = reply.code() >= 500 && self.errors >= self.policy.limits.errors;
        if too_many { replies::TOO_MANY_ERRORS } else { reply }
    }

    /// Whether the message at hand is only to be answered as if it were kept.
    pub(super) fn is_to_be_lost(&self) -> bool {
        self.misdeed.as_ref().is_some_and(|misdeed| misdeed.lose)
    }

    /// Whether the reply that is due never reaches the client.
    pub(super) fn says_nothing(&self) -> bool {
        self.misdeed.as_ref().is_some_and(|misdeed| {
            misdeed.silent || misdeed.hang_up.is_some_and(|hang_up| !hang_up.after_reply)
        })
    }

    /// What is to go wrong in the handshake that is about to begin. It does not begin where the session
    /// has ended or fallen silent by then.
    pub(super) fn ask_before_tls(&mut self, actions: &mut Vec<Action>) -> Option<TlsFault> {
        if !self.is_asked(Point::Tls) {
            return None;
        }
        let fault = self.ask(Point::Tls, &About::default(), None).and_then(|misdeed| misdeed.tls);
        self.without_reply(actions);
        fault
    }

    /// The connection stands: whether the session goes on as it should.
    pub(super) fn goes_on_after_connect(&mut self, actions: &mut Vec<Action>) -> bool {
        if self.is_asked(Point::Connect) {
            self.ask(Point::Connect, &About::default(), None);
            self.without_reply(actions);
        }
        !self.is_lost()
    }

    /// Whether the session has ended, or says nothing any more.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.state, State::Closed | State::AwaitingShell(Awaiting::Nothing))
    }

    /// What a misdeed does where there is no reply that it could change.
    fn without_reply(&mut self, actions: &mut Vec<Action>) {
        let Some(misdeed) = self.misdeed.take() else { return };
        if let Some(rate) = misdeed.rate {
            actions.push(Action::Rate(rate));
        }
        self.pause_for(&misdeed, actions);
        if misdeed.silent {
            self.fall_silent(actions);
        } else if let Some(hang_up) = misdeed.hang_up {
            self.hang_up(hang_up, actions);
        }
    }

    /// Sends a reply as badly as was asked for.
    pub(super) fn reply_badly(
        &mut self,
        misdeed: Misdeed,
        reply: Reply,
        actions: &mut Vec<Action>,
    ) {
        if let Some(rate) = misdeed.rate {
            actions.push(Action::Rate(rate));
        }
        self.pause_for(&misdeed, actions);
        if misdeed.silent {
            return self.fall_silent(actions);
        }
        match misdeed.hang_up {
            Some(hang_up) if !hang_up.after_reply => return self.hang_up(hang_up, actions),
            _ => {}
        }
        // A real refusal is the truth, and stands.
        let instead = misdeed.reply.filter(|instead| instead.is_refusal() || !reply.is_refusal());
        if let Some(pace) = misdeed.pace {
            actions.push(Action::Pace(Some(pace)));
        }
        match misdeed.garbage {
            Some(octets) => {
                self.record(Kind::Server, |out| out.extend(octets.trim_ascii_end()));
                self.clock.command_begins();
                actions.push(Action::Garbage(octets));
            }
            None => self.say(instead.unwrap_or(reply), actions),
        }
        if misdeed.pace.is_some() {
            actions.push(Action::Pace(None));
        }
        if let Some(hang_up) = misdeed.hang_up {
            self.hang_up(hang_up, actions);
        }
    }

    fn pause_for(&mut self, misdeed: &Misdeed, actions: &mut Vec<Action>) {
        if let Some(pause) = misdeed.pause {
            self.clock.pauses(pause);
            actions.push(Action::Pause(pause));
        }
    }

    /// Takes what comes and says nothing, until the client or the session's time is at its end.
    fn fall_silent(&mut self, actions: &mut Vec<Action>) {
        self.forget_transaction();
        self.pending = Vec::new();
        self.state = State::AwaitingShell(Awaiting::Nothing);
        actions.retain(|action| !matches!(action, Action::StartTls(_)));
    }

    fn hang_up(&mut self, hang_up: HangUp, actions: &mut Vec<Action>) {
        // A handshake that was to follow the reply does not.
        actions.retain(|action| !matches!(action, Action::StartTls(_)));
        if hang_up.reset {
            actions.push(Action::Reset);
        }
        self.end(Ended::Fault, actions);
    }

    fn forget_transaction(&mut self) {
        if let State::InTransaction(open) = std::mem::replace(&mut self.state, State::Connected) {
            self.remember(&open.envelope, 0, Verdict::Abandoned);
        }
    }
}
