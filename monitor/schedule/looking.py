"""The shell round the agenda: arms one timer, sends what is due, hands results on.

The ways to look are handed in (`look` and `look_many` of `monitor.probes.deadline` with a vantage), and so is the clock: tests bring
their own of all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from monitor.core.city import Check
from monitor.core.events import ProbeResult, Verify, quantise
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.schedule.agenda import Agenda, Entry
from monitor.schedule.lateness import NOTED, Delays, Lateness
from monitor.schedule.turns import LIMITS, Turns

RETRY_AFTER, LONGEST_PAUSE = "retry_after", 600.0
"""The value by which a look says for how many seconds its target wants to be left alone, and as many as it gets at most."""

Look = Callable[[Check], Awaitable[Outcome]]
Told = Callable[[Sequence[tuple[Check, Outcome]]], None]
LookMany = Callable[[Sequence[Check], Told], Sequence[Check]]
"""Begins what can be looked at together, tells the outcomes; returns what needs a `Look` of its own."""
Sink = Callable[[ProbeResult], None]


class Alarm(Protocol):
    """A call that was arranged and may be called off."""

    def cancel(self) -> None:
        """Call it off."""


class Clock(Protocol):
    """The one timeline: epoch seconds that never jump, and calls at a time on it."""

    def now(self) -> float:
        """Return the time."""
        ...

    def call_at(self, when: float, act: Callable[[], None]) -> Alarm:
        """Arrange that `act` is called at `when`, at once when that has passed."""
        ...


class Schedule:
    """Looks at every check of the city when it is due and hands each result, quantised, to `sink`."""

    def __init__(
        self, clock: Clock, look: Look, sink: Sink, limits: Mapping[str, int] = LIMITS, many: LookMany = lambda checks, _: checks
    ) -> None:
        self._clock, self._look, self._sink, self._look_many = clock, look, sink, many
        self._agenda, self._turns = Agenda(), Turns(limits)
        self._looks: set[asyncio.Task[None]] = set()
        self._alarm: Alarm | None = None
        self._armed = float("inf")
        self._heart: Alarm | None = None
        self.lateness, self.delays = Lateness(clock.now()), Delays()

    def start(self, checks: Iterable[Check]) -> None:
        """Begin to look; the first looks spread over the first interval of each check."""
        self.change(checks)
        self._beat()

    def change(self, checks: Iterable[Check]) -> None:
        """Take over the checks of a new inventory: those that did not change keep their phase, those that are gone fall silent."""
        self._agenda.change(checks, self._clock.now())
        self._arm()

    def verify(self, words: Iterable[Verify]) -> None:
        """Look at these checks at the latest at the time that each word says."""
        for word in words:
            self._agenda.verify(word)
        self._arm()

    async def stop(self) -> None:
        """Send nothing more and drop what is in flight."""
        for alarm in (self._alarm, self._heart):
            if alarm is not None:
                alarm.cancel()
        self._alarm = self._heart = None
        self._agenda.change((), self._clock.now())
        self._turns = Turns({})
        looks = list(self._looks)
        for task in looks:
            task.cancel()
        await asyncio.gather(*looks, return_exceptions=True)

    def _arm(self) -> None:
        """Have the timer stand at the next due check."""
        due = self._agenda.next_due()
        if due is None or (self._alarm is not None and self._armed <= due):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._armed, self._alarm = due, self._clock.call_at(due, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        due = self._agenda.take(self._clock.now())
        self._arm()
        for entry in due:
            self._turns.wait(entry)
        for kind in dict.fromkeys(entry.check.kind for entry in due):
            self._send(kind)

    def _beat(self) -> None:
        due = self.lateness.beat(self._clock.now())
        self._heart = self._clock.call_at(due, self._beat)
        if self.lateness.latest > NOTED and self._alarm is not None:  # a machine that slept: its timers slept with it
            self._alarm.cancel()
            self._alarm = None
            self._arm()

    def _send(self, kind: str) -> None:
        """Send those of a kind whose turn it is: together where the kind can, else each in a task of its own."""
        sent = self._clock.now()
        entries = {entry.check.id: entry for entry in self._turns.take(kind)}
        if not entries:
            return
        for entry in entries.values():
            self._agenda.began(entry, sent)
            self.delays.note(sent - entry.called)

        def told(found: Sequence[tuple[Check, Outcome]]) -> None:
            self._ended(kind, sent, [(entries[check.id], outcome) for check, outcome in found])

        for check in self._look_many([entry.check for entry in entries.values()], told):
            task = asyncio.create_task(self._one(entries[check.id], sent))
            self._looks.add(task)
            task.add_done_callback(self._looks.discard)

    async def _one(self, entry: Entry, sent: float) -> None:
        """Look once; whatever comes of it, the next one gets its turn."""
        outcome = None
        try:
            outcome = await self._look(entry.check)
        finally:
            self._ended(entry.check.kind, sent, [(entry, outcome)])

    def _ended(self, kind: str, sent: float, looks: Sequence[tuple[Entry, Outcome | None]]) -> None:
        """Hand on what looks found, None for a look that was broken off, and give those that wait their turn."""
        at = self._clock.now()
        for entry, outcome in looks:
            self._turns.ended(entry)
            self._agenda.ended(entry, at)
            if outcome is not None and RETRY_AFTER in outcome.values:
                self._agenda.rest(entry, at + _pause(outcome.values[RETRY_AFTER]))
        self._send(kind)
        self._arm()
        for entry, outcome in looks:
            if outcome is not None and not entry.gone:
                self._sink(quantise(entry.check.id, sent, at, self._judged(entry.check, sent, at, outcome)))

    def _judged(self, check: Check, sent: float, at: float, outcome: Outcome) -> Outcome:
        """Take a failure back that a late loop may have made."""
        if outcome.verdict is not Verdict.FAIL or not self.lateness.spoils(sent, at, check.timeout):
            return outcome
        found = f"{outcome.reason or outcome.verdict}: {outcome.detail}"
        return replace(outcome, verdict=Verdict.UNSURE, reason=Reason.LOOP_LATE, detail=found)


def _pause(wanted: object) -> float:
    return min(max(float(wanted), 0.0), LONGEST_PAUSE) if isinstance(wanted, int | float) else 0.0
