//! Delivery status notifications (RFC 3464): a sentence for people, fields for programs, and the message that it was
//! about, whole or its header (RFC 3461 §4.3).
//!
//! Addresses beyond ASCII stand in fields of their own type (RFC 6533).

use super::{About, Part, date, enclosed, multipart, one_line, unique};
use crate::mail::{Ret, encode_xtext};
use crate::outbound::fate::{Action, Told};
use crate::smtp::client::Said;
use std::fmt::Write as _;
use time::OffsetDateTime;

/// Octets of a message that is brought back whole; of a larger one it is the header.
const LARGEST: usize = 1 << 20;

/// Writes one.
pub(super) fn write(
    hostname: &str,
    about: &About<'_>,
    action: Action,
    told: &[Told],
    at: OffsetDateTime,
) -> Vec<u8> {
    let head = format!(
        "Date: {}\r\nFrom: Mail Delivery System <mailer-daemon@{hostname}>\r\nTo: <{}>\r\nSubject: {}\r\n\
         Message-ID: <{}@{hostname}>\r\nAuto-Submitted: auto-replied\r\n",
        date(at),
        about.reverse_path,
        subject(action),
        unique(),
    );
    let fields = fields(hostname, about, at, told);
    let is_global = !fields.is_ascii();
    let kind = if is_global { "message/global-delivery-status" } else { "message/delivery-status" };
    let whole =
        action == Action::Failed && about.ret != Some(Ret::Hdrs) && about.bytes.len() <= LARGEST;
    let parts = [
        Part::text(for_people(hostname, action, told)),
        Part { kind, content: fields.into_bytes().into() },
        enclosed(about.bytes, whole),
    ];
    multipart(&head, "delivery-status", "RFC 3464", &parts)
}

const fn subject(action: Action) -> &'static str {
    match action {
        Action::Failed => "Undelivered mail returned to sender",
        Action::Delayed => "Delayed mail (still being tried)",
        Action::Delivered => "Mail was delivered",
        Action::Relayed => "Mail was handed on to a server that makes no reports",
        Action::Expanded => "Mail was delivered to a list",
    }
}

fn for_people(hostname: &str, action: Action, told: &[Told]) -> String {
    let what = match action {
        Action::Failed => "Your message could not be delivered to:",
        Action::Delayed => "Your message could not be delivered yet, and is still being tried, to:",
        Action::Delivered => "Your message was delivered to:",
        Action::Relayed => {
            "Your message was handed on, to a server that will not tell you more, for:"
        }
        Action::Expanded => "Your message was delivered to a list, which sends it on:",
    };
    let mut text = format!("This is the mail system at {hostname}.\r\n\r\n{what}\r\n\r\n");
    for Told { recipient, said, .. } in told {
        let by = if said.by_server { "the server said" } else { "doorpost says" };
        let said = one_line(&format!("{} {} {}", said.code, said.enhanced, said.text));
        // Writing into a String cannot fail.
        let _ = write!(text, "    <{}>\r\n        {by}: {said}\r\n", recipient.path);
    }
    text
}

fn fields(hostname: &str, about: &About<'_>, at: OffsetDateTime, told: &[Told]) -> String {
    let mut text = format!("Reporting-MTA: dns; {hostname}\r\n");
    if let Some(envid) = about.envid {
        // As ENVID had it: an xtext (RFC 3464 §2.2.1).
        let _ = write!(text, "Original-Envelope-Id: {}\r\n", encode_xtext(envid));
    }
    let _ = write!(text, "Arrival-Date: {}\r\n", date(about.arrived_at));
    for Told { action, recipient, said, status, until } in told {
        text.push_str("\r\n");
        if let Some((kind, address)) = recipient.orcpt.as_deref().and_then(|o| o.split_once(';')) {
            let _ = write!(text, "Original-Recipient: {kind}; {}\r\n", one_line(address));
        }
        let kind = if recipient.path.is_ascii() { "rfc822" } else { "utf-8" };
        let _ = write!(text, "Final-Recipient: {kind}; {}\r\n", recipient.path);
        let status = status.unwrap_or(&said.enhanced);
        let _ = write!(text, "Action: {}\r\nStatus: {status}\r\n", action.name());
        if let (Some(remote), true) = (&about.remote, said.by_server) {
            let remote = remote.trim_matches(['[', ']']);
            let is_address = remote.parse::<std::net::IpAddr>().is_ok();
            let remote = if is_address { format!("[{remote}]") } else { remote.to_owned() };
            let _ = write!(text, "Remote-MTA: dns; {remote}\r\n");
        }
        let _ = write!(text, "Diagnostic-Code: {}\r\n", diagnosis(said));
        let _ = write!(text, "Last-Attempt-Date: {}\r\n", date(at));
        if let Some(until) = until {
            let _ = write!(text, "Will-Retry-Until: {}\r\n", date(*until));
        }
    }
    text
}

/// What was said, and in whose words: only a reply is of the type `smtp` (RFC 3464 §2.3.6).
fn diagnosis(said: &Said) -> String {
    let text = match said.by_server {
        true => format!("smtp; {} {} {}", said.code, said.enhanced, said.text),
        false => format!("X-Doorpost; {}", said.text),
    };
    one_line(&text).chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
}
