#!/usr/bin/env python3
"""Python's smtplib: the CA goes into an SSLContext, which also checks the host name."""

import os
import smtplib
import ssl
import sys
from email.message import EmailMessage

host, port, mode, user, secret, ca, sender, recipient, subject = sys.argv[1:]
patience = float(os.environ.get("PATIENCE", 15))

message = EmailMessage()
message["From"] = sender
message["To"] = recipient
message["Subject"] = subject
with open(os.environ["BODY"], encoding="utf-8") as body:
    message.set_content(body.read())

context = ssl.create_default_context(cafile=ca)
if mode == "tls":
    smtp = smtplib.SMTP_SSL(host, int(port), timeout=patience, context=context)
else:
    smtp = smtplib.SMTP(host, int(port), timeout=patience)
with smtp:
    if mode == "starttls":
        smtp.starttls(context=context)
    if user:
        smtp.login(user, secret)
    smtp.send_message(message)
