//! A small SMTP client that blocks: one message, in the clear, on a connection of its own (RFC 5321).
//!
//! It sends what it is given, adds dots where the protocol wants them, and asks for an extension only where the
//! message needs it and the server offers it. It does not do TLS and does not log in: the relay door wants neither.

use crate::smtp::transcript::escape;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(30);
/// How long a reply may take (RFC 5321 §4.5.3.2).
const PATIENCE: Duration = Duration::from_mins(5);
/// The longest line of a reply that is read.
const LONGEST: u64 = 64 * 1024;
/// Lines of one reply.
const LINES: usize = 1000;

/// What is sent.
#[derive(Debug)]
pub(super) struct Mail<'a> {
    /// Without brackets; empty for `<>`.
    pub(super) reverse_path: &'a str,
    pub(super) forward_paths: &'a [String],
    /// With CRLF.
    pub(super) message: &'a [u8],
    /// Whether it has octets beyond ASCII.
    pub(super) is_eight_bit: bool,
    /// Whether its header has.
    pub(super) has_utf8_header: bool,
    pub(super) notify: Option<&'a str>,
    pub(super) ret: Option<&'a str>,
    pub(super) envid: Option<&'a str>,
}

/// Where in the transaction a server refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The greeting, EHLO, MAIL, or DATA itself.
    Command,
    /// RCPT.
    Recipient,
    /// The end of the mail data.
    Data,
}

/// Why a message, or a part of it, was not taken.
#[derive(Debug)]
pub(super) enum Problem {
    /// A name that leads nowhere.
    NoHost(String),
    /// No connection, or one that broke.
    Lost(String),
    /// The server lacks what the message cannot do without.
    Lacks(String),
    /// A reply.
    Refused { step: Step, whom: String, reply: Reply },
}

/// A reply, its lines without their codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) lines: Vec<String>,
}

impl Reply {
    /// As one line.
    pub(super) fn text(&self) -> String {
        format!("{} {}", self.code, self.lines.join(" / "))
    }

    /// The enhanced status code, if it has one.
    pub(super) fn enhanced(&self) -> Option<&str> {
        let word = self.lines.first()?.split(' ').next()?;
        let is_one = word.split('.').count() == 3
            && word
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        is_one.then_some(word)
    }

    fn is_good(&self) -> bool {
        (200..400).contains(&self.code)
    }
}

/// Opens a connection to `HOST:PORT`.
pub(super) fn connect(address: &str) -> Result<TcpStream, Problem> {
    let shown = escape(address.as_bytes(), false);
    let found = address.to_socket_addrs();
    let found = found.map_err(|error| Problem::NoHost(format!("{shown}: {error}")))?;
    let mut last = None;
    for address in found {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    let why = last.map_or_else(|| "it leads nowhere".into(), |error| error.to_string());
    Err(Problem::Lost(format!(
        "no door answers at {shown} ({why}): start `doorpost`, or name its relay door with --smtp or DOORPOST_SENDMAIL"
    )))
}

/// Sends a message. What comes back are the recipients that were refused, where others were not.
pub(super) fn send(
    stream: TcpStream,
    hello: &str,
    mail: &Mail<'_>,
    verbose: bool,
) -> Result<Vec<Problem>, Problem> {
    let mut client = Client::new(stream, verbose)?;
    let result = client.transaction(hello, mail);
    if !matches!(result, Err(Problem::Lost(_))) {
        // The outcome is known; a server that is gone already is as good.
        let _ = client.ask("QUIT");
    }
    result
}

struct Client {
    stream: BufReader<TcpStream>,
    /// What EHLO offered, in upper case.
    extensions: Vec<String>,
    verbose: bool,
}

impl Client {
    fn new(stream: TcpStream, verbose: bool) -> Result<Self, Problem> {
        let set = stream
            .set_read_timeout(Some(PATIENCE))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)))
            .and_then(|()| stream.set_nodelay(true));
        set.map_err(lost)?;
        Ok(Self { stream: BufReader::new(stream), extensions: Vec::new(), verbose })
    }

    fn transaction(&mut self, hello: &str, mail: &Mail<'_>) -> Result<Vec<Problem>, Problem> {
        self.reply().and_then(|reply| good(reply, Step::Command, "the greeting"))?;
        self.hello(hello)?;
        let command = self.mail_command(mail)?;
        self.command(&command, "MAIL")?;
        let notify = mail.notify.filter(|_| self.offers("DSN"));
        let notify = notify.map(|notify| format!(" NOTIFY={notify}")).unwrap_or_default();
        let mut refused = Vec::new();
        for path in mail.forward_paths {
            let reply = self.ask(&format!("RCPT TO:<{path}>{notify}"))?;
            // 421 ends the session, whoever was named.
            let step = if reply.code == 421 { Step::Command } else { Step::Recipient };
            match good(reply, step, &format!("<{path}>")) {
                Ok(_) => {}
                Err(problem) if step == Step::Recipient => refused.push(problem),
                Err(problem) => return Err(problem),
            }
        }
        if refused.len() == mail.forward_paths.len() {
            return Ok(refused);
        }
        let reply = self.ask("DATA")?;
        if reply.code != 354 {
            return Err(Problem::Refused { step: Step::Command, whom: "DATA".into(), reply });
        }
        self.data(mail.message)?;
        good(self.reply()?, Step::Data, "the message")?;
        Ok(refused)
    }

    /// EHLO, and HELO where that is not known.
    fn hello(&mut self, name: &str) -> Result<(), Problem> {
        let reply = self.ask(&format!("EHLO {name}"))?;
        if reply.is_good() {
            let words =
                reply.lines.iter().skip(1).map(|line| line.split(' ').next().unwrap_or_default());
            self.extensions = words.map(str::to_ascii_uppercase).collect();
            return Ok(());
        }
        if reply.code == 421 {
            return good(reply, Step::Command, "EHLO").map(drop);
        }
        self.command(&format!("HELO {name}"), "HELO")
    }

    fn offers(&self, extension: &str) -> bool {
        self.extensions.iter().any(|offered| offered == extension)
    }

    fn mail_command(&self, mail: &Mail<'_>) -> Result<String, Problem> {
        let mut command = format!("MAIL FROM:<{}>", mail.reverse_path);
        let paths =
            || [mail.reverse_path].into_iter().chain(mail.forward_paths.iter().map(|path| &**path));
        let beyond_ascii = paths().find(|path| !path.is_ascii());
        match (beyond_ascii, self.offers("SMTPUTF8")) {
            (Some(path), false) => {
                return Err(Problem::Lacks(format!(
                    "<{path}> needs SMTPUTF8, which the door does not offer"
                )));
            }
            (Some(_), true) => command.push_str(" SMTPUTF8"),
            (None, true) if mail.has_utf8_header => command.push_str(" SMTPUTF8"),
            (None, _) => {}
        }
        if mail.is_eight_bit && self.offers("8BITMIME") {
            command.push_str(" BODY=8BITMIME");
        }
        if self.offers("SIZE") {
            command.push_str(&format!(" SIZE={}", mail.message.len()));
        }
        if self.offers("DSN") {
            command.extend(mail.ret.map(|ret| format!(" RET={ret}")));
            command.extend(mail.envid.map(|id| format!(" ENVID={}", xtext(id))));
        }
        Ok(command)
    }

    /// The mail data, each dot at the beginning of a line doubled, and its end.
    fn data(&mut self, message: &[u8]) -> Result<(), Problem> {
        let mut data = Vec::with_capacity(message.len() + message.len() / 64 + 8);
        for line in message.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b".") {
                data.push(b'.');
            }
            data.extend_from_slice(line);
        }
        if !data.is_empty() && !data.ends_with(b"\r\n") {
            data.extend_from_slice(b"\r\n");
        }
        data.extend_from_slice(b".\r\n");
        self.show("C", &format!("({} octets of mail data)", message.len()));
        self.stream.get_mut().write_all(&data).map_err(lost)
    }

    fn command(&mut self, line: &str, name: &str) -> Result<(), Problem> {
        let reply = self.ask(line)?;
        good(reply, Step::Command, name).map(drop)
    }

    fn ask(&mut self, line: &str) -> Result<Reply, Problem> {
        self.show("C", line);
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).map_err(lost)?;
        self.reply()
    }

    /// Reads one whole reply.
    fn reply(&mut self) -> Result<Reply, Problem> {
        let mut lines = Vec::new();
        while lines.len() < LINES {
            let mut octets = Vec::new();
            self.stream.by_ref().take(LONGEST).read_until(b'\n', &mut octets).map_err(lost)?;
            let Some(b'\n') = octets.last() else {
                return Err(Problem::Lost("the door closed the connection".into()));
            };
            let line = escape(octets.trim_ascii_end(), false);
            self.show("S", &line);
            let code = line.get(..3).and_then(|code| code.parse().ok());
            let (code, is_last) = match (code, line.as_bytes().get(3)) {
                (Some(code @ 200..=599), None | Some(b' ')) => (code, true),
                (Some(code @ 200..=599), Some(b'-')) => (code, false),
                _ => return Err(Problem::Lost(format!("this is no SMTP reply: {line}"))),
            };
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if is_last {
                return Ok(Reply { code, lines });
            }
        }
        Err(Problem::Lost("the reply has no end".into()))
    }

    fn show(&self, who: &str, line: &str) {
        if self.verbose {
            crate::cli::print::note(&format!("{who}: {}\n", escape(line.as_bytes(), false)));
        }
    }
}

fn good(reply: Reply, step: Step, whom: &str) -> Result<Reply, Problem> {
    if reply.is_good() {
        return Ok(reply);
    }
    Err(Problem::Refused { step, whom: whom.to_owned(), reply })
}

/// Text as an xtext (RFC 3461 §4).
fn xtext(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'+' | b'=' => encoded.push_str(&format!("+{byte:02X}")),
            b'!'..=b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("+{other:02X}")),
        }
    }
    encoded
}

fn lost(error: io::Error) -> Problem {
    Problem::Lost(format!("the connection to the door broke: {error}"))
}
