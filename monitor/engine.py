"""The engine: an event in, effects out. Pure: the same events give the same state and the same pages, always.

The road of one look: `absorb` (belief) -> down or up (topology) -> root or shadowed -> the gate -> incident -> pages.
THE GATE: a root is paged only when each of its parent groups holds a parent that is believed up and answered a look sent
after the loss that made the child down; after a bounded wait it is paged as "cause not verified".
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from alerts import incidents, routing
from alerts.incidents import Cause, Incident
from monitor.core import belief as beliefs
from monitor.core.belief import Belief, Status
from monitor.core.city import Check, City, Kind
from monitor.core.events import (
    ClockStepped,
    Decision,
    Delivered,
    Effect,
    Event,
    InventoryLoaded,
    Page,
    ProbeResult,
    Step,
    Tick,
    Verify,
    Why,
)
from monitor.core.topology import Topology
from monitor.core.verdict import Verdict

KEEP_ENDED = 200
GATE_GRACE = 5.0


class Condition(StrEnum):
    """What people are told of a node; UNWATCHED has no check."""

    UP = "up"
    DEGRADED = "degraded"
    SUSPECT = "suspect"
    DOWN = "down"
    SHADOWED = "shadowed"
    NEW = "new"
    UNKNOWN = "unknown"
    UNWATCHED = "unwatched"


@dataclass(slots=True)
class State:
    """All that is kept: a snapshot is this and nothing else.

    `beliefs` are by check id, `waiting` holds the deadline of each down node that stands at the gate, `owed` is the
    outbox (page by key, in order of decision), `counts` what could not be used, by word.
    """

    city: City
    beliefs: dict[str, Belief] = field(default_factory=dict)
    waiting: dict[str, float] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    owed: dict[str, Page] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    serial: int = 0


class Engine:
    """Applies events to a `State`; topology and the index of open incidents are derived and rebuilt here."""

    def __init__(self, state: State) -> None:
        """Take the state over; it must not be changed by anybody else."""
        self.state = state
        self._effects: list[Effect] = []
        self._derive()

    # -- in and out

    def apply(self, event: Event) -> list[Effect]:
        """Take one event into the state; return what is to be done. Never raises: what it cannot use it counts."""
        self._effects = []
        match event:
            case ProbeResult():
                self._looked(event)
            case Tick():
                self._ticked(event.at)
            case Delivered():
                self._delivered(event)
            case InventoryLoaded():
                self._inventory(event)
            case ClockStepped():
                self._count("clock_stepped")
        return self._effects

    def next_deadline(self) -> float | None:
        """Return the time at which the engine wants a `Tick`, or None."""
        return min(self.state.waiting.values(), default=None)

    def owed(self) -> list[Page]:
        """Return the pages decided and not yet reported Delivered, in the order of decision."""
        return list(self.state.owed.values())

    def looks_wanted(self, at: float) -> list[Verify]:
        """Return the looks that were being waited for: what a restart must ask for again."""
        doubted = [check for check, belief in self.state.beliefs.items() if self._decides(check) and self._in_doubt(belief)]
        waiting = [check for node in self.state.waiting for check in self._parent_checks(node)]
        return [Verify(check, at) for check in dict.fromkeys(doubted + waiting)]

    def condition(self, node_id: str, at: float) -> Condition:
        """Return what people are told of a node at this time."""
        node, city = self.state.city.nodes[node_id], self.state.city
        if not node.checks:
            return Condition.UNWATCHED
        check, belief = city.checks[node.checks[0]], self.state.beliefs[node.checks[0]]
        status = beliefs.status_at(check, belief, at)
        if not self.topology.reachable(node_id) and status not in (Status.UP, Status.NEW):
            return Condition.SHADOWED
        if status is Status.UP and any(self._troubled(each) for each in node.checks):
            return Condition.DEGRADED
        return Condition(status.value)

    def open_incidents(self) -> list[Incident]:
        """Return the open incidents, oldest first."""
        return [self.state.incidents[each] for each in self._open.values()]

    def incident_of(self, node: str) -> Incident | None:
        """Return the open incident whose cause is this node."""
        return self.state.incidents.get(self._open.get(node, ""))

    # -- one look

    def _looked(self, look: ProbeResult) -> None:
        check, belief = self.state.city.checks.get(look.check), self.state.beliefs.get(look.check)
        if check is None or belief is None:
            self._count("unknown_check")
            return
        if not belief.last_sent < look.sent <= look.at:
            self._count("stale_look")
            return
        why = beliefs.absorb(check, belief, look)
        if why is not None:
            self._decide(look.at, check.id, belief.status.value, why, losses=belief.losses, nats=round(belief.nats, 3))
        if self._decides(check.id):
            self._judge(check, belief, look, why)

    def _judge(self, check: Check, belief: Belief, look: ProbeResult, why: Why | None) -> None:
        """Draw the conclusions from a look at the check that decides its node."""
        if why is Why.ODDS_REACHED:
            self._went_down(check.node, look.at)
        elif belief.status is Status.UP and why is not None:
            self._came_up(check.node, look.at)
        elif belief.status is Status.DOWN and belief.first_ok:
            self._effects.append(Verify(check.id, belief.first_ok + beliefs.RECOVERY))
        if belief.status is Status.SUSPECT:
            self._effects.append(Verify(check.id, beliefs.look_again(check, belief)))
        if look.verdict is Verdict.FAIL and belief.status in (Status.SUSPECT, Status.DOWN) and check.node not in self._open:
            self._ask_parents(check.node, look.at)
        self._settle((check.node, *self.topology.children(check.node)), look.at)

    def _went_down(self, node: str, at: float) -> None:
        for shadowed in self.topology.set_down(node, down=True):
            if self.state.waiting.pop(shadowed, None) is not None:
                self._decide(at, shadowed, "shadowed", Why.SHADOWED, behind=node)
        if not self.topology.reachable(node):
            self._decide(at, node, "shadowed", Why.SHADOWED)
        elif node not in self._open:
            self._to_the_gate(node, at)

    def _came_up(self, node: str, at: float) -> None:
        """End the node's incident; what stood behind it starts anew, so that a repair brings no storm."""
        self.state.waiting.pop(node, None)
        if incident := self.incident_of(node):
            self._end(incident, Why.RECOVERED, at)
        queue = self.topology.set_down(node, down=False)
        for freed in queue:
            if freed not in self._open and self._start_anew(freed, at):
                queue.extend(self.topology.set_down(freed, down=False))

    def _start_anew(self, node: str, at: float) -> bool:
        decider = self._decider(node)
        if decider is None or not self._in_doubt(self.state.beliefs[decider.id]):
            return False
        beliefs.start_anew(self.state.beliefs[decider.id], at)
        self._decide(at, node, "suspect", Why.PARENT_RETURNED)
        self._effects.append(Verify(decider.id, at))
        return True

    # -- the gate

    def _to_the_gate(self, node: str, at: float) -> None:
        waits = [beliefs.certain_after(self.state.city.checks[check]) for check in self._parent_checks(node)]
        self.state.waiting[node] = at + max(waits, default=0.0) + GATE_GRACE

    def _settle(self, nodes: Iterable[str], at: float) -> None:
        """Let through the gate whoever may pass."""
        for node in nodes:
            if node in self.state.waiting and self._verified(node):
                self._page(node, Why.ROOT_VERIFIED, at)

    def _verified(self, node: str) -> bool:
        """Tell whether each parent group holds a parent that answered after the loss which decided."""
        decider = self._decider(node)
        decided = self.state.beliefs[decider.id].decided if decider else 0.0
        return all(any(self._vouches(parent, decided) for parent in group) for group in self.state.city.nodes[node].groups)

    def _vouches(self, parent: str, after: float) -> bool:
        decider = self._decider(parent)
        if decider is None:
            return self.topology.forwards(parent)
        belief = self.state.beliefs[decider.id]
        return self.topology.forwards(parent) and belief.status is Status.UP and belief.last_ok_sent > after

    def _ticked(self, at: float) -> None:
        for node in [node for node, deadline in self.state.waiting.items() if deadline <= at]:
            self._page(node, Why.ROOT_VERIFIED if self._verified(node) else Why.ROOT_UNVERIFIED, at)

    # -- incidents

    def _page(self, node: str, why: Why, at: float) -> None:
        """Open the incident of a root; one that is open for something behind it gets this better cause instead."""
        del self.state.waiting[node]
        cause = self._cause(node, why)
        receivers = routing.receivers(self.state.city, cause)
        behind = set(self.topology.behind(node))
        covered = [incident for incident in self.open_incidents() if incident.cause.node in behind]
        if covered:
            incident = covered[0]
            del self._open[incident.cause.node]
            self._owe(incidents.reroot(incident, cause, receivers, at))
            for other in covered[1:]:
                self._end(other, Why.MERGED, at)
        else:
            self.state.serial += 1
            incident = Incident(f"g{self.state.serial}", cause, at)
            self.state.incidents[incident.id] = incident
            self._owe(incidents.open_incident(incident, receivers, at))
        self._open[node] = incident.id
        self._decide(at, node, "root", why, incident=incident.id)
        self._decide(at, incident.id, Step.UPDATE if covered else Step.OPEN, why, cause=node, told=", ".join(incident.told))

    def _end(self, incident: Incident, why: Why, at: float) -> None:
        del self._open[incident.cause.node]
        self._owe(incidents.end(incident, why, at))
        self._decide(at, incident.id, Step.END, why, cause=incident.cause.node)
        ended = [each.id for each in self.state.incidents.values() if each.ended]
        for old in ended[:-KEEP_ENDED]:
            del self.state.incidents[old]

    def _cause(self, node_id: str, why: Why) -> Cause:
        city, belief = self.state.city, self.state.beliefs[self.state.city.nodes[node_id].checks[0]]
        node = city.nodes[node_id]
        behind = [city.nodes[each] for each in self.topology.behind(node_id) if city.nodes[each].kind is not Kind.LINK]
        opds, urusan = incidents.impact(city, [node, *behind])
        return Cause(
            node=node_id,
            why=why,
            reason=belief.reason,
            detail=belief.detail,
            since=(belief.last_ok, belief.first_loss),
            severity=incidents.severity(node, behind),
            alike=incidents.alike(city, node),
            behind=tuple(each.id for each in behind),
            opds=opds,
            urusan=urusan,
        )

    def _owe(self, pages: list[Page]) -> None:
        self.state.owed.update((page.key, page) for page in pages)
        self._effects.extend(pages)

    def _delivered(self, report: Delivered) -> None:
        if self.state.owed.pop(report.key, None) is None:
            self._count("unknown_page")
            return
        what, why = ("delivered", Why.DELIVERED) if report.ok else ("given up", Why.GIVEN_UP)
        self._decide(report.at, report.key, what, why, detail=report.detail)

    # -- a new inventory

    def _inventory(self, event: InventoryLoaded) -> None:
        """Swap the city: what did not change keeps its belief; an incident whose cause went or changed ends with that reason."""
        old, new, state = self.state.city, event.city, self.state
        kept = {each for each in new.checks if each in old.checks and _same_target(old.checks[each], new.checks[each])}
        for incident in self.open_incidents():
            node = new.nodes.get(incident.cause.node)
            if node is None or not node.checks:
                self._end(incident, Why.TARGET_REMOVED, event.at)
            elif node.checks[0] not in kept:
                self._end(incident, Why.TARGET_CHANGED, event.at)
        state.city = new
        state.beliefs = {each: state.beliefs[each] if each in kept else Belief(since=event.at) for each in new.checks}
        self._derive()
        state.waiting = {node: deadline for node, deadline in state.waiting.items() if self._is_root(node)}
        for root in new.nodes:
            if self._is_root(root) and root not in self._open and root not in state.waiting:
                self._to_the_gate(root, event.at)
                self._ask_parents(root, event.at)

    def _derive(self) -> None:
        """Rebuild what follows from the state: the topology's counters and the open incidents by cause."""
        down = [node for node in self.state.city.nodes if self._is_down(node)]
        self.topology = Topology(self.state.city.nodes, down)
        self._open = {each.cause.node: each.id for each in self.state.incidents.values() if not each.ended}

    # -- small questions

    def _decider(self, node_id: str) -> Check | None:
        node = self.state.city.nodes.get(node_id)
        return self.state.city.checks[node.checks[0]] if node and node.checks else None

    def _decides(self, check_id: str) -> bool:
        return self.state.city.nodes[self.state.city.checks[check_id].node].checks[0] == check_id

    def _parent_checks(self, node: str) -> list[str]:
        deciders: Iterable[Check | None] = map(self._decider, self.topology.parents(node))
        return [check.id for check in deciders if check is not None]

    def _ask_parents(self, node: str, at: float) -> None:
        self._effects.extend(Verify(check, at) for check in self._parent_checks(node))

    def _is_down(self, node: str) -> bool:
        decider = self._decider(node)
        return decider is not None and self.state.beliefs[decider.id].status is Status.DOWN

    def _is_root(self, node: str) -> bool:
        return node in self.state.city.nodes and self._is_down(node) and self.topology.reachable(node)

    def _in_doubt(self, belief: Belief) -> bool:
        return belief.status in (Status.SUSPECT, Status.DOWN)

    def _troubled(self, check: str) -> bool:
        belief = self.state.beliefs[check]
        return belief.status is Status.DOWN or belief.verdict in (Verdict.SLOW, Verdict.WARN)

    def _count(self, word: str) -> None:
        self.state.counts[word] = self.state.counts.get(word, 0) + 1

    def _decide(self, at: float, subject: str, what: str, why: Why, **numbers: float | str) -> None:
        self._effects.append(Decision(at, subject, what, why, numbers))


def _same_target(old: Check, new: Check) -> bool:
    """Tell whether two checks look at the same thing; a new interval or time-out changes no belief."""
    return (old.node, old.kind, old.target, old.options) == (new.node, new.kind, new.target, new.options)
