//! A mailer that tries again where trying again helps, and a test that holds it against a doorpost which misbehaves.
//!
//! ```text
//! cargo test --example retry            # NAIVE=1 makes the mailer naive, and the tests fail
//! cargo run --example retry -- smtp://localhost:1025 alice@example.org bob@example.net
//! ```

use lettre::{Message, SmtpTransport, Transport as _, transport::smtp};
use std::error::Error;
use std::time::Duration;

/// The first pause between tries, doubled each time; a real mailer waits minutes.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, from, to] = arguments.as_slice() else {
        return Err("usage: retry smtp://HOST:PORT FROM TO".into());
    };
    send(url, &order(from, to)?)?;
    println!("sent");
    Ok(())
}

/// A message with a Message-ID, so that each try is the same one.
fn order(from: &str, to: &str) -> Result<Message, Box<dyn Error>> {
    let message = Message::builder().from(from.parse()?).to(to.parse()?).subject("Your order");
    Ok(message.message_id(None).body("It is on its way.\n".to_owned())?)
}

fn send(url: &str, message: &Message) -> Result<(), smtp::Error> {
    let transport = SmtpTransport::from_url(url)?.build();
    // With NAIVE=1 it is the mailer that most programs have: it sends once.
    let tries = if std::env::var_os("NAIVE").is_some() { 1 } else { 4 };
    let mut pause = FIRST_PAUSE;
    for _ in 1..tries {
        match transport.send(message) {
            Err(error) if !error.is_permanent() => std::thread::sleep(pause),
            done => return done.map(drop),
        }
        pause *= 2;
    }
    transport.send(message).map(drop)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop at the first surprise
mod tests {
    use super::{order, send};
    use doorpost::test::blocking;

    #[test]
    fn a_4xx_is_tried_again() {
        let mail = blocking::start();
        mail.fault("busy=1@relay");
        let message = order("shop@example.com", "bob@example.net").unwrap();
        send(&mail.url("relay"), &message).expect("the mailer gave up on busy");
        mail.expect_count("rcpt:bob@example.net", 1);
    }

    #[test]
    fn a_lost_reply_is_tried_again_with_the_same_message_id() {
        let mail = blocking::start();
        mail.fault("lost-reply@relay");
        let message = order("shop@example.com", "bob@example.net").unwrap();
        send(&mail.url("relay"), &message).expect("the mailer gave up on lost-reply");
        let copies = mail.expect_count("rcpt:bob@example.net", 2);
        assert_eq!(copies[0].header("Message-ID"), copies[1].header("Message-ID"));
    }

    #[test]
    fn a_5xx_is_not_tried_again() {
        let mail = blocking::start();
        mail.fault_rules("[[rules]]\nname = \"count\"\nat = \"mail\"\ndo = { pause = \"1ms\" }\n");
        let message = order("shop@example.com", "bounce@example.test").unwrap();
        assert!(send(&mail.url("relay"), &message).unwrap_err().is_permanent());
        assert_eq!(mail.faults().states(None)[0].struck, 1, "one MAIL, and no second");
    }
}
