"""The shared ping sockets of one event loop: one a family and manner, changed now and then so that the ICMP id changes.

Some firewalls hold state by ICMP id and block an id for ever after one bad moment: so a fresh socket is taken every
`FRESH` seconds, and at once (but not more than once in `CALM` seconds) after a packet went unanswered.
"""

import asyncio
import os
import socket
import struct
import time
from collections.abc import Callable, Sequence

from monitor.probes.icmp_echoes import Echoes
from monitor.probes.icmp_family import FAMILIES, Family
from monitor.probes.icmp_manner import PLAIN, Manner
from monitor.probes.icmp_ring import SIZE
from monitor.probes.icmp_socket import PingSocket, Shot
from monitor.probes.vantage import Vantage

FRESH = 60.0
CALM = 1.0
REST = 0.005
"""Seconds before a packet is tried again for which the queue of the network card had no room."""
KEPT = 2
"""Old sockets that stay open though nobody waits there, to hear what comes too late."""
_TOKEN = struct.Struct("8s")


class PingSockets:
    """Sends shots and finds their replies; shared by all looks of a vantage. Not for more than one event loop."""

    def __init__(self, _: Vantage | None = None, *, fresh: float = FRESH, calm: float = CALM) -> None:
        self._loop = asyncio.get_running_loop()
        self._fresh = fresh
        self._calm = calm
        self._current: dict[tuple[int, Manner], PingSocket] = {}
        self._old: list[PingSocket] = []
        self._resting: set[PingSocket] = set()
        self.echoes = Echoes()

    def close(self) -> None:
        """Close all sockets."""
        for pinger in (*self._current.values(), *self._old):
            self._drop(pinger)
        self._current.clear()
        self._old.clear()

    def open(self) -> None:
        """Open the socket of IPv4 now. Raises NoPingSocketsError where the kernel refuses."""
        self._socket(FAMILIES[4], PLAIN)

    def shots(self, addresses: Sequence[bytes], done: Callable[[Shot], None]) -> list[Shot]:
        """Make a shot at each packed address; nothing is sent yet."""
        tokens = _TOKEN.iter_unpack(os.urandom(_TOKEN.size * len(addresses)))
        return [Shot(address, token, done) for address, (token,) in zip(addresses, tokens, strict=True)]

    def send(self, shots: Sequence[Shot], manner: Manner = PLAIN) -> PingSocket:
        """Send shots of one family; return the socket that they left by."""
        pinger = self._socket(FAMILIES[len(shots[0].address)], manner)
        pinger.send(shots)
        return pinger

    def flood(self, shots: Sequence[Shot], manner: Manner = PLAIN) -> PingSocket:
        """Send as `send` does, and take what is back meanwhile: that the loop is told of each reply would cost as much as to read it."""
        pinger = self._socket(FAMILIES[len(shots[0].address)], manner)
        self._loop.remove_reader(pinger.socket)
        try:
            for start in range(0, len(shots), SIZE):
                pinger.send(shots[start : start + SIZE])
                pinger.receive(most=SIZE)
        finally:
            self._loop.add_reader(pinger.socket, pinger.receive)
        return pinger

    def settle(self, pinger: PingSocket, shots: Sequence[Shot]) -> None:
        """Take what has arrived so far, then wait no longer for these shots."""
        if pinger.waiting and any(shot.seconds is None for shot in shots):
            pinger.receive()
        pinger.forget(shots)

    def _socket(self, family: Family, manner: Manner) -> PingSocket:
        current = self._current.get((family.address_size, manner))
        if current is not None:
            age = time.monotonic() - current.opened
            if age < self._fresh and not (current.lost and age >= self._calm):
                return current
        return self._renew(family, manner, current)

    def _renew(self, family: Family, manner: Manner, current: PingSocket | None) -> PingSocket:
        try:
            pinger = PingSocket(family, self._full, self.echoes, manner)
        except OSError:
            if current is not None:  # no descriptor left: the old id is better than no look
                return current
            raise
        self._loop.add_reader(pinger.socket, pinger.receive)
        self._current[family.address_size, manner] = pinger
        if current is not None:
            self._old.append(current)
        self._clear()
        return pinger

    def _clear(self) -> None:
        """Let go of sockets that nobody needs: manners that were not asked for of late, and all but the last of the old ones."""
        for key, pinger in list(self._current.items()):
            if key[1] != PLAIN and time.monotonic() - pinger.opened > 10 * FRESH:
                self._old.append(self._current.pop(key))
        for old in [old for old in self._old if not old.busy][:-KEPT]:
            self._old.remove(old)
            self._drop(old)

    def _full(self, pinger: PingSocket) -> None:
        if not pinger.crowded:
            self._loop.add_writer(pinger.socket, self._writable, pinger)
        elif pinger not in self._resting:
            self._resting.add(pinger)
            self._loop.call_later(REST, self._rested, pinger)

    def _rested(self, pinger: PingSocket) -> None:
        self._resting.discard(pinger)
        pinger.flush()

    def _writable(self, pinger: PingSocket) -> None:
        self._loop.remove_writer(pinger.socket)
        pinger.flush()

    def _drop(self, pinger: PingSocket) -> None:
        self._loop.remove_reader(pinger.socket)
        self._loop.remove_writer(pinger.socket)
        pinger.close()


def pack(address: str) -> bytes | None:
    """Return the bytes of a literal IPv4 or IPv6 address, None for anything else: a name, or an address of one link only (fe80::/10)."""
    try:
        if ":" not in address:
            return socket.inet_pton(socket.AF_INET, address)
        packed = socket.inet_pton(socket.AF_INET6, address)
    except (OSError, ValueError):  # ValueError: a zero byte, half a surrogate
        return None
    return None if packed[0] == 0xFE and packed[1] & 0xC0 == 0x80 else packed
