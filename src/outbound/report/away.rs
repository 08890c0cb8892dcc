//! The answer of somebody who is away (RFC 3834): to a person, once, and never to a machine.

use super::{About, date, one_line, unique};
use crate::outbound::trace::field;
use std::fmt::Write as _;
use time::OffsetDateTime;

/// Whether the message is one that a person waits to have answered (RFC 3834 §2).
pub(super) fn may_answer(bytes: &[u8], to: &str) -> Result<(), String> {
    if let Some(value) = field(bytes, "Auto-Submitted").filter(|value| !value.starts_with("no")) {
        return Err(format!("the message says Auto-Submitted: {value}: a machine wrote it"));
    }
    if let Some(name) =
        ["List-Id", "List-Unsubscribe"].into_iter().find(|name| field(bytes, name).is_some())
    {
        return Err(format!("the message has {name}: it came over a list"));
    }
    let precedence = field(bytes, "Precedence").unwrap_or_default().to_ascii_lowercase();
    if ["bulk", "list", "junk"].contains(&precedence.as_str()) {
        return Err(format!("the message says Precedence: {precedence}"));
    }
    let local = to.rsplit_once('@').map_or(to, |(local, _)| local).to_ascii_lowercase();
    if local == "mailer-daemon" || local.starts_with("owner-") || local.ends_with("-request") {
        return Err(format!("{to} is no person's address"));
    }
    Ok(())
}

/// Writes one.
pub(super) fn write(
    hostname: &str,
    about: &About<'_>,
    recipient: &str,
    to: &str,
    at: OffsetDateTime,
) -> Vec<u8> {
    let subject = one_line(&field(about.bytes, "Subject").unwrap_or_default());
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write!(
        text,
        "Date: {}\r\nFrom: <{recipient}>\r\nTo: <{to}>\r\nSubject: Auto: {subject}\r\n\
         Message-ID: <{}@{hostname}>\r\n",
        date(at),
        unique(),
    );
    if let Some(id) = field(about.bytes, "Message-ID") {
        let id = one_line(&id);
        let _ = write!(text, "In-Reply-To: {id}\r\nReferences: {id}\r\n");
    }
    let _ = write!(
        text,
        "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\nI am out of the office, and will read your message when I am back.\r\n"
    );
    text.into_bytes()
}
