//! mbox files, the kind that loses nothing (mboxrd): a message is a line `From sender date`, the message with LF
//! for CRLF and a `>` in front of each line that is `From ` behind any number of `>`, and an empty line.
//!
//! Where one is read, a `From ` line begins a message at the start of the file or behind an empty line. Any
//! other is part of the message: programs that quote nothing write such lines too.

use std::io::{self, BufRead, Write};
use time::macros::format_description;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// The sender where there is none, as everybody writes it.
const NOBODY: &str = "MAILER-DAEMON";

/// Writes one message.
pub(in crate::cli) fn write(
    out: &mut impl Write,
    sender: &str,
    received: OffsetDateTime,
    message: &[u8],
) -> io::Result<()> {
    let format = format_description!(
        "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
    );
    let date = received.to_offset(UtcOffset::UTC).format(&format).unwrap_or_default();
    // A quoted local part may hold spaces, which would end it here.
    let sender: String = sender.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let sender = if sender.is_empty() { NOBODY } else { &*sender };
    writeln!(out, "From {sender} {date}")?;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        if is_quotable(line) {
            out.write_all(b">")?;
        }
        match line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n")) {
            Some(text) => {
                out.write_all(text)?;
                out.write_all(b"\n")?;
            }
            None => {
                out.write_all(line)?;
                out.write_all(b"\n")?;
            }
        }
    }
    out.write_all(b"\n")
}

/// `From `, `>From `, `>>From ` …
fn is_quotable(line: &[u8]) -> bool {
    let quotes = line.iter().take_while(|byte| **byte == b'>').count();
    line[quotes..].starts_with(b"From ")
}

/// A message of an mbox.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Entry {
    /// As its `From ` line has it; empty for nobody.
    pub(in crate::cli) sender: String,
    pub(in crate::cli) received: Option<OffsetDateTime>,
    /// Unquoted, as it lies in the file otherwise.
    pub(in crate::cli) message: Vec<u8>,
    /// Octets of the file that were read for it.
    pub(in crate::cli) octets: u64,
}

/// Reads an mbox message by message.
pub(in crate::cli) struct Reader<R> {
    from: R,
    /// The `From ` line of the next message.
    postmark: Option<Vec<u8>>,
    started: bool,
}

impl<R: BufRead> Reader<R> {
    pub(in crate::cli) fn new(from: R) -> Self {
        Self { from, postmark: None, started: false }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.from.read_until(b'\n', &mut line)?;
        Ok(line)
    }

    fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        let mut octets = 0;
        if !self.started {
            self.started = true;
            // Empty lines in front are no message.
            let mut first = self.line()?;
            while matches!(&*first, b"\n" | b"\r\n") {
                first = self.line()?;
            }
            match &*first {
                [] => return Ok(None),
                line if line.starts_with(b"From ") => self.postmark = Some(first),
                _ => {
                    let text = "it does not begin with a line `From …`, so it is no mbox";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
            }
        }
        let Some(postmark) = self.postmark.take() else { return Ok(None) };
        octets += postmark.len() as u64;
        let (sender, received) = read_postmark(&String::from_utf8_lossy(&postmark));
        let mut message = Vec::new();
        let mut empty: Option<Vec<u8>> = None;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if empty.is_some() && line.starts_with(b"From ") {
                self.postmark = Some(line);
                break;
            }
            octets += line.len() as u64;
            message.extend(empty.take().unwrap_or_default());
            if matches!(&*line, b"\n" | b"\r\n") {
                // The one in front of the next message is none of this one's.
                empty = Some(line);
            } else {
                message.extend_from_slice(if line[0] == b'>' && is_quotable(&line) {
                    &line[1..]
                } else {
                    &line
                });
            }
        }
        Ok(Some(Entry { sender, received, message, octets }))
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_entry().transpose()
    }
}

/// `From alice@example.org Thu Jan  1 00:00:00 1970`; a zone may stand in front of the year or behind it.
fn read_postmark(line: &str) -> (String, Option<OffsetDateTime>) {
    let mut words = line.split_whitespace().skip(1);
    let sender = words.next().unwrap_or_default().trim_matches(['<', '>']).to_owned();
    let sender = if sender == NOBODY || sender == "-" { String::new() } else { sender };
    let words: Vec<_> = words.collect();
    (sender, date(&words))
}

fn date(words: &[&str]) -> Option<OffsetDateTime> {
    let [_, month, day, clock, rest @ ..] = words else { return None };
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| name.eq_ignore_ascii_case(month))?;
    let month = Month::try_from(u8::try_from(month + 1).ok()?).ok()?;
    let year =
        rest.iter().find(|word| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit()))?;
    let offset = rest.iter().find_map(|word| zone(word)).unwrap_or(UtcOffset::UTC);
    let mut parts = clock.split(':').map(|part| part.parse().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let time = Time::from_hms(hour, minute, parts.next().unwrap_or(Some(0))?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    Some(date.with_time(time).assume_offset(offset))
}

/// `+0200`
fn zone(word: &str) -> Option<UtcOffset> {
    let sign = if word.starts_with('-') { -1 } else { 1 };
    let digits = word.strip_prefix(['+', '-'])?;
    let number: i32 = digits.parse().ok().filter(|_| digits.len() == 4)?;
    UtcOffset::from_whole_seconds(sign * (number / 100 * 3600 + number % 100 * 60)).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;
    use crate::cli::files::with_crlf;
    use time::macros::datetime;

    fn read(text: &[u8]) -> Vec<Entry> {
        Reader::new(text).collect::<io::Result<_>>().unwrap()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let messages: [&[u8]; 5] = [
            b"Subject: 1\r\n\r\nFrom the start\r\n>From here\r\n\r\nFrom behind an empty line\r\n",
            b"Subject: 2\r\n\r\n\r\n\r\n",
            b"Subject: 3\r\n\r\n>>>From\r\n>> From\r\nFrom: no\r\n",
            b"",
            b"Subject: \xff\r\n\r\n\x00\r\n",
        ];
        let at = datetime!(2026-01-02 03:04:05 UTC);
        let mut file = Vec::new();
        for message in messages {
            write(&mut file, "a@x.org", at, message).unwrap();
        }
        let text = String::from_utf8_lossy(&file);
        assert!(text.starts_with("From a@x.org Fri Jan  2 03:04:05 2026\n"), "{text}");
        assert!(!text.contains('\r'), "{text:?}");
        let read = read(&file);
        for (entry, message) in read.iter().zip(messages) {
            assert_eq!(&*with_crlf(&entry.message), message);
            assert_eq!((&*entry.sender, entry.received), ("a@x.org", Some(at)));
        }
        assert_eq!(read.len(), messages.len());
    }

    #[test]
    fn files_of_other_programs_are_read() {
        let entries = read(
            b"\nFrom MAILER-DAEMON Thu Jan  1 00:00:00 1970 +0200\r\nA: b\r\n\r\nhi\nFrom me to you\n\n\nFrom - x\nC: d\n\nend",
        );
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].message, b"A: b\r\n\r\nhi\nFrom me to you\n\n");
        assert_eq!(
            (&*entries[0].sender, entries[0].received),
            ("", Some(datetime!(1970-01-01 0:00 +2)))
        );
        assert_eq!(entries[1].message, b"C: d\n\nend");
        assert_eq!((&*entries[1].sender, entries[1].received), ("", None));
        assert!(read(b"").is_empty() && read(b"\n\n").is_empty());
        assert!(Reader::new(&b"Subject: x\n"[..]).next().unwrap().is_err());
    }
}
