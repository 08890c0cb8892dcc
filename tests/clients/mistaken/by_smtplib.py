#!/usr/bin/env python3
"""Python's smtplib, used wrong. Each function is one mistake that people make with it.

  by_smtplib.py MISTAKE HOST PORT CA
"""

import email.policy
import os
import smtplib
import ssl
import sys
import time
from email.message import EmailMessage

SENDER, RECIPIENT = "alice@example.org", "bob@example.net"
PATIENCE = float(os.environ.get("PATIENCE", 8))


def letter(subject):
    """A message as smtplib's users write it: smtplib adds no header, so Date and Message-ID are theirs to set."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, RECIPIENT, subject
    message["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
    message["Message-ID"] = f"<{time.time_ns()}@client.example>"
    message.set_content("Sent by mistake.\n")
    return message


def connect(host, port, **options):
    return smtplib.SMTP(host, port, timeout=PATIENCE, **options)


def logged_in(host, port, ca, user="alice", secret="secret"):
    """A right submission, up to the mail. PLAIN alone: CRAM-MD5 would not show what the secret looks like."""
    smtp = connect(host, port)
    smtp.starttls(context=ssl.create_default_context(cafile=ca))
    smtp.ehlo()
    smtp.user, smtp.password = user, secret
    smtp.auth("PLAIN", smtp.auth_plain)
    return smtp


def waits_for_a_greeting(host, port, ca):
    connect(host, port)


def no_starttls(host, port, ca):
    with connect(host, port) as smtp:
        smtp.send_message(letter("no STARTTLS"))


def login_before_starttls(host, port, ca):
    with connect(host, port) as smtp:
        smtp.login("alice", "secret")


def login_in_the_clear(host, port, ca):
    with connect(host, port) as smtp:
        smtp.ehlo()
        smtp.user, smtp.password = "alice", "secret"
        smtp.auth("PLAIN", smtp.auth_plain)
        smtp.send_message(letter("login in the clear"))


def no_login(host, port, ca):
    with connect(host, port) as smtp:
        smtp.starttls(context=ssl.create_default_context(cafile=ca))
        smtp.send_message(letter("no login"))


def secret_with_its_newline(host, port, ca):
    """As `open("secret.txt").read()` gives it."""
    logged_in(host, port, ca, secret="secret\n")


def user_in_capitals(host, port, ca):
    logged_in(host, port, ca, user="Apikey", secret="SG.a-key-as-providers-give-them")


def own_password_for_a_key(host, port, ca):
    logged_in(host, port, ca, user="apikey", secret="my own password")


def system_trust(host, port, ca):
    with connect(host, port) as smtp:
        smtp.starttls(context=ssl.create_default_context())


def not_my_address(host, port, ca):
    with logged_in(host, port, ca, user="carol") as smtp:
        smtp.send_message(letter("not my address"))


def host_name_with_underscore(host, port, ca):
    with connect(host, port, local_hostname="my_laptop") as smtp:
        smtp.send_message(letter("a poor name"))


def never_quits(host, port, ca):
    smtp = connect(host, port)
    smtp.send_message(letter("no QUIT"))
    smtp.close()


def no_date_no_id(host, port, ca):
    message = letter("no Date, no Message-ID")
    del message["Date"], message["Message-ID"]
    with connect(host, port) as smtp:
        smtp.send_message(message)


def writes_the_socket_itself(host, port, ca):
    """DATA by hand: `sendmail` would have doubled the dot."""
    with connect(host, port) as smtp:
        smtp.ehlo()
        smtp.docmd("MAIL", f"FROM:<{SENDER}>")
        smtp.docmd("RCPT", f"TO:<{RECIPIENT}>")
        smtp.docmd("DATA")
        smtp.send(letter("dots").as_bytes().replace(b"\n", b"\r\n") + b"above\r\n.\r\nbelow\r\nand more\r\n.\r\n")
        print(smtp.getreply())
        time.sleep(0.3)
        print(smtp.getreply())


def goes_on_after_421(host, port, ca):
    """As a pool does that looks at nothing but exceptions: `docmd` raises none for 421."""
    smtp = connect(host, port)
    smtp.ehlo()
    for recipient in (RECIPIENT, RECIPIENT):
        smtp.docmd("MAIL", f"FROM:<{SENDER}>")
        print(smtp.docmd("RCPT", f"TO:<{recipient}>"))


def sends_twice(host, port, ca):
    """A retry that does not know that the first one arrived."""
    message = letter("sent twice")
    for attempt in range(2):
        try:
            with connect(host, port) as smtp:
                smtp.send_message(message)
            print("attempt", attempt, "was taken")
        except smtplib.SMTPServerDisconnected as error:
            print(f"SMTPServerDisconnected: {error}")


def gives_up_on_451(host, port, ca):
    with connect(host, port) as smtp:
        smtp.send_message(letter("never again"))


def hidden_copy_in_the_header(host, port, ca):
    """`sendmail` sends the text as it is; `send_message` would have left Bcc out."""
    message = letter("a hidden copy")
    message["Bcc"] = "carol@example.net"
    with connect(host, port) as smtp:
        smtp.sendmail(SENDER, [RECIPIENT, "carol@example.net"], message.as_bytes(policy=email.policy.SMTP))


def octets_with_lf(host, port, ca):
    """`as_bytes()` ends lines with LF, and `sendmail` mends the line ends of a str only."""
    with connect(host, port) as smtp:
        smtp.sendmail(SENDER, [RECIPIENT], letter("LF").as_bytes())


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2], int(sys.argv[3]), sys.argv[4])
