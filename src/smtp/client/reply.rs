//! Replies as a server sends them, read from a stream of octets (RFC 5321 §4.2).
//!
//! Refuses what is no reply: a line without a code, codes that change within one reply, and replies without an end.
//! What is held of a reply is bounded, whatever comes.

use super::super::transcript::escape;

/// Octets of one line, its end included. The RFC knows 512; servers are a little longer.
const LONGEST_LINE: usize = 4096;
/// Lines of one reply.
const MOST_LINES: usize = 256;

/// What a server said to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReply {
    code: u16,
    lines: Vec<String>,
}

impl ServerReply {
    /// Its three digits.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Its lines without their codes, safe to show.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Its text in one line, without the enhanced status code.
    #[must_use]
    pub fn text(&self) -> String {
        let enhanced = self.enhanced();
        let bare = |line: &String| {
            let rest = enhanced.as_deref().and_then(|code| line.strip_prefix(code));
            rest.map_or(line.as_str(), str::trim_start).to_owned()
        };
        self.lines.iter().map(bare).collect::<Vec<_>>().join(" ")
    }

    /// The enhanced status code (RFC 2034), where it has one of its own class.
    #[must_use]
    pub fn enhanced(&self) -> Option<String> {
        let word = self.lines.first()?.split(' ').next()?;
        let mut parts = word.split('.');
        let class = parts.next()?.parse::<u16>().ok()?;
        let number = |part: &str| part.len() <= 3 && part.parse::<u16>().is_ok();
        let fits = parts.clone().count() == 2 && parts.all(number);
        (fits && class == self.code / 100).then(|| word.to_owned())
    }

    /// Whether it is 2xx.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.code / 100 == 2
    }
}

/// Why what came is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoReply {
    #[error("this is no SMTP reply: {0}")]
    Line(String),
    #[error("a line of the reply has more than {LONGEST_LINE} octets")]
    TooLong,
    #[error("the reply has more than {MOST_LINES} lines")]
    Endless,
    #[error("the lines of one reply have different codes")]
    Mixed,
}

/// Reads replies from pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Reader {
    line: Vec<u8>,
    code: u16,
    lines: Vec<String>,
}

impl Reader {
    /// Takes octets up to the end of a reply; gives it, and what was not used.
    pub(super) fn read<'a>(
        &mut self,
        mut octets: &'a [u8],
    ) -> Result<(Option<ServerReply>, &'a [u8]), NoReply> {
        while !octets.is_empty() {
            let end = memchr::memchr(b'\n', octets);
            let (piece, rest) = octets.split_at(end.map_or(octets.len(), |end| end + 1));
            if self.line.len() + piece.len() > LONGEST_LINE {
                return Err(NoReply::TooLong);
            }
            self.line.extend_from_slice(piece);
            octets = rest;
            if end.is_some()
                && let Some(reply) = self.line_is_whole()?
            {
                return Ok((Some(reply), octets));
            }
        }
        Ok((None, octets))
    }

    fn line_is_whole(&mut self) -> Result<Option<ServerReply>, NoReply> {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_ascii_end();
        let wrong = || NoReply::Line(escape(&line[..line.len().min(200)], false));
        let digits = line.get(..3).filter(|code| code.iter().all(u8::is_ascii_digit));
        let code = digits.map(|code| code.iter().fold(0, |sum, d| sum * 10 + u16::from(d - b'0')));
        let code = code.filter(|code| (200..600).contains(code)).ok_or_else(wrong)?;
        let is_last = match line.get(3) {
            None | Some(b' ') => true,
            Some(b'-') => false,
            _ => return Err(wrong()),
        };
        if !self.lines.is_empty() && code != self.code {
            return Err(NoReply::Mixed);
        }
        if self.lines.len() == MOST_LINES {
            return Err(NoReply::Endless);
        }
        self.code = code;
        self.lines.push(escape(line.get(4..).unwrap_or_default(), false));
        Ok(is_last.then(|| ServerReply { code, lines: std::mem::take(&mut self.lines) }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    fn all(text: &[u8], size: usize) -> Result<Vec<ServerReply>, NoReply> {
        let (mut reader, mut replies) = (Reader::default(), Vec::new());
        for piece in text.chunks(size) {
            let mut piece = piece;
            while !piece.is_empty() {
                let (reply, rest) = reader.read(piece)?;
                replies.extend(reply);
                piece = rest;
            }
        }
        Ok(replies)
    }

    #[test]
    fn replies_are_the_same_in_pieces_of_any_size() {
        let text = b"220 hi\r\n250-one\r\n250-SIZE 10\r\n250 DSN\r\n550 5.1.1 No such\r\n250\r\n";
        let whole = all(text, text.len()).unwrap();
        assert_eq!(whole.len(), 4);
        assert_eq!(whole[1].lines(), ["one", "SIZE 10", "DSN"]);
        assert_eq!(whole[2].enhanced().as_deref(), Some("5.1.1"));
        assert_eq!(whole[2].text(), "No such");
        for size in 1..9 {
            assert_eq!(all(text, size).unwrap(), whole, "{size}");
        }
    }

    #[test]
    fn an_enhanced_code_of_another_class_is_text() {
        let reply = all(b"550 4.1.1 x\r\n", 99).unwrap().remove(0);
        assert_eq!((reply.enhanced(), reply.text()), (None, "4.1.1 x".into()));
    }

    #[test]
    fn what_is_no_reply_ends_early() {
        assert!(matches!(all(b"HTTP/1.1 400\r\n", 99), Err(NoReply::Line(_))));
        assert!(matches!(all(b"250-a\r\n251 b\r\n", 99), Err(NoReply::Mixed)));
        assert_eq!(all(&b"2".repeat(5000), 100), Err(NoReply::TooLong));
        assert_eq!(all(&b"250-x\r\n".repeat(1000), 100), Err(NoReply::Endless));
    }
}
