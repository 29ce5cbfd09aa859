"""Problems of an inventory: where, what, and what was probably meant; all of them at once."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.core.errors import Exit, PantauError


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong. `key` is the way to it with dots (`sites.kel-gentong.via`), `hint` what was probably meant."""

    file: str
    line: int
    column: int
    key: str
    message: str
    hint: str = ""

    def as_json(self) -> dict[str, object]:
        """Return the problem in the shape of `check-config --format json`."""
        return {name: getattr(self, name) for name in ("file", "line", "column", "key", "message", "hint")}

    def __str__(self) -> str:
        what = f"{self.file}:{self.line}:{self.column}: {self.key}: " if self.key else f"{self.file}:{self.line}:{self.column}: "
        return f"{what}{self.message}; did you mean {self.hint}" if self.hint else what + self.message


class InventoryError(PantauError):
    """The inventory cannot be used: `problems` has every one, `str(error)` the first and how many more."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        more = f" (and {len(problems) - 1} more: pantau check-config prints all)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}", status=Exit.BAD_INVENTORY)
        self.problems = problems


class Problems:
    """Collects problems. What an earlier pass has complained of at a place, a later pass says nothing about."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}
        self._settled: frozenset[Spot] = frozenset()

    def say(self, spot: Spot, key: str, message: str, hint: str = "") -> None:
        """Keep a problem, once."""
        if spot not in self._settled:
            self._found[Problem(spot.file, spot.line, spot.column, key, message, hint)] = None

    def next_pass(self) -> None:
        """Begin the next pass of judging."""
        self._settled = frozenset(Spot(each.file, each.line, each.column) for each in self._found)

    def __bool__(self) -> bool:
        return bool(self._found)

    def sorted(self, files: Iterable[str]) -> tuple[Problem, ...]:
        """Return all, in the order of the files and of the lines in them."""
        order = {file: number for number, file in enumerate(files)}
        return tuple(sorted(self._found, key=lambda each: (order.get(each.file, len(order)), each)))


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the one of `words` that was probably meant by `word`, or an empty text."""
    return next(iter(difflib.get_close_matches(word, list(words), 1, 0.6)), "")


def dotted(path: Iterable[str | int]) -> str:
    """Return the way to a key as people read it."""
    return ".".join(str(step) for step in path)
