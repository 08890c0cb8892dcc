#!/usr/bin/env python3
"""Are all the messages of one run of smtp-source there, byte for byte?

  same_bytes.py WEB SENDER COUNT LENGTH

smtp-source sends the same body each time; Date and Message-Id vary. Its recipients are numbered (-N), so a lost or
doubled message shows even if its bytes are right.
"""

import http.client
import re
import sys
from urllib.parse import urlsplit

from caught import pages

web, sender, count, length = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
domain = sender.partition("@")[2]

body = bytearray(b"X" * length)
for end in range(80, length, 80):
    body[end - 80] = b"0123456789"[end // 80 % 10]
    body[end - 2 : end] = b"\r\n"
whole = re.compile(
    rb"From: <%(sender)s>\r\n"
    rb"To: <box@%(domain)s>\r\n"
    rb"Date: \w{3}, [ \d]\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4} \(\w+\)\r\n"
    rb"Message-Id: (<[0-9a-f.]+@%(domain)s>)\r\n"
    rb"\r\n%(body)s\r\n"
    % {b"sender": re.escape(sender.encode()), b"domain": re.escape(domain.encode()), b"body": bytes(body)}
)

rows = [row for row in pages(web, "messages") if row["envelope"]["reverse_path"] == sender]
wrong = []
if len(rows) != count:
    wrong.append(f"{len(rows)} messages, not {count}")
recipients = [path["path"] for row in rows for path in row["envelope"]["forward_paths"]]
if sorted(recipients) != sorted(f"{number}box@{domain}" for number in range(1, count + 1)):
    wrong.append(f"{len(recipients)} recipients, {len(set(recipients))} different ones, not each number once")

connection = http.client.HTTPConnection(urlsplit(web).netloc, timeout=20)
message_ids = set()
for row in rows:
    connection.request("GET", f"/api/messages/{row['id']}/raw")
    raw = connection.getresponse().read()
    if match := whole.fullmatch(raw):
        message_ids.add(match[1])
    else:
        wrong.append(f"message {row['id']} is not what smtp-source sent: {raw!r:.300}")
    if row["size"] != len(raw) or row["door"] != "relay" or row["auth_user"] or row["tls"]:
        wrong.append(f"message {row['id']} is listed with other facts: {row}")
if len(message_ids) != len(rows):
    wrong.append(f"{len(message_ids)} different Message-Ids in {len(rows)} messages")

print(f"{len(rows)} messages over {len({row['session'] for row in rows})} sessions")
if wrong:
    sys.exit("\n".join(wrong[:10]))
