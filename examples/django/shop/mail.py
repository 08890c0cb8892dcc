"""The mail that the shop sends."""

import secrets
import smtplib
import time

from django.contrib.auth.tokens import default_token_generator
from django.core.mail import EmailMultiAlternatives, get_connection

TRIES = 3


def password_reset(user):
    code = f"{secrets.randbelow(10**6):06}"
    link = f"https://shop.example/reset?user={user.pk}&token={default_token_generator.make_token(user)}"
    message = EmailMultiAlternatives(
        subject="Reset your password",
        body=f"Your code is {code}.\n\nOr follow this link:\n{link}\n",
        to=[user.email],
    )
    message.attach_alternative(f'<p>Your code is <b>{code}</b>, or <a href="{link}">follow this link</a>.</p>', "text/html")
    send(message)
    return code


def newsletter(addresses, subject, body):
    """Sends to each address by itself and gives those that were refused, with the server's words.

    By itself, since Django does not tell which recipients of one message were refused if one was taken.
    """
    refused = {}
    with get_connection() as connection:
        for address in addresses:
            message = EmailMultiAlternatives(subject=subject, body=body, to=[address], connection=connection)
            try:
                send(message)
            except smtplib.SMTPRecipientsRefused as error:
                _, words = error.recipients[address]
                refused[address] = words.decode()
    return refused


def send(message, pause=0.1):
    """Tries again what the server put off (4xx), and nothing that it refused for good (5xx)."""
    for left in reversed(range(TRIES)):
        try:
            return message.send()
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as error:
            if left == 0 or not is_temporary(error):
                raise
            time.sleep(pause)


def is_temporary(error):
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(400 <= code < 500 for code, _ in error.recipients.values())
    return 400 <= error.smtp_code < 500
