//! Who sends in the demo, and what: the login, the envelope and the message for each door.
//!
//! Chosen so that the door's own rules let it pass: a user who is listed, with a sender that is
//! theirs, to a mailbox that is there. It makes no message that would need more than ASCII unless
//! the configured addresses do.

use super::words;
use crate::config::{Config, Door, User};
use crate::smtp::transcript::escape;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// The name that the client gives itself.
pub(super) const CLIENT: &str = "client.example";
/// Who sends where no user is listed.
const NEWCOMER: &str = "newcomer";

/// Who sends.
pub(super) struct Sender {
    pub(super) user: String,
    secret: String,
    pub(super) reverse_path: String,
    pub(super) shows_secrets: bool,
}

impl Sender {
    /// The first user who is listed; where none is, every login is taken.
    pub(super) fn of(config: &Config) -> Self {
        let first = config.users.first();
        let (user, secret) = match first {
            Some(user) => (user.name.clone(), user.secret.clone()),
            None => (NEWCOMER.to_owned(), "come-in".to_owned()),
        };
        let shows_secrets = config.show_secrets;
        Self { user, secret, reverse_path: reverse_path(first), shows_secrets }
    }

    /// The initial response of PLAIN (RFC 4616).
    pub(super) fn plain(&self) -> String {
        STANDARD.encode(format!("\0{}\0{}", self.user, self.secret))
    }
}

/// A sender that the user may use.
fn reverse_path(user: Option<&User>) -> String {
    match user.and_then(|user| user.senders.first()).map(String::as_str) {
        None | Some("*") => format!("{NEWCOMER}@example.org"),
        Some(theirs) => match theirs.strip_prefix('*') {
            Some(at_domain) => format!("{NEWCOMER}{at_domain}"),
            None => theirs.to_owned(),
        },
    }
}

/// A mailbox that the door takes mail for.
pub(super) fn forward_path(door: &Door) -> String {
    let rules = &door.recipients;
    let user = rules.local_users.as_ref().and_then(|users| users.first());
    let domain = rules.local_domains.as_ref().and_then(|domains| domains.first());
    match (user, domain) {
        (Some(user), _) => user.clone(),
        (None, Some(domain)) => format!("team@{domain}"),
        (None, None) => "team@example.net".to_owned(),
    }
}

/// The message, line by line, before any dot is doubled.
pub(super) fn message(door: &Door, sender: &Sender, now: OffsetDateTime) -> Vec<String> {
    let name = &door.name;
    // Four digits of a year is all that this format asks for.
    let date = now.format(&Rfc2822).unwrap_or_default();
    let mut lines = vec![
        format!("Date: {date}"),
        format!("Message-ID: <{:x}@{CLIENT}>", now.unix_timestamp_nanos() / 1000),
        format!("From: {}", sender.reverse_path),
        format!("To: {}", forward_path(door)),
        format!("Subject: Demo: {name}"),
        "MIME-Version: 1.0".to_owned(),
        "Content-Type: text/plain; charset=us-ascii".to_owned(),
        String::new(),
    ];
    lines.extend(words::purpose(door).map(str::to_owned));
    lines.push(".A first dot travels as two.".to_owned());
    lines
}

/// The line as it travels (RFC 5321 §4.5.2).
pub(super) fn stuffed(line: &str) -> String {
    if line.starts_with('.') { format!(".{line}") } else { line.to_owned() }
}

/// `MAIL` and `RCPT` need this parameter for a path beyond ASCII (RFC 6531); it stands at MAIL.
pub(super) fn utf8_parameter(paths: [&str; 2]) -> &'static str {
    if paths.iter().all(|path| path.is_ascii()) { "" } else { " SMTPUTF8" }
}

/// A command as the transcript shows it.
pub(super) fn shown(command: &str) -> String {
    escape(command.as_bytes(), false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop at the first surprise
mod tests {
    use super::*;

    fn config(toml: &str) -> Config {
        Config::parse(toml).unwrap()
    }

    #[test]
    fn the_envelope_keeps_to_the_rules_of_door_and_user() {
        let config = config(
            "[[users]]\nname = \"ann\"\nsecret = \"pw\"\nsenders = [\"*@x.example\"]\n\
             [[doors]]\nname = \"relay\"\nlocal_domains = [\"y.example\"]\n",
        );
        let sender = Sender::of(&config);
        assert_eq!(sender.reverse_path, "newcomer@x.example");
        assert_eq!(sender.plain(), "AGFubgBwdw==");
        assert_eq!(forward_path(config.door("relay").unwrap()), "team@y.example");
        assert_eq!(forward_path(config.door("submission").unwrap()), "team@example.net");
    }

    #[test]
    fn every_message_is_proper() {
        let config = Config::default();
        let sender = Sender::of(&config);
        for door in &config.doors {
            let lines = message(door, &sender, OffsetDateTime::UNIX_EPOCH);
            for field in ["Date: Thu, 01 Jan 1970", "Message-ID: <", "From: ", "To: ", "Subject: "]
            {
                assert!(lines.iter().any(|line| line.starts_with(field)), "{field}");
            }
            assert!(lines.iter().all(|line| line.is_ascii() && line.len() < 78), "{lines:?}");
            let texts = lines.iter().skip_while(|line| !line.is_empty());
            assert!(texts.clone().count() >= 3 && texts.clone().any(|line| line.starts_with('.')));
        }
        assert_eq!(stuffed("."), "..");
        assert_eq!(stuffed("a."), "a.");
    }
}
