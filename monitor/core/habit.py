"""What a target is used to, and whether it is DEGRADED against that: it answers, but loses more or is slower than it does as a rule.

Raised and cleared at values apart, so that it does not go to and fro. A new habit is taken up within about a day of looks.
"""

from dataclasses import dataclass
from enum import StrEnum

LATELY, LOSSES, USUAL = 10, 60, 8640
"""Looks over which the time of late, the share of losses of late and the usual time are taken."""
SLOW, STILL_SLOW, NOTICED = 3.0, 2.0, 0.02
"""Times the usual, and so many seconds more than that, at which it is slow; and times the usual above which it stays so."""
LOSSY, STILL_LOSSY = 0.1, 0.05
"""Share of losses at which it is lossy, or three times its own when that is more; below half of that it is not."""
KNOWN = 100
"""So many answers it takes to know a habit."""


class Trouble(StrEnum):
    """How a target that answers does worse than it is used to."""

    LOSS = "loss"
    TIME = "time"


@dataclass(slots=True)
class Habit:
    """Seconds of an answer as a rule (`usual`) and `lately`, the share of looks lost of late, and what the trouble is."""

    usual: float = 0.0
    lately: float = 0.0
    lossy: float = 0.0
    trouble: Trouble | None = None

    def took(self, seconds: float, answers: int) -> bool:
        """Take one answer; tell whether it may be in trouble, or out of it. What is very slow counts as twice the usual."""
        usual = self.usual
        if not usual:
            self.usual = self.lately = seconds
            return False
        self.lately = lately = self.lately + (seconds - self.lately) / LATELY
        if answers >= USUAL and seconds < 2 * usual:
            self.usual = usual + (seconds - usual) / USUAL
        else:
            self.usual = usual + (min(seconds, 2 * usual) - usual) / min(answers, USUAL)
        if self.lossy:
            self.lossy *= 1 - 1 / LOSSES
            return True
        return lately > STILL_SLOW * usual + NOTICED or self.trouble is not None

    def lost(self) -> None:
        """Take a lost look that no other loss went before."""
        self.lossy += (1 - self.lossy) / LOSSES

    def judge(self, p: float, answers: int) -> bool:
        """Tell whether the trouble began or ended, given the share of looks that the target loses as a rule."""
        before, self.trouble = self.trouble, self._trouble(p) if answers >= KNOWN else None
        if self.lossy < STILL_LOSSY / LOSSES:
            self.lossy = 0.0
        return (before is None) is not (self.trouble is None)

    def _trouble(self, p: float) -> Trouble | None:
        lossy = max(LOSSY, 3 * p) if self.trouble is not Trouble.LOSS else max(STILL_LOSSY, 1.5 * p)
        slow = (SLOW if self.trouble is not Trouble.TIME else STILL_SLOW) * self.usual + NOTICED
        return Trouble.LOSS if self.lossy >= lossy else Trouble.TIME if self.lately > slow else None
