//! AUTH in a session (RFC 4954): who may begin it, how its lines are read, what a failure costs.

use super::super::auth::{Exchange, LoginFlaw, Mechanism, Outcome, Step};
use super::super::misbehave::Point;
use super::super::replies;
use super::super::reply::Reply;
use super::super::transcript::Note;
use super::misbehave::About;
use super::{Action, Awaiting, Session, State};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::time::Duration;

/// The longest wait before a refused login is answered.
const LONGEST_DELAY: Duration = Duration::from_secs(16);

impl Session {
    pub(super) fn auth(&mut self, argument: &[u8], actions: &mut Vec<Action>) -> Result<(), Reply> {
        if !self.policy.offers_auth(self.standing()) {
            return Err(replies::NO_AUTH);
        }
        if self.identity.is_some() {
            return Err(replies::AUTHENTICATED_ALREADY);
        }
        let text = std::str::from_utf8(argument).map_err(|_| replies::AUTH_SYNTAX)?;
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        let (name, initial) = (words.next().ok_or(replies::AUTH_SYNTAX)?, words.next());
        if words.next().is_some() {
            return Err(replies::AUTH_SYNTAX);
        }
        let mechanism = Mechanism::parse(name)
            .filter(|mechanism| {
                self.policy.offered_mechanisms().any(|offered| offered == *mechanism)
            })
            .ok_or(replies::UNKNOWN_MECHANISM)?;
        let initial = match initial {
            // CRAM-MD5 is one where the server speaks first: it has no initial response, not even an empty one.
            Some(_) if mechanism == Mechanism::CramMd5 => return Err(replies::NO_INITIAL_RESPONSE),
            // `=` stands for an initial response of no octets (RFC 4954 §4).
            Some("=") => Some(Vec::new()),
            Some(text) => Some(STANDARD.decode(text).map_err(|_| replies::BAD_BASE64)?),
            None => None,
        };
        self.exchanges += 1;
        let entropy = [&self.context.entropy[..], &self.exchanges.to_be_bytes()].concat();
        let mut exchange = Exchange::new(mechanism, self.policy.directory.clone(), &entropy);
        let step = exchange.begin(initial.as_deref());
        self.auth_step(exchange, step, actions)
    }

    /// One line of an exchange.
    pub(super) fn auth_answer(&mut self, line: &[u8], actions: &mut Vec<Action>) {
        let State::Authenticating(mut exchange) =
            std::mem::replace(&mut self.state, State::Identified)
        else {
            return;
        };
        self.record_answer(line, &exchange);
        let result = if exchange.is_lost() {
            // The client has been told in a challenge; whatever it answers, this was a failed login.
            self.auth_step(*exchange, Step::Done(Outcome::Refused), actions)
        } else if line == b"*" {
            Err(replies::AUTH_CANCELLED)
        } else {
            STANDARD.decode(line.trim_ascii_end()).map_err(|_| replies::BAD_BASE64).and_then(
                |answer| {
                    let step = exchange.answer(&answer);
                    self.auth_step(*exchange, step, actions)
                },
            )
        };
        if let Err(reply) = result {
            self.refuse("AUTH", reply, actions);
        }
    }

    fn auth_step(
        &mut self,
        exchange: Exchange,
        step: Step,
        actions: &mut Vec<Action>,
    ) -> Result<(), Reply> {
        match step {
            Step::Challenge(text) => {
                self.reply(replies::challenge(&text), actions);
                self.state = State::Authenticating(Box::new(exchange));
            }
            Step::Done(Outcome::Accepted(identity)) => {
                self.ask_before(Point::Auth, || About::user(Some(&identity.user)))?;
                self.identity = Some(identity);
                self.remark();
                self.hush = false;
                self.reply(replies::AUTHENTICATED, actions);
            }
            Step::Done(Outcome::Malformed) => {
                self.note_flaw(exchange.flaw());
                return Err(replies::BAD_EXCHANGE);
            }
            Step::Done(Outcome::Refused) => {
                self.ask_before(Point::Auth, || About::user(exchange.named()))?;
                self.note_flaw(exchange.flaw());
                self.login_failed(actions);
            }
        }
        Ok(())
    }

    /// What is wrong with the credentials is noted, and never the credentials.
    fn note_flaw(&mut self, flaw: Option<LoginFlaw>) {
        if let Some(flaw) = flaw {
            self.note(match flaw {
                LoginFlaw::Whitespace => Note::SecretHasWhitespace,
                LoginFlaw::Base64Twice => Note::SecretIsBase64,
                LoginFlaw::NearUser => Note::UserNearlyRight,
                LoginFlaw::TokenExpected => Note::TokenExpected,
            });
        }
    }

    /// The first failure is answered at once, each further one later than the one before: a
    /// mistake costs nothing, guessing does.
    fn login_failed(&mut self, actions: &mut Vec<Action>) {
        self.auth_failures += 1;
        let failures = self.auth_failures;
        let reply = if failures >= self.policy.limits.auth_failures {
            replies::TOO_MANY_FAILURES
        } else {
            replies::BAD_CREDENTIALS
        };
        if failures == 1 {
            return self.refuse("AUTH", reply, actions);
        }
        let delay = Duration::from_secs(1 << (failures - 2).min(16)).min(LONGEST_DELAY);
        self.state = State::AwaitingShell(Awaiting::Delay { reply, until: self.clock.now + delay });
    }
}
