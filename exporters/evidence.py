"""The odds step by step: what each recorded look added, weighed again with the belief's own code. Pure."""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from monitor.core import belief as beliefs
from monitor.core.belief import Belief, Status
from monitor.core.city import Check
from monitor.core.down import prior
from monitor.core.events import ProbeResult
from monitor.core.rules import Noise, Rule
from monitor.core.verdict import Verdict

MOST_LOOKS = 1000
"""So many further losses are tried when it is asked what would have passed."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """One look and what was believed after it: `gap` seconds after the loss before (None: the first), `odds` to one that it is down."""

    look: ProbeResult
    gap: float | None
    odds: float
    losses: int
    status: Status


@dataclass(slots=True)
class Episode:
    """A row of losses: `weighed` from the first one to DOWN or to the answer, `known` what was believed after the last of those.

    `before` is the answer before it, `answer` the one that ended it, `further` how many were lost while it was DOWN. It is over at
    `until`: with the answer, or when what followed after it was judged anew is over, too.
    """

    weighed: list[Weighed] = field(default_factory=list)
    known: Belief = field(default_factory=Belief)
    before: ProbeResult | None = None
    answer: ProbeResult | None = None
    further: int = 0
    until: float = math.inf

    @property
    def first(self) -> ProbeResult:
        """The look that was lost first."""
        return self.weighed[0].look

    @property
    def decided(self) -> float:
        """When the look was sent that made it DOWN; 0 when none did."""
        return self.known.decided if self.known.status is Status.DOWN else 0.0

    def distance(self, at: float) -> float:
        """Return by how many seconds this lies from a time; 0 when it holds it."""
        return max(self.first.sent - at, at - self.until, 0.0)


def episodes(
    rule: Rule, check: Check, looks: Iterable[ProbeResult], noise: Noise | None = None, anew: Iterable[float] = ()
) -> list[Episode]:
    """Return the rows of losses among these looks of one check, which come by time; losses before the first answer weigh nothing.

    `noise` is what was learned of the target's own by then, `anew` the times (rising) at which it was judged anew.
    """
    known, found, running, before = Belief(noise=noise), list[Episode](), None, None
    pending, cut = deque(anew), list[Episode]()
    for look in looks:
        while pending and pending[0] < look.at:
            at = pending.popleft()
            if known.status is not Status.NEW and known.losses:
                beliefs.start_anew(known, at)
                cut, running = [*cut, *([running] if running else [])], None
        losses, last_loss, was = known.losses, known.last_loss, known.status
        beliefs.absorb(rule, check, known, look)
        known.noise, known.learned = noise, None
        if known.last_sent != look.sent or look.verdict is Verdict.UNSURE or known.status is Status.NEW:
            continue
        if look.verdict is Verdict.FAIL:
            running = running or Episode(before=before)
            if not running.weighed:
                found.append(running)
            _add(running, odds(rule, check, known), known, look, look.sent - last_loss if losses else None, was)
        else:
            before = look
            if known.status is Status.UP:
                for each in [*cut, *([running] if running else [])]:
                    each.answer, each.until = look, look.at
                cut, running = [], None
    return found


def _add(episode: Episode, now: float, known: Belief, look: ProbeResult, gap: float | None, was: Status) -> None:
    if was is Status.DOWN:
        episode.further += 1
    else:
        episode.known = replace(known)
        episode.weighed.append(Weighed(look, gap, now, known.losses, known.status))


def nearest(found: Sequence[Episode], at: float) -> Episode | None:
    """Return the episode that holds the time, else the one that lies nearest to it; of two that do, one that came to DOWN."""
    return min(found, key=lambda episode: (episode.distance(at), not episode.decided, -episode.first.sent), default=None)


def passing(rule: Rule, check: Check, known: Belief) -> int:
    """Return how many further losses, each when it would be looked again, would make it DOWN."""
    known, reason = replace(known, counts={}, habit=replace(known.habit)), known.reason
    for number in range(1, MOST_LOOKS):
        at = beliefs.look_again(rule, check, known)
        beliefs.absorb(rule, check, known, ProbeResult(check.id, at, at + check.timeout, Verdict.FAIL, reason))
        if known.status is Status.DOWN:
            return number
    return MOST_LOOKS


def odds(rule: Rule, check: Check, known: Belief) -> float:
    """Return the odds to one that the target is down."""
    return math.exp(min(prior(rule, check) + known.nats, 700.0))
