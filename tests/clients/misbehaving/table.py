"""What each fault is to a client: the preset or the address, the client that meets it, and what it tells its user.

`expect` has a pattern for each try of the same message, so that the second one shows what a retry brings.
"""

from dataclasses import dataclass, field, replace

ALICE = ["alice@receiver.example"]


@dataclass
class Row:
    client: str
    way: str
    expect: list  # a pattern for each try
    spec: str = ""  # the preset with its value and door, where they are not the usual ones
    kept: int = None  # messages that are kept in the end
    to: list = field(default_factory=lambda: ALICE)
    headers: dict = field(default_factory=dict)
    patience: int = 15
    least: float = 0  # seconds that a try takes
    most: float = 25
    goes_on: bool = False  # the client has a queue, and tries again by itself

    def to_be(self, name, **more):
        """This row for an address, or for the header that a name spells."""
        header, _, value = name.partition(": ")
        if value:
            return replace(self, headers={header: value}, **more)
        return replace(self, to=[name], **more)


def smtplib(*expect, way="relay", **more):
    return Row("smtplib", way, list(expect), **more)


def client(name, *expect, way="relay", **more):
    return Row(name, way, list(expect), **more)


def queue(*expect, **more):
    return Row("postfix", "relay", list(expect), goes_on=True, most=60, **more)


PRESETS = {
    # Once more, please.
    "greylist": [
        smtplib("SMTPRecipientsRefused.*451, b'4.7.1 Greylisted", "^sent", kept=1),
        queue(r"status=deferred .*451 4\.7\.1 Greylisted.*status=sent", kept=1),
    ],
    "busy": [
        client("nodemailer", "EENVELOPE: .*450 4.2.1", "EENVELOPE: .*450 4.2.1", "^sent", kept=1),
        client("lettre", "Transient.*4.2.1 Mailbox busy", "^sent", spec="busy=1", kept=1),
    ],
    "try-again": [
        smtplib(r"SMTPDataError: \(451, b'4.3.0", "^sent", kept=1),
        queue(r"status=deferred .*451 4\.3\.0.*status=sent", kept=1),
    ],
    "per-recipient": [
        smtplib(
            r"^sent, refused: .*unknown1@.*550.*5\.1\.1.*full1@.*452.*4\.2\.2", kept=1,
            to=[*ALICE, "unknown1@receiver.example", "full1@receiver.example"],
        ),
    ],
    # The connection ends.
    "hang-up": [
        smtplib(r"SMTPDataError: \(421, b'4.4.2", kept=0),
        smtplib(r"SMTPRecipientsRefused: .*421, b'4.4.2", spec="hang-up=rcpt", kept=0),
        client("curl", r"MAIL failed: 421", spec="hang-up=mail", kept=0),
    ],
    "reset": [
        smtplib("SMTPServerDisconnected: .*reset by peer", kept=0),
        client("nodemailer", "(ESOCKET|ECONNECTION): .*(ECONNRESET|Connection closed)", kept=0),
    ],
    "drop-message": [smtplib("SMTPServerDisconnected: Connection unexpectedly closed", kept=0)],
    "lost-reply": [
        smtplib("SMTPServerDisconnected: Connection unexpectedly closed", "^sent", kept=2),
        queue(r"end of data -- message may be sent more than once.*status=sent", kept=2),
    ],
    "lose": [
        smtplib("^sent", kept=0),
        client("curl", "^sent", kept=0),
    ],
    # At the greeting.
    "unavailable": [
        smtplib(r"SMTPConnectError: \(421, b'4.3.2|SMTPConnectError: \(421, b'Service not available", kept=0),
        client("msmtp", r"^failed.*421", kept=0),
        client("postfix", "status=deferred .*421", kept=0),
    ],
    "no-service": [
        smtplib(r"SMTPConnectError: \(554", kept=0),
        client("swaks", "^failed.*554", kept=0),
    ],
    "drop": [
        smtplib("SMTPServerDisconnected: Connection unexpectedly closed"),
        client("nodemailer", "ECONNECTION: Connection closed|ESOCKET: .*closed|Unexpected socket close"),
    ],
    "garbage": [
        smtplib(r"SMTPConnectError: \(-1|SMTPServerDisconnected", kept=0),
        client("curl", r"\(28\)", patience=2, least=2, most=9, kept=0),  # it waits for a line that begins with a code
    ],
    "no-ehlo": [smtplib("^sent", kept=1), client("lettre", "Permanent.*5.5.1 EHLO is not known here", kept=0)],
    # Slow.
    "slow": [smtplib("^sent", spec="slow=300ms", least=1.5, kept=1)],
    "slow-greeting": [
        smtplib("^sent", spec="slow-greeting=1s", least=1, kept=1),
        client("nodemailer", "ETIMEDOUT: (Greeting never received|Timeout)", patience=2, least=2, most=9, kept=0),
    ],
    "slow-lines": [client("curl", "^sent", spec="slow-lines=200ms", least=1, kept=1)],
    "slow-octets": [smtplib("^sent", spec="slow-octets=10ms", least=1.5, kept=1)],
    "throttle": [client("curl", "^sent", spec="throttle=400", least=1.5, kept=1)],
    "silent": [
        smtplib("SMTPServerDisconnected: .*timed out|TimeoutError", patience=2, least=2, most=9, kept=0),
        client("nodemailer", "ETIMEDOUT: .*Timeout", patience=2, least=2, most=9, kept=0),
    ],
    # TLS.
    "tls-unavailable": [
        smtplib(r"SMTPResponseException: \(454, b'4.7.0", way="submission"),
        client("curl", r"STARTTLS denied, code 454", way="relay with STARTTLS"),
    ],
    "tls-drop": [
        smtplib("failed: (SSL|ConnectionReset|SMTPServerDisconnected)", way="submission"),
        client("curl", r"\(35\)", way="submission"),
    ],
    "tls-refused": [
        smtplib("SSLError: .*alert", way="submissions"),
        client("curl", r"\(35\)", way="submission"),
    ],
    "tls-stall": [
        smtplib("TimeoutError: .*handshake.*timed out", way="submissions", patience=2, least=2, most=9),
        client("nodemailer", "ETIMEDOUT", way="submissions", patience=2, least=2, most=9),
    ],
    "tls-expired": [
        smtplib("SSLCertVerificationError: .*certificate has expired", way="submission"),
        client("nodemailer", "certificate has expired", way="submissions"),
        client("curl", r"\(60\).*expired", way="submission"),
    ],
    "tls-self-signed": [
        smtplib("SSLCertVerificationError: .*self-signed certificate", way="submission"),
        client("nodemailer", "self-signed certificate", way="submission"),
        client("lettre", "^failed.*(?i:certificate|issuer)", way="submissions"),
    ],
    "tls-wrong-host": [
        smtplib("SSLCertVerificationError: .*Hostname mismatch", way="submissions"),
        client("curl", r"\(60\).*no alternative certificate subject name matches", way="submission"),
        client("msmtp", "^failed.*(?i:hostname|certificate)", way="submission"),
    ],
    "strip-starttls": [
        smtplib("SMTPNotSupportedError: STARTTLS extension not supported", way="submission"),
        client("nodemailer", "502 5.5.1", way="submission"),
        client("curl", r"\(64\)", way="submission"),
    ],
    # The port.
    "port-blocked": [
        smtplib("ConnectionRefusedError", way="submission", spec="port-blocked@submission"),
        client("curl", r"\(7\)", way="submission", spec="port-blocked@submission"),
        smtplib("^sent", way="alternate", spec="port-blocked@submission", kept=1),
    ],
    "port-blackhole": [
        smtplib("TimeoutError|timed out", spec="port-blackhole@relay", patience=2, least=2, most=9),
        client("nodemailer", "ETIMEDOUT: (Greeting never received|Timeout)", spec="port-blackhole@relay", patience=2, least=2, most=9),
    ],
    # AUTH.
    "auth-unavailable": [
        smtplib(r"SMTPAuthenticationError: \(454, b'4.7.0", way="submission", kept=0),
        client("nodemailer", "EAUTH: .*454 4.7.0", way="submission", kept=0),
    ],
    "auth-throttled": [
        client(
            "nodemailer", "^sent", "^failed.*421", way="submission", spec="auth-throttled=1/1h", kept=1,
        ),
        client("curl", "^sent", r"^failed.*421 4.7.0.*\(67\)", way="submissions", spec="auth-throttled=1/1h", kept=1),
    ],
    # Quotas, sizes, rates.
    "mailbox-full": [
        smtplib("SMTPRecipientsRefused: .*452, b'4.2.2", kept=0),
        client("lettre", "Transient.*4.2.2 Mailbox full", kept=0),
    ],
    "over-quota": [client("swaks", "^failed.*552 5.2.2", kept=0)],
    "too-large": [smtplib(r"SMTPSenderRefused: \(552, b'5.3.4", kept=0)],
    "too-large-at-end": [
        smtplib(r"SMTPDataError: \(552, b'5.3.4", spec="too-large-at-end=100B", kept=0),
        client("lettre", "Permanent.*5.3.4 Message size", kept=0),
    ],
    "rate-limit": [smtplib("^sent", r"SMTPSenderRefused: \(450, b'4.7.1", spec="rate-limit=1/1h", kept=1)],
    "recipient-limit": [
        smtplib(
            r"^sent, refused: .*bob@.*452.*4\.5\.3", spec="recipient-limit=1/1h", kept=1,
            to=[*ALICE, "bob@receiver.example"],
        ),
    ],
    "connection-limit": [
        smtplib("^sent", r"SMTPConnectError: \(421", spec="connection-limit=1/1h", kept=1),
    ],
    # No.
    "spam": [
        client("nodemailer", "EMESSAGE: .*554 5.7.1", kept=0),
        queue("status=bounced .*554 5.7.1", kept=0),
    ],
    "dmarc": [smtplib(r"SMTPDataError: \(550, b'5.7.26", kept=0)],
    "unknown-user": [
        client("msmtp", "^failed.*550 5.1.1", kept=0),
        queue("status=bounced .*550 5.1.1", kept=0),
    ],
    "no-domain": [client("swaks", "^failed.*550 5.1.2", kept=0)],
    "null-mx": [client("lettre", "Permanent.*5.1.10 ", kept=0)],
}

ADDRESSES = {
    "success": smtplib("^sent", kept=1),
    "bounce": smtplib("SMTPRecipientsRefused: .*550, b'5.1.1", kept=0),
    "complaint": smtplib("^sent", kept=1),
    "ooto": client("curl", "^sent", kept=1),
    "suppressionlist": client("nodemailer", "EENVELOPE: .*550 5.1.1", kept=0),
    "hard-bounce": client("swaks", "^failed.*550 5.1.1", kept=0),
    "soft-bounce": smtplib("SMTPRecipientsRefused: .*421, b'4.4.2", kept=0),
    "transient": client("lettre", "Transient.*4.2.1 Mailbox busy", kept=0),
    "dns-error": smtplib("SMTPRecipientsRefused: .*450, b'4.4.3", kept=0),
    "blocked": client("msmtp", "^failed.*554 5.7.1", kept=0),
    "auto-responder": smtplib("^sent", kept=1),
    "dmarc": client("nodemailer", "EENVELOPE: .*550 5.7.26", kept=0),
    "delivered": smtplib("^sent", way="submission", kept=1),
    "bounced": smtplib("SMTPRecipientsRefused: .*550, b'5.1.1", kept=0),
    "complained": smtplib("^sent", way="alternate", kept=1),
    "suppressed": smtplib("SMTPRecipientsRefused: .*550, b'5.1.1", way="submissions", kept=0),
    "mailbox-full": client("curl", "^failed.*RCPT failed: 452", kept=0),
    "no-domain": client("swaks", "^failed.*550 5.1.2", kept=0),
    "null-mx": smtplib("SMTPRecipientsRefused: .*550, b'5.1.10", kept=0),
    "delayed": client("swaks", "^sent", kept=1),
    "expanded": smtplib("^sent", kept=1),
    # A client that has logged in submits: its mail is taken, and the bounce comes back to it.
    "bounced+label": smtplib("^sent", way="submission", kept=1),
    "bounce+550+5s": smtplib("^sent", kept=1),
    # The grammar, and other spellings of the same.
    "bounce+label": smtplib("SMTPRecipientsRefused: .*550, b'5.1.1", kept=0),
    "bounce+451+try-later": smtplib("SMTPRecipientsRefused: .*451, b'4.3.0 try later", kept=0),
    "bounce+554": client("swaks", "^failed.*554 5.7.1", kept=0),
    "HardBounce+1": client("nodemailer", "EENVELOPE: .*550 5.1.1", kept=0),
}

HEADERS = {
    "drop": smtplib("SMTPServerDisconnected", kept=0),
    "lost-reply": smtplib("SMTPServerDisconnected", kept=1),
    "lose": smtplib("^sent", kept=0),
    "silent": smtplib("timed out|TimeoutError", patience=2, least=2, most=9, kept=0),
    "451 4.3.0 Once more": smtplib(r"SMTPDataError: \(451, b'4.3.0 Once more", kept=0),
}
