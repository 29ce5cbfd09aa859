"""gufo_snmp (the extra `fast`) as a codec: it turns questions into bytes and bytes into rows, and never sees the network.

It can only speak through a socket of its own, so that is exchanged for one end of a pair, and what goes out and comes in is ours to
check. That is needed: version 0.13 compares neither names nor digests, takes an error for an empty answer, and panics at an empty
binding. Whatever it does not read plainly is "in doubt": None, and somebody slower and stricter reads it.
"""

import functools
import importlib.util
import os
import socket
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from monitor.core.verdict import Reason
from monitor.probes.ber import Oid
from monitor.probes.faults import Fault
from monitor.probes.snmp_idle import Idle
from monitor.probes.snmp_message import Kind, Rows

NOT_THERE = "the back end `fast` needs the package gufo_snmp: pip install 'pantau[fast]'"
OUTSIDE: Oid = ()
"""The name of a row that lies outside the column that was walked."""
_LARGEST = 65_535


def wants_fast(backend: str) -> bool:
    """Tell whether gufo_snmp is to be used: by setting, or because it is there. Raises Fault where it is set, but not there."""
    there = installed()
    if backend == "fast" and not there:
        raise Fault(Reason.INTERNAL, NOT_THERE)
    return there and backend != "pysnmp"


@functools.cache
def installed() -> bool:
    """Tell whether gufo_snmp is there."""
    return importlib.util.find_spec("gufo") is not None and importlib.util.find_spec("gufo.snmp") is not None


class _Unbroken:
    """A panic of Rust ends what is within, and nothing else: it is no Exception, and would end the whole look."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> bool:
        return kind is not None and kind.__name__ == "PanicException"


@dataclass(slots=True)
class _Walk:
    """Where a walk is: gufo keeps the place, and tells only names under the column at which it began."""

    column: Oid
    repetitions: int
    last: Oid
    place: Any


class Codec:
    """One socket of gufo's, made by `make` for an address, and its peer."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        from gufo.snmp import SnmpError  # noqa: PLC0415 - an extra: only where it is there

        os.environ["RUST_BACKTRACE"] = "0"  # else a panic writes down its whole way, for 50 ms of the loop
        self._doubts = (SnmpError, StopAsyncIteration, OSError, ValueError, RuntimeError)
        self.gufo = make("127.0.0.1:9")  # opened, but nothing leaves by it
        self._near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        with far:
            os.dup2(far.fileno(), self.gufo.get_fd(), inheritable=False)
        self._walk: _Walk | None = None
        self._names: list[str] = []

    def close(self) -> None:
        """Close both sockets."""
        self._near.close()
        self.gufo = None

    def rest(self) -> None:
        """Forget where the last walk was."""
        self._walk = None

    def encode(self, kind: Kind, oids: Sequence[Oid], repetitions: int) -> bytes | None:
        """Return a question in wire form; None where gufo has no such question."""
        if kind == "get":
            self._names = [_dotted(oid) for oid in oids]
            return self.said(lambda: self.gufo.send_get_many(self._names))
        walk = self._from(oids[0], repetitions) if len(oids) == 1 else None
        if walk is None:
            return None
        return self.said(lambda: (self.gufo.send_get_bulk if kind == "bulk" else self.gufo.send_get_next)(walk.place))

    def said(self, speak: Callable[[], object]) -> bytes | None:
        """Return what gufo sends when it is told to."""
        try:
            speak()
            return self._near.recv(_LARGEST)
        except self._doubts:
            return None

    def hears(self, data: bytes, listen: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever gufo makes of it
        """Return what gufo makes of these bytes; None in doubt."""
        with _Unbroken():
            try:
                self._near.send(data)
                return listen()
            except self._doubts:
                return None
        return None

    def decode(self, kind: Kind, oids: Sequence[Oid], data: bytes) -> Rows | None:
        """Return the rows of an answer to the question that was encoded last; None in doubt."""
        if kind == "get":
            found = self.hears(data, self.gufo.recv_get_many)
            if found is None or list(found) != self._names:
                return None
            return _plain(list(zip(oids, found.values(), strict=True)))
        walk = self._walk
        if walk is None or walk.last != oids[0]:
            return None
        listen = self.gufo.recv_get_bulk if kind == "bulk" else self.gufo.recv_get_next
        found = self.hears(data, lambda: listen(walk.place))
        if found is None:
            return None
        rows = _plain([(_parts(row[0]), row[1]) if row else (OUTSIDE, None) for row in (found if kind == "bulk" else [found])])
        if rows:
            walk.last = next((name for name, _ in reversed(rows) if name), walk.last)
        return rows

    def _from(self, name: Oid, repetitions: int) -> _Walk | None:
        """The walk that is at this name, or one that begins there; None where gufo has lost its place."""
        from gufo.snmp._fast import GetIter  # noqa: PLC0415 - an extra: only where it is there

        walk = self._walk
        if walk is None or name[: len(walk.column)] != walk.column or name == walk.column:
            walk = self._walk = _Walk(name, repetitions, name, GetIter(_dotted(name), repetitions))
        return walk if walk.last == name and walk.repetitions == repetitions else None


class Codecs(Idle[Codec]):
    """The codecs of a vantage that nobody uses now."""

    takes = 2

    def give(self, key: Hashable, thing: Codec) -> None:
        """Keep it for the next look, but not where its last walk was."""
        thing.rest()
        super().give(key, thing)


@functools.lru_cache(4096)
def _dotted(oid: Oid) -> str:
    return ".".join(map(str, oid))


@functools.lru_cache(16_384)
def _parts(name: str) -> Oid:
    """Names recur, from look to look and from device to device."""
    return tuple(map(int, name.split(".")))


def _plain(rows: Sequence[tuple[Oid, Any]]) -> Rows | None:
    """The rows with values as everywhere: gufo tells an OID, or an address, as text; None where it made something else."""
    found: Rows = []
    for name, value in rows:
        kind = type(value)
        if kind is int or kind is bytes or value is None:
            found.append((name, value))
        elif kind is str:
            found.append((name, _parts(value)))
        else:
            return None
    return found
