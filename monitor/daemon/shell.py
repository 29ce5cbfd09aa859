"""What lives while the daemon lives: schedule, delivery and the road between them, over one vantage and one city."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from alerts.channels import Context, server_of
from alerts.delivery import Delivery
from exporters.view import Bell, Figures, View
from monitor.core.city import Check, City
from monitor.core.errors import Exit, PantauError
from monitor.core.events import InventoryLoaded, Page, ProbeResult, Verify
from monitor.core.verdict import Outcome
from monitor.daemon.flow import Flow
from monitor.daemon.logs import log
from monitor.daemon.names import Names
from monitor.daemon.readiness import Readiness
from monitor.daemon.reload import Inventory
from monitor.daemon.settings import Settings
from monitor.daemon.timeline import Timeline
from monitor.daemon.tracing import Tracer
from monitor.journal import Journal, Recovery
from monitor.probes import Vantage, ready
from monitor.probes.deadline import Told, look, look_many
from monitor.probes.push import Answer, Call, Mailbox
from monitor.schedule import Schedule
from monitor.traps import Receiver

DELIVERY_ENDS = 1.5
WATCH_CLOCK = 5.0
LONGEST_LOOK = 300.0


class Shell:
    """The hands of the flow: looks, tells and shows. `road` is the task that drives the flow."""

    road: asyncio.Task[None]

    def __init__(self, settings: Settings, journal: Journal, recovery: Recovery, inventory: Inventory, limits: Mapping[str, int]) -> None:
        self._settings, self._journal, self._inventory = settings, journal, inventory
        clock = self._clock = Timeline(not_before=recovery.at)
        self.flow = Flow(journal, clock, recovery)
        self.bell = Bell()
        self._started = self._loaded = clock.now()
        self._vantage = Vantage()
        self._readiness = Readiness()
        self._schedule = Schedule(clock, self._look, self._looked, limits, self._look_many)
        self._tracer = Tracer(self.city, lambda: self._vantage, self.flow.put, clock.now)
        self._traps = Receiver(clock, self._schedule.verify, lambda line: log.warning("not heard", advice=line))
        self._names = Names(lambda: self.city().resolver)
        self._context = Context(self._names)
        self.delivery = Delivery(self.city, self._context, self.flow.put, clock.now)
        self._reloading: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._watching: asyncio.TimerHandle | None = None

    def city(self) -> City:
        """Return the inventory of the moment."""
        return self.flow.engine.state.city

    # -- what the flow asks for

    def verify(self, words: Iterable[Verify]) -> None:
        """Look at these checks soon."""
        self._schedule.verify(words)

    def submit(self, page: Page) -> None:
        """Owe a page to a receiver, and see how far the way to its cause goes."""
        self.delivery.submit(page)
        self._tracer.heed(page)

    def stepped(self) -> None:
        """Show that the engine went on."""
        self.bell.ring()

    # -- life

    @contextlib.asynccontextmanager
    async def living(self, city: City) -> AsyncIterator[None]:
        """Judge and tell, from here to the end of the block, and look once `begin` was called."""
        self._see_from(city)
        self.flow.hands = self
        self.road = asyncio.create_task(self.flow.run())
        try:
            yield
        finally:
            await self._end()

    async def begin(self, city: City) -> None:
        """Take up the city (as soon as the disk takes it), and what was being confirmed or owed, and begin to look."""
        owed = self.flow.engine.owed()
        if city != self.city():
            await self._load(city)
        self._schedule.start(self.city().checks.values())  # a reload may have come between
        self._schedule.verify(self.flow.engine.looks_wanted(self._clock.now()))
        self._traps.change(self.city())
        for page in owed:
            self.delivery.submit(page)
        self._watch_clock()
        self._keeping = asyncio.create_task(self._names.keep(lambda: filter(None, map(server_of, self.city().receivers.values()))))
        self._readiness.began(self._clock.now())

    async def _load(self, city: City) -> None:
        await self.flow.settle(InventoryLoaded(round(self._clock.now(), 3), city))
        self._loaded = self._clock.now()

    async def _end(self) -> None:
        for ending in (self._watching, self._keeping):
            if ending is not None:
                ending.cancel()
        self._traps.close()
        await self._schedule.stop()
        await self._tracer.stop()
        await self.delivery.stop(DELIVERY_ENDS)
        self.flow.stop()
        try:
            await self.road
        finally:
            await self._context.close()
            self._vantage.close()

    def _watch_clock(self) -> None:
        """Tell the engine when somebody set the machine's clock."""
        if step := self._clock.step():
            self.flow.put(step)
        self._watching = self._clock.call_at(self._clock.now() + WATCH_CLOCK, self._watch_clock)

    # -- reload

    async def reload(self) -> str:
        """Read the inventory anew and swap it in; return what happened, PantauError when the old one stays."""
        return await self._inventory.reload(self.city, self._swap)

    def reload_soon(self) -> None:
        """Do so on a signal: what comes of it stands in the log and in the metrics."""
        self._reloading = asyncio.create_task(self._reload_quietly())

    async def _reload_quietly(self) -> None:
        with contextlib.suppress(PantauError):
            await self.reload()

    async def _swap(self, city: City) -> None:
        self._see_from(city)
        await self._load(city)
        self._schedule.change(city.checks.values())
        self._traps.change(city)
        self.delivery.change(city)

    # -- looking

    def _see_from(self, city: City) -> None:
        """Open what this city's checks need; PantauError when a part of the system is missing."""
        vantage = Vantage.of(city.resolver, city.ca, city.icmp_backend, city.snmp_backend)
        if _settings_of(vantage) == _settings_of(self._vantage):
            vantage = self._vantage
        try:
            ready(vantage, city.checks.values())
        except PantauError as error:
            raise PantauError(str(error), status=Exit.MISSING) from error
        if vantage is not self._vantage:
            old, self._vantage = self._vantage, vantage
            self._clock.call_at(self._clock.now() + LONGEST_LOOK, old.close)  # looks in flight have its sockets

    async def _look(self, check: Check) -> Outcome:
        return self._clock.excuse(await look(check, self._vantage))

    def _look_many(self, checks: Sequence[Check], told: Told) -> Sequence[Check]:
        return look_many(checks, self._vantage, told)

    def _looked(self, result: ProbeResult) -> None:
        self._readiness.looked(self._clock.now())
        self.flow.put(result)

    def take_call(self, token: str, call: Call) -> Answer:
        """Take a call for which a `push` check waits."""
        return self._vantage.share(Mailbox).take(token, call)

    # -- showing

    def view(self) -> View:
        """Return what those who show may know."""
        return View(
            engine=lambda: self.flow.engine,
            now=self._clock.now,
            bell=self.bell,
            figures=self._figures,
            ready=self._trouble,
            decisions=self._journal.reader.decisions,
            control=self._settings.control,
        )

    def _trouble(self) -> str:
        return self._readiness.trouble(self.city(), self.flow.trouble, self._clock.now())

    def _figures(self) -> Figures:
        deliveries: Counter[tuple[str, str]] = Counter()
        for lane in self.delivery.figures():
            failed = lane.attempts - lane.delivered - lane.failed
            deliveries += Counter({(lane.channel, "ok"): lane.delivered, (lane.channel, "given_up"): lane.failed})
            deliveries += Counter({(lane.channel, "retry"): max(failed, 0)})
        return Figures(
            started=self._started,
            deliveries=deliveries,
            loop_lag=self._schedule.lateness.latest,
            delays=tuple(self._schedule.delays.sums()),
            delayed=self._schedule.delays.sum,
            reloaded=self._loaded,
            reload_failures=self._inventory.failures,
            reload_error=self._inventory.error,
            journal_bytes=self._journal.reader.size(),
            journal=self._journal.reader.rows(),
            traps=self._traps.counts,
        )


def _settings_of(vantage: Vantage) -> tuple[object, ...]:
    return vantage.resolver, vantage.ca, vantage.icmp_backend, vantage.snmp_backend
