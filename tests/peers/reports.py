"""Has doorpost write every kind of report, and reads each with Python's email package.

    python3 reports.py http://API HOST:PORT-of-relay
"""

import email
import email.policy
import json
import smtplib
import sys
import time
import urllib.request

api, relay = sys.argv[1:]


def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(api + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return response.read()


def check(what, holds):
    print("ok  " if holds else "FAIL", what, flush=True)


def wait_for(recipient):
    """The message for that recipient, once it is there."""
    for _ in range(100):
        found = json.loads(ask(f"/api/messages?query=rcpt:{recipient}"))["messages"]
        if found:
            raw = ask(f"/api/messages/{found[0]['id']}/raw")
            return email.message_from_bytes(raw, policy=email.policy.default), found[0]
        time.sleep(0.1)
    raise SystemExit(f"nothing came for {recipient}")


def sound(message):
    """Whether the reader found nothing wrong, in any part."""
    return all(not part.defects for part in message.walk())


def send(sender, recipient, options=()):
    host, _, port = relay.rpartition(":")
    with smtplib.SMTP(host, int(port)) as client:
        client.ehlo("peer.example")
        client.mail(sender, ["ENVID=env+2B1", "RET=FULL"])
        client.rcpt(recipient, options)
        client.data(b"Subject: Original\r\nMessage-ID: <original@example.org>\r\n\r\nHello\r\n")


for action, status in [("failed", "5.2.2"), ("delayed", "4.2.2"), ("delivered", "2.1.5"), ("relayed", "2.1.5"), ("expanded", "2.1.5")]:
    sender = f"{action}@sender.example"
    send(sender, f"{action}@example.net", ["ORCPT=rfc822;first@example.net"])
    reply = {"failed": "552 5.2.2 Full", "delayed": "452 4.2.2 Full"}.get(action, "250 2.1.5 Done")
    ask(f"/api/messages/latest/report?query=rcpt:{action}%40example.net", {"kind": "status", "action": action, "reply": reply})
    message, entry = wait_for(sender)
    about, recipient = message.get_payload(1).get_payload()
    check(f"a report of {action} is sound", sound(message) and message["Auto-Submitted"] == "auto-replied")
    check(f"a report of {action} has its fields", (
        message.get_content_type() == "multipart/report"
        and message.get_param("report-type") == "delivery-status"
        and message.get_payload(1).get_content_type() == "message/delivery-status"
        and about["Reporting-MTA"].startswith("dns;")
        and about["Original-Envelope-Id"] == "env+2B1"
        and recipient["Action"] == action
        and recipient["Status"] == status
        and recipient["Final-Recipient"] == f"rfc822; {action}@example.net"
        and recipient["Original-Recipient"] == "rfc822; first@example.net"
        and recipient["Diagnostic-Code"] == f"smtp; {reply}"
    ))
    last = message.get_payload(2)
    whole = last.get_content_type() == "message/rfc822"
    check(f"a report of {action} brings back the {'message' if whole else 'header'}", whole == (action == "failed"))
    check(f"a report of {action} has the null reverse-path", entry["envelope"]["reverse_path"] in ("", None))

send("fbl@sender.example", "complained-of@example.net")
ask("/api/messages/latest/report?query=rcpt:complained-of%40example.net", {"kind": "complaint", "feedback": "fraud"})
message, _ = wait_for("abuse@sender.example")
report = message.get_payload(1)
check("a complaint is sound", sound(message) and message.get_param("report-type") == "feedback-report")
check("a complaint has its parts", [part.get_content_type() for part in message.iter_parts()] == [
    "text/plain", "message/feedback-report", "message/rfc822",
])
text = report.get_payload()
fields = text[0] if isinstance(text, list) else email.message_from_string(text)
check("a complaint has its fields", fields["Feedback-Type"] == "fraud" and fields["Version"] == "1"
      and fields["Original-Mail-From"] == "<fbl@sender.example>")
check("a complaint brings back the message", message.get_payload(2).get_payload(0)["Message-ID"] == "<original@example.org>")

send("away@sender.example", "ooto@mail.test")
message, _ = wait_for("away@sender.example")
check("an answer of somebody who is away is sound", sound(message) and message["In-Reply-To"] == "<original@example.org>"
      and message["Auto-Submitted"] == "auto-replied")
print("end")
