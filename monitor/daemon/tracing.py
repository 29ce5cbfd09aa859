"""After an incident was opened: how far the way to its cause still goes. Found out beside everything else, and told to the engine."""

import asyncio
import ipaddress
from collections.abc import Callable

from monitor.core.city import City
from monitor.core.errors import PantauError
from monitor.core.events import Page, Step, Traced
from monitor.daemon.logs import log
from monitor.probes import Vantage
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault
from monitor.probes.icmp_pool import pack
from monitor.probes.icmp_trace import trace
from monitor.probes.names import Names

PATIENCE = 5.0
"""Seconds for a name and for the way: a router of Linux says after 3 that nobody answers behind it."""
AT_ONCE = 8
"""Ways that are traced at the same time: more incidents than that at once have one story, and their first ways tell it."""


class Tracer:
    """Traces the way to the cause of each incident when somebody is first told of it: anew where another cause is told to others."""

    def __init__(
        self, city: Callable[[], City], vantage: Callable[[], Vantage], put: Callable[[Traced], None], now: Callable[[], float]
    ) -> None:
        """Keep where to learn what is needed, and whom to tell."""
        self._city, self._vantage, self._put, self._now = city, vantage, put, now
        self._tracing: dict[str, asyncio.Task[None]] = {}

    def heed(self, page: Page) -> None:
        """Trace the way to the cause of a page that opens an incident; the pages of other receivers need no second one."""
        if page.step is Step.OPEN and page.incident not in self._tracing and len(self._tracing) < AT_ONCE:
            node = next((each for each in (page.cause, *page.members) if self._city().decider(each)), "")
            task = self._tracing[page.incident] = asyncio.create_task(self._trace(page.incident, node))
            task.add_done_callback(lambda _: self._tracing.pop(page.incident))

    async def stop(self) -> None:
        """End what goes on."""
        tasks = list(self._tracing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _trace(self, incident: str, node: str) -> None:
        check = self._city().decider(node)
        if check is None or not check.host:
            return
        try:
            way = await trace(pack(check.host) or await self._found(check.host), PATIENCE)
        except (OSError, PantauError, Fault, TimeoutError) as error:
            log.warning("way not traced", incident=incident, error=str(error))
            return
        self._put(Traced(round(self._now(), 3), incident, node, way.routers, way.reached, way.end))

    async def _found(self, host: str) -> bytes:
        async with asyncio.timeout(PATIENCE):
            address, *_ = await self._vantage().share(Names).resolve(host, Attempt(PATIENCE))
        return ipaddress.ip_address(address).packed
