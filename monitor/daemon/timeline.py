"""One timeline: epoch seconds, anchored once to a clock that never jumps.

The wall clock may be set; the timeline goes on as if it had not, and says by how much people's clocks differ from it now.
It counts the time in which the machine slept (CLOCK_BOOTTIME), and never begins before what the journal knows.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from monitor.core.events import ClockStepped
from monitor.core.verdict import Outcome, Reason, Verdict

STEP = 2.0
FAR = 86400.0
DATED = frozenset({Reason.TLS_EXPIRED, Reason.TLS_NOT_YET_VALID, Reason.STALE_DATA, Reason.DOMAIN_EXPIRED})


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

    def excuse(self, outcome: Outcome) -> Outcome:
        """Take back what a look says of dates (of a certificate, of data), which the wall clock judges, when that clock was set far off."""
        off = self._wall() - self.now()
        if outcome.reason not in DATED or abs(off) < FAR:
            return outcome
        found = f"{outcome.reason}: {outcome.detail}; our clock was set by {off / FAR:+.0f} days"
        return replace(outcome, verdict=Verdict.UNSURE, reason=Reason.OWN_CLOCK, detail=found)
