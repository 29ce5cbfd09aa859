"""From roots to one cause: which roots belong together, and what it is that is named."""

from collections.abc import Iterable, Sequence
from itertools import islice

from alerts import incidents
from alerts.incidents import Cause, Incident
from monitor.core.belief import LIVING, Status
from monitor.core.city import SITES, Check, City, Kind, Link, Node, Risk
from monitor.core.cover import FAMILY, IMPLIED, WHOLE_CITY, Cover, covers, risks_of
from monitor.core.events import Severity, Why
from monitor.core.family import Family, families
from monitor.core.topology import Topology
from monitor.core.verdict import Reason
from monitor.engine.state import State

MANY = 5
"""So many sites are more than a few."""
BESIDE, AMONG = 3, 100
"""As many of a crowd are asked, and are looked for among its first: it may be the whole city."""


class Crowd:
    """Those who fall all together: how many of the `counted` ones are up, are down, have never answered, and when one last answered.

    Of the city only sites are counted, where they are more than a few: a server beside the hub may live on.
    A family is lost when some are down and nobody is up, whatever it is that answers: its `slow` ones are not waited for.
    """

    __slots__ = ("answered", "counted", "fallen", "leading", "members", "slow", "unknown", "up")

    def __init__(self, members: Iterable[str], first: Sequence[str], city: City, family: Family | None = None) -> None:
        """Begin with nobody down; the `first` of the members are those that fall by themselves."""
        slow = self.slow = family is not None
        self.leading = family.leading if family else {}
        sites = tuple(member for member in first if city.nodes[member].kind in SITES)
        self.members = dict.fromkeys(members)
        self.counted = dict.fromkeys(sites if len(sites) >= MANY and not slow else first)
        self.fallen = self.unknown = self.up = 0
        self.answered = 0.0

    def count(self, node: str, status: Status, by: int) -> None:
        """Count a member that got (1) or lost (-1) this status."""
        if node in self.counted:
            self.fallen += by if status is Status.DOWN else 0
            self.unknown += by if status is Status.NEW else 0
            self.up += by if status is Status.UP else 0

    @property
    def struck(self) -> bool:
        """All are down; or nobody is up, where the slow ones are not waited for."""
        return self.fallen > 1 and self._gone

    def undecided(self, after: float) -> bool:
        """Not all are down, and nobody answered a look sent later than `after`: who is down now may only be the first of all."""
        return not self._gone and self.answered <= after

    @property
    def _gone(self) -> bool:
        return (self.fallen > 1 and not self.up) if self.slow else self.fallen + self.unknown >= len(self.counted)


class Causes:
    """The shared risks of a city, who runs them, and how sure they are; derived from the state and kept current by the engine."""

    def __init__(self, state: State, topology: Topology) -> None:
        """Build the index; `moved` must be called for every change of a status."""
        self._state, self._topology = state, topology
        found = families(state.city)
        self.risks = risks_of(state.city, found)
        self._risks_of: dict[str, list[Risk]] = {}
        self._crowds_of: dict[str, list[Crowd]] = {}
        self._crowds = {
            risk.id: Crowd(risk.members, risk.members, state.city) for risk in self.risks.values() if risk.kind in IMPLIED - {FAMILY}
        }
        self._families = {name: Crowd(each.members, each.first, state.city, each) for name, each in found.items()}
        self._crowds |= self._families
        for risk in self.risks.values():
            for member in risk.members:
                self._risks_of.setdefault(member, []).append(risk)
                if risk.id in self._crowds:
                    self._crowds_of.setdefault(member, []).append(self._crowds[risk.id])
        self._links = _only_links(state.city)
        self._hubs = [node for node in state.city.nodes.values() if node.kind is Kind.HUB]
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
        for crowd in self._crowds_of.get(node, ()):
            balance = self._in_the_balance(crowd) if crowd.slow and crowd.struck else ()
            if crowd.undecided(after) or (balance and node not in balance):
                return True
        return False

    def no_route_to_any(self, node: str) -> bool:
        """Tell whether we had no route to any of its crowd when we last looked: a fact about all of them, no lack of a look.

        That is its address family; or all that hangs on the hub while the hub itself answers, for there our own way ends.
        """
        whole = self._crowds.get(WHOLE_CITY) if self._hub_answers() else None
        crowds = [crowd for crowd in self._crowds_of.get(node, ()) if crowd.slow or crowd is whole]
        return any(all(self._lacked_route(other) for other in crowd.counted) for crowd in crowds)

    def all_fell(self, node: str, other: str) -> bool:
        """Tell whether both belong to a crowd of which all are down; not who may only be silent over a family."""
        asked = self._state.gate[other].asked
        return any(crowd.struck and other in crowd.members and not (crowd.slow and asked) for crowd in self._crowds_of.get(node, ()))

    def beside(self, node: str) -> list[Check]:
        """Return the checks of a few of each crowd who share its fate and may be alive."""
        return [check for crowd in self._crowds_of.get(node, ()) for check in self._living(crowd.counted, node)]

    def together(self, node: str, others: Iterable[str]) -> list[str]:
        """Return those of the others that may have fallen by the same risk: they run it, too, and fell within its window."""
        shared = [risk for risk in self._risks_of.get(node, ()) if self._may_join(risk)]
        return [
            other
            for other in others
            if other != node and any(other in risk.members and self._fell_apart(node, other) <= risk.window for risk in shared)
        ]

    def by_another(self, node: str, incident: Incident) -> bool:
        """Tell whether a root is better explained by a risk that is not the one which an incident is named by."""
        if incident.cause.node not in self.risks:
            return False
        best, _ = self._covers([*down_members(incident), node])
        mine = [risk for risk in best.risks if node in self.risks[risk].members]
        return bool(mine) and incident.cause.node in set(best.risks).difference(mine)

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

    def cause(self, members: Sequence[str], why: Why, back: Iterable[str] = ()) -> Cause:
        """Return what is named as the cause of these roots: the one risk that explains them, or the one that fell first.

        Those that fell with them and are `back` count as fallen.
        """
        city, first = self._state.city, min(members, key=self._fell)
        best, second = self._covers([*members, *back])
        named = max(best.risks, key=lambda risk: len(set(self.risks[risk].members).intersection(members)), default=first)
        gone = [city.nodes[each] for each in self.behind(members) if each != named]
        link = Kind.LINK
        behind = [each for each in gone if each.kind is not link]
        nodes = [city.nodes[each] for each in members]
        opds, urusan = incidents.impact(city, [*nodes, *behind])
        belief = self._state.beliefs[city.nodes[first].checks[0]]
        line = self._links.get(first) or city.links.get(first)
        port = f"{line.parent}: {line.port}" if line and belief.told else ""
        known = [city.nodes[named]] if named in city.nodes else []
        return Cause(
            node=named,
            why=why,
            reason=Reason.PORT_DOWN if port else belief.reason,
            detail=port or belief.detail,
            since=(belief.last_ok, belief.first_loss),
            severity=self._severity(named, [*nodes, *known], behind),
            alike=self._alike(named, behind),
            members=tuple(members),
            instead=(second.one or "",) if second and len(members) > 1 else (),
            behind=tuple(each.id for each in behind),
            opds=opds,
            urusan=urusan,
        )

    def _covers(self, members: Sequence[str]) -> tuple[Cover, Cover | None]:
        known = {risk.id: risk for member in members for risk in self._risks_of.get(member, ())}
        risks = {risk.id: risk for risk in known.values() if risk.kind != FAMILY or self._may_join(risk)}
        concerned = {member for risk in risks.values() for member in risk.members}
        fallen = [*members, *(each for risk in risks.values() if risk.kind == FAMILY for each in self._failing(risk))]
        standing = [node for node in concerned.difference(fallen) if self._status(node) is Status.UP]
        ways = covers(list(dict.fromkeys(fallen)), standing, risks)
        return ways[0], ways[1] if len(ways) > 1 else None

    def _alike(self, node: str, behind: Sequence[Node]) -> tuple[str, ...]:
        """The ids that would look the same from here: the node, its only link, and risks that take nothing but it and what is behind it."""
        link, named = self._links.get(node), [risk for risk in self._risks_of.get(node, ()) if risk.id in self._state.city.risks]
        gone = {node, *(each.id for each in behind)} if named else set()
        risks = [risk.id for risk in named if gone.issuperset(risk.members)]
        return (node, *([link.id] if link else []), *risks)

    # -- small questions

    def _severity(self, named: str, nodes: Iterable[Node], behind: Sequence[Node]) -> Severity:
        """What takes all of a kind is critical whoever falls by it."""
        if named in self._crowds:
            return Severity.CRITICAL
        return _heaviest(incidents.severity(node, behind) for node in nodes)

    def _may_join(self, risk: Risk) -> bool:
        """Tell whether a risk may have struck: an implied one when all are down.

        A family only while the other one answers, and when no more than half of it lies behind what is down itself or may be.
        """
        crowd = self._crowds.get(risk.id)
        if crowd is None or not crowd.struck:
            return crowd is None
        if risk.kind != FAMILY:
            return True
        if self._in_the_balance(crowd) or not any(each.up for each in self._families.values() if each is not crowd):
            return False
        return 2 * len(self._failing(risk)) > len(crowd.counted)

    def _in_the_balance(self, crowd: Crowd) -> list[str]:
        """Return the members that lead on to others of whom it is not known yet whether they are dead, or only silent over this family."""
        checks, same = self._state.city.checks, crowd.members
        waiting = [(each, wait.asked) for each, wait in self._state.gate.items() if each in same]
        leading = [each for each, asked in waiting if any(checks[check].node not in same for check in asked)]
        return leading + [each for each, others in crowd.leading.items() if self._may_be_dead(each, others)]

    def _may_be_dead(self, node: str, behind: Iterable[str]) -> bool:
        """Tell whether a node is in doubt, and nothing behind it answers."""
        doubted = self._status(node) is Status.SUSPECT and self._topology.reachable(node)
        return doubted and not any(self._status(each) is Status.UP for each in behind)

    def _failing(self, risk: Risk) -> list[str]:
        """Those who speak for the loss of a family, silent ones and those in doubt among them: all that a way leads to."""
        counted = self._crowds[risk.id].counted
        return [each for each in counted if self._topology.reachable(each) and self._status(each) in (Status.SUSPECT, Status.DOWN)]

    def _living(self, members: Iterable[str], besides: str) -> list[Check]:
        """A few of the members that may be alive: those that are not even in doubt sooner than others."""
        up: list[Check] = []
        doubted: list[Check] = []
        for member in islice(members, AMONG):
            check = self._state.city.decider(member) if member != besides else None
            status = self._state.beliefs[check.id].status if check else Status.NEW
            if check and status in LIVING:
                (up if status is Status.UP else doubted).append(check)
            if len(up) == BESIDE:
                break
        return [*up, *doubted][:BESIDE]

    def _count(self, node: str, status: Status, by: int) -> None:
        for crowd in self._crowds_of.get(node, ()):
            crowd.count(node, status, by)

    def _status(self, node: str) -> Status:
        belief = self._state.belief(node)
        return belief.status if belief else Status.NEW

    def _hub_answers(self) -> bool:
        return all(self._status(node.id) is Status.UP for node in self._hubs)

    def _lacked_route(self, node: str) -> bool:
        belief = self._state.belief(node)
        return belief is not None and belief.reason is Reason.NO_ROUTE

    def _answers_without(self, node: str) -> bool:
        city = self._state.city
        if self._status(node) is not Status.UP:
            return False
        dead = [group for group in city.nodes[node].groups if not any(map(self._topology.forwards, group))]
        return all(parent in city.nodes and city.nodes[parent].kind is Kind.APP for group in dead for parent in group)

    def _fell(self, node: str) -> float:
        belief = self._state.belief(node)
        return belief.gone if belief else 0.0

    def _fell_apart(self, one: str, other: str) -> float:
        """Seconds that lie between the falls of two at least: each fell between its last answer and its first loss since.

        That may be long: while we are cut off nothing is a loss.
        """
        known = filter(None, map(self._state.belief, (one, other)))
        (after, gone), (other_after, other_gone) = ((min(each.last_ok_sent, each.gone), each.gone) for each in known)
        return max(after - other_gone, other_after - gone, 0.0)


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
