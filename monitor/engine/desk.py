"""Opens, changes and ends incidents: what a receiver hears of the roots that passed the gate."""

import math
from collections.abc import Iterable, Sequence

from alerts import incidents, routing
from alerts.incidents import Cause, Incident, Member
from monitor.core.belief import FLAPS, Belief, Status, calm_at, status_at
from monitor.core.city import Check, Kind
from monitor.core.events import Decision, Effect, Page, Step, Traced, Why
from monitor.core.topology import Topology
from monitor.engine.causes import Causes, down_members
from monitor.engine.state import State

KEEP_ENDED = 200
SPLIT = 600.0
"""Seconds after which a member that stays down while the rest came back is named by itself."""
CALM_LATER = 60.0
"""Seconds after which it is asked once more whether what flapped is calm."""


class Outcome:
    """Gathers what one event brings."""

    def __init__(self) -> None:
        """Begin empty."""
        self.effects: list[Effect] = []

    def decide(self, at: float, subject: str, what: str, why: Why, **numbers: float | str) -> None:
        """Keep a decision with its reason."""
        self.effects.append(Decision(at, subject, what, why, numbers))

    def taken(self) -> list[Effect]:
        """Hand out what was gathered and begin anew."""
        effects, self.effects = self.effects, []
        return effects


class Desk:
    """Keeps the incidents of the state; `open` is the incident by each root that is down and told of."""

    def __init__(self, state: State, topology: Topology, causes: Causes, out: Outcome) -> None:
        """Take up the open incidents of the state."""
        self._state, self._topology, self._causes, self._out = state, topology, causes, out
        self._live = {each.id: each for each in state.incidents.values() if not each.ended}
        self.open = {node: each.id for each in self._live.values() for node in down_members(each)}

    @property
    def deadline(self) -> float:
        """When something falls due, or infinity."""
        return min((each.deadline for each in self._live.values()), default=math.inf)

    def open_incidents(self) -> list[Incident]:
        """Return the open incidents, oldest first."""
        return sorted(self._live.values(), key=lambda each: (each.opened, int(each.id[1:])))

    def incident_of(self, node: str) -> Incident | None:
        """Return the open incident of which this node is a root that is still down."""
        return self._state.incidents.get(self.open.get(node, ""))

    def take_in(self, roots: Sequence[str], why: Why, at: float) -> None:
        """Open an incident for roots that passed the gate, or let them join the one that they belong to.

        That is one which shares a risk with them, or else one whose members all lie behind them and which so has found its
        better cause; not so when it is we who are cut off, for that says nothing of what was seen before.
        """
        blind = any(self._state.city.nodes[root].kind is Kind.HUB for root in roots)
        behind = set(self._causes.behind(roots)) if self.open and not blind else set()
        covered = [each for each in self.open_incidents() if not each.calm_at and behind.issuperset(down_members(each))]
        resting = [each for each in self.open_incidents() if each.calm_at and not each.members.keys().isdisjoint(roots)]
        beside = {self.open[each] for each in self._causes.together(roots[0], self.open)}.difference(each.id for each in covered)
        sharing = [each for each in self.open_incidents() if each.id in beside and not self._causes.by_another(roots[0], each)]
        joined = resting or sharing or covered
        if not joined:
            self._begin(roots, why, at)
        elif resting and joined[0].members.keys() >= set(roots):
            self._fell_again(joined[0], roots, why, at)
        else:
            self._join(joined[0], roots, why, Why.BETTER_CAUSE if joined[0] in covered else Why.JOINED, at)
        for other in [each for each in resting + covered if each is not joined[0]]:
            self._end(other, Why.MERGED, at)

    def came_up(self, node: str, why: Why, at: float) -> None:
        """Take a root that is well again out of its incident, which ends with the last one."""
        if incident := self.incident_of(node):
            incident.members[node].up = at
            del self.open[node]
            if down_members(incident):
                incident.split_at = at + SPLIT
            elif why is Why.RECOVERED and self._flaps(incident, at):
                self._rest(incident, at)
            else:
                self._end(incident, why, at)

    def roots(self) -> list[tuple[str, Incident]]:
        """Return the roots that incidents are about: those that are down, and those that flap and are up just now."""
        return [(node, each) for each in self.open_incidents() for node, member in each.members.items() if each.calm_at or not member.up]

    def drop(self, node: str, incident: Incident, why: Why, at: float) -> None:
        """Take a root out of its incident that is no longer what it was."""
        if any(other != node and (incident.calm_at or not member.up) for other, member in incident.members.items()):
            del incident.members[node]
            self.open.pop(node, None)
        else:
            self._end(incident, why, at)

    def traced(self, way: Traced) -> None:
        """Keep with an incident how far the way to its cause went."""
        if way.incident in self._state.incidents:
            steps = " ".join(router or "*" for router in way.routers)
            self._out.decide(
                way.at, way.incident, "traced", Why.WAY_TRACED, node=way.node, way=steps, reached=float(way.reached), end=way.end
            )
        else:
            self._state.counts["unknown_incident"] = self._state.counts.get("unknown_incident", 0) + 1

    def ticked(self, at: float) -> None:
        """Do what has fallen due."""
        for incident in self.open_incidents():
            if incident.update_at and incident.update_at <= at:
                self._owe(incidents.gathered(incident, at))
            if incident.split_at and incident.split_at <= at:
                self._split(incident, at)
            if incident.calm_at and incident.calm_at <= at:
                self._grew_calm(incident, at)

    def _begin(self, roots: Sequence[str], why: Why, at: float) -> None:
        self._state.serial += 1
        incident = Incident(f"g{self._state.serial}", self._causes.cause(roots, why), at)
        self._state.incidents[incident.id] = self._live[incident.id] = incident
        self._take(incident, roots)
        self._owe(incidents.open_incident(incident, self._receivers(incident.cause), at))
        self._told(incident, Step.OPEN, why, at)

    def _join(self, incident: Incident, roots: Sequence[str], why: Why, step: Why, at: float) -> None:
        """Give an incident more roots; a better cause, above all its members, takes their place."""
        if step is Why.BETTER_CAUSE:
            self._forget(incident)
        incident.falls = 0
        self._take(incident, roots)
        back = [node for node, member in incident.members.items() if member.up]
        cause = self._causes.cause(down_members(incident), why, back)
        self._owe(incidents.change(incident, cause, self._receivers(cause), at, step))
        self._told(incident, Step.UPDATE, step, at)

    def _rest(self, incident: Incident, at: float) -> None:
        """All is well for now, but it fell too often for that to be the end: one message, then a digest, until it is calm."""
        known = [belief for _, belief in self._deciding(incident)]
        falls = math.ceil(max(each.falls for each in known))
        self._owe(incidents.rest(incident, falls, max(map(calm_at, known)), at))
        self._told(incident, Step.UPDATE, Why.FLAPPING, at)

    def _fell_again(self, incident: Incident, roots: Sequence[str], why: Why, at: float) -> None:
        """What flaps is down once more: nobody hears of it unless it stays so."""
        self._take(incident, roots)
        incident.split_at, incident.cause = at + SPLIT, self._causes.cause(down_members(incident), why)
        self._told(incident, "again", Why.FLAPPING, at)

    def _flaps(self, incident: Incident, at: float) -> bool:
        """Tell whether what came back fell so often of late that it may soon fall again."""
        known = [belief for _, belief in self._deciding(incident)]
        return max(map(calm_at, known)) > at and (incident.falls > 0 or any(each.falls >= FLAPS for each in known))

    def _grew_calm(self, incident: Incident, at: float) -> None:
        """End what flapped; of what does not answer just now, or nobody could look at, that cannot be said."""
        if all(status_at(check, belief, at) is Status.UP for check, belief in self._deciding(incident)):
            self._end(incident, Why.CALM, at)
        else:
            incident.calm_at = at + CALM_LATER

    def _deciding(self, incident: Incident) -> list[tuple[Check, Belief]]:
        deciders = filter(None, map(self._state.city.decider, incident.members))
        return [(check, self._state.beliefs[check.id]) for check in deciders]

    def _split(self, incident: Incident, at: float) -> None:
        """Name those that stay down while the rest came back; what no longer belongs together becomes an incident of its own."""
        if incident.falls:
            self._owe(incidents.stays_down(incident, at))
            self._told(incident, Step.UPDATE, Why.STAYS_DOWN, at)
            return
        incident.split_at = 0.0
        first, *others = self._causes.apart(down_members(incident))
        self._forget(incident)
        self._take(incident, first)
        cause = self._causes.cause(first, incident.cause.why)
        self._owe(incidents.change(incident, cause, self._receivers(cause), at, Why.SPLIT))
        self._told(incident, Step.UPDATE, Why.SPLIT, at)
        for other in others:
            self._begin(other, Why.SPLIT, at)

    def _take(self, incident: Incident, roots: Iterable[str]) -> None:
        incident.calm_at = 0.0
        for root in roots:
            belief = self._state.belief(root)
            incident.members[root] = Member(belief.first_loss if belief else 0.0)
            self.open[root] = incident.id

    def _forget(self, incident: Incident) -> None:
        for member in down_members(incident):
            del self.open[member]
        incident.members.clear()

    def _end(self, incident: Incident, why: Why, at: float) -> None:
        for member in down_members(incident):
            del self.open[member]
        del self._live[incident.id]
        self._owe(incidents.end(incident, why, at))
        self._told(incident, Step.END, why, at)
        ended = [each.id for each in self._state.incidents.values() if each.ended]
        for old in ended[:-KEEP_ENDED]:
            del self._state.incidents[old]

    def _receivers(self, cause: Cause) -> tuple[str, ...]:
        return routing.receivers(self._state.city, cause)

    def _told(self, incident: Incident, step: str, why: Why, at: float) -> None:
        cause = incident.cause
        self._out.decide(at, incident.id, step, why, cause=cause.node, members=", ".join(cause.members), told=", ".join(incident.told))

    def _owe(self, pages: list[Page]) -> None:
        self._state.owed.update((page.key, page) for page in pages)
        self._out.effects.extend(pages)
