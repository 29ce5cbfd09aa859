"""Sockets that are connected to one agent each, and so hear nobody else.

A transport of asyncio's would cost as much as all the rest of a look. A socket is kept for the next look when all that was asked on it was
answered; what it hears in between is thrown away. It knows our own address, and the way, as they were when it was opened: when it fails
or stays silent, these are looked at anew.
"""

import asyncio
import socket
from collections.abc import Callable

from monitor.probes import wiretap
from monitor.probes.faults import Fault, fault_of, local_fault, way_fault
from monitor.probes.snmp_idle import Idle

LARGEST = 65_535
MOST_LATE = 16


class Line:
    """Open from the start; `heard` gets each datagram, `failed` the Fault that is the kernel's word (nobody listens, no way).

    Raises Fault `no_route`.
    """

    def __init__(self, address: str, port: int) -> None:
        self._to = address, port
        self._loop = asyncio.get_running_loop()
        self._socket = _connected(self._to)
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self.rest()

    def use(self, heard: Callable[[bytes], None], failed: Callable[[Fault], None]) -> None:
        """Let a look hear."""
        self._heard, self._failed = heard, failed

    def rest(self) -> None:
        """Let nobody hear: what comes now is too late."""
        self._heard = self._failed = self._too_late
        self._late = 0

    def send(self, data: bytes) -> None:
        """Send a datagram; when the kernel has no room for it, it is lost as on any line.

        What the kernel says of a way as it was is no news: only what it says of a fresh socket counts.
        """
        try:
            self._socket.send(data)
            wiretap.sent("snmp", self._to, data)
        except BlockingIOError:
            return
        except OSError:
            try:
                self._change(_connected(self._to))
                self._socket.send(data)
            except (Fault, OSError) as error:
                self._failed(fault_of(error))

    def look_round(self) -> None:
        """Nothing came: when the way to the agent begins at another address of ours by now, no answer ever could."""
        try:
            fresh = _connected(self._to)
        except Fault:
            return  # the next question will find it so
        if fresh.getsockname()[0] == self._socket.getsockname()[0]:
            fresh.close()
        else:
            self._change(fresh)

    @property
    def closed(self) -> bool:
        """Whether it heard so much at rest that it was closed."""
        return self._socket.fileno() < 0

    def close(self) -> None:
        """Close the socket; it may be closed."""
        if not self.closed:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _too_late(self, _: object) -> None:
        """Throw away what was not waited for; whoever does not stop is not listened to."""
        self._late += 1
        if self._late > MOST_LATE:
            self.close()

    def _change(self, fresh: socket.socket) -> None:
        self.close()
        self._socket = fresh
        self._loop.add_reader(fresh.fileno(), self._readable)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(LARGEST)
        except BlockingIOError:
            return
        except OSError as error:
            self._failed(way_fault(error))
            return
        wiretap.heard("snmp", self._to, data)
        self._heard(data)


class Lines(Idle[Line]):
    """The sockets of a vantage to agents that nobody asks now."""

    most = 4096

    def open(self, address: str, port: int) -> Line:
        """Return a line to an agent. Raises Fault `no_route` where the kernel knows no way."""
        kept = self.take((address, port))
        return Line(address, port) if kept is None or kept.closed else kept


def _connected(to: tuple[str, int]) -> socket.socket:
    """A socket that hears only this address and port. Raises Fault, which is ours: nothing was sent."""
    opened = None
    try:
        opened = socket.socket(
            socket.AF_INET6 if ":" in to[0] else socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        )
        opened.connect(to)
    except OSError as error:
        if opened is not None:
            opened.close()
        raise local_fault(error) from None
    return opened
