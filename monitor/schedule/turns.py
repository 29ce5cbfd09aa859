"""Manners: who may look now. So many of a kind at the same time, so few at one host; all others wait for their turn, in order."""

from collections import Counter, deque
from collections.abc import Mapping

from monitor.schedule.agenda import Entry

LIMITS: Mapping[str, int] = {"icmp": 1000, "tcp": 100, "dns": 50, "http": 50, "snmp": 20, "ntp": 20, "push": 1000, "domain": 1}
"""Looks of a kind at the same time: what waits for its turn is sent later, never at once with a thousand others."""
AT_ONE_HOST: Mapping[str, int] = {"http": 4, "tcp": 4, "dns": 4, "snmp": 1}
"""Of these at one host: a server that carries ten applications is not asked for all of them at once, and an agent answers one."""


class Turns:
    """The looks that wait and those in flight."""

    def __init__(self, limits: Mapping[str, int] = LIMITS) -> None:
        self._limits = limits
        self._queues: dict[str, deque[Entry]] = {}
        self._parked: dict[tuple[str, str], deque[Entry]] = {}
        self._flying: Counter[str] = Counter()
        self._there: Counter[tuple[str, str]] = Counter()

    def wait(self, entry: Entry) -> None:
        """Let a check wait for its turn."""
        self._queues.setdefault(entry.check.kind, deque()).append(entry)

    def take(self, kind: str) -> list[Entry]:
        """Return who of a kind may look now, and count them as in flight."""
        queue, found = self._queues.get(kind), list[Entry]()
        room = self._limits.get(kind, 10) - self._flying[kind]
        while queue and len(found) < room:
            entry = queue.popleft()
            if entry.gone:
                self._release(entry)
            elif self._may_go(entry):
                found.append(entry)
        self._flying[kind] += len(found)
        return found

    def ended(self, entry: Entry) -> None:
        """Hear that a look ended: whoever waits for its host comes first now."""
        kind = entry.check.kind
        self._flying[kind] -= 1
        if kind not in AT_ONE_HOST:
            return
        place = kind, entry.check.host
        self._there[place] -= 1
        if not self._there[place]:
            del self._there[place]
        self._release(entry)

    def _release(self, entry: Entry) -> None:
        """Let the next who waits for the host of this one come first."""
        place = entry.check.kind, entry.check.host
        if parked := self._parked.get(place):
            self._queues[entry.check.kind].appendleft(parked.popleft())
        if not parked:
            self._parked.pop(place, None)

    def _may_go(self, entry: Entry) -> bool:
        """Tell whether there is room at the host; whoever finds none waits for that."""
        kind = entry.check.kind
        if kind not in AT_ONE_HOST:
            return True
        place = kind, entry.check.host
        if self._there[place] >= AT_ONE_HOST[kind]:
            self._parked.setdefault(place, deque()).append(entry)
            return False
        self._there[place] += 1
        return True
