"""Run by `doorpost run -- pytest`: the mail really travels, and is read back over doorpost's API."""

import asyncio
import os
import re

import aiosmtplib
import httpx
import pytest
from fastapi.testclient import TestClient

import shop

doorpost = httpx.Client(base_url=os.environ["DOORPOST_URL"], timeout=15)


def ask(path, **parameters):
    return doorpost.get(path, params=parameters).raise_for_status().json()


def wait_for(query):
    """The newest message that matches, as soon as it is there."""
    return ask("/api/messages/wait", query=query, timeout="10s")["messages"][0]


@pytest.fixture(autouse=True)
def _behave_again():
    yield
    doorpost.delete("/api/faults").raise_for_status()


def fault(*names):
    doorpost.put("/api/faults", json={"faults": names}).raise_for_status()


def test_a_password_reset_has_a_link_and_a_code():
    answer = TestClient(shop.app).post("/reset", json={"email": "ann@customer.example"})
    assert answer.status_code == 202

    message = wait_for("rcpt:ann@customer.example subject:reset")
    links = ask(f"/api/messages/{message['id']}/links")["links"]
    codes = ask(f"/api/messages/{message['id']}/codes")["codes"]
    assert re.fullmatch(r"https://shop\.example/reset\?token=\S+", links[0]["url"])
    assert re.fullmatch(r"\d{6}", codes[0]["code"])


def test_nobody_gets_mail_for_an_unknown_address():
    answer = TestClient(shop.app).post("/reset", json={"email": "nobody@customer.example"})
    assert answer.status_code == 202
    assert ask("/api/messages", query="rcpt:nobody@customer.example")["messages"] == []


def test_what_was_put_off_is_tried_again():
    fault("busy=1")  # 450 for the first time, then 250
    assert TestClient(shop.app).post("/reset", json={"email": "ben@customer.example"}).status_code == 202

    wait_for("rcpt:ben@customer.example")
    assert len(ask("/api/sessions", query="code:450")["sessions"]) == 1


def test_a_recipient_that_is_refused_does_not_cost_the_others_their_mail():
    # Under .test some addresses are refused by their name: `doorpost faults` lists them.
    addresses = ["cleo@customer.example", "hard-bounce@doorpost.test", "dan@customer.example"]
    refused = asyncio.run(shop.newsletter(addresses, "Everything is cheaper.\n"))

    assert list(refused) == ["hard-bounce@doorpost.test"]
    assert "5.1.1" in refused["hard-bounce@doorpost.test"]
    wait_for("rcpt:cleo@customer.example rcpt:dan@customer.example subject:news")


def test_a_wrong_port_is_named(monkeypatch):
    # Port 465 speaks TLS from the first byte: a client in the clear waits for a greeting that never comes.
    monkeypatch.setenv("SMTP_PORT", os.environ["DOORPOST_SUBMISSIONS_PORT"])
    monkeypatch.setenv("SMTP_STARTTLS", "true")
    monkeypatch.setattr(shop, "settings", lambda settings=shop.settings: settings() | {"timeout": 5})
    with pytest.raises(aiosmtplib.SMTPException):
        asyncio.run(shop.newsletter(["eve@customer.example"], "…"))

    finding = ask("/api/findings", code="silent-on-tls-port")["findings"][0]
    assert finding["change"], finding
