"""The life of one target: invented losses and outages, looked at as the schedule does, judged by the real belief.

Looks at a quiet target are skipped, and those at one that is DOWN until its outage ends. Every other look goes through
`belief.absorb`. Each year begins with `RELEARN` episodes of loss, played and learned from one by one. In the rest of it
those that end within the first half of the losses that DOWN takes are skipped too: they can decide nothing, their number is
drawn, and what the target taught so far stays as it is.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from monitor.core import belief as beliefs
from monitor.core.belief import Belief, Status
from monitor.core.city import Check
from monitor.core.events import ProbeResult, Why
from monitor.core.rules import YEAR, Noise, Rule
from monitor.core.verdict import Reason, Verdict
from monitor.simulate.weather import Weather

RELEARN = 1000
LEARN = 4096
SPACING = 0.3
QUICK = 0.01
SHORTEST, MEAN = 600.0, 3600.0
"""Seconds that every outage lasts at least, and that it lasts longer on the average."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A real outage, in seconds since the beginning."""

    start: float
    end: float

    def covers(self, at: float) -> bool:
        """Tell whether the target is dead at this time."""
        return self.start <= at < self.end


@dataclass(slots=True)
class Tally:
    """What came of it: false alarms, and the seconds from the outage to DOWN of each that was seen; `missed` healed before."""

    years: float = 0.0
    false: int = 0
    delays: list[float] = field(default_factory=list)
    missed: int = 0
    episodes: int = 0
    played: int = 0


class Life:
    """Plays one check."""

    def __init__(self, rule: Rule, check: Check, kinds: tuple[Noise, ...], chance: Callable[[], float]) -> None:
        """Take the rule and the check, what its losses are like, and a source of even chances in [0, 1)."""
        self.rule, self.check, self._chance = rule, check, chance
        self.weather, self.tally = Weather(kinds, chance), Tally()
        self.belief = Belief(Status.UP, last_sent=-1.0)
        self._at, self._state, self._learning = 0.0, 0, True
        self._steps: tuple[Noise | None, tuple[float, ...]] = (None, ())
        self._outage = self._next_outage(0.0)

    def learn(self, most: float = YEAR) -> None:
        """Live until the target is known, or this time has passed; nothing of it counts."""
        self._learning = True
        start = self._at
        while self.tally.played < LEARN and self._at < start + most:
            self._episode(start + most)
        self.tally = Tally()

    def live(self, years: int) -> Tally:
        """Live so many years, and return what came of it."""
        start = self._at
        for year in range(1, years + 1):
            played, end = self.tally.played, start + year * YEAR
            while self._at < end:
                self._learning = self.tally.played < played + RELEARN
                self._episode(end)
        self.tally.years += (self._at - start) / YEAR
        return self.tally

    # -- from one loss to the next

    def _episode(self, end: float) -> None:
        """Skip to the next loss that is played, be it of noise or of an outage, or to the end; play it."""
        kept = self.belief.noise, self.belief.learned
        times = () if self._learning else self._sure_losses()
        first = self._to_grid(self._at + SPACING)
        chances = [self.weather.loss(first - self._at), self.weather.loss(self.check.interval)]
        share, states = self.weather.lost_again((self.check.interval, *times))
        looks = self.weather.looks_until(chances[0] * share)
        looks = looks if looks <= 1 else 1 + self.weather.looks_until(chances[1] * share)
        at = first + (looks - 1) * self.check.interval
        dead = max(first, self._to_grid(self._outage.start))
        if min(at, dead) >= end:
            self._skip(end, chances[1])
        elif dead <= at:
            self._skip(dead, chances[1])
            self._play([dead], self.weather.answered())
        else:
            self._skip(at, chances[1])
            self._play(self._moments(at, times), states)
        if not self._learning:
            self.belief.noise, self.belief.learned = kept

    def _skip(self, at: float, share: float) -> None:
        """Let good looks pass unseen until shortly before `at`; with them the lost ones of short episodes, which are only counted."""
        looks = max(int((at - self._at) / self.check.interval) - 1, 0)
        if self._learning:
            self.belief.counts[Verdict.OK] = self.belief.counts.get(Verdict.OK, 0) + looks
        else:
            self.tally.episodes += int(looks * share)
        self._at = at

    def _play(self, moments: list[float], shares: list[float]) -> None:
        """Play an episode whose first looks are lost at these moments, until the target is believed up again."""
        self.tally.episodes += 1
        self.tally.played += 1
        for at in moments:
            self._look(at, lost=True)
        self._state = self.weather.draw(shares)
        while self.belief.status is not Status.UP:
            at = self._next()
            self._state = self.weather.step(self._state, at - self._at)
            self._look(at, lost=self._outage.covers(at) or self._state != 0)
        self._state = 0

    def _look(self, at: float, *, lost: bool) -> None:
        if at >= self._outage.end:
            self.tally.missed += self.belief.status is not Status.DOWN
            self._outage = self._next_outage(self._outage.end)
        done = at + (self.check.timeout if lost else QUICK)
        look = ProbeResult(self.check.id, at, done, Verdict.FAIL if lost else Verdict.OK, Reason.TIMEOUT if lost else None)
        why = beliefs.absorb(self.rule, self.check, self.belief, look)
        self._at = at
        if why is Why.ODDS_REACHED:
            if self._outage.covers(at):
                self.tally.delays.append(done - self._outage.start)
            else:
                self.tally.false += 1

    def _next(self) -> float:
        """Return when the schedule looks again: at the phase of the check, or sooner where the judge wants it."""
        phase, known = self._to_grid(self._at + SPACING), self.belief
        if known.status is Status.DOWN:
            if known.first_ok:
                return min(phase, max(known.first_ok + beliefs.RECOVERY, self._at + SPACING))
            return max(phase, self._to_grid(self._outage.end)) if self._outage.covers(phase) else phase
        answered = self._at + (self.check.timeout if known.last_loss == self._at else QUICK)
        return min(phase, max(beliefs.look_again(self.rule, self.check, known), answered, self._at + SPACING))

    # -- small questions

    def _to_grid(self, after: float) -> float:
        return (after // self.check.interval + 1) * self.check.interval

    def _next_outage(self, after: float) -> Outage:
        start = after - math.log(1 - self._chance()) * YEAR / self.rule.outages
        return Outage(start, start + SHORTEST - math.log(1 - self._chance()) * MEAN)

    def _sure_losses(self) -> tuple[float, ...]:
        """Return the gaps of the first half of the losses that it takes to be DOWN; found by playing them, once for each noise."""
        noise = self.belief.noise
        if self._steps[0] is not noise or not self._steps[1]:
            self._steps = (noise, self._rehearsed())
        return self._steps[1]

    def _rehearsed(self) -> tuple[float, ...]:
        """Return the gaps between the first half of the losses on the way to DOWN."""
        real, at = (self.belief, self.tally, self._outage, self._at), [self._to_grid(self._at)]
        self.belief, self.tally = replace(self.belief, counts={}, habit=replace(self.belief.habit)), Tally()
        self._outage = Outage(math.inf, math.inf)
        while True:
            self._look(at[-1], lost=True)
            if self.belief.status is Status.DOWN:
                break
            at.append(self._next())
        self.belief, self.tally, self._outage, self._at = real
        return tuple(later - earlier for earlier, later in pairwise(at[: max(len(at) // 2, 1)]))

    def _moments(self, first: float, gaps: tuple[float, ...]) -> list[float]:
        found = [first]
        for gap in gaps:
            found.append(found[-1] + gap)
        return found
