"""Asking an SNMP agent of version 1 or 2c over a socket of our own, connected to the one agent.

A connected socket hears nobody else. An answer counts when its request id, its kind and its names fit; whatever else
comes is counted and passed over, and when time runs out the reason says that something came which could not be read.
"""

import asyncio
import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor.core.verdict import Reason
from monitor.probes import snmp_message
from monitor.probes.attempt import Attempt
from monitor.probes.ber import Oid
from monitor.probes.faults import Fault
from monitor.probes.snmp_line import Line, Lines
from monitor.probes.snmp_memory import SILENT, Memory
from monitor.probes.snmp_message import NO_SUCH_NAME, STATUSES, TOO_BIG, Answer, Kind, Rows
from monitor.probes.vantage import Vantage

MAX_BYTES = 8 * 1024 * 1024
"""Bytes of answers in one look."""


class TooBigError(Exception):
    """The answer does not fit: ask for less at once, a `part` of it."""

    def __init__(self, part: int = 2) -> None:
        """Keep the part."""
        super().__init__(part)
        self.part = part


class Agent(Protocol):
    """Something that answers requests; `memory` outlives the look."""

    memory: Memory

    async def open(self, address: str, port: int) -> None:
        """Aim at the agent. Raises Fault."""

    async def request(self, kind: Kind, oids: Sequence[Oid], repetitions: int = 0) -> Rows:
        """Ask once; an empty list means that there is nothing (more) by that name. Raises Fault, TooBigError."""

    def close(self) -> None:
        """Let go of the socket."""


@dataclass(slots=True)
class Asked:
    """A question that is out: what, by which number last, and who waits; the answer None means that nothing came in time."""

    kind: Kind
    oids: tuple[Oid, ...]
    repetitions: int
    answer: "asyncio.Future[Rows | None]" = field(init=False)
    number: int = 0


class Community:
    """One agent asked by community; `versions` are tried in turn until one is answered."""

    def __init__(self, community: str, versions: Sequence[str], memory: Memory, attempt: Attempt, vantage: Vantage) -> None:
        self.memory = memory
        self._community = community
        self._versions = versions
        self._attempt = attempt
        self._lines = vantage.share(Lines)
        self._way: tuple[str, int] = ("", 0)
        self._line: Line | None = None
        self._owed: set[int] = set()  # what nothing came to yet
        self._waiting: dict[int, Asked | None] = {}  # None: answered, or given up
        self._bytes = 0

    async def open(self, address: str, port: int) -> None:
        """Connect to the agent. Raises Fault `no_route` where the kernel knows no way."""
        self._way = address, port
        self._line = self._lines.open(address, port)
        self._line.use(self._hear, self._fail)

    def close(self) -> None:
        """Keep the socket where nothing can come to it any more, else close it; what is still waited for is given up."""
        if self._line is not None:
            self._line.rest()
            if self._owed:
                self._line.close()
            else:
                self._lines.give(self._way, self._line)
        self._waiting.clear()

    async def request(self, kind: Kind, oids: Sequence[Oid], repetitions: int = 0) -> Rows:
        """Ask again and again until there is an answer; the time-out is the look's. A silent GETBULK is asked for less."""
        again = max(0.1, self._attempt.timeout / (8 if kind == "bulk" else 5))
        loop = asyncio.get_running_loop()
        asked = Asked(kind, tuple(oids), repetitions)
        before = self._attempt.late, self._attempt.doing
        numbers: list[int] = []
        try:
            for turn in itertools.count():
                asked.answer = loop.create_future()
                timer = loop.call_later(again, _silent, asked.answer)
                version = self.memory.version or self._versions[max(0, turn - 1) % len(self._versions)]
                numbers.append(self._send(version, asked))
                try:
                    rows = await asked.answer
                finally:
                    timer.cancel()
                if rows is not None:
                    self._attempt.late, self._attempt.doing = before
                    return rows
                self.memory.silent(again)
                if self._line is not None:
                    self._line.look_round()
                if kind == "bulk" and turn:
                    raise TooBigError(SILENT)  # two in a row unanswered: a large answer may be lost on the way
        finally:
            self._waiting.update(dict.fromkeys(numbers))
        raise AssertionError("unreachable")  # pragma: no cover

    def _send(self, version: str, asked: Asked) -> int:
        number, question = self._question(version, asked)
        asked.number = number
        self._waiting[number] = asked
        self._owed.add(number)
        if self._line is not None:
            self._line.send(question)
        return number

    def _question(self, version: str, asked: Asked) -> tuple[int, bytes]:
        """The request id, and the question in wire form."""
        number = secrets.randbelow(2**31 - 1) + 1
        kind: Kind = "next" if asked.kind == "bulk" and version == "1" else asked.kind
        return number, snmp_message.question(version, self._community, kind, asked.oids, asked.repetitions, number)

    def _read(self, data: bytes) -> Answer:
        """What came. Raises ValueError."""
        return snmp_message.answer(data)

    def _hear(self, data: bytes) -> None:
        self._bytes += len(data)
        try:
            came = self._read(data)
        except ValueError:
            self._odd("it answers what cannot be read")
            return
        if came.number not in self._waiting:
            self._odd("it answers something that was not asked")
        self._owed.discard(came.number)
        asked = self._waiting.get(came.number)
        if asked is not None and not asked.answer.done():
            self._take(came, asked)

    def _take(self, came: Answer, asked: Asked) -> None:
        if self._bytes > MAX_BYTES:
            asked.answer.set_exception(Fault(Reason.SNMP_ERROR, f"it answers more than {MAX_BYTES} bytes"))
        elif came.status == 0 and not fits(asked.kind, asked.oids, asked.repetitions, came.rows):
            self._odd("it answers something that was not asked")
        else:
            self.memory.version = came.version
            if came.number != asked.number:
                self.memory.late()
            if came.status == TOO_BIG:
                asked.answer.set_exception(TooBigError())
            elif came.status not in {0, NO_SUCH_NAME}:
                asked.answer.set_exception(refusal(came.status))
            else:
                self.memory.answered(at_once(asked.kind, asked.repetitions), len(came.rows), came.size)
                asked.answer.set_result([] if came.status else came.rows)

    def _fail(self, fault: Fault) -> None:
        for asked in self._waiting.values():
            if asked is not None and not asked.answer.done():
                asked.answer.set_exception(fault)

    def _odd(self, what: str) -> None:
        self._attempt.late, self._attempt.doing = Reason.SNMP_ERROR, what


def _silent(answer: "asyncio.Future[Rows | None]") -> None:
    if not answer.done():
        answer.set_result(None)


def refusal(status: int) -> Fault:
    """Return the reason that an error status is: where the agent lets us see too little, it lives, and what we were given is ours."""
    word = STATUSES[status] if 0 <= status < len(STATUSES) else "of no name"
    if word in {"noAccess", "authorizationError"}:
        return Fault(
            Reason.SNMP_AUTH, f"the agent does not let us see that ({word}): give our user, at this level of security, the right to"
        )
    return Fault(Reason.SNMP_ERROR, f"the agent answers with error status {status} ({word})")


def at_once(kind: Kind, repetitions: int) -> int:
    """How many rows of a column were asked for."""
    return {"get": 0, "next": 1, "bulk": repetitions}[kind]


def fits(kind: Kind, asked: Sequence[Oid], repetitions: int, rows: Rows) -> bool:
    """Tell whether these rows can be the answer to that question."""
    if kind == "get":
        return [name for name, _ in rows] == list(asked)
    return 0 < len(rows) <= max(1, repetitions) * len(asked) if kind == "bulk" else len(rows) == len(asked)
