"""From looks to belief: how sure we are that a target is down, told by the odds.

Losses come in bursts, so a loss soon after a loss says little. With `p` the share of looks lost by a target that is up
and `tau` the time over which losses hang together, another loss after a gap of `d` seconds has the probability

    q(d) = p + (1 - p) * exp(-d / tau)

and after k losses in a row the odds that the target is down are

    odds = rho / (1 - rho) * (1 - EPSILON)^k / (p * q(d2) * ... * q(dk)),     rho = outages a year * interval / year

kept here as a sum of nats (natural logarithms). DOWN needs odds of `ODDS` and a span of losses of at least `span`.
At `ODDS` = 99 about one page in a hundred is false. UNSURE is never evidence. UNKNOWN is not a belief but a lack of
looks: it is read off the clock (`status_at`), so no timer has to make it true.
"""

import math
import zlib
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.core.city import Check, Grade
from monitor.core.events import ProbeResult, Why
from monitor.core.verdict import ANSWERED, Reason, Verdict

YEAR = 365.25 * 86400.0
ODDS = 99.0
EPSILON = 1e-6
RECOVERY = 10.0
STALE_INTERVALS = 3
LOOK_AGAIN = (0.5, 15.0)


class Status(StrEnum):
    """What is believed of a check; UNKNOWN only ever comes from `status_at`."""

    NEW = "new"
    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Noise:
    """How often a target that is up fails a look (`p`), and for how many seconds failures hang together (`tau`)."""

    p: float
    tau: float

    @property
    def gap(self) -> float:
        """Seconds from look to look while in doubt: `2 tau` within `LOOK_AGAIN`; a faster look would say little more."""
        return min(max(2 * self.tau, LOOK_AGAIN[0]), LOOK_AGAIN[1])

    def nats(self, gap: float | None) -> float:
        """Evidence of one more failure `gap` seconds after the last one; `None` for the first."""
        if gap is None:
            return -math.log(self.p)
        return -math.log(self.p + (1 - self.p) * math.exp(-gap / self.tau))


@dataclass(frozen=True, slots=True)
class Rule:
    """The detection rule of a grade: its noise, outages a year, and interval, time-out and least span in seconds."""

    noise: Noise
    outages: float
    interval: float
    timeout: float
    span: float


GRADES: dict[Grade, Rule] = {
    Grade.CORE: Rule(Noise(0.002, 0.5), outages=2, interval=3, timeout=1, span=3),
    Grade.FIBRE: Rule(Noise(0.002, 2), outages=4, interval=10, timeout=2, span=15),
    Grade.METRO: Rule(Noise(0.002, 2), outages=4, interval=10, timeout=2, span=15),
    Grade.RADIO: Rule(Noise(0.02, 5), outages=8, interval=10, timeout=3, span=30),
    Grade.VPN: Rule(Noise(0.02, 5), outages=8, interval=10, timeout=3, span=30),
    Grade.APP: Rule(Noise(0.002, 5), outages=6, interval=20, timeout=5, span=40),
}

_RESTART = Noise(0.00001, 10)
_DEFINITE = Noise(0.0001, 0.4)
WRONG: dict[Reason, Noise] = {
    # A wrong answer is not a loss: a restart answers wrongly for some seconds, the others need one confirming look.
    Reason.HTTP_STATUS: _RESTART,
    Reason.REFUSED: _RESTART,
    Reason.RESET: _RESTART,
    Reason.TLS_EXPIRED: _DEFINITE,
    Reason.TLS_NOT_YET_VALID: _DEFINITE,
    Reason.TLS_UNTRUSTED: _DEFINITE,
    Reason.TLS_HOSTNAME: _DEFINITE,
    Reason.KEYWORD_FORBIDDEN: _DEFINITE,
    Reason.KEYWORD_MISSING: _DEFINITE,
    Reason.JSON_MISMATCH: _DEFINITE,
}
CONFIRM = 5.0


@dataclass(slots=True)
class Belief:
    """The state of one check. Times are epoch seconds, 0 where it has not happened; `nats` is the evidence so far.

    `first_loss`, `last_loss` and `decided` (the loss that made it DOWN) are times of sending. `counts` holds looks by
    verdict since the check is known.
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


def noise_of(check: Check, reason: Reason | None) -> Noise:
    """Return the noise that a failure for `reason` has on this check."""
    return WRONG.get(reason, GRADES[check.grade].noise) if reason else GRADES[check.grade].noise


def prior(check: Check) -> float:
    """Nats for "an outage began within the last interval" before any look failed."""
    rho = GRADES[check.grade].outages * check.interval / YEAR
    return math.log(rho / (1 - rho))


def certain_after(check: Check) -> float:
    """Seconds from the first loss until losses alone make this check DOWN, its time-out included."""
    noise, span = GRADES[check.grade].noise, GRADES[check.grade].span
    missing = math.log(ODDS) - prior(check) - noise.nats(None)
    looks = math.ceil(missing / noise.nats(noise.gap))
    return max(span, looks * noise.gap) + check.timeout


def look_again(check: Check, belief: Belief) -> float:
    """Time of the next confirming look: a gap after the last one, +-10 % by a hash of check and count."""
    noise = noise_of(check, belief.reason)
    gap = CONFIRM if noise is _DEFINITE else noise.gap
    wobble = zlib.crc32(f"{check.id}/{belief.losses}".encode()) / 0xFFFFFFFF
    return belief.last_sent + gap * (0.9 + 0.2 * wobble)


def absorb(check: Check, belief: Belief, look: ProbeResult) -> Why | None:
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
    return _answered(belief, look) if look.verdict in ANSWERED else _failed(check, belief, look)


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


def _failed(check: Check, belief: Belief, look: ProbeResult) -> Why | None:
    if belief.status is Status.NEW:
        return None
    belief.first_ok = 0.0
    gap = look.sent - belief.last_loss if belief.losses else None
    if gap is None:
        belief.first_loss = look.sent
    noise = noise_of(check, look.reason)
    belief.losses, belief.last_loss = belief.losses + 1, look.sent
    belief.nats += noise.nats(gap) + math.log1p(-EPSILON)
    if belief.status is Status.DOWN:
        return None
    if is_down(check, belief, noise):
        belief.status, belief.since, belief.decided = Status.DOWN, look.at, look.sent
        return Why.ODDS_REACHED
    if belief.status is Status.UP:
        belief.status, belief.since = Status.SUSPECT, look.at
        return Why.FIRST_LOSS
    return None


def is_down(check: Check, belief: Belief, noise: Noise) -> bool:
    """THE RULE FOR DOWN: the odds reach `ODDS`, and losses (not wrong answers) span the least span of the grade."""
    span = GRADES[check.grade].span if noise is GRADES[check.grade].noise else 0.0
    return prior(check) + belief.nats >= math.log(ODDS) and belief.last_loss - belief.first_loss >= span


def start_anew(belief: Belief, at: float) -> None:
    """Forget the losses of a target whose parent came back: it is suspect and must be looked at before it counts."""
    belief.status, belief.since = Status.SUSPECT, at
    belief.losses, belief.nats, belief.first_ok = 0, 0.0, 0.0


def status_at(check: Check, belief: Belief, at: float) -> Status:
    """Status as people read it: UNKNOWN when three intervals passed without a valid look."""
    if belief.status is not Status.NEW and at - belief.last_valid > STALE_INTERVALS * check.interval + check.timeout:
        return Status.UNKNOWN
    return belief.status
