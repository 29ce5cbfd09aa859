"""From looks to belief: how sure we are that a target is down, told by the odds.

With the noise of `monitor.core.rules` the odds that a target is down after k losses in a row are

    odds = rho / (1 - rho) * (1 - EPSILON)^k / (p * q(d2) * ... * q(dk)),     rho = outages a year * interval / year

kept here as a sum of nats (natural logarithms). DOWN needs the odds of the target's class and its least span of losses.
UNSURE is never evidence. UNKNOWN is not a belief but a lack of looks: it is read off the clock (`status_at`), so no timer
has to make it true.
"""

import math
import zlib
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.core.city import Check
from monitor.core.events import ProbeResult, Why
from monitor.core.rules import CONFIRM, DEFINITE, WRONG, YEAR, Noise, Rule
from monitor.core.verdict import ANSWERED, Reason, Verdict

EPSILON = 1e-6
RECOVERY = 10.0
STALE_INTERVALS = 3


class Status(StrEnum):
    """What is believed of a check; UNKNOWN only ever comes from `status_at`."""

    NEW = "new"
    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Belief:
    """The state of one check. Times are epoch seconds, 0 where it has not happened; `nats` is the evidence so far.

    `first_loss`, `last_loss` and `decided` (the loss that made it DOWN) are times of sending. `counts` holds looks by
    verdict since the check is known. `noise` is what was learned of the target's own (None: that of its class).
    """

    status: Status = Status.NEW
    since: float = 0.0
    losses: int = 0
    nats: float = 0.0
    first_loss: float = 0.0
    last_loss: float = 0.0
    decided: float = 0.0
    first_ok: float = 0.0
    last_ok: float = 0.0
    last_ok_sent: float = 0.0
    last_valid: float = 0.0
    last_sent: float = 0.0
    verdict: Verdict = Verdict.UNSURE
    reason: Reason | None = None
    detail: str = ""
    seconds: float | None = None
    values: dict[str, object] = field(default_factory=dict)
    counts: dict[Verdict, int] = field(default_factory=dict)
    noise: Noise | None = None


def noise_of(rule: Rule, belief: Belief, reason: Reason | None) -> Noise:
    """Return the noise that a failure for `reason` has on this check."""
    wrong = WRONG.get(reason) if reason else None
    return wrong or belief.noise or rule.noise


def prior(rule: Rule, check: Check) -> float:
    """Nats for "an outage began within the last interval" before any look failed."""
    rho = rule.outages * check.interval / YEAR
    return math.log(rho / (1 - rho))


def certain_after(rule: Rule, check: Check, belief: Belief) -> float:
    """Seconds from the first loss until losses alone make this check DOWN, its time-out included."""
    noise = noise_of(rule, belief, None)
    missing = math.log(rule.odds) - prior(rule, check) - noise.nats(None)
    looks = math.ceil(missing / noise.nats(noise.gap))
    return max(rule.span, looks * noise.gap) + check.timeout


def look_again(rule: Rule, check: Check, belief: Belief) -> float:
    """Time of the next confirming look: a gap after the last one, +-10 % by a hash of check and count."""
    noise = noise_of(rule, belief, belief.reason)
    gap = CONFIRM if noise is DEFINITE else noise.gap
    wobble = zlib.crc32(f"{check.id}/{belief.losses}".encode()) / 0xFFFFFFFF
    return belief.last_sent + gap * (0.9 + 0.2 * wobble)


def absorb(rule: Rule, check: Check, belief: Belief, look: ProbeResult) -> Why | None:
    """Take one look into the belief; return why its status changed, or None. A look not younger than the last is ignored."""
    if look.sent <= belief.last_sent:
        return None
    belief.last_sent = look.sent
    belief.verdict, belief.reason, belief.detail, belief.seconds = look.verdict, look.reason, look.detail, look.seconds
    belief.counts[look.verdict] = belief.counts.get(look.verdict, 0) + 1
    if look.values:
        belief.values = dict(look.values)
    if look.verdict is Verdict.UNSURE:
        return None
    belief.last_valid = look.sent
    return _answered(belief, look) if look.verdict in ANSWERED else _failed(rule, check, belief, look)


def _answered(belief: Belief, look: ProbeResult) -> Why | None:
    belief.last_ok, belief.last_ok_sent = look.at, look.sent
    if belief.status is Status.DOWN:
        belief.first_ok = belief.first_ok or look.sent
        if look.sent - belief.first_ok < RECOVERY:
            return None
    before, belief.losses, belief.nats, belief.first_ok = belief.status, 0, 0.0, 0.0
    if before is Status.UP:
        return None
    belief.status, belief.since = Status.UP, look.at
    return Why.FIRST_OK if before is Status.NEW else Why.RECOVERED


def _failed(rule: Rule, check: Check, belief: Belief, look: ProbeResult) -> Why | None:
    if belief.status is Status.NEW:
        return None
    belief.first_ok = 0.0
    gap = look.sent - belief.last_loss if belief.losses else None
    if gap is None:
        belief.first_loss = look.sent
    noise = noise_of(rule, belief, look.reason)
    belief.losses, belief.last_loss = belief.losses + 1, look.sent
    belief.nats += noise.nats(gap) + math.log1p(-EPSILON)
    if belief.status is Status.DOWN:
        return None
    if is_down(rule, check, belief):
        belief.status, belief.since, belief.decided = Status.DOWN, look.at, look.sent
        return Why.ODDS_REACHED
    if belief.status is Status.UP:
        belief.status, belief.since = Status.SUSPECT, look.at
        return Why.FIRST_LOSS
    return None


def is_down(rule: Rule, check: Check, belief: Belief) -> bool:
    """THE RULE FOR DOWN: the odds reach those of the class, and losses (not wrong answers) span its least span."""
    span = 0.0 if belief.reason in WRONG else rule.span
    return prior(rule, check) + belief.nats >= math.log(rule.odds) and belief.last_loss - belief.first_loss >= span


def start_anew(belief: Belief, at: float) -> None:
    """Forget the losses of a target whose parent came back: it is suspect and must be looked at before it counts."""
    belief.status, belief.since = Status.SUSPECT, at
    belief.losses, belief.nats, belief.first_ok = 0, 0.0, 0.0


def status_at(check: Check, belief: Belief, at: float) -> Status:
    """Status as people read it: UNKNOWN when three intervals passed without a valid look."""
    if belief.status is not Status.NEW and at - belief.last_valid > STALE_INTERVALS * check.interval + check.timeout:
        return Status.UNKNOWN
    return belief.status
