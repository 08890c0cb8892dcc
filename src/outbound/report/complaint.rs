//! Complaints (RFC 5965): what a mailbox provider sends to a sender's feedback loop when somebody presses "spam".

use super::{About, date, enclosed, unique};
use std::fmt::Write as _;
use time::OffsetDateTime;

/// What can be complained of (RFC 5965 §7.3, RFC 6430).
pub(in crate::outbound) const FEEDBACK: [&str; 5] =
    ["abuse", "fraud", "virus", "other", "not-spam"];

/// Writes one.
pub(super) fn write(
    hostname: &str,
    about: &About<'_>,
    to: &str,
    feedback: &str,
    at: OffsetDateTime,
) -> Vec<u8> {
    let boundary = unique();
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write!(
        text,
        "Date: {}\r\nFrom: Feedback Loop <feedback@{hostname}>\r\nTo: <{to}>\r\n\
         Subject: Complaint about a message\r\nMessage-ID: <{}@{hostname}>\r\n\
         Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=feedback-report;\r\n\tboundary=\"{boundary}\"\r\n\r\n\
         This is a report in the format of RFC 5965.\r\n\r\n\
         --{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
         This is a complaint ({feedback}) about the message below, made by doorpost because somebody asked for it.\r\n\
         \r\n--{boundary}\r\nContent-Type: message/feedback-report\r\n\r\n\
         Feedback-Type: {feedback}\r\nUser-Agent: doorpost/{}\r\nVersion: 1\r\n",
        date(at),
        unique(),
        env!("CARGO_PKG_VERSION"),
    );
    let _ = write!(text, "Original-Mail-From: <{}>\r\n", about.reverse_path);
    for recipient in about.recipients.iter().take(100) {
        let _ = write!(text, "Original-Rcpt-To: <{recipient}>\r\n");
    }
    let _ = write!(
        text,
        "Arrival-Date: {}\r\nReporting-MTA: dns; {hostname}\r\n",
        date(about.arrived_at)
    );
    if let Some(peer) = about.peer {
        let _ = write!(text, "Source-IP: {peer}\r\n");
    }
    if let Some(mailbox) = about.reverse_path.mailbox() {
        let _ = write!(text, "Reported-Domain: {}\r\n", mailbox.domain().canonical());
    }
    let (kind, encoding, content) = enclosed(about.bytes, true);
    let _ = write!(
        text,
        "\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    );
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&content);
    if !content.ends_with(b"\r\n") {
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    bytes
}
