"""What the daemon hands to those who show: callables and figures, nothing that could change state."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.core.events import Decision
from monitor.core.traps import Fate
from monitor.engine import Engine


@dataclass(frozen=True, slots=True)
class Figures:
    """What only the shell knows, at the moment it is asked.

    `deliveries` counts by (channel, result), result one of `ok`, `retry`, `given_up`; `loop_lag` is the latest lateness of
    the loop in seconds; `reloaded` is the time of the last good reading of the inventory (epoch seconds) and
    `reload_error` why a later one was refused; `journal` holds rows by table, `journal_bytes` the size of the file and its log;
    `delays` are (seconds, looks that were sent no later than so long after they were due), the last of all, and `delayed` is their sum;
    `traps` counts what became of SNMP traps since the start.
    """

    started: float = 0.0
    deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    loop_lag: float = 0.0
    reloaded: float = 0.0
    reload_failures: int = 0
    reload_error: str = ""
    journal_bytes: int = 0
    journal: Mapping[str, int] = field(default_factory=dict)
    delays: Sequence[tuple[float, int]] = ()
    delayed: float = 0.0
    traps: Mapping[Fate, int] = field(default_factory=dict)


class Bell:
    """Rung after every step of the engine; whoever waits hears at least the last ring."""

    def __init__(self) -> None:
        self.rings = 0
        self._next = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who waits."""
        self.rings += 1
        self._next.set()
        self._next = asyncio.Event()

    async def after(self, heard: int) -> int:
        """Wait until there were more rings than `heard`; return how many there were."""
        while self.rings == heard:
            await self._next.wait()
        return self.rings


def no_decisions(_subject: str, _limit: int) -> Sequence[Decision]:
    """Read no journal: for a daemon that keeps none."""
    return ()


@dataclass(frozen=True, slots=True)
class View:
    """All that the exporters may know.

    `now` is the shell's timeline in epoch seconds. `ready` returns why the daemon is not ready, or nothing. `decisions`
    reads the journal: the newest first of one subject (of all when the subject is empty), at most `limit`.
    """

    engine: Callable[[], Engine]
    now: Callable[[], float]
    bell: Bell
    figures: Callable[[], Figures] = Figures
    ready: Callable[[], str] = str
    decisions: Callable[[str, int], Sequence[Decision]] = no_decisions
    control: str = ""
