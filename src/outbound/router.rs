//! Decides where mail goes on to after a door has taken it, and what is to be said about it later.
//!
//! Nothing goes on unless a route, a person or a fault says so; what goes in a circle, or to a host that nobody has
//! allowed, goes nowhere.

use super::connect::Reach;
use super::fate::{Action, Told};
use super::report::{About, FEEDBACK, Reporter};
use super::trace;
use crate::config::{Config, Host, Route, Target};
use crate::fault::later::What;
use crate::fault::{Faults, Later};
use crate::mail::{ForwardPath, Recipient};
use crate::mime::Searchable;
use crate::smtp::client::Said;
use crate::smtp::misbehave::{Occasion, Point};
use crate::storage::outbox::{Bound, NewItem, Onward, Reason, Release, Report};
use crate::storage::{Door, InboxBy, Message, Store};
use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// Recipients of one message for whom something may come later.
const MOST_LATER: usize = 100;

/// Decides for one store.
#[derive(Debug)]
pub struct Router {
    store: Weak<Store>,
    routes: Vec<Route>,
    inbox_by: InboxBy,
    feedback_loops: Vec<String>,
    delivery_reports: bool,
    reach: Reach,
    faults: Arc<Faults>,
    reporter: Reporter,
}

impl Router {
    /// A router with the configuration's routes.
    #[must_use]
    pub fn new(store: &Arc<Store>, config: &Config, faults: Arc<Faults>) -> Self {
        Self {
            store: Arc::downgrade(store),
            routes: config.routes.clone(),
            inbox_by: config.inbox_by.clone(),
            feedback_loops: config.feedback_loops.clone(),
            delivery_reports: config.delivery_reports,
            reach: Reach::new(config.allow_hosts.clone()),
            faults,
            reporter: Reporter::new(&config.hostname),
        }
    }

    fn doors(&self) -> Vec<Arc<Door>> {
        self.store.upgrade().map(|store| store.doors().to_vec()).unwrap_or_default()
    }

    /// What goes on by the routes, an entry for each target.
    fn routed(&self, message: &Message) -> Vec<NewItem> {
        let mut targets: Vec<(&Target, Vec<&Recipient>)> = Vec::new();
        let mut inboxes: Option<BTreeSet<String>> = None;
        for recipient in &message.envelope().forward_paths {
            let path = recipient.path.to_string();
            let fits = |route: &&Route| self.fits(route, message, &path, &mut inboxes);
            let Some(via) = self.routes.iter().find(fits).and_then(|route| route.via.as_ref())
            else {
                continue;
            };
            // A door that sends its own mail through itself would never stop.
            if *via == Target::Door(message.arrival().door.to_string()) {
                continue;
            }
            match targets.iter_mut().find(|(target, _)| *target == via) {
                Some((_, recipients)) => recipients.push(recipient),
                None => targets.push((via, vec![recipient])),
            }
        }
        if targets.is_empty() {
            return Vec::new();
        }
        let circle = trace::circle(message).map(|why| Said::by_us(554, "5.4.6", "RCPT", why));
        let item = |(target, recipients): (&Target, Vec<&Recipient>)| {
            let bound = recipients.into_iter().map(Bound::of).collect();
            let new = whole(message, Reason::Route, target, bound);
            NewItem { head: message.received(), refused: circle.clone(), ..new }
        };
        targets.into_iter().map(item).collect()
    }

    fn fits(
        &self,
        route: &Route,
        message: &Message,
        path: &str,
        inboxes: &mut Option<BTreeSet<String>>,
    ) -> bool {
        let arrival = message.arrival();
        let among = |names: &[String], name: Option<&str>| {
            names.is_empty() || name.is_some_and(|name| names.iter().any(|own| own == name))
        };
        if !route.takes(path)
            || !among(&route.door, Some(&arrival.door))
            || !among(&route.user, arrival.auth_user.as_deref())
        {
            return false;
        }
        if route.inbox.is_empty() {
            return true;
        }
        let inboxes = inboxes.get_or_insert_with(|| {
            self.inbox_by.inboxes(message, &Searchable::of(message.bytes()))
        });
        route.inbox.iter().any(|inbox| inboxes.contains(&self.inbox_by.filed(inbox)))
    }

    /// What rules and magic addresses ask to be said about it.
    fn said_later(&self, message: &Message) -> Vec<NewItem> {
        let (arrival, envelope) = (message.arrival(), message.envelope());
        let has_rules = self.faults.has_later();
        let has_magic = self.faults.has_magic();
        if envelope.reverse_path.mailbox().is_none() || !has_rules && !has_magic {
            return Vec::new();
        }
        let mut new = Vec::new();
        let asks = |one: &&Recipient| has_rules || crate::fault::magic::is_under_test(&one.path);
        let mut asking = envelope.forward_paths.iter().take(MOST_LATER).filter(asks).peekable();
        if asking.peek().is_none() {
            return new;
        }
        let reverse_path = envelope.reverse_path.text();
        let doors = self.doors();
        for recipient in asking {
            let path = [recipient.path.text()];
            let occasion = Occasion {
                point: Point::Kept,
                door: &arrival.door,
                peer: arrival.peer.ip(),
                hello: Some(&arrival.hello),
                user: arrival.auth_user.as_deref(),
                encrypted: arrival.tls.is_some(),
                reverse_path: Some(&reverse_path),
                forward_paths: &path,
                recipients: envelope.forward_paths.len(),
                size: Some(message.bytes().len() as u64),
                message: Some(message.bytes()),
            };
            for later in self.faults.later(&occasion) {
                let at = OffsetDateTime::now_utc() + later.after;
                new.extend(self.one_later(message, recipient, &later, at, &doors));
            }
        }
        new
    }

    fn one_later(
        &self,
        message: &Message,
        recipient: &Recipient,
        later: &Later,
        at: OffsetDateTime,
        doors: &[Arc<Door>],
    ) -> Vec<NewItem> {
        let about = About::message(message);
        let notify = recipient.notify;
        let (action, wanted, usual) = match later.what {
            What::OutOfOffice => {
                let path = recipient.path.to_string();
                return self.reporter.away(&about, &path, at, doors).into_iter().collect();
            }
            What::Complaint => {
                return self.complaint(message, "abuse", at, doors).into_iter().collect();
            }
            What::Bounce => {
                let wanted = notify.is_none_or(|notify| notify.failure);
                (Action::Failed, wanted, (550, "5.1.1", "No such user here"))
            }
            What::Delay => {
                let wanted = notify.is_none_or(|notify| notify.delay);
                (Action::Delayed, wanted, (450, "4.2.1", "Mailbox busy, trying on"))
            }
            What::Success => {
                let wanted = notify.is_some_and(|notify| notify.success);
                (Action::Delivered, wanted, (250, "2.1.5", "Delivered"))
            }
            What::Expanded => {
                let wanted = notify.is_some_and(|notify| notify.success);
                (Action::Expanded, wanted, (250, "2.1.5", "Expanded to a list"))
            }
        };
        if !wanted {
            return Vec::new();
        }
        let reply = later.reply.as_ref().filter(|reply| reply.is_refusal() == (usual.0 >= 400));
        let said = match reply {
            None => Said::as_if_by_server(usual.0, usual.1, usual.2),
            Some(reply) => {
                let enhanced = reply.enhanced().unwrap_or_else(|| usual.1.to_owned());
                Said::as_if_by_server(reply.code(), &enhanced, &reply.text())
            }
        };
        let until = (action == Action::Delayed).then(|| at + time::Duration::days(5));
        let told = Told { action, recipient: Bound::of(recipient), said, status: None, until };
        self.reporter.status(&about, &[told], at, doors)
    }

    fn complaint(
        &self,
        message: &Message,
        feedback: &str,
        at: OffsetDateTime,
        doors: &[Arc<Door>],
    ) -> Option<NewItem> {
        let to = self.feedback_loop(message)?;
        self.reporter.complaint(&About::message(message), &to, feedback, at, doors)
    }

    /// The address of the feedback loop for the domain of the reverse-path.
    fn feedback_loop(&self, message: &Message) -> Option<String> {
        let domain = message.envelope().reverse_path.mailbox()?.domain().canonical();
        let named = |wanted: &str| {
            let rows = self.feedback_loops.iter().filter_map(|row| row.split_once('='));
            let mut found = rows.filter(|(own, _)| own.eq_ignore_ascii_case(wanted));
            found.next().map(|(_, to)| to.to_owned())
        };
        named(&domain).or_else(|| named("*")).or_else(|| Some(format!("abuse@{domain}")))
    }

    /// Reports that a caught message was delivered, where its sender asked (RFC 3461 §4.1).
    fn caught(&self, message: &Message, routed: &[NewItem]) -> Vec<NewItem> {
        if !self.delivery_reports || message.envelope().reverse_path.mailbox().is_none() {
            return Vec::new();
        }
        let goes_on = |path: &str| {
            routed.iter().flat_map(|new| &new.recipients).any(|bound| bound.path == path)
        };
        let asks = |one: &&Recipient| one.notify.is_some_and(|notify| notify.success);
        let asking = message.envelope().forward_paths.iter().filter(asks);
        let told = asking.filter_map(|recipient| {
            let bound = Bound::of(recipient);
            let said = Said::by_us(250, "2.1.5", "RCPT", "Delivered");
            (!goes_on(&bound.path)).then_some(Told {
                action: Action::Delivered,
                recipient: bound,
                said,
                status: None,
                until: None,
            })
        });
        let told: Vec<_> = told.collect();
        let now = OffsetDateTime::now_utc();
        self.reporter.status(&About::message(message), &told, now, &self.doors())
    }
}

impl Onward for Router {
    fn consider(&self, message: &Message) -> Vec<NewItem> {
        let mut new = if self.routes.is_empty() { Vec::new() } else { self.routed(message) };
        new.extend(self.caught(message, &new));
        new.extend(self.said_later(message));
        new
    }

    fn release(&self, message: &Message, order: &Release) -> Result<NewItem, String> {
        let target = Target::parse(&order.target).map_err(|error| format!("to: {error}"))?;
        match &target {
            Target::Server(server) if !self.reach.permits(&server.host) => {
                let host = host_name(&server.host);
                return Err(format!(
                    "to: {host} is not this machine, and nothing leaves it unless the place is named: start doorpost with --allow-host {host}"
                ));
            }
            Target::Door(name) if !self.doors().iter().any(|door| door.name() == name) => {
                return Err(format!("to: there is no open door {name}"));
            }
            _ => {}
        }
        let mut recipients = Vec::new();
        for text in &order.recipients {
            let bracketed = format!("<{text}>");
            match ForwardPath::parse_front(&bracketed) {
                Ok((path, "")) => {
                    recipients.push(Bound::of(&Recipient { path, notify: None, orcpt: None }));
                }
                Ok(_) => return Err(format!("rcpt: {text:?} is no address")),
                Err(error) => return Err(format!("rcpt: {text:?} is no address: {error}")),
            }
        }
        if recipients.is_empty() {
            recipients = message.envelope().forward_paths.iter().map(Bound::of).collect();
        }
        if recipients.is_empty() {
            return Err("rcpt: the message has no envelope, so say whom it is for".to_owned());
        }
        let head = if order.resent { resent(message, &recipients) } else { String::new() };
        Ok(NewItem { head, ..whole(message, Reason::Release, &target, recipients) })
    }

    fn report(
        &self,
        message: &Message,
        report: &Report,
        at: OffsetDateTime,
    ) -> Result<Vec<NewItem>, String> {
        let doors = self.doors();
        let null =
            || "the message has the null reverse-path, to which nothing is ever said".to_owned();
        let no_door = || "no door is open that takes mail without a login".to_owned();
        if message.envelope().reverse_path.mailbox().is_none() {
            return Err(null());
        }
        match report {
            Report::Complaint { feedback } if !FEEDBACK.contains(&feedback.as_str()) => {
                Err(format!("feedback is one of {}", FEEDBACK.join(", ")))
            }
            Report::Complaint { feedback } => {
                let new = self.complaint(message, feedback, at, &doors);
                new.map(|new| vec![new]).ok_or_else(no_door)
            }
            Report::AutoReply => {
                let first = message.envelope().forward_paths.first();
                let first = first.ok_or("the message has no recipient who could answer")?;
                let path = first.path.to_string();
                Ok(vec![self.reporter.away(&About::message(message), &path, at, &doors)?])
            }
            Report::Status { action, reply, recipients } => {
                let told = told(message, action, reply.as_deref(), recipients)?;
                let new = self.reporter.status(&About::message(message), &told, at, &doors);
                if new.is_empty() { Err(no_door()) } else { Ok(new) }
            }
        }
    }
}

fn host_name(host: &Host) -> String {
    host.to_string().trim_matches(['[', ']']).to_owned()
}

/// What a person wants to be told of.
fn told(
    message: &Message,
    action: &str,
    reply: Option<&str>,
    recipients: &[String],
) -> Result<Vec<Told>, String> {
    let wanted = Action::ALL.into_iter().find(|one| one.name() == action);
    let action = wanted
        .ok_or_else(|| format!("action is one of {}", Action::ALL.map(Action::name).join(", ")))?;
    let usual = match action {
        Action::Failed => "550 5.1.1 No such user here",
        Action::Delayed => "450 4.2.1 Mailbox busy, trying on",
        _ => "250 2.1.5 Delivered",
    };
    let wrong = || {
        "reply is a code, an enhanced status code of its class and a text, such as 550 5.1.1 No such user".to_owned()
    };
    let mut words = reply.unwrap_or(usual).splitn(3, ' ');
    let code: u16 = words.next().and_then(|code| code.parse().ok()).ok_or_else(wrong)?;
    let class = if action == Action::Failed || action == Action::Delayed { 4..=5 } else { 2..=2 };
    let enhanced = words.next().filter(|word| word.starts_with(&format!("{}.", code / 100)));
    let is_status = |word: &str| {
        word.split('.').count() == 3 && word.split('.').all(|n| n.parse::<u16>().is_ok())
    };
    let enhanced = enhanced.filter(|word| is_status(word)).ok_or_else(wrong)?;
    if !class.contains(&(code / 100)) || code > 599 {
        return Err(format!(
            "a reply of the class {}xx does not go with {}",
            code / 100,
            action.name()
        ));
    }
    let said = Said::as_if_by_server(code, enhanced, words.next().unwrap_or_default());
    let all = message.envelope().forward_paths.iter().map(Bound::of);
    let chosen = |bound: &Bound| recipients.is_empty() || recipients.contains(&bound.path);
    let told: Vec<_> = all
        .filter(chosen)
        .map(|recipient| Told { action, recipient, said: said.clone(), status: None, until: None })
        .collect();
    if told.is_empty() { Err("the message has no such recipient".to_owned()) } else { Ok(told) }
}

/// The message as it was kept, for these recipients.
fn whole(message: &Message, reason: Reason, target: &Target, recipients: Vec<Bound>) -> NewItem {
    let envelope = message.envelope();
    NewItem {
        reason,
        message: Some(message.id()),
        target: target.with_secret(),
        reverse_path: envelope.reverse_path.to_string(),
        recipients,
        ret: envelope.ret.map(|ret| ret.to_string()),
        envid: envelope.envid.clone(),
        body: envelope.body.to_string(),
        smtputf8: envelope.smtputf8,
        head: String::new(),
        not_before: OffsetDateTime::now_utc(),
        refused: None,
        bytes: message.bytes().clone(),
    }
}

/// The fields of a message that somebody sends anew (RFC 5322 §3.6.6).
fn resent(message: &Message, recipients: &[Bound]) -> String {
    let now = OffsetDateTime::now_utc();
    let date = now.format(&Rfc2822).unwrap_or_default();
    let to: Vec<_> = recipients.iter().map(|bound| bound.path.as_str()).collect();
    let from = match message.envelope().reverse_path.mailbox() {
        Some(mailbox) => mailbox.to_string(),
        None => format!("postmaster@{}", message.arrival().hostname),
    };
    let stamp = now.unix_timestamp_nanos();
    format!(
        "Resent-Date: {date}\r\nResent-From: <{from}>\r\nResent-To: {}\r\nResent-Message-ID: <{stamp}.{}@{}>\r\n",
        to.join(",\r\n\t"),
        message.id(),
        message.arrival().hostname,
    )
}
