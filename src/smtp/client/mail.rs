//! A message that is to be sent, the commands that it needs, and what becomes of it.
//!
//! The octets are never changed: what a server cannot take as it is, it is not given.

use super::super::transcript::escape;
use super::reply::ServerReply;
use crate::mail::{Body, Recipient, Ret, ReversePath, encode_xtext};
use bytes::Bytes;

/// A message with its envelope.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Where bounces go.
    pub reverse_path: ReversePath,
    /// Whom it is for; one at least.
    pub recipients: Vec<Recipient>,
    /// RET (RFC 3461 §4.3).
    pub ret: Option<Ret>,
    /// ENVID, decoded.
    pub envid: Option<String>,
    /// What was said about the octets.
    pub body: Body,
    /// Whether SMTPUTF8 was asked for.
    pub smtputf8: bool,
    /// Header fields that go in front: trace lines, with CRLF.
    pub head: Bytes,
    /// The message as it was kept.
    pub bytes: Bytes,
}

/// What was said about one recipient.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Said {
    /// The reply's code, or the one that fits what happened.
    pub code: u16,
    /// The enhanced status code, always of the code's class.
    pub enhanced: String,
    /// In one line.
    pub text: String,
    /// The command that was answered.
    pub command: String,
    /// Whether the server said it; else doorpost found it out by itself.
    pub by_server: bool,
}

impl Said {
    /// What a server said.
    #[must_use]
    pub fn by_server(command: &str, reply: &ServerReply) -> Self {
        let enhanced = reply.enhanced().unwrap_or_else(|| format!("{}.0.0", reply.code() / 100));
        let (code, text) = (reply.code(), reply.text());
        Self { code, enhanced, text, command: command.to_owned(), by_server: true }
    }

    /// What a server is made to have said, where somebody asks for it.
    #[must_use]
    pub fn as_if_by_server(code: u16, enhanced: &str, text: &str) -> Self {
        Self { by_server: true, ..Self::by_us(code, enhanced, "RCPT", text) }
    }

    /// What doorpost found out by itself.
    #[must_use]
    pub fn by_us(code: u16, enhanced: &str, command: &str, text: impl AsRef<str>) -> Self {
        let text = escape(text.as_ref().as_bytes(), false);
        let (enhanced, command) = (enhanced.to_owned(), command.to_owned());
        Self { code, enhanced, text, command, by_server: false }
    }
}

/// What has become of a message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server has taken it.
    Delivered(Said),
    /// Not now; it may be tried again.
    Later(Said),
    /// Not at all.
    Never(Said),
}

impl Fate {
    /// By the class of the code: what is neither taken nor refused for good may be tried again.
    pub(super) fn of(said: Said) -> Self {
        match said.code / 100 {
            2 => Self::Delivered(said),
            5 => Self::Never(said),
            _ => Self::Later(said),
        }
    }

    /// What was said.
    #[must_use]
    pub fn said(&self) -> &Said {
        match self {
            Self::Delivered(said) | Self::Later(said) | Self::Never(said) => said,
        }
    }
}

/// What has become of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// For each recipient, in order.
    pub fates: Vec<Fate>,
    /// Whether the message was sent whole and its reply never came: the server may have it, and to try again
    /// may double it.
    pub reply_lost: bool,
    /// Whether the server takes NOTIFY and will answer for it (RFC 3461 §5.2.1).
    pub hands_on_notify: bool,
}

/// What a server offers in its reply to EHLO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offers {
    pub(super) pipelining: bool,
    pub(super) starttls: bool,
    pub(super) eight_bit_mime: bool,
    pub(super) binary_mime: bool,
    pub(super) chunking: bool,
    pub(super) smtputf8: bool,
    pub(super) dsn: bool,
    /// SIZE, with its limit; zero is none.
    pub(super) size: Option<u64>,
    /// How many recipients it takes in one transaction (RFC 9422), where it says.
    pub(super) recipients: Option<usize>,
    /// Mechanisms of AUTH, upper case.
    pub(super) auth: Vec<String>,
}

impl Offers {
    pub(super) fn read(reply: &ServerReply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines().iter().skip(1) {
            let upper = line.to_ascii_uppercase();
            let mut words = upper.split_ascii_whitespace();
            match words.next().unwrap_or_default() {
                "PIPELINING" => offers.pipelining = true,
                "STARTTLS" => offers.starttls = true,
                "8BITMIME" => offers.eight_bit_mime = true,
                "BINARYMIME" => offers.binary_mime = true,
                "CHUNKING" => offers.chunking = true,
                "SMTPUTF8" => offers.smtputf8 = true,
                "DSN" => offers.dsn = true,
                "SIZE" => {
                    offers.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0));
                }
                "LIMITS" => {
                    let most = words.find_map(|word| word.strip_prefix("RCPTMAX="));
                    offers.recipients = most.and_then(|n| n.parse().ok()).filter(|n| *n > 0);
                }
                "AUTH" => offers.auth.extend(words.map(str::to_owned)),
                _ => {}
            }
        }
        offers
    }
}

/// How the octets go over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Data,
    Bdat,
}

impl Mail {
    pub(super) fn size(&self) -> u64 {
        (self.head.len() + self.bytes.len()) as u64
    }

    fn needs_utf8(&self) -> bool {
        let is_ascii = |recipient: &Recipient| recipient.path.to_string().is_ascii();
        self.smtputf8
            || !self.reverse_path.to_string().is_ascii()
            || !self.recipients.iter().all(is_ascii)
    }

    /// How the message can go to a server that offers this, or why it cannot.
    pub(super) fn way(&self, offers: &Offers) -> Result<Way, Said> {
        let never = |enhanced: &str, text: &str| Err(Said::by_us(554, enhanced, "MAIL", text));
        if offers.size.is_some_and(|limit| limit > 0 && limit < self.size()) {
            let text =
                format!("the message has {} octets, more than the server takes", self.size());
            return Err(Said::by_us(552, "5.3.4", "MAIL", text));
        }
        if self.needs_utf8() && !offers.smtputf8 {
            return never("5.6.7", "the message needs SMTPUTF8, which the server does not offer");
        }
        if self.body == Body::BinaryMime {
            return if offers.binary_mime && offers.chunking {
                Ok(Way::Bdat)
            } else {
                never("5.6.1", "the message needs BINARYMIME, which the server does not offer")
            };
        }
        if !self.bytes.is_ascii() && !offers.eight_bit_mime {
            return never(
                "5.6.3",
                "the message needs 8BITMIME, which the server does not offer, and its octets are not changed",
            );
        }
        if has_bare_ends(&self.bytes) {
            return if offers.chunking {
                Ok(Way::Bdat)
            } else {
                never(
                    "5.6.0",
                    "a CR or LF stands alone in the message: by DATA it could be read as another message's end",
                )
            };
        }
        Ok(Way::Data)
    }

    /// MAIL, without CRLF.
    pub(super) fn mail_command(&self, offers: &Offers) -> String {
        let mut command = format!("MAIL FROM:<{}>", self.reverse_path);
        if offers.size.is_some() {
            command.push_str(&format!(" SIZE={}", self.size()));
        }
        if self.body == Body::BinaryMime {
            command.push_str(" BODY=BINARYMIME");
        } else if offers.eight_bit_mime && !self.bytes.is_ascii() {
            command.push_str(" BODY=8BITMIME");
        }
        if self.needs_utf8() {
            command.push_str(" SMTPUTF8");
        }
        if offers.dsn {
            command.extend(self.ret.map(|ret| format!(" RET={ret}")));
            let envid = self.envid.as_deref();
            command.extend(envid.map(|envid| format!(" ENVID={}", encode_xtext(envid))));
        }
        command
    }

    /// RCPT for one recipient, without CRLF.
    pub(super) fn rcpt_command(&self, index: usize, offers: &Offers) -> String {
        let recipient = &self.recipients[index];
        let mut command = format!("RCPT TO:<{}>", recipient.path);
        if offers.dsn {
            command.extend(recipient.notify.map(|notify| format!(" NOTIFY={notify}")));
            let orcpt = recipient.orcpt.as_deref();
            // `type;address`: what stands before the semicolon is no xtext (RFC 3461 §4.2).
            let orcpt = orcpt.and_then(|orcpt| orcpt.split_once(';'));
            command.extend(orcpt.map(|(kind, address)| {
                // It came with SMTPUTF8, and goes on with it.
                let is_utf8 = kind.eq_ignore_ascii_case("utf-8") && !address.is_ascii();
                let encoded = if is_utf8 { encode_unitext(address) } else { encode_xtext(address) };
                format!(" ORCPT={kind};{encoded}")
            }));
        }
        command
    }
}

/// An address of the type `utf-8` as it stands in ORCPT beside SMTPUTF8 (RFC 6533 §3).
fn encode_unitext(address: &str) -> String {
    let mut text = String::with_capacity(address.len());
    for c in address.chars() {
        match c {
            '+' | '=' | '\\' | '\0'..=' ' | '\x7f' => {
                text.push_str(&format!("\\x{{{:X}}}", u32::from(c)))
            }
            c => text.push(c),
        }
    }
    text
}

/// Whether a CR or LF stands alone.
fn has_bare_ends(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'\r', b'\n', &bytes[at..]) {
        let place = at + found;
        if bytes[place] == b'\n' || bytes.get(place + 1) != Some(&b'\n') {
            return true;
        }
        at = place + 2;
    }
    false
}

/// The octets as DATA wants them: dots doubled, CRLF at the end, and the lone dot.
#[must_use]
pub fn stuffed(head: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len() + bytes.len() + bytes.len() / 64 + 8);
    out.extend_from_slice(head);
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        if rest[0] == b'.' {
            out.push(b'.');
        }
        out.extend_from_slice(&rest[..end]);
        rest = &rest[end..];
    }
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_and_the_end_is_there() {
        assert_eq!(
            stuffed(b"A: b\r\n", b".x\r\na.b\r\n..\r\n"),
            b"A: b\r\n..x\r\na.b\r\n...\r\n.\r\n"
        );
        assert_eq!(stuffed(b"", b"no end"), b"no end\r\n.\r\n");
        assert_eq!(stuffed(b"", b""), b".\r\n");
    }

    #[test]
    fn ends_that_stand_alone_are_seen() {
        for (bytes, bare) in [
            (&b"a\r\nb\r\n"[..], false),
            (b"a\nb", true),
            (b"a\r", true),
            (b"a\r\r\n", true),
            (b"", false),
        ] {
            assert_eq!(has_bare_ends(bytes), bare, "{bytes:?}");
        }
    }
}
