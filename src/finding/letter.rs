//! What the header of a message says about whoever sent it, and what it lacks.
//!
//! Reads the header only, as far as [`LONGEST`]; what lies beyond is not judged.

use super::{Client, Code, Finding};
use crate::mail::ReversePath;

/// Octets of a header that are looked at.
const LONGEST: usize = 64 * 1024;
/// Octets of a value that are kept while it is looked at.
const VALUE: usize = 512;

/// A message's header, as far as findings need it.
#[derive(Clone, Debug, Default)]
pub struct Letter {
    pub(super) mailer: Option<String>,
    pub(super) message_id: Option<String>,
    pub(super) received: Option<String>,
    from: Option<String>,
    has_date: bool,
    has_bcc: bool,
    is_whole: bool,
    /// Whether its reverse-path names somebody.
    has_sender: bool,
    /// Where the fields stand that nodemailer writes in an order of its own.
    order: Vec<&'static str>,
}

/// What the first letters of a session say, in few octets.
#[derive(Clone, Debug, Default)]
pub struct Letters {
    pub(super) client: Option<Client>,
    /// Where the first submission came.
    pub(super) submission: Option<usize>,
    /// What is wrong with them, and where each first was.
    pub(super) codes: Vec<(Code, usize)>,
}

impl Letters {
    /// Adds a message whose data ended at that line of the transcript.
    pub fn add(&mut self, letter: &Letter, line: usize) {
        self.client = self.client.or_else(|| letter.client());
        if letter.is_submission() {
            self.submission.get_or_insert(line);
        }
        for code in letter.codes() {
            if self.codes.iter().all(|(known, _)| *known != code) {
                self.codes.push((code, line));
            }
        }
    }

    /// Whether one more of that kind would say nothing new.
    #[must_use]
    pub fn knows(&self, letter: &Letter) -> bool {
        let known = |code: &Code| self.codes.iter().any(|(one, _)| one == code);
        (self.client.is_some() || letter.client().is_none())
            && (self.submission.is_some() || !letter.is_submission())
            && letter.codes().iter().all(known)
    }
}

impl Letter {
    /// Reads the header of a message.
    #[must_use]
    pub fn read(message: &[u8]) -> Self {
        let mut letter = Self { is_whole: true, ..Self::default() };
        let mut rest = message;
        let mut name: &[u8] = b"";
        while !rest.is_empty() {
            if message.len() - rest.len() > LONGEST {
                letter.is_whole = false;
                break;
            }
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            rest = after;
            let line = line.trim_ascii_end();
            if line.is_empty() {
                break;
            }
            if line[0].is_ascii_whitespace() {
                letter.field(name, line, true);
                continue;
            }
            let Some(colon) = memchr::memchr(b':', line) else { break };
            name = line[..colon].trim_ascii_end();
            letter.field(name, &line[colon + 1..], false);
        }
        letter
    }

    /// The same, with what its envelope says.
    #[must_use]
    pub fn sent_by(self, reverse_path: &ReversePath) -> Self {
        Self { has_sender: reverse_path.mailbox().is_some(), ..self }
    }

    fn field(&mut self, name: &[u8], value: &[u8], goes_on: bool) {
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        let value = &value[..value.len().min(VALUE)];
        let text = || match std::str::from_utf8(value.trim_ascii()) {
            Ok(text) => text.trim().to_owned(),
            Err(_) => String::from_utf8_lossy(value).trim().to_owned(),
        };
        let keep = |kept: &mut Option<String>| match kept {
            // Only the first of a name; what goes on is added while it is short.
            Some(known) if goes_on && known.len() < VALUE => known.push_str(&text()),
            None => *kept = Some(text()),
            Some(_) => {}
        };
        if is("X-Mailer") || is("User-Agent") {
            keep(&mut self.mailer);
        } else if is("Message-ID") {
            keep(&mut self.message_id);
            self.is_next("message-id", goes_on);
        } else if is("Received") {
            keep(&mut self.received);
        } else if is("From") {
            keep(&mut self.from);
        } else if is("Date") {
            self.has_date = true;
            self.is_next("date", goes_on);
        } else if is("MIME-Version") {
            self.is_next("mime-version", goes_on);
        } else if is("Bcc") {
            self.has_bcc |= !value.trim_ascii().is_empty();
        }
    }

    fn is_next(&mut self, name: &'static str, goes_on: bool) {
        if !goes_on && self.order.len() < 8 {
            self.order.push(name);
        }
    }

    pub(super) fn has_order_of_nodemailer(&self) -> bool {
        self.order == ["message-id", "date", "mime-version"]
    }

    /// Who wrote it, where that shows.
    #[must_use]
    pub fn client(&self) -> Option<Client> {
        Client::of_letter(self)
    }

    /// Whether it comes from whoever wrote it: mail that no server has passed on is a submission, on whatever port
    /// (RFC 6409 §3.1). Servers write letters of their own only to tell of others, and those have no sender.
    #[must_use]
    pub fn is_submission(&self) -> bool {
        self.received.is_none() && self.from.is_some() && self.has_sender
    }

    /// What is wrong with it, said.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let finding = |code| Finding::new(code, None, self.client(), "");
        self.codes().into_iter().map(finding).collect()
    }

    /// What is wrong with it.
    #[must_use]
    pub fn codes(&self) -> Vec<Code> {
        // A header that was not read to its end may have the rest there; one that is none lacks nothing.
        let is_letter = self.is_whole && self.from.is_some();
        [
            (self.has_bcc, Code::BccHeaderSent),
            (is_letter && !self.has_date, Code::DateMissing),
            (is_letter && self.message_id.is_none(), Code::MessageIdMissing),
        ]
        .into_iter()
        .filter_map(|(is_so, code)| is_so.then_some(code))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::PathError;

    #[test]
    fn what_a_header_lacks_is_named() {
        let of = |head: &str| Letter::read(head.as_bytes()).codes();
        let good = "From: a@b.example\r\nDate: x\r\nMessage-ID:\r\n <1@b.example>\r\n\r\nBcc: c@d.example\r\n";
        assert!(of(good).is_empty());
        assert_eq!(of("From: a@b.example\r\n\r\n"), [Code::DateMissing, Code::MessageIdMissing]);
        assert_eq!(of("Bcc: c@d.example\r\n\r\n"), [Code::BccHeaderSent]);
        assert!(of("Bcc:\r\n\r\n").is_empty(), "an empty one tells nobody anything");
        assert!(of("no header at all\r\n").is_empty());
        assert!(of("").is_empty());
    }

    #[test]
    fn who_passed_it_on_is_no_author() -> Result<(), PathError> {
        let (alice, _) = ReversePath::parse_front("<a@b.example>")?;
        let is_submission =
            |head: &[u8], by: &ReversePath| Letter::read(head).sent_by(by).is_submission();
        let written = b"From: a@b.example\r\n\r\n";
        assert!(is_submission(written, &alice));
        assert!(!is_submission(written, &ReversePath::Null));
        assert!(!is_submission(b"Received: from x\r\nFrom: a@b.example\r\n\r\n", &alice));
        Ok(())
    }
}
