"""Brings pages to people: one worker a receiver, in order, until the channel has taken each or time is up.

A page is owed until it is reported `Delivered`: what fails is tried again (after 1 s, doubling up to a bound, with some chance
in it, or the pause that the peer asks for) as long as `PATIENCE` says for that kind of trouble: a wrong token is still owed a
day later, for somebody may mend it in the morning. A waiting update is dropped when a later word on its incident waits behind
it, an opening or an end never: so a queue grows with the incidents, not with time. Clock, sleep and chance are handed in.
"""

import asyncio
import random
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

import structlog
from pydantic import ValidationError

from alerts.channels import CHANNELS, Channel, ChannelError, Context, Options, Receipt, Trouble, read_options
from alerts.message import compose, test_page
from monitor.core.city import City, Receiver
from monitor.core.errors import PantauError
from monitor.core.events import Delivered, Page, Step

HOUR = 3600.0
PATIENCE: Mapping[Trouble, tuple[float, float]] = {
    Trouble.PASSING: (300.0, 24 * HOUR),
    Trouble.REFUSED: (900.0, 24 * HOUR),  # seldom: a server bans who knocks too often with a wrong password
    Trouble.UNFIT: (60.0, HOUR / 6),  # not long: the pages behind it wait
    Trouble.GONE: (0.0, 0.0),
}
"""The longest pause between two attempts and how long a page is tried (from its decision; UNFIT from its first attempt), in seconds."""

FIRST_PAUSE = 1.0
WINDOW = 61.0
REMEMBERED = 10_000

log = structlog.get_logger("delivery")


@dataclass(slots=True)
class Figures:
    """What the metrics say of one receiver: counts since the start, length of its queue, age in seconds of the oldest page."""

    channel: str
    receiver: str
    attempts: int = 0
    delivered: int = 0
    failed: int = 0
    queued: int = 0
    oldest: float = 0.0


class _Window:
    """At most `limit` sendings within any `WINDOW` seconds: a bucket of tokens would let nearly twice as many through."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sent: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Seconds until one more may go."""
        while self._sent and self._sent[0] <= now - WINDOW:
            self._sent.popleft()
        return 0.0 if len(self._sent) < self._limit else self._sent[0] + WINDOW - now

    def note(self, now: float) -> None:
        """One goes now."""
        self._sent.append(now)


@dataclass(slots=True)
class _Lane:
    """The pages of one receiver, oldest first.

    No attempt before `backoff` (ours, forgotten at a reload) and `asked` (the peer's); while `resting` its task may be cut.
    `tried` is the time of the first attempt of the oldest page (0: none yet).
    """

    figures: Figures
    pages: deque[Page] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None
    tried: float = 0.0
    failures: int = 0
    backoff: float = 0.0
    asked: float = 0.0
    resting: bool = False


class Delivery:
    """The shell that sends; `submit` pages, read `figures`, `change` at a reload, `stop` at the end.

    `city` gives the inventory of the moment, `report` takes each page's fate into the inbox, `now` is the shell's timeline.
    """

    def __init__(
        self,
        city: Callable[[], City],
        context: Context,
        report: Callable[[Delivered], None],
        now: Callable[[], float],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._city, self._context, self._report = city, context, report
        self._now, self._sleep, self._chance = now, sleep, chance
        self._lanes: dict[str, _Lane] = {}
        self._windows: dict[str, _Window] = {}
        self._done: OrderedDict[str, Delivered] = OrderedDict()
        self._stopping = False

    def submit(self, page: Page) -> None:
        """Owe a page. One that waits already is ignored; one that is done is reported again, not sent again."""
        if page.key in self._done:
            self._report(replace(self._done[page.key], at=self._now()))
            return
        lane = self._lane(page.receiver)
        if all(page.key != waiting.key for waiting in lane.pages):
            lane.pages.append(page)
            self._supersede(lane)
            self._start(lane)

    def change(self, city: City) -> None:
        """Take a new inventory: who waits out a failure is tried at once, the pages of a receiver that is gone are given up."""
        for lane in self._lanes.values():
            if lane.resting and lane.task:
                lane.task.cancel()
                lane.task, lane.resting = None, False
            lane.failures, lane.backoff = 0, 0.0
            receiver = city.receivers.get(lane.figures.receiver)
            lane.figures.channel = receiver.channel if receiver else lane.figures.channel
            self._start(lane)

    async def test(self, receiver: str) -> Receipt:
        """Send a test message now, once; raises ChannelError, or PantauError for no such receiver."""
        city = self._city()
        if receiver not in city.receivers:
            raise PantauError(f"receiver {receiver}: is not in the inventory; it has {', '.join(city.receivers) or 'none'}")
        fate = await self._deliver(test_page(city.receivers[receiver], self._now()))
        if isinstance(fate, ChannelError):
            raise fate
        return fate

    def figures(self) -> list[Figures]:
        """Return the figures of every receiver that was ever owed a page."""
        for lane in self._lanes.values():
            lane.figures.queued = len(lane.pages)
            lane.figures.oldest = max(0.0, self._now() - lane.pages[0].at) if lane.pages else 0.0
        return [lane.figures for lane in self._lanes.values()]

    async def stop(self, deadline: float) -> None:
        """End: waits are cut, what is being sent has `deadline` seconds to finish; the rest stays owed in the journal."""
        self._stopping = True
        tasks = [lane.task for lane in self._lanes.values() if lane.task]
        for lane in self._lanes.values():
            if lane.resting and lane.task:
                lane.task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=deadline)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _lane(self, receiver: str) -> _Lane:
        if receiver not in self._lanes:
            known = self._city().receivers.get(receiver)
            self._lanes[receiver] = _Lane(Figures(known.channel if known else "", receiver))
        return self._lanes[receiver]

    def _start(self, lane: _Lane) -> None:
        if lane.pages and not self._stopping and (lane.task is None or lane.task.done()):
            lane.task = asyncio.get_running_loop().create_task(self._work(lane))

    def _supersede(self, lane: _Lane) -> None:
        """Drop updates that a later word on the same incident makes old; the first page may be on its way and stays."""
        last = lane.pages[-1]
        for page in list(lane.pages)[1:-1]:
            if page.incident == last.incident and page.step is Step.UPDATE:
                lane.pages.remove(page)
                log.info("page superseded", key=page.key, by=last.key)
                self._finish(page, ok=False, detail=f"superseded by {last.key}")

    async def _work(self, lane: _Lane) -> None:
        while lane.pages:
            page = lane.pages[0]
            await self._rest(lane, page)
            if self._stopping:
                return
            lane.figures.attempts += 1
            lane.tried = lane.tried or self._now()
            fate = await self._deliver(page)
            if isinstance(fate, Receipt):
                self._leave(lane, ok=True, detail=fate.detail)
            elif self._now() - (lane.tried if fate.trouble is Trouble.UNFIT else page.at) >= PATIENCE[fate.trouble][1]:
                self._leave(lane, ok=False, detail=f"given up: {fate}")
            else:
                self._postpone(lane, page, fate)

    async def _rest(self, lane: _Lane, page: Page) -> None:
        """Wait for what the last failure, the peer and the channel's rate ask for."""
        while not self._stopping and (pause := self._pause(lane, page)) > 0:
            lane.resting = True
            await self._sleep(pause)
            lane.resting = False

    def _pause(self, lane: _Lane, page: Page) -> float:
        now = self._now()
        own = max(lane.backoff - now, lane.asked - now)
        try:
            _, channel, options = self._way(page.receiver)
        except ChannelError:
            return own
        return max(own, self._window(channel, options).wait(now))

    def _postpone(self, lane: _Lane, page: Page, error: ChannelError) -> None:
        pause = min(PATIENCE[error.trouble][0], FIRST_PAUSE * 2.0**lane.failures) * (1 - 0.2 * self._chance())
        lane.failures = min(lane.failures + 1, 20)
        lane.backoff = self._now() + max(pause, FIRST_PAUSE)
        lane.asked = self._now() + (error.retry_after or 0.0)
        log.warning(
            "page postponed", key=page.key, trouble=error.trouble.value, error=str(error), seconds=round(self._pause(lane, page), 1)
        )

    def _leave(self, lane: _Lane, *, ok: bool, detail: str) -> None:
        page = lane.pages.popleft()
        lane.tried, lane.failures, lane.backoff = 0.0, 0, 0.0
        lane.figures.delivered += ok
        lane.figures.failed += not ok
        (log.info if ok else log.error)("page delivered" if ok else "page given up", key=page.key, detail=detail)
        self._finish(page, ok=ok, detail=detail)

    def _finish(self, page: Page, *, ok: bool, detail: str) -> None:
        done = Delivered(at=self._now(), key=page.key, ok=ok, detail=detail)
        self._done[page.key] = done
        if len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        self._report(done)

    def _window(self, channel: Channel, options: Options) -> _Window:
        return self._windows.setdefault(channel.group(options), _Window(channel.per_minute))

    def _way(self, receiver: str) -> tuple[Receiver, Channel, Options]:
        """Who, by what, with which keys; raises ChannelError when the inventory does not say."""
        known = self._city().receivers.get(receiver)
        if known is None:
            raise ChannelError(f"receiver {receiver} is no longer in the inventory", Trouble.GONE)
        try:
            options = read_options(known.channel, known.options)
        except (PantauError, ValidationError):
            # What is wrong stands in the inventory's own check; the text of a validation error would print the values.
            raise ChannelError(f"receiver {receiver}: channel {known.channel} or its keys are wrong; run pantau check-config") from None
        return known, CHANNELS[known.channel], options

    async def _deliver(self, page: Page) -> Receipt | ChannelError:
        """Try once; whatever goes wrong comes back as a value."""
        try:
            receiver, channel, options = self._way(page.receiver)
            self._window(channel, options).note(self._now())
            city = self._city()
            self._context.trust(city.ca)
            message = compose(page, city, receiver.language)
            await asyncio.sleep(0)  # of a page with thousands of names the text and its form are a piece of work each
            return await channel.send(message, page, options, self._context)
        except ChannelError as error:
            return error
        except PantauError as error:
            return ChannelError(str(error))
        except Exception as error:  # noqa: BLE001 - a fault in one channel must not end the worker: the page stays owed and is tried again
            # Only the kind: the text of a foreign error may carry an address with a token.
            return ChannelError(f"unexpected {type(error).__name__} in channel or text")
