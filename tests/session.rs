//! What dialogues cannot say about the pure session: what stands in its transcript, and how it
//! stays within its memory.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use doorpost::config::Config;
use doorpost::fault::Faults;
use doorpost::mail::MessageId;
use doorpost::smtp::{Action, Budget, Context, Input, Session, TlsFacts, Verdict, replies};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

struct Play {
    session: Session,
    budget: Arc<Budget>,
    replies: String,
    now: Duration,
    /// Whether the store takes no message.
    is_full: bool,
}

impl Play {
    fn at(door: &str, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::ephemeral();
        change(&mut config);
        let policy = config.door(door).unwrap().policy(&config, Arc::new(config.directory()));
        let budget = Budget::new(config.memory);
        let context = Context {
            peer: [127, 0, 0, 1].into(),
            budget: Arc::clone(&budget),
            faults: Some(Arc::new(Faults::default())),
            entropy: [1; 16],
        };
        let session = Session::new(Arc::new(policy), context);
        let (replies, now) = (String::new(), Duration::ZERO);
        let mut play = Self { session, budget, replies, now, is_full: false };
        play.feed(Input::Connected);
        play
    }

    fn say(&mut self, text: impl AsRef<[u8]>) -> &mut Self {
        self.feed(Input::Bytes(text.as_ref()));
        self.go_on();
        self
    }

    fn go_on(&mut self) {
        while self.session.is_paused() {
            self.feed(Input::Turn);
        }
    }

    fn feed(&mut self, input: Input<'_>) -> usize {
        let mut actions = Vec::new();
        self.session.handle(input, self.now, &mut actions);
        let count = actions.len();
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            let mut more = Vec::new();
            match action {
                Action::Send(reply) => {
                    let mut text = Vec::new();
                    reply.render(true, &mut text);
                    self.replies.push_str(std::str::from_utf8(&text).unwrap());
                }
                Action::Store(_) => {
                    let id = MessageId::new(1).unwrap();
                    let word = if self.is_full { Err(replies::NO_STORAGE) } else { Ok(id) };
                    self.session.handle(Input::Stored(word), self.now, &mut more);
                }
                _ => {}
            }
            actions.extend(more);
        }
        count
    }

    fn transcript(&self) -> String {
        self.session.transcript().to_string()
    }
}

/// `alice`, `hunter2`, and the two as PLAIN sends them.
const SECRETS: [&str; 3] = ["aHVudGVyMg==", "AGFsaWNlAGh1bnRlcjI=", "hunter2"];

fn assert_hidden(play: &Play, how: &str) {
    let refusal = play.session.last_refusal().map(|refusal| format!("{refusal:?}"));
    let shown = play.transcript() + &refusal.unwrap_or_default();
    for secret in SECRETS {
        let shown = shown.to_lowercase();
        assert!(!shown.contains(&secret.to_lowercase()), "{how}: {secret} is shown in\n{shown}");
    }
}

#[test]
fn a_secret_is_hidden_however_it_comes() {
    for (how, door, lines) in [
        ("the right way", "alternate", "AUTH PLAIN AGFsaWNlAGh1bnRlcjI=\r\n"),
        ("asked for", "alternate", "AUTH PLAIN\r\nAGFsaWNlAGh1bnRlcjI=\r\n"),
        ("by LOGIN", "alternate", "AUTH LOGIN\r\nYWxpY2U=\r\naHVudGVyMg==\r\n"),
        ("PLAIN in answer to LOGIN", "alternate", "AUTH LOGIN\r\nAGFsaWNlAGh1bnRlcjI=\r\n"),
        ("behind a tab", "alternate", "AUTH PLAIN\tAGFsaWNlAGh1bnRlcjI=\r\n"),
        ("without a mechanism", "alternate", "AUTH AGFsaWNlAGh1bnRlcjI=\r\n"),
        ("two spaces", "alternate", "AUTH  PLAIN  AGFsaWNlAGh1bnRlcjI=\r\n"),
        ("ended by LF", "alternate", "AUTH LOGIN\r\nYWxpY2U=\r\naHVudGVyMg==\n"),
        ("before TLS", "submission", "AUTH LOGIN\r\nYWxpY2U=\r\naHVudGVyMg==\r\n"),
        ("where AUTH is not offered", "relay", "AUTH PLAIN\r\nAGFsaWNlAGh1bnRlcjI=\r\n"),
        ("after an unknown mechanism", "alternate", "AUTH FOO\r\nAGFsaWNlAGh1bnRlcjI=\r\n"),
    ] {
        let mut play = Play::at(door, |_| {});
        play.say("EHLO client.example\r\n").say(lines);
        assert_hidden(&play, how);
    }
    let mut play = Play::at("submission", |_| {});
    let token = format!("AUTH XOAUTH2\r\n{}{}\r\n", SECRETS[1], "x".repeat(600));
    play.say("EHLO client.example\r\n").say(token);
    assert_hidden(&play, "as a line that is too long, behind a refused AUTH");
}

#[test]
fn secrets_are_shown_where_that_was_asked_for() {
    let mut play = Play::at("alternate", |config| config.show_secrets = true);
    play.say("EHLO client.example\r\n").say("AUTH PLAIN AGFsaWNlAGh1bnRlcjI=\r\n");
    assert!(play.transcript().contains("AUTH PLAIN AGFsaWNlAGh1bnRlcjI="));
    assert_eq!(play.session.identity().unwrap().secret.as_deref(), Some("hunter2"));
}

/// What doorpost noticed in a session, and how it ended, is there however long it was.
#[test]
fn notes_and_the_end_are_kept_when_the_transcript_is_full() {
    let mut play = Play::at("relay", |_| {});
    play.say("EHLO client.example\r\n");
    for _ in 0..5000 {
        play.say("NOOP a rather long argument that fills the transcript\r\n");
    }
    play.say("NOOP\n").say("QUIT\r\n");
    let notes: Vec<_> = play.session.transcript().notes().map(|note| note.code()).collect();
    assert_eq!(notes, ["bare-lf"]);
    assert!(play.transcript().contains("closed after QUIT"));
    assert!(play.session.transcript().omitted() > 5000);
    assert!(play.session.memory() < 256 * 1024, "{}", play.session.memory());
}

/// A long pipeline is answered in turns, so that its replies do not pile up.
#[test]
fn a_long_pipeline_is_answered_in_turns() {
    let mut play = Play::at("relay", |_| {});
    play.say("EHLO client.example\r\n");
    let turn = play.feed(Input::Bytes("NOOP\r\n".repeat(1000).as_bytes()));
    assert!((1..=300).contains(&turn), "{turn} actions in one turn");
    assert!(play.session.is_paused() && !play.session.wants_bytes());
    play.go_on();
    assert_eq!(play.replies.matches("250 2.0.0 Ok").count(), 1000);
    assert!(play.session.wants_bytes());
}

#[test]
fn nothing_behind_starttls_is_answered_wherever_a_turn_ends() {
    for commands in 250..260 {
        let mut play = Play::at("relay", |_| {});
        play.say("EHLO client.example\r\n");
        let group =
            format!("{}STARTTLS\r\nEHLO injected\r\nMAIL FROM:<>\r\n", "NOOP\r\n".repeat(commands));
        play.say(group);
        assert!(play.replies.ends_with("220 2.0.0 Ready to start TLS\r\n"), "{commands}");
        let said = play.replies.len();
        play.feed(Input::TlsStarted(TlsFacts::default()));
        play.go_on();
        assert_eq!(play.replies.len(), said, "{commands}: {}", &play.replies[said..]);
        play.say("MAIL FROM:<>\r\n");
        assert!(play.replies.ends_with("503 5.5.1 Send EHLO first\r\n"), "{commands}");
        let notes: Vec<_> = play.session.transcript().notes().map(|note| note.code()).collect();
        assert_eq!(notes, ["plaintext-after-starttls"], "{commands}");
    }
}

#[test]
fn what_a_session_remembers_of_its_transactions_is_bounded() {
    let mut play = Play::at("relay", |_| {});
    play.say("EHLO client.example\r\n");
    let recipient = format!("RCPT TO:<{}@{}example.org>\r\n", "a".repeat(60), "label.".repeat(25));
    for _ in 0..150 {
        play.say("MAIL FROM:<>\r\n").say(recipient.repeat(100)).say("RSET\r\n");
    }
    assert!(play.session.memory() < 256 * 1024, "{}", play.session.memory());
    assert_eq!(play.session.transactions()[0].recipients, 100);
}

#[test]
fn a_large_envelope_takes_from_the_memory_for_mail_in_flight() {
    let mut play = Play::at("relay", |_| {});
    let free = play.budget.free();
    play.say("EHLO client.example\r\n").say("MAIL FROM:<>\r\n");
    assert_eq!(play.budget.free(), free);
    let recipient = format!("RCPT TO:<bob@example.org> ORCPT=rfc822;{}\r\n", "x".repeat(400));
    for _ in 0..900 {
        play.say(&recipient);
    }
    assert!(play.budget.free() < free - 300_000, "{} octets are taken", free - play.budget.free());
    play.say("RSET\r\n");
    assert_eq!(play.budget.free(), free);
}

#[test]
fn a_message_that_is_cut_off_is_remembered() {
    for (door, begin) in [("relay", "DATA\r\nhalf"), ("relay", "BDAT 10 LAST\r\nhalf")] {
        let mut play = Play::at(door, |_| {});
        play.say("EHLO client.example\r\n")
            .say("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n");
        play.say(begin);
        play.feed(Input::Closed);
        let [transaction] = play.session.transactions() else { panic!("not one transaction") };
        assert_eq!((&transaction.verdict, transaction.size), (&Verdict::Abandoned, 4), "{begin}");
    }
}

/// What is recorded is what the client was told.
#[test]
fn the_reply_that_ends_a_session_is_the_one_on_record() {
    let mut play = Play::at("relay", |config| config.door_mut("relay").unwrap().limits.errors = 1);
    play.say("EHLO client.example\r\n").say("MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n");
    play.say("a\nb\r\n.\r\n");
    assert!(play.replies.ends_with("421 4.7.0 Too many errors, closing\r\n"), "{}", play.replies);
    assert_eq!(play.session.last_refusal().unwrap().reply.code(), 421);
    let Verdict::Refused(reply) = &play.session.transactions()[0].verdict else {
        panic!("not refused")
    };
    assert_eq!(reply.code(), 421);
}

#[test]
fn a_header_asks_for_a_fault_of_its_own_message_alone() {
    let mail = "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n";
    let mut play = Play::at("relay", |_| {});
    play.say("EHLO client.example\r\n");
    play.is_full = true;
    play.say(mail).say("X-Doorpost-Fault: lost-reply\r\n\r\n.\r\n");
    assert!(play.replies.contains("452 4.3.1"), "{}", play.replies);
    play.is_full = false;
    play.say(mail).say("Subject: another\r\n\r\n.\r\n");
    assert!(play.session.ended().is_none(), "{}", play.transcript());
    play.say(mail).say("X-Doorpost-Fault: lost-reply\r\n\r\n.\r\n");
    assert!(play.session.ended().is_some(), "{}", play.transcript());
}
