//! Inboxes: names under which messages lie together, so that tests that run side by side do not see
//! each other's mail.

use super::Message;
use crate::fault::InboxWay;
use crate::mime::Searchable;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Names of one message at most: they come from clients.
const MOST: usize = 1000;

/// What decides in which inboxes a message is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InboxBy {
    /// The user who had logged in. Without one it is in no inbox.
    #[default]
    User,
    /// Every forward-path, in lower case: `bob@example.org`.
    Recipient,
    /// The door that took it.
    Door,
    /// The value of the first header field of that name.
    Header(String),
}

/// A text that names none of the ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`user`, `recipient`, `door` or `header:X-Name`")]
pub struct InboxByError;

impl FromStr for InboxBy {
    type Err = InboxByError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = |name: &str| {
            let fits = |byte: u8| byte.is_ascii_graphic() && byte != b':';
            !name.is_empty() && name.len() <= 100 && name.bytes().all(fits)
        };
        match text {
            "user" => Ok(Self::User),
            "recipient" => Ok(Self::Recipient),
            "door" => Ok(Self::Door),
            _ => match text.strip_prefix("header:") {
                Some(name) if is_name(name) => Ok(Self::Header(name.to_owned())),
                _ => Err(InboxByError),
            },
        }
    }
}

impl fmt::Display for InboxBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => f.write_str("user"),
            Self::Recipient => f.write_str("recipient"),
            Self::Door => f.write_str("door"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

impl InboxBy {
    /// The inboxes that a message is in, in order and each once.
    #[must_use]
    pub fn inboxes(&self, message: &Message, content: &Searchable) -> BTreeSet<String> {
        let arrival = message.arrival();
        let one = |name: Option<String>| name.into_iter().collect::<Vec<_>>();
        let names: Vec<String> = match self {
            Self::User => one(arrival.auth_user.as_deref().map(str::to_owned)),
            Self::Door => one(Some(arrival.door.to_string())),
            Self::Recipient => {
                let paths = arrival.envelope.forward_paths.iter().take(MOST);
                paths.map(|recipient| recipient.path.to_string()).collect()
            }
            Self::Header(name) => {
                let field = |line: &str| {
                    let (key, value) = line.split_once(':')?;
                    key.eq_ignore_ascii_case(name).then(|| value.to_owned())
                };
                one(content.headers.lines().find_map(field))
            }
        };
        let names = names.iter().map(|name| self.filed(name));
        names.filter(|name| !name.is_empty()).collect()
    }

    /// The name under which an inbox is filed, however it is written.
    #[must_use]
    pub fn filed(&self, name: &str) -> String {
        InboxWay::from(self).filed(name)
    }
}

impl From<&InboxBy> for InboxWay {
    fn from(by: &InboxBy) -> Self {
        match by {
            InboxBy::User => Self::User,
            InboxBy::Recipient => Self::Recipient,
            InboxBy::Door => Self::Door,
            InboxBy::Header(name) => Self::Header(name.clone()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::super::testing::arrival;
    use super::*;
    use crate::mail::MessageId;
    use std::sync::Arc;

    #[test]
    fn the_ways_are_read_as_they_are_written() {
        for text in ["user", "recipient", "door", "header:X-Test-Run"] {
            assert_eq!(text.parse::<InboxBy>().unwrap().to_string(), text);
        }
        for text in ["", "User", "header:", "header:a b", "header:a:b", "x"] {
            assert!(text.parse::<InboxBy>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_message_is_where_its_user_recipients_door_or_header_say() {
        let mut arrival = arrival();
        arrival.auth_user = Some("alice".into());
        arrival.envelope.forward_paths.extend(arrival.envelope.forward_paths.clone());
        let bytes = &b"X-Run:  a/7 \r\nX-Run: b\r\nX-Empty:\r\n\r\n"[..];
        let message = Message::new(MessageId::new(1).unwrap(), Arc::new(arrival), bytes.into());
        let content = Searchable::of(bytes);
        let names = |by: &str| {
            let names = by.parse::<InboxBy>().unwrap().inboxes(&message, &content);
            names.into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names("user"), "alice");
        assert_eq!(names("recipient"), "bob@example.org");
        assert_eq!(names("door"), "relay");
        assert_eq!(names("header:x-run"), "a/7");
        assert_eq!(names("header:x-empty") + &names("header:x-none"), "");
    }
}
