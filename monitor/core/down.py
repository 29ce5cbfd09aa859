"""THE RULE FOR DOWN: how sure losses make us that a target is down.

With the noise of `monitor.core.rules` the odds that a target is down after k losses in a row are

    odds = rho / (1 - rho) * (1 - EPSILON)^k / (p * q(d2) * ... * q(dk)),     rho = outages a year * interval / year

kept by `monitor.core.belief` as a sum of nats (natural logarithms). DOWN needs the odds of the target's class and its least span
of losses, or losses for as long as the operator's cap. Then a false DOWN comes no more often than `outages / X` a year, whatever
the loss: `p` times the share of bursts that outlast the looks is the chance that a look begins such a one.
"""

import math

from monitor.core.city import Check
from monitor.core.rules import WRONG, YEAR, Rule
from monitor.core.verdict import Reason

EPSILON = 1e-6
"""The chance that a dead target answers."""


def is_down(rule: Rule, check: Check, nats: float, span: float, reason: Reason | None) -> bool:
    """Tell whether losses worth `nats` over `span` seconds, the last for this reason, are enough."""
    sure = missing(rule, check, nats) <= 0 and span >= least_span(rule, reason)
    return sure or (rule.cap is not None and span >= rule.cap)


def missing(rule: Rule, check: Check, nats: float) -> float:
    """Nats that are still wanting for the odds of the class."""
    return math.log(rule.odds) - prior(rule, check) - nats


def prior(rule: Rule, check: Check) -> float:
    """Nats for "an outage began within the last interval" before any look failed; never more than one to one."""
    rho = min(rule.outages * check.interval / YEAR, 0.5)
    return math.log(rho / (1 - rho))


def least_span(rule: Rule, reason: Reason | None) -> float:
    """Return the least span in seconds that the losses must have: none when it answers wrongly."""
    return 0.0 if reason in WRONG else rule.span
