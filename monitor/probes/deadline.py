"""Looking, alone or many together: the one place where a look's time-out is enforced and errors become verdicts.

A probe (see the table in `monitor.probes`) returns an outcome or lets its error rise; how long it may take is decided here alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from pydantic import ValidationError

from monitor.core.city import Check
from monitor.core.errors import PantauError
from monitor.core.verdict import ANSWERED, Outcome, Reason, Verdict
from monitor.probes import ProbeKind, ProbeMany, kind_of, read_options
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault, fault_of, verdict_of
from monitor.probes.vantage import Vantage

Told = Callable[[Sequence[tuple[Check, Outcome]]], None]
LATE = 0.1
"""Share of the time-out by which its timer may come late; later, our own loop stood still and the look says nothing."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What `probe_many` needs to know of a check; looks of one lane and one time-out begin together."""

    check: Check
    lane: Hashable
    target: Any
    slow: float | None


async def look(check: Check, vantage: Vantage) -> Outcome:
    """Look once, within `check.timeout` seconds; raises nothing but CancelledError. The keys are read at the first look."""
    return await _look(check.kind, check.target, lambda: vantage.share(_Keys).of(check), check.timeout, vantage)


async def look_at(kind: str, target: str, raw: Mapping[str, object], timeout: float, vantage: Vantage) -> Outcome:
    """Look once, with keys as they were written."""
    return await _look(kind, target, lambda: read_options(kind, raw), timeout, vantage)


async def _look(kind: str, target: str, read: Callable[[], Any], timeout: float, vantage: Vantage) -> Outcome:
    """Look once. HERE the time-out is enforced, as one deadline for all of the look, and errors become verdicts."""
    try:
        probe, options = kind_of(kind).probe, read()
    except (ValidationError, PantauError) as error:
        return _judge(fault_of(error), Attempt(timeout))
    attempt = Attempt(timeout)
    outcome = await _ended(probe(target, options, vantage, attempt), options.slow, attempt)
    return outcome if attempt.unnamed is None else _unnamed(outcome, fault_of(attempt.unnamed))


async def _ended(looking: Awaitable[Outcome], slow: float | None, attempt: Attempt) -> Outcome:
    try:
        with _Alarm(attempt.timeout):
            return _timely(await looking, slow)
    except TimeoutError as error:
        # A time-out of the kernel (ETIMEDOUT) is one too, but not ours.
        known = attempt.found or (error if error.errno else None)
        return _judge(fault_of(known), attempt) if known else _too_late(attempt, attempt.partial() if attempt.partial else None)
    except Exception as error:  # noqa: BLE001 - the border: whatever a probe meets becomes a verdict, and a bug of ours is UNSURE
        return _judge(fault_of(error), attempt)


class _Alarm:
    """What `asyncio.timeout` is, to a look of which that would be a tenth: `with` it, TimeoutError rises when time is up."""

    __slots__ = ("_cancelling", "_handle", "_rang", "_seconds", "_task")

    def __init__(self, seconds: float) -> None:
        self._seconds, self._rang = seconds, False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a look goes on in a task")
        self._task, self._cancelling = task, task.cancelling()
        self._handle = asyncio.get_running_loop().call_later(self._seconds, self._ring)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._handle.cancel()
        if self._rang and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:  # else others want it to end, too
            raise TimeoutError from error

    def _ring(self) -> None:
        self._rang = True
        self._task.cancel()


def _unnamed(outcome: Outcome, fault: Fault) -> Outcome:
    """Tell of a target and of the name servers that did not give its address: the last one speaks for it, but not against it.

    How long it took says nothing: most of it was waiting for them.
    """
    if outcome.verdict is Verdict.UNSURE:
        return outcome
    verdict, reason, detail = verdict_of(fault.reason), fault.reason, f"{fault.detail}; at its last address: {outcome.detail}"
    if outcome.verdict in ANSWERED:
        verdict, reason = Verdict.WARN, Reason.DNS_KEPT
        detail = "; ".join(filter(None, ("it answers at its last address", outcome.detail, fault.detail)))
    return replace(outcome, verdict=verdict, reason=reason, detail=detail[:200], seconds=None)


def look_many(checks: Sequence[Check], vantage: Vantage, told: Told) -> Sequence[Check]:
    """Begin to look at checks of one kind, all at once; return those that need a `look` of their own.

    `told` hears of the outcomes, in one call of all that are there at the same time; never before this has returned.
    """
    kind = kind_of(checks[0].kind)
    probe_many = kind.probe_many
    if probe_many is None:
        return checks
    alone: list[Check] = []
    lanes: dict[Hashable, list[Aim]] = {}
    known = vantage.share(_Aims)
    for check in checks:
        aim = known.aim(check, kind)
        if aim is None:
            alone.append(check)
        else:
            lanes.setdefault((aim.lane, check.timeout), []).append(aim)
    loop = asyncio.get_running_loop()
    for aims in lanes.values():
        loop.call_soon(_Volley(aims, told).begin, probe_many, vantage)  # a bug there ends that volley, and nothing else
    return alone


class _Keys:
    """The keys of the checks of a vantage: they are read once, not once a look."""

    def __init__(self, _: Vantage) -> None:
        self._known: dict[str, tuple[Check, Any]] = {}

    def close(self) -> None:
        self._known.clear()

    def of(self, check: Check) -> Any:  # noqa: ANN401 - each kind has its own type
        """Return them. Raises pydantic.ValidationError with the keys that are wrong."""
        known = self._known.get(check.id)
        if known is None or known[0] is not check:
            known = self._known[check.id] = check, read_options(check.kind, check.options)
        return known[1]


class _Aims:
    """What the checks of a vantage aim at: their options are read once, not once a look."""

    def __init__(self, vantage: Vantage) -> None:
        self._vantage = vantage
        self._known: dict[str, tuple[Check, Aim | None]] = {}

    def close(self) -> None:
        self._known.clear()

    def aim(self, check: Check, kind: ProbeKind) -> Aim | None:
        known = self._known.get(check.id)
        if known is None or known[0] is not check:
            known = self._known[check.id] = check, _aim(check, kind, self._vantage)
        return known[1]


def _aim(check: Check, kind: ProbeKind, vantage: Vantage) -> Aim | None:
    """Return what `probe_many` needs to know of a check; None when it can only be looked at alone."""
    try:
        options = read_options(check.kind, check.options)
    except ValidationError:
        return None
    found = kind.aim(check.target, options, vantage)
    return None if found is None else Aim(check, *found, options.slow)


class _Volley:
    """Looks that begin together. HERE their time-out is enforced, as one deadline for all of them, and errors become verdicts."""

    def __init__(self, aims: Sequence[Aim], told: Told) -> None:
        self._aims, self._told = aims, told
        self._attempt = Attempt(aims[0].check.timeout)
        self._loop = asyncio.get_running_loop()
        self._alarm = self._loop.call_later(self._attempt.timeout, self._end)
        self._found: list[tuple[Check, Outcome]] = []
        self._left, self._over = set(range(len(aims))), False
        self._rest: Callable[[], None] | None = None

    def begin(self, probe_many: ProbeMany, vantage: Vantage) -> None:
        try:
            self._rest = probe_many([aim.target for aim in self._aims], vantage, self._attempt, self._tell)
        except (OSError, PantauError) as error:
            outcome = _judge(fault_of(error), self._attempt)
            for place in range(len(self._aims)):
                self._tell(place, outcome)

    def _tell(self, place: int, outcome: Outcome) -> None:
        aim = self._aims[place]
        self._left.discard(place)
        if not self._found:
            self._loop.call_soon(self._deliver)
        self._found.append((aim.check, _too_late(self._attempt, outcome) if self._over else _timely(outcome, aim.slow)))

    def _deliver(self) -> None:
        found, self._found = self._found, []
        if not self._left:
            self._alarm.cancel()
            self._rest = None  # which knows us: no circle is left to the collector of garbage
        self._told(found)

    def _end(self) -> None:
        self._over = True
        if self._rest is not None:
            self._rest()
        for place in sorted(self._left):  # a bug of ours: nobody would ever hear of them
            self._tell(place, _judge(Fault(Reason.INTERNAL, "the look was broken off"), self._attempt))


def _timely(outcome: Outcome, slow: float | None) -> Outcome:
    if outcome.verdict is not Verdict.OK or slow is None or outcome.seconds is None or outcome.seconds <= slow:
        return outcome
    return replace(outcome, verdict=Verdict.SLOW, reason=Reason.SLOW_ANSWER, detail=f"took {outcome.seconds:.3g} s, slow is {slow:g} s")


def _too_late(attempt: Attempt, outcome: Outcome | None) -> Outcome:
    if outcome is not None and outcome.verdict is not Verdict.FAIL:
        return outcome
    overdue = time.monotonic() - attempt.deadline
    if overdue > max(0.05, LATE * attempt.timeout):
        return _judge(Fault(Reason.LOOP_LATE, f"our own loop stood still for {overdue:.2f} s"), attempt)
    detail = f"{attempt.doing}: no end within {attempt.timeout:g} s" if attempt.doing else f"no answer within {attempt.timeout:g} s"
    return outcome or _judge(Fault(attempt.late, detail), attempt)


def _judge(fault: Fault, attempt: Attempt) -> Outcome:
    verdict = verdict_of(fault.reason)
    seconds = None if verdict is Verdict.UNSURE else attempt.elapsed
    return Outcome(verdict, fault.reason, fault.detail[:200], seconds, attempt.phases, attempt.values | fault.values)
