"""Invented losses: any number of kinds of bursts at once, each a two-state Markov chain (Gilbert), met only where somebody looks.

A kind is a `Noise`: it is bad for the share `p` of the time and forgets its state over `tau` seconds (0: every look anew). A
look is lost while any kind is bad. So an answered look says that all are good, and the chance that a later look is lost
follows from the gap alone: quiet looks can be skipped exactly, and nothing is stepped through.
"""

import math
from collections.abc import Callable, Sequence

from monitor.core.rules import Noise


class Weather:
    """The state is a number: bit i is set while kind i is bad; 0 is an answered look."""

    def __init__(self, kinds: Sequence[Noise], chance: Callable[[], float]) -> None:
        """Take the kinds, and a source of even chances in [0, 1)."""
        self._kinds = tuple(kind for kind in kinds if kind.p > 0)
        self._chance = chance

    def after(self, shares: Sequence[float], gap: float) -> list[float]:
        """Return the share of each state `gap` seconds after these shares of states."""
        found = list(shares)
        for number, kind in enumerate(self._kinds):
            stay = math.exp(-gap / kind.tau) if kind.tau else 0.0
            turn, bit = kind.p * (1 - stay), 1 << number
            for state in range(len(found)):
                if not state & bit:
                    good, bad = found[state], found[state | bit]
                    found[state | bit] = bad * (turn + stay) + good * turn
                    found[state] = good + bad - found[state | bit]
        return found

    def answered(self) -> list[float]:
        """Return the shares of states at an answered look."""
        return [1.0] + [0.0] * (2 ** len(self._kinds) - 1)

    def loss(self, gap: float) -> float:
        """Return the chance that a look is lost, `gap` seconds after an answered one."""
        return 1.0 - self.after(self.answered(), gap)[0]

    def lost_again(self, gaps: Sequence[float]) -> tuple[float, list[float]]:
        """Return the chance that a lost look is followed by losses at all these gaps, given the first, and the states at the last.

        `gaps` begins with that from the answered look to the first loss.
        """
        shares, first = self.answered(), 1.0
        for number, gap in enumerate(gaps):
            shares = self.after(shares, gap)
            shares[0] = 0.0
            first = first if number else sum(shares)
        return sum(shares) / first if first else 0.0, shares

    def draw(self, shares: Sequence[float]) -> int:
        """Draw a state by these shares, whatever their sum."""
        left = self._chance() * sum(shares)
        for state, share in enumerate(shares):
            left -= share
            if left < 0:
                return state
        return max(range(len(shares)), key=shares.__getitem__)

    def step(self, state: int, gap: float) -> int:
        """Draw the state `gap` seconds after this one."""
        return self.draw(self.after([float(each == state) for each in range(2 ** len(self._kinds))], gap))

    def looks_until(self, share: float) -> float:
        """Draw how many looks it takes, the last one included, until one comes up that does so with this share; infinity for none."""
        if share <= 0:
            return math.inf
        return 1.0 if share >= 1 else 1 + math.log(1 - self._chance()) // math.log1p(-share)
