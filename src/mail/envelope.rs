//! The envelope: what MAIL and RCPT said, kept beside the message and never mixed with its header.

use super::mailbox::Mailbox;
use super::path::{ForwardPath, ReversePath};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

/// One mail transaction's envelope (RFC 5321 §2.3.1) with the parameters of its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Where bounces go.
    pub reverse_path: ReversePath,
    /// The recipients that were taken, in the client's order.
    pub forward_paths: Vec<Recipient>,
    /// RET: how much of the message a bounce brings back (RFC 3461 §4.3).
    pub ret: Option<Ret>,
    /// ENVID, decoded (RFC 3461 §4.4).
    pub envid: Option<String>,
    /// BODY: what kind of octets follow (RFC 6152, RFC 3030).
    pub body: Body,
    /// Whether SMTPUTF8 was asked for (RFC 6531 §3.4).
    pub smtputf8: bool,
    /// SIZE as declared by the client, in octets (RFC 1870 §5).
    pub declared_size: Option<u64>,
    /// AUTH=, decoded (RFC 4954 §5).
    pub auth: Option<String>,
}

impl Envelope {
    /// An envelope with a reverse-path and nothing else yet.
    #[must_use]
    pub fn new(reverse_path: ReversePath) -> Self {
        Self {
            reverse_path,
            forward_paths: Vec::new(),
            ret: None,
            envid: None,
            body: Body::SevenBit,
            smtputf8: false,
            declared_size: None,
            auth: None,
        }
    }
}

impl Envelope {
    /// Octets of memory that it holds.
    #[must_use]
    pub fn memory(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
        let recipients: usize = self.forward_paths.iter().map(Recipient::memory).sum();
        let sender = self.reverse_path.mailbox().map_or(0, Mailbox::memory);
        size_of::<Self>() + recipients + sender + text(&self.envid) + text(&self.auth)
    }
}

impl Recipient {
    /// Octets of memory that it holds.
    #[must_use]
    pub fn memory(&self) -> usize {
        let path = self.path.mailbox().map_or(0, Mailbox::memory);
        size_of::<Self>() + path + self.orcpt.as_ref().map_or(0, String::capacity)
    }
}

/// A forward-path with its delivery status parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Whom it is for.
    pub path: ForwardPath,
    /// NOTIFY: when a delivery status notification is wanted (RFC 3461 §4.1).
    pub notify: Option<Notify>,
    /// ORCPT: `addr-type;address`, decoded (RFC 3461 §4.2).
    pub orcpt: Option<String>,
}

/// NOTIFY's value. All false is `NEVER`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// On delivery.
    pub success: bool,
    /// On failure.
    pub failure: bool,
    /// When delivery takes long.
    pub delay: bool,
}

/// RET's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ret {
    /// The whole message.
    Full,
    /// Its header only.
    Hdrs,
}

/// BODY's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// 7BIT, also where nothing was said.
    #[default]
    SevenBit,
    /// 8BITMIME (RFC 6152).
    EightBitMime,
    /// BINARYMIME, which only BDAT can carry (RFC 3030 §3).
    BinaryMime,
}

impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = [(self.success, "SUCCESS"), (self.failure, "FAILURE"), (self.delay, "DELAY")];
        let names: Vec<_> = set.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        if names.is_empty() { f.write_str("NEVER") } else { f.write_str(&names.join(",")) }
    }
}

impl fmt::Display for Ret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "FULL",
            Self::Hdrs => "HDRS",
        })
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SevenBit => "7BIT",
            Self::EightBitMime => "8BITMIME",
            Self::BinaryMime => "BINARYMIME",
        })
    }
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU64);

        impl $name {
            /// The identifier with this number; zero is none.
            #[must_use]
            pub fn new(number: u64) -> Option<Self> {
                NonZeroU64::new(number).map(Self)
            }

            /// Its number.
            #[must_use]
            pub fn get(self) -> u64 {
                self.0.get()
            }

            /// The one behind it; none behind the largest.
            #[must_use]
            pub fn following(self) -> Option<Self> {
                self.0.checked_add(1).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        /// As a string, so that clients treat it as a name and not as a number to compute with.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <Cow<'_, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

identifier! {
    /// Names a kept message. Numbers rise in the order in which messages were taken.
    MessageId
}
identifier! {
    /// Names an entry of the queue of mail that goes on.
    QueueId
}
identifier! {
    /// Names a session. Numbers rise in the order in which clients connected.
    SessionId
}
