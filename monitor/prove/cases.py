"""Which faults are tried: every one alone, and every pair; pairs that touch at many phases and in all orders, the rest at few."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from monitor.core.city import City, Kind
from monitor.prove.oracle import Oracle
from monitor.prove.timeline import Case, chance
from monitor.prove.world import Manner, World

OWN = ("own:gateway", "own:cable", "own:resolver", "own:dark")
FEW_PHASES = 2
SOON, LATER = (1.0, 60.0), (150.0, 240.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """How to try: at how many phases, at which loss, with which seed; `pair_phases`: fewer for pairs that touch."""

    phases: int = 20
    loss: float = 0.0
    seed: int = 0
    pair_phases: int | None = None


def faults(city: City, oracle: Oracle) -> list[str]:
    """Return every single fault that the city may meet with."""
    nodes = [node for node in city.nodes.values() if node.kind not in {Kind.LINK, Kind.APP}]
    found = [f"node:{node.id}" for node in nodes]
    found += [f"link:{link}" for link in city.links]
    found += [f"risk:{risk.id}" for risk in city.risks.values() if risk.members]
    found += [f"{how}:{app}" for app in city.applications for how in ("silent", "500")]
    found += [f"mute:{node.id}" for node in nodes if oracle.carried(node.id)]
    return [*found, *OWN]


class Touching:
    """Tells whether two faults have to do with each other: above or below, same group, risk or application."""

    def __init__(self, world: World, oracle: Oracle) -> None:
        self._world, self._oracle, self._city = world, oracle, world.city
        self._known: dict[str, tuple[frozenset[str], frozenset[str], frozenset[str]]] = {}

    def __call__(self, one: str, other: str) -> bool:
        """Return True when what the two take away, need or share has something in common."""
        (gone, needed, risks), (gone_too, needed_too, risks_too) = self._of(one), self._of(other)
        return bool(gone & gone_too or gone & needed_too or needed & gone_too or risks & risks_too)

    def _of(self, fault: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """Return what a fault makes fail (or would), the parents of those, and the risks of its own nodes."""
        if fault not in self._known:
            own = self._own(fault)
            seen = self._world.sight(self.singles(fault), Manner.ALIKE).failing if fault != "own:dark" else ()
            gone = frozenset(seen) | own
            parents = frozenset(parent for node in own for group in self._city.nodes[node].groups for parent in group)
            risks = frozenset(risk for node in own for risk in self._city.nodes[node].risks)
            self._known[fault] = (gone, parents, risks)
        return self._known[fault]

    def singles(self, fault: str) -> frozenset[str]:
        """Return a fault as single faults of the world."""
        kind, _, name = fault.partition(":")
        return frozenset(f"node:{member}" for member in self._city.risks[name].members) if kind == "risk" else frozenset({fault})

    def _own(self, fault: str) -> frozenset[str]:
        """Return the nodes that a fault befalls itself; the city gone dark at once has to do with our own path alone."""
        kind, _, name = fault.partition(":")
        if kind == "risk":
            return frozenset(self._city.risks[name].members)
        if kind == "link":
            watched = {name} & self._city.nodes.keys()
            return frozenset({self._city.links[name].child} | watched)
        return frozenset({name} if kind != "own" else {self._world.top})


def singles(found: Iterable[str], plan: Plan) -> Iterator[Case]:
    """Return the runs of every fault alone."""
    for fault in found:
        yield from (Case((fault,), phase, loss=plan.loss, seed=plan.seed) for phase in range(plan.phases))


def pairs(found: Iterable[str]) -> list[tuple[str, str]]:
    """Return every pair of faults."""
    return list(combinations(found, 2))


def runs(pair: tuple[str, str], plan: Plan, *, touching: bool) -> Iterator[Case]:
    """Return the runs of a pair.

    When they touch: both together, the first a moment or minutes before the second, and the other way round; each with both
    orders of healing. Odd phases take moments, even ones minutes.
    """
    if not touching:
        for phase in range(min(FEW_PHASES, plan.phases, plan.pair_phases or FEW_PHASES)):
            gap = _gap(pair, phase, plan, SOON) * (phase % 2)
            yield Case(pair, phase, gap, swap=phase % 2 == 1, loss=plan.loss, seed=plan.seed)
        return
    other = (pair[1], pair[0])
    for phase in range(plan.phases if plan.pair_phases is None else plan.pair_phases):
        gap = _gap(pair, phase, plan, SOON if phase % 2 else LATER)
        for ordered, apart in ((pair, 0.0), (pair, gap), (other, gap)):
            for swap in (False, True):
                yield Case(ordered, phase, apart, swap, plan.loss, plan.seed)


def _gap(pair: tuple[str, str], phase: int, plan: Plan, between: tuple[float, float]) -> float:
    return round(between[0] + (between[1] - between[0]) * chance("gap", plan.seed, *pair, phase), 1)
