//! MAIL and RCPT: the envelope (RFC 5321 §4.1.1.2, §4.1.1.3).

use super::super::budget::Reservation;
use super::super::data::LineCheck;
use super::super::misbehave::Point;
use super::super::parameter::{read_mail, read_rcpt};
use super::super::policy::{AuthMode, Turned};
use super::super::replies;
use super::super::reply::Reply;
use super::misbehave::About;
use super::{Action, Open, Session, State, Verdict, Vouch};
use crate::mail::{Envelope, ForwardPath, PathError, Recipient, ReversePath};
use std::sync::Arc;

/// Octets of an envelope that are not charged to the memory for mail in flight.
const SMALL_ENVELOPE: usize = 8 * 1024;

impl Open {
    /// Octets of the envelope that are charged to the memory for mail in flight.
    pub(super) fn charged(&self) -> u64 {
        if self.weight <= SMALL_ENVELOPE { 0 } else { self.weight as u64 }
    }
}

impl Session {
    pub(super) fn mail(&mut self, argument: &[u8], actions: &mut Vec<Action>) -> Result<(), Reply> {
        if self.policy.auth == AuthMode::Required && self.identity.is_none() {
            return Err(replies::AUTH_REQUIRED);
        }
        if self.transaction_count >= self.policy.limits.transactions {
            return Err(replies::TOO_MANY_TRANSACTIONS);
        }
        let envelope = self.check_mail(argument)?;
        self.is_judged(None)?;
        self.ask_before(Point::Mail, || About::envelope(&envelope))?;
        self.state = State::InTransaction(Box::new(Open {
            weight: envelope.memory(),
            envelope,
            refused: 0,
            chunks: None,
            check: LineCheck::default(),
            chunk_failed: false,
            reservation: Reservation::new(&self.context.budget),
        }));
        self.reply(replies::SENDER_OK, actions);
        Ok(())
    }

    /// Asks whoever is strict.
    pub(super) fn is_judged(&self, message: Option<(&Envelope, &[u8])>) -> Result<(), Reply> {
        let judge = self.policy.judge.as_ref();
        judge.and_then(|judge| judge.judge(self, message)).map_or(Ok(()), Err)
    }

    fn check_mail(&self, argument: &[u8]) -> Result<Envelope, Reply> {
        let text = path_text(argument, "FROM:", &replies::MAIL_SYNTAX)?;
        let smtputf8 = asks_for_smtputf8(text);
        let text = utf8(text, smtputf8, &replies::BAD_REVERSE_PATH)?;
        let (path, rest) = ReversePath::parse_front(text)
            .map_err(|e| path_reply(e, replies::BAD_REVERSE_PATH, text, smtputf8))?;
        let mut envelope = Envelope::new(path);
        let extended = self.standing().extended;
        read_mail(rest, &self.policy, extended, &mut envelope)?;
        if let Some(mailbox) = envelope.reverse_path.mailbox() {
            if !mailbox.is_ascii() && !envelope.smtputf8 {
                return Err(replies::NEEDS_SMTPUTF8);
            }
            if self.policy.qualified_only && !mailbox.domain().is_qualified() {
                return Err(replies::UNQUALIFIED_SENDER);
            }
        }
        if let Some(identity) = &self.identity
            && !self.policy.directory.may_send_as(&identity.user, &envelope.reverse_path)
        {
            return Err(replies::SENDER_NOT_YOURS);
        }
        match envelope.declared_size {
            Some(size) if size > self.policy.limits.message_size => Err(replies::TOO_LARGE),
            Some(size) if size > self.context.budget.free() => Err(replies::NO_STORAGE),
            _ => Ok(envelope),
        }
    }

    /// Whether there is memory for one more recipient. A small envelope is not counted.
    fn has_room(open: &mut Open, recipient: &Recipient) -> bool {
        let weight = open.weight + recipient.memory();
        let has_room = weight <= SMALL_ENVELOPE || open.reservation.grow_to(weight as u64);
        if has_room {
            open.weight = weight;
        }
        has_room
    }

    pub(super) fn rcpt(&mut self, argument: &[u8], actions: &mut Vec<Action>) -> Result<(), Reply> {
        let checked = self.check_rcpt(argument).and_then(|recipient| {
            self.ask_before_recipient(&recipient)?;
            Ok(recipient)
        });
        let State::InTransaction(open) = &mut self.state else { return Err(replies::MAIL_FIRST) };
        match checked {
            Ok(recipient) if !Self::has_room(open, &recipient) => {
                open.refused += 1;
                Err(replies::NO_STORAGE)
            }
            Ok(recipient) => {
                let recipients = &mut open.envelope.forward_paths;
                // Most messages have one, and stay as long as they are kept.
                if recipients.is_empty() {
                    recipients.reserve_exact(1);
                }
                recipients.push(recipient);
                self.reply(replies::RECIPIENT_OK, actions);
                Ok(())
            }
            Err(reply) => {
                open.refused += 1;
                Err(reply)
            }
        }
    }

    /// Has somebody asked before a recipient is refused for its domain or its name.
    pub fn vouched_by(&mut self, vouch: Arc<dyn Vouch>) {
        self.vouch = Some(vouch);
    }

    fn check_rcpt(&self, argument: &[u8]) -> Result<Recipient, Reply> {
        let State::InTransaction(open) = &self.state else { return Err(replies::MAIL_FIRST) };
        if open.chunks.is_some() || open.chunk_failed {
            return Err(replies::MAIL_FIRST.with_text("The message has begun, no more recipients"));
        }
        let text = path_text(argument, "TO:", &replies::RCPT_SYNTAX)?;
        let smtputf8 = open.envelope.smtputf8;
        let text = utf8(text, smtputf8, &replies::BAD_FORWARD_PATH)?;
        let (path, rest) = ForwardPath::parse_front(text)
            .map_err(|e| path_reply(e, replies::BAD_FORWARD_PATH, text, smtputf8))?;
        let (notify, orcpt) = read_rcpt(rest, &self.policy, self.standing().extended, smtputf8)?;
        if let Some(mailbox) = path.mailbox() {
            if !mailbox.is_ascii() && !open.envelope.smtputf8 {
                return Err(replies::NEEDS_SMTPUTF8);
            }
            if self.policy.qualified_only
                && !mailbox.domain().is_qualified()
                && !path.is_postmaster()
            {
                return Err(replies::UNQUALIFIED_RECIPIENT);
            }
        }
        let judged =
            self.policy.recipients.judge(&path, self.context.peer, self.identity.is_some());
        if let Err(turned) = judged
            && !self.vouch.as_ref().is_some_and(|vouch| vouch.is_own())
        {
            return Err(match turned {
                Turned::Relay => replies::RELAY_DENIED,
                Turned::UnknownUser => replies::NO_SUCH_USER,
            });
        }
        if open.envelope.forward_paths.len() >= self.policy.limits.recipients as usize {
            return Err(replies::TOO_MANY_RECIPIENTS);
        }
        Ok(Recipient { path, notify, orcpt })
    }

    /// Leaves a transaction, if there is one; nothing of it can survive.
    pub(super) fn abandon_transaction(&mut self) {
        let next = if self.hello.is_some() { State::Identified } else { State::Connected };
        if let State::InTransaction(open) = std::mem::replace(&mut self.state, next) {
            self.remember(&open.envelope, 0, Verdict::Abandoned);
        }
    }
}

/// The text behind `FROM:` or `TO:`.
fn path_text<'a>(argument: &'a [u8], keyword: &str, syntax: &Reply) -> Result<&'a [u8], Reply> {
    let has_keyword = argument
        .get(..keyword.len())
        .is_some_and(|word| word.eq_ignore_ascii_case(keyword.as_bytes()));
    if has_keyword { Ok(&argument[keyword.len()..]) } else { Err(syntax.clone()) }
}

/// With SMTPUTF8 the octets were promised to be UTF-8; without it they may not be here at all.
fn utf8<'a>(text: &'a [u8], smtputf8: bool, bad_path: &Reply) -> Result<&'a str, Reply> {
    std::str::from_utf8(text).map_err(|_| match smtputf8 {
        true => bad_path.clone().with_text("The address is not valid UTF-8"),
        false => replies::NEEDS_SMTPUTF8,
    })
}

/// Whether MAIL's parameters ask for SMTPUTF8, seen before the path can be read.
fn asks_for_smtputf8(text: &[u8]) -> bool {
    let mut words = text.split(|b| *b == b' ').skip(1);
    words.any(|word| word.eq_ignore_ascii_case(b"SMTPUTF8"))
}

/// Says which rule the path breaks.
fn path_reply(error: PathError, bad_path: Reply, text: &str, smtputf8: bool) -> Reply {
    match error {
        PathError::NoBrackets if text.starts_with(' ') => {
            replies::MAIL_SYNTAX.with_text("No space may stand behind the colon")
        }
        PathError::NoBrackets => {
            replies::MAIL_SYNTAX.with_text("The address must stand between < and >")
        }
        // Not ASCII and not right either: the missing parameter is the first thing to mend.
        _ if !text.is_ascii() && !smtputf8 => replies::NEEDS_SMTPUTF8,
        other => bad_path.with_text(format!("Bad address: {other}")),
    }
}
