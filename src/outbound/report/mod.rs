//! Messages that doorpost writes by itself: delivery status notifications, complaints, answers of people who are away.
//!
//! All of them have the null reverse-path, say that no human wrote them, and go by real SMTP to a door of this
//! doorpost, where a route of the return path may take them on. Nothing is ever said to the null reverse-path.

mod away;
mod complaint;
mod status;

pub(super) use complaint::FEEDBACK;

use super::fate::Told;
use crate::mail::{MessageId, Ret, ReversePath};
use crate::smtp::policy::AuthMode;
use crate::storage::outbox::{Bound, Item, NewItem, Reason, Standing};
use crate::storage::{Door, Message};
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// Writes reports in the name of this doorpost.
#[derive(Clone, Debug)]
pub(super) struct Reporter {
    hostname: String,
}

/// What a report is about.
pub(super) struct About<'a> {
    pub(super) message: Option<MessageId>,
    pub(super) bytes: &'a [u8],
    pub(super) reverse_path: ReversePath,
    pub(super) ret: Option<Ret>,
    pub(super) envid: Option<&'a str>,
    pub(super) arrived_at: OffsetDateTime,
    pub(super) peer: Option<std::net::IpAddr>,
    pub(super) recipients: Vec<String>,
    /// The server that was spoken to, where there was one.
    pub(super) remote: Option<String>,
}

impl<'a> About<'a> {
    pub(super) fn message(message: &'a Message) -> Self {
        let (arrival, envelope) = (message.arrival(), message.envelope());
        let paths = envelope.forward_paths.iter().map(|recipient| recipient.path.to_string());
        Self {
            message: Some(message.id()),
            bytes: message.bytes(),
            reverse_path: envelope.reverse_path.clone(),
            ret: envelope.ret,
            envid: envelope.envid.as_deref(),
            arrived_at: arrival.received_at,
            peer: Some(arrival.peer.ip().to_canonical()),
            recipients: paths.collect(),
            remote: None,
        }
    }
}

impl Reporter {
    pub(super) fn new(hostname: &str) -> Self {
        Self { hostname: hostname.to_owned() }
    }

    /// What is to be told because of an attempt, a message for each action.
    pub(super) fn of_item(&self, item: &Item, told: &[Told], doors: &[Arc<Door>]) -> Vec<NewItem> {
        let remote = crate::config::Target::parse(&item.new.target).ok();
        let remote =
            remote.and_then(|target| target.server().map(|server| server.host.to_string()));
        let about = About {
            message: item.new.message,
            bytes: &item.new.bytes,
            reverse_path: item.reverse_path(),
            ret: item.ret(),
            envid: item.new.envid.as_deref(),
            arrived_at: item.created_at,
            peer: None,
            recipients: item.new.recipients.iter().map(|bound| bound.path.clone()).collect(),
            remote,
        };
        self.status(&about, told, OffsetDateTime::now_utc(), doors)
    }

    /// Delivery status notifications (RFC 3464), one for each action that is told of.
    pub(super) fn status(
        &self,
        about: &About<'_>,
        told: &[Told],
        at: OffsetDateTime,
        doors: &[Arc<Door>],
    ) -> Vec<NewItem> {
        let Some(to) = about.reverse_path.mailbox().map(ToString::to_string) else {
            return Vec::new();
        };
        let of = |action| told.iter().filter(|one| one.action == action).cloned().collect();
        let groups =
            super::fate::Action::ALL.map(|action| -> (_, Vec<Told>) { (action, of(action)) });
        let groups = groups.iter().filter(|(_, told)| !told.is_empty());
        let reports = groups.map(|(action, told)| {
            let bytes = status::write(&self.hostname, about, *action, told, at);
            self.item(Reason::Report, about.message, &to, bytes, at, doors)
        });
        reports.flatten().collect()
    }

    /// A complaint (RFC 5965) to a feedback loop's address.
    pub(super) fn complaint(
        &self,
        about: &About<'_>,
        to: &str,
        feedback: &str,
        at: OffsetDateTime,
        doors: &[Arc<Door>],
    ) -> Option<NewItem> {
        let bytes = complaint::write(&self.hostname, about, to, feedback, at);
        self.item(Reason::Complaint, about.message, to, bytes, at, doors)
    }

    /// An answer by somebody who is away (RFC 3834); none where it would answer a machine.
    ///
    /// # Errors
    /// Says why nobody is answered.
    pub(super) fn away(
        &self,
        about: &About<'_>,
        recipient: &str,
        at: OffsetDateTime,
        doors: &[Arc<Door>],
    ) -> Result<NewItem, String> {
        let to = about.reverse_path.mailbox().map(ToString::to_string);
        let to = to.ok_or("the reverse-path is null: nothing is said to nobody")?;
        away::may_answer(about.bytes, &to)?;
        let bytes = away::write(&self.hostname, about, recipient, &to, at);
        let item = self.item(Reason::AutoReply, about.message, &to, bytes, at, doors);
        item.ok_or_else(|| "no door is open that takes mail without a login".to_owned())
    }

    /// A message of ours, on its way to a door of ours.
    fn item(
        &self,
        reason: Reason,
        message: Option<MessageId>,
        to: &str,
        bytes: Vec<u8>,
        at: OffsetDateTime,
        doors: &[Arc<Door>],
    ) -> Option<NewItem> {
        let takes_any = |door: &&Arc<Door>| door.policy.auth != AuthMode::Required;
        let relay = doors.iter().find(|door| door.name() == "relay");
        let Some(door) = relay.or_else(|| doors.iter().find(takes_any)) else {
            tracing::warn!("a report to {to} is not sent: no door takes mail without a login");
            return None;
        };
        let smtputf8 = !to.is_ascii() || !super::trace::head(&bytes).is_ascii();
        let is_ascii = bytes.is_ascii();
        Some(NewItem {
            reason,
            message,
            target: format!("door:{}", door.name()),
            reverse_path: String::new(),
            recipients: vec![Bound {
                path: to.to_owned(),
                notify: Some("NEVER".to_owned()),
                orcpt: None,
                standing: Standing::Waiting,
                said: None,
            }],
            ret: None,
            envid: None,
            body: if is_ascii { "7BIT" } else { "8BITMIME" }.to_owned(),
            smtputf8,
            head: String::new(),
            not_before: at,
            refused: None,
            bytes: Bytes::from(bytes),
        })
    }
}

/// A part of a report.
struct Part<'a> {
    kind: &'static str,
    content: Cow<'a, [u8]>,
}

impl Part<'_> {
    fn text(text: String) -> Self {
        Self { kind: "text/plain; charset=utf-8", content: text.into_bytes().into() }
    }

    fn encoding(&self) -> &'static str {
        if self.content.is_ascii() { "7bit" } else { "8bit" }
    }
}

/// A message of several parts (RFC 6522). What is beyond ASCII says so, and what holds it says so too (RFC 2045 §6.4).
fn multipart(head: &str, report_type: &str, rfc: &str, parts: &[Part<'_>]) -> Vec<u8> {
    let boundary = unique();
    let is_7bit = parts.iter().all(|part| part.content.is_ascii());
    let encoding = if is_7bit { "7bit" } else { "8bit" };
    let mut bytes = format!(
        "{head}MIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type={report_type};\r\n\tboundary=\"{boundary}\"\r\n\
         Content-Transfer-Encoding: {encoding}\r\n\r\n\
         This is a report in the format of {rfc}.\r\n"
    )
    .into_bytes();
    for part in parts {
        let (kind, encoding) = (part.kind, part.encoding());
        let fields = format!(
            "\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        );
        bytes.extend_from_slice(fields.as_bytes());
        bytes.extend_from_slice(&part.content);
    }
    // The line end in front of a boundary belongs to the boundary (RFC 2046 §5.1.1).
    bytes.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    bytes
}

/// What a report brings back of a message. A header of UTF-8 has types of its own (RFC 6533 §4). What could not pass as lines (a bare CR or LF, a
/// NUL: it came as BINARYMIME, or to a door that takes such) does not stand in the way of the report: then it is the
/// header alone, with spaces in their place.
fn enclosed(bytes: &[u8], whole: bool) -> Part<'_> {
    let head = super::trace::head(bytes);
    let is_global = !head.is_ascii() && std::str::from_utf8(head).is_ok();
    match (whole && is_of_lines(bytes), is_global) {
        (true, false) => Part { kind: "message/rfc822", content: Cow::Borrowed(bytes) },
        (true, true) => Part { kind: "message/global", content: Cow::Borrowed(bytes) },
        (false, false) => Part { kind: "text/rfc822-headers", content: of_lines(head) },
        (false, true) => Part { kind: "message/global-headers", content: of_lines(head) },
    }
}

/// Whether the octet at that place stands alone, or never stands in a line.
fn is_stray(bytes: &[u8], at: usize) -> bool {
    match bytes[at] {
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || bytes[at - 1] != b'\r',
        _ => true,
    }
}

fn is_of_lines(bytes: &[u8]) -> bool {
    !memchr::memchr3_iter(b'\r', b'\n', 0, bytes).any(|at| is_stray(bytes, at))
}

fn of_lines(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut clean = Cow::Borrowed(bytes);
    for at in memchr::memchr3_iter(b'\r', b'\n', 0, bytes).filter(|at| is_stray(bytes, *at)) {
        clean.to_mut()[at] = b' ';
    }
    clean
}

/// A time as mail writes it.
fn date(at: OffsetDateTime) -> String {
    // Only years that no clock shows cannot be written.
    at.format(&Rfc2822).unwrap_or_default()
}

/// A word that nothing else has: for boundaries and Message-IDs.
fn unique() -> String {
    let mut octets = [0; 12];
    if getrandom::fill(&mut octets).is_err() {
        let now = OffsetDateTime::now_utc().unix_timestamp_nanos().to_le_bytes();
        octets.copy_from_slice(&now[..12]);
    }
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A text as a part of a header field: no line ends, no controls, of bounded length.
fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean[..clean.floor_char_boundary(900)].to_owned()
}

#[cfg(test)]
#[path = "../tests/report.rs"]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests;
