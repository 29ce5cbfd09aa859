"""One look while it goes on: where it is, what it found so far (its time-out is enforced in `deadline.py`)."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from monitor.core.verdict import Outcome, Reason


@dataclass(slots=True)
class Attempt:
    """What a probe tells of itself while it runs, so that a time-out finds its reason.

    `timeout` is in seconds and `deadline` on the monotonic clock; only `monitor.probes.deadline` enforces it. `late` is the
    reason that running out of time has right now. `phases` are seconds by name, `values` what was read so far. With
    `partial` set, the outcome of a time-out is what it returns (some of several packets may have been answered); with `found` set, it is
    that error, after which the look only went on to learn more; with `unnamed` set, no name server gave the target's address, and the look
    goes on at its last one.
    """

    timeout: float
    began: float = field(default_factory=time.monotonic)
    late: Reason = Reason.TIMEOUT
    doing: str = ""
    phases: dict[str, float] = field(default_factory=dict)
    values: dict[str, object] = field(default_factory=dict)
    partial: Callable[[], Outcome] | None = None
    found: Exception | None = None
    unnamed: Exception | None = None

    @property
    def deadline(self) -> float:
        """The moment on the monotonic clock at which the look ends, whatever happened."""
        return self.began + self.timeout

    @property
    def elapsed(self) -> float:
        """Seconds since the look began."""
        return time.monotonic() - self.began

    @property
    def left(self) -> float:
        """Seconds until the deadline, never below zero."""
        return max(0.0, self.deadline - time.monotonic())

    def phase(self, name: str, late: Reason) -> "Phase":
        """Time a phase (`with`); while it lasts, running out of time means `late`. A phase that comes again (redirects) adds up."""
        return Phase(self, name, late)


class Phase:
    """A part of a look, from `with` to its end."""

    __slots__ = ("_attempt", "_before", "_late", "_name", "_start")

    def __init__(self, attempt: Attempt, name: str, late: Reason) -> None:
        """Know what to time."""
        self._attempt, self._name, self._late = attempt, name, late

    def __enter__(self) -> None:
        attempt = self._attempt
        self._before = attempt.late, attempt.doing
        attempt.late, attempt.doing = self._late, self._name
        self._start = time.monotonic()

    def __exit__(self, kind: object, *_: object) -> None:
        attempt, name = self._attempt, self._name
        attempt.phases[name] = attempt.phases.get(name, 0.0) + time.monotonic() - self._start
        if kind is None:
            attempt.late, attempt.doing = self._before  # not when it was broken off: then this is where we were
