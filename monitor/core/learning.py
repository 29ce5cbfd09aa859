"""What the healed losses of a target teach of its own noise, and what a rule then promises: false alarms and delay.

An episode is a row of losses that ended with an answer before it was DOWN. Of the looks that followed the first, second,
third to fourth, ... loss in a row (`ROWS`) it is counted how many were lost too: that is the histogram. From it

    p = (n p_own + WORTH p_class) / (n + WORTH),     p_own = (n + z sqrt(n)) / (looks + n)          n episodes, `looks` answers
    share = (lost + WORTH q_class(gap)) / (tries + WORTH), and z sqrt(tries share (1 - share)) / (tries + WORTH) above it
    tau = gap / -ln((share - p) / (1 - p))                                        the noise's q(gap), turned round

both upper limits of 95 % (z), beginning at the class's own, which is worth `WORTH` episodes. Where losses that have lasted
last longer still (a heavy tail, or two kinds of bursts) the later rows give a longer `tau`: the longest is taken that is sure
(its lower limit, `TAIL` looks of the whole held against it). Rows fade: what is older than `KEPT` episodes weighs half, and so on.

What was DOWN teaches nothing here: an outage is no noise, and which of them were false nobody tells us.
"""

import math
from dataclasses import dataclass

from monitor.core.rules import Noise, Rule

WORTH = 50
TAIL = 10
KEPT = 4096
CALM = 4000
"""Answers are remembered as long as this many losses of the class's own share would take."""
SURE, SURER = 1.645, 2.326
ROWS = 6
"""Rows for the look after the first, the second, the third to fourth, to eighth, to sixteenth loss in a row, and any later one."""
HEAVY = 1.5
QUIETEST, LONGEST = 0.5, 60.0
"""A target is believed to be no better than half as noisy as its class, and no burst to hang together for longer than this."""


@dataclass(frozen=True, slots=True)
class Learned:
    """The histogram of a target: by row, looks that were `lost` again, that `healed`, and the `seconds` of their gaps together.

    `since` is the number of answers at which the count of looks begins.
    """

    since: int
    lost: tuple[int, ...] = (0,) * ROWS
    healed: tuple[int, ...] = (0,) * ROWS
    seconds: tuple[float, ...] = (0.0,) * ROWS

    @property
    def episodes(self) -> int:
        """Healed episodes remembered."""
        return sum(self.healed)

    def tail(self, row: int) -> tuple[int, int, float]:
        """Return (lost, tries, mean gap in seconds) of this row and all later ones."""
        lost = sum(self.lost[row:])
        tries = lost + sum(self.healed[row:])
        return lost, tries, sum(self.seconds[row:]) / tries if tries else 0.0


def healed(rule: Rule, known: Learned | None, answers: int, losses: int, span: float, gap: float) -> Learned:
    """Return the histogram with one more episode: so many losses over `span` seconds, and an answer `gap` seconds after the last."""
    known = known or Learned(0)
    lost, ended, seconds = list(known.lost), list(known.healed), list(known.seconds)
    for number in range(1, losses):
        lost[_row(number)] += 1
        seconds[_row(number)] += span / (losses - 1)
    ended[_row(losses)] += 1
    seconds[_row(losses)] += gap
    found = Learned(known.since, tuple(lost), tuple(ended), tuple(round(each, 1) for each in seconds))
    while found.episodes >= KEPT or answers - found.since > CALM / rule.noise.p:
        found = _faded(found, answers)
    return found


def noise(rule: Rule, known: Learned, answers: int) -> Noise:
    """Return the noise that the target is believed to have, after so many answers."""
    p = _share(rule, known, answers, SURE)
    _, longest = _taus(rule, known, answers)
    return Noise(round(min(max(p, rule.noise.p * QUIETEST), 0.5), 7), round(min(longest, max(LONGEST, rule.noise.tau)), 3))


def heavy(rule: Rule, known: Learned | None, answers: int) -> bool:
    """Tell whether losses that have lasted last much longer still: then more pages are false than is promised."""
    first, longest = _taus(rule, known, answers) if known else (1.0, 1.0)
    return longest > HEAVY * first


def _share(rule: Rule, known: Learned, answers: int, sure: float) -> float:
    count, looks = known.episodes, answers - known.since
    own = min((count + sure * math.sqrt(count)) / (looks + count), 1.0)
    return (WORTH * rule.noise.p + count * own) / (WORTH + count)


def _taus(rule: Rule, known: Learned, answers: int) -> tuple[float, float]:
    """Return `tau` by all looks after a loss, and the longest that any row is sure of."""
    mean, least = _share(rule, known, answers, 0.0), rule.noise.tau * QUIETEST
    first = longest = max(_tau(known, 0, Noise(mean, rule.noise.tau), WORTH, SURE), least)
    for row in range(1, ROWS):
        longest = max(longest, _tau(known, row, Noise(mean, longest), TAIL, -SURER))
    return first, longest


def _tau(known: Learned, row: int, prior: Noise, worth: float, sure: float) -> float:
    lost, tries, gap = known.tail(row)
    if not tries:
        return prior.tau
    share = (lost + worth * math.exp(-prior.nats(gap))) / (tries + worth)
    share += sure * math.sqrt(tries * share * (1 - share)) / (tries + worth)
    return gap / -math.log(min(max((share - prior.p) / (1 - prior.p), 1e-9), 1 - 1e-9))


def _row(number: int) -> int:
    return min((number - 1).bit_length(), ROWS - 1)


def _faded(known: Learned, answers: int) -> Learned:
    """Halve all, at the same gaps."""
    lost, ended = (tuple(round(each / 2) for each in row) for row in (known.lost, known.healed))
    tries = zip(known.lost, known.healed, lost, ended, strict=True)
    kept = [(new_lost + new_ended) / (old_lost + old_ended or 1) for old_lost, old_ended, new_lost, new_ended in tries]
    seconds = tuple(each * share for each, share in zip(known.seconds, kept, strict=True))
    return Learned(answers - (answers - known.since) // 2, lost, ended, seconds)
