"""Clients that take what they can get: slow ones, many ones, endless ones. Meanwhile somebody sends mail and waits for the reply.
Arguments: pid of doorpost, host:port of relay, host:port of submissions, URL of the API. Prints a check a line and, at the end, the table."""

import base64
import io
import json
import resource
import selectors
import socket
import struct
import sys
import time
import zipfile

from wire import Closed, Others, Wire, forget_peak, get, mail, memory

pid, relay, submissions, web = int(sys.argv[1]), *sys.argv[2:]
relay, submissions = [(place.rsplit(":", 1)[0], int(place.rsplit(":", 1)[1])) for place in (relay, submissions)]
MIB = 1024 * 1024
# The whole process, whatever comes: mail in flight (64 MiB), what is kept (128 MiB and its index), sessions that are remembered
# (64 MiB), and 10,000 connections at a time.
WHOLE = 640 * MIB
# The longest that 99 of 100 messages of somebody else may take while an attack goes on: by a debug build, on two cores
# that the attackers share, with other things to do.
SLOWEST = 5000.0
rows = []
counts = {True: 0, False: 0}

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def check(what, holds, seen=""):
    holds = bool(holds)
    counts[holds] += 1
    print("ok  " if holds else "FAIL", what, "" if holds else f"({seen})", flush=True)


def attack(name, growth, work):
    """Runs an attack beside somebody who behaves; memory may grow by so many MiB."""
    forget_peak(pid)
    before = memory(pid)
    began = time.monotonic()
    with Others(relay) as others:
        try:
            outcome = work()
        except (OSError, AssertionError, Closed) as error:
            outcome = None
            check(f"{name}: goes to its end", False, repr(error))
    took = time.monotonic() - began
    peak = memory(pid, "VmHWM")
    rows.append((name, outcome, took, before, peak, growth, len(others.times), others.at(0.5), others.at(0.99)))
    check(f"{name}: memory grows by {growth} MiB at most", peak - before <= growth * MIB, f"{(peak - before) / MIB:.0f} MiB")
    check(f"{name}: the process stays below {WHOLE // MIB} MiB", peak <= WHOLE, f"{peak / MIB:.0f} MiB")
    check(f"{name}: others' mail is taken", others.times and not others.wrong, others.wrong[:3])
    check(f"{name}: 99 of 100 within {SLOWEST:.0f} ms", others.at(0.99) <= SLOWEST, f"{others.at(0.99):.0f} ms")


def closed_within(sockets, patience):
    """What each socket got before the server closed it; None for those that were not closed."""
    selector = selectors.DefaultSelector()
    got = {}
    for one in sockets:
        one.setblocking(False)
        got[one] = b""
        selector.register(one, selectors.EVENT_READ)
    open_ones, until = len(sockets), time.monotonic() + patience
    while open_ones and time.monotonic() < until:
        for key, _ in selector.select(0.2):
            try:
                piece = key.fileobj.recv(4096)
            except OSError:
                piece = b""
            got[key.fileobj] += piece
            if not piece:
                selector.unregister(key.fileobj)
                open_ones -= 1
    still_open = {key.fileobj for key in selector.get_map().values()}
    selector.close()
    return [None if one in still_open else got[one] for one in sockets]


def slowloris():
    """1,000 clients, an octet a second each: half within a command, half within mail data."""
    clients = [Wire(relay, source=(f"127.0.3.{n % 200 + 1}", 0)) for n in range(1000)]
    for n, client in enumerate(clients):
        client.begin_data() if n % 2 else client.expect(220)
    sockets = [client.socket for client in clients]
    for octet in b"EHLO slowly.exam":
        time.sleep(1)
        for one in sockets:
            try:
                one.send(bytes([octet]))
            except OSError:
                pass # it was closed meanwhile, as it should be
    ends = closed_within(sockets, 30)
    told = sum(end is not None and b"421 4.4.2" in end for end in ends)
    # A reset can overtake the reply on its way; that it was closed is seen all the same.
    check("slowloris: every one is closed by its deadline", None not in ends, f"{ends.count(None)} are open")
    check("slowloris: and told so (421 4.4.2)", told >= 900, f"{told} of 1000")
    for client in clients:
        client.close()
    return "1,000 clients, an octet a second"


def dropped():
    """100,000 connections, opened and dropped: half by a reset, half in order. From many addresses, since one has not so many ports."""
    reset = struct.pack("ii", 1, 0)
    for n in range(100_000):
        one = socket.socket()
        one.bind((f"127.0.{n % 8 + 10}.{n // 8 % 200 + 1}", 0))
        one.connect(relay)
        if n % 2:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        one.close()
    return "100,000 opened and dropped"


def half_open():
    """10,000 handshakes that begin and never go on."""
    sockets = []
    for n in range(10_000):
        one = socket.socket()
        one.bind((f"127.0.4.{n % 200 + 1}", 0))
        one.connect(submissions)
        one.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        sockets.append(one)
    ends = closed_within(sockets, 45)
    check("half-open: every one is closed by its deadline", None not in ends, f"{ends.count(None)} are open")
    for one in sockets:
        one.close()
    return "10,000 handshakes that do not go on"


def endless_lines():
    """200 commands that never end. 500 5.5.2, and closed."""
    told = 0
    for _ in range(200):
        wire = Wire(relay)
        wire.expect(220)
        try:
            for _ in range(256):
                wire.send(b"x" * 16384)
        except OSError:
            pass # closed while we still sent
        try:
            told += wire.reply().startswith("500 5.5.2")
        except (OSError, Closed):
            pass
        wire.close()
    check("endless lines: each is told so before it is closed", told == 200, f"{told} of 200")
    return "200 commands of 4 MiB"


def endless_headers():
    """20 messages whose header never ends: 552 5.3.4 at their end, or 452 4.3.1 while mail in flight has no room."""
    clients = [Wire(relay) for _ in range(20)]
    for client in clients:
        client.begin_data()
    lines = b"".join(b"X-%05d: %s\r\n" % (n, b"y" * 60) for n in range(1000))
    for _ in range(160):
        for client in clients:
            client.send(lines)
    replies = []
    for client in clients:
        client.send(b"\r\n.\r\n")
        replies.append(client.reply())
        client.close()
    wrong = [reply for reply in replies if not reply.startswith(("552 5.3.4", "452 4.3.1"))]
    check("endless headers: each is refused at its end", not wrong, wrong[:3])
    return "20 headers of 11 MiB"


def read_back(what):
    """Reads the newest message in every way that the API has, as somebody would who looks at it; it must not take long."""
    began = time.monotonic()
    number = json.loads(get(web, "/api/messages?limit=1&query=subject:bomb"))["messages"][0]["id"]
    seen = {}
    for view in ("", "/text", "/headers", "/parts", "/attachments", "/links", "/codes", "/raw"):
        try:
            seen[view] = get(web, f"/api/messages/{number}{view}")
        except OSError as error:
            # A message without a text has no /text, and says so.
            if getattr(error, "code", 0) != 404:
                raise
    took = time.monotonic() - began
    check(f"{what}: every view of it within 20 s", took < 20, f"{took:.1f} s")
    return seen


def many_parts():
    header = b'Subject: bomb of parts\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    reply = mail(relay, header + b"--b\r\n\r\nx\r\n" * 100_000 + b"--b--\r\n")
    check("parts: the message is kept", reply.startswith("250"), reply)
    check("parts: and marked", b"too_many_parts" in read_back("parts")["/parts"])
    return "100,000 MIME parts"


def deep_nesting():
    layers = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(20_000))
    reply = mail(relay, b"Subject: bomb of depth\r\n" + layers + b"\r\nx\r\n")
    check("depth: the message is kept", reply.startswith("250"), reply)
    check("depth: and marked", b"too_deep" in read_back("depth")["/parts"])
    forwarded = b"Content-Type: message/rfc822\r\n\r\n" * 20_000
    check("depth: messages in messages too", mail(relay, b"Subject: bomb of letters\r\n" + forwarded).startswith("250"))
    read_back("letters")
    return "20,000 layers, of parts and of messages"


def zip_bomb():
    """A gigabyte of nothing in a megabyte, twice packed. Nobody unpacks it."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        with archive.open("zeros", "w", force_zip64=True) as member:
            for _ in range(256):
                member.write(bytes(4 * MIB))
    octets = inner.getvalue()
    encoded = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    header = b"Subject: bomb in a zip\r\nContent-Type: application/zip; name=bomb.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    reply = mail(relay, header + encoded)
    check("zip bomb: the message is kept", reply.startswith("250"), reply)
    seen = read_back("zip bomb")
    sizes = [attachment["size"] for attachment in json.loads(seen["/attachments"])["attachments"]]
    check("zip bomb: it is a file of its own octets", sizes == [len(octets)], (sizes, len(octets)))
    return f"1 GiB packed into {len(octets) // 1024} KiB"


def readers():
    """300 readers of the API that ask for a large message, or for events, and read nothing."""
    check("readers: a large message is kept", mail(relay, b"Subject: large\r\n\r\n" + b"z" * 78 + (b"\r\n" + b"z" * 78) * 100_000).startswith("250"))
    number = json.loads(get(web, "/api/messages?limit=1&query=subject:large"))["messages"][0]["id"]
    host, _, port = web.partition("//")[2].rpartition(":")
    idle = []
    for n in range(300):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.connect((host, int(port)))
        path = "/api/events" if n % 3 == 0 else f"/api/messages/{number}/raw"
        one.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        idle.append(one)
    time.sleep(6)
    check("readers: the API answers others", json.loads(get(web, "/api/messages?limit=1"))["total"] > 0)
    for one in idle:
        one.close()
    return "300 readers that read nothing"


ATTACKS = [
    ("slowloris", 48, slowloris),
    ("dropped", 128, dropped),
    ("half-open", 256, half_open),
    ("endless lines", 64, endless_lines),
    ("endless headers", 192, endless_headers),
    ("parts", 128, many_parts),
    ("depth", 128, deep_nesting),
    ("zip bomb", 64, zip_bomb),
    ("readers", 128, readers),
]
for chosen in ATTACKS:
    attack(*chosen)

print("\n| attack | seconds | memory before, at most (MiB) | may grow by | others' messages | median ms | p99 ms |")
print("|---|---|---|---|---|---|---|")
for _, what, took, before, peak, growth, sent, median, slow in rows:
    print(f"| {what} | {took:.1f} | {before / MIB:.0f}, {peak / MIB:.0f} | {growth} | {sent} | {median:.1f} | {slow:.1f} |")
print(f"{counts[True]} checks held, {counts[False]} did not")
