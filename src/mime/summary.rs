//! What a list shows of a message: a few fields of its header, and nothing of its body.

use super::header::{Fields, Raw, block};
use super::limits::HEADER;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// What a list shows of a message's header. Missing or broken fields are absent, never an error:
/// what was sent is kept all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Subject, decoded.
    pub subject: Option<String>,
    /// From.
    pub from: Vec<Correspondent>,
    /// To; groups are taken apart.
    pub to: Vec<Correspondent>,
    /// Date.
    #[serde(with = "time::serde::rfc3339::option")]
    pub date: Option<OffsetDateTime>,
    /// Message-ID, without brackets.
    pub message_id: Option<String>,
}

/// An address in a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Correspondent {
    /// The display name, decoded.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

impl Summary {
    /// Reads the header of a message.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let block = block(bytes, 0, HEADER, |_| false);
        Self::of(&Fields::of(&bytes[block.fields]))
    }

    pub(super) fn of(fields: &Fields<'_>) -> Self {
        Self {
            subject: fields.first("Subject").map(Raw::text),
            from: fields.addresses("From"),
            to: fields.addresses("To"),
            date: fields.first("Date").and_then(Raw::date),
            message_id: fields.first("Message-ID").and_then(Raw::id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there() {
        let summary = Summary::read(
            b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nTo: team: a@x.org, B <b@x.org>;\r\nSubject: =?utf-8?b?w6TDtg==?=\r\nMessage-ID: <1@x.org>\r\nDate: Thu, 01 Jan 1970 01:00:00 +0100\r\n\r\nhi",
        );
        assert_eq!(summary.subject.as_deref(), Some("äö"));
        assert_eq!(summary.from[0].name.as_deref(), Some("Jürgen"));
        assert_eq!(
            summary.to.iter().map(|c| &*c.address).collect::<Vec<_>>(),
            ["a@x.org", "b@x.org"]
        );
        assert_eq!(summary.message_id.as_deref(), Some("1@x.org"));
        assert_eq!(summary.date, Some(OffsetDateTime::UNIX_EPOCH));
    }

    #[test]
    fn whatever_is_broken_is_absent() {
        for bytes in [
            &b""[..],
            b"\r\n",
            b"no header at all",
            b"Subject\r\n\r\n",
            b"Date: x\r\nFrom: \xff\r\n",
        ] {
            let _ = Summary::read(bytes);
        }
        assert_eq!(Summary::read(b"Date: nonsense\r\n\r\n").date, None);
    }
}
