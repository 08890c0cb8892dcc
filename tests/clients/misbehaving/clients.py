"""The clients: smtplib here, all others as the programs of ../programs. Each send ends in a text that begins with `sent` or
with `failed`, and goes on with what the client tells its user."""

import os
import smtplib
import socket
import ssl
import subprocess
from email.message import EmailMessage

# How a door is used: door, mode of TLS, user.
WAYS = {
    "relay": ("relay", "none", ""),
    "relay with STARTTLS": ("relay", "starttls", ""),
    "submission": ("submission", "starttls", "alice"),
    "submissions": ("submissions", "tls", "alice"),
    "alternate": ("alternate", "starttls", "alice"),
    "alternate without TLS": ("alternate", "none", "alice"),
}

SENDER = "sender@sender.example"


def is_open(port):
    try:
        socket.create_connection(("localhost", port), timeout=2).close()
    except OSError:
        return False
    return True


def send(programs, doorpost, row, subject):
    door, mode, user = WAYS[row.way]
    if row.client == "smtplib":
        return smtplib_sends(doorpost, row, subject)
    command = [os.path.join(programs, row.client)]
    if row.client == "nodemailer":
        command = ["node", os.path.join(programs, "nodemailer.mjs")]
    arguments = ["localhost", str(doorpost.ports[door]), mode, user, "secret" if user else "", doorpost.ca]
    arguments += [SENDER, row.to[0], subject]
    environment = dict(os.environ, PATIENCE=str(row.patience), FLUSH="1" if row.goes_on else "")
    try:
        done = subprocess.run(
            command + arguments, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="backslashreplace", timeout=60, check=False,
        )
    except subprocess.TimeoutExpired as late:
        return f"never came to an end\n{(late.stdout or b'').decode(errors='backslashreplace')}"
    return ("sent\n" if done.returncode == 0 else f"failed with {done.returncode}\n") + done.stdout


def smtplib_sends(doorpost, row, subject):
    door, mode, user = WAYS[row.way]
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = SENDER, ", ".join(row.to), subject
    message["Message-ID"] = f"<{subject.replace(' ', '-')}@sender.example>"
    for name, value in row.headers.items():
        message[name] = value
    message.set_content("Hello.\n.a line that begins with a dot\n" + "x" * 70 + "\n")
    context = ssl.create_default_context(cafile=doorpost.ca)
    where = {"host": "localhost", "port": doorpost.ports[door], "timeout": row.patience}
    try:
        with smtplib.SMTP_SSL(**where, context=context) if mode == "tls" else smtplib.SMTP(**where) as client:
            if mode == "starttls":
                client.starttls(context=context)
            if user:
                client.login(user, "secret")
            refused = client.send_message(message)
        return f"sent, refused: {refused}"
    except (OSError, smtplib.SMTPException) as error:
        return f"failed: {type(error).__name__}: {error}"
