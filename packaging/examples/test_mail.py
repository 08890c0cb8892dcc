"""Testcontainers in Python: doorpost in a container of its own, for one run of the tests.

    pip install testcontainers pytest && pytest test_mail.py

DOORPOST_IMAGE names the image; `docker build -t doorpost .` makes it.
"""

import io
import json
import os
import smtplib
import ssl
import tarfile
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from testcontainers.core.container import DockerContainer
from testcontainers.core.waiting_utils import wait_for_logs


@pytest.fixture(scope="session")
def mail():
    image = os.environ.get("DOORPOST_IMAGE", "doorpost")
    with DockerContainer(image).with_exposed_ports(25, 465, 587, 2525, 8025) as container:
        wait_for_logs(container, "Every door is open", timeout=30)
        yield container


@pytest.fixture(scope="session")
def trusts_doorpost(mail):
    """A context that trusts the CA that this doorpost has made; its certificate is for `localhost` too."""
    archive, _ = mail.get_wrapped_container().get_archive("/certs/ca.pem")
    with tarfile.open(fileobj=io.BytesIO(b"".join(archive))) as files:
        pem = files.extractfile("ca.pem")
        assert pem, "the container has no CA"
        return ssl.create_default_context(cadata=pem.read().decode())


def wait_for(mail, query):
    api = f"http://localhost:{mail.get_exposed_port(8025)}/api/messages/wait?timeout=10s&query={quote(query)}"
    with urlopen(api, timeout=20) as answer:
        return json.load(answer)["messages"][0]


def test_mail_goes_through_submission(mail, trusts_doorpost):
    with smtplib.SMTP("localhost", int(mail.get_exposed_port(587)), timeout=10) as client:
        client.starttls(context=trusts_doorpost)
        client.login("alice", "secret")
        client.sendmail("alice@example.org", ["bob@example.net"], "Subject: welcome\r\n\r\nHello\r\n")

    message = wait_for(mail, "rcpt:bob@example.net subject:welcome")
    assert message["door"] == "submission"
    assert message["tls"]
