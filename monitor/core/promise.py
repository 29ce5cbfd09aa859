"""What a rule promises, and what it costs: false alarms a target-year, their share of all pages, and the time from fault to DOWN.

    false alarms a year = outages / odds + price of the cap
    price of the cap    = year / interval * p * q(gap)^(cap / gap)      losses that last as long as the cap, of a target that is up

The first holds where losses come as the noise of the target says. Bursts of a heavy tail break it: what was measured is
printed beside it.
"""

import math
from dataclasses import dataclass, replace

from monitor.core import belief as beliefs
from monitor.core.belief import Belief
from monitor.core.city import Check
from monitor.core.rules import YEAR, Grade, Rule


@dataclass(frozen=True, slots=True)
class Promise:
    """False alarms a target-year at most, their `share` of all pages, and seconds from fault to DOWN: on the average and at worst."""

    false: float
    share: float
    mean: float
    worst: float


def promise(rule: Rule, check: Check, belief: Belief | None = None) -> Promise:
    """Return what the rule promises of a check, with the noise that was learned of it."""
    known = belief or Belief()
    false = rule.outages / rule.odds + price_of_cap(rule, check, known)
    certain = beliefs.certain_after(rule, check, known)
    return Promise(false, false / (false + rule.outages), check.interval / 2 + certain, check.interval + certain)


def promise_of_class(grade: Grade, rule: Rule) -> Promise:
    """Return what the rule promises of a target with the noise, the interval and the time-out of its class."""
    return promise(rule, Check(grade.value, "", "", "", grade, rule.interval, rule.timeout))


def price_of_cap(rule: Rule, check: Check, belief: Belief) -> float:
    """Return the false alarms a target-year that the cap adds: 0 without one, or when the odds are there before it."""
    if rule.cap is None or rule.cap >= beliefs.certain_after(replace(rule, cap=None), check, belief) - check.timeout:
        return 0.0
    noise = beliefs.noise_of(rule, belief, None)
    gaps, rest = divmod(rule.cap, noise.gap)
    nats = noise.nats(None) + gaps * noise.nats(noise.gap) + (noise.nats(rest) if rest else 0.0)
    return YEAR / check.interval * math.exp(-nats)
