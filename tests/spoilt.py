"""Peers of every kind that spoil one answer, a look at them, and whether it was right to say OK to what they said.

Behind the spoilt answer of a datagram lies a plain refusal: where the one is passed over no look waits, and OK means that it was taken.
What is right is read in `tests/rights.py`, in the fewest words, and not by the code that is on trial.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace

import dns.message
import dns.rcode

from monitor.core.verdict import Outcome, Verdict
from monitor.lab.snmp_agent import Agent, Question, View
from monitor.probes import Vantage, ber
from monitor.probes.deadline import look_at
from monitor.probes.snmp_read import LLDP_NAME
from tests import agents, agents_v3, nameservers, rights, timeservers, webs
from tests.ground import own_network
from tests.liars import Packet, liars
from tests.spoiling import Marks, Mouth, lines, tagged, words
from tests.zoo_snmp import raw

TIMEOUT = 5.0
DATAGRAM, STREAM, PACKET = 60_000, 100_000, 1_400
Look = Callable[[], Awaitable[Outcome]]
"""Looks once; the peer's mouth was told before how to spoil its answer."""
Right = Callable[[Outcome, Mouth], bool]


@dataclass(frozen=True)
class Kind:
    """One kind of answer: `awake` lets its peer listen, whose answers have these marks and are at most so long.

    `right` tells whether it was right to say `believed`, which means that the spoilt answer was taken.
    """

    name: str
    awake: Callable[[Mouth], AbstractAsyncContextManager[Look]]
    marks: Marks
    most: int
    right: Right
    believed: Verdict = Verdict.OK


# -- SNMP: single values, for every one of them can be compared

BASE = (1, 3, 6, 1, 2, 1)
ROWS = [
    *agents.system(),
    *agents.column((*BASE, 2, 2, 1), 8, {1: ber.integer(1), 2: ber.integer(-7)}),
    *agents.column((*BASE, 2, 2, 1), 10, {1: ber.integer(70_000, agents.COUNTER32), 2: ber.tlv(64, b"\xc6\x12\0\x09")}),
    *agents.column((*BASE, 31, 1, 1, 1), 6, {1: ber.integer(2**31, agents.GAUGE32), 2: ber.oid((1, 3, 6, 1, 4, 1, 14988))}),
]
READ: Mapping[str, object] = {"read": [".".join(map(str, name)) for name, _ in ROWS]}
NEIGHBOURS = [((*LLDP_NAME, 0, port, 1), agents.text(f"sw-{port}")) for port in (1, 2, 7)]


def snmp(version: str, backend: str, *, table: bool = False) -> Kind:
    """Version 1 or 2c by one of the back ends: single values, or the one column of a table."""
    keys = {**({"read": "lldp"} if table else READ), "version": version, "backend": backend}

    @asynccontextmanager
    async def awake(mouth: Mouth) -> AsyncIterator[Look]:
        def answer(question: Question, view: View) -> list[bytes]:
            return [mouth.spoil(Agent.answer(question, view)) or b"", raw(question, b"", 5)]

        async with agents.agent(NEIGHBOURS if table else ROWS, answer) as (port, _), Vantage.of() as vantage:
            yield lambda: look_at("snmp", "127.0.0.1", {**keys, "port": port}, TIMEOUT, vantage)

    name, right = (" table", rights.snmp_table) if table else ("", rights.snmp)
    return Kind(f"SNMP {version}{name}, {backend}", awake, tagged, DATAGRAM, right)


def snmp3(backend: str, **key: str) -> Kind:
    """Version 3 by one of the back ends, without a key or with one."""

    @asynccontextmanager
    async def awake(mouth: Mouth) -> AsyncIterator[Look]:
        def twist(asked: agents_v3.Asked, good: bytes) -> list[bytes]:
            if not asked.question.names:
                return [good]  # who are you: without that no question can be asked
            return [mouth.spoil(good) or b"", peer.answer(replace(asked, question=replace(asked.question, kind=0xA3)))]

        keys = {**READ, **key, "user": "aman", "backend": backend}
        async with agents_v3.agent3(ROWS, twist=twist) as (port, peer), Vantage.of() as vantage:
            await agents_v3.warm(keys, port, vantage)
            yield lambda: look_at("snmp", "127.0.0.1", {**keys, "port": port}, TIMEOUT, vantage)

    return Kind(f"SNMP 3{' with SHA' if key else ''}, {backend}", awake, tagged, DATAGRAM, rights.snmp3_signed if key else rights.snmp3)


# -- DNS and NTP

EXPECTED = "198.18.0.9"
RECORDS = (
    f"{nameservers.NAME} 60 IN CNAME alias.pantau.test.",
    "alias.pantau.test. 60 IN A 198.18.0.8",
    f"alias.pantau.test. 60 IN A {EXPECTED}",
)


def dns_kind(name: str, *records: str, by_stream: bool = False) -> Kind:
    """A name server that answers with these records, over UDP or (then the length before the answer is spoilt, too) TCP."""

    @asynccontextmanager
    async def awake(mouth: Mouth) -> AsyncIterator[Look]:
        def datagram(asked: dns.message.Message) -> list[bytes]:
            said = mouth.spoil(nameservers.reply(asked, *records))
            return [said or b"", nameservers.reply(asked, rcode=dns.rcode.SERVFAIL)]

        def stream(asked: dns.message.Message) -> list[bytes]:
            return [mouth.spoil(nameservers.framed(nameservers.reply(asked, *records))) or b""]

        keys = {"name": nameservers.NAME.rstrip("."), "expect": EXPECTED}
        voices = (nameservers.cut, stream) if by_stream else (datagram, None)
        async with nameservers.serving(*voices) as server, Vantage.of() as vantage:
            yield lambda: look_at("dns", server, keys, TIMEOUT, vantage)

    return Kind(name, awake, words(2), STREAM if by_stream else DATAGRAM, rights.dns_by_stream if by_stream else rights.dns)


@asynccontextmanager
async def time_server(mouth: Mouth) -> AsyncIterator[Look]:
    """A time server that is well."""

    def voice(asked: bytes) -> list[bytes]:
        return [mouth.spoil(timeservers.answer(asked)) or b"", timeservers.answer(asked, stratum=0, leap=3, reference=b"DENY")]

    with timeservers.serving(voice) as port:
        async with Vantage.of() as vantage:
            yield lambda: look_at("ntp", "127.0.0.1", {"port": port}, TIMEOUT, vantage)


# -- HTTP: where the connection ends no look waits

PAGE = b"<html><title>Portal</title><p>Selamat datang, silakan masuk.</p></html>\n" * 3
HEAD = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Thu, 26 Nov 2026 12:00:00 GMT\r\nContent-Type: text/html; charset=utf-8\r\n"
PACKED = gzip.compress(PAGE, mtime=0)
PAGES = {
    "a length": HEAD + b"Content-Length: %d\r\n\r\n" % len(PAGE) + PAGE,
    "until the end": HEAD.replace(b"1.1", b"1.0") + b"\r\n" + PAGE,
    "chunked": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n40\r\n%b\r\n%x;a=b\r\n%b\r\n0\r\nX: y\r\n\r\n" % (PAGE[:64], len(PAGE) - 64, PAGE[64:]),
    "gzip": HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED,
    "gzip, chunked": HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(PACKED), PACKED),
    "after an interim answer": b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    + HEAD
    + b"Content-Length: %d\r\n\r\n" % len(PAGE)
    + PAGE,
}


def http(page: bytes, name: str) -> Kind:
    """A server of one page."""

    @asynccontextmanager
    async def awake(mouth: Mouth) -> AsyncIterator[Look]:
        mouth.others.extend(PAGES.values())

        async def talk(reader: object, writer: object) -> None:
            await webs.saying(mouth.spoil(page) or b"")(reader, writer)  # type: ignore[arg-type]

        async with webs.listening(talk) as port, Vantage.of() as vantage:
            yield lambda: look_at("http", f"http://127.0.0.1:{port}/", {"expect_text": "silakan masuk"}, TIMEOUT, vantage)

    return Kind(f"HTTP, {name}", awake, lines, STREAM, rights.http)


# -- ICMP: on a network of which we play every machine

TARGETS = {True: "198.18.0.9", False: "2001:db8::9"}


def icmp(family: int, *errors: tuple[int, int]) -> Kind:
    """Replies to a ping, behind which a router's word lies; or those errors of a router, behind which the reply lies."""
    target = TARGETS[family == 4]

    @asynccontextmanager
    async def awake(mouth: Mouth) -> AsyncIterator[Look]:
        def habit(asked: Packet) -> list[bytes]:
            reply, refusal = asked.reply(), asked.error(3 if family == 4 else 1, 1)
            good, then = (asked.error(*mouth.chance.choice(errors)), reply) if errors else (reply, refusal)
            loop.call_soon(loop.call_soon, network.say, then)  # when the other was heard: an error is told before a reply
            return [spoilt(mouth, good)]

        loop = asyncio.get_running_loop()

        with own_network(), liars() as network:
            network.live(target, habit)
            async with Vantage.of() as vantage:
                yield lambda: look_at("icmp", target, {}, TIMEOUT, vantage)

    name = f"ICMP {family}, {'errors' if errors else 'replies'}"
    return Kind(name, awake, words(2), PACKET, rights.icmp_error if errors else rights.icmp_reply, Verdict.FAIL if errors else Verdict.OK)


def spoilt(mouth: Mouth, good: Packet) -> bytes:
    """The packet spoilt on the wire; or what it holds, and its sums right again, so that the kernel hands it on."""
    wire = good.wire()
    if mouth.chance.random() < 0.3:
        return mouth.spoil(wire) or b"\0"
    mouth.spoil(good.body)
    mouth.good, mouth.said = wire, replace(good, body=mouth.said or b"").wire()
    return mouth.said


KINDS = (
    snmp("1", "pysnmp"),
    snmp("2c", "pysnmp"),
    snmp("2c", "fast"),
    snmp("2c", "pysnmp", table=True),
    snmp("2c", "fast", table=True),
    snmp3("pysnmp"),
    snmp3("pysnmp", auth=agents_v3.AUTH),
    snmp3("fast"),
    snmp3("fast", auth=agents_v3.AUTH),
    dns_kind("DNS", f"{nameservers.NAME} 60 IN A {EXPECTED}"),
    dns_kind("DNS, an alias", *RECORDS),
    dns_kind("DNS over TCP", *RECORDS, by_stream=True),
    Kind("NTP", time_server, words(4), DATAGRAM, rights.ntp),
    icmp(4),
    icmp(6),
    icmp(4, (3, 1), (3, 3), (3, 13), (11, 0), (12, 0)),
    icmp(6, (1, 0), (1, 1), (1, 3), (1, 4), (3, 0), (4, 0)),
    *(http(page, name) for name, page in PAGES.items()),
)
