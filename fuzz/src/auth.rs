//! AUTH: the exchanges themselves, and base64 and their lines through a session. Whatever is sent, whoever is let in is
//! the user that there is.
//!
//! The first octet names the mechanism; lines, parted by LF, are the client's answers.

use super::shell::Shell;
use doorpost::smtp::auth::{Directory, Exchange, Mechanism, Outcome, Step};
use std::sync::{Arc, LazyLock};

static USERS: LazyLock<Arc<Directory>> = LazyLock::new(|| {
    Arc::new(Directory::of([("alice".to_owned(), "secret".to_owned(), Vec::new())]))
});

/// Stops at the first promise that this input breaks.
pub fn check(input: &[u8]) {
    let [mechanism, bytes @ ..] = input else { return };
    let mechanism = Mechanism::ALL[usize::from(*mechanism) % Mechanism::ALL.len()];
    decoded(mechanism, bytes);
    let mut shell = Shell::at("alternate", 0);
    shell.say(b"EHLO client.example\r\n", <[u8]>::len);
    let mut wire = format!("AUTH {mechanism} ").into_bytes();
    for octet in bytes {
        if *octet == b'\n' {
            wire.push(b'\r');
        }
        wire.push(*octet);
    }
    wire.extend(b"\r\n");
    shell.say(&wire, |rest| {
        rest.iter().position(|octet| *octet == b'\n').map_or(rest.len(), |at| at + 1)
    });
    if let Some(identity) = shell.session.identity() {
        assert_eq!(&*identity.user, "alice");
    }
    // What the client sent as a secret stands nowhere in what people look at.
    let shown = shell.session.transcript().to_string();
    assert!(!shown.contains("c2VjcmV0"), "a secret is shown");
    shell.fall_silent();
}

fn decoded(mechanism: Mechanism, bytes: &[u8]) {
    let mut answers = bytes.split(|octet| *octet == b'\n');
    let mut exchange = Exchange::new(mechanism, Arc::clone(&USERS), &[1; 16]);
    let initial = answers.next().filter(|answer| !answer.is_empty());
    let mut step = exchange.begin(initial);
    // An exchange has three messages of the client at most, and then a verdict.
    for _ in 0..4 {
        match step {
            Step::Challenge(_) => step = exchange.answer(answers.next().unwrap_or_default()),
            Step::Done(Outcome::Accepted(identity)) => {
                return assert_eq!(&*identity.user, "alice");
            }
            Step::Done(_) => return,
        }
    }
    panic!("{mechanism} does not come to an end");
}
