"""A clock under the test's thumb: it stands still until it is told to go on."""

import asyncio
import heapq
from collections.abc import Callable


class Alarm:
    def __init__(self, act: Callable[[], None]) -> None:
        self.act: Callable[[], None] | None = act

    def cancel(self) -> None:
        self.act = None


class VirtualClock:
    """Calls what was arranged in order of time, and lets tasks run in between."""

    def __init__(self, at: float = 1_000_000.0) -> None:
        self.at = at
        self._alarms: list[tuple[float, int, Alarm]] = []
        self._serial = 0

    def now(self) -> float:
        return self.at

    def call_at(self, when: float, act: Callable[[], None]) -> Alarm:
        alarm = Alarm(act)
        self._serial += 1
        heapq.heappush(self._alarms, (when, self._serial, alarm))
        return alarm

    async def go(self, seconds: float) -> None:
        """Let that much time pass."""
        until = self.at + seconds
        await settle()
        while self._alarms and self._alarms[0][0] <= until:
            when, _, alarm = heapq.heappop(self._alarms)
            self.at = max(self.at, when)
            if alarm.act is not None:
                alarm.act()
                await settle()
        self.at = until

    def jump(self, seconds: float) -> None:
        """Let time pass in which nobody could do anything: the loop stalls or the machine sleeps."""
        self.at += seconds

    async def pass_by(self, seconds: float) -> None:
        """Wait until so much time has passed."""
        passed = asyncio.Event()
        self.call_at(self.at + seconds, passed.set)
        await passed.wait()


async def settle() -> None:
    """Let every task run until it waits for something."""
    for _ in range(6):
        await asyncio.sleep(0)
