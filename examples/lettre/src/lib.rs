//! The mail that a shop sends. Where it goes stands in `SMTP_URL`, in production as in the tests.

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{Message, SmtpTransport, Transport as _};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// A shop's mail.
pub struct Mail {
    transport: SmtpTransport,
    from: Mailbox,
}

impl Mail {
    /// By the URL of a server: `smtp://user:secret@host:port`, with `?tls=required` for STARTTLS; `smtps://…` for TLS from
    /// the first byte.
    pub fn new(url: &str) -> Result<Self, Box<dyn Error>> {
        let transport =
            SmtpTransport::from_url(url)?.timeout(Some(Duration::from_secs(10))).build();
        Ok(Self { transport, from: "Shop <shop@example.org>".parse()? })
    }

    /// Sends a link and a code to whoever has forgotten a password.
    pub fn password_reset(&self, to: &str) -> Result<(), Box<dyn Error>> {
        let mut random = [0; 20];
        getrandom::fill(&mut random)?;
        let (number, token) = random.split_at(4);
        let number = number.iter().fold(0_u32, |number, octet| number << 8 | u32::from(*octet));
        let code = format!("{:06}", number % 1_000_000);
        let token: String = token.iter().map(|octet| format!("{octet:02x}")).collect();
        let link = format!("https://shop.example/reset?token={token}");
        let message = Message::builder()
            .from(self.from.clone())
            .to(to.parse()?)
            .subject("Reset your password")
            .multipart(MultiPart::alternative_plain_html(
                format!("Your code is {code}. Or follow this link:\n{link}\n"),
                format!(
                    "<p>Your code is <b>{code}</b>, or <a href=\"{link}\">follow this link</a>.</p>"
                ),
            ))?;
        Ok(self.send(&message)?)
    }

    /// Sends to each address by itself, and gives those that were refused, and why. (lettre gives up a message when one
    /// of its recipients is refused.)
    pub fn newsletter(
        &self,
        addresses: &[&str],
        text: &str,
    ) -> Result<BTreeMap<String, SmtpError>, Box<dyn Error>> {
        let mut refused = BTreeMap::new();
        for address in addresses {
            let message = Message::builder()
                .from(self.from.clone())
                .to(address.parse()?)
                .subject("News")
                .body(text.to_owned())?;
            if let Err(error) = self.send(&message) {
                refused.insert((*address).to_owned(), error);
            }
        }
        Ok(refused)
    }

    /// Tries again what the server put off (4xx), and nothing that it refused for good (5xx).
    fn send(&self, message: &Message) -> Result<(), SmtpError> {
        let mut left = TRIES;
        loop {
            left -= 1;
            match self.transport.send(message) {
                Ok(_) => return Ok(()),
                Err(error) if left > 0 && error.is_transient() => std::thread::sleep(PAUSE),
                Err(error) => return Err(error),
            }
        }
    }
}
