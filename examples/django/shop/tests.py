"""Run by `doorpost run -- python manage.py test`: the mail really travels, and is read back over doorpost's API."""

import json
import os
import re
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from django.contrib.auth.models import User
from django.test import TestCase, override_settings

from shop import mail

DOORPOST = os.environ["DOORPOST_URL"]


def ask(path, method="GET", body=None, **parameters):
    data = None if body is None else json.dumps(body).encode()
    url = f"{DOORPOST}{path}?{urlencode(parameters)}"
    with urlopen(Request(url, data, {"Content-Type": "application/json"}, method=method)) as answer:
        return json.load(answer)


def wait_for(query):
    """The newest message that matches, as soon as it is there."""
    return ask("/api/messages/wait", query=query, timeout="10s")["messages"][0]


# Django's test runner puts a mailbox in memory in place of SMTP: here the real one comes back.
@override_settings(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend")
class Mail(TestCase):
    def setUp(self):
        self.addCleanup(ask, "/api/faults", "DELETE")

    def test_a_password_reset_has_a_link_and_a_code(self):
        user = User.objects.create_user("ann", "ann@customer.example", "forgotten")
        self.assertEqual(self.client.post("/reset", {"email": user.email}).status_code, 202)

        message = wait_for("rcpt:ann@customer.example subject:reset")
        links = ask(f"/api/messages/{message['id']}/links")["links"]
        codes = ask(f"/api/messages/{message['id']}/codes")["codes"]
        self.assertRegex(links[0]["url"], rf"^https://shop\.example/reset\?user={user.pk}&token=\S+$")
        self.assertTrue(re.fullmatch(r"\d{6}", codes[0]["code"]), codes)

    def test_nobody_gets_mail_for_an_unknown_address(self):
        self.client.post("/reset", {"email": "nobody@customer.example"})
        self.assertEqual(ask("/api/messages", query="rcpt:nobody@customer.example")["messages"], [])

    def test_what_was_put_off_is_tried_again(self):
        ask("/api/faults", "PUT", {"faults": ["busy=1"]})  # 450 for the first time, then 250
        user = User.objects.create_user("ben", "ben@customer.example", "forgotten")
        mail.password_reset(user)

        wait_for("rcpt:ben@customer.example")
        self.assertEqual(len(ask("/api/sessions", query="code:450")["sessions"]), 1)

    def test_a_recipient_that_is_refused_does_not_cost_the_others_their_mail(self):
        # Under .test some addresses are refused by their name: `doorpost faults` lists them.
        addresses = ["cleo@customer.example", "hard-bounce@doorpost.test", "dan@customer.example"]
        refused = mail.newsletter(addresses, "News", "Everything is cheaper.\n")

        self.assertEqual(list(refused), ["hard-bounce@doorpost.test"])
        self.assertIn("5.1.1", refused["hard-bounce@doorpost.test"])
        for address in ("cleo@customer.example", "dan@customer.example"):
            wait_for(f"rcpt:{address} subject:news")

    def test_a_wrong_port_is_named(self):
        # Port 587 begins in the clear and changes to TLS: EMAIL_USE_TLS. EMAIL_USE_SSL belongs to 465.
        port = int(os.environ["DOORPOST_SUBMISSION_PORT"])
        with override_settings(EMAIL_PORT=port, EMAIL_USE_TLS=False, EMAIL_USE_SSL=True):
            with self.assertRaises(OSError):
                mail.newsletter(["eve@customer.example"], "News", "…")

        finding = ask("/api/findings", code="tls-to-starttls-port")["findings"][0]
        self.assertTrue(finding["change"], finding)
