"""An SNMP agent of version 3 for tests (RFC 3412, 3414), without a key or with SHA: what snmpd never does, it can be told to do."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import cast

from monitor.core.errors import PantauError
from monitor.lab.snmp_agent import Agent, Question
from monitor.probes import Vantage, ber, read_options
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault
from monitor.probes.snmp_engine import Engines
from monitor.probes.snmp_memory import Memory
from monitor.probes.snmp_user import User
from tests.agents import Ordered, Row

AUTH = "rahasia-otentikasi"
_REPORT, _USM, _AUTH_FLAG = 0xA8, 3, 1
_STATS = (1, 3, 6, 1, 6, 3, 15, 1, 1)
NOT_IN_TIME, UNKNOWN_USER, UNKNOWN_ENGINE, WRONG_DIGEST = 2, 3, 4, 5
_BLANK = b"\0" * 12


@dataclass(frozen=True)
class Asked:
    """One question of version 3 as it came."""

    number: int
    flags: int
    engine: bytes
    boots: int
    time: int
    user: bytes
    digest: bytes
    raw: bytes
    question: Question


@dataclass(frozen=True)
class Self:
    """What the agent says of itself; `blind` makes it answer everything with a report of that kind."""

    engine: bytes = b"\x80\x00\x1f\x88\x04pantau-a"
    boots: int = 3
    time: int = 1000
    users: tuple[bytes, ...] = (b"aman",)
    signs: bool = True
    blind: int = 0


Twist = Callable[[Asked, bytes], bytes | Sequence[bytes] | None]
"""What is sent instead of an answer."""


def master() -> bytes:
    """RFC 3414, A.2.2: the key of AUTH with SHA."""
    word = AUTH.encode()
    return hashlib.sha1((word * (1024 * 1024 // len(word) + 1))[: 1024 * 1024]).digest()  # noqa: S324 - the standard's


def derived(engine: bytes) -> bytes:
    """The key for this engine."""
    return hashlib.sha1(master() + engine + master()).digest()  # noqa: S324 - the standard's


class Peer3(asyncio.DatagramProtocol):
    """Answers as `who` says; `twist` may change the bytes of an answer before they are sent."""

    def __init__(self, rows: Sequence[Row], who: Self, twist: Twist) -> None:
        self.view = Ordered(rows)
        self.who = who
        self.questions = 0
        self.askers: list[tuple[str, int]] = []
        self._twist = twist
        self._keys: dict[bytes, bytes] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        asked = read(data)
        self.questions += 1
        self.askers.append(addr)
        said = self._twist(asked, self.answer(asked))
        for each in [said] if isinstance(said, bytes) else said or ():
            if self._transport is not None:
                self._transport.sendto(each, addr)

    def answer(self, asked: Asked) -> bytes:
        who = self.who
        wrong = who.blind if who.blind and asked.engine else self._wrong(asked)
        if wrong:
            return self._message(
                asked, ber.tlv(_REPORT, _pdu(asked, [((*_STATS, wrong, 0), ber.integer(1, 65))])), signed=wrong == NOT_IN_TIME
            )
        whole = Agent.answer(asked.question, self.view)
        _, _, (tag, pdu) = ber.items(ber.sole(whole, ber.SEQUENCE))
        return self._message(asked, ber.tlv(tag, pdu), signed=bool(asked.flags & _AUTH_FLAG))

    def _wrong(self, asked: Asked) -> int:
        if asked.engine != self.who.engine:
            return UNKNOWN_ENGINE
        if asked.user not in self.who.users:
            return UNKNOWN_USER
        if not asked.flags & _AUTH_FLAG:
            return 0
        if asked.digest != self._digest(asked.raw.replace(asked.digest, _BLANK)):
            return WRONG_DIGEST
        return NOT_IN_TIME if (asked.boots, abs(asked.time - self.who.time) <= 150) != (self.who.boots, True) else 0

    def _digest(self, message: bytes) -> bytes:
        key = self._keys.setdefault(self.who.engine, b"") or derived(self.who.engine)
        self._keys[self.who.engine] = key
        return hmac.digest(key, message, "sha1")[:12]

    def _message(self, asked: Asked, pdu: bytes, *, signed: bool) -> bytes:
        who, signed = self.who, signed and self.who.signs
        scoped = ber.tlv(ber.SEQUENCE, ber.tlv(ber.OCTETS, who.engine) + ber.tlv(ber.OCTETS, b"") + pdu)
        flags = ber.tlv(ber.OCTETS, bytes((_AUTH_FLAG if signed else 0,)))
        header = ber.tlv(ber.SEQUENCE, ber.integer(asked.number) + ber.integer(65507) + flags + ber.integer(_USM))
        texts = [ber.tlv(ber.OCTETS, text) for text in (asked.user, _BLANK if signed else b"", b"")]
        usm = ber.tlv(ber.SEQUENCE, b"".join([ber.tlv(ber.OCTETS, who.engine), ber.integer(who.boots), ber.integer(who.time), *texts]))
        whole = ber.tlv(ber.SEQUENCE, ber.integer(3) + header + ber.tlv(ber.OCTETS, usm) + scoped)
        return whole.replace(_BLANK, self._digest(whole), 1) if signed else whole


def read(data: bytes) -> Asked:
    """Read a question whose PDU is not encrypted."""
    _, (_, header), (_, parameters), (_, scoped) = ber.items(ber.sole(data, ber.SEQUENCE))
    (_, number), _, (_, flags), _ = ber.items(header)
    (_, engine), (_, boots), (_, time), (_, user), (_, digest), _ = ber.items(ber.sole(parameters, ber.SEQUENCE))
    _, _, (kind, pdu) = ber.items(scoped)
    (_, inner), (_, first), (_, second), (_, bindings) = ber.items(pdu)
    names = tuple(ber.read_oid(next(ber.items(binding))[1]) for _, binding in ber.items(bindings))
    question = Question(1, b"", kind, ber.read_integer(inner), ber.read_integer(first), ber.read_integer(second), names)
    return Asked(ber.read_integer(number), flags[0], engine, ber.read_integer(boots), ber.read_integer(time), user, digest, data, question)


def _pdu(asked: Asked, rows: Sequence[Row]) -> bytes:
    bindings = b"".join(ber.tlv(ber.SEQUENCE, ber.oid(name) + value) for name, value in rows)
    return ber.integer(asked.question.number) + ber.integer(0) + ber.integer(0) + ber.tlv(ber.SEQUENCE, bindings)


@asynccontextmanager
async def agent3(
    rows: Sequence[Row], who: Self | None = None, twist: Twist = lambda _, said: said, at: str = "127.0.0.1"
) -> AsyncIterator[tuple[int, Peer3]]:
    """Run an agent of version 3 on a free port of this address."""
    peer = Peer3(rows, who or Self(), twist)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: peer, local_addr=(at, 0))
    try:
        yield transport.get_extra_info("sockname")[1], peer
    finally:
        transport.abort()


def other(who: Self, name: bytes) -> Self:
    """Another device: its own engine, its own boots."""
    return replace(who, engine=b"\x80\x00\x1f\x88\x04" + name, boots=1, time=7)


async def warm(keys: dict[str, object], port: int, vantage: Vantage) -> None:
    """Make the engine and the keys of a user: half a second of CPU that is none of the look's time."""
    user = User(read_options("snmp", keys), Memory(), vantage.share(Engines), Attempt(60))
    with suppress(Fault, PantauError):
        await user.open("127.0.0.1", port)
        user.close()
