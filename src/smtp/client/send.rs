//! One message over a connection: MAIL, RCPT for each recipient, then the octets by DATA or BDAT.
//!
//! With PIPELINING, MAIL and the recipients leave in groups whose replies fit into any socket's buffer, so that
//! neither side waits for the other. What was refused is told for each recipient apart. Recipients beyond what the
//! server takes at a time go in further transactions, one after the other.

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
    /// The recipients of the transaction that is going on.
    turn: Vec<usize>,
    /// How many of them were named to the server.
    named: usize,
    /// Those of them for whom the server had no room.
    put_off: Vec<usize>,
    /// What the next replies are about.
    awaited: VecDeque<Awaited>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Mail,
    Recipient(usize),
    Data,
    End,
    Reset,
}

impl Sending {
    fn new(mail: Mail, way: Way) -> Self {
        let fates = vec![None; mail.recipients.len()];
        let (turn, put_off, awaited) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { mail, way, fates, turn, named: 0, put_off, awaited }
    }

    pub(super) fn waits_for(&self) -> &'static str {
        match self.awaited.front() {
            Some(Awaited::Mail) => "MAIL",
            Some(Awaited::Recipient(_)) => "RCPT",
            Some(Awaited::Data) => "DATA",
            Some(Awaited::Reset) => "RSET",
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

    /// Decides about those who were in this transaction.
    fn taken(&mut self, said: &Said) {
        for index in &self.turn {
            self.fates[*index].get_or_insert_with(|| Fate::of(said.clone()));
        }
    }

    fn refused(&mut self, index: usize, reply: &ServerReply) {
        let said = strict(Said::by_server("RCPT", reply));
        self.fates[index] = Some(if is_about_their_number(reply) {
            self.put_off.push(index);
            Fate::Later(said)
        } else {
            Fate::of(said)
        });
    }

    /// Whether somebody is left for one more transaction. Those who were put off are, where the server has decided
    /// about others: it comes to an end.
    fn has_more(&mut self) -> bool {
        let has_decided = self.put_off.len() < self.turn.len();
        for index in self.put_off.drain(..).filter(|_| has_decided) {
            self.fates[index] = None;
        }
        self.fates.iter().any(Option::is_none)
    }

    /// Whether somebody of this transaction is to have the message.
    fn is_open(&self) -> bool {
        self.turn.iter().any(|index| self.fates[*index].is_none())
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
        self.begin_transaction(Box::new(Sending::new(mail, way)), actions);
    }

    /// Begins with as many of those who are left as the server takes at a time.
    fn begin_transaction(&mut self, mut sending: Box<Sending>, actions: &mut Vec<Action>) {
        let most = self.offers.recipients.unwrap_or(usize::MAX);
        let fates = sending.fates.iter().enumerate();
        let left = fates.filter(|(_, fate)| fate.is_none()).map(|(index, _)| index);
        sending.turn = left.take(most).collect();
        sending.named = 0;
        sending.awaited = [Awaited::Mail].into();
        let command = sending.mail.mail_command(&self.offers);
        self.command(&command, self.settings.patience.command, actions);
        if self.offers.pipelining {
            self.name_recipients(&mut sending, GROUP - 1, actions);
        }
        self.state = State::Sending(sending);
    }

    /// Names so many more recipients to the server.
    fn name_recipients(&mut self, sending: &mut Sending, most: usize, actions: &mut Vec<Action>) {
        let end = sending.turn.len().min(sending.named + most);
        for index in &sending.turn[sending.named..end] {
            let command = sending.mail.rcpt_command(*index, &self.offers);
            self.command(&command, self.settings.patience.command, actions);
            sending.awaited.push_back(Awaited::Recipient(*index));
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
            Some(Awaited::Recipient(index))
                if !reply.is_good() && sending.fates[index].is_none() =>
            {
                sending.refused(index, reply);
            }
            Some(Awaited::Data) if reply.code() == 354 => return self.send_data(sending, actions),
            Some(Awaited::Data) => {
                sending.decide(&strict(Said::by_server("DATA", reply)));
                return self.done(*sending, true, actions);
            }
            Some(Awaited::End) => return self.data_answered(sending, reply, actions),
            Some(Awaited::Reset) if reply.is_good() => {
                return self.begin_transaction(sending, actions);
            }
            Some(Awaited::Reset) => {
                self.state = State::Sending(sending);
                let text = format!("unexpected reply {} {}", reply.code(), reply.text());
                return self.lost(&Said::by_us(450, "4.5.0", "RSET", text), actions);
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

    /// The message is taken, or not. Where it is not, the next transaction with it would fare no better.
    fn data_answered(
        &mut self,
        mut sending: Box<Sending>,
        reply: &ServerReply,
        actions: &mut Vec<Action>,
    ) {
        let said = strict_but_good(Said::by_server("the end of the data", reply));
        if !reply.is_good() {
            sending.decide(&said);
            return self.done(*sending, false, actions);
        }
        sending.taken(&said);
        if sending.has_more() {
            return self.begin_transaction(sending, actions);
        }
        self.done(*sending, false, actions);
    }

    /// Every command so far is answered.
    fn go_on(&mut self, mut sending: Box<Sending>, actions: &mut Vec<Action>) {
        if !sending.is_open() {
            if sending.has_more() {
                self.command("RSET", self.settings.patience.command, actions);
                sending.awaited.push_back(Awaited::Reset);
                self.state = State::Sending(sending);
                return;
            }
            // After a refused MAIL there is no transaction; RSET does no harm then.
            return self.done(*sending, true, actions);
        }
        if sending.named < sending.turn.len() {
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
            self.command("RSET", self.settings.patience.farewell, actions);
            self.state = State::Reset;
        } else {
            self.ready(actions);
        }
    }
}

/// Whether the server takes no more recipients in this transaction, whoever they are: 452, for which some say 552
/// (RFC 5321 §4.5.3.1.10). With another enhanced status code both speak of the one mailbox.
fn is_about_their_number(reply: &ServerReply) -> bool {
    matches!(reply.code(), 452 | 552)
        && reply.enhanced().is_none_or(|enhanced| enhanced.ends_with(".5.3"))
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
