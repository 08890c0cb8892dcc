//! Conversations with servers that are good, bad and hostile, without a socket.

use super::*;
use crate::mail::{Body, ForwardPath, Notify, Recipient, ReversePath};
use bytes::Bytes;

fn settings(security: Security) -> Settings {
    Settings {
        hello: "doorpost.test".into(),
        security,
        login: None,
        login_in_clear: false,
        patience: Patience::default(),
    }
}

fn mail(recipients: usize) -> Mail {
    let recipient = |number| {
        let path = ForwardPath::parse_front(&format!("<b{number}@example.org>")).unwrap().0;
        let notify = Some(Notify { success: true, ..Notify::default() });
        Recipient { path, notify, orcpt: Some("rfc822;b+c@example.org".into()) }
    };
    Mail {
        reverse_path: ReversePath::parse_front("<a@example.org>").unwrap().0,
        recipients: (0..recipients).map(recipient).collect(),
        ret: None,
        envid: Some("id=1".into()),
        body: Body::SevenBit,
        smtputf8: false,
        head: Bytes::from_static(b"Received: x\r\n"),
        bytes: Bytes::from_static(b"Subject: y\r\n\r\n.z\r\n"),
    }
}

/// Plays a conversation; what the client sends and decides, as text.
struct Play {
    client: Client,
    mails: Vec<Mail>,
    log: Vec<String>,
    outcomes: Vec<Outcome>,
    failed: Option<Fate>,
}

impl Play {
    fn new(settings: Settings, mails: Vec<Mail>) -> Self {
        let client = Client::new(settings);
        let mut play = Self { client, mails, log: Vec::new(), outcomes: Vec::new(), failed: None };
        play.feed(Input::Connected, 0);
        play
    }

    fn feed(&mut self, input: Input<'_>, seconds: u64) {
        let mut actions = Vec::new();
        self.client.handle(input, Duration::from_secs(seconds), &mut actions);
        for action in actions {
            match action {
                Action::Send(octets) => self.log.push(String::from_utf8(octets).unwrap()),
                Action::SendData(head, bytes) => {
                    self.log.push(String::from_utf8(stuffed(&head, &bytes)).unwrap());
                }
                Action::SendChunk(..) => self.log.push("(chunk)".into()),
                Action::StartTls => self.log.push("(TLS)".into()),
                Action::Done(outcome) => self.outcomes.push(outcome),
                Action::Failed(fate) => self.failed = Some(fate),
                Action::Close => self.log.push("(close)".into()),
                Action::Ready => match self.mails.pop() {
                    Some(mail) => self.feed(Input::Mail(Box::new(mail)), seconds),
                    None => self.feed(Input::Quit, seconds),
                },
            }
        }
    }

    fn hear(&mut self, text: &str) {
        self.feed(Input::Bytes(text.as_bytes()), 0);
    }

    fn said(&mut self) -> String {
        std::mem::take(&mut self.log).concat()
    }
}

const EHLO: &str = "250-x\r\n250-PIPELINING\r\n250-DSN\r\n250 SIZE 1000\r\n";

#[test]
fn two_messages_go_over_one_connection_each_recipient_judged_apart() {
    let mut play = Play::new(settings(Security::IfOffered), vec![mail(1), mail(2)]);
    play.hear("220 hi\r\n");
    play.hear(EHLO);
    assert!(play.said().ends_with(
        "MAIL FROM:<a@example.org> SIZE=31 ENVID=id+3D1\r\n\
         RCPT TO:<b0@example.org> NOTIFY=SUCCESS ORCPT=rfc822;b+2Bc@example.org\r\n\
         RCPT TO:<b1@example.org> NOTIFY=SUCCESS ORCPT=rfc822;b+2Bc@example.org\r\n"
    ));
    play.hear("250 ok\r\n550 5.1.1 no\r\n250 ok\r\n");
    assert_eq!(play.said(), "DATA\r\n");
    play.hear("354 go\r\n");
    assert_eq!(play.said(), "Received: x\r\nSubject: y\r\n\r\n..z\r\n.\r\n");
    play.hear("250 2.0.0 kept\r\n");
    assert!(matches!(&*play.outcomes[0].fates, [Fate::Never(no), Fate::Delivered(yes)]
        if no.enhanced == "5.1.1" && yes.text == "kept"));
    assert!(play.outcomes[0].hands_on_notify);
    // The second one is refused whole, and the connection goes on to its proper end.
    play.hear("250 ok\r\n451 4.7.1 later\r\n");
    assert!(matches!(&*play.outcomes[1].fates, [Fate::Later(said)] if said.code == 451));
    play.hear("250 ok\r\n");
    assert!(play.said().ends_with("RSET\r\nQUIT\r\n"));
    play.hear("221 bye\r\n");
    assert!(play.client.is_closed());
    assert_eq!(play.client.ended(), Some("closed after QUIT"));
}

#[test]
fn without_pipelining_one_command_waits_for_the_other() {
    let mut play = Play::new(settings(Security::Never), vec![mail(2)]);
    play.hear("220 hi\r\n502 what\r\n250 helo then\r\n");
    assert_eq!(
        play.said(),
        "EHLO doorpost.test\r\nHELO doorpost.test\r\nMAIL FROM:<a@example.org>\r\n"
    );
    play.hear("250 ok\r\n");
    assert_eq!(play.said(), "RCPT TO:<b0@example.org>\r\n");
    play.hear("250 ok\r\n");
    assert_eq!(play.said(), "RCPT TO:<b1@example.org>\r\n");
}

#[test]
fn many_recipients_go_in_groups() {
    let mut play = Play::new(settings(Security::Never), vec![mail(250)]);
    play.hear("220 hi\r\n");
    play.hear(EHLO);
    assert_eq!(play.said().matches("RCPT TO").count(), 99);
    play.hear(&"250 ok\r\n".repeat(100));
    assert_eq!(play.said().matches("RCPT TO").count(), 100);
    play.hear(&"250 ok\r\n".repeat(100));
    play.hear(&"452 4.5.3 enough\r\n".repeat(51));
    assert!(play.said().ends_with("DATA\r\n"));
    play.said();
    play.hear("354 go\r\n250 ok\r\n");
    assert!(play.outcomes.is_empty(), "the rest is on its way");
    assert_eq!(play.said().matches("RCPT TO").count(), 51);
    play.hear(&"250 ok\r\n".repeat(52));
    play.hear("354 go\r\n250 ok\r\n");
    let fates = &play.outcomes[0].fates;
    assert_eq!(fates.iter().filter(|fate| matches!(fate, Fate::Delivered(_))).count(), 250);
    assert_eq!(play.client.mails(), 1);
}

#[test]
fn recipients_beyond_the_servers_limit_go_in_the_next_transaction() {
    let mut play = Play::new(settings(Security::Never), vec![mail(5)]);
    play.hear("220 hi\r\n");
    play.hear(EHLO);
    // A full mailbox is no limit of the server, and is not tried at once.
    play.hear("250 ok\r\n250 ok\r\n452 4.2.2 full\r\n452 4.5.3 enough\r\n");
    play.hear("552 too many\r\n552 5.5.3 too many\r\n");
    play.hear("354 go\r\n");
    play.said();
    play.hear("250 2.0.0 first\r\n");
    let said = play.said();
    assert!(said.starts_with("MAIL FROM:<a@example.org>") && !said.contains("b1@"), "{said}");
    assert!(said.contains("b2@") && said.contains("b3@") && said.contains("b4@"), "{said}");
    play.hear("250 ok\r\n550 5.1.1 no\r\n250 ok\r\n552 5.5.3 too many\r\n354 go\r\n");
    play.said();
    play.hear("250 2.0.0 second\r\n");
    assert!(play.said().contains("b4@"));
    play.hear("250 ok\r\n552 5.2.2 full\r\n");
    assert!(
        matches!(&*play.outcomes[0].fates, [Fate::Delivered(first), Fate::Later(full), Fate::Never(no),
            Fate::Delivered(second), Fate::Never(over)]
            if first.text == "first" && full.enhanced == "4.2.2" && no.code == 550
                && second.text == "second" && over.enhanced == "5.2.2"),
        "{:?}",
        play.outcomes
    );
}

#[test]
fn a_server_with_room_for_nobody_is_left_for_later() {
    let mut play = Play::new(settings(Security::Never), vec![mail(2)]);
    play.hear("220 hi\r\n");
    play.hear(EHLO);
    play.hear("250 ok\r\n552 too many\r\n452 4.5.3 enough\r\n");
    assert!(
        matches!(&*play.outcomes[0].fates, [Fate::Later(one), Fate::Later(_)] if one.code == 552)
    );
    assert!(play.said().ends_with("RSET\r\n"));
}

#[test]
fn a_limit_that_is_announced_is_kept() {
    let mut play = Play::new(settings(Security::Never), vec![mail(3)]);
    play.hear("220 hi\r\n250-x\r\n250-PIPELINING\r\n250 LIMITS MAILMAX=9 RCPTMAX=2\r\n");
    assert_eq!(play.said().matches("RCPT TO").count(), 2);
    // Nobody is left of these, which ends the transaction without a message.
    play.hear("250 ok\r\n550 no\r\n550 no\r\n");
    assert_eq!(play.said(), "RSET\r\n");
    play.hear("250 ok\r\n");
    assert!(play.said().contains("b2@"));
    play.hear("250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n");
    assert!(matches!(
        &*play.outcomes[0].fates,
        [Fate::Never(_), Fate::Never(_), Fate::Delivered(_)]
    ));
}

#[test]
fn what_was_delivered_before_the_connection_broke_stays_so() {
    let mut play = Play::new(settings(Security::Never), vec![mail(2)]);
    play.hear("220 hi\r\n");
    play.hear(EHLO);
    play.hear("250 ok\r\n250 ok\r\n452 4.5.3 enough\r\n354 go\r\n250 ok\r\n");
    play.feed(Input::Closed, 1);
    let outcome = &play.outcomes[0];
    assert!(matches!(&*outcome.fates, [Fate::Delivered(_), Fate::Later(_)]) && !outcome.reply_lost);
}

#[test]
fn a_reply_that_says_nothing_to_mail_is_no_status() {
    let mut play = Play::new(settings(Security::Never), vec![mail(1)]);
    play.hear("220 hi\r\n");
    play.hear(EHLO);
    play.hear("354 go\r\n503 what\r\n");
    assert!(
        matches!(&*play.outcomes[0].fates, [Fate::Later(said)] if said.code == 450 && said.enhanced == "4.5.0"),
        "{:?}",
        play.outcomes
    );
}

#[test]
fn what_became_of_a_message_does_not_wait_for_the_reply_to_rset() {
    let mut play = Play::new(settings(Security::Never), vec![mail(1)]);
    play.hear("220 hi\r\n");
    play.hear(EHLO);
    play.hear("250 ok\r\n550 no\r\n");
    assert!(matches!(&*play.outcomes[0].fates, [Fate::Never(_)]));
    // It decides nothing, and has little time.
    play.feed(Input::Time, 10);
    assert!(play.client.is_closed() && play.outcomes.len() == 1);
}

#[test]
fn tls_that_is_demanded_is_not_given_up() {
    let mut play = Play::new(settings(Security::Demanded), vec![mail(1)]);
    play.hear("220 hi\r\n");
    play.hear(EHLO);
    assert!(
        matches!(&play.failed, Some(Fate::Later(said)) if said.text.contains("TLS is demanded"))
    );
    assert!(!play.said().contains("MAIL"));
}

#[test]
fn a_good_reply_in_the_wrong_place_delivers_nothing() {
    let login = || Some(Login { user: "u".into(), secret: "geheim".into() });
    let auth = Settings { login: login(), login_in_clear: true, ..settings(Security::Never) };
    for (settings, replies) in [
        (settings(Security::Never), "250 hello\r\n"),
        (settings(Security::Never), "220 hi\r\n354 go on\r\n"),
        (settings(Security::Demanded), "220 hi\r\n250-x\r\n250 STARTTLS\r\n250 ok\r\n"),
        (auth, "220 hi\r\n250-x\r\n250 AUTH PLAIN\r\n250 ok\r\n"),
    ] {
        let mut play = Play::new(settings, vec![mail(1)]);
        play.hear(replies);
        assert!(
            matches!(&play.failed, Some(Fate::Later(said)) if said.text.contains("unexpected reply")),
            "{replies}: {:?}",
            play.failed
        );
        assert!(!play.said().contains("MAIL") && play.client.is_closed(), "{replies}");
    }
}

#[test]
fn after_tls_the_offers_are_asked_for_anew_and_the_secret_stays_hidden() {
    let login = Some(Login { user: "u".into(), secret: "geheim".into() });
    let mut play = Play::new(Settings { login, ..settings(Security::Demanded) }, vec![mail(1)]);
    play.hear("220 hi\r\n250-x\r\n250-AUTH LOGIN\r\n250 STARTTLS\r\n");
    assert!(play.said().ends_with("STARTTLS\r\n"));
    play.hear("220 go\r\n");
    assert_eq!(play.said(), "(TLS)");
    play.feed(Input::TlsStarted(TlsFacts::default()), 0);
    play.hear("250-x\r\n250 AUTH PLAIN LOGIN\r\n");
    assert!(play.said().contains("AUTH PLAIN AHUAZ2VoZWlt\r\n"));
    play.hear("235 2.7.0 in\r\n");
    assert!(play.said().starts_with("MAIL"));
    let text = play.client.transcript().to_string();
    assert!(text.contains("AUTH PLAIN (secret)") && !text.contains("AHUAZ2VoZWlt"), "{text}");
}

#[test]
fn what_comes_before_tls_is_not_read_inside_it() {
    let mut play = Play::new(settings(Security::IfOffered), vec![mail(1)]);
    play.hear("220 hi\r\n250-x\r\n250 STARTTLS\r\n");
    play.hear("220 go\r\n250-x\r\n250 AUTH PLAIN\r\n");
    assert!(matches!(&play.failed, Some(Fate::Later(_))));
    assert!(play.client.is_closed());
}

#[test]
fn a_reply_that_never_comes_is_told_apart_from_a_refusal() {
    for (hostile, is_lost) in [("", true), ("421 4.3.2 bye\r\n", false)] {
        let mut play = Play::new(settings(Security::Never), vec![mail(1)]);
        play.hear("220 hi\r\n");
        play.hear(EHLO);
        play.hear("250 ok\r\n250 ok\r\n354 go\r\n");
        play.hear(hostile);
        play.feed(Input::Closed, 1);
        assert_eq!(play.outcomes[0].reply_lost, is_lost);
        assert!(matches!(&*play.outcomes[0].fates, [Fate::Later(_)]));
    }
}

#[test]
fn a_server_that_drips_octets_does_not_move_the_deadline() {
    let mut play = Play::new(settings(Security::Never), vec![mail(1)]);
    for second in 1..300 {
        play.feed(Input::Bytes(b"2"), second);
        if play.client.is_closed() {
            // Many digits are no reply, but a line that is not ended yet.
            break;
        }
    }
    play.feed(Input::Time, 300);
    assert!(play.client.is_closed());
    assert!(matches!(&play.failed, Some(Fate::Later(_))));
}

#[test]
fn endless_replies_and_unasked_ones_end_the_connection() {
    for hostile in ["250-x\r\n".repeat(5000), "2".repeat(9000), "250 ok\r\n".repeat(9)] {
        let mut play = Play::new(settings(Security::Never), vec![mail(1)]);
        play.hear("220 hi\r\n");
        play.hear(EHLO);
        play.hear("250 ok\r\n250 ok\r\n");
        play.hear(&hostile);
        assert!(play.client.is_closed());
        assert!(matches!(&*play.outcomes[0].fates, [Fate::Later(_)]));
    }
}

#[test]
fn what_the_server_cannot_take_is_never_sent() {
    for (bytes, body, enhanced) in [
        (Bytes::from(vec![b'x'; 2000]), Body::SevenBit, "5.3.4"),
        ("a: \u{e4}\r\n".into(), Body::EightBitMime, "5.6.3"),
        ("a\nb".into(), Body::SevenBit, "5.6.0"),
        ("a".into(), Body::BinaryMime, "5.6.1"),
    ] {
        let whole = Mail { bytes, body, ..mail(1) };
        let mut play = Play::new(settings(Security::Never), vec![whole]);
        play.hear("220 hi\r\n");
        play.hear(EHLO);
        assert!(
            matches!(&*play.outcomes[0].fates, [Fate::Never(said)] if said.enhanced == enhanced)
        );
        assert!(!play.said().contains("MAIL"));
    }
}

#[test]
fn octets_that_data_cannot_carry_go_by_bdat() {
    let bare = Mail { bytes: "a\nb".into(), ..mail(1) };
    let mut play = Play::new(settings(Security::Never), vec![bare]);
    play.hear("220 hi\r\n250-x\r\n250 CHUNKING\r\n");
    play.hear("250 ok\r\n");
    play.hear("250 ok\r\n");
    assert!(play.said().ends_with("BDAT 16 LAST\r\n(chunk)"));
    play.hear("250 ok\r\n");
    assert!(matches!(&*play.outcomes[0].fates, [Fate::Delivered(_)]));
}

#[test]
fn an_orcpt_beyond_ascii_goes_on_as_it_came() {
    let mut whole = Mail { smtputf8: true, ..mail(2) };
    whole.recipients[0].orcpt = Some("utf-8;j\u{fc}r+gen@b\u{fc}cher.example".into());
    let mut play = Play::new(settings(Security::Never), vec![whole]);
    play.hear("220 hi\r\n250-x\r\n250-PIPELINING\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 DSN\r\n");
    let said = play.said();
    assert!(said.contains(" ORCPT=utf-8;j\u{fc}r\\x{2B}gen@b\u{fc}cher.example\r\n"), "{said}");
    assert!(said.contains(" ORCPT=rfc822;b+2Bc@example.org\r\n"), "{said}");
}
