"""What the healed losses of a target teach of its own noise, and what a rule then promises: false alarms and delay.

An episode is a row of losses that ended with an answer before it was DOWN. Of the looks that followed the first, second,
third to fourth and any later loss in a row (`ROWS`) it is counted how many were lost too: that is the histogram. From it

    p = (n + z sqrt(n) + WORTH) / (looks + n + WORTH / p_class)                   n episodes, `looks` answers
    share = (lost + z sqrt(lost healed / tries) + WORTH q_class(gap)) / (tries + WORTH)
    tau = gap / -ln((share - p) / (1 - p))                                        the noise's q(gap), turned round

both upper limits of 95 % (z), beginning at the class's own, which is worth `WORTH` episodes. Where losses that have lasted
last longer still (a heavy tail, or two kinds of bursts) the later rows give a longer `tau`: the longest is taken, each later
row held against `WORTH` episodes of the whole. Rows fade: what is older than `KEPT` episodes weighs half, and so on.

What was DOWN teaches nothing here: an outage is no noise, and which of them were false nobody tells us.
"""

import math
from dataclasses import dataclass

from monitor.core.rules import Noise, Rule

WORTH = 50
KEPT = 2048
CALM = 400
"""Answers are remembered as long as this many losses of the class's own share would take."""
SURE = 1.645
ROWS = (0, 1, 2, 2, 3)
"""The row of the look after the first, second, ... loss in a row; the last one holds for all later ones."""
QUIETEST, LONGEST = 0.5, 60.0
"""A target is believed to be no better than half as noisy as its class, and no burst to hang together for longer than this."""


@dataclass(frozen=True, slots=True)
class Learned:
    """The histogram of a target: by row, looks that were `lost` again, that `healed`, and the `seconds` of their gaps together.

    `since` is the number of answers at which the count of looks begins.
    """

    since: int
    lost: tuple[int, ...] = (0, 0, 0, 0)
    healed: tuple[int, ...] = (0, 0, 0, 0)
    seconds: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)

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
    count, looks = known.episodes, answers - known.since
    trials = looks + count + WORTH / rule.noise.p
    mean, upper = (count + WORTH) / trials, (count + SURE * math.sqrt(count) + WORTH) / trials
    tau = _tau(known, 0, rule.noise.tau, mean, SURE)
    tau = max(tau, *(_tau(known, row, tau, mean, 0.0) for row in range(1, len(known.lost))))
    return Noise(
        round(min(max(upper, rule.noise.p * QUIETEST), 0.5), 7),
        round(min(max(tau, rule.noise.tau * QUIETEST), max(LONGEST, rule.noise.tau)), 3),
    )


def _tau(known: Learned, row: int, prior: float, p: float, sure: float) -> float:
    lost, tries, gap = known.tail(row)
    if not tries:
        return prior
    above = sure * math.sqrt(lost * (1 - lost / tries))
    share = (lost + above + WORTH * (p + (1 - p) * math.exp(-gap / prior))) / (tries + WORTH)
    return gap / -math.log(min(max((share - p) / (1 - p), 1e-9), 1 - 1e-9))


def _row(number: int) -> int:
    return ROWS[min(number, len(ROWS)) - 1]


def _faded(known: Learned, answers: int) -> Learned:
    """Halve all, at the same gaps; a single one stays one, which errs to the safe side."""
    lost, ended = (tuple((each + 1) // 2 for each in row) for row in (known.lost, known.healed))
    tries = zip(known.lost, known.healed, lost, ended, strict=True)
    kept = [(new_lost + new_ended) / (old_lost + old_ended or 1) for old_lost, old_ended, new_lost, new_ended in tries]
    seconds = tuple(each * share for each, share in zip(known.seconds, kept, strict=True))
    return Learned(answers - (answers - known.since) // 2, lost, ended, seconds)
