"""How long one turn of the loop is at most while a router with 10,000 sites behind it dies and comes back in the running daemon.

The real flow, schedule and journal (on disk, in a folder of its own), in real time, 10,000 looks a second; only the looks are
invented, and what is to be sent is put in words and goes nowhere. Measured is the CPU time of the loop's thread from one waiting to
the next, so that others on the machine count less: the worst turn of each part, the least of ROUNDS. The goal itself stands in the
peer's place: ratios at most 1 hold. `loop-quiet`: nothing happens. `loop-fall`: the router dies and is paged. `loop-return`: it comes
back. `loop-snapshot`: the state is kept.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench_city import big_city, good_looks, is_behind
from bench_turns import Watch

from alerts.message import compose
from monitor.core.city import Check, City
from monitor.core.events import InventoryLoaded, Page, Step, Verify
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.daemon.flow import Flow
from monitor.daemon.timeline import Timeline
from monitor.engine import Engine, State
from monitor.garbage import quieten
from monitor.journal import Journal, Recovery
from monitor.schedule import Schedule

GOAL = 20.0
ROUNDS = 2
QUIET, LONG, AFTER = 3.0, 20.0, 2.0
LIMITS = {"icmp": 50_000}
ANSWERED, LOST = Outcome(Verdict.OK, None, "", 0.01), Outcome(Verdict.FAIL, Reason.TIMEOUT, "")


class Network:
    """Answers at once; what is behind the dead router does not."""

    dead = False

    def look_many(self, checks: Sequence[Check], told: Callable[[Sequence[tuple[Check, Outcome]]], None]) -> Sequence[Check]:
        """Tell of those that answer in one call, of the others by time-out."""
        parts: dict[float, list[tuple[Check, Outcome]]] = {}
        for check in checks:
            lost = self.dead and is_behind(check.id)
            parts.setdefault(check.timeout if lost else 0.01, []).append((check, LOST if lost else ANSWERED))
        for took, part in parts.items():
            asyncio.get_running_loop().call_later(took, told, part)
        return ()


class Hands:
    """Those of the daemon, but that nothing is sent."""

    def __init__(self, flow: Flow, schedule: Schedule) -> None:
        self._flow, self._schedule = flow, schedule
        self._steps: dict[Step, asyncio.Event] = {}

    def verify(self, words: Iterable[Verify]) -> None:
        self._schedule.verify(words)

    def submit(self, page: Page) -> None:
        asyncio.get_running_loop().call_soon(compose, page, self._flow.engine.state.city)
        if page.step in self._steps:
            self._steps.pop(page.step).set()

    def stepped(self) -> None:
        pass

    async def told(self, step: Step) -> None:
        """Wait for a page of that step."""
        await self._steps.setdefault(step, asyncio.Event()).wait()


def bench() -> Iterator[dict[str, object]]:
    """Measure the parts in one go, for each follows from the one before."""
    watch = Watch()
    with (
        TemporaryDirectory(prefix="pantau-bench-") as folder,
        asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(watch)) as runner,
    ):
        for name, worst in runner.run(_parts(watch, Path(folder))).items():
            yield {"bench": f"loop-{name}", "ours": round(worst, 2), "peer": "the goal", "theirs": GOAL, "unit": "ms", "goal": 1.0}


async def _parts(watch: Watch, folder: Path) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    async with _daemon(folder) as (running, flow, hands, network):
        await asyncio.sleep(QUIET)
        for _ in range(ROUNDS):
            watch.taken()
            await asyncio.sleep(QUIET)
            found.setdefault("quiet", []).append(watch.taken())
            network.dead = True
            await hands.told(Step.OPEN)
            await asyncio.sleep(LONG)
            found.setdefault("fall", []).append(watch.taken())
            network.dead = False
            await hands.told(Step.END)
            await asyncio.sleep(AFTER)
            found.setdefault("return", []).append(watch.taken())
        flow.stop()
        await running
        found["snapshot"] = [watch.taken()]
    return {name: min(worst) for name, worst in found.items()}


@asynccontextmanager
async def _daemon(folder: Path) -> AsyncIterator[tuple[asyncio.Task[None], Flow, Hands, Network]]:
    """A daemon that knows the city well, until its last snapshot is kept."""
    clock, network, journal = Timeline(), Network(), await Journal.open(folder)
    flow = Flow(journal, clock, Recovery(_known(clock.now()), (), 0, clock.now()))
    schedule = Schedule(clock, _nobody, flow.put, LIMITS, network.look_many)
    flow.hands = hands = Hands(flow, schedule)
    running = asyncio.create_task(flow.run())
    schedule.start(flow.engine.state.city.checks.values())
    quieten()
    yield running, flow, hands, network
    await schedule.stop()
    await journal.close()


def _known(now: float) -> State:
    engine = Engine(State(City("")))
    engine.apply(InventoryLoaded(now - 50, big_city()))
    for at in (now - 40, now - 20):
        for look in good_looks(engine.state.city, at):
            engine.apply(look)
    return engine.state


async def _nobody(check: Check) -> Outcome:
    raise LookupError(check.id)
