"""SNMP agents for tests, on loopback: a recording or a handful of rows, told rightly or with one twist."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from monitor.lab.snmp_agent import Agent, Question, View, read
from monitor.lab.snmp_recording import encoded
from monitor.probes import ber
from monitor.probes.ber import Oid

Row = tuple[Oid, bytes]
Answer = Callable[[Question, View], bytes | Sequence[bytes] | None]
COUNTER32, GAUGE32, TICKS, COUNTER64 = 65, 66, 67, 70
GET, NEXT, BULK = 0xA0, 0xA1, 0xA5


def honest(question: Question, view: View) -> bytes:
    """What the standard says."""
    return Agent.answer(question, view)


def text(value: str | bytes) -> bytes:
    return ber.tlv(ber.OCTETS, value if isinstance(value, bytes) else value.encode())


def system(name: str = "alat-uji", uptime: bytes | None = ber.integer(123_400, TICKS), descr: str | bytes = "RouterOS CHR") -> list[Row]:
    """The system group; `uptime` None leaves sysUpTime out."""
    base = (1, 3, 6, 1, 2, 1, 1)
    rows = [((*base, 1, 0), text(descr)), ((*base, 5, 0), text(name))]
    return sorted([*rows, ((*base, 3, 0), uptime)] if uptime is not None else rows)


def column(table: Oid, number: int, values: Mapping[int, bytes]) -> list[Row]:
    """One column of a table, in order of its index."""
    return [((*table, number, index), value) for index, value in sorted(values.items())]


class Peer(asyncio.DatagramProtocol):
    """An agent that answers as `answer` says; `heard` are the questions that came, `askers` from where. `via` sends in its place."""

    def __init__(self, rows: Sequence[Row], answer: Answer, via: socket.socket | None = None) -> None:
        self.view: View = Ordered(rows)
        self.answer = answer
        self.heard: list[Question] = []
        self.askers: list[tuple[str, int]] = []
        self._via = via
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            question = read(data)
        except ValueError:
            return  # what is no question gets no answer
        self.heard.append(question)
        self.askers.append(addr)
        said = self.answer(question, self.view)
        for each in [said] if isinstance(said, bytes) else said or ():
            if self._via is not None:
                self._via.sendto(each, addr)
            elif self.transport is not None:
                self.transport.sendto(each, addr)


class Ordered(View):
    """A view that tells its rows in the order in which they were given, doubles included, as careless devices do."""

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__(sorted(rows), ())
        self._names = [name for name, _ in rows]
        self._rows = rows
        self._sorted = self._names == sorted(set(self._names))

    def after(self, name: Oid, *, v1: bool = False) -> Row:
        if self._sorted or name not in self._names:
            return super().after(name, v1=v1)
        place = len(self._names) - self._names[::-1].index(name)
        return self._rows[place] if place < len(self._rows) else (name, b"\x82\x00")


@asynccontextmanager
async def agent(rows: Sequence[Row], answer: Answer = honest, via: str = "", address: str = "127.0.0.1") -> AsyncIterator[tuple[int, Peer]]:
    """Run an agent on a free port of this address; `via` is the one from which its answers come instead."""
    stray = socket.socket(type=socket.SOCK_DGRAM) if via else None
    if stray is not None:
        stray.bind((via, 0))
    peer = Peer(rows, answer, stray)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: peer, local_addr=(address, 0))
    try:
        yield transport.get_extra_info("sockname")[1], peer
    finally:
        transport.abort()
        if stray is not None:
            stray.close()


def recorded(path: Path) -> list[Row]:
    """The rows of a file of snmprec lines, in order; values that a simulator would make up are left out."""
    rows = dict(_rows(path.read_text(encoding="utf-8", errors="surrogateescape")))
    return sorted(rows.items())


def _rows(lines: str) -> Iterator[Row]:
    for line in lines.splitlines():
        dotted, tag, value = [*line.split("|", 2), "", ""][:3]
        if tag.removesuffix("x").isdecimal():  # else a value that goes on from the line before, or that a simulator would make up
            yield tuple(int(part) for part in dotted.strip(".").split(".")), encoded(tag, value)
