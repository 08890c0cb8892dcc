//! One message over a connection: MAIL, RCPT for each recipient, then the octets by DATA or BDAT.
//!
//! With PIPELINING, MAIL and the recipients leave in groups whose replies fit into any socket's buffer, so that
//! neither side waits for the other. What was refused is told for each recipient apart.

use super::super::transcript::Kind;
use super::mail::{Fate, Mail, Offers, Outcome, Said, Way};
use super::{Action, Client, ServerReply, State};
use std::collections::VecDeque;

/// Commands in one group.
const GROUP: usize = 100;

/// A message on its way.
#[derive(Debug)]
pub(super) struct Sending {
    mail: Mail,
    way: Way,
    fates: Vec<Option<Fate>>,
    /// Recipients that were named to the server.
    named: usize,
    /// What the next replies are about.
    awaited: VecDeque<Awaited>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Mail,
    Recipient(usize),
    Data,
    End,
}

impl Sending {
    pub(super) fn waits_for(&self) -> &'static str {
        match self.awaited.front() {
            Some(Awaited::Mail) => "MAIL",
            Some(Awaited::Recipient(_)) => "RCPT",
            Some(Awaited::Data) => "DATA",
            Some(Awaited::End) | None => "the end of the data",
        }
    }

    /// All that is undecided fares like this.
    pub(super) fn lost(mut self, said: &Said, offers: &Offers) -> Outcome {
        // A server that says 421 has told what becomes of the message; silence has not.
        let reply_lost = !said.by_server && self.awaited.front() == Some(&Awaited::End);
        self.decide(said);
        self.outcome(reply_lost, offers)
    }

    /// Decides about every recipient that was not refused.
    fn decide(&mut self, said: &Said) {
        for fate in &mut self.fates {
            fate.get_or_insert_with(|| Fate::of(said.clone()));
        }
    }

    fn outcome(self, reply_lost: bool, offers: &Offers) -> Outcome {
        Outcome {
            // Everything is decided by the time this is asked.
            fates: self.fates.into_iter().flatten().collect(),
            reply_lost,
            hands_on_notify: offers.dsn,
        }
    }
}

impl Client {
    pub(super) fn begin_mail(&mut self, mail: Mail, actions: &mut Vec<Action>) {
        self.mails += 1;
        let way = match mail.way(&self.offers) {
            Ok(way) => way,
            Err(said) => {
                let fates = vec![Fate::of(said); mail.recipients.len()];
                let hands_on_notify = self.offers.dsn;
                let outcome = Outcome { fates, reply_lost: false, hands_on_notify };
                actions.push(Action::Done(outcome));
                return self.ready(actions);
            }
        };
        let fates = vec![None; mail.recipients.len()];
        let mut sending = Sending { mail, way, fates, named: 0, awaited: [Awaited::Mail].into() };
        let command = sending.mail.mail_command(&self.offers);
        self.command(&command, self.settings.patience.command, actions);
        if self.offers.pipelining {
            self.name_recipients(&mut sending, GROUP - 1, actions);
        }
        self.state = State::Sending(Box::new(sending));
    }

    /// Names so many more recipients to the server.
    fn name_recipients(&mut self, sending: &mut Sending, most: usize, actions: &mut Vec<Action>) {
        let end = sending.mail.recipients.len().min(sending.named + most);
        for index in sending.named..end {
            let command = sending.mail.rcpt_command(index, &self.offers);
            self.command(&command, self.settings.patience.command, actions);
            sending.awaited.push_back(Awaited::Recipient(index));
        }
        sending.named = end;
    }

    pub(super) fn sending_answered(&mut self, reply: &ServerReply, actions: &mut Vec<Action>) {
        let State::Sending(mut sending) = std::mem::replace(&mut self.state, State::Ready) else {
            return;
        };
        self.deadline = Some(self.now + self.settings.patience.command);
        match sending.awaited.pop_front() {
            Some(Awaited::Mail) if !reply.is_good() => {
                sending.decide(&strict(Said::by_server("MAIL", reply)));
            }
            Some(Awaited::Recipient(index)) if !reply.is_good() => {
                let fate = Fate::of(strict(Said::by_server("RCPT", reply)));
                sending.fates[index].get_or_insert(fate);
            }
            Some(Awaited::Data) if reply.code() == 354 => return self.send_data(sending, actions),
            Some(Awaited::Data) => {
                sending.decide(&strict(Said::by_server("DATA", reply)));
                return self.done(*sending, true, actions);
            }
            Some(Awaited::End) => {
                sending.decide(&strict_but_good(Said::by_server("the end of the data", reply)));
                return self.done(*sending, false, actions);
            }
            Some(Awaited::Mail | Awaited::Recipient(_)) => {}
            None => {
                self.state = State::Sending(sending);
                let said = Said::by_us(450, "4.5.0", "nothing", "a reply that nobody asked for");
                return self.lost(&said, actions);
            }
        }
        if sending.awaited.is_empty() {
            self.go_on(sending, actions);
        } else {
            self.state = State::Sending(sending);
        }
    }

    /// Every command so far is answered.
    fn go_on(&mut self, mut sending: Box<Sending>, actions: &mut Vec<Action>) {
        let is_open = sending.fates.iter().any(Option::is_none);
        if !is_open {
            // After a refused MAIL there is no transaction; RSET does no harm then.
            return self.done(*sending, true, actions);
        }
        if sending.named < sending.mail.recipients.len() {
            let most = if self.offers.pipelining { GROUP } else { 1 };
            self.name_recipients(&mut sending, most, actions);
            self.state = State::Sending(sending);
            return;
        }
        match sending.way {
            Way::Data => {
                self.command("DATA", self.settings.patience.command, actions);
                sending.awaited.push_back(Awaited::Data);
                self.state = State::Sending(sending);
            }
            Way::Bdat => {
                let command = format!("BDAT {} LAST", sending.mail.size());
                self.command(&command, self.settings.patience.command, actions);
                self.send_data(sending, actions);
            }
        }
    }

    fn send_data(&mut self, mut sending: Box<Sending>, actions: &mut Vec<Action>) {
        let (head, bytes) = (sending.mail.head.clone(), sending.mail.bytes.clone());
        self.record(Kind::Data, &format!("{} octets of mail data", head.len() + bytes.len()));
        actions.push(match sending.way {
            Way::Data => Action::SendData(head, bytes),
            Way::Bdat => Action::SendChunk(head, bytes),
        });
        sending.awaited.push_back(Awaited::End);
        self.deadline = Some(self.now + self.settings.patience.end_of_data);
        self.state = State::Sending(sending);
    }

    fn done(&mut self, sending: Sending, resets: bool, actions: &mut Vec<Action>) {
        actions.push(Action::Done(sending.outcome(false, &self.offers)));
        if resets {
            self.command("RSET", self.settings.patience.command, actions);
            self.state = State::Reset;
        } else {
            self.ready(actions);
        }
    }
}

/// A 2xx or 3xx where it says nothing of use counts as a failure that may pass.
pub(super) fn strict(said: Said) -> Said {
    if said.code >= 400 {
        return said;
    }
    let text = format!("unexpected reply {} {}", said.code, said.text);
    Said { code: 450, enhanced: "4.5.0".into(), text, ..said }
}

fn strict_but_good(said: Said) -> Said {
    if said.code / 100 == 2 { said } else { strict(said) }
}
