//! DATA and BDAT: the message comes in, and goes to the store (RFC 5321 §4.1.1.4, RFC 3030).

use super::super::budget::{Budget, Reservation};
use super::super::data::{DotReader, Progress, Receiving, Unclean};
use super::super::misbehave::Point;
use super::super::policy::BareLf;
use super::super::replies;
use super::super::reply::Reply;
use super::super::transcript::{Kind, Note};
use super::command::no_arguments;
use super::misbehave::About;
use super::{Action, Awaiting, Chunk, Data, Ended, Incoming, Open, Session, State, Verdict};
use crate::mail::{Body, Envelope};
use std::sync::Arc;

/// Octets over the limit that are swallowed for the sake of a reply at the right place.
const SWALLOWED: u64 = 1 << 30;

impl Session {
    pub(super) fn data(
        &mut self,
        argument: &[u8],
        more: bool,
        actions: &mut Vec<Action>,
    ) -> Result<(), Reply> {
        no_arguments(argument)?;
        let State::InTransaction(open) = &self.state else { return Err(replies::MAIL_FIRST) };
        if open.chunks.is_some() || open.chunk_failed {
            return Err(replies::DATA_AFTER_BDAT);
        }
        recipients_are_there(open)?;
        if open.envelope.body == Body::BinaryMime {
            return Err(replies::BINARY_NEEDS_BDAT);
        }
        if self.is_asked(Point::Data) {
            let about = About::envelope(&open.envelope);
            self.ask_before(Point::Data, || about)?;
        }
        if more {
            self.note(Note::DataBeforeReply);
        }
        self.reply(replies::SEND_DATA, actions);
        if self.is_lost() {
            return Ok(());
        }
        self.clock.data_begins();
        let (limit, budget) = (self.policy.limits.message_size, &self.context.budget);
        if let State::InTransaction(mut open) =
            std::mem::replace(&mut self.state, State::Identified)
        {
            let receiving = Self::receiving(&mut open, limit, budget, None);
            let reader = DotReader::new(self.policy.bare_lf == BareLf::Accept);
            let progress = Progress::new();
            self.state = State::ReceivingData(Box::new(Data {
                envelope: open.envelope,
                reader,
                receiving,
                progress,
            }));
        }
        Ok(())
    }

    /// Ready for the message of a transaction; the memory of its envelope goes along.
    fn receiving(
        open: &mut Open,
        limit: u64,
        budget: &Arc<Budget>,
        declared: Option<u64>,
    ) -> Receiving {
        let held = std::mem::replace(&mut open.reservation, Reservation::new(budget));
        let declared = open.envelope.declared_size.or(declared);
        Receiving::new(held, open.charged(), limit, declared)
    }

    pub(super) fn receive_data(&mut self, bytes: &[u8], actions: &mut Vec<Action>) -> usize {
        let State::ReceivingData(data) = &mut self.state else { return 0 };
        let Data { reader, receiving, progress, .. } = &mut **data;
        let used = reader.read(bytes, &mut |content| receiving.push(content));
        let moved = progress.completes_block(bytes);
        let received = receiving.received();
        match used {
            Some(used) => {
                if let State::ReceivingData(data) =
                    std::mem::replace(&mut self.state, State::Identified)
                {
                    self.data_ended(*data, actions);
                }
                used
            }
            None => {
                self.data_goes_on(moved, received, actions);
                bytes.len()
            }
        }
    }

    fn data_goes_on(&mut self, moved: bool, received: u64, actions: &mut Vec<Action>) {
        if moved {
            self.clock.block_is_complete();
        }
        if self.is_too_slow(received) {
            self.reply(replies::TIMEOUT, actions);
        }
    }

    fn data_ended(&mut self, data: Data, actions: &mut Vec<Action>) {
        let Data { envelope, reader, mut receiving, .. } = data;
        self.record_data(receiving.received(), "");
        self.refuse_unclean(reader.unclean(), &mut receiving);
        self.message_ended("DATA", envelope, receiving, actions);
    }

    /// Refuses a message that holds what lines of text cannot, unless the door takes it.
    fn refuse_unclean(&mut self, unclean: Unclean, receiving: &mut Receiving) {
        let Unclean { bare_lf, bare_cr, nul } = unclean;
        for (seen, note) in [(bare_lf, Note::BareLf), (bare_cr, Note::BareCr), (nul, Note::Nul)] {
            if seen {
                self.note(note);
            }
        }
        if self.policy.bare_lf == BareLf::Reject && unclean != Unclean::default() {
            let breaks = bare_lf || bare_cr;
            receiving.refuse(if breaks { replies::BARE_LINE_BREAK } else { replies::NUL_IN_DATA });
        }
    }

    fn record_data(&mut self, octets: u64, how: &str) {
        self.record(Kind::Data, |out| {
            out.extend(format!("{octets} octets of mail data{how}").as_bytes())
        });
    }

    fn message_ended(
        &mut self,
        command: &'static str,
        envelope: Envelope,
        receiving: Receiving,
        actions: &mut Vec<Action>,
    ) {
        let size = receiving.received();
        self.transaction_count += 1;
        match receiving.finish() {
            Ok((bytes, reservation)) => {
                if let Err(reply) = self.is_judged(Some((&envelope, &bytes))) {
                    let reply = self.counted(reply);
                    self.remember(&envelope, size, Verdict::Refused(reply.clone()));
                    return self.message_done(command, reply, actions);
                }
                if let Err(reply) = self.ask_before_keeping(&envelope, &bytes) {
                    let verdict = match self.says_nothing() {
                        true => Verdict::Abandoned,
                        false => Verdict::Refused(reply.clone()),
                    };
                    self.remember(&envelope, size, verdict);
                    return self.message_done(command, reply, actions);
                }
                if self.is_to_be_lost() {
                    self.remember(&envelope, size, Verdict::Lost);
                    return self.message_done(command, replies::KEPT, actions);
                }
                self.remember(&envelope, size, Verdict::Pending);
                self.state = State::AwaitingShell(Awaiting::Store);
                self.clock.wait_begins();
                let protocol = self.protocol(envelope.smtputf8);
                let hello =
                    self.hello.as_ref().map_or_else(|| "".into(), |hello| hello.name.clone());
                let auth_user = self.identity.as_ref().map(|identity| identity.user.clone());
                let tls = self.tls.clone();
                actions.push(Action::Store(Box::new(Incoming {
                    envelope,
                    bytes,
                    protocol,
                    hello,
                    auth_user,
                    tls,
                    reservation,
                })));
            }
            Err(reply) => {
                let reply = self.counted(reply);
                self.remember(&envelope, size, Verdict::Refused(reply.clone()));
                self.message_done(command, reply, actions);
            }
        }
    }

    /// Answers the end of a message, and goes on or stops.
    pub(super) fn message_done(
        &mut self,
        command: &'static str,
        reply: Reply,
        actions: &mut Vec<Action>,
    ) {
        self.state = State::Identified;
        if reply.is_refusal() {
            self.refuse_counted(command, reply, actions);
        } else {
            self.reply(reply, actions);
        }
        if self.clock.is_stopping() && !matches!(self.state, State::Closed) {
            self.reply(replies::SHUTTING_DOWN, actions);
        }
        self.use_pending(actions);
    }

    fn ask_before_first_chunk(&mut self, open: Option<&Open>) -> Option<Reply> {
        let open = open.filter(|open| open.chunks.is_none())?;
        self.ask_before(Point::Data, || About::envelope(&open.envelope)).err()
    }

    /// The protocol's name in trace lines (RFC 3848, RFC 6531 §4.3).
    fn protocol(&self, smtputf8: bool) -> &'static str {
        let extended = self.standing().extended;
        match (extended, smtputf8, self.tls.is_some(), self.identity.is_some()) {
            (false, ..) => "SMTP",
            (_, false, false, false) => "ESMTP",
            (_, false, false, true) => "ESMTPA",
            (_, false, true, false) => "ESMTPS",
            (_, false, true, true) => "ESMTPSA",
            (_, true, false, false) => "UTF8SMTP",
            (_, true, false, true) => "UTF8SMTPA",
            (_, true, true, false) => "UTF8SMTPS",
            (_, true, true, true) => "UTF8SMTPSA",
        }
    }

    /// Takes BDAT's argument; `refusal` is what stands in its way already. The octets that follow
    /// are swallowed before any reply (RFC 3030 §2), so that they are never read as commands.
    pub(super) fn bdat(
        &mut self,
        argument: &[u8],
        refusal: Option<Reply>,
        actions: &mut Vec<Action>,
    ) {
        if !self.policy.extensions.chunking {
            return self.refuse("BDAT", replies::NOT_OFFERED, actions);
        }
        let Some((size, last)) = read_bdat(argument) else {
            self.refuse("BDAT", replies::BAD_BDAT, actions);
            return self.end(Ended::ClosedByServer { code: replies::BAD_BDAT.code() }, actions);
        };
        // Nobody waits for a gigabyte to be told that it is too much.
        if size > self.policy.limits.message_size.saturating_add(SWALLOWED) {
            self.refuse("BDAT", replies::TOO_LARGE, actions);
            return self.end(Ended::ClosedByServer { code: replies::TOO_LARGE.code() }, actions);
        }
        let next = if self.hello.is_some() { State::Identified } else { State::Connected };
        let open = match std::mem::replace(&mut self.state, next) {
            State::InTransaction(open) => Some(open),
            state => {
                self.state = state;
                None
            }
        };
        let refusal = refusal
            .or_else(|| open.as_ref().and_then(|open| chunk_refusal(open)))
            .or_else(|| self.ask_before_first_chunk(open.as_deref()));
        self.clock.data_begins();
        let chunk = Chunk { open, left: size, size, last, refusal, progress: Progress::new() };
        self.state = State::ReceivingChunk(Box::new(chunk));
        if size == 0 {
            self.receive_chunk(&[], actions);
        }
    }

    pub(super) fn receive_chunk(&mut self, bytes: &[u8], actions: &mut Vec<Action>) -> usize {
        let State::ReceivingChunk(chunk) = &mut self.state else { return 0 };
        let used = usize::try_from(chunk.left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let moved = chunk.progress.completes_block(&bytes[..used]);
        chunk.left -= used as u64;
        let (left, received) = (chunk.left, chunk.size - chunk.left);
        if chunk.refusal.is_none()
            && let Some(open) = &mut chunk.open
        {
            if open.chunks.is_none() {
                let (limit, budget) = (self.policy.limits.message_size, &self.context.budget);
                open.chunks = Some(Self::receiving(open, limit, budget, Some(chunk.size)));
            }
            if let Some(chunks) = &mut open.chunks {
                chunks.push(&bytes[..used]);
                open.check.read(&bytes[..used]);
            }
        }
        if left > 0 {
            self.data_goes_on(moved, received, actions);
        } else if let State::ReceivingChunk(chunk) =
            std::mem::replace(&mut self.state, State::Identified)
        {
            self.chunk_ended(*chunk, actions);
        }
        used
    }

    fn chunk_ended(&mut self, chunk: Chunk, actions: &mut Vec<Action>) {
        let received = chunk.received();
        let Chunk { open, size, last, refusal, .. } = chunk;
        self.record_data(size, if last { " in the last chunk" } else { " in a chunk" });
        let Some(mut open) = open else {
            self.state = if self.hello.is_some() { State::Identified } else { State::Connected };
            return self.refuse("BDAT", refusal.unwrap_or(replies::MAIL_FIRST), actions);
        };
        if let Some(reply) = refusal.or_else(|| open.chunks.as_ref()?.refusal().cloned()) {
            open.chunks = None;
            open.chunk_failed = true;
            let reply = self.counted(reply);
            if last {
                self.transaction_count += 1;
                self.remember(&open.envelope, received, Verdict::Refused(reply.clone()));
            } else {
                self.state = State::InTransaction(open);
            }
            return self.refuse_counted("BDAT", reply, actions);
        }
        if last {
            let (limit, budget) = (self.policy.limits.message_size, &self.context.budget);
            let mut receiving = match open.chunks.take() {
                Some(chunks) => chunks,
                None => Self::receiving(&mut open, limit, budget, None),
            };
            if open.envelope.body != Body::BinaryMime {
                self.refuse_unclean(open.check.finish(), &mut receiving);
            }
            self.message_ended("BDAT", open.envelope, receiving, actions);
        } else {
            self.state = State::InTransaction(open);
            self.reply(replies::CHUNK_OK.with_text(format!("{size} octets received")), actions);
        }
    }
}

/// Whether DATA or BDAT has somebody to deliver to (RFC 5321 §3.3).
fn recipients_are_there(open: &Open) -> Result<(), Reply> {
    match (open.envelope.forward_paths.is_empty(), open.refused) {
        (false, _) => Ok(()),
        (true, 0) => Err(replies::RECIPIENT_FIRST),
        (true, _) => Err(replies::NO_VALID_RECIPIENTS),
    }
}

fn chunk_refusal(open: &Open) -> Option<Reply> {
    if open.chunk_failed {
        return Some(replies::CHUNK_AFTER_FAILURE);
    }
    recipients_are_there(open).err()
}

/// `length [LAST]` (RFC 3030 §2).
fn read_bdat(argument: &[u8]) -> Option<(u64, bool)> {
    let text = std::str::from_utf8(argument).ok()?;
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let size = words.next().filter(|word| word.bytes().all(|b| b.is_ascii_digit()))?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return None,
    };
    let size = size.parse().ok()?;
    words.next().is_none().then_some((size, last))
}
