"""The life of an incident: one opening, any updates and one end for each receiver. Pure.

`open_incident`, `change`, `gathered` and `end` change the incident and return the pages owed; who is told is `routing`'s matter
and handed in. Whoever was told of the opening is told of the end.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.core.city import SITES, City, Kind, Node
from monitor.core.events import Page, Severity, Step, Why
from monitor.core.verdict import Reason

GATHER, DIGEST = 60.0, 3600.0
UPSTREAM = frozenset({Kind.HUB, Kind.INTERNET, Kind.RESOLVER, Kind.KECAMATAN})


@dataclass(frozen=True, slots=True)
class Cause:
    """What an incident is about: the node, what was seen of it, and what it takes with it.

    `node` is the id of a node, or of the shared risk that explains all `members` (the roots). `since` is (last answer, first
    loss) in epoch seconds; `alike` are the ids that would look the same from here, `instead` the second likeliest cause
    ("": each member by itself).
    """

    node: str
    why: Why
    reason: Reason | None
    detail: str
    since: tuple[float, float]
    severity: Severity
    alike: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    opds: tuple[str, ...] = ()
    urusan: tuple[str, ...] = ()


@dataclass(slots=True)
class Member:
    """One root of an incident: down since its first loss at `fell`, up again at `up` (0: still down)."""

    fell: float
    up: float = 0.0


@dataclass(slots=True)
class Incident:
    """One incident, open while `ended` is 0; `told` are the receivers of its opening, `steps` counts what was told.

    `members` are its roots. At `update_at` what was gathered is told, at `split_at` who is still down is named (0: nothing to do).
    One that flaps stays open while all its members are up, until `calm_at`; `falls` counts how often they fell.
    """

    id: str
    cause: Cause
    opened: float
    members: dict[str, Member] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    steps: int = 0
    update_at: float = 0.0
    split_at: float = 0.0
    calm_at: float = 0.0
    falls: int = 0
    ended: float = 0.0
    end_why: Why | None = None

    @property
    def deadline(self) -> float:
        """When the engine must look at it again, or infinity."""
        return min(self.update_at or math.inf, self.split_at or math.inf, self.calm_at or math.inf)


def severity(node: Node, behind: Iterable[Node]) -> Severity:
    """Lost redundancy is minor; an outage with sites behind it, or of what carries the city, is critical; the rest major."""
    if node.kind is Kind.LINK:
        return Severity.MINOR
    carries = node.kind in UPSTREAM or any(other.kind in SITES for other in behind)
    return Severity.CRITICAL if carries else Severity.MAJOR


def impact(city: City, nodes: Iterable[Node]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the OPD and the urusan that are hit when these nodes are gone, each once, in the order of the nodes."""
    opds: dict[str, None] = {}
    urusan: dict[str, None] = {}
    held: dict[str, list[str]] = {}
    for affair in city.urusan.values():
        for opd in affair.opds:
            held.setdefault(opd, []).append(affair.id)
    office = Kind.OPD
    for node in nodes:
        owner = node.id if node.kind is office else node.owner
        if owner and owner in city.nodes and city.nodes[owner].kind is office:
            opds[owner] = None
            if node.kind is office:
                urusan.update(dict.fromkeys(held.get(owner, ())))
        if node.urusan:
            urusan.update(dict.fromkeys(node.urusan))
    return tuple(opds), tuple(urusan)


def open_incident(incident: Incident, receivers: Iterable[str], at: float) -> list[Page]:
    """Tell everybody concerned, once."""
    incident.told = list(dict.fromkeys(receivers))
    return _pages(incident, Step.OPEN, incident.told, at, incident.cause.why)


def change(incident: Incident, cause: Cause, receivers: Iterable[str], at: float, why: Why) -> list[Page]:
    """Give the incident another cause or more members: an update for those who know of it, an opening for those who are hit only now.

    What names another cause, or is worse, is told at once; more of the same is gathered for `GATHER` seconds.
    """
    before, incident.cause = incident.cause, cause
    new = [receiver for receiver in dict.fromkeys(receivers) if receiver not in incident.told]
    order = list(Severity)
    if cause.node == before.node and order.index(cause.severity) >= order.index(before.severity):
        incident.update_at = incident.update_at or at + GATHER
        pages = []
    else:
        incident.update_at = 0.0
        pages = _pages(incident, Step.UPDATE, incident.told, at, why, before.node)
    incident.told.extend(new)
    return pages + (_pages(incident, Step.OPEN, new, at, cause.why) if new else [])


def gathered(incident: Incident, at: float) -> list[Page]:
    """Tell what was gathered."""
    incident.update_at = 0.0
    return _pages(incident, Step.UPDATE, incident.told, at, Why.FLAPPING if incident.falls else Why.JOINED)


def rest(incident: Incident, falls: int, calm_at: float, at: float) -> list[Page]:
    """Keep an incident open that is over for now, for it flaps (`falls` of late): told once, then in a digest every `DIGEST` seconds."""
    known, incident.calm_at, incident.split_at = incident.falls, calm_at, 0.0
    incident.falls = known + 1 if known else falls
    if not known:
        return gathered(incident, at)
    incident.update_at = incident.update_at or at + DIGEST
    return []


def stays_down(incident: Incident, at: float) -> list[Page]:
    """Tell that what flapped now stays down; that it came back is then told at once, like the first time."""
    pages = _pages(incident, Step.UPDATE, incident.told, at, Why.STAYS_DOWN)
    incident.falls, incident.split_at, incident.update_at = 0, 0.0, 0.0
    return pages


def end(incident: Incident, why: Why, at: float) -> list[Page]:
    """Close the incident and tell the same people."""
    incident.ended, incident.end_why = at, why
    incident.update_at = incident.split_at = incident.calm_at = 0.0
    return _pages(incident, Step.END, incident.told, at, why)


def _pages(incident: Incident, step: Step, receivers: list[str], at: float, why: Why, previous: str = "") -> list[Page]:
    incident.steps += 1
    cause = incident.cause
    return [
        Page(
            key=f"{incident.id}/{incident.steps}/{receiver}",
            incident=incident.id,
            step=step,
            receiver=receiver,
            at=at,
            cause=cause.node,
            severity=cause.severity,
            why=why,
            reason=cause.reason,
            detail=cause.detail,
            since=cause.since,
            opened=incident.opened,
            alike=cause.alike,
            members=cause.members,
            instead=cause.instead,
            behind=cause.behind,
            opds=cause.opds,
            urusan=cause.urusan,
            told=tuple(incident.told),
            previous_cause=previous,
            falls=incident.falls,
        )
        for receiver in receivers
    ]
