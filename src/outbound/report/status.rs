//! Delivery status notifications (RFC 3464): a sentence for people, fields for programs, and the message that it was
//! about, whole or its header (RFC 3461 §4.3).
//!
//! Addresses beyond ASCII stand in fields of their own type (RFC 6533).

use super::{About, date, enclosed, one_line, unique};
use crate::mail::{Ret, encode_xtext};
use crate::outbound::fate::{Action, Told};
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
    let boundary = unique();
    let is_global = told.iter().any(|one| !one.recipient.path.is_ascii());
    let kind = if is_global { "message/global-delivery-status" } else { "message/delivery-status" };
    let encoding = if is_global { "Content-Transfer-Encoding: 8bit\r\n" } else { "" };
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write!(
        text,
        "Date: {}\r\nFrom: Mail Delivery System <mailer-daemon@{hostname}>\r\nTo: <{}>\r\nSubject: {}\r\n\
         Message-ID: <{}@{hostname}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n\r\n\
         This is a report in the format of RFC 3464.\r\n\r\n\
         --{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
        date(at),
        about.reverse_path,
        subject(action),
        unique(),
    );
    for_people(&mut text, hostname, action, told);
    let _ = write!(text, "\r\n--{boundary}\r\nContent-Type: {kind}\r\n{encoding}\r\n");
    fields(&mut text, hostname, about, at, told);
    let mut bytes = text.into_bytes();
    let whole =
        action == Action::Failed && about.ret != Some(Ret::Hdrs) && about.bytes.len() <= LARGEST;
    let (kind, encoding, content) = enclosed(about.bytes, whole);
    bytes.extend_from_slice(
        format!("\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n").as_bytes(),
    );
    bytes.extend_from_slice(&content);
    if !content.ends_with(b"\r\n") {
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    bytes
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

fn for_people(text: &mut String, hostname: &str, action: Action, told: &[Told]) {
    let what = match action {
        Action::Failed => "Your message could not be delivered to:",
        Action::Delayed => "Your message could not be delivered yet, and is still being tried, to:",
        Action::Delivered => "Your message was delivered to:",
        Action::Relayed => {
            "Your message was handed on, to a server that will not tell you more, for:"
        }
        Action::Expanded => "Your message was delivered to a list, which sends it on:",
    };
    let _ = write!(text, "This is the mail system at {hostname}.\r\n\r\n{what}\r\n\r\n");
    for Told { recipient, said, .. } in told {
        let by = if said.by_server { "the server said" } else { "doorpost says" };
        let said = one_line(&format!("{} {} {}", said.code, said.enhanced, said.text));
        let _ = write!(text, "    <{}>\r\n        {by}: {said}\r\n", recipient.path);
    }
}

fn fields(text: &mut String, hostname: &str, about: &About<'_>, at: OffsetDateTime, told: &[Told]) {
    let _ = write!(text, "Reporting-MTA: dns; {hostname}\r\n");
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
        let said = one_line(&format!("{} {} {}", said.code, said.enhanced, said.text));
        let said: String = said.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
        let _ = write!(text, "Diagnostic-Code: smtp; {said}\r\n");
        let _ = write!(text, "Last-Attempt-Date: {}\r\n", date(at));
        if let Some(until) = until {
            let _ = write!(text, "Will-Retry-Until: {}\r\n", date(*until));
        }
    }
}
