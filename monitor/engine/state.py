"""All that the engine keeps, and what people are told of a node."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum

from alerts.incidents import Incident
from monitor.core.belief import Belief, Status
from monitor.core.city import City
from monitor.core.events import Page


class Condition(StrEnum):
    """What people are told of a node; NO_REPLY is silent while what is behind it answers, UNWATCHED has no check."""

    UP = "up"
    DEGRADED = "degraded"
    NO_REPLY = "no_reply"
    SUSPECT = "suspect"
    DOWN = "down"
    SHADOWED = "shadowed"
    NEW = "new"
    UNKNOWN = "unknown"
    UNWATCHED = "unwatched"


@dataclass(frozen=True, slots=True)
class Wait:
    """What a root waits for at the gate.

    Every answer must be to a look sent later than `after`; `asked` are the checks behind it that would vouch for it, `near`
    the nodes of which a look may decide it. At `deadline` it is paged as "cause not verified".
    """

    after: float
    deadline: float
    asked: tuple[str, ...] = ()
    near: tuple[str, ...] = ()

    def kept_to(self, checks: Collection[str]) -> "Wait":
        """Return it without what was asked of checks that are not among these."""
        return replace(self, asked=tuple(check for check in self.asked if check in checks))


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer of `child` that came through a node which is down, to a look that began at `sent`; it was here at `at`.

    Which packet of the look it answers is not known: SNMP asks again within one look. So it proves a way between the two.
    (An older snapshot has no `at`; there it is 0.)
    """

    child: str
    sent: float
    at: float = 0.0


@dataclass(slots=True)
class State:
    """All that is kept: a snapshot is this and nothing else.

    `beliefs` are by check id; `gate` holds the roots that wait to be verified, `silent` the nodes that do not answer while
    something behind them does (with the time of that finding); `heard` the last answer that came
    through each node which is down; `owed` the outbox (page by key, in order of decision);
    `counts` what could not be used, by word.
    """

    city: City
    beliefs: dict[str, Belief] = field(default_factory=dict)
    gate: dict[str, Wait] = field(default_factory=dict)
    silent: dict[str, float] = field(default_factory=dict)
    heard: dict[str, Heard] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    owed: dict[str, Page] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    serial: int = 0
    freed: dict[str, float] = field(default_factory=dict)

    def belief(self, node: str) -> Belief | None:
        """Return what is believed of a node: of the check that decides it; None when it is not looked at."""
        found = self.city.nodes.get(node)  # as `City.decider` does, for a cascade asks of thousands
        return self.beliefs[found.checks[0]] if found and found.checks else None

    def is_down(self, node: str) -> bool:
        """Tell whether a node is believed down, whatever stands above it."""
        belief = self.belief(node)
        return belief is not None and belief.status is Status.DOWN

    def move_to(self, city: City, kept: Collection[str], at: float) -> None:
        """Swap the city: the beliefs of the checks that are `kept` stay, and what is known of nodes that are still down."""
        self.city = city
        self.beliefs = {each: self.beliefs[each] if each in kept else Belief(since=at) for each in city.checks}
        self.silent = {node: since for node, since in self.silent.items() if self.is_down(node)}
        self.gate = {node: wait.kept_to(city.checks) for node, wait in self.gate.items() if self.is_down(node)}
        self.heard = {node: heard for node, heard in self.heard.items() if self.is_down(node) and heard.child in city.nodes}
