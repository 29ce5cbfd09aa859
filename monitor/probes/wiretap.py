"""What a look sends and hears, kept for a person who asks (`pantau probe --explain`).

Wherever bytes leave or come stands one line, `sent` or `heard`; what else there is to tell (a connection, hands shaken) is `noted`. Only
the command has a tape in its context: all others glance at `TAPE` and go on. What was kept means nothing yet: see `explained.py`.
"""

import asyncio
import re
import time
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

MOST, KEPT = 200, 16_384
"""Exchanges that are kept, and bytes of each."""
HTTP = HEAD, BODY = "http", "http/body"
END_OF_HEAD = re.compile(rb"\n\r?\n")

Peer = tuple[str, int]


class Way(Protocol):
    """A connection that knows whom it leads to, as a transport of asyncio's does."""

    def get_extra_info(self, name: str) -> Any:  # noqa: ANN401 - asyncio's
        """Return what is known by this name, as `peername`."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Something that was sent (`>`), heard (`<`) or noted (`·`), at a time on the monotonic clock, with its size on the way."""

    at: float
    way: str
    protocol: str
    peer: Peer
    size: int
    what: object

    def with_more(self, later: "Exchange") -> "Exchange | None":
        """Return both as one when the later is but more of the same: of a head of HTTP that has not ended, or of a body."""
        if (self.protocol, self.way, self.peer) != (later.protocol, later.way, later.peer) or self.protocol not in HTTP:
            return None
        if (
            not isinstance(self.what, bytes)
            or not isinstance(later.what, bytes)
            or (self.protocol == HEAD and END_OF_HEAD.search(self.what))
        ):
            return None
        return replace(self, size=self.size + later.size, what=(self.what + later.what)[:KEPT])


class Tape:
    """The exchanges of one look, up to `MOST`; `left_out` is how many came after these."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.exchanges: list[Exchange] = []
        self.left_out = 0

    def keep(self, way: str, protocol: str, to: Peer | Way, what: object, at: float = 0.0) -> None:
        """Keep an exchange of now, or of another time on the monotonic clock, if there is room."""
        peer = to if isinstance(to, tuple) else to.get_extra_info("peername") or ("-", 0)
        size, kept = (len(what), bytes(what[:KEPT])) if isinstance(what, bytes | bytearray | memoryview) else (0, what)
        exchange = Exchange(at or time.monotonic(), way, protocol, (peer[0], peer[1]), size, kept)
        if self.exchanges and (both := self.exchanges[-1].with_more(exchange)):
            self.exchanges[-1] = both
        elif len(self.exchanges) < MOST:
            self.exchanges.append(exchange)
        else:
            self.left_out += 1


TAPE: ContextVar[Tape | None] = ContextVar("tape", default=None)


def sent(protocol: str, to: Peer | Way, data: bytes) -> None:
    """Keep what was just sent."""
    if (tape := TAPE.get()) is not None:
        tape.keep(">", protocol, to, data)


def heard(protocol: str, by: Peer | Way, data: bytes) -> None:
    """Keep what just came."""
    if (tape := TAPE.get()) is not None:
        tape.keep("<", protocol, by, data)


def noted(protocol: str, about: Peer | Way, what: object) -> None:
    """Keep what else is to be told."""
    if (tape := TAPE.get()) is not None:
        tape.keep("·", protocol, about, what)


def tapped(transport: asyncio.Transport) -> asyncio.Transport:
    """Return the transport of a request, or one in its place that keeps what is written to it."""
    return transport if TAPE.get() is None else cast("asyncio.Transport", _Tapped(transport))


class _Tapped:
    """All that the transport below is, but that it keeps what is written: first a head, then of the body how much there is."""

    def __init__(self, below: asyncio.Transport) -> None:
        self._below, self._next = below, HEAD

    def write(self, data: bytes) -> None:
        sent(self._next, self._below, data)
        self._next = BODY
        self._below.write(data)

    def writelines(self, pieces: Iterable[bytes]) -> None:
        self.write(b"".join(pieces))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the transport has
        return getattr(self._below, name)
