"""Which check is due when. Time is an argument; nothing here waits.

Every check has a phase: the fraction of its interval that a hash of its id says. So looks spread evenly from the first
interval on, a restart or a reload moves none, and a look that came late or early does not move the next. Phases lie on a
grid of `GRID` seconds: what is due almost together is due together, and costs one waking.
"""

import heapq
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.core.city import Check
from monitor.core.events import Verify

SPACING = 0.3
GRID = 0.01
MOST_IN_FLIGHT = 2
MOST_AT_ONCE = 300


@dataclass(slots=True, eq=False)
class Entry:
    """One check on the agenda: when it is due, when it was last sent, how many looks are in flight.

    `called` is when the look that waits or was sent last was due. `queued`: it waits for its turn; `missed`: it was due while no more could
    be in flight; `gone`: no result is wanted any more. Before `rests` it is not looked at, for its target asked for that.
    """

    check: Check
    due: float
    sent: float = float("-inf")
    flying: int = 0
    rests: float = float("-inf")
    called: float = 0.0
    queued: bool = False
    missed: bool = False
    gone: bool = False


def next_phase(check: Check, after: float) -> float:
    """Return the first time later than `after` at which the phase of the check comes round."""
    phase = zlib.crc32(check.id.encode()) / 2**32 * check.interval // GRID * GRID
    due = phase + ((after - phase) // check.interval + 1) * check.interval
    return due if due > after else due + check.interval  # rounding may have brought it back to `after`


class Agenda:
    """A heap of times, and who is due at each; an entry that was moved leaves its old place behind, which is skipped when it comes up."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._heap: list[float] = []
        self._places: dict[float, list[Entry]] = {}

    def change(self, checks: Iterable[Check], at: float) -> None:
        """Take over a new set: what did not change keeps its place, what is gone or changed is not heard of any more."""
        wanted = {check.id: check for check in checks}
        for entry in [entry for entry in self._entries.values() if wanted.get(entry.check.id) != entry.check]:
            entry.gone = True
            del self._entries[entry.check.id]
        for check in wanted.values():
            if check.id not in self._entries:
                self._entries[check.id] = Entry(check, next_phase(check, at))
        self._settle()

    def verify(self, word: Verify) -> None:
        """Move a check forward to the time named, if it is not due before.

        A look in flight was sent before the request and does not count; two sendings are `SPACING` seconds apart.
        """
        entry = self._entries.get(word.check)
        if entry is not None:
            wanted = max(word.at, entry.sent + SPACING, entry.rests)
            if wanted < entry.due:
                self._place(entry, wanted)

    def next_due(self) -> float | None:
        """Return when the next check is due, or None when there is none."""
        while self._heap and not any(_is_due(entry, self._heap[0]) for entry in self._places[self._heap[0]]):
            del self._places[heapq.heappop(self._heap)]
        return self._heap[0] if self._heap else None

    def take(self, at: float, most: int = MOST_AT_ONCE) -> list[Entry]:
        """Return what is due at `at`, in order, and put each at its next phase; what is more than `most` stays due."""
        found: list[Entry] = []
        while self._heap and self._heap[0] <= at and len(found) < most:
            due, entries = self._heap[0], self._places[self._heap[0]]
            entries, self._places[due] = entries[:most], entries[most:]
            if not self._places[due]:
                del self._places[heapq.heappop(self._heap)]
            for entry in entries:
                if not _is_due(entry, due):
                    continue
                if entry.sent + SPACING > at:
                    self._place(entry, entry.sent + SPACING)
                    continue
                self._place(entry, next_phase(entry.check, at + SPACING))
                entry.missed = entry.flying >= MOST_IN_FLIGHT
                if not entry.missed and not entry.queued:
                    entry.queued, entry.called = True, due
                    found.append(entry)
        return found

    def began(self, entry: Entry, at: float) -> None:
        """Note that a look was sent."""
        entry.sent, entry.queued = at, False
        entry.flying += 1

    def ended(self, entry: Entry, at: float) -> None:
        """Note that a look came back; one that was due meanwhile and could not be sent is due now."""
        entry.flying -= 1
        if entry.missed and not entry.gone:
            entry.missed = False
            self._place(entry, max(at, entry.sent + SPACING))

    def rest(self, entry: Entry, until: float) -> None:
        """Leave a target alone until then; it comes back in its own phase."""
        entry.rests, entry.missed = until, False
        if entry.due < until:
            self._place(entry, next_phase(entry.check, until))

    def _place(self, entry: Entry, due: float) -> None:
        entry.due = due
        place = self._places.get(due)
        if place is None:
            self._places[due] = [entry]
            heapq.heappush(self._heap, due)
        else:
            place.append(entry)

    def _settle(self) -> None:
        """Place every entry, and drop the places that were left behind: many reloads must not make the heap grow."""
        self._heap, self._places = [], {}
        for entry in self._entries.values():
            self._place(entry, entry.due)


def _is_due(entry: Entry, due: float) -> bool:
    return entry.due == due and not entry.gone
