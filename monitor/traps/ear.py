"""One socket that traps come by: read in bounded slices, however many come.

After each slice it rests: what comes meanwhile waits in the kernel, and costs one waking instead of one a datagram.
"""

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import Callable
from ipaddress import ip_address

from monitor.core.errors import PantauError
from monitor.probes.icmp_open import BUFFER, SO_RCVBUFFORCE
from monitor.probes.icmp_ring import SIZE, Ring

LONGEST = 4096
"""Bytes of a datagram that are read; a longer one is no trap of a device that wants to be heard."""
SLICES, REST = 4, 0.01
"""As many slices of `SIZE` datagrams are read in one turn of the loop, and so many seconds lie between two turns."""
_NAME = 28

Hear = Callable[["Ear", bytes, int, int], None]
"""Takes the packed address of a sender, and for `Ear.copy` the place and the length of what it sent, which is only there now."""


class Ear:
    """A bound socket in the loop. Raises PantauError: why it cannot be bound, and what to do."""

    def __init__(self, listen: str, hear: Hear) -> None:
        host, _, port = listen.rpartition(":")
        address = ip_address(host.strip("[]"))
        self._at = (8, 24) if address.version == 6 else (4, 8)
        self._socket = _bound(str(address), int(port), listen)
        self._ring = Ring(_NAME + LONGEST + 4, (0, _NAME), (0, 0), (_NAME, LONGEST + 1))
        self._records, self._hear = memoryview(self._ring.buffer), hear
        self._loop = asyncio.get_running_loop()
        self._resting: asyncio.TimerHandle | None = None
        self.port: int = self._socket.getsockname()[1]
        self._listen()

    def close(self) -> None:
        """Hear nothing more."""
        if self._resting is not None:
            self._resting.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def copy(self, place: int, length: int) -> tuple[bytes, bytes]:
        """Return a datagram and, for `answer`, who sent it."""
        begin = place + _NAME
        return bytes(self._records[begin : begin + length]), bytes(self._records[place:begin])

    def answer(self, sender: bytes, data: bytes) -> None:
        """Send an answer; what the kernel has no room for is lost, as on any network."""
        first, last = self._at
        host, port = str(ip_address(sender[first:last])), int.from_bytes(sender[2:4], "big")
        scope = (0, int.from_bytes(sender[24:28], sys.byteorder)) if last == 24 else ()
        with contextlib.suppress(OSError):
            self._socket.sendto(data, (host, port, *scope))

    def _listen(self) -> None:
        self._loop.add_reader(self._socket, self._read)

    def _read(self) -> None:
        self._loop.remove_reader(self._socket)
        self._resting = self._loop.call_later(REST, self._listen)
        with contextlib.suppress(OSError):  # a pending error of the socket is nobody's trap
            for _ in range(SLICES):
                got = self._ring.receive(self._socket.fileno())
                if got:
                    self._hand_on(got)
                if got < SIZE:
                    break

    def _hand_on(self, got: int) -> None:
        first, last = self._at
        for index, length in self._ring.shorter(got, LONGEST + 2):
            place = index * self._ring.stride
            self._hear(self, bytes(self._records[place + first : place + last]), place, length)


def _bound(host: str, port: int, listen: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as opened:
        try:
            made = opened.enter_context(socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC))
            _set(made)
            made.bind((host, port))
        except OSError as error:
            raise PantauError(f"traps: {listen}: {_advice(error)}") from error
        opened.pop_all()
        return made


def _set(made: socket.socket) -> None:
    if made.family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    except OSError:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)


def _advice(error: OSError) -> str:
    match error.errno:
        case errno.EACCES:
            return "no permission for this port: give the service CAP_NET_BIND_SERVICE (docs/operating.md), or listen above 1023"
        case errno.EADDRINUSE:
            return "the port is taken; stop what listens there (snmptrapd?), or choose another"
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return "this machine has no such address; listen at one that it has"
        case _:
            return f"{error.strerror or error}"
