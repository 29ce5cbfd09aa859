"""From roots to one cause: which roots belong together, and what it is that is named."""

from collections.abc import Iterable, Sequence

from alerts import incidents
from alerts.incidents import Cause, Incident
from monitor.core.belief import Status
from monitor.core.city import City, Kind, Link, Risk
from monitor.core.cover import IMPLIED, Cover, covers, risks_of
from monitor.core.events import Severity, Why
from monitor.core.topology import Topology
from monitor.engine.state import State

MOST = 0.5


class Crowd:
    """Counts how many of those who fall all together are in doubt, and how many are down."""

    __slots__ = ("doubtful", "enough", "fallen", "members")

    def __init__(self, risk: Risk) -> None:
        """Begin with nobody in doubt; the uplinks are lost when all of them are, the city when most of it is."""
        self.members = frozenset(risk.members)
        self.enough = len(self.members) * (MOST if risk.kind == "city" else 1.0)
        self.doubtful = self.fallen = 0

    def count(self, status: Status, by: int) -> None:
        """Count a member that got (1) or lost (-1) this status."""
        self.doubtful += by if status is Status.SUSPECT else 0
        self.fallen += by if status is Status.DOWN else 0

    @property
    def undecided(self) -> bool:
        """So many are in doubt that the next one to be down may only be the first of all."""
        return self.doubtful > 0 and self.doubtful + self.fallen >= self.enough

    @property
    def struck(self) -> bool:
        """So many are down that it is not each by itself."""
        return self.fallen >= self.enough


class Causes:
    """The shared risks of a city, who runs them, and how sure they are; derived from the state and kept current by the engine."""

    def __init__(self, state: State, topology: Topology) -> None:
        """Build the index; `moved` must be called for every change of a status."""
        self._state, self._topology = state, topology
        self.risks = risks_of(state.city)
        self._risks_of: dict[str, list[Risk]] = {}
        self._crowds_of: dict[str, list[Crowd]] = {}
        self._crowds = {risk.id: Crowd(risk) for risk in self.risks.values() if risk.kind in IMPLIED}
        for risk in self.risks.values():
            for member in risk.members:
                self._risks_of.setdefault(member, []).append(risk)
                if risk.id in self._crowds:
                    self._crowds_of.setdefault(member, []).append(self._crowds[risk.id])
        self._links = _only_links(state.city)
        for node in self._crowds_of:
            self._count(node, self._status(node), 1)

    # -- beside

    def moved(self, node: str, before: Status, now: Status) -> list[str]:
        """Count a change of status; return those whose crowd has decided by it."""
        crowds = self._crowds_of.get(node, ())
        were = [crowd for crowd in crowds if crowd.undecided]
        self._count(node, before, -1)
        self._count(node, now, 1)
        return [member for crowd in were if not crowd.undecided for member in crowd.members]

    def undecided(self, node: str) -> bool:
        """Tell whether too many who share this root's fate are still in doubt."""
        return any(crowd.undecided for crowd in self._crowds_of.get(node, ()))

    def together(self, node: str, others: Iterable[str]) -> list[str]:
        """Return those of the others that may have fallen by the same risk: they run it, too, and fell within its window."""
        fell, shared = self._fell(node), [risk for risk in self._risks_of.get(node, ()) if self._may_join(risk)]
        return [
            other
            for other in others
            if other != node and any(other in risk.members and abs(self._fell(other) - fell) <= risk.window for risk in shared)
        ]

    def apart(self, members: Sequence[str]) -> list[list[str]]:
        """Sort members into those that still belong together."""
        sets: list[list[str]] = []
        for member in members:
            mine = [each for each in sets if self.together(member, each)]
            sets = [each for each in sets if each not in mine] + [[one for each in mine for one in each] + [member]]
        return sets

    # -- the name of it

    def cause(self, members: Sequence[str], why: Why) -> Cause:
        """Return what is named as the cause of these roots: the one risk that explains them, or the one that fell first."""
        city, first = self._state.city, min(members, key=self._fell)
        best, second = self._covers(members)
        named = best.one or first
        behind = [city.nodes[each] for each in self._topology.behind(*members) if city.nodes[each].kind is not Kind.LINK and each != named]
        nodes = [city.nodes[each] for each in members]
        opds, urusan = incidents.impact(city, [*nodes, *behind])
        belief = self._state.beliefs[city.nodes[first].checks[0]]
        known = [city.nodes[named]] if named in city.nodes else []
        return Cause(
            node=named,
            why=why,
            reason=belief.reason,
            detail=belief.detail,
            since=(belief.last_ok, belief.first_loss),
            severity=_heaviest(incidents.severity(node, behind) for node in (*nodes, *known)),
            alike=self._alike(named),
            members=tuple(members),
            instead=(second.one or "",) if second and len(members) > 1 else (),
            behind=tuple(each.id for each in behind),
            opds=opds,
            urusan=urusan,
        )

    def _covers(self, members: Sequence[str]) -> tuple[Cover, Cover | None]:
        risks = {risk.id: risk for member in members for risk in self._risks_of.get(member, ())}
        concerned = {member for risk in risks.values() for member in risk.members}
        ways = covers(members, [node for node in concerned if self._status(node) is Status.UP], risks)
        return ways[0], ways[1] if len(ways) > 1 else None

    def _alike(self, node: str) -> tuple[str, ...]:
        link = self._links.get(node)
        return (node, link.id) if link else (node,)

    # -- small questions

    def _may_join(self, risk: Risk) -> bool:
        crowd = self._crowds.get(risk.id)
        return crowd is None or crowd.struck

    def _count(self, node: str, status: Status, by: int) -> None:
        for crowd in self._crowds_of.get(node, ()):
            crowd.count(status, by)

    def _status(self, node: str) -> Status:
        check = self._state.city.decider(node)
        return self._state.beliefs[check.id].status if check else Status.NEW

    def _fell(self, node: str) -> float:
        check = self._state.city.decider(node)
        return self._state.beliefs[check.id].first_loss if check else 0.0


def down_members(incident: Incident) -> list[str]:
    """Return the members of an incident that are still down."""
    return [node for node, member in incident.members.items() if not member.up]


def _only_links(city: City) -> dict[str, Link]:
    """The link of each child that has no other."""
    links: dict[str, Link | None] = {}
    for link in city.links.values():
        links[link.child] = None if link.child in links else link
    return {child: link for child, link in links.items() if link is not None}


def _heaviest(found: Iterable[Severity]) -> Severity:
    order = list(Severity)
    return min(found, key=order.index)
