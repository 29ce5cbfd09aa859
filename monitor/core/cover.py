"""One cause for several roots: the least unlikely set of shared risks (a feeder, a river, both uplinks, the city) that explains them.

Each way to explain the roots costs nats, the negative logarithm of how often it happens within the window of the risk:

    a root that fell by itself      -log(OUTAGES * window / year)
    a risk that struck              -log(STRIKES * window / year)  and for each of its members that is still up  -log(1 - hit)

with `hit` the share of its members that a risk takes: `HIT` for what takes one station after the other (a feeder, a river),
`HIT_ALL` for what leaves hardly anybody (the uplinks, the city, an address family).

The cheapest cover is the probable cause, the second cheapest is named beside it. It is exact for up to `EXACT` risks and
greedy above. Weighted set cover: Chvatal (1979).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from monitor.core.city import City, Kind, Risk
from monitor.core.family import NAMES, Family

YEAR = 365.25 * 86400.0
OUTAGES, STRIKES = 4.0, 2.0
HIT, HIT_ALL = 0.7, 0.95
FAMILY = "family"
IMPLIED = frozenset({"internet", "city", FAMILY})
EXACT = 8
WHOLE_CITY = "kota"
CITY_WINDOW = 120.0
ANY_TIME = 86400.0
"""Window of the uplinks and of a family: when the last of them falls the whole is lost, however long ago the first one fell."""


@dataclass(frozen=True, slots=True)
class Cover:
    """What explains the roots: the risks that struck, the roots that fell by themselves, and the price in nats."""

    risks: tuple[str, ...]
    alone: tuple[str, ...]
    nats: float

    @property
    def one(self) -> str:
        """The one risk that explains all, or nothing."""
        return self.risks[0] if len(self.risks) == 1 and not self.alone else ""


def risks_of(city: City, families: Mapping[str, Family]) -> dict[str, Risk]:
    """Return the inventory's risks and those that follow from its shape: the loss of all uplinks, of all at the hub, of a family."""
    found = dict(city.risks)
    uplinks = tuple(node.id for node in city.nodes.values() if node.kind is Kind.ISP)
    outside = next((node for node in city.nodes.values() if node.kind is Kind.INTERNET and node.groups == (uplinks,)), None)
    if outside is not None and len(uplinks) > 1:
        found[outside.id] = Risk(outside.id, "internet", outside.name, uplinks, ANY_TIME)
    tops = {node.id for node in city.nodes.values() if node.kind is Kind.HUB}
    first = tuple(
        node.id
        for node in city.nodes.values()
        if node.kind not in {Kind.LINK, Kind.RESOLVER} and any(tops.intersection(group) for group in node.groups)
    )
    if len(first) > 1:
        found[WHOLE_CITY] = Risk(WHOLE_CITY, "city", city.name, first, CITY_WINDOW)
    return found | {name: Risk(name, FAMILY, NAMES[name], each.members, ANY_TIME) for name, each in families.items()}


def covers(roots: Sequence[str], up: Iterable[str], risks: Mapping[str, Risk]) -> list[Cover]:
    """Return the ways to explain the roots, the least unlikely first; `up` are the nodes that are believed up."""
    standing, fallen = set(up), set(roots)
    candidates = [risk for risk in risks.values() if len(fallen.intersection(risk.members)) > 1]
    if len(candidates) > EXACT:
        chosen = [_greedy(roots, standing, candidates), Cover((), tuple(roots), _alone(roots, candidates))]
    else:
        chosen = [
            _cover(roots, standing, some, candidates) for size in range(len(candidates) + 1) for some in combinations(candidates, size)
        ]
    return sorted(chosen, key=lambda cover: (cover.nats, cover.risks))


def _cover(roots: Sequence[str], standing: set[str], struck: Sequence[Risk], candidates: Sequence[Risk]) -> Cover:
    explained = {member for risk in struck for member in risk.members}
    alone = tuple(root for root in roots if root not in explained)
    nats = sum(_price(risk, standing) for risk in struck) + _alone(alone, candidates)
    return Cover(tuple(risk.id for risk in struck), alone, nats)


def _price(risk: Risk, standing: set[str]) -> float:
    spared = len(standing.intersection(risk.members))
    return -math.log(min(STRIKES * risk.window / YEAR, 0.5)) - spared * math.log(1 - (HIT_ALL if risk.kind in IMPLIED else HIT))


def _alone(roots: Sequence[str], candidates: Sequence[Risk]) -> float:
    window = max((risk.window for risk in candidates), default=CITY_WINDOW)
    return -len(roots) * math.log(min(OUTAGES * window / YEAR, 0.5))


def _greedy(roots: Sequence[str], standing: set[str], candidates: Sequence[Risk]) -> Cover:
    """Take the risk that explains a root most cheaply, again and again, while that is cheaper than to leave them alone."""
    left, struck = set(roots), []
    single = _alone(roots[:1], candidates)
    while left:
        best = min(candidates, key=lambda risk: (_price(risk, standing) / max(len(left.intersection(risk.members)), 1e-9), risk.id))
        gained = left.intersection(best.members)
        if not gained or _price(best, standing) >= single * len(gained):
            break
        struck.append(best)
        left -= gained
    return _cover(roots, standing, struck, candidates)
