"""Looks of several packets, or of packets sent in another manner, that begin together: one timer paces them all."""

import asyncio
from collections.abc import Callable, Sequence

from monitor.core.errors import PantauError
from monitor.probes.faults import fault_of
from monitor.probes.icmp_manner import IcmpOptions, Manner
from monitor.probes.icmp_pool import PingSockets
from monitor.probes.icmp_socket import PingSocket, Shot

End = Callable[[int, Sequence[Shot]], None]


class Train:
    """One look at each address of a family, all with the same keys; `ended` hears of each, by its place, when its packets are back."""

    def __init__(self, addresses: Sequence[bytes], options: IcmpOptions, pingers: PingSockets, ended: End) -> None:
        self._pingers, self._ended, self._manner = pingers, ended, Manner.of(options)
        self._count, self._interval = options.count, options.packet_interval
        self.looks = [pingers.shots([address] * self._count, self._back) for address in addresses]
        self._place = {shot: place for place, shots in enumerate(self.looks) for shot in shots}
        self._left = dict.fromkeys(range(len(addresses)), self._count)
        self.used: list[tuple[PingSocket, list[Shot]]] = []
        self._loop = asyncio.get_running_loop()
        self._gone = 0
        self._began = self._loop.time()
        self._next: asyncio.TimerHandle | None = None

    def go(self) -> None:
        """Send the next packet of every look, and arrange for the one after it."""
        shots = [shots[self._gone] for shots in self.looks]
        self._gone += 1
        if self._gone < self._count:
            self._next = self._loop.call_at(self._began + self._gone * self._interval, self.go)
        if self._count > 1:
            for shot in shots:
                self._pingers.echoes.keep(shot)  # so that a second reply is known
        try:
            self.used.append((self._pingers.send(shots, self._manner), shots))
        except (OSError, PantauError) as error:
            for shot in shots:
                shot.fault = fault_of(error)
                self._back(shot)

    def stop(self) -> None:
        """Take what has arrived so far, and wait no longer; `ended` hears of the looks that are left."""
        if self._next is not None:
            self._next.cancel()
        for pinger, shots in self.used:
            self._pingers.settle(pinger, shots)
        for place in sorted(self._left):
            self._end(place)

    def _back(self, shot: Shot) -> None:
        place = self._place[shot]
        if place in self._left:
            self._left[place] -= 1
            if not self._left[place]:
                self._end(place)

    def _end(self, place: int) -> None:
        del self._left[place]
        self._ended(place, self.looks[place])
