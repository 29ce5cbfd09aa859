"""A small SNMP agent, v1 and v2c (RFC 1157, 3416): GET, GETNEXT and GETBULK over a recording and the station's live interfaces.

A wrong community is met with silence, as every device does. An answer never exceeds one datagram.
"""

import asyncio
import bisect
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from monitor.lab.snmp_mib import Interfaces
from monitor.lab.snmp_recording import SYS_LOCATION, SYS_NAME, SYS_UPTIME, Row
from monitor.lab.snmp_trap import TRAP_PORT, link_trap
from monitor.probes import ber
from monitor.probes.ber import Oid

_GET, _GETNEXT, _RESPONSE, _SET, _GETBULK = 0xA0, 0xA1, 0xA2, 0xA3, 0xA5
_V1, _V2C = 0, 1
_NO_SUCH_NAME, _NOT_WRITABLE = 2, 17
_NO_SUCH_INSTANCE, _END = b"\x81\x00", b"\x82\x00"
_NOTHING = ber.tlv(ber.NULL, b"")
_COUNTER64, _TICKS = 70, 67
_LARGEST = 1400
_MOST = 64
_WAITING = 64


@dataclass(frozen=True, slots=True)
class Question:
    """A request as it came; `first` and `second` are error fields, or GETBULK's non-repeaters and max-repetitions."""

    version: int
    community: bytes
    kind: int
    number: int
    first: int
    second: int
    names: tuple[Oid, ...]


class Agent(asyncio.DatagramProtocol):
    """Answers for one station; `booted` tells when it last started (monotonic), `named` is its sysName and sysLocation."""

    def __init__(
        self, communities: set[str], recorded: Sequence[Row], live: Interfaces, booted: Callable[[], float], named: tuple[str, str]
    ) -> None:
        self._communities = {community.encode() for community in communities}
        self._recorded = recorded
        self._live = live
        self._booted = booted
        self._named = named
        self._transport: asyncio.DatagramTransport | None = None
        self._answering: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # Python 3.11 does not derive its own from it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        with suppress(ValueError):  # what is no SNMP gets no answer
            question = read(data)
            if question.community in self._communities and len(self._answering) < _WAITING:
                task = asyncio.create_task(self._send(question, addr))
                self._answering.add(task)
                task.add_done_callback(self._answering.discard)

    def error_received(self, exc: Exception) -> None:
        """The asker's port is closed or a lossy link ate the answer: nobody to tell."""

    async def moved(self, port: str, community: str, to: str, *, up: bool) -> None:
        """Say by a trap that a port went dark or came back; it may get lost on the way, as any."""
        index = await self._live.index(port)
        if self._transport and index:
            self._transport.sendto(link_trap(community, index, self._ticks(), up=up), (to, TRAP_PORT))

    async def _send(self, question: Question, addr: tuple[str, int]) -> None:
        answer = self.answer(question, View(self._recorded, self._own() + await self._live.rows()))
        if self._transport:
            self._transport.sendto(answer, addr)

    def _own(self) -> list[Row]:
        name, place = (ber.tlv(ber.OCTETS, text.encode()) for text in self._named)
        return [(SYS_UPTIME, ber.integer(self._ticks(), _TICKS)), (SYS_NAME, name), (SYS_LOCATION, place)]

    def _ticks(self) -> int:
        return int((time.monotonic() - self._booted()) * 100) % (1 << 32)

    @staticmethod
    def answer(question: Question, view: "View") -> bytes:
        """Return the answer in wire form."""
        if question.kind == _GETBULK:
            return write(question, _bulk(question, view))
        if question.kind == _SET:
            return write(
                question, [(name, _NOTHING) for name in question.names], _NO_SUCH_NAME if question.version == _V1 else _NOT_WRITABLE, 1
            )
        rows: list[Row] = []
        for place, name in enumerate(question.names, start=1):
            row = view.at(name) if question.kind == _GET else view.after(name, v1=question.version == _V1)
            if question.version == _V1 and row[1] in {_NO_SUCH_INSTANCE, _END}:
                return write(question, [(asked, _NOTHING) for asked in question.names], _NO_SUCH_NAME, place)
            rows.append(row)
        return write(question, rows)


class View:
    """What an agent knows at one moment: two lists in order, read as one."""

    def __init__(self, recorded: Sequence[Row], live: Sequence[Row]) -> None:
        self._lists = (recorded, live)

    def at(self, name: Oid) -> Row:
        """The row of this name, or that there is none."""
        for rows in self._lists:
            place = bisect.bisect_left(rows, (name,))
            if place < len(rows) and rows[place][0] == name:
                return rows[place]
        return name, _NO_SUCH_INSTANCE

    def after(self, name: Oid, *, v1: bool = False) -> Row:
        """The next row; for v1 the next that v1 can say (it has no Counter64)."""
        while True:
            found = [rows[place] for rows in self._lists if (place := bisect.bisect_left(rows, ((*name, -1),))) < len(rows)]
            found = [row for row in found if row[0] > name]
            if not found:
                return name, _END
            row = min(found)
            if not v1 or row[1][0] != _COUNTER64:
                return row
            name = row[0]


def _bulk(question: Question, view: View) -> list[Row]:
    """GETBULK (RFC 3416, 4.2.3): as many rows as fit into a datagram, at least one round."""
    once = max(0, min(question.first, len(question.names)))
    rows = [view.after(name) for name in question.names[:once]]
    names = list(question.names[once:])
    size = 100 + sum(len(value) + 3 * len(name) for name, value in rows)
    for _round in range(min(max(0, question.second), _MOST) if names else 0):
        found = [view.after(name) for name in names]
        size += sum(len(value) + 2 * len(name) + 6 for name, value in found)
        if rows and size > _LARGEST:
            break
        rows += found
        names = [name for name, _value in found]
        if all(value == _END for _name, value in found):
            break
    return rows


def read(data: bytes) -> Question:
    """Read a request; ValueError for anything else."""
    (version, community), pdu = _parts(ber.sole(data, ber.SEQUENCE))
    number, first, second, names = list(ber.items(pdu[1]))
    asked = tuple(_name(binding) for _tag, binding in ber.items(names[1]))
    if version[0] != ber.INTEGER or pdu[0] not in {_GET, _GETNEXT, _SET, _GETBULK} or len(asked) > 128:
        raise ValueError("no request of ours")
    said = ber.read_integer(version[1])
    if said not in {_V1, _V2C} or (said == _V1 and pdu[0] == _GETBULK):
        raise ValueError("no version of ours")
    return Question(said, community[1], pdu[0], ber.read_integer(number[1]), ber.read_integer(first[1]), ber.read_integer(second[1]), asked)


def _name(binding: bytes) -> ber.Oid:
    (_tag, name), *_value = ber.items(binding)
    return ber.read_oid(name)


def _parts(message: bytes) -> tuple[tuple[tuple[int, bytes], tuple[int, bytes]], tuple[int, bytes]]:
    version, community, pdu = list(ber.items(message))
    return (version, community), pdu


def write(question: Question, rows: Sequence[Row], error: int = 0, place: int = 0) -> bytes:
    """Return a response in wire form."""
    bindings = b"".join(ber.tlv(ber.SEQUENCE, ber.oid(name) + value) for name, value in rows)
    fields = ber.integer(question.number) + ber.integer(error) + ber.integer(place) + ber.tlv(ber.SEQUENCE, bindings)
    message = ber.integer(question.version) + ber.tlv(ber.OCTETS, question.community) + ber.tlv(_RESPONSE, fields)
    return ber.tlv(ber.SEQUENCE, message)
