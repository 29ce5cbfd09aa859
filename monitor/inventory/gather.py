"""The inventory's files -> one tree: `include:` names files, or folders whose *.yaml are read in the order of their names."""

from dataclasses import dataclass
from pathlib import Path

from monitor.inventory.problems import Problems, Spot
from monitor.inventory.reading import MAX_SIZE, read
from monitor.inventory.tree import Branch, Leaf, Row, Tree

MAX_FILES = 1000
INCLUDE = "include"


@dataclass(slots=True)
class Gathered:
    """One tree of all files, their names as problems call them, in the order they were read; `whole` when all could be read."""

    tree: Branch
    files: list[str]
    whole: bool


def gather(path: Path, problems: Problems) -> Gathered | None:
    """Return all that the inventory at `path` (a file, or a folder with an inventory.yaml) says, None when it says nothing."""
    reader = _Reader(problems)
    reader.take(path / "inventory.yaml" if path.is_dir() else path)
    return Gathered(reader.tree, reader.files, reader.whole) if reader.tree else None


class _Reader:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._seen: dict[Path, str] = {}
        self._size = 0
        self.tree: Branch | None = None
        self.files: list[str] = []
        self.whole = True

    def take(self, path: Path, asked: Spot | None = None) -> None:
        """Read a file and what it includes; `asked` is where it was named."""
        name = str(path)
        if not self._may_read(path, name, asked):
            return
        self.files.append(name)
        tree = read(path, name, self._problems)
        if tree is None:
            self.whole = False
            return
        includes = tree.items.pop(INCLUDE, None)
        tree.keys.pop(INCLUDE, None)
        if self.tree is None:
            self.tree = tree
        else:
            self._merge(self.tree, tree, "")
        for wanted in self._named(includes):
            self._include(path.parent, wanted)

    def _may_read(self, path: Path, name: str, asked: Spot | None) -> bool:
        real = path.resolve()
        if asked is not None and real in self._seen:
            self._problems.say(asked, INCLUDE, f"{name} is read already")
            return False
        if len(self._seen) >= MAX_FILES:
            self._problems.say(asked or Spot(name), INCLUDE, f"more than {MAX_FILES} files")
            return False
        self._seen[real] = name
        self._size += path.stat().st_size if path.is_file() else 0
        if asked is not None and self._size > MAX_SIZE:
            self._problems.say(asked, INCLUDE, f"all files together are larger than {MAX_SIZE // 1024**2} MiB")
            return False
        return True

    def _named(self, includes: Tree | None) -> list[tuple[str, Spot]]:
        leaves = includes.items if isinstance(includes, Row) else [includes] if includes is not None else []
        named = []
        for leaf in leaves:
            if isinstance(leaf, Leaf) and isinstance(leaf.value, str):
                named.append((leaf.value, leaf.spot))
            else:
                self._problems.say(leaf.spot, INCLUDE, "must be the name of a file or folder, or a list of them")
        return named

    def _include(self, folder: Path, wanted: tuple[str, Spot]) -> None:
        text, spot = wanted
        path = folder / text
        try:
            paths = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
            there = path.exists()
        except (OSError, ValueError) as error:
            self._problems.say(spot, INCLUDE, f"{text!r} cannot be read: {error}")
            return
        if not there:
            self._problems.say(spot, INCLUDE, f"there is no file or folder {text!r} beside the inventory")
            self.whole = False
            return
        for each in paths:
            self.take(each, spot)

    def _merge(self, into: Branch, more: Branch, above: str) -> None:
        """Add a file's sections; two of the same are one when both are mappings or lists, else the second is a problem."""
        for key, tree in more.items.items():
            there = into.items.get(key)
            if there is None:
                into.items[key], into.keys[key] = tree, more.keys[key]
            elif not above and isinstance(there, Branch) and isinstance(tree, Branch):
                self._merge(there, tree, key)
            elif not above and isinstance(there, Row) and isinstance(tree, Row):
                there.items.extend(tree.items)
            else:
                first = into.keys[key]
                self._problems.say(more.keys[key], f"{above}.{key}".strip("."), f"stands twice; first in {first.file}:{first.line}")
