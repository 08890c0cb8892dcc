//! Logging in: PLAIN (RFC 4616), else LOGIN, as most servers offer them.
//!
//! Refuses to send a secret in the clear where that was not allowed. A login that is refused may be right later: it
//! is the one who wrote the configuration who can mend it, so that the mail waits.

use super::super::transcript::Kind;
use super::{Action, Client, Said, ServerReply, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Where in the exchange a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Everything is said.
    Answer,
    /// LOGIN: the user is asked for.
    User,
    /// LOGIN: the secret is asked for.
    Secret,
}

impl Client {
    pub(super) fn begin_login(&mut self, actions: &mut Vec<Action>) {
        let Some(login) = self.settings.login.clone() else { return };
        let waits = |text: &str| Said::by_us(454, "4.7.0", "AUTH", text);
        if self.tls.is_none() && !self.settings.login_in_clear {
            let text = "the secret would go in the clear: the server offers no TLS";
            return self.lost(&waits(text), actions);
        }
        let offers = |name: &str| self.offers.auth.iter().any(|mechanism| mechanism == name);
        if offers("PLAIN") {
            let text = format!("\0{}\0{}", login.user, login.secret);
            self.say_secret("AUTH PLAIN ", &text, actions);
            self.mechanism = "PLAIN";
            self.state = State::Auth(Step::Answer);
        } else if offers("LOGIN") {
            self.command("AUTH LOGIN", self.settings.patience.command, actions);
            self.mechanism = "LOGIN";
            self.state = State::Auth(Step::User);
        } else {
            let text = match self.offers.auth.as_slice() {
                [] => "the server offers no AUTH".to_owned(),
                others => format!("the server offers AUTH {} only", others.join(" ")),
            };
            self.lost(&waits(&text), actions);
        }
    }

    /// Sends a secret, and writes into the transcript that one was sent.
    fn say_secret(&mut self, before: &str, secret: &str, actions: &mut Vec<Action>) {
        self.record(Kind::Client, &format!("{before}(secret)"));
        self.deadline = Some(self.now + self.settings.patience.command);
        let line = format!("{before}{}\r\n", BASE64.encode(secret));
        actions.push(Action::Send(line.into_bytes()));
    }

    pub(super) fn auth_answered(&mut self, reply: &ServerReply, actions: &mut Vec<Action>) {
        let State::Auth(step) = self.state else { return };
        let Some(login) = self.settings.login.clone() else { return };
        match (step, reply.code()) {
            (Step::User, 334) => {
                self.say_secret("", &login.user, actions);
                self.state = State::Auth(Step::Secret);
            }
            (Step::Secret, 334) => {
                self.say_secret("", &login.secret, actions);
                self.state = State::Auth(Step::Answer);
            }
            (_, 235) => {
                self.user = Some(login.user);
                self.ready(actions);
            }
            _ => {
                let mut said = Said::by_server("AUTH", reply);
                if said.code >= 500 {
                    said.text = format!("{} {} {}", said.code, said.enhanced, said.text);
                    (said.code, said.enhanced) = (454, "4.7.0".into());
                }
                self.lost(&said, actions);
            }
        }
    }
}
