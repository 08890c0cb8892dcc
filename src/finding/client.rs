//! Which library or program a client is, as far as it shows: by the fields it adds, by the form of its
//! identifiers, by how it spells its commands.
//!
//! A wrong guess is worse than none: what several clients do tells nothing, and is not looked at.

use super::letter::Letter;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! clients {
    ($($name:ident $words:literal $is_server:literal;)*) => {
        /// A library or program that sends mail.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[allow(missing_docs)] // they are the names of products
        pub enum Client { $($name,)* }

        impl Client {
            /// All that are recognised.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name, as its makers write it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }

            /// Whether it passes on the mail of others.
            #[must_use]
            pub const fn is_server(self) -> bool {
                match self { $(Self::$name => $is_server,)* }
            }
        }
    };
}

clients! {
    Smtplib "smtplib (Python)" false;
    Nodemailer "nodemailer" false;
    PhpMailer "PHPMailer" false;
    JakartaMail "Jakarta Mail" false;
    MailKit "MailKit" false;
    GoSmtp "net/smtp (Go)" false;
    GoMail "go-mail" false;
    Ruby "mail (Ruby)" false;
    Swaks "swaks" false;
    OpenSsl "openssl s_client" false;
    Postfix "Postfix" true;
    Exim "Exim" true;
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Client {
    /// Who wrote a message and was the first to send it, by its header.
    pub(super) fn of_letter(letter: &Letter) -> Option<Self> {
        let has = |field: &Option<String>, word: &str| {
            field.as_ref().is_some_and(|value| value.to_ascii_lowercase().contains(word))
        };
        if let Some(received) = &letter.received {
            // Who passed it on last is who speaks to us.
            return match received {
                text if text.contains("(Postfix") => Some(Self::Postfix),
                text if text.contains("(Exim ") => Some(Self::Exim),
                _ => None,
            };
        }
        for (word, client) in [
            ("phpmailer", Self::PhpMailer),
            ("nodemailer", Self::Nodemailer),
            ("swaks ", Self::Swaks),
            ("go-mail", Self::GoMail),
        ] {
            if has(&letter.mailer, word) {
                return Some(client);
            }
        }
        let id = letter.message_id.as_deref()?;
        let (left, right) = id.trim().strip_prefix('<')?.strip_suffix('>')?.rsplit_once('@')?;
        Self::of_identifier(left, right, letter)
    }

    fn of_identifier(left: &str, right: &str, letter: &Letter) -> Option<Self> {
        let mut split = left.split('.');
        let parts: [Option<&str>; 4] = std::array::from_fn(|_| split.next());
        let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let base36 = |part: &&str| {
            part.len() >= 8 && part.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        };
        // `<1718190000000.1.1718190000000@host>` with a hash in front, and with `JavaMail.user` in older ones.
        if parts.into_iter().flatten().chain(split).any(|part| part == "JavaMail") {
            return Some(Self::JakartaMail);
        }
        match parts {
            // The time in hundredths, the process, a number of 64 bits (`email.utils.make_msgid`).
            [Some(time), Some(process), Some(random), None]
                if [time, process, random].iter().all(digits)
                    && time.len() >= 14
                    && random.len() >= 16 =>
            {
                Some(Self::Smtplib)
            }
            // A hash, a counter, the time in milliseconds.
            [Some(hash), Some(counter), Some(time), None]
                if [hash, counter, time].iter().all(digits)
                    && counter.len() < 6
                    && time.len() == 13 =>
            {
                Some(Self::JakartaMail)
            }
            [Some(one), Some(other), None, None] if base36(&one) && base36(&other) => {
                Some(Self::MailKit)
            }
            _ if right.ends_with(".mail") && left.contains('_') => Some(Self::Ruby),
            // A UUID at the domain of the sender, and nodemailer's own order of fields.
            _ if letter.has_order_of_nodemailer() && is_uuid(left) => Some(Self::Nodemailer),
            _ => None,
        }
    }

    /// Who it is by how it spells its commands. Each of these spellings is one client's own.
    pub(super) fn of_commands<'a>(commands: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut hello: &[u8] = b"";
        for command in commands {
            let is = |start: &[u8]| command.starts_with(start);
            if is(b"mail FROM:<") || is(b"ehlo [") {
                return Some(Self::Smtplib);
            }
            if hello.starts_with(b"ehlo ") && (is(b"STARTTLS") || is(b"AUTH ")) {
                return Some(Self::Smtplib);
            }
            if hello == b"EHLO mail.example.com" && is(b"STARTTLS") {
                return Some(Self::OpenSsl);
            }
            let asks = |parameter: &[u8]| memchr::memmem::find(command, parameter).is_some();
            if hello == b"EHLO localhost" && is(b"MAIL FROM:<") && asks(b"> BODY=8BITMIME SMTPUTF8")
            {
                return Some(Self::GoSmtp);
            }
            if command.len() > 5 && command[..5].eq_ignore_ascii_case(b"EHLO ") {
                hello = command;
            }
        }
        None
    }
}

fn is_uuid(text: &str) -> bool {
    let lengths: Vec<_> = text.split('-').map(str::len).collect();
    let fits = |b: u8| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_tell_only_where_they_are_somebodys_own() {
        let of = |lines: &[&str]| Client::of_commands(lines.iter().map(|line| line.as_bytes()));
        assert_eq!(of(&["ehlo box", "STARTTLS"]), Some(Client::Smtplib));
        assert_eq!(
            of(&["ehlo box.example", "mail FROM:<a@b.example> size=9"]),
            Some(Client::Smtplib)
        );
        let go = ["EHLO localhost", "MAIL FROM:<a@b.example> BODY=8BITMIME SMTPUTF8"];
        assert_eq!(of(&go), Some(Client::GoSmtp));
        assert_eq!(of(&["EHLO mail.example.com", "STARTTLS"]), Some(Client::OpenSsl));
        for nobody in
            [&["EHLO client.example", "MAIL FROM:<a@b.example>"][..], &["ehlo x", "quit"], &[]]
        {
            assert_eq!(of(nobody), None);
        }
    }

    #[test]
    fn messages_tell_by_their_fields() {
        let of = |head: &str| Letter::read(head.as_bytes()).client();
        for (head, client) in [
            ("X-Mailer: PHPMailer 6.6.0 (https://github.com/x)\r\n\r\n", Some(Client::PhpMailer)),
            ("Message-ID: <171819000000.1234.12345678901234567890@box>\r\n\r\n", None),
            (
                "Message-ID: <17181900000012.1234.12345678901234567890@box>\r\n\r\n",
                Some(Client::Smtplib),
            ),
            ("Message-ID: <1418481495.0.1718190000000@box>\r\n\r\n", Some(Client::JakartaMail)),
            ("Message-ID: <8K2QYHIUC9WU4.8ZJTZHAJ55CQ2@box>\r\n\r\n", Some(Client::MailKit)),
            (
                "From: a@b.example\r\nMessage-ID: <0e3f9c6a-1b2c-4d5e-8f90-123456789abc@b.example>\r\nDate: x\r\nMIME-Version: 1.0\r\n\r\n",
                Some(Client::Nodemailer),
            ),
            ("Message-ID: <0e3f9c6a-1b2c-4d5e-8f90-123456789abc@b.example>\r\n\r\n", None),
            (
                "Received: by x (Postfix, from userid 0)\r\nX-Mailer: PHPMailer\r\n\r\n",
                Some(Client::Postfix),
            ),
            ("Subject: PHPMailer\r\n\r\nX-Mailer: PHPMailer\r\n", None),
        ] {
            assert_eq!(of(head), client, "{head}");
        }
    }
}
