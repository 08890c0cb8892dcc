"""SMTP smuggling and STARTTLS injection over real sockets: each ending at a door in the clear, after STARTTLS, and with
implicit TLS; in one write, split at every octet, and octet by octet. Arguments: host:port of relay, of submissions, URL of the API,
file of the CA."""

import json
import sys

from wire import Closed, Wire, get, trusting

relay, submissions = [(place.rsplit(":", 1)[0], int(place.rsplit(":", 1)[1])) for place in sys.argv[1:3]]
web, ca = sys.argv[3:]
context = trusting(ca)
counts = {True: 0, False: 0}
ENDINGS = {
    "LF.LF": b"\n.\n",
    "LF.CRLF": b"\n.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CR.CR": b"\r.\r",
    "CR.LF": b"\r.\n",
    "LF.CR": b"\n.\r",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.CR": b"\r\n.\r",
    "CRLF NUL .CRLF": b"\r\n\0.\r\n",
    "CR CRLF . CR CRLF": b"\r\r\n.\r\r\n",
}
SMUGGLED = b"MAIL FROM:<mallory@example.org>\r\nRCPT TO:<victim@example.net>\r\nDATA\r\nSubject: smuggled\r\n\r\nsecond"


def check(what, holds, seen=""):
    holds = bool(holds)
    counts[holds] += 1
    print("ok  " if holds else "FAIL", what, "" if holds else f"({seen})", flush=True)


def in_the_clear():
    wire = Wire(relay)
    wire.expect(220)
    return wire


def after_starttls():
    wire = in_the_clear()
    wire.expect(250, "EHLO client.example")
    wire.expect(220, "STARTTLS")
    wire.begin_tls(context)
    return wire


def implicit():
    wire = Wire(submissions, context)
    wire.expect(220)
    wire.expect(250, "EHLO client.example")
    wire.expect(235, "AUTH PLAIN AGFsaWNlAHNlY3JldA==")
    return wire


def refused(wire, octets, pieces):
    """Sends a message that holds another, in pieces; the reply to its true end, and to what comes behind it."""
    wire.begin_data(greeted=True)
    start = 0
    for piece in pieces:
        wire.send(octets[start : start + piece])
        start += piece
    wire.send(octets[start:])
    reply = wire.reply()
    # If anything in it was read as a command, its replies come before this one.
    follows = wire.ask("NOOP")
    return reply.startswith("550 5.5.2") and follows.startswith("250 2.0.0"), (reply, follows)


def smuggling():
    for way in (in_the_clear, after_starttls, implicit):
        for name, ending in ENDINGS.items():
            octets = b"Subject: outer\r\n\r\nfirst" + ending + SMUGGLED + b"\r\n.\r\n"
            # One connection for all ways to cut it, as the ending's state must not outlive a message; a new one before too many errors.
            begins = octets.index(ending)
            cuts = [[], *([at] for at in range(begins - 2, begins + len(ending) + 2)), [1] * len(octets)]
            seen = []
            for cut in cuts:
                wire = way()
                try:
                    holds, what = refused(wire, octets, cut)
                except (OSError, AssertionError, Closed) as error:
                    holds, what = False, repr(error)
                wire.close()
                if not holds:
                    seen.append((cut[:3], what))
            check(f"{name}, {way.__name__.replace('_', ' ')}, cut in {len(cuts)} ways", not seen, seen[:2])
    total = json.loads(get(web, "/api/messages?limit=1"))["total"]
    check("nothing of all this was kept", total == 0, f"{total} messages")


def injected(line, split):
    """What stands behind STARTTLS in the clear; the first reply inside TLS must be the one to what is said there."""
    wire = in_the_clear()
    wire.expect(250, "EHLO client.example")
    octets = b"STARTTLS\r\n" + line
    if split:
        wire.send(octets[:split])
    wire.send(octets[split:])
    # Read by the octet, as what follows the reply's end is TLS's.
    reply = b""
    while not reply.endswith(b"\n"):
        octet = wire.socket.recv(1)
        if not octet:
            raise Closed(reply.decode())
        reply += octet
    if not reply.startswith(b"220"):
        return False, reply
    wire.begin_tls(context)
    first = wire.ask("NOOP injected=0")
    second = wire.ask("MAIL FROM:<alice@example.org>")
    wire.close()
    # EHLO is forgotten, whether it came before STARTTLS or was injected behind it.
    return first.startswith("250") and second.startswith("503"), (first, second)


def injection():
    for line in (b"EHLO injected.example\r\n", b"NOOP\r\nRSET\r\n", b"MAIL FROM:<mallory@example.org>\r\nRCPT TO:<victim@example.net>\r\n", b"EHL"):
        seen = []
        # Within the command itself every cut is harmless; what is behind its CRLF has to be in the same piece, or it would be TLS's.
        for split in range(0, len(b"STARTTLS\r\n")):
            try:
                holds, what = injected(line, split)
            except (OSError, AssertionError, Closed) as error:
                holds, what = False, repr(error)
            if not holds:
                seen.append((split, what))
        check(f"STARTTLS with {line[:12]!r} behind it, cut at every octet", not seen, seen[:2])


smuggling()
injection()
print(f"{counts[True]} checks held, {counts[False]} did not")
