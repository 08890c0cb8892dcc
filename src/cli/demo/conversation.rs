//! What was said at one door, line by line, each line at its stage.
//!
//! The stages are the same for every door, so that conversations can stand side by side; a door
//! that has nothing to do at a stage says so there.

use crate::config::Door;

/// The stages of a session that sends one message, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Connect,
    Greeting,
    Ehlo,
    StartTls,
    EhloAgain,
    Auth,
    Mail,
    Rcpt,
    Data,
    Message,
    Quit,
}

impl Stage {
    pub(super) const ALL: [Self; 11] = [
        Self::Connect,
        Self::Greeting,
        Self::Ehlo,
        Self::StartTls,
        Self::EhloAgain,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Message,
        Self::Quit,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Connect => "Connection",
            Self::Greeting => "Greeting",
            Self::Ehlo => "EHLO",
            Self::StartTls => "STARTTLS",
            Self::EhloAgain => "EHLO again",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Message => "Message",
            Self::Quit => "QUIT",
        }
    }

    /// What the stage is for, for somebody who sees it for the first time.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Connect => "the client opens the connection",
            Self::Greeting => "the server speaks first and says who it is",
            Self::Ehlo => "the client says who it is, the server what it can do",
            Self::StartTls => "TLS begins: the certificate is checked, nobody can read along",
            Self::EhloAgain => "what was said in the clear does not count any more",
            Self::Auth => "the client logs in",
            Self::Mail => "the reverse-path: where a bounce would go",
            Self::Rcpt => "a forward-path: whom the message is for",
            Self::Data => "may the message come now?",
            Self::Message => "header, an empty line, the body; a dot alone is the end",
            Self::Quit => "goodbye",
        }
    }
}

/// Who says a line of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The client sent it.
    Client,
    /// The server sent it.
    Server,
    /// The server sent it, and it is what the stage is about.
    Telling,
    /// The server sent it, and it is a refusal.
    Refused,
    /// The demo explains.
    Word,
    /// The demo says that something is worth a thought.
    Caution,
    /// There is nothing to do at this stage, and why.
    Absent,
    /// Lines left out since they have been seen.
    Same,
    /// The handshake is done; the text is TLS's version.
    TlsBegins,
    /// The connection has ended.
    Closed,
}

/// One line of a conversation.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) stage: Stage,
    pub(super) said: Said,
    /// Whether it went through TLS.
    pub(super) sealed: bool,
    /// Escaped already.
    pub(super) text: String,
}

/// Why a conversation did not come to its end.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) stage: Stage,
    pub(super) why: String,
}

/// What was said at one door, and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub(super) door: Door,
    pub(super) lines: Vec<Line>,
    /// TLS's version, once it is on.
    pub(super) tls: Option<String>,
    /// Who has logged in.
    pub(super) user: Option<String>,
    /// The number under which the message was caught.
    pub(super) kept: Option<String>,
    pub(super) stop: Option<Stop>,
}

impl Conversation {
    pub(super) fn new(door: Door) -> Self {
        Self { door, lines: Vec::new(), tls: None, user: None, kept: None, stop: None }
    }

    pub(super) fn add(&mut self, stage: Stage, said: Said, text: impl Into<String>) {
        let sealed = self.tls.is_some();
        self.lines.push(Line { stage, said, sealed, text: text.into() });
    }

    pub(super) fn at(&self, stage: Stage) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.stage == stage)
    }

    /// The stages of which something crossed the wire in the clear.
    pub(super) fn stages_in_the_clear(&self) -> Vec<&'static str> {
        let crossed = |line: &&Line| {
            matches!(line.said, Said::Client | Said::Server | Said::Telling | Said::Refused)
        };
        let is_clear = |stage: &Stage| self.at(*stage).filter(crossed).any(|line| !line.sealed);
        let name = |stage| match stage {
            // In the middle of a line, only the verbs are in capitals.
            Stage::Greeting => "greeting",
            Stage::Message => "message",
            verb => verb.name(),
        };
        Stage::ALL.into_iter().filter(is_clear).map(name).collect()
    }

    pub(super) fn stop_in_words(&self) -> Option<String> {
        let Stop { stage, why } = self.stop.as_ref()?;
        Some(format!("{} stopped at {}: {why}", self.door.name, stage.name()))
    }
}
