//! A command line becomes a deed: the table's questions first, then the verb's own.

use super::super::command::{Needs, Rule, Verb};
use super::super::replies;
use super::super::reply::Reply;
use super::super::transcript::Note;
use super::{Action, Ended, Hello, Session, State};

impl Session {
    /// The table's questions, then the verb's own.
    pub(super) fn command(
        &mut self,
        rule: &'static Rule,
        argument: &[u8],
        more: bool,
        actions: &mut Vec<Action>,
    ) {
        self.has_pipelined |= more;
        // Whatever BDAT says, the octets behind it are no commands.
        if rule.verb == Verb::Bdat {
            let refusal = self.check_rule(rule).err();
            return self.bdat(argument, refusal, actions);
        }
        let checked = self.check_rule(rule);
        let checked = checked.and_then(|()| self.ask_before_verb(rule, argument));
        let early = more && rule.verb == Verb::Data;
        let result = checked.and_then(|()| self.perform(rule, argument, more, actions));
        let stops = self.clock.is_stopping() && !self.in_transaction() && result.is_ok();
        if stops && !matches!(self.state, State::Closed) {
            self.reply(replies::SHUTTING_DOWN, actions);
        }
        if let Err(reply) = result {
            self.refuse(rule.name, reply, actions);
            // Mail data behind a DATA that was refused would be read as commands.
            if early && !matches!(self.state, State::Closed) {
                self.note(Note::DataBeforeReply);
                self.refuse("", replies::TALKS_TOO_EARLY, actions);
                self.end(Ended::ClosedByServer { code: replies::TALKS_TOO_EARLY.code() }, actions);
            }
        }
    }

    fn check_rule(&self, rule: &Rule) -> Result<(), Reply> {
        if self.turned_away && rule.verb != Verb::Quit {
            return Err(replies::NO_SERVICE);
        }
        if !rule.before_tls && self.policy.demands_starttls(self.standing()) {
            return Err(replies::STARTTLS_FIRST);
        }
        let in_transaction = matches!(self.state, State::InTransaction(_));
        match rule.needs {
            Needs::Nothing => Ok(()),
            _ if self.hello.is_none() => Err(replies::HELLO_FIRST),
            Needs::NoTransaction if in_transaction && rule.verb == Verb::Auth => {
                Err(replies::AUTH_IN_TRANSACTION)
            }
            Needs::NoTransaction if in_transaction => Err(replies::NESTED_MAIL),
            Needs::Transaction if !in_transaction => Err(replies::MAIL_FIRST),
            _ => Ok(()),
        }
    }

    fn perform(
        &mut self,
        rule: &Rule,
        argument: &[u8],
        more: bool,
        actions: &mut Vec<Action>,
    ) -> Result<(), Reply> {
        match rule.verb {
            Verb::Ehlo | Verb::Helo => {
                return self.hello_command(rule.verb, argument, more, actions);
            }
            Verb::StartTls => return self.starttls(argument, actions),
            Verb::Auth => return self.auth(argument, actions),
            Verb::Mail => return self.mail(argument, actions),
            Verb::Rcpt => return self.rcpt(argument, actions),
            Verb::Data => return self.data(argument, more, actions),
            Verb::Bdat => return Err(replies::BAD_BDAT),
            Verb::Rset => {
                no_arguments(argument)?;
                self.abandon_transaction();
                self.reply(replies::RESET, actions);
            }
            Verb::Noop => self.reply(replies::NOOP, actions),
            Verb::Quit => {
                no_arguments(argument)?;
                self.reply(replies::BYE, actions);
                self.end(Ended::Quit, actions);
            }
            Verb::Help => self.reply(replies::HELP, actions),
            Verb::Vrfy if argument.is_empty() => return Err(replies::ARGUMENT_MISSING),
            Verb::Vrfy => self.reply(replies::CANNOT_VERIFY, actions),
            Verb::Expn => return Err(replies::NO_EXPN),
        }
        Ok(())
    }

    fn hello_command(
        &mut self,
        verb: Verb,
        argument: &[u8],
        more: bool,
        actions: &mut Vec<Action>,
    ) -> Result<(), Reply> {
        let name = std::str::from_utf8(argument).ok().filter(|name| !name.is_empty());
        let name =
            name.filter(|name| !name.chars().any(char::is_control)).ok_or(replies::HELLO_SYNTAX)?;
        if more && self.hello.is_none() {
            self.note(Note::PipelinedBeforeEhlo);
            self.refuse("", replies::TALKS_TOO_EARLY, actions);
            self.end(Ended::ClosedByServer { code: replies::TALKS_TOO_EARLY.code() }, actions);
            return Ok(());
        }
        let extended = verb == Verb::Ehlo;
        self.hello = Some(Hello { name: name.into(), extended });
        self.abandon_transaction();
        self.state = State::Identified;
        let reply = if extended {
            replies::ehlo(self.policy.ehlo_lines(self.standing()))
        } else {
            replies::helo(&self.policy.hostname)
        };
        self.reply(reply, actions);
        Ok(())
    }

    fn starttls(&mut self, argument: &[u8], actions: &mut Vec<Action>) -> Result<(), Reply> {
        if self.tls.is_some() {
            return Err(replies::TLS_IS_ON);
        }
        if !self.policy.offers_starttls(self.standing()) {
            return Err(replies::NO_STARTTLS);
        }
        if !argument.is_empty() {
            return Err(replies::STARTTLS_ARGUMENT);
        }
        self.abandon_transaction();
        // A handshake would be cut off; the caller says that the server stops.
        if self.clock.is_stopping() {
            return Ok(());
        }
        self.reply(replies::READY_FOR_TLS, actions);
        self.begin_tls(actions);
        Ok(())
    }
}

pub(super) fn no_arguments(argument: &[u8]) -> Result<(), Reply> {
    if argument.is_empty() { Ok(()) } else { Err(replies::NO_ARGUMENTS) }
}
