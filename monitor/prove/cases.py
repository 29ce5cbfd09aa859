"""Which faults are tried: every one alone, and every pair; pairs that touch at many phases and in all orders, the rest at few."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from monitor.core.city import City, Kind
from monitor.prove.oracle import Oracle
from monitor.prove.relations import Likeness, Relations
from monitor.prove.timeline import Case, chance

OWN = ("own:gateway", "own:cable", "own:resolver", "own:dark")
ALONE = frozenset({"own:dark", "own:ipv4", "own:ipv6"})
"""Who stays down when these have passed is named ten minutes later, which takes long to play."""
FEW_PHASES = 2
SOON, LATER = (1.0, 60.0), (150.0, 240.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """How to try: at how many phases, at which loss, with which seed."""

    phases: int = 20
    loss: float = 0.0
    seed: int = 0


def faults(city: City, oracle: Oracle) -> list[str]:
    """Return every single fault that the city may meet with."""
    nodes = [node for node in city.nodes.values() if node.kind not in {Kind.LINK, Kind.APP}]
    found = [f"node:{node.id}" for node in nodes]
    found += [f"link:{link}" for link in city.links]
    found += [f"risk:{risk.id}" for risk in city.risks.values() if risk.members]
    found += [f"{how}:{app}" for app in city.applications for how in ("silent", "500")]
    found += [f"mute:{node.id}" for node in nodes if oracle.carried(node.id)]
    return [*found, *OWN, *(f"own:{name}" for name in oracle.families)]


@dataclass(frozen=True, slots=True)
class Task:
    """What one processor does at a time: a fault or a pair of faults, and its turn among those that look the same from here.

    A pair that looks like others shares the phases with them: each takes every `turns`-th, and two at least.
    """

    faults: tuple[str, ...]
    touching: bool = False
    turn: int = 0
    turns: int = 1

    def phases(self, wanted: int) -> list[int]:
        """Return the phases that fall to this one."""
        mine = list(range(self.turn % wanted, wanted, self.turns))
        return mine if len(mine) >= FEW_PHASES else sorted({(self.turn + number * 7) % wanted for number in range(FEW_PHASES)})

    def cases(self, plan: Plan) -> Iterator[Case]:
        """Return the runs."""
        if len(self.faults) == 1:
            return (Case(self.faults, phase, loss=plan.loss, seed=plan.seed) for phase in range(plan.phases))
        if plan.loss:
            return iter(_one_of(list(_in_all_orders(self, plan)), plan) if self.touching and not self.turn else ())
        return _in_all_orders(self, plan) if self.touching else _in_few(self, plan)


def tasks(city: City, oracle: Oracle, *, also_pairs: bool) -> list[Task]:
    """Return every fault, and every pair when pairs are wanted; the longest runs come first."""
    found = faults(city, oracle)
    relations = Relations(oracle.world)
    done = [Task((fault,)) for fault in found]
    if also_pairs:
        done += _pairs([fault for fault in found if fault not in ALONE], relations)
    return sorted(done, key=lambda task: -max(relations.width(fault) for fault in task.faults) * task.touching)


def _pairs(found: Iterable[str], relations: "Relations") -> Iterator[Task]:
    alike: dict[frozenset[Likeness], list[tuple[str, str]]] = {}
    for pair in combinations(found, 2):
        alike.setdefault(frozenset(map(relations.likeness, pair)), []).append(pair)
    for pairs in alike.values():
        near = [pair for pair in pairs if relations.touch(*pair)]
        yield from (Task(pair, touching=True, turn=turn, turns=len(near)) for turn, pair in enumerate(near))
        yield from (Task(pair) for pair in pairs if pair not in near)


def _in_all_orders(task: Task, plan: Plan) -> Iterator[Case]:
    """Both together, the first before the second, and the other way round, at every phase.

    Odd phases set them moments apart, even ones minutes; pairs of phases take turns at which of them is healed first.
    """
    pair = (task.faults[0], task.faults[1])
    for phase in task.phases(plan.phases):
        gap = _gap(pair, phase, plan, SOON if phase % 2 else LATER)
        for order, (ordered, apart) in enumerate(((pair, 0.0), (pair, gap), (pair[::-1], gap))):
            yield Case(ordered, phase, apart, (phase // 2 + order) % 2 == 1, plan.loss, plan.seed)


def _one_of(cases: list[Case], plan: Plan) -> list[Case]:
    """Choose one by chance: under loss every fault alone is tried at all phases, and of those that look alike one pair once."""
    return [cases[int(chance("one", plan.seed, *cases[0].faults) * len(cases))]] if cases else []


def _in_few(task: Task, plan: Plan) -> Iterator[Case]:
    """Together, and moments apart."""
    pair = (task.faults[0], task.faults[1])
    for phase in range(min(FEW_PHASES, plan.phases)):
        gap = _gap(pair, phase, plan, SOON) * (phase % 2)
        yield Case(pair, phase, gap, swap=phase % 2 == 1, loss=plan.loss, seed=plan.seed)


def _gap(pair: tuple[str, str], phase: int, plan: Plan, between: tuple[float, float]) -> float:
    return round(between[0] + (between[1] - between[0]) * chance("gap", plan.seed, *pair, phase), 1)
