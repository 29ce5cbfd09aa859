"""The classes' figures: how noisy each is, how sure we must be, what that costs (the rule for DOWN: `core/belief.py: is_down`).

Losses come in bursts, so a loss soon after a loss says little. With `p` the share of looks lost by a target that is up
and `tau` the time over which losses hang together, another loss after a gap of `d` seconds has the probability

    q(d) = p + (1 - p) * exp(-d / tau)

(exact where losses come and go as a two-state Markov chain: E. N. Gilbert, Capacity of a burst-noise channel, 1960).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitor.core.verdict import Reason

YEAR = 365.25 * 86400.0
LOOK_AGAIN = (0.5, 15.0)


class Grade(StrEnum):
    """The detection class of a check: how lossy its way is, how often and how long it is looked at (`GRADES`)."""

    CORE = "core"
    FIBRE = "fibre"
    METRO = "metro"
    RADIO = "radio"
    VPN = "vpn"
    APP = "app"


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

    def gap_for(self, nats: float) -> float:
        """Return the gap at which one more failure is this much evidence, infinity when none is."""
        left = (math.exp(-nats) - self.p) / (1 - self.p)
        return -self.tau * math.log(left) if left > 0 else math.inf


@dataclass(frozen=True, slots=True)
class Rule:
    """The detection rule of a class: noise, outages a year, and interval, time-out and least span of losses in seconds.

    `odds` to one that it is down make it DOWN; about one page in `odds` + 1 is then false. Losses for `cap` seconds in a row
    make it DOWN whatever the odds (None: never).
    """

    noise: Noise
    outages: float
    interval: float
    timeout: float
    span: float
    odds: float = 99.0
    cap: float | None = None


GRADES: Mapping[Grade, Rule] = {
    Grade.CORE: Rule(Noise(0.002, 0.5), outages=2, interval=3, timeout=1, span=3),
    Grade.FIBRE: Rule(Noise(0.002, 2), outages=4, interval=10, timeout=2, span=15),
    Grade.METRO: Rule(Noise(0.002, 2), outages=4, interval=10, timeout=2, span=15),
    Grade.RADIO: Rule(Noise(0.02, 5), outages=8, interval=10, timeout=3, span=30),
    Grade.VPN: Rule(Noise(0.02, 5), outages=8, interval=10, timeout=3, span=30),
    Grade.APP: Rule(Noise(0.002, 5), outages=6, interval=20, timeout=5, span=40),
}

_RESTART = Noise(0.00001, 10)
DEFINITE = Noise(0.0001, 0.4)
CONFIRM = 5.0
"""A definite answer is asked for once more, after so many seconds."""

WRONG: Mapping[Reason, Noise] = {
    # A wrong answer is not a loss: a restart answers wrongly for some seconds, the others need one confirming look.
    Reason.HTTP_STATUS: _RESTART,
    Reason.REFUSED: _RESTART,
    Reason.RESET: _RESTART,
    Reason.TLS_EXPIRED: DEFINITE,
    Reason.TLS_NOT_YET_VALID: DEFINITE,
    Reason.TLS_UNTRUSTED: DEFINITE,
    Reason.TLS_HOSTNAME: DEFINITE,
    Reason.REDIRECT_INSECURE: DEFINITE,
    Reason.REDIRECT_PRIVATE: DEFINITE,
    Reason.KEYWORD_FORBIDDEN: DEFINITE,
    Reason.DEFACED: DEFINITE,
    Reason.KEYWORD_MISSING: DEFINITE,
    Reason.JSON_MISMATCH: DEFINITE,
    Reason.PUSH_MISSING: DEFINITE,
    Reason.PUSH_DOWN: DEFINITE,
    Reason.DOMAIN_EXPIRED: DEFINITE,
    Reason.HEADER_MISMATCH: DEFINITE,
    Reason.STALE_DATA: DEFINITE,
    Reason.LOGIN_REFUSED: _RESTART,
}
