"""The receiver: from datagrams to looks. What is refused is counted, and nothing else happens.

In this order, so that a storm costs little and hides nobody: is the source known (else counted); has it spoken too often (by source,
before anything is decoded); is it let in (community, or user and key); then the schedule is asked to look. Of a source that speaks too
often the last word is kept and heard when its turn comes, and as nobody knows what it said before, its lines are looked at, too.
"""

import asyncio
import hmac
import importlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from monitor.core.city import City
from monitor.core.errors import PantauError
from monitor.core.events import Verify
from monitor.core.traps import Fate, Traps
from monitor.probes.ber import Oid
from monitor.secret import reveal
from monitor.traps.asking import Asking
from monitor.traps.ear import LONGEST, Ear
from monitor.traps.message import AUTHENTICATION_FAILURE, LINK, MESSAGE, V3, read, version_of
from monitor.traps.meter import Meter

if TYPE_CHECKING:
    from monitor.traps.users import Users

RATE, BURST = 1.0, 5.0
"""Traps a second of one source that are read, and as many at once."""
RATE_V3, BURST_V3 = 20.0, 40.0
"""The same of all messages of version 3 together: each costs as much as a hundred of the others."""
MOST_WAITING, MOST_KEPT = 1000, 4096
"""Datagrams that wait to be read, and last words that are kept."""
SLICE = 0.001
"""Seconds of decoding in one turn of the loop."""
KEPT = 60.0
"""Seconds for which communities that were read, and an engine that was made, are kept at least."""
RETRY = 30.0
"""Seconds after which it is tried again to listen where that was not to be had."""
AGAIN = 1.0
"""Seconds after which those that spoke too often are heard again."""

Refused = Callable[[str], None]


class Clock(Protocol):
    """The one timeline, in epoch seconds."""

    def now(self) -> float:
        """Return the time."""
        ...

    def call_at(self, when: float, act: Callable[[], None]) -> object:
        """Arrange that `act` is called at `when`."""
        ...


@dataclass(slots=True)
class Heard:
    """A datagram that is to be read, and by which ear to answer whom."""

    ear: Ear
    data: bytes
    sender: bytes

    def answer(self, data: bytes) -> None:
        """Send an answer to where it came from."""
        self.ear.answer(self.sender, data)


@dataclass(slots=True, eq=False)
class Source:
    """A known address: its nodes, how often it may speak, and its last word when it spoke too often; `missed`: one was not read."""

    nodes: tuple[str, ...]
    meter: Meter = field(default_factory=lambda: Meter(RATE, BURST))
    kept: Heard | None = None
    missed: bool = False


class Receiver:
    """Listens where the city says and asks `verify` for looks; `counts` says what became of the datagrams so far."""

    def __init__(self, clock: Clock, verify: Callable[[Iterable[Verify]], None], refused: Refused = lambda _: None) -> None:
        self._clock, self._verify, self._refused = clock, verify, refused
        self.counts: Counter[Fate] = Counter()
        self.ears: list[Ear] = []
        self._settings = Traps()
        self._asking = Asking(City(""))
        self._sources: dict[bytes, Source] = {}
        self._queue: deque[tuple[Source, Heard]] = deque()
        self._owed: dict[Source, None] = {}
        self._working = self._waiting = False
        self._users: Users | None = None
        self._meter_v3 = Meter(RATE_V3, BURST_V3)
        self._preparing: asyncio.Task[None] | None = None
        self._communities: list[bytes] = []
        self._read_again = self._fresh_until = 0.0

    def change(self, city: City) -> None:
        """Take over a city; sockets stay as they are when its settings did not change. What cannot be had is told, and the rest goes on."""
        before, self._asking = self._sources, Asking(city if city.traps.listen else City(""))
        self._sources = {}
        for address, nodes in self._asking.owners.items():
            known = self._sources[address] = before.get(address) or Source(nodes)
            known.nodes = nodes
        if city.traps != self._settings:
            self.close()
            self._settings, self._read_again = city.traps, 0.0
            self._open(city.traps, city.traps.listen)

    def close(self) -> None:
        """Hear nothing more, and forget what waits."""
        for ear in self.ears:
            ear.close()
        self.ears, self._settings, self._users = [], Traps(), None
        self._queue.clear()
        self._owed.clear()
        if self._preparing is not None:
            self._preparing.cancel()

    async def prepared(self) -> None:
        """Wait until users of version 3 are understood."""
        if self._preparing is not None:
            await self._preparing

    # -- what comes

    def _open(self, settings: Traps, wanted: Sequence[str], told: Sequence[str] = ()) -> None:
        """Listen at these addresses; where that cannot be had, what it is is told once, and it is tried again and again."""
        if settings is not self._settings:  # others hold by now, or the same anew
            return
        missing: dict[str, str] = {}
        for listen in wanted:
            try:
                self.ears.append(Ear(listen, self._take))
            except PantauError as error:
                missing[listen] = str(error)
        if self._users is None:
            self._prepare()
        for line in missing.values():
            if line not in told:
                self._refused(line)
        if missing:
            self._clock.call_at(self._clock.now() + RETRY, lambda: self._open(settings, tuple(missing), tuple(missing.values())))

    def _take(self, ear: Ear, address: bytes, place: int, length: int) -> None:
        source = self._sources.get(address)
        if source is None:
            self.counts[Fate.UNKNOWN_SOURCE] += 1
            return
        heard = Heard(ear, *ear.copy(place, length))
        if length > LONGEST or heard.data[:1] != MESSAGE:  # it must not take the place of a last word
            self.counts[Fate.MALFORMED] += 1
            return
        if self._may_speak(source):
            self._admit(source, heard)
        else:
            self._keep(source, heard)

    def _may_speak(self, source: Source) -> bool:
        return len(self._queue) < MOST_WAITING and source.meter.take(self._clock.now())

    def _admit(self, source: Source, heard: Heard) -> None:
        """Have a datagram read; an older one that was kept is not."""
        if source.kept is not None:
            source.kept, source.missed = None, True
            self.counts[Fate.LIMITED] += 1
        self._queue.append((source, heard))
        if not self._working:
            self._working = True
            asyncio.get_running_loop().call_soon(self._work)

    def _keep(self, source: Source, heard: Heard) -> None:
        full = source not in self._owed and len(self._owed) >= MOST_KEPT
        if full or source.kept is not None:
            source.missed = True
            self.counts[Fate.LIMITED] += 1
        if not full:
            source.kept = heard
            self._owed[source] = None
        self._wait()

    def _wait(self) -> None:
        if self._owed and not self._waiting:
            self._waiting = True
            self._clock.call_at(self._clock.now() + AGAIN, self._hear_kept)

    def _hear_kept(self) -> None:
        """Hear the last word of those whose turn it is; whoever has to wait longer goes to the end."""
        self._waiting = False
        for source in list(islice(self._owed, MOST_WAITING)):
            del self._owed[source]
            if source.kept is None:
                continue
            if self._may_speak(source):
                heard, source.kept = source.kept, None
                self._admit(source, heard)
            else:
                self._owed[source] = None
        self._wait()

    def _work(self) -> None:
        """Read what waits for as long as a slice, then let others have the loop."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SLICE
        try:
            while self._queue and loop.time() < until:
                source, heard = self._queue.popleft()
                fate = self._judged(source, heard)
                if fate is not None:
                    self.counts[fate] += 1
        finally:
            self._working = bool(self._queue)
            if self._working:
                loop.call_soon(self._work)

    # -- what is read

    def _judged(self, source: Source, heard: Heard) -> Fate | None:
        """Read a datagram and ask for what it is a reason for; return what became of it, None when that is not decided yet."""
        try:
            if version_of(heard.data) == V3:
                return self._third(source, heard)
            notice = read(heard.data)
        except ValueError:
            return Fate.MALFORMED
        if not self._lets_in(notice.community):
            return Fate.BAD_COMMUNITY
        if notice.answer:
            heard.answer(notice.answer)
        return self._look(source, notice.what, notice.agent)

    def _lets_in(self, community: bytes) -> bool:
        """Tell whether a community is one of ours; they are read anew now and then, and one that cannot be read lets nobody in."""
        if self._clock.now() >= self._read_again:
            self._read_again = self._clock.now() + KEPT
            self._communities = []
            for reference in self._settings.communities:
                try:
                    self._communities.append(reveal(reference).encode())
                except PantauError as error:
                    self._refused(f"traps: {error}")
        return any(hmac.compare_digest(known, community) for known in self._communities)

    def _third(self, source: Source, heard: Heard) -> Fate | None:
        """The same for version 3; where all of them together come too often, each source waits for its turn."""
        users = self._users
        if users is None:
            self._refresh()
            return Fate.UNKNOWN_USER
        if not self._meter_v3.take(self._clock.now()):
            if source.kept is not None:  # it has said more since
                source.missed = True
                return Fate.LIMITED
            self._keep(source, heard)
            return None
        fate, what, agent = users.hear(heard.data, heard.answer, self._clock.now())
        if users.is_worn or fate is Fate.BAD_KEY:  # its secret may be another by now
            self._refresh()
        return fate if what is None else self._look(source, what, agent)

    def _look(self, source: Source, what: Oid, agent: str) -> Fate:
        """Ask for looks at who sent it, or at the agent that it names. That somebody asked in vain is no reason: it may be we."""
        if what == AUTHENTICATION_FAILURE and not source.missed:
            return Fate.IGNORED
        nodes = self._asking.of(agent) or source.nodes
        self._verify(self._asking.looks(nodes, self._clock.now(), lines=source.missed or what in LINK))
        source.missed = False
        return Fate.LOOKED

    # -- users

    def _refresh(self) -> None:
        """Make it anew, not too often."""
        if self._clock.now() >= self._fresh_until:
            self._prepare()

    def _prepare(self) -> None:
        """Make what understands version 3, in a thread; until it stands what stood before goes on."""
        self._fresh_until = self._clock.now() + KEPT
        if self._settings.users and self.ears:
            self._preparing = asyncio.get_running_loop().create_task(self._make(self._settings))

    async def _make(self, settings: Traps) -> None:
        try:
            module = await asyncio.to_thread(importlib.import_module, "monitor.traps.users")
            made = await asyncio.to_thread(module.Users, settings.users, self._users)
        except PantauError as error:
            self._refused(f"traps: {error}")
            return
        if settings == self._settings:
            self._users = made
