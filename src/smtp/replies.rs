//! The catalogue: every reply that a session gives, in one place, with its enhanced status code
//! (RFC 3463, RFC 5248) and the reason for it where servers differ.

use super::reply::Reply;
use std::fmt::Write as _;

/// Greets; no enhanced code on it (RFC 2034 §4).
pub fn greeting(hostname: &str) -> Reply {
    Reply::bare(220, "").with_text(format!("{hostname} ESMTP doorpost"))
}

/// Answers HELO, which knows no extensions.
pub fn helo(hostname: &str) -> Reply {
    Reply::bare(250, "").with_text(hostname)
}

/// Answers EHLO with a line per extension.
pub fn ehlo(lines: Vec<String>) -> Reply {
    Reply::bare(250, "").with_lines(lines)
}

macro_rules! catalogue {
    ($($(#[$doc:meta])* $name:ident = $code:literal $subject:literal, $detail:literal $text:literal;)*) => {
        $($(#[$doc])* pub const $name: Reply = Reply::new($code, $subject, $detail, $text);)*
    };
}

catalogue! {
    /// MAIL taken.
    SENDER_OK = 250 1, 0 "Sender ok";
    /// RCPT taken.
    RECIPIENT_OK = 250 1, 5 "Recipient ok";
    /// RSET done.
    RESET = 250 0, 0 "Flushed";
    /// NOOP.
    NOOP = 250 0, 0 "Ok";
    /// HELP (RFC 5321 §4.1.1.8).
    HELP = 214 0, 0 "EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT; RFC 5321";
    /// VRFY: neither confirms nor denies (RFC 5321 §3.5.3).
    CANNOT_VERIFY = 252 0, 0 "Cannot VRFY, but will take mail and try";
    /// EXPN.
    NO_EXPN = 502 5, 1 "EXPN is not provided";
    /// QUIT.
    BYE = 221 0, 0 "Bye";
    /// STARTTLS: the handshake may begin.
    READY_FOR_TLS = 220 0, 0 "Ready to start TLS";
    /// STARTTLS where TLS is on already, or begins with the connection.
    TLS_IS_ON = 503 5, 1 "TLS is already active";
    /// STARTTLS on a door that has none.
    NO_STARTTLS = 502 5, 1 "STARTTLS is not available on this port";
    /// STARTTLS takes no argument (RFC 3207 §4).
    STARTTLS_ARGUMENT = 501 5, 4 "STARTTLS takes no argument";
    /// No certificate to show (RFC 3207 §4).
    TLS_UNAVAILABLE = 454 7, 0 "TLS not available due to temporary reason";
    /// STARTTLS is demanded (RFC 3207 §4).
    STARTTLS_FIRST = 530 7, 0 "Must issue a STARTTLS command first";

    /// Authentication succeeded (RFC 4954 §6).
    AUTHENTICATED = 235 7, 0 "Authentication successful";
    /// Credentials refused (RFC 4954 §6).
    BAD_CREDENTIALS = 535 7, 8 "Authentication credentials invalid";
    /// Too many refused credentials in one session.
    TOO_MANY_FAILURES = 421 7, 0 "Too many failed logins, closing";
    /// MAIL without AUTH where it is demanded (RFC 6409 §4.3).
    AUTH_REQUIRED = 530 7, 0 "Authentication required";
    /// AUTH where it is not offered.
    NO_AUTH = 503 5, 1 "AUTH is not offered here";
    /// AUTH a second time (RFC 4954 §4).
    AUTHENTICATED_ALREADY = 503 5, 1 "Already authenticated";
    /// AUTH within a transaction (RFC 4954 §4).
    AUTH_IN_TRANSACTION = 503 5, 1 "AUTH is not permitted during a mail transaction";
    /// A mechanism that is not offered (RFC 4954 §4).
    UNKNOWN_MECHANISM = 504 5, 4 "Mechanism not offered, see the EHLO reply";
    /// A client answer that is no base64 (RFC 4954 §4).
    BAD_BASE64 = 501 5, 2 "Cannot decode base64";
    /// A client answer that its mechanism does not know.
    BAD_EXCHANGE = 501 5, 2 "Malformed authentication exchange";
    /// The client cancelled with `*` (RFC 4954 §4).
    AUTH_CANCELLED = 501 7, 0 "Authentication cancelled";
    /// An AUTH line over 12288 octets (RFC 4954 §4).
    AUTH_LINE_TOO_LONG = 500 5, 6 "Authentication exchange line is too long";
    /// An initial response where the server speaks first (RFC 4954 §4).
    NO_INITIAL_RESPONSE = 501 7, 0 "This mechanism takes no initial response";
    /// AUTH without a mechanism.
    AUTH_SYNTAX = 501 5, 4 "Syntax: AUTH mechanism [initial-response]";

    /// EHLO or HELO without a name.
    HELLO_SYNTAX = 501 5, 4 "Syntax: EHLO hostname";
    /// A command before EHLO or HELO.
    HELLO_FIRST = 503 5, 1 "Send EHLO first";
    /// MAIL within a transaction (RFC 5321 §3.3).
    NESTED_MAIL = 503 5, 1 "Sender already given, finish or RSET first";
    /// RCPT, DATA or BDAT without MAIL.
    MAIL_FIRST = 503 5, 1 "Need MAIL command";
    /// DATA or BDAT without a recipient.
    RECIPIENT_FIRST = 503 5, 1 "Need RCPT command";
    /// DATA or BDAT after every recipient was refused (RFC 5321 §3.3).
    NO_VALID_RECIPIENTS = 554 5, 1 "No valid recipients";
    /// MAIL that is not `FROM:<…>`.
    MAIL_SYNTAX = 501 5, 4 "Syntax: MAIL FROM:<address> [parameters]";
    /// RCPT that is not `TO:<…>`.
    RCPT_SYNTAX = 501 5, 4 "Syntax: RCPT TO:<address> [parameters]";
    /// A reverse-path that breaks the grammar.
    BAD_REVERSE_PATH = 501 1, 7 "Bad sender address";
    /// A forward-path that breaks the grammar.
    BAD_FORWARD_PATH = 501 1, 3 "Bad recipient address";
    /// A reverse-path whose domain has no dot (RFC 6409 §4.2).
    UNQUALIFIED_SENDER = 554 1, 8 "Sender domain must be fully qualified";
    /// A forward-path whose domain has no dot (RFC 6409 §4.2).
    UNQUALIFIED_RECIPIENT = 554 1, 2 "Recipient domain must be fully qualified";
    /// UTF-8 in a path without SMTPUTF8 (RFC 6531 §3.5).
    NEEDS_SMTPUTF8 = 553 6, 7 "Addresses outside ASCII need the SMTPUTF8 parameter";
    /// A reverse-path that this user may not use (RFC 6409 §6.1).
    SENDER_NOT_YOURS = 550 7, 1 "Sender address is not allowed for this user";
    /// A recipient elsewhere, for a client that may not relay.
    RELAY_DENIED = 554 7, 1 "Relay access denied";
    /// A local domain without that user.
    NO_SUCH_USER = 550 1, 1 "No such user here";
    /// RCPTMAX reached (RFC 5321 §4.5.3.1.10).
    TOO_MANY_RECIPIENTS = 452 5, 3 "Too many recipients";
    /// MAILMAX reached (RFC 9422 §4.1).
    TOO_MANY_TRANSACTIONS = 452 5, 3 "Too many messages in this session, reconnect";
    /// A parameter that no offered extension knows (RFC 5321 §4.1.1.11).
    UNKNOWN_PARAMETER = 555 5, 4 "Parameter not recognised";
    /// A parameter given twice, or with a value that it does not know.
    BAD_PARAMETER = 501 5, 4 "Bad parameter value";
    /// Arguments where none belong.
    NO_ARGUMENTS = 501 5, 4 "This command takes no arguments";
    /// Arguments are missing.
    ARGUMENT_MISSING = 501 5, 4 "An argument is missing";

    /// The message is kept.
    KEPT = 250 0, 0 "Ok";
    /// A chunk is taken (RFC 3030 §2).
    CHUNK_OK = 250 0, 0 "Chunk ok";
    /// SIZE exceeded, declared or real (RFC 1870 §6).
    TOO_LARGE = 552 3, 4 "Message size exceeds the limit";
    /// No memory or no disk for another message now.
    NO_STORAGE = 452 3, 1 "Insufficient system storage";
    /// The store failed in a way that may pass.
    STORE_FAILED = 451 3, 0 "Could not keep the message, try again later";
    /// A bare CR or LF in the mail data.
    BARE_LINE_BREAK = 550 5, 2 "Message holds a CR or LF that is not part of CRLF";
    /// NUL in the mail data (RFC 2045 §2.8).
    NUL_IN_DATA = 550 5, 2 "Message holds NUL, which needs BODY=BINARYMIME and BDAT";
    /// BODY=BINARYMIME with DATA (RFC 3030 §3).
    BINARY_NEEDS_BDAT = 503 5, 1 "BODY=BINARYMIME needs BDAT";
    /// DATA after BDAT in one transaction (RFC 3030 §2).
    DATA_AFTER_BDAT = 503 5, 1 "DATA and BDAT do not mix in a transaction";
    /// BDAT after a chunk that failed (RFC 3030 §2).
    CHUNK_AFTER_FAILURE = 503 5, 1 "An earlier chunk failed, RSET first";
    /// BDAT whose length cannot be known: what follows would be read as commands.
    BAD_BDAT = 501 5, 4 "Syntax: BDAT length [LAST]";

    /// A verb that nobody knows.
    UNKNOWN_VERB = 500 5, 2 "Command not recognised";
    /// A verb of an extension that this door does not offer.
    NOT_OFFERED = 502 5, 1 "Command not offered on this port";
    /// A command line over its limit (RFC 5321 §4.5.3.1.4).
    LINE_TOO_LONG = 500 5, 2 "Line too long";
    /// A command that ends in LF alone.
    COMMAND_BARE_LF = 500 5, 2 "Commands must end with CRLF";
    /// NUL or a bare CR within a command.
    CONTROL_IN_COMMAND = 501 5, 2 "Control characters are not allowed in commands";
    /// Octets above 127 in a command that has no place for them.
    EIGHT_BIT_COMMAND = 500 5, 2 "Commands are ASCII";
    /// HTTP on this port, by mistake or by a hostile page.
    HTTP = 554 5, 0 "This port speaks SMTP, not HTTP";
    /// Anything but QUIT after a greeting that refused the client (RFC 5321 §3.1).
    NO_SERVICE = 503 5, 1 "No service here, only QUIT";
    /// The client sent before it was its turn.
    TALKS_TOO_EARLY = 554 5, 0 "Client sent data before it was its turn";

    /// Too many refused commands in one session.
    TOO_MANY_ERRORS = 421 7, 0 "Too many errors, closing";
    /// Too many connections, overall or from one address.
    TOO_MANY_CONNECTIONS = 421 7, 0 "Too many connections, try again later";
    /// A deadline has passed.
    TIMEOUT = 421 4, 2 "Timeout, closing";
    /// The server stops.
    SHUTTING_DOWN = 421 3, 2 "Service shutting down, closing";
}

/// Stands where a fault keeps the session from saying anything; it is never sent.
pub const NO_REPLY: Reply = Reply::bare(421, "");

/// 354 has no enhanced code (RFC 2034 §4).
pub const SEND_DATA: Reply = Reply::bare(354, "End data with <CR><LF>.<CR><LF>");

/// 334 with the mechanism's next challenge, in base64.
pub fn challenge(base64: &str) -> Reply {
    Reply::bare(334, "").with_text(base64)
}

/// The message is kept, and under which number.
pub fn kept(id: impl std::fmt::Display) -> Reply {
    let mut text = String::with_capacity(32);
    // Writing to a string does not fail.
    let _ = write!(text, "Ok: kept as {id}");
    KEPT.with_text(text)
}
