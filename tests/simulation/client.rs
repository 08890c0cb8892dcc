//! A client as a queue would be: it tries a message again until it hears a final word, and remembers what it heard each time.

use std::collections::VecDeque;

/// How a message is handed over.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// A command, its reply, the next command.
    OneByOne,
    /// MAIL, RCPT and DATA together (RFC 2920).
    Pipelined,
    /// In two chunks (RFC 3030), all of it together.
    Chunked,
}

/// What a client heard of one attempt to send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing yet.
    Nothing,
    /// 250 at the end of the data.
    Kept,
    /// 4xx or 5xx, there or before.
    Refused,
    /// The connection broke first.
    Broken,
}

/// One attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The mail data, which names the attempt.
    pub octets: Vec<u8>,
    pub heard: Heard,
    /// Whether its last octet was given to the network.
    pub complete: bool,
}

/// Something to send, and how many replies come before the next thing.
struct Step {
    octets: Vec<u8>,
    replies: usize,
    is_end: bool,
}

pub struct Client {
    pub attempts: Vec<Attempt>,
    name: usize,
    manners: Vec<Manner>,
    /// The message that it is at.
    at: usize,
    tries: usize,
    most_tries: usize,
    steps: VecDeque<Step>,
    awaited: usize,
    ending: bool,
    received: Vec<u8>,
}

impl Client {
    pub fn new(name: usize, manners: Vec<Manner>, most_tries: usize) -> Self {
        Self {
            attempts: Vec::new(),
            name,
            manners,
            at: 0,
            tries: 0,
            most_tries,
            steps: VecDeque::new(),
            awaited: 0,
            ending: false,
            received: Vec::new(),
        }
    }

    pub fn is_done(&self) -> bool {
        self.at >= self.manners.len()
    }

    /// A new connection: the greeting is what comes first.
    pub fn connects(&mut self) {
        self.received.clear();
        self.ending = false;
        self.steps = VecDeque::from([Step {
            octets: b"EHLO client.example\r\n".to_vec(),
            replies: 1,
            is_end: false,
        }]);
        self.awaited = 1;
        self.plan();
    }

    /// The steps of the message that is next.
    fn plan(&mut self) {
        let Some(manner) = self.manners.get(self.at) else { return };
        self.tries += 1;
        let octets = format!(
            "X-Attempt: {} {}\r\n\r\n.a line that begins with a dot\r\n\r\n..\r\nend\r\n",
            self.name,
            self.attempts.len()
        )
        .into_bytes();
        let mail = "MAIL FROM:<alice@example.org>\r\n";
        let rcpt = "RCPT TO:<bob@example.net>\r\n";
        let step =
            |text: String, replies, is_end| Step { octets: text.into_bytes(), replies, is_end };
        let text = String::from_utf8_lossy(&octets).into_owned();
        let stuffed = text.replace("\r\n.", "\r\n..") + ".\r\n";
        match manner {
            Manner::OneByOne => {
                for line in [mail, rcpt, "DATA\r\n"] {
                    self.steps.push_back(step(line.into(), 1, false));
                }
                self.steps.push_back(step(stuffed, 1, true));
            }
            Manner::Pipelined => {
                self.steps.push_back(step(format!("{mail}{rcpt}DATA\r\n"), 3, false));
                self.steps.push_back(step(stuffed, 1, true));
            }
            Manner::Chunked => {
                let (first, rest) = text.split_at(20);
                let chunks = format!(
                    "{mail}{rcpt}BDAT {}\r\n{first}BDAT {} LAST\r\n{rest}",
                    first.len(),
                    rest.len()
                );
                self.steps.push_back(step(chunks, 4, true));
            }
        }
        self.attempts.push(Attempt { octets, heard: Heard::Nothing, complete: false });
    }

    /// Octets from the server; what is to be sent now. `Err` is a hang-up.
    pub fn hears(&mut self, octets: &[u8]) -> Result<Vec<u8>, ()> {
        self.received.extend(octets);
        let mut out = Vec::new();
        while let Some(end) = self.received.windows(2).position(|two| two == b"\r\n") {
            let line: Vec<u8> = self.received.drain(..end + 2).collect();
            if line[3] == b'-' {
                continue;
            }
            if line[0] >= b'4' {
                self.ends(Heard::Refused);
                return Err(());
            }
            self.awaited -= 1;
            if self.awaited == 0 {
                if self.ending {
                    self.ends(Heard::Kept);
                    self.plan();
                }
                let Some(step) = self.steps.pop_front() else { return Err(()) };
                self.awaited = step.replies;
                self.ending = step.is_end;
                if let Some(attempt) = self.attempts.last_mut().filter(|_| step.is_end) {
                    attempt.complete = true;
                }
                out.extend(step.octets);
            }
        }
        Ok(out)
    }

    /// The connection is gone.
    pub fn breaks(&mut self) {
        self.ends(Heard::Broken);
    }

    fn ends(&mut self, heard: Heard) {
        self.ending = false;
        if let Some(attempt) = self.attempts.last_mut().filter(|one| one.heard == Heard::Nothing) {
            attempt.heard = heard;
            if heard == Heard::Kept || self.tries >= self.most_tries {
                self.at += 1;
                self.tries = 0;
            }
        }
    }
}
