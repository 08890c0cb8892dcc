//! One authentication exchange: challenges out, the client's answers in, decoded already.

use super::directory::{hex, prepared};
use super::scram::Scram;
use super::{Directory, LoginFlaw, Mechanism};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Who has logged in.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's name.
    pub user: Arc<str>,
    /// How they proved it.
    pub mechanism: Mechanism,
    /// What they proved it with, where it crossed the wire at all: a password or a token.
    pub secret: Option<Arc<str>>,
}

/// Without the secret, which must not reach a log.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {}", self.user, self.mechanism)
    }
}

/// What follows an answer of the client.
#[derive(Debug)]
pub enum Step {
    /// Send this, in base64.
    Challenge(String),
    /// The exchange is over.
    Done(Outcome),
}

/// How an exchange ended.
#[derive(Debug)]
pub enum Outcome {
    /// The client is who it says.
    Accepted(Identity),
    /// It is not.
    Refused,
    /// The mechanism does not know such a message.
    Malformed,
}

/// An exchange in progress.
pub struct Exchange {
    mechanism: Mechanism,
    directory: Arc<Directory>,
    nonce: String,
    state: State,
    /// The user whom the client has named, whatever becomes of it.
    named: Option<String>,
    flaw: Option<LoginFlaw>,
}

enum State {
    Start,
    LoginSecret {
        user: String,
    },
    CramDigest {
        challenge: String,
    },
    ScramProof(Box<Scram>),
    /// The verdict is made; the client has one more line to send, which says nothing.
    Dummy(Option<Identity>),
}

impl Exchange {
    /// Begins an exchange. `entropy` must never repeat: challenges are made from it.
    #[must_use]
    pub fn new(mechanism: Mechanism, directory: Arc<Directory>, entropy: &[u8]) -> Self {
        let nonce = hex(&Sha256::digest(entropy)[..12]);
        Self { mechanism, directory, nonce, state: State::Start, named: None, flaw: None }
    }

    /// Its mechanism.
    #[must_use]
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The user whom the client has named so far.
    #[must_use]
    pub fn named(&self) -> Option<&str> {
        self.named.as_deref()
    }

    /// What is wrong with the credentials that were refused, where that can be told.
    #[must_use]
    pub fn flaw(&self) -> Option<LoginFlaw> {
        self.flaw
    }

    /// Whether the client's next line shows a user's name and no secret.
    #[must_use]
    pub fn answer_is_harmless(&self) -> bool {
        matches!(self.mechanism, Mechanism::Login | Mechanism::ScramSha256)
            && matches!(self.state, State::Start)
    }

    /// Whether the verdict is made, against the client.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.state, State::Dummy(None))
    }

    /// Takes the initial response, or its absence.
    pub fn begin(&mut self, initial: Option<&[u8]>) -> Step {
        match (initial, self.mechanism) {
            (_, Mechanism::CramMd5) => {
                let challenge = format!("<{}@doorpost>", self.nonce);
                let step = challenge_of(challenge.as_bytes());
                self.state = State::CramDigest { challenge };
                step
            }
            (None, Mechanism::Login) => challenge_of(b"Username:"),
            (None, _) => challenge_of(b""),
            (Some(response), _) => self.answer(response),
        }
    }

    /// Takes the client's next answer.
    pub fn answer(&mut self, response: &[u8]) -> Step {
        match std::mem::replace(&mut self.state, State::Dummy(None)) {
            State::Start => self.first(response),
            State::LoginSecret { user } => self.judge_text(&user, response),
            State::CramDigest { challenge } => self.judge_digest(&challenge, response),
            State::ScramProof(scram) => match scram.finish(response) {
                Ok(Some(server_final)) => {
                    self.state = State::Dummy(Some(self.identity(&scram.user, None)));
                    challenge_of(server_final.as_bytes())
                }
                Ok(None) => {
                    self.flaw = LoginFlaw::of_user(&self.directory, &scram.user);
                    Step::Done(Outcome::Refused)
                }
                Err(_) => Step::Done(Outcome::Malformed),
            },
            State::Dummy(Some(identity)) => Step::Done(Outcome::Accepted(identity)),
            State::Dummy(None) => Step::Done(Outcome::Refused),
        }
    }

    fn first(&mut self, response: &[u8]) -> Step {
        match self.mechanism {
            Mechanism::Plain => {
                let step = self.plain(response);
                step.unwrap_or_else(|| {
                    self.flaw = LoginFlaw::of_malformed(response);
                    Step::Done(Outcome::Malformed)
                })
            }
            Mechanism::Login => match std::str::from_utf8(response) {
                Ok(user) => {
                    self.state = State::LoginSecret { user: user.to_owned() };
                    challenge_of(b"Password:")
                }
                Err(_) => Step::Done(Outcome::Malformed),
            },
            Mechanism::ScramSha256 => match Scram::begin(&self.directory, &self.nonce, response) {
                Some(scram) => {
                    let step = challenge_of(scram.challenge().as_bytes());
                    self.named = Some(scram.user.clone());
                    self.state = State::ScramProof(Box::new(scram));
                    step
                }
                None => Step::Done(Outcome::Malformed),
            },
            Mechanism::XOauth2 | Mechanism::OauthBearer => {
                self.bearer(response).unwrap_or(Step::Done(Outcome::Malformed))
            }
            // Its challenge is sent by `begin`, so that no answer can arrive at the start.
            Mechanism::CramMd5 => Step::Done(Outcome::Malformed),
        }
    }

    /// `[authzid] NUL authcid NUL passwd` (RFC 4616 §2).
    fn plain(&mut self, response: &[u8]) -> Option<Step> {
        let mut parts = std::str::from_utf8(response).ok()?.split('\0');
        let (authzid, user, secret) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        self.named = Some(prepared(user).into_owned());
        // To act for somebody else is a right that nobody has here.
        let acts_for_other = !authzid.is_empty() && authzid != user;
        if acts_for_other && !self.directory.is_open() {
            return Some(Step::Done(Outcome::Refused));
        }
        Some(self.judge(user, secret))
    }

    /// XOAUTH2's `user=…^Aauth=Bearer …^A^A`, or RFC 7628's with a gs2 header in front.
    fn bearer(&mut self, response: &[u8]) -> Option<Step> {
        let text = std::str::from_utf8(response).ok()?;
        let mut fields = text.split('\u{1}');
        let field = |name: &str| text.split('\u{1}').find_map(|f| f.strip_prefix(name));
        let user = if self.mechanism == Mechanism::XOauth2 {
            field("user=")?.to_owned()
        } else {
            let header = fields.next()?;
            let authzid = header.split(',').find_map(|part| part.strip_prefix("a="));
            authzid.unwrap_or_default().replace("=2C", ",").replace("=3D", "=")
        };
        let (scheme, token) = field("auth=")?.split_once(' ')?;
        let user = match &*user {
            "" => self.directory.owner_of(token).unwrap_or_default().to_owned(),
            _ => user,
        };
        if !scheme.eq_ignore_ascii_case("bearer") || !text.ends_with("\u{1}\u{1}") {
            return None;
        }
        match self.judge(&user, token) {
            // The reason goes out as a challenge; the client answers it before it gets its 535.
            Step::Done(Outcome::Refused) => {
                self.state = State::Dummy(None);
                Some(challenge_of(match self.mechanism {
                    Mechanism::XOauth2 => br#"{"status":"401","schemes":"bearer"}"#,
                    _ => br#"{"status":"invalid_token"}"#,
                }))
            }
            step => Some(step),
        }
    }

    fn judge_text(&mut self, user: &str, secret: &[u8]) -> Step {
        match std::str::from_utf8(secret) {
            Ok(secret) => self.judge(user, secret),
            Err(_) => Step::Done(Outcome::Malformed),
        }
    }

    fn judge(&mut self, user: &str, secret: &str) -> Step {
        self.named = Some(prepared(user).into_owned());
        let accepted = self.directory.accepts(user, secret);
        if !accepted {
            self.flaw = LoginFlaw::of(&self.directory, user, secret);
        }
        Step::Done(if accepted {
            Outcome::Accepted(self.identity(user, Some(secret)))
        } else {
            Outcome::Refused
        })
    }

    /// `user digest` (RFC 2195 §2); the name may hold spaces, the digest cannot.
    fn judge_digest(&mut self, challenge: &str, response: &[u8]) -> Step {
        let Some((user, digest)) =
            std::str::from_utf8(response).ok().and_then(|r| r.rsplit_once(' '))
        else {
            return Step::Done(Outcome::Malformed);
        };
        if digest.len() != 32 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Step::Done(Outcome::Malformed);
        }
        self.named = Some(prepared(user).into_owned());
        let accepted = self.directory.accepts_cram_md5(user, challenge.as_bytes(), digest);
        if !accepted {
            self.flaw = LoginFlaw::of_user(&self.directory, user);
        }
        Step::Done(if accepted {
            Outcome::Accepted(self.identity(user, None))
        } else {
            Outcome::Refused
        })
    }

    fn identity(&self, user: &str, secret: Option<&str>) -> Identity {
        let user = prepared(user).as_ref().into();
        Identity { user, mechanism: self.mechanism, secret: secret.map(Into::into) }
    }
}

fn challenge_of(bytes: &[u8]) -> Step {
    Step::Challenge(STANDARD.encode(bytes))
}
