"""From looks to belief: what each look changes in what is believed of a check; the rule for DOWN stands in `down.py`.

UNSURE is never evidence. UNKNOWN is not a belief but a lack of looks: it is read off the clock (`status_at`), so no timer has to
make it true.
"""

import math
import zlib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from monitor.core import learning
from monitor.core.city import Check
from monitor.core.down import EPSILON, is_down, least_span, missing
from monitor.core.events import ProbeResult, Why
from monitor.core.habit import Habit
from monitor.core.learning import Learned
from monitor.core.rules import CONFIRM, DEFINITE, LOOK_AGAIN, WRONG, Grade, Noise, Rule
from monitor.core.verdict import ANSWERED, Reason, Verdict

WOBBLE = 0.1
ENOUGH, ROUNDED = 0.02, 0.002
"""Nats and seconds by which a shortened gap is longer than it need be, for times are rounded."""
RECOVERY = 10.0
BRIEF = 60.0
STALE_INTERVALS = 3
FLAPS, CALM, MEMORY = 6.0, 3.0, 3600.0
"""Falls (each fades over an hour) from which a target is flapping, and below which it is calm again."""


class Status(StrEnum):
    """What is believed of a check; UNKNOWN only ever comes from `status_at`."""

    NEW = "new"
    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"
    UNKNOWN = "unknown"


LIVING = (Status.UP, Status.SUSPECT)
"""Those that may be alive."""


@dataclass(slots=True)
class Belief:
    """The state of one check. Times are epoch seconds, 0 where it has not happened; `nats` is the evidence so far.

    `first_loss`, `last_loss`, `decided` (what made it DOWN) and `told` (the first look at the other end of its line that called
    the port there down since it is in doubt) are times of sending, and so is `gone`: the first loss since it last answered (`first_loss`
    is later when its losses were forgotten, for something above it came back). `counts` holds looks by
    verdict since the check is known. `learned` is the histogram of its healed losses and `noise` what follows from it (None:
    that of its class). `falls` are the times it went DOWN of late, faded to `decided`. Of all
    `downs` so many were `brief`: over within `BRIEF` seconds of the verdict; false ones are mostly among them.
    """

    status: Status = Status.NEW
    since: float = 0.0
    losses: int = 0
    nats: float = 0.0
    first_loss: float = 0.0
    gone: float = 0.0
    last_loss: float = 0.0
    decided: float = 0.0
    told: float = 0.0
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
    learned: Learned | None = None
    habit: Habit = field(default_factory=Habit)
    falls: float = 0.0
    downs: int = 0
    brief: int = 0


def noise_of(rule: Rule, belief: Belief, reason: Reason | None) -> Noise:
    """Return the noise that a failure for `reason` has on this check."""
    wrong = WRONG.get(reason) if reason else None
    return wrong or belief.noise or rule.noise


def certain_after(rule: Rule, check: Check, belief: Belief) -> float:
    """Seconds from the first loss until losses alone make this check DOWN, its last time-out included."""
    return _certain_after(rule, check.id, check.interval, check.timeout, belief.noise)


@lru_cache(maxsize=4096)
def _certain_after(rule: Rule, name: str, interval: float, timeout: float, noise: Noise | None) -> float:
    """Play the losses, each looked for when it is asked for and the one before has been waited for."""
    check, known = Check(name, "", "", "", Grade.CORE, interval, timeout), Belief(Status.UP, last_sent=-1.0, noise=noise)
    at = 0.0
    while known.status is not Status.DOWN:
        absorb(rule, check, known, ProbeResult(name, at, at + timeout, Verdict.FAIL, Reason.TIMEOUT))
        at = max(look_again(rule, check, known), at + timeout)
    return known.since


def look_again(rule: Rule, check: Check, belief: Belief) -> float:
    """Time of the next confirming look: a gap after the last one, +-10 % by a hash of check and count.

    It comes sooner where less is wanting: when the odds, the span or the cap would be reached before.
    """
    noise = noise_of(rule, belief, belief.reason)
    gap = CONFIRM if noise is DEFINITE else noise.gap
    gap *= 1 - WOBBLE + 2 * WOBBLE * zlib.crc32(f"{check.id}/{belief.losses}".encode()) / 0xFFFFFFFF
    if belief.losses:
        wanting, span = missing(rule, check, belief.nats) + ENOUGH, belief.last_sent - belief.first_loss - ROUNDED
        enough = max(noise.gap_for(wanting), least_span(rule, belief.reason) - span)
        gap = min(gap, max(enough, LOOK_AGAIN[0]), max(rule.cap - span, LOOK_AGAIN[0]) if rule.cap else gap)
    return belief.last_sent + gap


def absorb(rule: Rule, check: Check, belief: Belief, look: ProbeResult) -> Why | None:
    """Take one look into the belief; return why its status or trouble changed, or None.

    A look not younger than the last is ignored. The road of a good look at a target that is up is straight: it is all but
    all of them.
    """
    if look.sent <= belief.last_sent:
        return None
    verdict, reason_before = look.verdict, belief.reason
    belief.last_sent = look.sent
    belief.verdict, belief.reason, belief.detail, belief.seconds = verdict, look.reason, look.detail, look.seconds
    counts = belief.counts
    counts[verdict] = counts.get(verdict, 0) + 1
    if look.values:
        belief.values = dict(look.values)
    if verdict is Verdict.UNSURE:
        return None
    if verdict is Verdict.FAIL:
        belief.last_valid = look.sent
        return _failed(rule, check, belief, look)
    why = None if belief.status is Status.UP else _returned(rule, belief, look, reason_before)
    belief.last_ok, belief.last_valid, belief.last_ok_sent = look.at, look.sent, look.sent
    seconds = look.seconds
    if seconds is not None and belief.habit.took(seconds, counts.get(Verdict.OK, 1)):
        return why or _eased(rule, belief)
    return why


def _returned(rule: Rule, belief: Belief, look: ProbeResult, reason: Reason | None) -> Why | None:
    """Take a good answer of a target that was not believed up; a row of losses that ended so is learned from."""
    if belief.status is Status.DOWN:
        belief.first_ok = belief.first_ok or look.sent
        if look.sent - belief.first_ok < RECOVERY:
            return None
        belief.brief += belief.first_ok - belief.decided <= BRIEF
    elif belief.losses and reason not in WRONG:
        span, gap, answers = belief.last_loss - belief.first_loss, look.sent - belief.last_loss, answered(belief)
        belief.learned = learning.healed(rule, belief.learned, answers, belief.losses, span, gap)
        belief.noise = learning.noise(rule, belief.learned, answers)
    before, belief.losses, belief.nats, belief.told, belief.first_ok = belief.status, 0, 0.0, 0.0, 0.0
    belief.status, belief.since = Status.UP, look.at
    return Why.FIRST_OK if before is Status.NEW else Why.RECOVERED


def answered(belief: Belief) -> int:
    """Return how many looks were answered since the check is known."""
    return sum(belief.counts.get(verdict, 0) for verdict in ANSWERED)


def _eased(rule: Rule, belief: Belief) -> Why | None:
    """Return what changed about a target that answers: its trouble began or ended."""
    if belief.habit.judge((belief.noise or rule.noise).p, belief.counts.get(Verdict.OK, 0)):
        return Why.DEGRADED if belief.habit.trouble else Why.EASED
    return None


def _failed(rule: Rule, check: Check, belief: Belief, look: ProbeResult) -> Why | None:
    if belief.status is Status.NEW:
        return None
    belief.first_ok = 0.0
    gap = look.sent - belief.last_loss if belief.losses else None
    if gap is None:
        belief.first_loss = look.sent
        if belief.last_ok_sent > belief.gone:
            belief.gone = look.sent
        belief.habit.lost()
    noise = noise_of(rule, belief, look.reason)
    belief.losses, belief.last_loss = belief.losses + 1, look.sent
    belief.nats += noise.nats(gap) + math.log1p(-EPSILON)
    if belief.status is Status.DOWN:
        return None
    if is_down(rule, check, belief.nats, belief.last_loss - belief.first_loss, look.reason):
        _fell(belief, look)
        return Why.ODDS_REACHED
    if belief.status is Status.UP:
        belief.status, belief.since = Status.SUSPECT, look.at
        return Why.FIRST_LOSS
    return None


def told(belief: Belief, look: ProbeResult, *, dead: bool) -> Why | None:
    """Take in that a look at the other end of the only line says whether it is `dead`; return why the target is DOWN by it.

    It counts only beside a loss of the target's own which came before, and needs one confirming look `CONFIRM` seconds later.
    """
    if not dead:
        belief.told = 0.0
    if not dead or belief.status is not Status.SUSPECT or not belief.losses or look.sent <= belief.first_loss:
        return None
    if not belief.told:
        belief.told = look.sent
        return None
    if look.sent < belief.told + CONFIRM:
        return None
    _fell(belief, look)
    return Why.PORT_DOWN


def _fell(belief: Belief, look: ProbeResult) -> None:
    belief.downs += 1
    belief.falls = 1 + belief.falls * math.exp((belief.decided - look.sent) / MEMORY)
    belief.status, belief.since, belief.decided = Status.DOWN, look.at, look.sent


def calm_at(belief: Belief) -> float:
    """Time at which a target that fell so often is calm again, unless it falls once more."""
    return belief.decided + MEMORY * math.log(max(belief.falls / CALM, 1.0))


def start_anew(belief: Belief, at: float) -> None:
    """Forget the losses of a target whose parent came back: it is suspect and must be looked at before it counts."""
    belief.status, belief.since = Status.SUSPECT, at
    belief.losses, belief.nats, belief.told, belief.first_ok = 0, 0.0, 0.0, 0.0


def status_at(check: Check, belief: Belief, at: float) -> Status:
    """Status as people read it: UNKNOWN when three intervals passed without a valid look."""
    if belief.status is not Status.NEW and at - belief.last_valid > STALE_INTERVALS * check.interval + check.timeout:
        return Status.UNKNOWN
    return belief.status
