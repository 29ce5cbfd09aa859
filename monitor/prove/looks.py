"""When looks are sent, by the rules of `monitor.schedule.agenda`, and what they say, by the truth of the moment.

`Every` sends each one through the real agenda. `Telling` leaves out looks that change nothing: those that would be answered quietly
by a target of which nobody doubts, and those that fail once more when all has been decided; tests hold that both end in the
same pages.
"""

import heapq
from collections.abc import Iterable, Iterator
from typing import Protocol

from monitor.core.city import Check, City
from monitor.core.events import ProbeResult, Verify
from monitor.core.verdict import Reason, Verdict
from monitor.prove.timeline import START, Case, Timeline, chance
from monitor.prove.world import Sight
from monitor.schedule.agenda import MOST_IN_FLIGHT, SPACING, Agenda, Entry, next_phase

ROUND_TRIP = {"http": 0.05, "snmp": 0.02}
QUICK = 0.005
AFTER = 600.0
REASONS = {"snmp": Reason.SNMP_TIMEOUT}


class Truth:
    """Answers looks: from the sight of the moment at which they are sent, some lost by a seeded chance."""

    def __init__(self, timeline: Timeline, case: Case) -> None:
        self.timeline, self._loss, self._seed = timeline, case.loss, case.seed
        self.lossy = case.loss > 0

    def fails(self, check: Check, sent: float) -> bool:
        """Tell whether a look sent now would not be answered well."""
        sight = self.timeline.at(sent)
        return check.node in sight.failing or sight.blind or (sight.deaf and check.kind == "http") or self.loses(check, sent)

    def loses(self, check: Check, sent: float) -> bool:
        """Tell whether the answer to this look is lost on the way."""
        return self._loss > 0 and chance(self._seed, check.id, round(sent, 3)) < self._loss

    def look(self, check: Check, sent: float) -> ProbeResult:
        """Return what comes of a look sent now."""
        sight = self.timeline.at(sent)
        at = round(sent, 3)
        if sight.blind or (sight.deaf and check.kind == "http"):
            return ProbeResult(check.id, at, at, Verdict.UNSURE, Reason.NO_ROUTE if sight.blind else Reason.OWN_RESOLVER)
        reason = sight.failing.get(check.node)
        if reason is None and self.loses(check, sent):
            reason = Reason.TIMEOUT
        quick = ROUND_TRIP.get(check.kind, QUICK)
        if reason is None:
            values = self._ports(check, sight) if check.kind == "snmp" else {}
            return ProbeResult(check.id, at, round(sent + quick, 3), Verdict.OK, seconds=quick, values=values)
        if reason is not Reason.TIMEOUT:
            return ProbeResult(check.id, at, round(sent + quick, 3), Verdict.FAIL, reason)
        return ProbeResult(check.id, at, round(sent + check.timeout, 3), Verdict.FAIL, REASONS.get(check.kind, reason))

    def _ports(self, check: Check, sight: Sight) -> dict[str, object]:
        """What a device says of its ports that lead somewhere."""
        plugged = self.timeline.world.plugged.get(check.node, ())
        return {"interfaces": [{"name": link.port, "oper": "down" if link.id in sight.unplugged else "up"} for link in plugged]}


class Looks(Protocol):
    """A schedule in virtual time."""

    def until(self, end: float) -> float:
        """Return when it wants to go on next, `end` at the latest."""
        ...

    def go(self, at: float) -> Iterator[ProbeResult]:
        """Send what is due now; return what arrives now."""
        ...

    def verify(self, words: Iterable[Verify]) -> None:
        """Take the engine's wishes."""
        ...


class Every:
    """Every look of every check, through the real agenda."""

    def __init__(self, city: City, truth: Truth) -> None:
        self._truth, self._agenda = truth, Agenda()
        self._agenda.change(city.checks.values(), START)
        self._flying: list[tuple[float, int, Entry, ProbeResult]] = []
        self._sent = 0

    def until(self, end: float) -> float:
        due = self._agenda.next_due()
        return min(end, due if due is not None else end, self._flying[0][0] if self._flying else end)

    def go(self, at: float) -> Iterator[ProbeResult]:
        while self._flying and self._flying[0][0] <= at:
            _, _, entry, look = heapq.heappop(self._flying)
            yield look
            self._agenda.ended(entry, at)
        for entry in self._agenda.take(at):
            self._agenda.began(entry, at)
            look = self._truth.look(entry.check, at)
            self._sent += 1
            heapq.heappush(self._flying, (max(look.at, at), self._sent, entry, look))

    def verify(self, words: Iterable[Verify]) -> None:
        for word in words:
            self._agenda.verify(word)


class Mind(Protocol):
    """What the engine thinks of a check."""

    def doubts(self, check: str) -> bool:
        """Tell whether it is not sure that the target is up: even a good answer says something then."""
        ...

    def settled(self, check: Check, at: float, *, asked: bool) -> bool:
        """Tell whether one more failure says nothing: all is decided, or we are cut off."""
        ...


class Place:
    """One check in `Telling`: as `agenda.Entry`, and `asked` when its next look is a wish of the engine."""

    __slots__ = ("asked", "check", "due", "flying", "missed", "sent")

    def __init__(self, check: Check) -> None:
        self.check, self.due, self.sent = check, float("inf"), float("-inf")
        self.flying, self.missed, self.asked = 0, False, False


class Telling:
    """Only the looks that may tell something: those that fail, that are asked for, or whose target is in doubt."""

    def __init__(self, city: City, truth: Truth, mind: Mind, nodes: Iterable[str]) -> None:
        self._city, self._truth, self._mind = city, truth, mind
        self._places: dict[str, Place] = {}
        self._heap: list[tuple[float, int, Place, ProbeResult | None]] = []
        self._serial, self._now = 0, START
        for node in nodes:
            for check in city.nodes[node].checks:
                self._sleep(self._known(check), START)

    def until(self, end: float) -> float:
        heap = self._heap
        while heap and heap[0][3] is None and heap[0][2].due != heap[0][0]:
            heapq.heappop(heap)
        return min(heap[0][0], end) if heap else end

    def go(self, at: float) -> Iterator[ProbeResult]:
        heap, self._now = self._heap, at
        while heap and heap[0][0] <= at:
            due, _, place, look = heapq.heappop(heap)
            if look is not None:
                yield look
                self._ended(place, at)
            elif place.due == due:
                self._due(place, at)

    def verify(self, words: Iterable[Verify]) -> None:
        for word in words:
            place = self._known(word.check)
            wanted = max(word.at, place.sent + SPACING)
            if wanted < place.due:
                self._put(place, wanted)
                place.asked = True

    def _known(self, check: str) -> Place:
        place = self._places.get(check)
        if place is None:
            place = self._places[check] = Place(self._city.checks[check])
        return place

    def _put(self, place: Place, due: float) -> None:
        place.due = due
        self._serial += 1
        heapq.heappush(self._heap, (due, self._serial, place, None))

    def _push(self, place: Place, look: ProbeResult, at: float) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (max(look.at, at), self._serial, place, look))

    def _due(self, place: Place, at: float) -> None:
        """Send a look, as `Agenda.take` and `Agenda.began` would; a quiet one is left out."""
        if place.sent + SPACING > at:
            self._put(place, place.sent + SPACING)
            return
        if place.flying == 0 and self._says_nothing(place, at):
            return
        place.asked = False
        self._put(place, next_phase(place.check, at + SPACING))
        place.missed = place.flying >= MOST_IN_FLIGHT
        if not place.missed:
            place.sent, place.flying = at, place.flying + 1
            self._push(place, self._truth.look(place.check, at), at)

    def _says_nothing(self, place: Place, at: float) -> bool:
        """Put a check to sleep whose look would change nothing."""
        if self._truth.fails(place.check, at):
            nothing = not self._truth.lossy and self._mind.settled(place.check, at, asked=place.asked)
            if nothing:
                self._rest(place, at)
            return nothing
        if place.asked or self._mind.doubts(place.check.id):
            return False
        self._sleep(place, at)
        return True

    def _rest(self, place: Place, at: float) -> None:
        """Leave out failures until the truth changes; what was asked for goes on in its rhythm then."""
        change = max(at, self._truth.timeline.next_change(at))
        due = next_phase(place.check, change)
        if place.asked:
            self._put(place, min(due, change + (at - place.sent) * chance(place.check.id, at)))
        else:
            self._wake(place, at, due)

    def _ended(self, place: Place, at: float) -> None:
        place.flying -= 1
        if place.missed:
            place.missed = False
            self._put(place, max(at, place.sent + SPACING))
            place.asked = True

    def _sleep(self, place: Place, at: float) -> None:
        """Wake a quiet check when it has something to tell, and once an interval before: the last answer has its time right."""
        check, timeline = place.check, self._truth.timeline
        while at < timeline.healed + AFTER:
            nearest = at if self._truth.lossy else timeline.next_failure(check.node, at)
            if nearest > timeline.healed + AFTER:
                break
            at = next_phase(check, nearest)
            if self._truth.fails(check, at):
                self._wake(place, self._now, at)
                return
        place.due = float("inf")

    def _wake(self, place: Place, now: float, due: float) -> None:
        before = due - place.check.interval
        place.asked = before > place.sent + SPACING and before > now
        self._put(place, before if place.asked else due)
