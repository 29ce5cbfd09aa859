"""How late the loop is: a small heartbeat, and for each look how much of its time was stolen.

A loop that stalls (a busy machine, a suspended one) hears answers late or not at all. What was in flight meanwhile says
nothing about its target.
"""

import itertools
import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
BEAT = 0.1
NOTED = 0.05
SHARE = 0.25
REMEMBERED = 120.0


class Delays:
    """How long after they were due looks were sent: `counts` by `BOUNDS` (seconds; the last: later still), and their `sum`."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def note(self, seconds: float) -> None:
        """Count a look."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    def sums(self) -> Iterator[tuple[float, int]]:
        """Yield for each bound, and then for infinity, how many looks were no later than it."""
        return zip((*BOUNDS, math.inf), itertools.accumulate(self.counts), strict=True)


class Lateness:
    """Stalls of the loop, as spans of time. `latest` is the lateness of the last beat in seconds, `worst` the worst ever."""

    def __init__(self, at: float) -> None:
        self._due = at + BEAT
        self._stalls: deque[tuple[float, float]] = deque()
        self.latest = self.worst = 0.0

    def beat(self, at: float) -> float:
        """Take a heartbeat at `at` and return when the next one is due."""
        self.latest = max(at - self._due, 0.0)
        self.worst = max(self.worst, self.latest)
        if self.latest > NOTED:
            self._stalls.append((self._due, at))
        while self._stalls and self._stalls[0][1] < at - REMEMBERED:
            self._stalls.popleft()
        self._due = at + BEAT
        return self._due

    def stolen(self, sent: float, at: float) -> float:
        """Return for how many seconds between `sent` and `at` the loop stood still, a stall that lasts until now included."""
        spans = [*self._stalls, (self._due, at)]
        return sum(max(0.0, min(end, at) - max(begin, sent)) for begin, end in spans)

    def spoils(self, sent: float, at: float, timeout: float) -> bool:
        """Tell whether so much of a look's time was stolen that its failure may be ours."""
        return self.stolen(sent, at) > SHARE * timeout
