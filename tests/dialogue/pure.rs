//! Plays a dialogue against the pure session, with a clock that is moved by hand.

use super::compute::Client;
use super::parse::{Dialogue, Step};
use super::play::{Kept, at, check_stored, config, door, has_struck, scenario};
use doorpost::fault::Faults;
use doorpost::finding::{self, Letter, Letters, Observed};
use doorpost::mail::MessageId;
use doorpost::smtp::transcript::Kind;
use doorpost::smtp::{Action, Budget, Context, Input, Session, TlsFacts};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

struct Shell {
    session: Session,
    enhanced: bool,
    now: Duration,
    piece: usize,
    /// Bytes that are left in the socket while the session does not want them.
    unread: VecDeque<u8>,
    replies: VecDeque<Vec<String>>,
    wants_tls: bool,
    closed: bool,
    kept: Vec<Kept>,
    letters: Letters,
}

/// Plays with pieces of so many bytes at most.
pub fn play(dialogue: &Dialogue, piece: usize) -> Result<Vec<String>, String> {
    let fail = |line: usize, error: String| at(dialogue, line, &error);
    let mut config = config(dialogue).map_err(|e| fail(1, e))?;
    let directory = Arc::new(config.directory());
    let row = door(&mut config, dialogue).map_err(|e| fail(1, e))?.clone();
    let policy = Arc::new(row.policy(&config, directory));
    let faults = Faults::default();
    faults.set(None, scenario(dialogue).map_err(|e| fail(1, e))?);
    let context = Context {
        peer: dialogue.peer,
        budget: Budget::new(config.memory),
        faults: Some(Arc::new(faults)),
        entropy: [7; 16],
    };
    let mut shell = Shell {
        enhanced: policy.extensions.enhanced_status_codes,
        session: Session::new(policy, context),
        now: Duration::ZERO,
        piece,
        unread: VecDeque::new(),
        replies: VecDeque::new(),
        wants_tls: false,
        closed: false,
        kept: Vec::new(),
        letters: Letters::default(),
    };
    shell.feed(Input::Connected);
    let mut client = Client::default();
    for (line, step) in &dialogue.steps {
        shell.step(step, &mut client).map_err(|e| fail(*line, e))?;
    }
    match shell.replies.pop_front() {
        Some(reply) => {
            Err(fail(0, format!("a reply more than the dialogue has: {}", reply.join(" / "))))
        }
        None => Ok(shell.codes()),
    }
}

impl Shell {
    fn step(&mut self, step: &Step, client: &mut Client) -> Result<(), String> {
        match step {
            Step::Send(pieces) => {
                self.unread.extend(client.octets(pieces)?);
                self.read();
                Ok(())
            }
            Step::Expect(pattern) => {
                let reply = self.replies.pop_front().ok_or("no reply")?;
                if let Some(challenge) = reply[0].strip_prefix("334 ") {
                    client.challenge = challenge.to_owned();
                }
                pattern.check(&reply)
            }
            Step::Silence => match self.replies.front() {
                Some(reply) => Err(format!("expected silence, got {}", reply.join(" / "))),
                None => Ok(()),
            },
            Step::Handshake => self.handshake(),
            Step::Wait(time) => {
                self.wait(*time);
                Ok(())
            }
            Step::Open if self.closed => Err("the session is closed".into()),
            Step::Closed if !self.closed => Err("the session is open".into()),
            Step::Open | Step::Closed => Ok(()),
            Step::Eof => {
                self.feed(Input::Closed);
                Ok(())
            }
            Step::Shutdown => {
                self.feed(Input::Shutdown);
                Ok(())
            }
            Step::User(name) => match self.session.identity() {
                Some(identity) if *identity.user == **name => Ok(()),
                other => Err(format!("expected {name}, got {other:?}")),
            },
            Step::Note(code) => {
                let notes: Vec<_> =
                    self.session.transcript().notes().map(|note| note.code()).collect();
                if notes.contains(&&**code) {
                    Ok(())
                } else {
                    Err(format!("no note {code} in {notes:?}"))
                }
            }
            Step::Finding(code) => {
                let codes = self.codes();
                let is_there = codes.iter().any(|one| one == code);
                is_there.then_some(()).ok_or(format!("no finding {code} in {codes:?}"))
            }
            Step::NoFinding => {
                let codes = self.codes();
                codes.is_empty().then_some(()).ok_or(format!("found {codes:?}"))
            }
            Step::Fault(name) if has_struck(self.session.transcript(), name) => Ok(()),
            Step::Fault(name) => Err(format!("no fault {name:?}")),
            Step::Stored(key, wanted) => check_stored(&self.kept, key, wanted),
        }
    }

    fn codes(&self) -> Vec<String> {
        let observed = Observed { session: &self.session, letters: Some(&self.letters) };
        finding::of(&observed).into_iter().map(|found| found.code.into_owned()).collect()
    }

    /// Reads as a connection does: not while the session waits, except that what is in the same
    /// piece as STARTTLS comes with it.
    fn read(&mut self) {
        while self.session.is_paused() {
            self.feed(Input::Turn);
        }
        while !self.unread.is_empty()
            && !self.closed
            && (self.session.wants_bytes() || self.wants_tls)
        {
            let length = self.piece.min(self.unread.len());
            let piece: Vec<u8> = self.unread.drain(..length).collect();
            self.feed(Input::Bytes(&piece));
            while self.session.is_paused() {
                self.feed(Input::Turn);
            }
        }
    }

    fn feed(&mut self, input: Input<'_>) {
        let mut actions = Vec::new();
        self.session.handle(input, self.now, &mut actions);
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Send(reply) => {
                    let mut text = Vec::new();
                    reply.render(self.enhanced, &mut text);
                    let text = String::from_utf8(text).expect("replies are UTF-8");
                    assert!(text.ends_with("\r\n"));
                    self.replies
                        .push_back(text.trim_end().split("\r\n").map(str::to_owned).collect());
                }
                Action::StartTls(_) => self.wants_tls = true,
                Action::Store(incoming) => {
                    let incoming = *incoming;
                    let line = self.session.transcript().last(Kind::Data).unwrap_or(0);
                    let letter = Letter::read(&incoming.bytes);
                    let letter = letter.sent_by(&incoming.envelope.reverse_path);
                    self.letters.add(&letter, line);
                    let user = incoming.auth_user.map(|user| user.to_string());
                    self.kept.push(Kept {
                        envelope: incoming.envelope,
                        bytes: incoming.bytes,
                        user,
                    });
                    let id =
                        MessageId::new(self.kept.len() as u64).expect("the count is above zero");
                    let mut more = Vec::new();
                    self.session.handle(Input::Stored(Ok(id)), self.now, &mut more);
                    actions.extend(more);
                }
                Action::Close => self.closed = true,
                Action::Garbage(octets) => {
                    let text = String::from_utf8_lossy(&octets).into_owned();
                    self.replies.push_back(text.lines().map(str::to_owned).collect());
                }
                Action::Pause(time) => self.now += time,
                // How slowly it is sent shows on a socket only.
                Action::Reset | Action::Pace(_) | Action::Rate(_) => {}
            }
        }
    }

    fn handshake(&mut self) -> Result<(), String> {
        if !std::mem::take(&mut self.wants_tls) {
            return Err("the session did not ask for TLS".into());
        }
        let sni = Some("localhost".into());
        let facts = TlsFacts { version: "TLSv1.3".into(), sni, ..TlsFacts::default() };
        self.feed(Input::TlsStarted(facts));
        Ok(())
    }

    /// Moves the clock, stopping at each deadline on the way.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.session.deadline().filter(|at| *at <= end && !self.closed) {
            self.now = deadline.max(self.now);
            self.feed(Input::Time);
            self.read();
        }
        self.now = end;
    }
}
