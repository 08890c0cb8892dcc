//! Stored messages read for people. Done when somebody looks, never in order to store.

use mail_parser::{Address, HeaderValue, MessageParser};
use serde::Serialize;
use time::OffsetDateTime;

/// What a list shows of a message's header. Missing or broken fields are absent, never an error:
/// what was sent is kept all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
        let Some(message) = MessageParser::default().parse_headers(bytes) else {
            return Self::default();
        };
        Self {
            subject: message.subject().map(str::to_owned),
            from: correspondents(message.from()),
            to: correspondents(message.to()),
            date: message
                .date()
                .and_then(|d| OffsetDateTime::from_unix_timestamp(d.to_timestamp()).ok()),
            message_id: match message.header("Message-ID") {
                Some(HeaderValue::Text(id)) => Some(id.to_string()),
                _ => None,
            },
        }
    }
}

fn correspondents(address: Option<&Address<'_>>) -> Vec<Correspondent> {
    let all = address.into_iter().flat_map(Address::iter);
    all.filter_map(|one| {
        let name = one.name.as_ref().map(ToString::to_string);
        Some(Correspondent { name, address: one.address.as_ref()?.to_string() })
    })
    .collect()
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
