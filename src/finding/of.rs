//! From a session to its findings: one walk over the transcript, and a look at how it ended.
//!
//! Each code is found once in a session, where it first shows. What a fault made the server say is no
//! mistake of the client. A session that runs is judged by what it has said so far.

mod end;
mod message;

pub use message::{is_no_server, of_message};

use super::ehlo;
use super::letter::Letters;
use super::{Client, Code, Finding};
use crate::smtp::command::{self, Verb};
use crate::smtp::policy::{AuthMode, TlsMode};
use crate::smtp::reply::Reply;
use crate::smtp::transcript::{Kind, Line};
use crate::smtp::{Mechanism, Note, Session, replies};
use std::time::Duration;

/// What was seen of a client.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations)] // a session has none, for the secrets in it
pub struct Observed<'a> {
    /// Its session, as it stands.
    pub session: &'a Session,
    /// The messages that it sent, where it sent any.
    pub letters: Option<&'a Letters>,
}

/// What the client did wrong, in the order of the transcript.
#[must_use]
pub fn of(observed: &Observed<'_>) -> Vec<Finding> {
    besides(observed, &[])
}

/// What the client did wrong besides what is known already.
#[must_use]
pub fn besides(observed: &Observed<'_>, known: &[Finding]) -> Vec<Finding> {
    let mut walk = Walk::new(*observed);
    for (number, line) in observed.session.transcript().lines().enumerate() {
        walk.line(number, &line);
    }
    walk.letters();
    if let Some(ended) = observed.session.ended() {
        walk.end(ended);
    }
    walk.finish(known)
}

/// Who the client is, by its messages or by its commands.
#[must_use]
pub fn client(observed: &Observed<'_>) -> Option<Client> {
    let by_letter = observed.letters.and_then(|letters| letters.client);
    by_letter.or_else(|| {
        let lines = observed.session.transcript().lines();
        let commands = lines.filter(|line| line.kind == Kind::Client).take(8);
        Client::of_commands(commands.map(|line| line.octets()))
    })
}

struct Found {
    code: Code,
    line: Option<usize>,
    about: String,
}

struct Walk<'a> {
    session: &'a Session,
    letters: Option<&'a Letters>,
    found: Vec<Found>,
    /// The last command, and where it stands.
    verb: Option<Verb>,
    command: usize,
    in_exchange: bool,
    /// Whether the next reply is one that a fault asked for.
    is_faked: bool,
    /// Whether a fault answered STARTTLS, or left it without an answer.
    starttls_denied: bool,
    /// Whether a note has said what is wrong with the login that is going on.
    is_explained: bool,
    hello: Option<usize>,
    auth: Option<usize>,
    has_auth_in_the_clear: bool,
    /// Whether the secret itself does not cross the wire, so that its shape cannot be told.
    is_by_challenge: bool,
    /// Where a login by such a mechanism was refused: the client may try another that tells more.
    refused_challenge: Option<usize>,
    unknown_mechanism: Option<usize>,
    mail: Option<usize>,
    /// Where the handshake ended, and when.
    tls: Option<(usize, Duration)>,
    is_faulty_since_tls: bool,
    last_client: Option<usize>,
    last_code: u16,
    /// The data has just ended, and the next line is to be a command.
    is_after_data: bool,
    /// The first line behind the data, as long as nothing was taken since.
    leftover: Option<usize>,
    /// Whether the last command is a line of text, or the lone dot at its end.
    is_text: bool,
    asked_for_other_name: bool,
    certificate_is_over: bool,
}

impl<'a> Walk<'a> {
    fn new(Observed { session, letters }: Observed<'a>) -> Self {
        Self {
            session,
            letters,
            found: Vec::new(),
            verb: None,
            command: 0,
            in_exchange: false,
            is_faked: false,
            starttls_denied: false,
            is_explained: false,
            hello: None,
            auth: None,
            has_auth_in_the_clear: false,
            is_by_challenge: false,
            refused_challenge: None,
            unknown_mechanism: None,
            mail: None,
            tls: None,
            is_faulty_since_tls: false,
            last_client: None,
            last_code: 0,
            is_after_data: false,
            leftover: None,
            is_text: false,
            asked_for_other_name: false,
            certificate_is_over: false,
        }
    }

    fn add(&mut self, code: Code, line: usize) {
        self.add_about(code, line, String::new());
    }

    fn add_about(&mut self, code: Code, line: usize, about: String) {
        if !self.has(code) {
            self.found.push(Found { code, line: Some(line), about });
        }
    }

    fn has(&self, code: Code) -> bool {
        self.found.iter().any(|one| one.code == code)
    }

    fn line(&mut self, number: usize, line: &Line<'_>) {
        match line.kind {
            Kind::Client => self.client(number, line),
            Kind::Server => self.server(line),
            Kind::Data => self.is_after_data = !line.octets().ends_with(b"chunk"),
            Kind::Tls => {
                self.tls = Some((number, line.at));
                self.is_faulty_since_tls = false;
                self.starttls_denied = false;
                self.hello = None;
            }
            Kind::Note(note) => self.note(number, note, line),
            Kind::Fault => {
                let answers = self.session.fault_answered(number);
                self.is_faked |= answers;
                self.starttls_denied |= answers && self.verb == Some(Verb::StartTls);
                self.is_faulty_since_tls = true;
            }
            Kind::End => {}
        }
    }

    fn client(&mut self, number: usize, line: &Line<'_>) {
        self.last_client = Some(number);
        if self.in_exchange {
            return;
        }
        let (verb, argument) = command::split(line.octets());
        self.verb = command::rule(verb).map(|rule| rule.verb);
        self.command = number;
        if std::mem::take(&mut self.is_after_data) {
            self.leftover = Some(number);
        }
        self.is_text = self.verb.is_none() && !may_be_a_verb(verb);
        match self.verb {
            Some(Verb::Ehlo | Verb::Helo) => self.hello = Some(number),
            Some(Verb::Auth) => {
                self.auth.get_or_insert(number);
                let name = argument.split(|b| *b == b' ').next().unwrap_or_default();
                let mechanism = std::str::from_utf8(name).ok().and_then(Mechanism::parse);
                self.is_by_challenge =
                    matches!(mechanism, Some(Mechanism::CramMd5 | Mechanism::ScramSha256));
                let shows = mechanism.is_some() && !self.is_by_challenge;
                self.has_auth_in_the_clear = shows && !line.encrypted;
            }
            Some(Verb::Mail) => {
                self.mail.get_or_insert(number);
            }
            _ => {}
        }
    }

    fn server(&mut self, line: &Line<'_>) {
        let octets = line.octets();
        let code = octets.get(..3).and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
        self.last_code = code.unwrap_or(0);
        self.in_exchange = code == Some(334);
        if std::mem::take(&mut self.is_faked) {
            return;
        }
        if matches!(self.last_code, 200..=399) {
            self.leftover = None;
        }
        let says =
            |reply: &Reply| code == Some(reply.code()) && octets.ends_with(reply.text().as_bytes());
        let at = self.command;
        match (self.verb, self.last_code) {
            (Some(Verb::Ehlo | Verb::Helo), 250) => self.hello_name(at),
            (Some(verb), 530) if says(&replies::STARTTLS_FIRST) => {
                let counts = matches!(verb, Verb::Mail | Verb::Auth | Verb::Bdat);
                if counts && !self.starttls_was_taken() {
                    let verb = if verb == Verb::Auth { "AUTH" } else { "MAIL" };
                    self.add_about(Code::StarttlsNotUsed, at, verb.to_owned());
                }
            }
            (Some(Verb::Mail | Verb::Bdat), 530)
                if self.auth.is_none() && !self.auth_was_taken() =>
            {
                self.add(Code::AuthForgotten, at);
            }
            (Some(Verb::Auth), 235 | 535) => self.auth_reply(at),
            (Some(Verb::Auth), 421) if says(&replies::TOO_MANY_FAILURES) => self.auth_reply(at),
            (Some(Verb::Auth), 501) => self.is_explained = false,
            (Some(Verb::Auth), 504) => {
                self.unknown_mechanism.get_or_insert(at);
            }
            (Some(Verb::Rcpt), 554) if says(&replies::RELAY_DENIED) => {
                self.add(Code::RelayDenied, at);
            }
            (Some(Verb::Mail), 550) if says(&replies::SENDER_NOT_YOURS) => {
                self.add(Code::SenderNotAllowed, at);
            }
            (None, 500..=599) if self.is_text => {
                if let Some(at) = self.leftover.take() {
                    self.add(Code::DotStuffingMissing, at);
                }
            }
            _ => {}
        }
    }

    fn auth_reply(&mut self, at: usize) {
        if self.has_auth_in_the_clear {
            let tls = self.session.policy().tls;
            if self.starttls_was_taken() {
                self.add(Code::SilentDowngrade, at);
            } else if matches!(tls, TlsMode::StartTls | TlsMode::Required) {
                self.add(Code::AuthInTheClear, at);
            }
        }
        let is_refused = matches!(self.last_code, 535 | 421);
        if is_refused && !std::mem::take(&mut self.is_explained) {
            if self.is_by_challenge {
                self.refused_challenge.get_or_insert(at);
            } else if !self.has_explanation() {
                self.add(Code::WrongPassword, at);
            }
        }
    }

    /// Whether it was a fault that kept TLS away.
    fn starttls_was_taken(&self) -> bool {
        self.starttls_denied || self.session.starttls_was_hidden()
    }

    /// Whether it was a fault that kept a login away, or the TLS that it waits for.
    fn auth_was_taken(&self) -> bool {
        let policy = self.session.policy();
        let waits_for_tls = policy.tls != TlsMode::None && !policy.auth_before_tls;
        self.session.auth_was_hidden()
            || (self.starttls_denied && waits_for_tls && self.tls.is_none())
    }

    fn hello_name(&mut self, at: usize) {
        let Some((name, _)) = self.session.hello().filter(|_| !self.has(Code::PoorEhloName)) else {
            return;
        };
        let on_relay = self.session.policy().auth == AuthMode::None;
        if let Some(why) = ehlo::poor(name, on_relay) {
            self.add_about(Code::PoorEhloName, at, why);
        }
    }

    fn note(&mut self, number: usize, note: Note, line: &Line<'_>) {
        let more = || {
            let text = line.text();
            text.split_once("; ").map_or_else(String::new, |(_, more)| format!("; {more}"))
        };
        let code = match note {
            Note::TlsOnPlainPort => {
                let is_relay = self.session.policy().auth == AuthMode::None;
                let code = if is_relay { Code::TlsToRelayPort } else { Code::TlsToStarttlsPort };
                return self.add_about(code, number, more());
            }
            Note::TlsTooOld => return self.add_about(Code::TlsTooOld, number, more()),
            Note::PlaintextAfterStarttls => Code::PlaintextAfterStarttls,
            Note::EarlyTalker => Code::EarlyTalker,
            Note::PipelinedBeforeEhlo => Code::PipelinedBeforeEhlo,
            Note::HttpOnSmtpPort => Code::HttpOnSmtpPort,
            Note::PlainOnTlsPort => Code::PlainOnTlsPort,
            Note::SilentOnTlsPort => Code::SilentOnTlsPort,
            Note::BareLf => Code::BareLf,
            Note::BareCr => Code::BareCr,
            Note::Nul => Code::Nul,
            Note::LineTooLong => Code::LineTooLong,
            Note::DataBeforeReply => Code::DataBeforeReply,
            Note::ProxyHeader => Code::ProxyProtocol,
            Note::CertificateNotTrusted => Code::CertificateNotTrusted,
            Note::CertificateNameMismatch => Code::CertificateNameMismatch,
            Note::CertificateExpired => Code::CertificateExpired,
            Note::CommandAfter421 => Code::CommandAfter421,
            Note::SecretHasWhitespace => self.explained(Code::WhitespaceInSecret),
            Note::SecretIsBase64 => self.explained(Code::Base64Twice),
            Note::UserNearlyRight => self.explained(Code::UserNameNearlyRight),
            Note::TokenExpected => self.explained(Code::TokenExpected),
            Note::OtherNameAsked => {
                self.asked_for_other_name = true;
                return;
            }
            Note::CertificateIsOver => {
                self.certificate_is_over = true;
                return;
            }
            // Whose doing that was shows at the end.
            Note::MessageCutShort => return,
        };
        self.add(code, number);
    }

    /// Whether it is known what was wrong with a login.
    fn has_explanation(&self) -> bool {
        use Code::{Base64Twice, TokenExpected, UserNameNearlyRight, WhitespaceInSecret};
        let all = [WhitespaceInSecret, Base64Twice, UserNameNearlyRight, TokenExpected];
        all.into_iter().any(|code| self.has(code))
    }

    fn explained(&mut self, code: Code) -> Code {
        self.is_explained = true;
        code
    }

    /// What the messages say that were sent.
    fn letters(&mut self) {
        let Some(letters) = self.letters else { return };
        for (code, line) in &letters.codes {
            self.add(*code, *line);
        }
        let observed = Observed { session: self.session, letters: self.letters };
        if let Some(line) = letters.submission.filter(|_| message::is_nobodys(&observed)) {
            let about = match self.session.policy().auth {
                AuthMode::None => " (there is no AUTH on this port)",
                _ => "",
            };
            self.add_about(Code::CredentialsNotUsed, line, about.to_owned());
        }
    }

    fn finish(mut self, known: &[Finding]) -> Vec<Finding> {
        // One that is behind a load balancer or a browser makes further mistakes only by that.
        for (cause, follows) in [
            (
                Code::ProxyProtocol,
                &[
                    Code::EarlyTalker,
                    Code::PipelinedBeforeEhlo,
                    Code::DataBeforeReply,
                    Code::MessageCutShort,
                    Code::PlainOnTlsPort,
                    Code::BareLf,
                    Code::Nul,
                    Code::LineTooLong,
                ][..],
            ),
            (Code::HttpOnSmtpPort, &[Code::BareLf, Code::EarlyTalker]),
        ] {
            if self.has(cause) {
                self.found.retain(|one| !follows.contains(&one.code));
            }
        }
        // It was only slow.
        if self.tls.is_some() {
            self.found.retain(|one| one.code != Code::SilentOnTlsPort);
            if self.session.tls().is_some_and(|facts| facts.sni.is_none()) {
                self.add(Code::NoSni, self.tls.map_or(0, |(at, _)| at));
            }
        }
        self.found.retain(|one| known.iter().all(|known| known.code != one.code.as_str()));
        self.found.sort_by_key(|one| one.line);
        if self.found.is_empty() {
            return Vec::new();
        }
        let client = client(&Observed { session: self.session, letters: self.letters });
        let finding = |Found { code, line, about }: Found| Finding::new(code, line, client, &about);
        self.found.into_iter().map(finding).collect()
    }
}

/// Whether a word can be the verb of an extension that we do not know: `ETRN`, `xclient`.
fn may_be_a_verb(word: &[u8]) -> bool {
    (4..=8).contains(&word.len()) && word.iter().all(u8::is_ascii_alphabetic)
}
