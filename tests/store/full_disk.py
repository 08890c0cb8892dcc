"""A disk that fills up under a running doorpost: what clients hear, what can still be read, and that mail is taken
again when it has passed. Arguments: host:port of relay, URL of the API, the mount point."""

import json
import os
import smtplib
import sys
import urllib.request

relay, web, mount = sys.argv[1:]
host, port = relay.rsplit(":", 1)
checks = {True: 0, False: 0}


def check(what, holds, seen=""):
    holds = bool(holds)
    checks[holds] += 1
    print("ok  " if holds else "FAIL", what, "" if holds else f"({seen})")


def send(octets):
    """The reply to the end of a message of random octets, which no compression makes smaller."""
    with smtplib.SMTP(host, int(port), timeout=30) as client:
        client.ehlo("client.example")
        client.mail("alice@example.org")
        client.rcpt("bob@example.org")
        body = "\r\n".join(os.urandom(400).hex() for _ in range(octets // 800))
        code, text = client.data(f"Subject: full\r\n\r\n{body}\r\n")
        return code, text.decode()


def total(query=""):
    with urllib.request.urlopen(f"{web}/api/messages?limit=1&query={query}", timeout=30) as response:
        return json.load(response)["total"]


kept, before, reply = 0, -1, (250, "")
# Full is a disk that has no room when the index knows everything, too: until then it is kept free for the index.
while kept > before:
    before = kept
    for _ in range(2000):
        reply = send(100_000)
        if reply[0] != 250:
            break
        kept += 1
    total()
check("a full disk is 452 4.3.1", reply[0] == 452 and reply[1].startswith("4.3.1"), reply)
check("many were kept before", kept > 50, kept)
check("what was kept can be read and searched", total("subject:full") == kept, (total(), kept))
check("a second try says the same", send(1_000_000)[0] == 452)
try:
    with open(os.path.join(mount, "more"), "wb") as more:
        while True:
            more.write(b"x" * 65536)
            more.flush()
except OSError:
    pass
check("with no octet free mail is refused all the same", send(1000)[0] == 452)
check("and what is there is still found", total("subject:full") == kept, total())
os.remove(os.path.join(mount, "more"))
os.remove(os.path.join(mount, "ballast"))
reply = send(100_000)
check("when there is room mail is taken again, by itself", reply[0] == 250, reply)
check("and found", total("subject:full") == kept + 1, total("subject:full"))
request = urllib.request.Request(f"{web}/api/messages?all=true", method="DELETE")
with urllib.request.urlopen(request, timeout=30) as response:
    deleted = json.load(response)["deleted"]
check("everything can be deleted", deleted == kept + 1 and total() == 0, deleted)
check("and the room is there again", all(send(100_000)[0] == 250 for _ in range(20)))
print(f"{checks[True]} passed, {checks[False]} failed")
sys.exit(bool(checks[False]))
