"""What a rule promises, and what it costs: false alarms a target-year, their share of all pages, and the time from fault to DOWN.

    false alarms a year = outages / odds + price of the cap
    price of the cap    = year / interval * p * q(gap)^(cap / gap)      losses that last as long as the cap, of a target that is up

The first holds where losses come as the noise of the target says. Bursts of a heavy tail break it: what was measured is
printed beside it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from monitor.core import belief as beliefs
from monitor.core.belief import Belief
from monitor.core.city import Check, City
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
    false = false_a_year(rule, check, known)
    certain = beliefs.certain_after(rule, check, known)
    return Promise(false, false / (false + rule.outages), check.interval / 2 + certain, check.interval + certain)


def promise_of_class(grade: Grade, rule: Rule) -> Promise:
    """Return what the rule promises of a target with the noise, the interval and the time-out of its class."""
    return promise(rule, Check(grade.value, "", "", "", grade, rule.interval, rule.timeout))


def false_a_year(rule: Rule, check: Check, belief: Belief) -> float:
    """Return the false alarms a year that the rule allows at most."""
    return rule.outages / rule.odds + price_of_cap(rule, check, belief)


@dataclass(frozen=True, slots=True)
class Fleet:
    """The whole city: false alarms a year at most, one in how many pages, and of `downs` how many were `brief`."""

    false: float
    one_in: float
    downs: int
    brief: int


def fleet(city: City, known: Mapping[str, Belief]) -> Fleet:
    """Return what is promised of all that decide about a node, and what was measured."""
    deciders = [check for node in city.nodes if (check := city.decider(node))]
    beliefs_of = [known.get(check.id, Belief()) for check in deciders]
    false = sum(false_a_year(city.rules[check.grade], check, belief) for check, belief in zip(deciders, beliefs_of, strict=True))
    real = sum(city.rules[check.grade].outages for check in deciders)
    one_in = 1 + real / false if false else math.inf
    return Fleet(false, one_in, sum(belief.downs for belief in beliefs_of), sum(belief.brief for belief in beliefs_of))


def price_of_cap(rule: Rule, check: Check, belief: Belief) -> float:
    """Return the false alarms a target-year that the cap adds: 0 without one, or when the odds are there before it."""
    if rule.cap is None or rule.cap >= beliefs.certain_after(replace(rule, cap=None), check, belief) - check.timeout:
        return 0.0
    noise = beliefs.noise_of(rule, belief, None)
    gaps, rest = divmod(rule.cap, noise.gap)
    nats = noise.nats(None) + gaps * noise.nats(noise.gap) + (noise.nats(rest) if rest else 0.0)
    return YEAR / check.interval * math.exp(-nats)
