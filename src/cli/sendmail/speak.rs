//! `sendmail -bs`: the caller's own SMTP on standard input and output, a command at a time.
//!
//! A script comes all at once, and a door takes what comes before its turn for a smuggler's. So each command waits
//! for its reply. Replies are read apart from that: a door that closes is heard of while the caller says nothing.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// As much of a line as is held at once.
const LONGEST: u64 = 64 * 1024;

/// Why the conversation did not come to its end.
#[derive(Debug)]
pub(super) enum Problem {
    /// The input ended before the message did.
    Unfinished,
    /// The door closed, or is none.
    Lost(String),
}

/// What the caller has said, for who reads the replies.
#[derive(Debug, Default)]
struct Said {
    quit: AtomicBool,
    /// Nothing more.
    end: AtomicBool,
    /// Nothing more, within a message.
    unfinished: AtomicBool,
    /// STARTTLS was the last command.
    tls: AtomicBool,
}

impl Said {
    /// How it ends when the door has closed.
    fn outcome(&self, last: &str, is_open: bool, error: Option<io::Error>) -> Result<(), Problem> {
        let is = |flag: &AtomicBool| flag.load(Ordering::SeqCst);
        let is_refusal = ["421", "554"].iter().any(|code| last.starts_with(code));
        if is(&self.unfinished) {
            return Err(Problem::Unfinished);
        }
        // Who does not say QUIT may have no more to say because the door had closed.
        if is_open && (is(&self.quit) || is(&self.end) && !is_refusal) {
            return Ok(());
        }
        Err(match error {
            // A reset is how it closes when a command was on its way.
            Some(error) if !is_refusal => broke(error),
            _ if last.is_empty() => Problem::Lost("the door closed".into()),
            _ => Problem::Lost(format!("the door closed: {last}")),
        })
    }
}

/// Carries the conversation until the door closes.
pub(super) fn speak(stream: TcpStream) -> Result<(), Problem> {
    stream.set_nodelay(true).map_err(broke)?;
    let said = Arc::new(Said::default());
    let (codes, replies) = channel();
    let caller = Caller {
        from: BufReader::new(io::stdin()),
        door: BufWriter::new(stream.try_clone().map_err(broke)?),
        replies,
        said: Arc::clone(&said),
        has_lf: None,
    };
    // It may wait for the caller when the door has closed; the program's end ends it.
    std::thread::Builder::new()
        .name("to the door".into())
        .spawn(move || caller.carry())
        .map_err(broke)?;
    replies_of(BufReader::new(stream), io::stdout().lock(), &codes, &said)
}

/// Prints what the door says until it closes.
fn replies_of(
    mut door: impl BufRead,
    mut out: impl Write,
    codes: &Sender<u16>,
    said: &Said,
) -> Result<(), Problem> {
    // The last reply; the greeting, if that was a refusal.
    let mut last = String::new();
    let mut is_open = None;
    loop {
        let mut line = Vec::new();
        match door.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) => return said.outcome(&last, is_open == Some(true), None),
            Err(error) => return said.outcome(&last, is_open == Some(true), Some(error)),
            Ok(_) => {}
        }
        if out.write_all(&line).and_then(|()| out.flush()).is_err() {
            // Who asked does not listen any more.
            return Ok(());
        }
        let text = crate::smtp::transcript::escape(line.trim_ascii_end(), false);
        let code = text.get(..3).and_then(|code| code.parse().ok());
        let Some(code @ 200..=599) = code else {
            return Err(Problem::Lost(format!("this is no SMTP reply: {text}")));
        };
        if text.as_bytes().get(3) == Some(&b'-') {
            continue;
        }
        if *is_open.get_or_insert(code == 220) || last.is_empty() {
            last = text;
        }
        // Who sends may be gone, with the caller's end.
        let is_tls = code == 220 && said.tls.load(Ordering::SeqCst);
        let _ = codes.send(code);
        if is_tls {
            // These are no replies any more: what is said behind TLS is between the two.
            let _ = io::copy(&mut door, &mut Flushed(out));
            return Ok(());
        }
    }
}

/// Standard output waits for the end of a line, which TLS does not have.
struct Flushed<W>(W);

impl<W: Write> Write for Flushed<W> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let written = self.0.write(octets)?;
        self.0.flush()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What the caller says, on its way to the door.
struct Caller<R> {
    from: BufReader<R>,
    door: BufWriter<TcpStream>,
    /// The code of each reply.
    replies: Receiver<u16>,
    said: Arc<Said>,
    /// Whether lines end with a bare LF, as the first one has it: it becomes CRLF.
    has_lf: Option<bool>,
}

impl<R: Read> Caller<R> {
    fn carry(mut self) {
        // Where the door is gone, who reads the replies tells of it.
        let is_unfinished = matches!(self.commands(), Ok(false));
        self.said.unfinished.store(is_unfinished, Ordering::SeqCst);
        let _ = self.door.flush();
        let _ = self.door.get_ref().shutdown(Shutdown::Write);
    }

    /// Sends commands until there are no more; says whether all of the last one was there.
    fn commands(&mut self) -> io::Result<bool> {
        self.reply()?;
        loop {
            let Some(line) = self.line()? else { return Ok(true) };
            let command = String::from_utf8_lossy(&line).trim().to_ascii_uppercase();
            self.said.tls.store(command == "STARTTLS", Ordering::SeqCst);
            if command == "QUIT" {
                self.said.quit.store(true, Ordering::SeqCst);
            }
            if let Some(size) = chunk(&command) {
                let sent = io::copy(&mut self.from.by_ref().take(size), &mut self.door)?;
                if sent < size {
                    self.said.end.store(true, Ordering::SeqCst);
                    return Ok(false);
                }
            } else if !line.ends_with(b"\n") {
                // The rest of a line that is too long is on its way.
                continue;
            }
            match (self.reply()?, &*command) {
                (354, _) if !self.data()? => return Ok(false),
                (354, _) => {
                    self.reply()?;
                }
                (220, "STARTTLS") => {
                    self.said.end.store(true, Ordering::SeqCst);
                    io::copy(&mut self.from, self.door.get_mut())?;
                    return Ok(true);
                }
                _ => {}
            }
        }
    }

    /// Sends the lines of a message; says whether its end was there.
    fn data(&mut self) -> io::Result<bool> {
        let mut is_start = true;
        while let Some(line) = self.line()? {
            if is_start && line == b".\r\n" {
                return Ok(true);
            }
            is_start = line.ends_with(b"\n");
            // What is slow to come is not held back.
            if self.from.buffer().is_empty() {
                self.door.flush()?;
            }
        }
        Ok(false)
    }

    /// Passes on one line, or a part of one that is very long; `None` where there are no more.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.from.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            self.said.end.store(true, Ordering::SeqCst);
            return Ok(None);
        }
        if !line.ends_with(b"\n") && (line.len() as u64) < LONGEST {
            // A script's last line may lack its end.
            line.extend_from_slice(if line.ends_with(b"\r") { b"\n" } else { b"\r\n" });
        } else if line.ends_with(b"\n") {
            let is_bare = !line.ends_with(b"\r\n");
            if *self.has_lf.get_or_insert(is_bare) && is_bare {
                line.pop();
                line.extend_from_slice(b"\r\n");
            }
        }
        self.door.write_all(&line)?;
        Ok(Some(line))
    }

    fn reply(&mut self) -> io::Result<u16> {
        self.door.flush()?;
        self.replies.recv().map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// How many octets follow a BDAT (RFC 3030 §2).
fn chunk(command: &str) -> Option<u64> {
    let mut words = command.split_ascii_whitespace();
    (words.next()? == "BDAT").then(|| words.next()?.parse().ok()).flatten()
}

fn broke(error: io::Error) -> Problem {
    Problem::Lost(format!("the connection to the door broke: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_bdat_is_counted() {
        for (command, size) in [
            ("BDAT 7", Some(7)),
            ("BDAT 0 LAST", Some(0)),
            ("BDAT", None),
            ("BDAT X", None),
            ("DATA 7", None),
        ] {
            assert_eq!(chunk(command), size, "{command}");
        }
    }
}
