#!/usr/bin/env python3
"""aiosmtplib: start_tls and use_tls choose the mode, cert_bundle names the CA."""

import asyncio
import os
import sys
from email.message import EmailMessage

import aiosmtplib

host, port, mode, user, secret, ca, sender, recipient, subject = sys.argv[1:]

message = EmailMessage()
message["From"] = sender
message["To"] = recipient
message["Subject"] = subject
with open(os.environ["BODY"], encoding="utf-8") as body:
    message.set_content(body.read())

asyncio.run(
    aiosmtplib.send(
        message,
        hostname=host,
        port=int(port),
        use_tls=mode == "tls",
        start_tls=mode == "starttls",
        cert_bundle=ca if mode != "none" else None,
        username=user or None,
        password=secret if user else None,
        timeout=float(os.environ.get("PATIENCE", 15)),
    )
)
