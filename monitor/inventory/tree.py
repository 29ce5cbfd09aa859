"""What a YAML file says, with the place of everything: mappings, lists and scalars. No defaults, no meaning."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from monitor.inventory.problems import Spot

Scalar = str | int | float | bool | None
Path = tuple[str | int, ...]


@dataclass(slots=True)
class Leaf:
    """A scalar; a reference to a secret is the text `!env NAME`, `!file PATH` or `!credential NAME`."""

    value: Scalar
    spot: Spot


@dataclass(slots=True)
class Row:
    """A list; `numbers` says which items these were, where some that do not fit were taken out."""

    items: list["Tree"]
    spot: Spot
    numbers: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Branch:
    """A mapping; `keys` has the place of each key."""

    items: dict[str, "Tree"]
    spot: Spot
    keys: dict[str, Spot] = field(default_factory=dict)


Tree = Leaf | Row | Branch


def plain(tree: Tree) -> object:
    """Return the tree as dicts, lists and scalars."""
    if isinstance(tree, Branch):
        return {key: plain(value) for key, value in tree.items.items()}
    if isinstance(tree, Row):
        return [plain(value) for value in tree.items]
    return tree.value


def child(tree: Tree, step: str | int) -> Tree | None:
    """Return what stands one step further, or None."""
    if isinstance(tree, Branch):
        return tree.items.get(str(step))
    if isinstance(tree, Row) and isinstance(step, int) and 0 <= step < len(tree.items):
        return tree.items[step]
    return None


def at(tree: Tree, path: Sequence[str | int]) -> Tree | None:
    """Return what stands at the end of a path, or None."""
    found: Tree | None = tree
    for step in path:
        found = child(found, step) if found is not None else None
    return found


def way_to(tree: Tree, places: Sequence[Path], key: str) -> Path:
    """Return the way to a key in the first of the places where it stands, or else would stand."""
    return (*next((path for path in places if at(tree, (*path, key))), places[0]), key)


def leaves(tree: Tree, path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Yield every scalar with the way to it, in their order."""
    if isinstance(tree, Leaf):
        yield path, tree
    elif isinstance(tree, Row):
        for number, each in enumerate(tree.items):
            yield from leaves(each, (*path, number))
    else:
        for key, each in tree.items.items():
            yield from leaves(each, (*path, key))


def known(tree: Tree, path: Path) -> Path:
    """Return the path as it stands in the file: without the number of an item where one value stands for a list."""
    if path and isinstance(path[-1], int) and at(tree, path) is None:
        path = path[:-1]
    found: Tree | None = tree
    steps: list[str | int] = []
    for step in path:
        steps.append(found.numbers[step] if isinstance(found, Row) and found.numbers and isinstance(step, int) else step)
        found = child(found, step) if found is not None else None
    return tuple(steps)


def value_spot(tree: Tree, path: Sequence[str | int]) -> Spot:
    """Return the place of the value at the end of the path, or of the last of its steps that is there."""
    spot = tree.spot
    for step in path:
        further = child(tree, step)
        if further is None:
            break
        # A mapping or list in block style begins on a line of its own; people look for its key.
        named = isinstance(tree, Branch) and not isinstance(further, Leaf)
        spot = tree.keys[str(step)] if named and isinstance(tree, Branch) else further.spot
        tree = further
    return spot


def key_spot(tree: Tree, path: Sequence[str | int]) -> Spot:
    """Return the place of the key that the path ends with, or of the nearest thing around it."""
    parent = at(tree, path[:-1])
    if path and isinstance(parent, Branch) and path[-1] in parent.keys:
        return parent.keys[str(path[-1])]
    return value_spot(tree, path)
