//! The transcript: every line of a session, both ways, with its time.
//!
//! Bounded: text beyond the limit is counted, not kept. The text of all lines lies in one buffer,
//! since thousands of transcripts are in memory at once.

use std::fmt;
use std::time::Duration;

/// Notes that are kept although the transcript is full.
const NOTES: usize = 64;
/// Faults that are written down even where the limit is reached.
const FAULTS: usize = 64;

/// What was said in one session.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    text: Vec<u8>,
    entries: Vec<Entry>,
    limit: usize,
    omitted: u64,
    notes: usize,
    faults: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at_micros: u64,
    length: u32,
    kind: Kind,
    encrypted: bool,
}

/// What a line of a transcript is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A line that the client sent.
    Client,
    /// A reply; one of several lines holds them all, parted by LF.
    Server,
    /// Mail data: how much came, not what it was.
    Data,
    /// The TLS handshake ended, well or not.
    Tls,
    /// Something that doorpost noticed.
    Note(Note),
    /// A fault that was asked for, and how often it has struck.
    Fault,
    /// How the session ended.
    End,
}

/// What doorpost notices while it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// Bytes behind STARTTLS, sent in the clear and thrown away.
    PlaintextAfterStarttls,
    /// The client spoke before the greeting.
    EarlyTalker,
    /// Commands behind EHLO, before its reply could say that PIPELINING is offered.
    PipelinedBeforeEhlo,
    /// HTTP on an SMTP port.
    HttpOnSmtpPort,
    /// A TLS ClientHello where the port begins in the clear.
    TlsOnPlainPort,
    /// Plain text where TLS begins with the first byte.
    PlainOnTlsPort,
    /// No byte from the client where TLS begins with the first byte.
    SilentOnTlsPort,
    /// LF without CR.
    BareLf,
    /// CR without LF.
    BareCr,
    /// NUL in mail data.
    Nul,
    /// A command line over its limit.
    LineTooLong,
    /// Mail data sent before the 354 reply.
    DataBeforeReply,
    /// The connection ended within a message, which was not kept.
    MessageCutShort,
    /// A PROXY header (HAProxy's protocol, version 1 or 2) where SMTP begins.
    ProxyHeader,
    /// White space around the user name or the secret of a login that was refused.
    SecretHasWhitespace,
    /// What a refused login decoded to is base64 once more.
    SecretIsBase64,
    /// The user name of a refused login is nearly that of a user.
    UserNearlyRight,
    /// The user's secret is a token, and that of the refused login does not look like one.
    TokenExpected,
    /// The client said that it does not trust the certificate, or left at the sight of it.
    CertificateNotTrusted,
    /// It left at the sight of a certificate that is for other names than it asked for.
    CertificateNameMismatch,
    /// It said that the certificate has expired, or left at the sight of one that has.
    CertificateExpired,
    /// The client knows no TLS newer than 1.1.
    TlsTooOld,
    /// The client asked for a host that the certificate does not name, and has not complained yet.
    OtherNameAsked,
    /// The certificate that was shown has ended, and the client has not complained yet.
    CertificateIsOver,
    /// Another command after 421.
    CommandAfter421,
}

impl Note {
    /// A stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::PlaintextAfterStarttls => "plaintext-after-starttls",
            Self::EarlyTalker => "early-talker",
            Self::PipelinedBeforeEhlo => "pipelined-before-ehlo",
            Self::HttpOnSmtpPort => "http-on-smtp-port",
            Self::TlsOnPlainPort => "tls-on-plain-port",
            Self::PlainOnTlsPort => "plain-on-tls-port",
            Self::SilentOnTlsPort => "silent-on-tls-port",
            Self::BareLf => "bare-lf",
            Self::BareCr => "bare-cr",
            Self::Nul => "nul",
            Self::LineTooLong => "line-too-long",
            Self::DataBeforeReply => "data-before-reply",
            Self::MessageCutShort => "message-cut-short",
            Self::ProxyHeader => "proxy-header",
            Self::SecretHasWhitespace => "secret-has-whitespace",
            Self::SecretIsBase64 => "secret-is-base64",
            Self::UserNearlyRight => "user-nearly-right",
            Self::TokenExpected => "token-expected",
            Self::CertificateNotTrusted => "certificate-not-trusted",
            Self::CertificateNameMismatch => "certificate-name-mismatch",
            Self::CertificateExpired => "certificate-expired",
            Self::TlsTooOld => "tls-too-old",
            Self::OtherNameAsked => "other-name-asked",
            Self::CertificateIsOver => "certificate-is-over",
            Self::CommandAfter421 => "command-after-421",
        }
    }

    /// One sentence for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::PlaintextAfterStarttls => {
                "bytes sent in the clear after STARTTLS were thrown away"
            }
            Self::EarlyTalker => "the client spoke before the greeting",
            Self::PipelinedBeforeEhlo => {
                "the client sent more before the reply to EHLO could offer PIPELINING"
            }
            Self::HttpOnSmtpPort => "the client speaks HTTP: wrong port",
            Self::TlsOnPlainPort => {
                "the client began with TLS, and this port begins in the clear: use STARTTLS here, or the submissions port"
            }
            Self::PlainOnTlsPort => {
                "the client began in the clear, and this port begins with TLS: switch implicit TLS on, or use the submission port"
            }
            Self::SilentOnTlsPort => {
                "the client waits for a greeting, and this port begins with TLS: switch implicit TLS on, or use the submission port"
            }
            Self::BareLf => "LF without CR",
            Self::BareCr => "CR without LF",
            Self::Nul => "NUL in the mail data, which only BINARYMIME can carry",
            Self::LineTooLong => "the command line is over its limit",
            Self::DataBeforeReply => "mail data was sent before the 354 reply",
            Self::MessageCutShort => "the connection ended within the message, which was not kept",
            Self::ProxyHeader => "the client began with the PROXY header of a load balancer",
            Self::SecretHasWhitespace => "white space stands around the user name or the secret",
            Self::SecretIsBase64 => "what was decoded from base64 is base64 once more",
            Self::UserNearlyRight => "the user name is nearly that of a user",
            Self::TokenExpected => "this user has a token, and what came does not look like one",
            Self::CertificateNotTrusted => "the client does not trust the certificate",
            Self::CertificateNameMismatch => {
                "the certificate is not for the host that the client asked for"
            }
            Self::CertificateExpired => "the client finds the certificate expired",
            Self::TlsTooOld => "the client knows no TLS newer than 1.1",
            Self::OtherNameAsked => {
                "the client asked for a host that the certificate does not name"
            }
            Self::CertificateIsOver => "the certificate that was shown has ended",
            Self::CommandAfter421 => "the client went on after 421",
        }
    }
}

/// One line of a transcript.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Since the client connected.
    pub at: Duration,
    /// What it is.
    pub kind: Kind,
    /// Whether it went through TLS.
    pub encrypted: bool,
    text: &'a [u8],
}

impl<'a> Line<'a> {
    /// Its octets, as they came.
    #[must_use]
    pub fn octets(&self) -> &'a [u8] {
        self.text
    }

    /// Its text, safe to show: control characters and octets that are no UTF-8 are escaped. LF
    /// parts the lines of one reply.
    #[must_use]
    pub fn text(&self) -> String {
        escape(self.text, self.kind == Kind::Server)
    }
}

/// Text safe for terminals and pages; LF stays where `keep_lf`.
#[must_use]
pub fn escape(bytes: &[u8], keep_lf: bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' if keep_lf => text.push(c),
                // Marks that turn the direction of text hide what was said as well as controls do.
                _ if c.is_control()
                    || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
                {
                    text.extend(c.escape_default());
                }
                _ => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

impl Transcript {
    /// An empty transcript that keeps so many octets of text.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Adds a line whose text is written by `write`.
    pub fn add(
        &mut self,
        at: Duration,
        kind: Kind,
        encrypted: bool,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        // What doorpost noticed and how it ended is what a long session is looked up for.
        let is_ours = match kind {
            Kind::End => true,
            Kind::Fault => self.faults < FAULTS,
            Kind::Note(_) => self.notes < NOTES,
            _ => false,
        };
        let start = self.text.len();
        if start >= self.limit && !is_ours {
            self.omitted += 1;
            return;
        }
        write(&mut self.text);
        if !is_ours {
            self.text.truncate(self.limit.max(start));
        }
        self.notes += usize::from(matches!(kind, Kind::Note(_)));
        self.faults += usize::from(kind == Kind::Fault);
        let length = u32::try_from(self.text.len() - start).unwrap_or(u32::MAX);
        let at_micros = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        self.entries.push(Entry { at_micros, length, kind, encrypted });
    }

    /// The lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut rest = &self.text[..];
        self.entries.iter().map(move |entry| {
            let (text, after) = rest.split_at(entry.length as usize);
            rest = after;
            let at = Duration::from_micros(entry.at_micros);
            Line { at, kind: entry.kind, encrypted: entry.encrypted, text }
        })
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Where the last line of that kind stands.
    #[must_use]
    pub fn last(&self, kind: Kind) -> Option<usize> {
        self.entries.iter().rposition(|entry| entry.kind == kind)
    }

    /// Lines that came after the limit was reached.
    #[must_use]
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    /// The notes, in order.
    pub fn notes(&self) -> impl Iterator<Item = Note> {
        self.entries.iter().filter_map(|entry| match entry.kind {
            Kind::Note(note) => Some(note),
            _ => None,
        })
    }

    /// How many notes there are.
    #[must_use]
    pub fn note_count(&self) -> usize {
        self.notes
    }

    /// Octets of memory that it holds.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.text.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    /// Gives back what was reserved for growth.
    pub fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.entries.shrink_to_fit();
    }
}

impl Kind {
    /// A stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Data => "data",
            Self::Tls => "tls",
            Self::Note(_) => "note",
            Self::Fault => "fault",
            Self::End => "end",
        }
    }
}

/// As people write conversations down: `C:`, `S:`, a time in front, `*` where TLS is on.
impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.lines() {
            let who = match line.kind {
                Kind::Client => "C:",
                Kind::Server => "S:",
                Kind::Data | Kind::Tls | Kind::Note(_) | Kind::Fault | Kind::End => "--",
            };
            let seal = if line.encrypted { '*' } else { ' ' };
            for text in line.text().split('\n') {
                writeln!(f, "{:>11.6} {seal} {who} {text}", line.at.as_secs_f64())?;
            }
        }
        match self.omitted {
            0 => Ok(()),
            n => writeln!(f, "… {n} more lines were not kept"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_lines_up_to_the_limit() {
        let mut transcript = Transcript::new(8);
        for text in ["one", "two", "three", "four"] {
            transcript.add(Duration::ZERO, Kind::Client, false, |out| out.extend(text.as_bytes()));
        }
        let lines: Vec<_> = transcript.lines().map(|line| line.text()).collect();
        assert_eq!(lines, ["one", "two", "th"]);
        assert_eq!(transcript.omitted(), 1);
    }

    #[test]
    fn faults_without_end_do_not_grow_it() {
        let mut transcript = Transcript::new(100);
        for number in 0..1000 {
            transcript.add(Duration::ZERO, Kind::Fault, false, |out| {
                out.extend(format!("fault {number:03}").into_bytes());
            });
        }
        assert_eq!((transcript.len(), transcript.omitted()), (64, 936));
        transcript.add(Duration::ZERO, Kind::End, false, |out| out.extend(b"closed"));
        assert!(transcript.lines().last().is_some_and(|line| line.text() == "closed"));
    }

    #[test]
    fn shows_nothing_that_drives_a_terminal() {
        assert_eq!(escape(b"a\x1b[2J\r\n\xff\xc2\x9b", false), "a\\u{1b}[2J\\r\\n\\xff\\u{9b}");
        assert_eq!(escape("\u{202e}gpj".as_bytes(), false), "\\u{202e}gpj");
        assert_eq!(escape(b"a\nb", true), "a\nb");
    }
}
