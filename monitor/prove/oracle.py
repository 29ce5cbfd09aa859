"""What people should be told, from the definition of a cause and the truth of the world; by brute force, with no state.

A node is a visible cause when looks at it fail although in each of its groups some parent answers (or, silent itself,
carries what answers). From that: our gateway silent hides all else; all uplinks gone are "the internet is lost"; all that
hangs on the hub gone is "the whole city is dark"; all gone that has an address of one family, while some of the other answer, is
"that family is lost from here", when three of each can be seen to fall by it, and more than half of those do not lie behind what
is down itself. Two faults are alike when looks see the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from monitor.core.city import Kind
from monitor.core.rules import Grade
from monitor.prove.timeline import Timeline
from monitor.prove.world import Manner, Sight, World

# Seconds from the first loss that certainty takes (design, section 4: worst time less interval and time-out).
CERTAIN: Mapping[Grade, float] = {Grade.CORE: 7, Grade.FIBRE: 28, Grade.METRO: 28, Grade.RADIO: 80, Grade.VPN: 80, Grade.APP: 60}
TOLERANCE = 5.0
RECOVERY = 10.0
GATE_GRACE = 5.0
CITY_DARK = "kota"
WITNESSES = 3


@dataclass(frozen=True, slots=True)
class Stretch:
    """Between two moments of truth these causes are visible, and must be told.

    Of `unknown` nodes we cannot know: we are cut off, or find no names. `silent` nodes do not answer, but something does behind them.
    """

    start: float
    end: float
    visible: frozenset[str]
    unknown: frozenset[str]
    silent: frozenset[str]
    failing: frozenset[str]


class Oracle:
    """Answers for one city: what is visible, what is alike, how long the judge may take."""

    def __init__(self, world: World) -> None:
        self.world, self.city = world, world.city
        self.uplinks = [node.id for node in self.city.nodes.values() if node.kind is Kind.ISP]
        self.internet = [node.id for node in self.city.nodes.values() if node.kind is Kind.INTERNET]
        self._apps = frozenset(self.city.applications)
        self._on_hub = [
            node.id
            for node in self.city.nodes.values()
            if any(world.top in group for group in node.groups) and node.kind not in {Kind.LINK, Kind.RESOLVER}
        ]
        self._carried: dict[str, frozenset[str]] = {}
        self._answer: dict[str, float] = {}

    # -- what is visible

    def visible(self, sight: Sight) -> frozenset[str]:
        """Return the ids of the causes that can be seen from here, and should be told."""
        failing, top = sight.failing, self.world.top
        if sight.blind:
            return frozenset({top})
        if top in failing and not self.answered_for(top, sight):
            return frozenset({top})
        if self._city_dark(sight):
            return frozenset({CITY_DARK})
        found = {node for node in failing if self._is_cause(node, sight)} - self._unnamed(sight)
        if len(self.uplinks) > 1 and set(self.uplinks) | set(self.internet) <= failing.keys():
            found = found - set(self.uplinks) | set(self.internet)
        for name, nodes in self.families.items():
            others = frozenset().union(*self.families.values()) - nodes
            lost = len(found & nodes) > 1 and nodes <= failing.keys() and not others <= failing.keys()
            if lost and 2 * self._fallen(nodes, sight) > self._seen_to_fall[name]:
                found = found - nodes | {name}
        return frozenset(found)

    def _is_cause(self, node: str, sight: Sight) -> bool:
        return self._reached(node, sight) and not self.answered_for(node, sight)

    def _reached(self, node: str, sight: Sight) -> bool:
        return all(any(self._carries_on(parent, sight) for parent in group) for group in self.city.nodes[node].groups)

    @cached_property
    def families(self) -> Mapping[str, frozenset[str]]:
        """The families whose loss can be told, by name; our gateway is of neither."""
        top = frozenset({self.world.top})
        found = {name: nodes - top for name, nodes in self.world.families.items() if self._seen_to_fall[name] >= WITNESSES}
        return found if len(found) > 1 else {}

    @cached_property
    def _seen_to_fall(self) -> Mapping[str, int]:
        """How many are seen to fall by themselves when a family is lost."""
        lost = {name: self.world.sight(frozenset({f"own:{name}"}), Manner.WELL) for name in self.world.families}
        return {name: self._fallen(nodes, lost[name]) for name, nodes in self.world.families.items()}

    def _fallen(self, nodes: Iterable[str], sight: Sight) -> int:
        """How many of these fail although a way leads to them, our gateway not counted."""
        return sum(node in sight.failing and self._reached(node, sight) for node in nodes if node != self.world.top)

    def _carries_on(self, node: str, sight: Sight) -> bool:
        return node not in sight.failing or self.answered_for(node, sight)

    def _city_dark(self, sight: Sight) -> bool:
        on_hub = set(self._on_hub) - self._unnamed(sight)
        return len(on_hub) > 1 and on_hub <= sight.failing.keys()

    def _unnamed(self, sight: Sight) -> frozenset[str]:
        """Return what cannot be looked at because no name is found."""
        return self._apps if sight.deaf else frozenset()

    def answered_for(self, node: str, sight: Sight) -> bool:
        """Tell whether something answers that could not, were this node truly dead."""
        return any(other not in sight.failing for other in self.carried(node) - self._unnamed(sight))

    def carried(self, node: str) -> frozenset[str]:
        """Return what could not answer were this node alone dead (applications that only need it may answer all the same)."""
        if node not in self._carried:
            gone = self.world.sight(frozenset({f"node:{node}"}), Manner.WELL).failing
            self._carried[node] = frozenset(gone) - {node}
        return self._carried[node]

    def stretches(self, timeline: Timeline) -> list[Stretch]:
        """Return what should be visible, moment after moment; the last stretch has no end."""
        ends = [*timeline.times[1:], float("inf")]
        return [self._stretch(start, end, sight) for start, end, sight in zip(timeline.times, ends, timeline.sights, strict=True)]

    def _stretch(self, start: float, end: float, sight: Sight) -> Stretch:
        visible = self.visible(sight)
        silent = frozenset(node for node in sight.failing if node not in visible and self.answered_for(node, sight))
        top = frozenset({self.world.top})
        unknown = self.city.nodes.keys() - top if sight.blind or top <= visible else self._unnamed(sight)
        return Stretch(start, end, visible, frozenset(unknown), silent, frozenset(sight.failing))

    # -- what is alike

    @cached_property
    def classes(self) -> Mapping[str, frozenset[str]]:
        """Every node's class: the ids of nodes, lines and risks of which each alone would look the same from here."""
        alike: dict[frozenset[str], set[str]] = {}
        for fault in self.singles():
            alike.setdefault(self._signature(fault), set()).add(fault.partition(":")[2])
        return {node: frozenset(alike[self._signature(f"node:{node}")] | {node}) for node in self.city.nodes}

    def singles(self) -> Iterable[str]:
        """Every thing that may die alone: nodes, lines, risks."""
        yield from (f"node:{node.id}" for node in self.city.nodes.values() if node.kind is not Kind.LINK)
        yield from (f"link:{link}" for link in self.city.links)
        yield from (f"risk:{risk}" for risk in self.city.risks)

    def _signature(self, fault: str) -> frozenset[str]:
        kind, _, name = fault.partition(":")
        if kind == "risk":
            active = frozenset(f"node:{member}" for member in self.city.risks[name].members)
        else:
            active = frozenset({f"link:{name}" if name in self.city.links else fault})
        return frozenset(self.world.sight(active, Manner.ALIKE).failing)

    def names(self, cause: str) -> frozenset[str]:
        """Return the ids under which a page may speak of this visible cause."""
        if cause == CITY_DARK:
            return frozenset({CITY_DARK, self.world.top})
        if cause in self.families:
            return frozenset({cause})
        return self.classes[cause]

    def shared(self, one: str, other: str) -> list[str]:
        """Return the risks that two nodes share."""
        nodes = self.city.nodes
        if one not in nodes or other not in nodes:
            return []
        return [risk for risk in nodes[one].risks if risk in nodes[other].risks]

    # -- how long it may take

    def announce(self, cause: str) -> float:
        """Seconds from onset to page at worst.

        Interval, certainty and time-out of the class, the tolerance, and the time-out of whoever is asked at the gate.
        """
        if cause not in self.city.nodes:
            return max(map(self.announce, self.families.get(cause, self._on_hub))) + GATE_GRACE
        check = self.city.checks[self.city.nodes[cause].checks[0]]
        return check.interval + CERTAIN[check.grade] + check.timeout + TOLERANCE + self._asked(cause)

    def _asked(self, cause: str) -> float:
        """Seconds that a question to what might answer in the place of a node takes: its other checks, and what it carries."""
        if cause not in self._answer:
            behind = [self.city.nodes[node].checks[0] for node in self.carried(cause)]
            looks = [*self.city.nodes[cause].checks[1:], *behind]
            self._answer[cause] = max((self.city.checks[check].timeout for check in looks), default=0.0)
        return self._answer[cause]

    def gate(self, parents: Iterable[str]) -> float:
        """Seconds that the gate may wait for parents that do not answer."""
        checks = [self.city.checks[self.city.nodes[parent].checks[0]] for parent in parents]
        return max((CERTAIN[check.grade] + check.timeout + GATE_GRACE for check in checks), default=0.0)

    def recover(self, cause: str) -> float:
        """Seconds from the return to the end at worst: an interval, two answers 10 s apart."""
        if cause not in self.city.nodes:
            return max(map(self.recover, self.families.get(cause, self._on_hub)))
        check = self.city.checks[self.city.nodes[cause].checks[0]]
        return check.interval + RECOVERY + check.timeout + TOLERANCE

    def slowest(self, nodes: Iterable[str]) -> float:
        """Seconds after which whatever could be told of these nodes has been told."""
        return max((self.announce(node) + self.recover(node) for node in nodes), default=30.0)
