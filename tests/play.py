"""A city in virtual time: looks fall due by phase or when the engine asks, fail after their time-out, and pages are gathered."""

import heapq
import zlib
from collections.abc import Iterable
from itertools import count

from pydantic import TypeAdapter

from monitor.core.city import Check, City
from monitor.core.events import Delivered, Effect, Event, InventoryLoaded, Page, ProbeResult, Step, Tick, Verify
from monitor.core.topology import Topology
from monitor.core.verdict import Reason, Verdict
from monitor.engine import Engine, State

STATE = TypeAdapter(State)
START = 1_800_000_000.0
SPACING = 0.3
OURS = {Reason.NO_ROUTE, Reason.OWN_RESOLVER}


class Play:
    """Plays one city.

    `dead` nodes and lines neither answer nor forward, and the ports that lead there are down; `mute` nodes only do not answer;
    `lost` are checks that fail whatever their node does, with the reason given, `unasked` ones are not looked at;
    with `restart` the engine is made anew from its snapshot before every event.
    """

    def __init__(self, city: City, *, restart: bool = False) -> None:
        self.city, self.restart, self.at = city, restart, START
        self.engine = Engine(State(City("")))
        self.dead: set[str] = set()
        self.mute: set[str] = set()
        self.lost: dict[str, Reason] = {}
        self.unasked: set[str] = set()
        self.pages: list[Page] = []
        self._heap: list[tuple[float, int, str, ProbeResult | None]] = []
        self._serial = count()
        self._due: dict[str, float] = {}
        self._sent: dict[str, float] = {}
        self._reach: tuple[object, Topology] = None, Topology({})
        self.take(InventoryLoaded(START, city))
        for check in city.checks.values():
            self._place(check.id, START + zlib.crc32(check.id.encode()) / 2**32 * check.interval)

    def take(self, event: Event) -> list[Effect]:
        """Apply an event, and act on what comes of it."""
        if self.restart:
            self.engine = Engine(STATE.validate_json(STATE.dump_json(self.engine.state)))
        effects = self.engine.apply(event)
        self.pages += [effect for effect in effects if isinstance(effect, Page)]
        self.ask(effect for effect in effects if isinstance(effect, Verify))
        return effects

    def ask(self, words: Iterable[Verify]) -> None:
        """Look at these checks at the latest at the time that each word says."""
        for word in words:
            if word.check in self._due:
                wanted = max(word.at, self.at, self._sent.get(word.check, 0.0) + SPACING)
                if wanted < self._due[word.check]:
                    self._place(word.check, wanted)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.at + seconds
        while True:
            when = self._heap[0][0]
            deadline = self.engine.next_deadline()
            if deadline is not None and deadline <= min(when, end):
                self.at = max(self.at, deadline)
                self.take(Tick(self.at))
            elif when <= end:
                self.at, _, check, result = heapq.heappop(self._heap)
                self._step(check, result)
            else:
                self.at = end
                return

    def change(self, city: City) -> None:
        """Load another inventory."""
        self.city = city
        self.take(InventoryLoaded(self.at, city))
        self._due = {check: due for check, due in self._due.items() if check in city.checks}

    def told(self, step: Step) -> list[tuple[str, str]]:
        """Return (cause, receiver) of every page of that step."""
        return [(page.cause, page.receiver) for page in self.pages if page.step is step]

    def causes(self, step: Step) -> list[str]:
        """Return the cause of every incident step, each once, in order."""
        return list(dict.fromkeys(page.cause for page in self.pages if page.step is step))

    def deliver(self) -> None:
        """Report every page that is owed as sent."""
        for page in self.engine.owed():
            self.take(Delivered(self.at, page.key, ok=True))

    def _place(self, check: str, when: float) -> None:
        self._due[check] = when
        heapq.heappush(self._heap, (when, next(self._serial), check, None))

    def _step(self, check: str, result: ProbeResult | None) -> None:
        if result is not None:
            self.take(result)
        elif self._due.get(check) == self.at:
            self._send(check)

    def _send(self, check: str) -> None:
        known = self.city.checks[check]
        self._sent[check] = self.at
        self._place(check, self.at + known.interval)
        if check in self.unasked:
            return
        reason = self.lost.get(check) or (None if self._answers(known.node) else Reason.TIMEOUT)
        took = known.timeout if reason is Reason.TIMEOUT else 0.01
        verdict = Verdict.OK if reason is None else Verdict.UNSURE if reason in OURS else Verdict.FAIL
        seconds, values = (took, self._ports(known)) if reason is None else (None, {})
        look = ProbeResult(check, round(self.at, 3), round(self.at + took, 3), verdict, reason, seconds, "", values)
        heapq.heappush(self._heap, (look.at, next(self._serial), check, look))

    def _ports(self, check: Check) -> dict[str, object]:
        """What a device says of its ports: that one is down whose line, or what it leads to, is dead."""
        lines = [link for link in self.city.links.values() if link.port and link.parent == check.node and check.kind == "snmp"]
        rows = [{"name": link.port, "oper": "down" if {link.id, link.child} & self.dead else "up"} for link in lines]
        return {"interfaces": rows} if rows else {}

    def _answers(self, node: str) -> bool:
        seen = (id(self.city), frozenset(self.dead))
        if self._reach[0] != seen:
            self._reach = seen, Topology(self.city.nodes, self.dead)
        return node not in self.mute and self._reach[1].forwards(node)
