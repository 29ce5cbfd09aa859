"""How faults stand to each other: which look the same from here, and which have to do with each other."""

from monitor.prove.world import Manner, Sight, World

Likeness = tuple[object, ...]


class Relations:
    """Answers for one city; everything is worked out once a fault."""

    def __init__(self, world: World) -> None:
        self._world, self._city = world, world.city
        self._known: dict[str, tuple[frozenset[str], frozenset[str], frozenset[str]]] = {}
        self._alike: dict[str, Likeness] = {}

    def touch(self, one: str, other: str) -> bool:
        """Tell whether one lies above or below the other, or what they befall has a group, a risk or an application in common."""
        (gone, needed, risks), (gone_too, needed_too, risks_too) = self._of(one), self._of(other)
        return bool(gone & gone_too or gone & needed_too or needed & gone_too or risks & risks_too)

    def likeness(self, fault: str) -> Likeness:
        """Return what looks would see of this fault alone: equal for faults that cannot be told apart from here."""
        if fault not in self._alike:
            self._alike[fault] = tuple(_key(self._world.sight(self._world.single(fault), manner)) for manner in Manner)
        return self._alike[fault]

    def width(self, fault: str) -> int:
        """Return how many nodes fail by this fault."""
        return len(self._world.sight(self._world.single(fault), Manner.ALIKE).failing)

    def _of(self, fault: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """Return what a fault makes fail, the parents of what it befalls itself, and the risks of that."""
        if fault not in self._known:
            own = self._own(fault)
            seen = self._world.sight(self._world.single(fault), Manner.ALIKE).failing
            parents = frozenset(parent for node in own for group in self._city.nodes[node].groups for parent in group)
            risks = frozenset(risk for node in own for risk in self._city.nodes[node].risks)
            self._known[fault] = (frozenset(seen) | own, parents, risks)
        return self._known[fault]

    def _own(self, fault: str) -> frozenset[str]:
        """Return the nodes that a fault befalls itself."""
        kind, _, name = fault.partition(":")
        if kind == "risk":
            return frozenset(self._city.risks[name].members)
        if kind == "link":
            return frozenset({self._city.links[name].child} | ({name} & self._city.nodes.keys()))
        return frozenset({name} if kind != "own" else {self._world.top})


def _key(sight: Sight) -> tuple[object, ...]:
    return tuple(sorted(sight.failing.items())), sight.blind, sight.deaf
