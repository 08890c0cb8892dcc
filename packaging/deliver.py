"""Sends a message through each of the four doors and reads it back: deliver.py CA WEB NAME [PORT PORT PORT PORT].

The ports are those of relay, submission, submissions and alternate; 25, 587, 465 and 2525 unless given. Prints a line for
each, which says ok or FAIL.
"""

import json
import smtplib
import ssl
import sys
from urllib.parse import quote
from urllib.request import urlopen

ca, web, name = sys.argv[1:4]
ports = [int(port) for port in sys.argv[4:]] or [25, 587, 465, 2525]
trusts = ssl.create_default_context(cafile=ca)

for door, port in zip(["relay", "submission", "submissions", "alternate"], ports):
    recipient = f"{door}@receiver.example"
    try:
        if door == "submissions":
            client = smtplib.SMTP_SSL(name, port, context=trusts, timeout=10)
        else:
            client = smtplib.SMTP(name, port, timeout=10)
        with client:
            if door != "submissions":
                client.starttls(context=trusts)
            if door != "relay":
                client.login("alice", "secret")
            text = f"Subject: through {door}\r\n\r\nHello\r\n"
            client.sendmail("alice@sender.example", [recipient], text)
        with urlopen(f"{web}/api/messages/wait?timeout=10s&query={quote('rcpt:' + recipient)}", timeout=20) as answer:
            message = json.load(answer)["messages"][0]
        assert message["door"] == door, message
        assert message["tls"], message
        print(f"ok   {door} takes mail on {port}, with TLS that the CA vouches for")
    except Exception as error:
        print(f"FAIL {door} on {port}: {error!r}")
