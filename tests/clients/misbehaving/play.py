#!/usr/bin/env python3
"""Puts each fault in force, lets a real client meet it, and looks at what the client makes of it.

  play.py READY FAULTS PROGRAMS [NAME...]

READY is the line that `--ready json` printed, FAULTS what `doorpost faults --json` prints, PROGRAMS the folder of clients.
What is met stands in table.py; a fault or an address that has no row there is a check that fails.
"""

import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import clients
import table


class Doorpost:
    """The API of the one that runs."""

    def __init__(self, ready):
        self.web = ready["web"]
        self.ca = ready["ca"]
        self.ports = {name: int(door["address"].rpartition(":")[2]) for name, door in ready["doors"].items()}

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.web + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as reply:
            text = reply.read()
            return json.loads(text) if text else None

    def misbehave(self, spec):
        self.ask("PUT", "/api/faults", {"faults": [spec]})
        if spec.startswith("port-blocked"):
            self.until(lambda: not self.is_open(spec.partition("@")[2]))

    def behave(self, spec):
        self.ask("DELETE", "/api/faults")
        if spec.startswith("port-blocked"):
            self.until(lambda: self.is_open(spec.partition("@")[2]))

    def is_open(self, door):
        return clients.is_open(self.ports[door])

    @staticmethod
    def until(what, seconds=5):
        deadline = time.monotonic() + seconds
        while not what():
            if time.monotonic() > deadline:
                raise AssertionError("the door did not change in time")
            time.sleep(0.02)

    def struck(self):
        return {rule["name"]: rule["struck"] for rule in self.ask("GET", "/api/faults")["rules"]}

    def kept(self, subject):
        query = urllib.parse.urlencode({"query": f'subject:"{subject}"'})
        return len(self.ask("GET", f"/api/messages?{query}")["messages"])

    def sessions(self):
        return self.ask("GET", "/api/sessions?limit=20")["sessions"]

    def transcripts(self, before):
        """What was said in the sessions that were not there before, newest first."""
        known = {session["id"] for session in before}
        told = []
        for session in self.sessions():
            if session["id"] not in known:
                lines = self.ask("GET", f"/api/sessions/{session['id']}")["transcript"]
                told += [f"{line['kind']}: {line['text']}" for line in lines]
        return "\n".join(told)


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def report(self, what, problem, evidence=""):
        if not problem:
            self.passed += 1
            print(f"ok   {what}", flush=True)
            return
        self.failed += 1
        print(f"FAIL {what}: {problem}")
        for line in evidence.splitlines()[-30:]:
            print(f"     {line[:300]}")
        sys.stdout.flush()


def met(doorpost, programs, row, number):
    """One row: returns what is wrong, and what the client said."""
    subject = f"fault {number} {os.getpid()}"
    said = []
    for expected in row.expect:
        began = time.monotonic()
        text = clients.send(programs, doorpost, row, subject)
        took = time.monotonic() - began
        said.append(text)
        if not re.search(expected, text, re.S):
            return f"the client does not say {expected!r}", "\n".join(said)
        if not row.least <= took <= row.most:
            return f"it took {took:.1f} s, not {row.least} to {row.most} s", "\n".join(said)
    if row.kept is not None:
        deadline = time.monotonic() + 3
        while (kept := doorpost.kept(subject)) != row.kept and time.monotonic() < deadline:
            time.sleep(0.05)
        if kept != row.kept:
            return f"{kept} messages are kept, not {row.kept}", "\n".join(said)
    return "", "\n".join(said)


def play_presets(checks, doorpost, programs, listed, only):
    names = [preset["name"] for preset in listed]
    for name in names:
        if name not in table.PRESETS:
            checks.report(name, "it has no row in table.py")
    for name in table.PRESETS:
        if name not in names:
            checks.report(name, "table.py has it, and `doorpost faults` has not")
    number = 0
    for name, rows in table.PRESETS.items():
        for row in rows:
            number += 1
            if only and name not in only:
                continue
            spec = row.spec or name
            doorpost.misbehave(spec)
            before = doorpost.sessions()
            problem, said = met(doorpost, programs, row, number)
            if not problem and not spec.startswith("port-blocked"):
                struck = doorpost.struck()
                if not sum(struck.values()):
                    problem = f"no rule has struck: {struck}"
                elif f"fault: {name}" not in (told := doorpost.transcripts(before)):
                    problem, said = "no transcript names the fault", said + "\n" + told
            doorpost.behave(spec)
            checks.report(f"{spec}: {row.client}, {row.way}", problem, said)


def play_magic(checks, doorpost, programs, listed, only):
    asked = {one["local_part"] for one in listed["addresses"]}
    for missing in sorted(asked ^ {address for address in table.ADDRESSES if "+" not in address}):
        checks.report(f"{missing}@", "it stands in one of table.py and `doorpost faults --json` only")
    asked = {one["word"] for one in listed["header"]["words"]}
    for missing in sorted(asked ^ {word for word in table.HEADERS if " " not in word}):
        checks.report(f"X-Doorpost-Fault: {missing}", "it stands in one of table.py and `doorpost faults --json` only")
    rows = [(f"{local}@sink.example.test", row) for local, row in table.ADDRESSES.items()]
    rows += [(f"X-Doorpost-Fault: {word}", row) for word, row in table.HEADERS.items()]
    for number, (name, row) in enumerate(rows, 1000):
        if only and name not in only and "magic" not in only:
            continue
        row = row.to_be(name)
        problem, said = met(doorpost, programs, row, number)
        checks.report(f"{name}: {row.client}, {row.way}", problem, said)
    if only and "magic" not in only:
        return
    doorpost.ask("PUT", "/api/faults", {"magic": False})
    row = table.ADDRESSES["bounce"].to_be("bounce@sink.example.test", expect=["^sent"], kept=1)
    problem, said = met(doorpost, programs, row, 1900)
    checks.report("magic off: bounce@ is an address like any other", problem, said)
    doorpost.ask("PUT", "/api/faults", {"magic": True})


def main():
    ready, faults, programs, *only = sys.argv[1:]
    with open(ready, encoding="utf-8") as file:
        doorpost = Doorpost(json.load(file))
    with open(faults, encoding="utf-8") as file:
        listed = json.load(file)
    checks = Checks()
    play_presets(checks, doorpost, programs, listed["presets"], only)
    play_magic(checks, doorpost, programs, listed, only)
    print(f"the table: {checks.passed} right, {checks.failed} wrong")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
