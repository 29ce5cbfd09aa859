"""Everything that changes state, with its time in it; and what the engine answers: effects.

Times are epoch seconds on the shell's one timeline. Nothing here reads a clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from monitor.core.city import City
from monitor.core.verdict import Outcome, Reason, Verdict


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One look: sent at `sent`, finished at `at`; quantised, so that the journal replays to the same decisions."""

    check: str
    sent: float
    at: float
    verdict: Verdict
    reason: Reason | None = None
    seconds: float | None = None
    detail: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    event: Literal["looked"] = "looked"


def quantise(check: str, sent: float, at: float, outcome: Outcome) -> ProbeResult:
    """Round a look to what the journal keeps: times to a millisecond, what was measured to five decimals, text to 200 signs.

    A whole number divided by ten to the n-th is what reading n decimals gives, and costs a fifth of `round(time, n)`.
    """
    seconds = None if outcome.seconds is None else round(outcome.seconds * 1e5) / 1e5
    values = {key: round(value, 5) if isinstance(value, float) else value for key, value in outcome.values.items()}
    sent, at = round(sent * 1e3) / 1e3, round(at * 1e3) / 1e3
    return ProbeResult(check, sent, at, outcome.verdict, outcome.reason, seconds, outcome.detail[:200], values)


@dataclass(frozen=True, slots=True)
class Tick:
    """The time that the engine asked to be woken at has come."""

    at: float
    event: Literal["tick"] = "tick"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A channel's report on the page `key`: sent, or given up for good (`ok` false); `detail` is the receipt or the reason."""

    at: float
    key: str
    ok: bool
    detail: str = ""
    event: Literal["delivered"] = "delivered"


@dataclass(frozen=True, slots=True)
class InventoryLoaded:
    """A new inventory has been read and judged whole."""

    at: float
    city: City
    event: Literal["inventory"] = "inventory"


@dataclass(frozen=True, slots=True)
class ClockStepped:
    """The wall clock was set by `step` seconds: moves what people read, not what is judged."""

    at: float
    step: float
    event: Literal["clock"] = "clock"


@dataclass(frozen=True, slots=True)
class Traced:
    """How far the way to the cause of an incident went: evidence that is kept with it and judges nothing.

    `routers` are the addresses that answered, step by step (empty: nobody did), the target itself last where it was `reached`; `end` is
    why it goes no farther, in the words of whoever said so.
    """

    at: float
    incident: str
    node: str
    routers: tuple[str, ...]
    reached: bool
    end: str = ""
    event: Literal["traced"] = "traced"


Event = ProbeResult | Tick | Delivered | InventoryLoaded | ClockStepped | Traced


class Step(StrEnum):
    """The steps of an incident that a receiver hears of."""

    OPEN = "open"
    UPDATE = "update"
    END = "end"


class Severity(StrEnum):
    """How bad: an outage with others behind it, an outage of one, or redundancy lost."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


class Why(StrEnum):
    """The reason kept with a decision; `explain` and the page's text print it."""

    FIRST_OK = "first_ok"
    FIRST_LOSS = "first_loss"
    ODDS_REACHED = "odds_reached"
    PORT_DOWN = "port_down"
    RECOVERED = "recovered"
    DEGRADED = "degraded"
    EASED = "eased"
    PARENT_RETURNED = "parent_returned"
    NO_VALID_LOOK = "no_valid_look"
    ROOT_VERIFIED = "root_verified"
    ROOT_UNVERIFIED = "root_unverified"
    SHADOWED = "shadowed"
    BETTER_CAUSE = "better_cause"
    MERGED = "merged"
    JOINED = "joined"
    SPLIT = "split"
    FLAPPING = "flapping"
    STAYS_DOWN = "stays_down"
    CALM = "calm"
    VOUCHED_FOR = "vouched_for"
    NOTHING_BEHIND = "nothing_behind"
    TARGET_REMOVED = "target_removed"
    TARGET_CHANGED = "target_changed"
    WAY_TRACED = "way_traced"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Verify:
    """Look at `check` no later than `at`, whatever its phase says."""

    check: str
    at: float


@dataclass(frozen=True, slots=True)
class Page:
    """One message owed to one receiver; everything its text needs, as it was when it was decided.

    `key` is `incident/step number/receiver`. `since` is (last answer, first loss) of the cause. `behind` are the ids
    of the nodes that cannot be reached because of it, `opds` and `urusan` who is hit, `told` who hears of this step.
    `cause` is a node or the shared risk that explains all `members`; `alike` are the ids that would look the same from here,
    `instead` the second likeliest cause. `why` is the reason of the step, `falls` how often it fell and came back, if it flaps.
    """

    key: str
    incident: str
    step: Step
    receiver: str
    at: float
    cause: str
    severity: Severity
    why: Why
    reason: Reason | None
    detail: str
    since: tuple[float, float]
    opened: float
    alike: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    opds: tuple[str, ...] = ()
    urusan: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    previous_cause: str = ""
    falls: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about `subject` (a check, node, incident or page key), why, and the numbers behind it."""

    at: float
    subject: str
    what: str
    why: Why
    numbers: Mapping[str, float | str] = field(default_factory=dict)


Effect = Verify | Page | Decision
