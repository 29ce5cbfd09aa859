"""One proof from beginning to end: all cities, all processors, progress for people, figures for scripts."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from monitor.core.city import City
from monitor.engine import Engine
from monitor.prove.cases import Plan, tasks
from monitor.prove.crew import Found, spread
from monitor.prove.oracle import Oracle
from monitor.prove.story import Wrong
from monitor.prove.timeline import START, Case
from monitor.prove.world import World

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for."""

    pairs: bool = False
    phases: int = 20
    loss: float = 0.03
    seed: int = 0
    processes: int | None = None

    def plans(self) -> list[Plan]:
        """Return the plan without loss, and the one with it when that is wanted."""
        plain = Plan(self.phases, 0.0, self.seed)
        return [plain, replace(plain, loss=self.loss)] if self.loss else [plain]


@dataclass(slots=True)
class Summary:
    """The figures of a proof."""

    phases: int
    singles: int = 0
    pairs: int = 0
    ambiguous: int = 0
    plain: Found = field(default_factory=Found)
    lossy: Found = field(default_factory=Found)
    seconds: float = 0.0

    @property
    def cases(self) -> list[tuple[Case, list[Wrong]]]:
        """Every run that was wrong."""
        return self.plain.wrong + self.lossy.wrong

    @property
    def wrong(self) -> int:
        """How many runs were wrong; false pages under loss count from the first above the bound on."""
        return len(self.cases) + max(0, self.lossy.false - self.lossy.allowed)

    def as_json(self) -> dict[str, object]:
        """Return the shape that scripts rely on."""
        return {
            "singles": self.singles,
            "pairs": self.pairs,
            "phases": self.phases,
            "runs": self.plain.runs + self.lossy.runs,
            "wrong": self.wrong,
            "false_under_loss": self.lossy.false,
            "allowed_under_loss": self.lossy.allowed,
            "ambiguous_classes": self.ambiguous,
            "seconds": round(self.seconds, 1),
            "runs_under_loss": self.lossy.runs,
            "openings": self.plain.openings + self.lossy.openings,
            "looks": self.plain.looks + self.lossy.looks,
            "wrong_by_kind": self.kinds(),
            "wrong_cases": [str(case) for case, _ in self.cases[:SHOWN]],
        }

    def kinds(self) -> dict[str, int]:
        """Count the wrong runs by the first thing that is wrong with them."""
        return dict(Counter(wrong[0].fault.value for _, wrong in self.cases))

    def as_text(self) -> str:
        """Return the figures and the first wrong cases, as a person reads them."""
        runs, lossy = self.plain.runs + self.lossy.runs, self.lossy
        head = (
            f"{self.singles} gangguan tunggal / singles, {self.pairs} pasangan / pairs, {self.phases} fase / phases: "
            f"{runs} kali / runs, {self.plain.openings + lossy.openings} kabar pembuka / openings, {self.seconds:.0f} s"
        )
        lines = [
            head,
            f"{self.ambiguous} kelas tampak sama dari sini / classes that look the same from here",
            f"salah / wrong: {self.wrong}",
        ]
        if lossy.runs:
            lines.append(
                f"dengan kehilangan / under loss: {lossy.runs} kali / runs, palsu / false {lossy.false}, batas / allowed {lossy.allowed}"
            )
        for case, wrong in self.cases[:SHOWN]:
            lines.append(f"  {case}")
            lines.extend(f"      {each.at - START:8.1f} s  {each.fault.value}: {each.subject}: {each.words}" for each in wrong)
        if self.cases:
            lines.append(f"putar ulang / play again: pantau prove --case '{self.cases[0][0]}'")
        return "\n".join(lines)


def prove_all(cities: Sequence[City], wish: Wish, *, show: bool = False, engine: type[Engine] = Engine) -> Summary:
    """Try everything on every city; progress goes to standard error when `show`."""
    began = time.monotonic()
    summary = Summary(wish.phases)
    for city in cities:
        oracle = Oracle(World(city))
        wanted = tasks(city, oracle, also_pairs=wish.pairs)
        summary.singles += sum(len(task.faults) == 1 for task in wanted)
        summary.pairs += sum(len(task.faults) == 2 for task in wanted)
        summary.ambiguous += sum(len(each) > 1 for each in set(oracle.classes.values()))
        for plan in wish.plans():
            title = f"{city.name}: {plan.loss:.0%} hilang/lost" if plan.loss else city.name
            found = spread(city, plan, wanted, wish.processes, engine)
            total = _watched(found, len(wanted), title) if show else _added(found)
            (summary.lossy if plan.loss else summary.plain).add(total)
    summary.seconds = time.monotonic() - began
    return summary


def _added(found: Iterable[Found]) -> Found:
    total = Found()
    for each in found:
        total.add(each)
    return total


def _watched(found: Iterable[Found], wanted: int, title: str) -> Found:
    total = Found()
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[said]}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task(title, total=wanted, said="")
        for each in found:
            total.add(each)
            progress.update(bar, advance=1, said=f"{total.runs} kali/runs, salah/wrong {len(total.wrong)}")
    return total
