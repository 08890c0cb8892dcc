"""SMTP as octets on a socket, without a library's good manners; and what is measured while somebody misbehaves: the memory of
doorpost (its own peak, from /proc) and how long a well-behaved client waits meanwhile."""

import multiprocessing
import socket
import ssl
import time
import urllib.request

PATIENCE = 60


class Closed(Exception):
    """The server hung up."""


class Wire:
    """One connection to a door. Replies are read line by line, and nothing is sent that was not asked for."""

    def __init__(self, address, context=None, source=None):
        self.socket = socket.create_connection(address, timeout=PATIENCE, source_address=source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        if context:
            self.begin_tls(context)

    def begin_tls(self, context):
        self.buffer = b""
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def send(self, octets):
        self.socket.sendall(octets)

    def reply(self):
        """The next whole reply, as text."""
        text = b""
        while True:
            while b"\n" not in self.buffer:
                piece = self.socket.recv(65536)
                if not piece:
                    raise Closed(text.decode(errors="replace"))
                self.buffer += piece
            line, _, self.buffer = self.buffer.partition(b"\n")
            text += line + b"\n"
            if line[3:4] != b"-":
                return text.decode(errors="replace")

    def ask(self, line):
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def expect(self, code, line=None):
        reply = self.ask(line) if line is not None else self.reply()
        if not reply.startswith(str(code)):
            raise AssertionError(f"{line!r} was answered with {reply!r}")
        return reply

    def begin_data(self, greeted=False):
        if not greeted:
            self.expect(220)
        self.expect(250, "EHLO client.example")
        self.expect(250, "MAIL FROM:<alice@example.org>")
        self.expect(250, "RCPT TO:<bob@example.net>")
        self.expect(354, "DATA")

    def close(self):
        self.socket.close()


def mail(address, octets):
    """One message, whole; the reply to its end."""
    wire = Wire(address)
    try:
        wire.begin_data()
        wire.send(octets + b"\r\n.\r\n")
        return wire.reply()
    finally:
        wire.close()


def trusting(ca):
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = True
    return context


def get(web, path, patience=PATIENCE):
    with urllib.request.urlopen(f"{web}{path}", timeout=patience) as answer:
        return answer.read()


def memory(pid, name="VmRSS"):
    """Octets that a process holds, or has held at most (VmHWM)."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    raise AssertionError(f"no {name}")


def forget_peak(pid):
    """From here on VmHWM is the peak since now."""
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as clear:
        clear.write("5")


def _behave(address, stop, results):
    """Sends a small message every 20 ms on a connection of its own, and notes how long each took."""
    times, wrong = [], []
    while not stop.is_set():
        began = time.monotonic()
        try:
            reply = mail(address, b"Subject: well behaved\r\n\r\nhello")
            if not reply.startswith("250"):
                wrong.append(reply.strip())
        except (OSError, AssertionError, Closed) as error:
            wrong.append(repr(error))
        times.append(time.monotonic() - began)
        stop.wait(0.02)
    results.send((times, wrong))


class Others:
    """A well-behaved client in a process of its own, for as long as the block lasts."""

    def __init__(self, address):
        self.address = address
        self.times, self.wrong = [], []

    def __enter__(self):
        context = multiprocessing.get_context("fork")
        self.stop = context.Event()
        self.results, theirs = context.Pipe(False)
        self.process = context.Process(target=_behave, args=(self.address, self.stop, theirs), daemon=True)
        self.process.start()
        return self

    def __exit__(self, *error):
        self.stop.set()
        if self.results.poll(PATIENCE + 10):
            self.times, self.wrong = self.results.recv()
            self.times.sort()
        else:
            self.wrong = ["it hangs"]
        self.process.join(5)

    def at(self, share):
        """Milliseconds that so large a share of its messages took at most."""
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))] * 1000 if self.times else float("inf")
