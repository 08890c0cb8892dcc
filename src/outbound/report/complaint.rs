//! Complaints (RFC 5965): what a mailbox provider sends to a sender's feedback loop when somebody presses "spam".

use super::{About, Part, date, enclosed, multipart, unique};
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
    let head = format!(
        "Date: {}\r\nFrom: Feedback Loop <feedback@{hostname}>\r\nTo: <{to}>\r\n\
         Subject: Complaint about a message\r\nMessage-ID: <{}@{hostname}>\r\n\
         Auto-Submitted: auto-generated\r\n",
        date(at),
        unique(),
    );
    let for_people = format!(
        "This is a complaint ({feedback}) about the message below, made by doorpost because somebody asked for it.\r\n"
    );
    let parts = [
        Part::text(for_people),
        Part {
            kind: "message/feedback-report",
            content: fields(hostname, about, feedback).into_bytes().into(),
        },
        enclosed(about.bytes, true),
    ];
    multipart(&head, "feedback-report", "RFC 5965", &parts)
}

fn fields(hostname: &str, about: &About<'_>, feedback: &str) -> String {
    let mut text = format!(
        "Feedback-Type: {feedback}\r\nUser-Agent: doorpost/{}\r\nVersion: 1\r\n",
        env!("CARGO_PKG_VERSION"),
    );
    // Writing into a String cannot fail.
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
    text
}
