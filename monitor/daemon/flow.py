"""THE ROAD: what comes is put in the inbox, applied, journaled, and only then acted upon.

While a commit is on its way new events wait in the inbox, so the engine's state always stands for exactly what is on disk
and what is about to be. A failed commit throws the state away, reads it back from the disk and applies the same events again.
"""

import asyncio
import contextlib
import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol

from monitor.core.city import City
from monitor.core.events import Decision, Delivered, Effect, Event, Page, ProbeResult, Tick, Verify
from monitor.daemon.logs import log
from monitor.engine import Engine, State
from monitor.journal import DamagedError, Journal, JournalError, Recovery, Row, row_of
from monitor.schedule import Clock

FLUSH = 0.5
SNAPSHOT_ROWS, SNAPSHOT_SHARE, SNAPSHOT_SECONDS = 20_000, 5, 600.0
"""A snapshot comes after so many rows, in a big city so many for each of its checks: to read them takes as long as to read that."""
PAUSES = (1.0, 30.0)
MOST_WAITING = 50_000
HELD = 0.002
"""Seconds after which the loop goes to others between two events; the dearest single step comes on top of that."""
WORDS = 500
AHEAD = 60.0
"""Seconds by which an event may be ahead of our clock."""


class Hands(Protocol):
    """Those who act on what was decided, once it is on disk."""

    def verify(self, words: Iterable[Verify]) -> None:
        """Look at these checks soon."""

    def submit(self, page: Page) -> None:
        """Owe a page to a receiver."""

    def stepped(self) -> None:
        """The engine went on: show it."""


def engine_of(recovery: Recovery) -> Engine:
    """Return the engine as the disk knows it."""
    engine = Engine(recovery.state or State(City("")))
    for event in recovery.tail:
        engine.apply(event)
    return engine


class Flow:
    """Drives one engine by what is put into the inbox. `trouble` says in a line why nothing can be journaled now, or is empty."""

    def __init__(self, journal: Journal, clock: Clock, recovery: Recovery) -> None:
        self._journal, self._clock = journal, clock
        self.engine = engine_of(recovery)
        self.trouble = ""
        self.hands: Hands | None = None
        self._inbox: deque[Event] = deque()
        self._applied: list[Event] = []
        self._rows: list[Row] = []
        self._effects: list[Effect] = []
        self._committed: dict[int, asyncio.Future[None]] = {}
        self._woken = asyncio.Event()
        self._stopping = False
        self._flush_at = float("inf")
        self._ticked = self._gave_way = 0.0
        self._snapshot_at, self._unsaved = clock.now(), len(recovery.tail)

    def put(self, event: Event) -> None:
        """Take an event in; when too many wait (no room on the disk for long), the oldest looks are let go."""
        if not _has_a_time(event, self._clock.now()):
            log.error("event dropped", kind=event.event, error="its times are nonsense, or of the future", at=event.at)
            return
        self._inbox.append(event)
        self._woken.set()
        if len(self._inbox) > MOST_WAITING:
            old = len(self._inbox) // 2
            kept = [waiting for number, waiting in enumerate(self._inbox) if number >= old or not isinstance(waiting, ProbeResult)]
            self._inbox = deque(kept)

    async def settle(self, event: Event) -> None:
        """Take an event in and wait until it is on disk and was acted upon."""
        future = self._committed[id(event)] = asyncio.get_running_loop().create_future()
        self.put(event)
        await future

    async def run(self) -> None:
        """Go on until `stop`; raises JournalError when the journal is damaged."""
        try:
            while not self._stopping:
                await self._wait()
                await self._take_in()
                if self._effects or self._committed or self._clock.now() >= self._flush_at:
                    await self._commit()
            await self._take_in()
            await self._commit()
            await self._save()
        finally:
            for future in self._committed.values():
                if not future.done():
                    future.set_exception(JournalError("the journal takes nothing any more"))

    def stop(self) -> None:
        """Have `run` commit what is there, keep a snapshot and return."""
        self._stopping = True
        self._woken.set()

    async def _wait(self) -> None:
        """Wait for an event, for the engine's deadline or until it is time to flush."""
        deadline = self.engine.next_deadline()
        wake_at = min(self._flush_at, float("inf") if deadline is None else max(deadline, self._ticked + FLUSH))
        alarm = self._clock.call_at(wake_at, self._woken.set) if wake_at < float("inf") else None
        await self._woken.wait()
        self._woken.clear()
        if alarm is not None:
            alarm.cancel()

    async def _take_in(self) -> None:
        """Apply all that waits now, and a tick when its time has come, or as many as the engine needs to end what it began."""
        for _ in range(len(self._inbox)):
            if self._inbox:  # some may have been let go meanwhile
                self._apply(self._inbox.popleft())
                await self._give_way()
        deadline, now = self.engine.next_deadline(), self._clock.now()
        if deadline is not None and deadline <= now and now >= self._ticked + FLUSH:
            self._ticked = now
            self._tick()
        while self.engine.unfinished:
            await self._give_way()
            self._tick()

    async def _give_way(self) -> None:
        """Let others have the loop when we held it for long; nothing but this task changes the engine meanwhile."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._gave_way + HELD:
            await asyncio.sleep(0)
            self._gave_way = loop.time()

    def _tick(self) -> None:
        self._apply(Tick(math.ceil(self._clock.now() * 1000) / 1000))  # rounded down it might come before the time that it stands for

    def _apply(self, event: Event) -> None:
        try:
            row = row_of(event)
        except ValueError as error:
            log.error("event dropped", kind=event.event, error=str(error)[:200])
            return
        effects = self.engine.apply(event)
        self._applied.append(event)
        self._rows.append(row)
        self._rows.extend(row_of(effect) for effect in effects if isinstance(effect, Decision | Page))
        self._effects.extend(effect for effect in effects if not isinstance(effect, Decision))
        # What was sent is marked at once: a kill between the two sends it again.
        self._flush_at = min(self._flush_at, self._clock.now() + (0.0 if isinstance(event, Delivered) else FLUSH))

    async def _commit(self) -> None:
        """Put what was applied on disk, then act; when the disk refuses, go back to what it knows and try again."""
        pauses, first = _doubling(), True
        while self._rows:
            try:
                await self._journal.commit(self._rows)
            except DamagedError:
                raise
            except JournalError as error:
                if first or str(error) != self.trouble:
                    log.error("commit failed", error=str(error), waiting=len(self._applied) + len(self._inbox))
                first, self.trouble = False, str(error)
                if self._stopping:
                    self._rows.clear()
                    return
                await self._pause(next(pauses))
                await self._go_back()
            else:
                self._unsaved += len(self._rows)
                await self._act()
                await self._save_sometimes()
        self._flush_at = float("inf")

    async def _go_back(self) -> None:
        """Throw the state away, take up what is on disk and apply again what could not be written, and what came since."""
        with contextlib.suppress(JournalError):
            recovery = await self._journal.recover()
            again, self._applied, self._rows, self._effects = self._applied, [], [], []
            self.engine = engine_of(recovery)
            self._inbox.extendleft(reversed(again))
            await self._take_in()

    async def _pause(self, seconds: float) -> None:
        alarm = self._clock.call_at(self._clock.now() + seconds, self._woken.set)
        until = self._clock.now() + seconds
        while self._clock.now() < until and not self._stopping:
            await self._woken.wait()
            self._woken.clear()
        alarm.cancel()

    async def _act(self) -> None:
        """Hand on what was decided, now that it is on disk."""
        applied, effects = self._applied, self._effects
        self._applied, self._rows, self._effects, self.trouble = [], [], [], ""
        if self.hands is not None:
            words = [effect for effect in effects if isinstance(effect, Verify)]
            for begin in range(0, len(words), WORDS):
                self.hands.verify(words[begin : begin + WORDS])
                await self._give_way()
            for effect in effects:
                if isinstance(effect, Page):
                    self.hands.submit(effect)
            self.hands.stepped()
        for event in applied:
            future = self._committed.pop(id(event), None) if self._committed else None
            if future is not None and not future.done():
                future.set_result(None)

    async def _save_sometimes(self) -> None:
        """Keep a snapshot now and then; when there is no room, the log alone is enough until the next time."""
        now = self._clock.now()
        if (
            self._unsaved >= max(SNAPSHOT_ROWS, len(self.engine.state.beliefs) * SNAPSHOT_SHARE)
            or now >= self._snapshot_at + SNAPSHOT_SECONDS
        ):
            await self._save()

    async def _save(self) -> None:
        self._snapshot_at, self._unsaved = self._clock.now(), 0
        try:
            await self._journal.snapshot(self._journal.last, self._clock.now(), self.engine.state)
        except JournalError as error:
            log.warning("snapshot failed", error=str(error))


def _has_a_time(event: Event, now: float) -> bool:
    """Tell whether the times of an event can be: what came from the future would make all that comes until then look old."""
    began = event.sent if isinstance(event, ProbeResult) else event.at
    return 0 <= began <= event.at <= now + AHEAD


def _doubling() -> Iterator[float]:
    pause, most = PAUSES
    while True:
        yield pause
        pause = min(2 * pause, most)
