"""A small city in the kernel for tests: `-m tests.rehearsal` brings it up, `-m tests.rehearsal inside` is a hand within it.

The hand stands in the prober's namespace and does what it is told, one JSON line a wish: real packets, real sockets.
"""

import asyncio
import http.client
import json
import os
import selectors
import signal
import smtplib
import socket
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path

from monitor.core.city import Application, Check, City, Kind, Link, Node, Receiver, Risk
from monitor.core.errors import PantauError
from monitor.core.rules import Grade
from monitor.core.traps import Traps
from monitor.lab import client
from monitor.lab.outside import Wish, run

PATIENCE = 20.0
EARS: list[socket.socket] = []
_IP_RECVERR, _IP_RECVTTL = 11, 12  # linux/in.h
DAEMON = (sys.executable, "-c", "import signal; signal.pause()")


def city() -> City:
    """Ten stations: a kecamatan with two kelurahan, an OPD on two uplinks, two ISPs, the internet, an application."""
    hub = Node("hub", Kind.HUB, "Kantor Wali Kota", address="198.18.0.1")
    nodes = [hub]
    for number, (name, kind, parents) in enumerate(
        [
            ("isp-utama", Kind.ISP, ("hub",)),
            ("isp-cadangan", Kind.ISP, ("hub",)),
            ("internet", Kind.INTERNET, ("isp-utama", "isp-cadangan")),
            ("kec-timur", Kind.KECAMATAN, ("hub",)),
            ("kel-atas", Kind.KELURAHAN, ("kec-timur",)),
            ("kel-bawah", Kind.KELURAHAN, ("kec-timur",)),
            ("opd-rsud", Kind.OPD, ("hub", "kec-timur")),
        ],
        start=2,
    ):
        nodes.append(Node(name, kind, name.title(), (parents,), address=f"198.18.0.{number}"))
    nodes.append(Node("app-portal", Kind.APP, "Portal Kota", (("hub",),), ("app-portal/http",), "opd-rsud"))
    links = [
        Link(f"link-{node.id}", node.id, node.groups[0][0], Grade.FIBRE)
        for node in nodes[1:]
        if node.kind in {Kind.KECAMATAN, Kind.KELURAHAN}
    ]
    links.append(Link("link-rsud", "opd-rsud", "hub", Grade.FIBRE, address="198.19.0.1"))
    links.append(Link("link-rsud-cadangan", "opd-rsud", "kec-timur", Grade.RADIO, backup=True, address="198.19.0.2"))
    checks = [
        Check(
            "app-portal/http", "app-portal", "http", "https://portal.pantau.test/", Grade.APP, 20, 0.2, {"expect_text": "Selamat datang"}
        ),
        Check("kec-timur/snmp", "kec-timur", "snmp", "198.18.0.5", Grade.CORE, 60, 5, {"community": "!credential snmp"}),
    ]
    return City(
        "Kota Uji",
        traps=Traps(("198.18.255.254:162",), ("!credential trap",)),
        nodes={node.id: node for node in nodes},
        links={link.id: link for link in links},
        checks={check.id: check for check in checks},
        applications={"app-portal": Application("app-portal", "https://portal.pantau.test/", "hub")},
        risks={
            "pln-timur": Risk("pln-timur", "feeder", "Penyulang timur", ("kel-atas", "kel-bawah"), battery=1200),
            "sungai-timur": Risk("sungai-timur", "river", "Sungai timur", ("kel-atas", "kel-bawah")),
        },
        receivers={
            "tg-piket": Receiver("tg-piket", "telegram", "Piket", options={"token": "!credential telegram", "chat": "!credential chat"})
        },
    )


class Rehearsal:
    """A running city: `process` is the one outside, `hand` the one within."""

    def __init__(self, home: Path, *, plain: str = "") -> None:
        self.home = home
        words = [sys.executable, "-m", "tests.rehearsal", "up", str(home / "data"), plain]
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"}  # as Debian gives to users
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        self.said = ""
        self._hand: subprocess.Popen[str] | None = None

    def wait(self, text: str) -> None:
        """Wait until the city has said `text`; AssertionError when it ended or our patience did."""
        assert self.process.stdout
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            ends = time.monotonic() + PATIENCE
            while text not in self.said:
                assert ready.select(max(0.0, ends - time.monotonic())), f"never said {text!r}: {self.said}"
                part = os.read(self.process.stdout.fileno(), 65536)
                assert part, f"ended without {text!r}: {self.said}"
                self.said += part.decode()

    def ask(self, wish: str, *words: object) -> object:
        """Let the hand inside do something and return what came of it."""
        if self._hand is None:
            words_ = [sys.executable, "-m", "tests.rehearsal", "enter"]
            self._hand = subprocess.Popen(words_, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._hand.stdin
        assert self._hand.stdout
        self._hand.stdin.write(json.dumps([wish, *words]) + "\n")
        self._hand.stdin.flush()
        return json.loads(self._hand.stdout.readline())

    def until(self, good: Callable[[object], bool], wish: str, *words: object) -> object:
        """Ask again and again until the answer is good; AssertionError when our patience ends."""
        ends = time.monotonic() + PATIENCE
        while not good(answer := self.ask(wish, *words)):
            assert time.monotonic() < ends, f"{wish} {words}: still {answer}"
        return answer

    def end(self) -> int:
        """End it as Ctrl-C does; returns the exit status."""
        if self._hand is not None:
            self._hand.kill()
            self._hand.communicate()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            rest, _ = self.process.communicate(timeout=PATIENCE)
        finally:
            self.process.kill()
        self.said += rest.decode()
        return self.process.returncode


@contextmanager
def rehearsal(home: Path, *, plain: str = "") -> Iterator[Rehearsal]:
    """A city that is up, for as long as the block lasts; our own words go to it."""
    running = Rehearsal(home, plain=plain)
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(home)
    try:
        yield running
    finally:
        running.end()
        os.environ.pop("XDG_RUNTIME_DIR")
        if before is not None:
            os.environ["XDG_RUNTIME_DIR"] = before


# ── the hand inside ───────────────────────────────────────────────────────────────────────────


def ping(address: str, seconds: float = 0.5) -> str | list[float]:
    """`unreachable`, `timeout`, or [seconds, TTL of the reply]."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as sock:
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)  # unreachables come as errors
        sock.settimeout(seconds)
        sock.connect((address, 0))
        begun = time.perf_counter()
        try:
            sock.send(struct.pack("!BBHHH", 8, 0, 0, 0, 1))
            _data, notes, _flags, _peer = sock.recvmsg(100, 100)
        except TimeoutError:
            return "timeout"
        except OSError:
            return "unreachable"
        ttl = struct.unpack("i", notes[0][2][:4])[0]
        return [time.perf_counter() - begun, ttl]


def pings(address: str, count: int) -> int:
    """How many of `count` quick echo requests are answered."""
    answered = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as sock:
        sock.connect((address, 0))
        for number in range(count):
            sock.send(struct.pack("!BBHHH", 8, 0, 0, 0, number % 65536))
            sock.settimeout(0.0005)
            with suppress(TimeoutError, BlockingIOError):
                while sock.recv(100):
                    answered += 1
        sock.settimeout(0.2)
        with suppress(TimeoutError):
            while sock.recv(100):
                answered += 1
    return answered


def look_up(name: str) -> str:
    """The address of a name in the city, or the server's refusal."""
    import dns.message  # noqa: PLC0415 - the city itself need not wait for it
    import dns.query  # noqa: PLC0415
    import dns.rcode  # noqa: PLC0415

    question = dns.message.make_query(name, "A")
    over_udp, over_tcp = dns.query.udp(question, "198.18.0.53", 5), dns.query.tcp(question, "198.18.0.53", 5)
    assert over_udp.answer == over_tcp.answer
    return over_udp.answer[0][0].to_text() if over_udp.answer else dns.rcode.to_text(over_udp.rcode())


def page(name: str, seconds: float = 5.0) -> list[object]:
    """[status, text] of a page, or [0, what went wrong]."""
    trust = ssl.create_default_context(cafile=os.environ["PANTAU_CITY_CA"])
    try:
        with socket.create_connection((look_up(name), 443), seconds) as raw, trust.wrap_socket(raw, server_hostname=name) as sock:
            sock.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            return [answer.status, answer.read().decode()]
    except ssl.SSLCertVerificationError as error:
        return [0, error.verify_message]
    except TimeoutError:
        return [0, "timeout"]


def post(name: str, path: str, body: object) -> list[object]:
    """[status, JSON] of what a service of the city answers to a POST."""
    trust = ssl.create_default_context(cafile=os.environ["PANTAU_CITY_CA"])
    data = json.dumps(body).encode()
    with socket.create_connection((look_up(name), 443), 5) as raw, trust.wrap_socket(raw, server_hostname=name) as sock:
        head = [
            f"POST {path} HTTP/1.1",
            f"Host: {name}",
            "Content-Type: application/json",
            f"Content-Length: {len(data)}",
            "Connection: close",
        ]
        sock.sendall("\r\n".join([*head, "", ""]).encode() + data)
        answer = http.client.HTTPResponse(sock)
        answer.begin()
        return [answer.status, json.loads(answer.read())]


def mail(to: str, subject: str, text: str) -> bool:
    """Send a mail as any sender does."""
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = subject, "pantau@pantau.test", to
    letter.set_content(text)
    with smtplib.SMTP(look_up("surel.pantau.test"), 25, local_hostname="uji.pantau.test", timeout=5) as server:
        server.send_message(letter)
    return True


def walk(address: str, community: str, root: str) -> list[list[str]]:
    """All that an agent says below `root`, by pysnmp's GETBULK: [[oid, value], ...]; empty when it is mute."""
    return asyncio.run(_walk(address, community, root))


async def _walk(address: str, community: str, root: str) -> list[list[str]]:
    from pysnmp.hlapi.v3arch import asyncio as snmp  # noqa: PLC0415 - half a second, for one test

    engine = snmp.SnmpEngine()
    rows: list[list[str]] = []
    try:
        async for error, status, _index, bindings in snmp.bulk_walk_cmd(
            engine,
            snmp.CommunityData(community),
            await snmp.UdpTransportTarget.create((address, 161), timeout=0.5, retries=0),
            snmp.ContextData(),
            0,
            10,
            snmp.ObjectType(snmp.ObjectIdentity(root)),
            lexicographicMode=False,
            lookupMib=False,
        ):
            if error or status:
                break
            rows += [[str(name), value.prettyPrint()] for name, value in bindings]
    finally:
        engine.close_dispatcher()
    return rows


def listen(port: int) -> bool:
    """Keep the datagrams that come to the prober by a port from now on."""
    EARS.append(socket.socket(type=socket.SOCK_DGRAM))
    EARS[-1].bind(("", port))
    EARS[-1].settimeout(PATIENCE)
    return True


def heard() -> list[str]:
    """[address of the sender, what it said in hexadecimal]."""
    data, (address, _) = EARS[-1].recvfrom(4096)
    return [str(address), data.hex()]


def credential(name: str) -> str:
    """What the city made up for a credential."""
    return (Path(os.environ["PANTAU_CITY_CA"]).parent / "credentials" / name).read_text()


def told(pid: int, name: str) -> str:
    """A variable in the environment that a process was started with."""
    each = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return next((pair.partition("=")[2] for pair in each if pair.startswith(f"{name}=")), "")


def daemon() -> int:
    """The process id (as the city counts) of the daemon; 0 when it does not run."""
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and b"signal.pause()\0serve\0--config\0" in (folder / "cmdline").read_bytes():
                return int(folder.name)
    return 0


def kill(pid: int) -> bool:
    """End a process without a farewell."""
    os.kill(pid, signal.SIGKILL)
    return True


def _inside() -> None:
    """Do what each line of standard input says."""
    known = {do.__name__: do for do in (ping, pings, look_up, page, post, mail, walk, listen, heard, credential, daemon, told, kill)}
    room = next(Path(name) for name in ("/mnt", "/media", "/srv", "/opt") if Path(name, "ca.pem").exists())
    os.environ["PANTAU_CITY_CA"] = str(room / "ca.pem")
    for line in sys.stdin:
        wish, *words = json.loads(line)
        sys.stdout.write(json.dumps(known[wish](*words)) + "\n")
        sys.stdout.flush()


def _up(data: str, plain: str) -> int:
    try:
        spaces = {"": None, "plain": True, "user": False}[plain]
        return run(Wish(city(), Path("inventory.yaml"), Path(data), ("127.0.0.1", 0), DAEMON, spaces))
    except PantauError as error:
        sys.stdout.write(f"{error}\n")
        return error.status


def _main(words: list[str]) -> int:
    if words[0] == "up":
        return _up(words[1], words[2])
    if words[0] == "enter":
        client.execute("noc", [sys.executable, "-m", "tests.rehearsal", "inside"])
    _inside()
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
