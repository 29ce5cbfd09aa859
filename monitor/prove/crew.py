"""All processors at the runs: each takes the runs of one fault or pair at a time and reports what came of them."""

import math
import multiprocessing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from monitor.core.city import City
from monitor.core.events import Step
from monitor.engine import Engine
from monitor.garbage import put_off
from monitor.prove.cases import Plan, Task
from monitor.prove.run import Ground, Play
from monitor.prove.story import Fault, Wrong
from monitor.prove.timeline import Case

SHARE_OF_FALSE = 0.01
CHUNK = 4


@dataclass(slots=True)
class Found:
    """What came of some runs: counts, and every run that was wrong with what was wrong about it."""

    runs: int = 0
    looks: int = 0
    openings: int = 0
    false: int = 0
    wrong: list[tuple[Case, list[Wrong]]] = field(default_factory=list)

    @property
    def allowed(self) -> int:
        """How many of these openings may be false when one in a hundred may."""
        return math.ceil(self.openings * SHARE_OF_FALSE)

    def add(self, other: "Found") -> None:
        """Count these too."""
        self.runs += other.runs
        self.looks += other.looks
        self.openings += other.openings
        self.false += other.false
        self.wrong += other.wrong


def try_out(ground: Ground, cases: Iterable[Case]) -> Found:
    """Run the cases; under loss a false page is counted, everything else that is wrong is wrong."""
    found = Found()
    for case in cases:
        play = Play(ground, case)
        wrong = play.wrong()
        found.runs += 1
        found.looks += play.looks
        found.openings += len({page.incident for page in play.pages if page.step is Step.OPEN})
        if case.loss:
            found.false += sum(each.fault is Fault.FALSE for each in wrong)
            wrong = [each for each in wrong if each.fault is not Fault.FALSE]
        if wrong:
            found.wrong.append((case, wrong))
    return found


_bench: list[tuple[Ground, Plan]] = []


def _begin(city: City, plan: Plan, engine: type[Engine]) -> None:
    _bench[:] = [(Ground(city, engine), plan)]
    put_off()


def _do(task: Task) -> Found:
    ground, plan = _bench[0]
    return try_out(ground, task.cases(plan))


def spread(city: City, plan: Plan, wanted: Iterable[Task], processes: int | None = None, engine: type[Engine] = Engine) -> Iterator[Found]:
    """Run everything wanted on all processors; yields what came of each as it is done."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, _begin, (city, plan, engine)) as pool:
        yield from pool.imap_unordered(_do, wanted, CHUNK)
