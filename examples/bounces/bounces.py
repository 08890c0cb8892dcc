"""A bounce processor: takes bounces and complaints by SMTP, and prints a line of JSON for each recipient.

    python3 bounces.py PORT

It takes one message at a time, on loopback, without TLS: what a test needs, and no server for the world.
"""

import email
import email.policy
import json
import socketserver
import sys


def read(octets):
    """What a report says: a dictionary for each recipient; none where it is no report."""
    message = email.message_from_bytes(octets, policy=email.policy.default)
    kind = message.get_param("report-type")
    if message.get_content_type() != "multipart/report" or kind is None:
        return []
    parts = list(message.iter_parts())
    if kind == "delivery-status" and len(parts) >= 2:
        return bounces(parts[1])
    if kind == "feedback-report" and len(parts) >= 3:
        return complaints(parts)
    return []


def bounces(part):
    """The recipients of a message/delivery-status: behind the fields for the message stand those of each."""
    about, *recipients = part.get_payload()
    found = []
    for fields in recipients:
        status = fields["Status"]
        found.append({
            "kind": "bounce",
            "recipient": fields["Final-Recipient"].partition(";")[2].strip(),
            "action": fields["Action"],
            "status": status,
            "diagnostic": fields["Diagnostic-Code"],
            # A 5xx is for good; a 4.x.x in a report says that time has run out.
            "hard": fields["Action"] == "failed" and status.startswith("5"),
            "envelope_id": about["Original-Envelope-Id"],
        })
    return found


def complaints(parts):
    """What a message/feedback-report says, and of which message."""
    report = parts[1].get_payload()
    # Python parses message/* parts into messages, this one too.
    fields = report[0] if isinstance(report, list) else email.message_from_string(report)
    original = parts[2].get_payload()[0]
    return [{
        "kind": "complaint",
        "feedback": fields["Feedback-Type"],
        "recipient": fields["Original-Rcpt-To"].strip("<>"),
        "message_id": original["Message-ID"],
    }]


class Conversation(socketserver.StreamRequestHandler):
    """As much of SMTP as a return path needs (RFC 5321)."""

    def handle(self):
        self.say("220 bounces.example ESMTP")
        while line := self.rfile.readline(1024).strip().decode("ascii", "replace"):
            verb = line.split(":")[0].split(" ")[0].upper()
            if verb == "DATA":
                self.say("354 go on")
                self.take()
                self.say("250 2.0.0 taken")
            elif verb == "QUIT":
                return self.say("221 2.0.0 bye")
            elif verb == "EHLO":
                self.say("250-bounces.example\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES")
            elif line.upper().startswith("MAIL FROM:") and not line.upper().startswith("MAIL FROM:<>"):
                # Reports have the null reverse-path; whoever has another one is no mailer-daemon.
                self.say("550 5.7.1 only bounces here")
            elif verb in ("HELO", "MAIL", "RCPT", "RSET", "NOOP"):
                self.say("250 2.0.0 ok")
            else:
                self.say("502 5.5.1 not here")

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def take(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        for one in read(b"".join(lines)):
            print(json.dumps(one), flush=True)


if __name__ == "__main__":
    with socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Conversation) as server:
        print("ready", file=sys.stderr, flush=True)
        server.serve_forever()
