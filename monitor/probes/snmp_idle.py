"""What looks by SNMP use and what is dear to make, sockets and codecs, kept between looks: so long, and only so many."""

import asyncio
import resource
import time
from collections.abc import Hashable
from typing import Generic, TypeVar

from monitor.probes.vantage import Closable, Vantage

FEWEST = 4
PLENTY = 1024
"""Descriptors, of which nothing is kept for what nobody uses now; of what there is above, each kind keeps a quarter at most."""
LONGEST = 900.0
"""Seconds for which something is kept: whoever was not looked at for so long has gone."""

T = TypeVar("T", bound=Closable)


class Idle(Generic[T]):
    """Those that nobody uses now, by what they are made for; the one that waits longest goes first."""

    most = 256
    takes = 1
    """Descriptors that each of them holds."""

    def __init__(self, _: Vantage) -> None:
        self._idle: dict[Hashable, list[tuple[float, T]]] = {}
        self._count = 0
        self._alarm: asyncio.TimerHandle | None = None
        have = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if have != resource.RLIM_INFINITY:
            self.most = min(self.most, max(FEWEST, (have - PLENTY) // (4 * self.takes)))

    def close(self) -> None:
        """Close them all."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self._idle:
            self._close_oldest()

    def take(self, key: Hashable) -> T | None:
        """Return one that was made for this, to be used by nobody else until it is given back."""
        kept = self._idle.get(key)
        if kept is None:
            return None
        _, thing = kept.pop()
        self._count -= 1
        if not kept:
            del self._idle[key]
        return thing

    def give(self, key: Hashable, thing: T) -> None:
        """Keep it for the next look."""
        self._idle.setdefault(key, []).append((time.monotonic(), thing))
        self._count += 1
        if self._count > self.most:
            self._close_oldest()
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(LONGEST, self._sweep)

    def _close_oldest(self) -> None:
        key, kept = next(iter(self._idle.items()))
        _, thing = kept.pop(0)
        self._count -= 1
        if not kept:
            del self._idle[key]
        thing.close()

    def _sweep(self) -> None:
        """Close what was not used for too long, and come again while something is left."""
        limit = time.monotonic() - LONGEST
        for key, kept in list(self._idle.items()):
            self._idle[key] = [each for each in kept if each[0] > limit]
            for since, thing in kept:
                if since <= limit:
                    thing.close()
        self._idle = {key: kept for key, kept in self._idle.items() if kept}
        self._count = sum(map(len, self._idle.values()))
        self._alarm = asyncio.get_running_loop().call_later(LONGEST, self._sweep) if self._idle else None
