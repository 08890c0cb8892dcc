"""What is measured, and how: the servers, each started for one measurement, and the load generator's answers."""
import json, mmap, os, pathlib, random, re, shutil, signal, socket, subprocess, sys, tempfile, time

root = pathlib.Path(__file__).resolve().parent.parent.parent
peers = root / "target" / "peers"
certs = root / "target" / "bench-certs"


def free_port():
    """One that the system does not give to clients, so that it is still free in a moment."""
    while True:
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", random.randrange(20000, 32000)))
                return s.getsockname()[1]
            except OSError:
                pass


def greeting(name, port, tls, patience=30):
    """Waits for 220, or, where TLS comes first, for the door to open."""
    began = time.monotonic()
    while time.monotonic() - began < patience:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as s:
                s.settimeout(patience)
                if tls or s.recv(3) == b"220":
                    return
        except OSError:
            time.sleep(0.001)
    raise SystemExit(f"{name} does not greet at {port}")


def warm(most=2 << 30):
    """Touches memory and frees it. On a virtual machine what nobody has used for some seconds comes from the host, ten times as slowly:
    who keeps what comes would pay for that, or not, by what was measured before."""
    octets = min(most, os.sysconf("SC_AVPHYS_PAGES") * mmap.PAGESIZE // 4)
    with mmap.mmap(-1, octets, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        for at in range(0, octets, mmap.PAGESIZE):
            memory[at] = 1


class Server:
    """One server process, started for one measurement."""

    def __init__(self, name, command, env=None, folder=None, tls=False):
        self.name, self.folder = name, folder
        self.port = free_port()
        warm()
        words = [word.replace("PORT", str(self.port)) for word in command]
        self.began = time.monotonic()
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, **(env or {})}, cwd=folder or root)
        greeting(self.name, self.port, tls)
        self.started = time.monotonic() - self.began

    def cpu(self, of_index=False):
        """Seconds of processor time of all its threads, or of those that do not feed the index, which nobody waits for."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                is_index = (task / "comm").read_text().strip() == "index"
                if of_index or not is_index:
                    total += int((task / "schedstat").read_text().split()[0])
            except FileNotFoundError:
                pass
        return total / 1e9

    def memory(self):
        """KiB that are resident."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1])

    def settled(self):
        """Processor time when nothing more is done in the background."""
        before = self.cpu(of_index=True)
        while True:
            time.sleep(0.3)
            now = self.cpu(of_index=True)
            if now - before < 0.02:
                return now
            before = now

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def kinds(doorpost, floor):
    """Name → what starts it."""
    serve = [doorpost, "--host", "127.0.0.1", "--ports", "ephemeral", "--port", "relay=PORT", "--web", "0", "-qq",
             "--max-connections", "50000", "--max-connections-per-address", "50000"]
    serve += ["--certs", str(certs)]
    implicit = [word.replace("relay=", "submissions=") for word in serve]
    chain = ["--tls", str(certs / "leaf.pem"), str(certs / "leaf-key.pem")]
    found = {
        "floor": lambda: Server("floor", [floor, "--address", "127.0.0.1:PORT"]),
        "floor, TLS": lambda: Server("floor, TLS", [floor, "--address", "127.0.0.1:PORT", *chain], tls=True),
        "doorpost": lambda: Server("doorpost", serve),
        "doorpost, TLS": lambda: Server("doorpost, TLS", implicit, tls=True),
    }

    def durable():
        folder = tempfile.mkdtemp(prefix="doorpost-bench-")
        return Server("doorpost --data", serve + ["--data", folder + "/data"], folder=folder)

    found["doorpost --data"] = durable
    sink = shutil.which("smtp-sink") or ("/usr/sbin/smtp-sink" if os.path.exists("/usr/sbin/smtp-sink") else None)
    if sink:
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        found["smtp-sink"] = lambda: Server("smtp-sink", [sink, *user, "127.0.0.1:PORT", "1000"])

        def dumping():
            folder = tempfile.mkdtemp(prefix="smtp-sink-")
            os.chmod(folder, 0o777)
            return Server("smtp-sink -D", [sink, *user, "-D", folder + "/%M.", "127.0.0.1:PORT", "1000"], folder=folder)

        found["smtp-sink -D"] = dumping
    python = peers / "python" / "bin" / "python"
    if python.exists():
        program = ("import asyncio\nfrom aiosmtpd.smtp import SMTP\nfrom aiosmtpd.handlers import Sink\n"
                   "async def main():\n loop = asyncio.get_running_loop()\n"
                   " server = await loop.create_server(lambda: SMTP(Sink(), hostname='localhost'), '127.0.0.1', PORT)\n"
                   " await server.serve_forever()\nasyncio.run(main())")
        found["aiosmtpd"] = lambda: Server("aiosmtpd", [str(python), "-c", program])
    modules = peers / "node" / "node_modules"
    if (modules / "smtp-server").exists():
        script = ("const {SMTPServer} = require('smtp-server');"
                   "new SMTPServer({authOptional: true, disabledCommands: ['STARTTLS'], logger: false, "
                   "onData(stream, session, done) { stream.resume(); stream.on('end', done); }}).listen(PORT, '127.0.0.1');")
        found["smtp-server"] = lambda: Server("smtp-server", ["node", "-e", script], env={"NODE_PATH": str(modules)})
    if (modules / "maildev").exists():
        def maildev():
            folder = tempfile.mkdtemp(prefix="maildev-")
            return Server("MailDev", [str(modules / ".bin" / "maildev"), "--smtp", "PORT", "--ip", "127.0.0.1", "--silent",
                                      "--disable-web", "--mail-directory", folder], folder=folder)
        found["MailDev"] = maildev
    return found


def install():
    """The peers, by name. What cannot be had is left out."""
    peers.mkdir(parents=True, exist_ok=True)
    if not shutil.which("smtp-sink") and not os.path.exists("/usr/sbin/smtp-sink"):
        subprocess.run("apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postfix", shell=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not (peers / "python" / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", peers / "python"], stdout=subprocess.DEVNULL)
    subprocess.run([peers / "python" / "bin" / "pip", "install", "-q", "aiosmtpd"], stdout=subprocess.DEVNULL)
    if shutil.which("npm"):
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", peers / "node", "smtp-server", "maildev"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def built():
    """Doorpost, the load generator and the floor, in release mode, or those that BENCHED_PROGRAMS names, colons between them."""
    if "BENCHED_PROGRAMS" in os.environ:
        return os.environ["BENCHED_PROGRAMS"].split(":")
    cargo = os.environ.get("CARGO", "cargo")
    subprocess.run([cargo, "build", "--release", "--bin", "doorpost"], cwd=root, check=True)
    lines = subprocess.run([cargo, "bench", "--bench", "load", "--bench", "floor", "--no-run", "--message-format=json"], cwd=root, check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    programs = {one["target"]["name"]: one["executable"] for one in found if one.get("executable")}
    return str(root / "target" / "release" / "doorpost"), programs["load"], programs["floor"]


def measure(load, server, flags, messages):
    """One run: messages a second, microseconds of the server's processor for a message, the reply's times."""
    before, before_all = server.cpu(), server.cpu(of_index=True)
    out = subprocess.run([load, "--address", f"127.0.0.1:{server.port}", "--messages", str(messages), *flags],
                         capture_output=True, text=True)
    if out.returncode:
        return None
    result = json.loads(out.stdout)
    result["cpu_us"] = (server.cpu() - before) / messages * 1e6
    result["settled_us"] = (server.settled() - before_all) / messages * 1e6
    return result




def held(load, server, sessions, flags):
    """KiB of the server for each of so many sessions that have said EHLO."""
    before = server.memory()
    command = [load, "--address", f"127.0.0.1:{server.port}", "--sessions", str(sessions), "--hold", *flags]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        line = holder.stdout.readline()
        used = server.memory() - before
        holder.stdin.close()
    return used / json.loads(line)["held"] if line else None
