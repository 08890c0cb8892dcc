"""What the machine does to doorpost: a data folder that turns read-only, file handles that run out, a clock that jumps. Each has a clear
answer while it lasts, and passes by itself. Arguments: which of them, then host:port of relay, URL of the API, and what that one needs."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error

from wire import Closed, Wire, get, mail

which, relay, web, *more = sys.argv[1:]
relay = (relay.rsplit(":", 1)[0], int(relay.rsplit(":", 1)[1]))
counts = {True: 0, False: 0}


def check(what, holds, seen=""):
    holds = bool(holds)
    counts[holds] += 1
    print("ok  " if holds else "FAIL", f"{which}: {what}", "" if holds else f"({seen})", flush=True)


def send(subject):
    return mail(relay, f"Subject: {subject}\r\n\r\nhello".encode())


def total(query=""):
    return json.loads(get(web, f"/api/messages?limit=1&query={query}"))["total"]


def total_or_refusal(query):
    """How many are found, or what the answer is where none is given."""
    try:
        return total(query)
    except urllib.error.HTTPError as error:
        return json.load(error)["detail"]


def eventually(work, patience=20):
    """Tries until it holds; whether it did."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            if work():
                return True
        except (OSError, Closed, AssertionError):
            pass
        time.sleep(0.2)
    return False


def read_only():
    """The data folder and the files in it may no longer be written to (chattr +i, which binds whoever has them open, and root too)."""
    folder = more[0]
    for n in range(5):
        check(f"message {n} is kept before", send("before").startswith("250"))
    # A search waits for what the index has still to take in: from here on it lacks nothing.
    check("what was kept is found before", total("subject:before") == 5, total("subject:before"))
    writable(folder, False)
    reply = send("meanwhile")
    check("a message is refused with 4xx, and no 250", reply.startswith(("451 4.3.0", "452 4.3.1")), reply)
    reply = send("meanwhile")
    check("the next one too", reply.startswith(("451 4.3.0", "452 4.3.1")), reply)
    check("what was kept is found", total("subject:before") == 5, total("subject:before"))
    writable(folder, True)
    check("mail is taken again by itself", eventually(lambda: send("between").startswith("250")))
    # Now the index may not have come to it when the folder is locked: then it says so, and finds no fewer in silence.
    check("the last message is kept", (reply := send("lastmoment")).startswith("250"), reply)
    writable(folder, False)
    said = total_or_refusal("subject:lastmoment")
    check("a search finds it, or says why it cannot", said == 1 or "index" in str(said), said)
    writable(folder, True)
    check("mail is taken again by itself", eventually(lambda: send("afterwards").startswith("250")))
    # Where the index could not, it tries again after a second.
    check("searches are answered again by themselves", eventually(lambda: total("subject:lastmoment") == 1))
    check("nothing that was refused is there", total("subject:meanwhile") == 0, total("subject:meanwhile"))
    kept = [total(f"subject:{when}") for when in ("before", "between", "lastmoment", "afterwards")]
    check("all that was kept is", kept == [5, 1, 1, 1], kept)


def writable(folder, may):
    # Not what is mapped into memory: the system ends a program that writes there, and no disk that turns read-only does that.
    files = [entry.path for entry in os.scandir(folder) if not entry.name.endswith("-shm")]
    subprocess.run(["chattr", "-i" if may else "+i", folder], check=True)
    subprocess.run(["chattr", "-i" if may else "+i", *files], check=True)


def handles():
    """doorpost may open 64 files, and 200 clients come."""
    pid = int(more[0])
    clients = []
    for _ in range(200):
        one = socket.socket()
        one.settimeout(2)
        try:
            one.connect(relay)
        except OSError:
            pass
        clients.append(one)
    time.sleep(1)
    greeted = 0
    for one in clients:
        one.settimeout(0.05)
        try:
            greeted += one.recv(64).startswith(b"220")
        except OSError:
            pass
    check("those for whom there is a handle are served", greeted >= 10, greeted)
    check("the others wait", greeted < 200, greeted)
    used = cpu(pid)
    time.sleep(2)
    share = (cpu(pid) - used) / 2
    check("it does not spin meanwhile", share < 0.5, f"{share:.2f} of a core")
    for one in clients:
        one.close()
    check("mail is taken again by itself", eventually(lambda: send("afterwards").startswith("250")))
    check("and the API answers", eventually(lambda: total("subject:afterwards") >= 1))


def cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def clock():
    """The wall clock jumps a day ahead and two back, within running sessions (libfaketime reads the file that says by how much)."""
    offset = more[0]
    early = Wire(relay)
    early.begin_data()
    check("a message before", send("before").startswith("250"))
    jump(offset, "+1d")
    check("a message a day later", send("later").startswith("250"))
    early.send(b"Subject: across the jump\r\n\r\nhello\r\n.\r\n")
    check("a session that was in its data goes on", (reply := early.reply()).startswith("250"), reply)
    jump(offset, "-1d")
    check("a message a day earlier", send("earlier").startswith("250"))
    check("the session goes on still", early.ask("NOOP").startswith("250"))
    seen = json.loads(get(web, "/api/messages?limit=10"))["messages"]
    subjects = [message["subject"] for message in seen]
    check("the newest is the one that came last", subjects == ["earlier", "across the jump", "later", "before"], subjects)
    days = sorted({re.match(r"\d+-\d+-\d+", message["received_at"])[0] for message in seen})
    check("each bears the day that the clock showed", len(days) == 3, days)
    jump(offset, "+0")
    check("and it goes on when the clock is right again", send("afterwards").startswith("250"))
    early.close()


def jump(path, offset):
    with open(path + ".new", "w", encoding="ascii") as out:
        out.write(offset + "\n")
    os.replace(path + ".new", path)
    time.sleep(3) # libfaketime looks again after a second


{"read-only": read_only, "handles": handles, "clock": clock}[which]()
print(f"{counts[True]} checks held, {counts[False]} did not")
