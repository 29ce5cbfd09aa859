"""From roots to one cause: which roots belong together, and what it is that is named."""

from collections.abc import Iterable, Sequence
from itertools import islice

from alerts import incidents
from alerts.incidents import Cause, Incident
from monitor.core.belief import Status
from monitor.core.city import SITES, Check, City, Kind, Link, Node, Risk
from monitor.core.cover import IMPLIED, Cover, covers, risks_of
from monitor.core.events import Severity, Why
from monitor.core.topology import Topology
from monitor.engine.state import State

MANY, BESIDE = 5, 3
LIVING = (Status.UP, Status.SUSPECT)


class Crowd:
    """Those who fall all together: how many of the `counted` ones are down, have never answered, and when one last answered.

    Of the city only its sites are counted, where they are more than a few: a server beside the hub may live on.
    """

    __slots__ = ("answered", "counted", "fallen", "members", "unknown")

    def __init__(self, risk: Risk, city: City) -> None:
        """Begin with nobody down."""
        sites = tuple(member for member in risk.members if city.nodes[member].kind in SITES)
        self.members = dict.fromkeys(risk.members)
        self.counted = dict.fromkeys(sites if len(sites) >= MANY else risk.members)
        self.fallen = self.unknown = 0
        self.answered = 0.0

    def count(self, node: str, status: Status, by: int) -> None:
        """Count a member that got (1) or lost (-1) this status."""
        if node in self.counted:
            self.fallen += by if status is Status.DOWN else 0
            self.unknown += by if status is Status.NEW else 0

    @property
    def struck(self) -> bool:
        """All are down."""
        return self.fallen > 1 and self.fallen + self.unknown >= len(self.counted)

    def undecided(self, after: float) -> bool:
        """Not all are down, and nobody answered a look sent later than `after`: who is down now may only be the first of all."""
        return self.fallen + self.unknown < len(self.counted) and self.answered <= after


class Causes:
    """The shared risks of a city, who runs them, and how sure they are; derived from the state and kept current by the engine."""

    def __init__(self, state: State, topology: Topology) -> None:
        """Build the index; `moved` must be called for every change of a status."""
        self._state, self._topology = state, topology
        self.risks = risks_of(state.city)
        self._risks_of: dict[str, list[Risk]] = {}
        self._crowds_of: dict[str, list[Crowd]] = {}
        self._crowds = {risk.id: Crowd(risk, state.city) for risk in self.risks.values() if risk.kind in IMPLIED}
        for risk in self.risks.values():
            for member in risk.members:
                self._risks_of.setdefault(member, []).append(risk)
                if risk.id in self._crowds:
                    self._crowds_of.setdefault(member, []).append(self._crowds[risk.id])
        self._links = _only_links(state.city)
        self._apps = {node.id for node in state.city.nodes.values() if node.kind is Kind.APP}
        for node in self._crowds_of:
            self._count(node, self._status(node), 1)
        self.listen()

    # -- beside

    def moved(self, node: str, before: Status, now: Status) -> list[str]:
        """Count a change of status; return those whose crowd is down to the last one by it."""
        crowds = [crowd for crowd in self._crowds_of.get(node, ()) if not crowd.struck]
        self._count(node, before, -1)
        self._count(node, now, 1)
        return [member for crowd in crowds if crowd.struck for member in crowd.members]

    def listen(self) -> None:
        """Note when each crowd last answered; from here on `hear` must be called for every answer."""
        for crowd in self._crowds.values():
            deciders = filter(None, map(self._state.city.decider, crowd.counted))
            crowd.answered = max((self._state.beliefs[check.id].last_ok_sent for check in deciders), default=0.0)

    def hear(self, node: str, sent: float) -> list[str]:
        """Note an answer; return those who may have waited for it."""
        crowds = [crowd for crowd in self._crowds_of.get(node, ()) if node in crowd.counted]
        for crowd in crowds:
            crowd.answered = max(crowd.answered, sent)
        return [waiting for waiting in self._state.gate if any(waiting in crowd.members for crowd in crowds)] if crowds else []

    def undecided(self, node: str, after: float) -> bool:
        """Tell whether all who share this root's fate may be down, and it is not known yet."""
        return any(crowd.undecided(after) for crowd in self._crowds_of.get(node, ()))

    def all_fell(self, node: str, other: str) -> bool:
        """Tell whether both belong to a crowd of which all are down."""
        return any(crowd.struck and other in crowd.members for crowd in self._crowds_of.get(node, ()))

    def beside(self, node: str) -> list[Check]:
        """Return the checks of a few who share its fate and may be alive."""
        others = dict.fromkeys(member for crowd in self._crowds_of.get(node, ()) for member in crowd.counted if member != node)
        deciders = filter(None, map(self._state.city.decider, others))
        return list(islice((check for check in deciders if self._state.beliefs[check.id].status in LIVING), BESIDE))

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

    def behind(self, members: Iterable[str]) -> tuple[str, ...]:
        """Return what these roots take with them; not an application that answers although another one that it needs does not."""
        return self._topology.behind(*members, spared={app for app in self._apps if self._answers_without(app)})

    def cause(self, members: Sequence[str], why: Why) -> Cause:
        """Return what is named as the cause of these roots: the one risk that explains them, or the one that fell first."""
        city, first = self._state.city, min(members, key=self._fell)
        best, second = self._covers(members)
        named = max(best.risks, key=lambda risk: len(set(self.risks[risk].members).intersection(members)), default=first)
        gone = [city.nodes[each] for each in self.behind(members) if each != named]
        link = Kind.LINK
        behind = [each for each in gone if each.kind is not link]
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
            alike=self._alike(named, behind),
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

    def _alike(self, node: str, behind: Sequence[Node]) -> tuple[str, ...]:
        """The ids that would look the same from here: the node, its only link, and risks that take nothing but it and what is behind it."""
        link, named = self._links.get(node), [risk for risk in self._risks_of.get(node, ()) if risk.id in self._state.city.risks]
        gone = {node, *(each.id for each in behind)} if named else set()
        risks = [risk.id for risk in named if gone.issuperset(risk.members)]
        return (node, *([link.id] if link else []), *risks)

    # -- small questions

    def _may_join(self, risk: Risk) -> bool:
        crowd = self._crowds.get(risk.id)
        return crowd is None or crowd.struck

    def _count(self, node: str, status: Status, by: int) -> None:
        for crowd in self._crowds_of.get(node, ()):
            crowd.count(node, status, by)

    def _status(self, node: str) -> Status:
        check = self._state.city.decider(node)
        return self._state.beliefs[check.id].status if check else Status.NEW

    def _answers_without(self, node: str) -> bool:
        city = self._state.city
        if self._status(node) is not Status.UP:
            return False
        dead = [group for group in city.nodes[node].groups if not any(map(self._topology.forwards, group))]
        return all(parent in city.nodes and city.nodes[parent].kind is Kind.APP for group in dead for parent in group)

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
