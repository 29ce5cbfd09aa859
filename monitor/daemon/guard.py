"""Keeps the rehearsal city's inventory inside the rehearsal city: outside, its addresses belong to nobody."""

import re
from collections.abc import Iterable, Iterator, Mapping

from monitor.core.city import City
from monitor.core.errors import Exit, PantauError

_REHEARSED = re.compile(r"\b198\.1[89]\.\d{1,3}\.\d{1,3}\b|\.pantau\.test\b")


def refuse_rehearsal(city: City, config: str) -> None:
    """Raise PantauError (78) when the inventory names what exists in the rehearsal city only."""
    for where, text in _named(city):
        found = _REHEARSED.search(text)
        if found:
            raise PantauError(
                f"{where or config}: {text} exists in the rehearsal city only (198.18.0.0/15, *.pantau.test): "
                "try it with scripts/run or pantau lab up; for your own city, change a copy of the inventory (docs/operating.md)",
                status=Exit.BAD_INVENTORY,
            )


def _named(city: City) -> Iterator[tuple[str, str]]:
    """Yield every text that may name an address, with the place where it stands."""
    for check in city.checks.values():
        yield check.where, check.target
        for text in _texts(check.options):
            yield check.where, text
    for receiver in city.receivers.values():
        for text in _texts(receiver.options):
            yield receiver.where, text
    for server in (*city.resolver, *city.traps.listen):
        yield "", server


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, Iterable):
        for part in value:
            yield from _texts(part)
