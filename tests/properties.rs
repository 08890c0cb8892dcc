//! Any bytes, cut anywhere: the session never panics, stays within its memory, answers the same
//! however they were cut, and comes to an end.

#![allow(clippy::unwrap_used)] // a test may stop at the first surprise

use doorpost::config::Config;
use doorpost::mail::MessageId;
use doorpost::smtp::{Action, Budget, Context, Input, Session, TlsFacts};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

const MEMORY: u64 = 256 * 1024;
/// A line that is not finished, plus what one read may bring.
const PENDING: usize = 128 * 1024 + 64 * 1024;

struct Outcome {
    replies: Vec<u8>,
    stored: Vec<Vec<u8>>,
}

/// Plays bytes as a connection would: TLS succeeds, the store keeps, delays pass.
fn play(door: &str, bytes: &[u8], cuts: &[usize]) -> Outcome {
    let config = Config::ephemeral();
    let mut row = config.door(door).unwrap().clone();
    row.limits.message_size = 4096;
    let policy = Arc::new(row.policy(&config, Arc::new(config.directory())));
    let budget = Budget::new(MEMORY);
    let context = Context {
        peer: [127, 0, 0, 1].into(),
        budget: Arc::clone(&budget),
        faults: None,
        entropy: [1; 16],
    };
    let mut session = Session::new(policy, context);
    let mut outcome = Outcome { replies: Vec::new(), stored: Vec::new() };
    let mut now = Duration::ZERO;
    feed(&mut session, Input::Connected, now, &mut outcome);
    let mut rest = bytes;
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() && session.ended().is_none() {
        if session.is_paused() {
            feed(&mut session, Input::Turn, now, &mut outcome);
            continue;
        }
        if !session.wants_bytes() {
            now = session.deadline().unwrap();
            feed(&mut session, Input::Time, now, &mut outcome);
            continue;
        }
        let length = (*cuts.next().unwrap()).clamp(1, rest.len());
        let (piece, after) = rest.split_at(length);
        feed(&mut session, Input::Bytes(piece), now, &mut outcome);
        rest = after;
        assert!(session.pending() <= PENDING, "{} octets wait", session.pending());
        assert!(session.memory() <= PENDING + 400 * 1024, "{} octets are held", session.memory());
    }
    while session.is_paused() {
        feed(&mut session, Input::Turn, now, &mut outcome);
    }
    // With nothing more to come, time alone brings every session to its end.
    for _ in 0..100 {
        let Some(deadline) = session.deadline() else { break };
        now = deadline.max(now);
        feed(&mut session, Input::Time, now, &mut outcome);
    }
    assert!(session.ended().is_some(), "the session does not end");
    drop(session);
    assert_eq!(budget.free(), MEMORY, "memory in flight was not given back");
    outcome
}

fn feed(session: &mut Session, input: Input<'_>, now: Duration, outcome: &mut Outcome) {
    let mut actions = Vec::new();
    session.handle(input, now, &mut actions);
    let mut actions = std::collections::VecDeque::from(actions);
    while let Some(action) = actions.pop_front() {
        let mut more = Vec::new();
        match action {
            Action::Send(reply) => reply.render(true, &mut outcome.replies),
            Action::StartTls(_) => {
                session.handle(Input::TlsStarted(TlsFacts::default()), now, &mut more)
            }
            Action::Store(incoming) => {
                assert!(incoming.bytes.len() <= 4096);
                outcome.stored.push(incoming.bytes);
                drop(incoming.reservation);
                let id = MessageId::new(outcome.stored.len() as u64).unwrap();
                session.handle(Input::Stored(Ok(id)), now, &mut more);
            }
            _ => {}
        }
        actions.extend(more);
    }
}

/// Every line that leaves is a reply: three digits, a separator, no control characters.
fn assert_well_formed(replies: &[u8]) {
    let text = std::str::from_utf8(replies).unwrap();
    for line in text.split_terminator("\r\n") {
        assert!(line.len() <= 510, "{line}");
        let (code, rest) = line.split_at(3);
        assert!(code.parse::<u16>().is_ok_and(|code| (200..600).contains(&code)), "{line}");
        assert!(rest.starts_with([' ', '-']), "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

/// Fragments that make conversations get somewhere, and random ones that do not.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "EHLO client.example\r\n",
        "HELO c\r\n",
        "MAIL FROM:<a@b.org>\r\n",
        "MAIL FROM:<>\r\n",
        "MAIL FROM:<a@b.org> SIZE=5000\r\n",
        "MAIL FROM:<a@b.org> BODY=BINARYMIME\r\n",
        "RCPT TO:<c@d.org>\r\n",
        "RCPT TO:<postmaster>\r\n",
        "RCPT TO:<\"a b\"@[IPv6:::1]> NOTIFY=NEVER\r\n",
        "DATA\r\n",
        "x: y\r\n\r\nbody\r\n",
        "\r\n.\r\n",
        ".\r\n",
        "..\r\n",
        "BDAT 5 LAST\r\n",
        "BDAT 3\r\n",
        "BDAT 99999999999\r\n",
        "BDAT 0 LAST\r\n",
        "BDAT x\r\n",
        "abc",
        "RSET\r\n",
        "NOOP\r\n",
        "QUIT\r\n",
        "STARTTLS\r\n",
        "AUTH PLAIN AGEAYg==\r\n",
        "AUTH LOGIN\r\n",
        "YQ==\r\n",
        "*\r\n",
        "AUTH CRAM-MD5\r\n",
        "VRFY x\r\n",
        "EXPN x\r\n",
        "HELP\r\n",
        "\n",
        "\r",
        "\0",
        "\u{16}\u{3}",
        "GET / HTTP/1.1\r\n",
        "é",
    ]);
    prop_oneof![
        12 => known.prop_map(|text| text.as_bytes().to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (any::<u8>(), 1..30_000_usize).prop_map(|(byte, times)| vec![byte; times]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_cut_anywhere(
        door in prop::sample::select(vec!["relay", "submission", "submissions", "alternate"]),
        hello in any::<bool>(),
        fragments in prop::collection::vec(fragment(), 0..40),
        cuts in prop::collection::vec(1..5000_usize, 1..8),
    ) {
        let mut bytes = if hello { b"EHLO client.example\r\n".to_vec() } else { Vec::new() };
        bytes.extend(fragments.concat());
        let outcome = play(door, &bytes, &cuts);
        assert_well_formed(&outcome.replies);
    }

    /// A client that waits its turn gets the same replies however the network cuts its bytes.
    #[test]
    fn cutting_changes_nothing(body in "[a-z.\r\n ]{0,300}", cuts in prop::collection::vec(1..7_usize, 1..8)) {
        let script = format!("MAIL FROM:<a@b.org>\r\nRCPT TO:<c@d.org>\r\nDATA\r\n{body}\r\n.\r\nQUIT\r\n");
        let whole = [b"EHLO c\r\n".as_slice(), script.as_bytes()].concat();
        // The first cut is behind EHLO: what follows it in one piece would be too early.
        let first = std::iter::once(8).chain(std::iter::repeat_n(usize::MAX, 1000)).collect::<Vec<_>>();
        let once = play("relay", &whole, &first);
        let often = play("relay", &whole, &cuts);
        // Pieces that reach over the end of EHLO's line are refused, and rightly so.
        prop_assume!(!String::from_utf8_lossy(&often.replies).contains("554 5.5.0"));
        prop_assert_eq!(once.replies, often.replies);
        prop_assert_eq!(once.stored, often.stored);
    }
}
