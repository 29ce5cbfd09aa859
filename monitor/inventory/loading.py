"""The road of an inventory, from file to city: read, gather, fit, judge, resolve."""

from pathlib import Path

from monitor.core.city import City
from monitor.inventory.advice import advise
from monitor.inventory.draft import Draft
from monitor.inventory.fitting import fit
from monitor.inventory.gather import gather
from monitor.inventory.judge import judge
from monitor.inventory.options import judge_options
from monitor.inventory.problems import InventoryError, Problem, Problems
from monitor.inventory.resolve import resolve


def load(path: Path) -> City:
    """Return the city that the inventory at `path` (a file, or a folder with an inventory.yaml) describes.

    Raises InventoryError (status 78) with every problem.
    """
    city, problems = examine(path)
    if city is None:
        raise InventoryError(problems)
    return city


def examine(path: Path) -> tuple[City | None, tuple[Problem, ...]]:
    """Return the city, None when there is a problem, and all problems in the order of files and lines."""
    city, problems, _ = _examined(path, advised=False)
    return city, problems


def inspect(path: Path) -> tuple[City | None, tuple[Problem, ...], tuple[Problem, ...]]:
    """Return the same for a person, and of a city without problems what to warn of; to this end its secrets are read."""
    return _examined(path, advised=True)


def _examined(path: Path, *, advised: bool) -> tuple[City | None, tuple[Problem, ...], tuple[Problem, ...]]:
    problems = Problems()
    gathered = gather(path, problems)
    if gathered is None:
        return None, problems.sorted(()), ()
    problems.next_pass()
    root = path if path.is_dir() else path.parent
    draft = Draft(fit(gathered.tree, problems), gathered.tree, problems, root)
    problems.next_pass()
    if gathered.whole:
        # What a file that cannot be read would have said is not known: nobody is told that it is missing.
        judge(draft)
        judge_options(draft)
    if problems:
        return None, problems.sorted(gathered.files), ()
    return resolve(draft), (), advise(draft).sorted(gathered.files) if advised else ()
