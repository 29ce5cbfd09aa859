"""What happens to a city by itself: plays of changes over time. Pure; `faults.Faults` plays them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

_RISES = 6 * 60.0
_HIGH = 15 * 60.0
_FALLS = 3 * 60.0


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """At `at` seconds from the beginning a station loses its power, or has it again."""

    at: float
    station: str
    on: bool


def flood(members: Sequence[str], seed: int = 0) -> list[Change]:
    """A river takes its sites within minutes, each flaps while its battery dies, all come back a quarter of an hour later.

    Once a station is without mains its battery lets it come back one to three times for 10 to 40 s.
    """
    changes: list[Change] = []
    for number, station in enumerate(members):
        chance = random.Random(f"{seed}/{station}")  # noqa: S311 - seeded, so that a rehearsal can be repeated
        at = _RISES * (number + chance.random()) / max(1, len(members))
        changes.append(Change(at, station, on=False))
        for _flap in range(chance.randint(1, 3)):
            at += chance.uniform(10, 40)
            changes.append(Change(at, station, on=True))
            at += chance.uniform(10, 40)
            changes.append(Change(at, station, on=False))
        changes.append(Change(_RISES + _HIGH + chance.uniform(0, _FALLS), station, on=True))
    return sorted(changes)


def blackout(members: Sequence[str], battery: float, seed: int = 0) -> list[Change]:
    """A feeder is switched off: its members die after their batteries, a few seconds apart."""
    chance = random.Random(seed)  # noqa: S311 - seeded, so that a rehearsal can be repeated
    return sorted(Change(battery + chance.uniform(0, 4), station, on=False) for station in members)


def return_of_power(members: Sequence[str], seed: int = 0) -> list[Change]:
    """A feeder is switched on: its members start within a few seconds of each other."""
    chance = random.Random(seed)  # noqa: S311 - seeded, so that a rehearsal can be repeated
    return sorted(Change(chance.uniform(1, 5), station, on=True) for station in members)
