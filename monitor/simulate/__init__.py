"""Simulates a class of targets for centuries: what are false alarms and delays, beside what is promised. Pure.

weather (invented losses) -> life (one target, its outages and the looks at it, through the real belief) -> here (the figures).
Chance is an argument.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.core.city import Check
from monitor.core.promise import promise
from monitor.core.rules import Grade, Noise, Rule
from monitor.simulate.life import Life, Tally

SURE = 0.95


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured, what was promised of the class, and what the target was believed to be like at the end."""

    grade: Grade
    tally: Tally
    bound: float
    worst: float
    learned: Noise

    @property
    def rate(self) -> float:
        """False alarms a target-year, as measured."""
        return self.tally.false / self.tally.years if self.tally.years else 0.0

    @property
    def upper(self) -> float:
        """The limit below which the true rate lies with 95 % certainty."""
        return upper_limit(self.tally.false) / self.tally.years if self.tally.years else math.inf

    @property
    def lower(self) -> float:
        """The limit above which the true rate lies with 95 % certainty."""
        return lower_limit(self.tally.false) / self.tally.years if self.tally.years else 0.0

    @property
    def delays(self) -> dict[str, float]:
        """Seconds from the outage to DOWN: half of the outages take less than p50, 95 % less than p95."""
        found = sorted(self.tally.delays) or [0.0]
        places = {"p50": (len(found) - 1) // 2, "p95": math.ceil(0.95 * len(found)) - 1, "max": len(found) - 1}
        return {name: round(found[place], 1) for name, place in places.items()}


def simulate(grade: Grade, rule: Rule, kinds: Sequence[Noise], years: int, chance: Callable[[], float]) -> Figures:
    """Let one target of a class live so many years under losses of these kinds, after a time in which it becomes known."""
    check = Check(f"{grade}/icmp", grade.value, "icmp", "", grade, rule.interval, rule.timeout)
    life = Life(rule, check, tuple(kinds), chance)
    life.learn()
    tally = life.live(years)
    said = promise(rule, check, life.belief)
    return Figures(grade, tally, said.false, said.worst, life.belief.noise or rule.noise)


def upper_limit(count: int) -> float:
    """Return the mean of a Poisson count at which one so small has a chance of 5 %."""
    low, high = 0.0, 10.0 + 3.0 * count
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(count, middle) > 1 - SURE else (low, middle)
    return high


def lower_limit(count: int) -> float:
    """Return the mean of a Poisson count at which one so large has a chance of 5 %."""
    low, high = 0.0, float(count)
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if 1 - _at_most(count - 1, middle) > 1 - SURE else (middle, high)
    return high


def _at_most(count: int, mean: float) -> float:
    return sum(math.exp(each * math.log(mean) - mean - math.lgamma(each + 1)) for each in range(count + 1))
