"""Holds the mailer against a doorpost that misbehaves."""

import json
import os
import smtplib
import subprocess
import unittest
import urllib.parse
import urllib.request
from email.message import EmailMessage
from email.utils import make_msgid

import mailer


class Retry(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        command = [os.environ.get("DOORPOST", "doorpost"), "serve", "--ports", "ephemeral", "--ready", "json"]
        cls.doorpost = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        ready = json.loads(cls.doorpost.stdout.readline())
        cls.web = ready["web"]
        cls.port = int(ready["doors"]["relay"]["address"].rpartition(":")[2])

    @classmethod
    def tearDownClass(cls):
        cls.doorpost.terminate()
        cls.doorpost.wait()
        cls.doorpost.stdout.close()

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.web + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def misbehave(self, *faults):
        self.ask("PUT", "/api/faults", {"faults": faults})

    def message(self, recipient):
        message = EmailMessage()
        message["From"] = "shop@example.com"
        message["To"] = recipient
        message["Subject"] = self.id()
        message["Message-ID"] = make_msgid(domain="example.com")
        message.set_content("Your order is on its way.\n")
        return message

    def kept(self):
        query = urllib.parse.urlencode({"query": f'subject:"{self.id()}"'})
        return self.ask("GET", f"/api/messages?{query}")["messages"]

    def send(self, message, fault):
        try:
            mailer.send(message, "localhost", self.port)
        except (OSError, smtplib.SMTPException) as error:
            self.fail(f"the mailer gave up on {fault}: {error}")

    def test_4xx_is_tried_again(self):
        self.misbehave("busy=1")
        self.send(self.message("bob@example.net"), "busy")
        self.assertEqual(len(self.kept()), 1)

    def test_a_lost_reply_is_tried_again_with_the_same_message_id(self):
        self.misbehave("lost-reply")
        self.send(self.message("bob@example.net"), "lost-reply")
        kept = self.kept()
        self.assertEqual(len(kept), 2)
        identities = {self.message_id(message["id"]) for message in kept}
        self.assertEqual(len(identities), 1)

    def message_id(self, number):
        with urllib.request.urlopen(f"{self.web}/api/messages/{number}/raw", timeout=10) as raw:
            lines = raw.read().decode().splitlines()
        return next(line for line in lines if line.lower().startswith("message-id:"))

    def test_5xx_is_not_tried_again(self):
        self.misbehave()
        with self.assertRaises(smtplib.SMTPRecipientsRefused):
            mailer.send(self.message("bounce@example.test"), "localhost", self.port)
        sessions = self.ask("GET", "/api/sessions?query=code:550")["sessions"]
        self.assertEqual(len(sessions), 1)


if __name__ == "__main__":
    unittest.main()
