#!/usr/bin/env python3
"""What doorpost caught, asked of its API.

  caught.py WEB message SUBJECT DOOR FROM TO USER TLS BODY   check one message, print how it came
  caught.py WEB newest DOOR                                  print the id of the door's newest session
  caught.py WEB session DOOR AFTER [PATTERN]                 wait for a session newer than AFTER, print its transcript;
                                                             with PATTERN only one that has a matching line passes
  caught.py WEB findings DOOR AFTER CODES                    wait for a session newer than AFTER that has the findings
  caught.py WEB sessions                                     print all that the API has of all sessions
"""

import email
import email.policy
import json
import re
import sys
import time
import urllib.parse
import urllib.request

PATIENCE = 6.0


def get(web, path):
    with urllib.request.urlopen(web + path, timeout=20) as reply:
        return reply.read()


def ask(web, path):
    return json.loads(get(web, path))


def pages(web, what, limit=500):
    """All rows of /api/messages or /api/sessions, newest first."""
    cursor = None
    while True:
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = ask(web, f"/api/{what}?" + urllib.parse.urlencode(query))
        yield from page[what]
        cursor = page.get("next")
        if not cursor:
            return


def transcript(session):
    """The lines of a session: `C: ...`, `S: ...`, and `note: ...` for what doorpost noticed."""
    names = {"client": "C", "server": "S"}
    lines = []
    for entry in session["transcript"]:
        name = names.get(entry["kind"], entry["kind"])
        text = f"{entry['note']}: {entry['text']}" if entry.get("note") else entry["text"]
        lines += [f"{name}: {line}" for line in text.split("\n")]
    return lines


def manner(session, lines):
    """How a session was protected and who it was, in the words of the table: `STARTTLS, AUTH PLAIN`."""
    if not session["tls"]:
        words = "no TLS"
    elif any(line.upper() == "C: STARTTLS" for line in lines):
        words = "STARTTLS"
    else:
        words = "implicit TLS"
    return words + (f", AUTH {session['auth']['mechanism']}" if session["auth"] else "")


def check_message(web, subject, door, sender, recipient, user, tls, body):
    deadline = time.monotonic() + PATIENCE
    while not (found := [m for m in pages(web, "messages") if m["subject"] == subject]):
        if time.monotonic() > deadline:
            sys.exit(f"no message with the subject {subject!r}")
        time.sleep(0.05)
    wrong = []

    def expect(name, got, wanted):
        if got != wanted:
            wrong.append(f"{name} is {got!r}, not {wanted!r}")

    message = found[0]
    envelope = message["envelope"]
    expect("the number of copies", len(found), 1)
    expect("door", message["door"], door)
    expect("reverse_path", envelope["reverse_path"], sender)
    expect("forward_paths", [path["path"] for path in envelope["forward_paths"]], [recipient])
    expect("auth_user", message["auth_user"], user or None)
    expect("TLS", message["tls"] is not None, tls == "yes")

    raw = get(web, f"/api/messages/{message['id']}/raw")
    expect("size", message["size"], len(raw))
    if re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
        wrong.append("the raw message has a bare CR or LF")
    text = email.message_from_bytes(raw, policy=email.policy.default).get_content()
    with open(body, encoding="utf-8") as file:
        expect("the text", text.replace("\r\n", "\n").rstrip("\n"), file.read().rstrip("\n"))

    session = ask(web, f"/api/sessions/{message['session']}")
    lines = transcript(session)
    expect("the session's user", session["auth"] and session["auth"]["user"], user or None)
    print(manner(session, lines))
    if wrong:
        print("\n".join(lines))
        sys.exit("; ".join(wrong))


def newest(web, door):
    print(next((s["id"] for s in pages(web, "sessions") if s["door"] == door), "-"))


def check_session(web, door, after, pattern=""):
    deadline = time.monotonic() + PATIENCE
    lines = None
    while time.monotonic() < deadline:
        for row in pages(web, "sessions"):
            if row["id"] == after:
                break
            if row["door"] == door:
                lines = transcript(ask(web, f"/api/sessions/{row['id']}"))
                if re.search(pattern, "\n".join(lines), re.M | re.I):
                    print("\n".join(lines))
                    return
        time.sleep(0.05)
    if lines is None:
        sys.exit(f"/api/sessions shows no new session at {door}")
    print("\n".join(lines))
    sys.exit(f"no session at {door} that matches {pattern!r}")


def findings(web, session):
    """The findings of a session and of the messages that it brought, each once."""
    found = {finding["code"]: finding for finding in session["findings"]}
    for transaction in session["transactions"]:
        if transaction["message"] is not None:
            message = ask(web, f"/api/messages/{transaction['message']}")
            found |= {finding["code"]: finding for finding in message["findings"]}
    return found


def check_findings(web, door, after, codes):
    """CODES is `one+another+a-third?`: the third may be there. No other finding that is an error may be."""
    named = codes.split("+")
    wanted = {code for code in named if not code.endswith("?")}
    allowed = {code.rstrip("?") for code in named}
    deadline = time.monotonic() + PATIENCE
    wrong, shown = f"/api/sessions shows no new session at {door}", []
    while time.monotonic() < deadline:
        for row in pages(web, "sessions"):
            if row["id"] == after:
                break
            if row["door"] != door:
                continue
            session = ask(web, f"/api/sessions/{row['id']}")
            found = findings(web, session)
            shown = transcript(session) + [f"finding: {json.dumps(finding)}" for finding in found.values()]
            absurd = [code for code in found if code not in allowed and found[code]["severity"] == "error"]
            unclear = [code for code in wanted & set(found) if not (found[code]["what"] and found[code]["change"])]
            if absurd:
                wrong = f"its session has {', '.join(sorted(absurd))} too"
            elif unclear:
                wrong = f"{unclear} says nothing"
            elif wanted <= set(found):
                print("\n".join(shown))
                return
            else:
                wrong = f"its session has {sorted(found)}, not {codes}"
        time.sleep(0.05)
    print("\n".join(shown))
    sys.exit(wrong)


def print_sessions(web):
    for row in pages(web, "sessions"):
        print(get(web, f"/api/sessions/{row['id']}").decode())


if __name__ == "__main__":
    does = {"message": check_message, "newest": newest, "session": check_session, "findings": check_findings, "sessions": print_sessions}
    does[sys.argv[2]](sys.argv[1], *sys.argv[3:])
