//! Bytes become command lines (RFC 5321 §4.1).
//!
//! A line ends with CRLF. What exceeds its limit is not kept; what never ends, ends the session.

use super::super::client_hello::{ClientHello, is_proxy_header};
use super::super::command::{self, Rule, Verb};
use super::super::policy::BareLf;
use super::super::replies;
use super::super::reply::Reply;
use super::super::transcript::Note;
use super::{Action, Awaiting, Ended, Session, State};
use memchr::memchr;

/// Octets of one line after which the session is ended.
const ENDLESS: usize = 64 * 1024;
/// Replies of one turn; what is left of a pipeline waits until they are sent.
const TURN: usize = 256;
/// A command line with CRLF (RFC 5321 §4.5.3.1.4).
const COMMAND_LINE: usize = 512;
/// An AUTH line or answer with CRLF (RFC 4954 §4).
const AUTH_LINE: usize = 12_288;
/// The first octet of a TLS record that holds a handshake; no verb begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// A line over its limit, of which nothing but the length is kept.
#[derive(Debug)]
pub(super) struct Overlong {
    octets: usize,
    in_auth: bool,
}

impl Session {
    pub(super) fn take_bytes(&mut self, bytes: &[u8], actions: &mut Vec<Action>) {
        if matches!(self.state, State::AwaitingShell(Awaiting::Greeting)) {
            return self.talks_before_greeting(bytes, actions);
        }
        if matches!(self.state, State::AwaitingShell(Awaiting::Nothing)) {
            return;
        }
        // Octets behind STARTTLS must not outlive the handshake, however they were cut.
        if matches!(self.state, State::AwaitingShell(Awaiting::Tls)) {
            return self.plaintext_after_starttls();
        }
        if self.pending.is_empty() {
            let used = self.use_bytes(bytes, actions);
            self.keep(&bytes[used..], actions);
        } else {
            self.pending.extend_from_slice(bytes);
            self.use_pending(actions);
        }
    }

    /// Uses what had to wait, as far as the state allows now.
    pub(super) fn use_pending(&mut self, actions: &mut Vec<Action>) {
        let mut pending = std::mem::take(&mut self.pending);
        let used = self.use_bytes(&pending, actions);
        pending.drain(..used);
        if pending.is_empty() {
            return;
        }
        self.pending = pending;
        self.keep(&[], actions);
    }

    fn keep(&mut self, rest: &[u8], actions: &mut Vec<Action>) {
        if matches!(self.state, State::Closed) {
            self.pending = Vec::new();
            return;
        }
        self.pending.extend_from_slice(rest);
        // A shell that feeds bytes while the session waits would grow this without end.
        if self.pending.len() > 2 * ENDLESS {
            self.end(Ended::Broken("more input than the session can hold".into()), actions);
        }
    }

    /// Uses bytes until they end, or until the session has to wait; says how many.
    fn use_bytes(&mut self, bytes: &[u8], actions: &mut Vec<Action>) -> usize {
        let mut used = 0;
        self.paused = false;
        while used < bytes.len() {
            let rest = &bytes[used..];
            let more = match &self.state {
                State::Closed => return bytes.len(),
                State::AwaitingShell(Awaiting::Tls) => {
                    self.plaintext_after_starttls();
                    return bytes.len();
                }
                State::AwaitingShell(_) => break,
                // A pipeline of commands is answered with many times its own length.
                _ if actions.len() >= TURN => {
                    self.paused = true;
                    break;
                }
                State::ReceivingData(_) => self.receive_data(rest, actions),
                State::ReceivingChunk(_) => self.receive_chunk(rest, actions),
                _ => self.take_line(rest, actions),
            };
            if more == 0 {
                break;
            }
            used += more;
        }
        used
    }

    fn talks_before_greeting(&mut self, bytes: &[u8], actions: &mut Vec<Action>) {
        if bytes.first() == Some(&TLS_HANDSHAKE) {
            self.note_client_hello(bytes);
            return self.end(Ended::NotSmtp, actions);
        }
        if is_proxy_header(bytes) {
            self.note(Note::ProxyHeader);
        }
        self.note(Note::EarlyTalker);
        self.refuse("", replies::TALKS_TOO_EARLY, actions);
        self.end(Ended::ClosedByServer { code: replies::TALKS_TOO_EARLY.code() }, actions);
    }

    /// What the client offered and asked for, as far as its first piece tells.
    fn note_client_hello(&mut self, bytes: &[u8]) {
        match ClientHello::read(bytes) {
            Some(hello) => self.note_more(Note::TlsOnPlainPort, &hello.to_string()),
            None => self.note(Note::TlsOnPlainPort),
        }
    }

    /// The first line of version 1 is text; the signature of version 2 is two empty lines and one of NUL.
    fn look_for_proxy_header(&mut self, text: &[u8]) {
        if self.hello.is_some() || self.proxy_lines > 2 {
            return;
        }
        let is_next = match self.proxy_lines {
            0 if is_proxy_header(text) => {
                self.proxy_lines = 3;
                return self.note(Note::ProxyHeader);
            }
            0 | 1 => text.is_empty(),
            _ => text == [0],
        };
        self.proxy_lines = if is_next { self.proxy_lines + 1 } else { 3 };
        if is_next && self.proxy_lines == 3 {
            self.note(Note::ProxyHeader);
        }
    }

    fn plaintext_after_starttls(&mut self) {
        // However many pieces they come in, they are one mistake.
        if !self.plaintext_noted {
            self.plaintext_noted = true;
            self.note(Note::PlaintextAfterStarttls);
        }
    }

    /// Takes one line off the front; zero where its end has not come.
    fn take_line(&mut self, rest: &[u8], actions: &mut Vec<Action>) -> usize {
        let in_auth = matches!(self.state, State::Authenticating(_));
        if rest[0] == TLS_HANDSHAKE && self.overlong.is_none() && self.tls.is_none() && !in_auth {
            self.note_client_hello(rest);
            self.end(Ended::NotSmtp, actions);
            return rest.len();
        }
        let end = memchr(b'\n', rest).map(|at| at + 1);
        let length = end.unwrap_or(rest.len());
        if let Some(overlong) = &mut self.overlong {
            overlong.octets += length;
            self.overlong_continues(end.is_some(), actions);
            return length;
        }
        let in_auth =
            in_auth || rest.get(..5).is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH "));
        if length > self.line_limit(rest, in_auth) {
            self.overlong = Some(Overlong { octets: length, in_auth });
            self.record_overlong(&rest[..64.min(length)], in_auth);
            self.note(Note::LineTooLong);
            self.overlong_continues(end.is_some(), actions);
            return length;
        }
        let Some(end) = end else { return 0 };
        self.line(&rest[..end], rest.len() > end, actions);
        end
    }

    /// RFC 5321's 512 octets and what the offered extensions add to MAIL and RCPT.
    fn line_limit(&self, line: &[u8], in_auth: bool) -> usize {
        if in_auth {
            return AUTH_LINE;
        }
        let on = &self.policy.extensions;
        let verb = line.get(..4).unwrap_or_default();
        let add = |offered: bool, octets: usize| if offered { octets } else { 0 };
        if verb.eq_ignore_ascii_case(b"MAIL") {
            // SIZE 26, BODY 17, SMTPUTF8 10, RET and ENVID 8 + 107, AUTH= 500.
            return COMMAND_LINE
                + add(on.size, 26)
                + add(on.eight_bit_mime, 17)
                + add(on.smtputf8, 10)
                + add(on.dsn, 115)
                + add(self.policy.offers_auth(self.standing()), 500);
        }
        // NOTIFY 28, ORCPT 508 (RFC 3461 §4); SMTPUTF8 adds 10 to VRFY and EXPN.
        let is_rcpt = verb.eq_ignore_ascii_case(b"RCPT");
        COMMAND_LINE + add(is_rcpt && on.dsn, 536) + add(!is_rcpt && on.smtputf8, 10)
    }

    fn overlong_continues(&mut self, ended: bool, actions: &mut Vec<Action>) {
        let Some(overlong) = &self.overlong else { return };
        let endless = overlong.octets > ENDLESS;
        if !ended && !endless {
            return;
        }
        let reply =
            if overlong.in_auth { replies::AUTH_LINE_TOO_LONG } else { replies::LINE_TOO_LONG };
        self.overlong = None;
        if matches!(self.state, State::Authenticating(_)) {
            self.state = State::Identified;
        }
        let code = reply.code();
        self.refuse("", reply, actions);
        if endless {
            self.end(Ended::ClosedByServer { code }, actions);
        }
    }

    /// Handles one whole line, terminator included. `more` says that bytes stand behind it.
    fn line(&mut self, line: &[u8], more: bool, actions: &mut Vec<Action>) {
        let without_lf = &line[..line.len() - 1];
        let (text, bare_lf) = match without_lf.strip_suffix(b"\r") {
            Some(text) => (text, false),
            None => (without_lf, true),
        };
        let (verb, argument) = command::split(text);
        let rule = command::rule(verb);
        let is_mail = rule.is_some_and(|rule| rule.verb == Verb::Mail);
        if is_mail && matches!(self.state, State::Identified) {
            self.message_notes.clear();
        }
        if bare_lf && !self.message_notes.contains(&Note::BareLf) {
            self.note(Note::BareLf);
        }
        if text.contains(&b'\r') {
            self.note(Note::BareCr);
        }
        self.look_for_proxy_header(text);
        let refuse_bare_lf = bare_lf && self.policy.bare_lf == BareLf::Reject;
        if matches!(self.state, State::Authenticating(_)) && !refuse_bare_lf {
            return self.auth_answer(text, actions);
        }
        self.record_command(text, rule);
        // A verb that nobody knows may be anything, a secret too: the transcript judges that.
        let name = match (&self.state, rule) {
            (State::Authenticating(_), _) => "AUTH",
            (_, Some(rule)) => rule.name,
            _ => "",
        };
        match self.check_line(text, refuse_bare_lf, rule) {
            Err(reply) => {
                if let State::Authenticating(_) = self.state {
                    self.state = State::Identified;
                }
                let closes = reply == replies::HTTP;
                if closes {
                    self.note(Note::HttpOnSmtpPort);
                }
                self.refuse(name, reply, actions);
                if closes {
                    self.end(Ended::ClosedByServer { code: replies::HTTP.code() }, actions);
                }
            }
            Ok(rule) => self.command(rule, argument, more, actions),
        }
    }

    /// What is wrong with the line itself, whatever it says.
    fn check_line(
        &self,
        text: &[u8],
        bare_lf: bool,
        rule: Option<&'static Rule>,
    ) -> Result<&'static Rule, Reply> {
        if bare_lf {
            return Err(if command::is_http(text) {
                replies::HTTP
            } else {
                replies::COMMAND_BARE_LF
            });
        }
        // No verb of SMTP is a method of HTTP.
        if rule.is_none() && command::is_http(text) {
            return Err(replies::HTTP);
        }
        if text.iter().any(|b| matches!(b, 0 | b'\r')) {
            return Err(replies::CONTROL_IN_COMMAND);
        }
        let has_place_for_utf8 = rule.is_some_and(|r| match r.verb {
            Verb::Mail | Verb::Rcpt => true,
            Verb::Vrfy | Verb::Expn => text.to_ascii_uppercase().ends_with(b" SMTPUTF8"),
            _ => false,
        });
        if !text.is_ascii() && !has_place_for_utf8 {
            return Err(replies::EIGHT_BIT_COMMAND);
        }
        rule.ok_or(replies::UNKNOWN_VERB)
    }
}
