"""Which inventory holds: read whole in a thread, judged, then swapped; a bad one keeps the old and says why."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from monitor.core.city import City
from monitor.core.errors import PantauError
from monitor.daemon.guard import refuse_rehearsal
from monitor.daemon.logs import log
from monitor.daemon.settings import Settings
from monitor.garbage import give_back
from monitor.journal.codec import settled

Load = Callable[[Path], City]
Swap = Callable[[City], Awaitable[None]]


class Inventory:
    """Reads the file of the settings; `failures` counts the reloads that were refused, `error` says why the last one was."""

    def __init__(self, settings: Settings, load: Load) -> None:
        self._settings, self._load = settings, load
        self._turn = asyncio.Lock()
        self.failures = 0
        self.error = ""

    async def read(self) -> City:
        """Return the city that the file describes; PantauError (78) when it describes none that may be looked at from here."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> City:
        city = settled(self._load(self._settings.config))
        give_back()
        if not self._settings.rehearsal:
            refuse_rehearsal(city, str(self._settings.config))
        return replace(city, page=self._settings.page) if self._settings.page else city

    async def reload(self, current: Callable[[], City], swap: Swap) -> str:
        """Read the file anew and swap it in; return what happened in a line, PantauError when the old one stays."""
        async with self._turn:
            try:
                city = await self.read()
                changed = city != current()
                if changed:
                    await swap(city)
            except PantauError as error:
                self.failures, self.error = self.failures + 1, _one_line(error)
                log.error("reload refused", config=str(self._settings.config), error=self.error)
                raise PantauError(f"the old inventory stays: {error}", status=error.status) from error
            self.error = ""
            log.info("inventory read", changed=changed, fingerprint=city.fingerprint, nodes=len(city.nodes), checks=len(city.checks))
            what = f"{len(city.nodes)} nodes, {len(city.checks)} checks" if changed else "nothing changed"
            return f"{self._settings.config}: {what}"


def _one_line(error: PantauError) -> str:
    lines = str(error).splitlines()
    return lines[0] if len(lines) == 1 else f"{lines[0]} (and {len(lines) - 1} more)"
