"""One timeline: epoch seconds, anchored once to a clock that never jumps.

The wall clock may be set; the timeline goes on as if it had not, and says by how much people's clocks differ from it now.
It counts the time in which the machine slept (CLOCK_BOOTTIME), and never begins before what the journal knows.
"""

import asyncio
import time
from collections.abc import Callable

from monitor.core.events import ClockStepped

STEP = 2.0


class Timeline:
    """The shell's clock; `wall` and `steady` read the machine's two clocks, in seconds."""

    def __init__(
        self,
        not_before: float = 0.0,
        *,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        self._wall, self._steady = wall, steady
        self._anchor = max(wall(), not_before) - steady()
        self._known = 0.0

    def now(self) -> float:
        """Return the time in epoch seconds; it never goes back and never jumps."""
        return self._anchor + self._steady()

    def call_at(self, when: float, act: Callable[[], None]) -> asyncio.TimerHandle:
        """Arrange that `act` is called at `when`, at once when that has passed."""
        return asyncio.get_running_loop().call_later(max(0.0, when - self.now()), act)

    def step(self) -> ClockStepped | None:
        """Return by how much the wall clock was set since the last time it was asked, when that is more than `STEP` seconds."""
        at = self.now()
        offset = self._wall() - at
        moved = offset - self._known
        if abs(moved) <= STEP:
            return None
        self._known = offset
        return ClockStepped(round(at, 3), round(moved, 3))
