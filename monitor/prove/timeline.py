"""When what is dead: a case spelt out as spans of single faults, and the sights between their beginnings and ends."""

import bisect
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.core.city import City
from monitor.prove.world import Manner, Sight, World

START = 1_800_000_000.0
SETTLED = 90.0
ROUND = 60.0
GOLDEN = 0.6180339887498949
FEEDER_SPREAD, RIVER_SPREAD, RETURN_SPREAD = 0.3, 0.66, 0.05


def chance(*words: object) -> float:
    """Return a number in [0, 1) that these words always give."""
    return zlib.crc32("/".join(map(str, words)).encode()) / 2**32


@dataclass(frozen=True, slots=True)
class Case:
    """One run: which faults, at which phase, the second `gap` seconds after the first; `swap`: the second is healed first.

    Written and read as `node:kel-a+link:link-b/phase=3/gap=150/swap=1/loss=0.03/seed=1`.
    """

    faults: tuple[str, ...]
    phase: int = 0
    gap: float = 0.0
    swap: bool = False
    loss: float = 0.0
    seed: int = 0

    def __str__(self) -> str:
        """Return the words that `pantau prove --case` reads."""
        said = f"{'+'.join(self.faults)}/phase={self.phase}/gap={self.gap:g}/swap={self.swap:d}"
        return said + (f"/loss={self.loss:g}" if self.loss else "") + (f"/seed={self.seed}" if self.seed else "")

    @classmethod
    def read(cls, text: str) -> "Case":
        """Read what `str` wrote; raises ValueError for anything else."""
        faults, *parts = text.split("/")
        values = dict(part.split("=", 1) for part in parts)
        if unknown := set(values) - {"phase", "gap", "swap", "loss", "seed"}:
            raise ValueError(f"{min(unknown)}: not a part of a case")
        return cls(
            tuple(faults.split("+")),
            int(values.get("phase", 0)),
            float(values.get("gap", 0)),
            values.get("swap", "0") == "1",
            float(values.get("loss", 0)),
            int(values.get("seed", 0)),
        )

    @property
    def onset(self) -> float:
        """When the first fault begins: phases spread evenly over every interval that divides a minute."""
        return START + SETTLED + ROUND * ((self.phase * GOLDEN + chance("onset", self.seed, *self.faults) / 20) % 1.0)

    @property
    def manner(self) -> Manner:
        """What applications do that need a failed one: phases take turns."""
        return tuple(Manner)[self.phase % len(Manner)]


@dataclass(frozen=True, slots=True)
class Span:
    """A single fault is active from `start` until `end`."""

    fault: str
    start: float
    end: float


def spans(city: City, case: Case, hold: float) -> list[Span]:
    """Spell a case out: all its faults stay for `hold` seconds after the last began; then they are healed `hold` seconds apart."""
    onsets = [case.onset + case.gap * number for number in range(len(case.faults))]
    spread = max(_spread(city, fault, case) for fault in case.faults)
    healed = onsets[-1] + spread + hold
    order = range(len(case.faults))[:: -1 if case.swap else 1]
    heals = {which: healed + turn * hold for turn, which in enumerate(order)}
    found: list[Span] = []
    for number, fault in enumerate(case.faults):
        found.extend(_spelt(city, fault, onsets[number], heals[number], case))
    return found


def _spread(city: City, fault: str, case: Case) -> float:
    """Seconds over which a shared risk takes its members; a slow one takes a fifth of that in most phases."""
    kind, _, name = fault.partition(":")
    if kind != "risk":
        return 0.0
    window = city.risks[name].window
    return window * FEEDER_SPREAD if window <= ROUND else window * RIVER_SPREAD * (1.0 if case.phase % 5 == 0 else 0.2)


def _spelt(city: City, fault: str, onset: float, heal: float, case: Case) -> Iterable[Span]:
    kind, _, name = fault.partition(":")
    if kind != "risk":
        return [Span(fault, onset, heal)]
    spread, back = _spread(city, fault, case), city.risks[name].window * RETURN_SPREAD
    return [
        Span(f"node:{member}", onset + spread * chance("dies", case, member), heal + min(back, 20.0) * chance("lives", case, member))
        for member in city.risks[name].members
    ]


class Timeline:
    """The sights of a case in order; `times[i]` is when `sights[i]` begins, `active[i]` the single faults of it."""

    def __init__(self, world: World, found: list[Span], manner: Manner) -> None:
        self.world, self.spans = world, found
        self.times = [START, *sorted({at for span in found for at in (span.start, span.end)})]
        self.active = [frozenset(span.fault for span in found if span.start <= at < span.end) for at in self.times]
        self.sights = [world.sight(active, manner) for active in self.active]

    def at(self, time: float) -> Sight:
        """Return what looks sent at this time would see."""
        return self.sights[bisect.bisect_right(self.times, time) - 1]

    def next_failure(self, node: str, after: float) -> float:
        """Return the first time from `after` on at which a look at this node would fail; infinite when there is none."""
        first = bisect.bisect_right(self.times, after) - 1
        for start, sight in zip(self.times[first:], self.sights[first:], strict=True):
            if sight.blind or sight.deaf or node in sight.failing:
                return max(after, start)
        return float("inf")

    def next_change(self, after: float) -> float:
        """Return when the truth changes next."""
        following = bisect.bisect_right(self.times, after)
        return self.times[following] if following < len(self.times) else after

    @property
    def healed(self) -> float:
        """When the last fault ends."""
        return self.times[-1]
