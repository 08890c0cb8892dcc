"""A shop that sends mail when its answer is already on the way: FastAPI's background tasks, aiosmtplib."""

import asyncio
import os
import secrets
from email.message import EmailMessage

import aiosmtplib
from fastapi import BackgroundTasks, FastAPI
from pydantic import BaseModel

TRIES = 3

app = FastAPI()
customers = {"ann@customer.example": "Ann", "ben@customer.example": "Ben"}


def is_set(name):
    return os.environ.get(name, "").lower() in ("1", "true", "yes")


def settings():
    """Where mail goes, as the environment says it."""
    return {
        "hostname": os.environ["SMTP_HOST"],
        "port": int(os.environ["SMTP_PORT"]),
        "username": os.environ.get("SMTP_USERNAME"),
        "password": os.environ.get("SMTP_PASSWORD"),
        "use_tls": is_set("SMTP_SSL"),
        "start_tls": is_set("SMTP_STARTTLS"),
        "timeout": 10,
    }


class Forgotten(BaseModel):
    email: str


@app.post("/reset", status_code=202)
async def reset(forgotten: Forgotten, tasks: BackgroundTasks):
    """Sends a link and a code; says the same where nobody has that address."""
    name = customers.get(forgotten.email)
    if name:
        tasks.add_task(send, password_reset(name, forgotten.email))
    return {"detail": "If we know you, a message is on its way."}


def letter(to, subject, text):
    message = EmailMessage()
    message["From"] = "Shop <shop@example.org>"
    message["To"] = to
    message["Subject"] = subject
    message.set_content(text)
    return message


def password_reset(name, address):
    code = f"{secrets.randbelow(10**6):06}"
    link = f"https://shop.example/reset?token={secrets.token_urlsafe(16)}"
    text = f"Hello {name},\n\nyour code is {code}. Or follow this link:\n{link}\n"
    message = letter(address, "Reset your password", text)
    message.add_alternative(f'<p>Your code is <b>{code}</b>, or <a href="{link}">follow this link</a>.</p>', "html")
    return message


async def newsletter(addresses, text):
    """Sends one message to all, hidden from each other, and gives those that were refused."""
    return await send(letter("Customers:;", "News", text), addresses)


async def send(message, recipients=None, pause=0.1):
    """Gives the recipients that were refused, with the server's words; tries again what was put off (4xx)."""
    recipients = recipients or [message["To"]]
    refused = {}
    for left in reversed(range(TRIES)):
        try:
            answers, _ = await aiosmtplib.send(message, recipients=recipients, **settings())
        except aiosmtplib.SMTPRecipientsRefused as error:  # every one of them
            answers = {one.recipient: (one.code, one.message) for one in error.recipients}
        put_off = [address for address, (code, _) in answers.items() if 400 <= code < 500]
        refused |= {address: text for address, (code, text) in answers.items() if code >= 500}
        if not put_off:
            return refused
        if left == 0:
            return refused | {address: answers[address][1] for address in put_off}
        recipients = put_off
        await asyncio.sleep(pause)
