"""A mailer that tries again where trying again helps."""

import os
import smtplib
import time

# With NAIVE=1 it is the mailer that most programs have: it sends once.
TRIES = 1 if os.environ.get("NAIVE") else 4
FIRST_PAUSE = 0.05  # seconds, doubled each time; a real mailer waits minutes


def send(message, host, port):
    """Sends a message that has its Message-ID already, so that each try is the same one."""
    pause = FIRST_PAUSE
    for left in reversed(range(TRIES)):
        try:
            with smtplib.SMTP(host, port, timeout=10) as client:
                client.send_message(message)
            return
        except (OSError, smtplib.SMTPException) as error:
            if left == 0 or not is_temporary(error):
                raise
        time.sleep(pause)
        pause *= 2


def is_temporary(error):
    """A connection that broke, or nothing but 4xx."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(400 <= code < 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return 400 <= error.smtp_code < 500
    return isinstance(error, OSError)  # SMTPServerDisconnected is one as well
