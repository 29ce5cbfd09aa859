"""Tree -> the shape of the file. Every misfit becomes a problem; what fits is kept, so that the rest can be judged too."""

import types
from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor.inventory.problems import Problems, dotted, nearest
from monitor.inventory.shape import InventoryPart
from monitor.inventory.tree import Branch, Path, Row, Tree, key_spot, known, plain, value_spot
from monitor.probes.misfit import misfit

ROUNDS = 50
STAND_INS: Mapping[str, str] = {
    # For required keys that are missing or misfit, so that what stands beside them is judged too. Nothing is said of them: their
    # place has been complained of. The address is one that is never used (RFC 6666).
    "name": "?",
    "address": "100::",
    "url": "http://0/",
    "owner": "0",
    "host": "0",
    "to": "0",
    "opds": "0",
}
GONE = object()
"""Stands for an item of a list that was left out, so that the others keep their numbers."""


def fit(tree: Branch, problems: Problems) -> InventoryPart:
    """Return what of the tree fits the shape; what does not is told and left out, or stood in for where the shape needs it.

    Items of lists that were left out are taken out of the tree, too.
    """
    data: Any = plain(tree)
    told: list[Path] = []
    for _ in range(ROUNDS):
        try:
            part = InventoryPart.model_validate(_swept(data) if told else data)
        except ValidationError as error:
            faults = error.errors(include_url=False)
        else:
            _prune(tree, data)
            return part
        ways = [way(data, fault) for fault in faults]
        for path, fault in zip(ways, faults, strict=True):
            # What was left out a round ago now seems to be missing.
            if not any(other[: len(path)] == path for other in told):
                explain(problems, tree, path, fault, InventoryPart)
        stood_in = {path for path, fault in zip(ways, faults, strict=True) if fault["type"] == "missing" and path[-1] in STAND_INS}
        for path in stood_in:
            _stand_in(data, path)
        for path in sorted(set(ways) - stood_in, key=len, reverse=True):
            _leave_out(data, path)
        told += ways
    return InventoryPart()


def explain(problems: Problems, tree: Tree, path: Path, fault: ErrorDetails, shape: type[BaseModel], above: Path = ()) -> None:
    """Say in people's words what pydantic found wrong at `path`; `above` is the way to what was read with `shape`."""
    kind = fault["type"]
    if kind == "missing":
        problems.say(key_spot(tree, path[:-1]), dotted(known(tree, path)), "is missing")
    elif kind == "extra_forbidden":
        hint = nearest(str(path[-1]), _keys(shape, path[len(above) : -1]))
        problems.say(key_spot(tree, path), dotted(known(tree, path)), "there is no such key", hint)
    else:
        of_key = bool(fault["loc"]) and fault["loc"][-1] == "[key]"
        problems.say(key_spot(tree, path) if of_key else value_spot(tree, path), dotted(known(tree, path)), *misfit(fault))


def way(data: object, fault: ErrorDetails) -> Path:
    """Return the part of pydantic's location that is in the data: it also names members of unions and `[key]`."""
    steps: list[str | int] = []
    for number, step in enumerate(fault["loc"]):
        if isinstance(data, dict) and (step in data or number == len(fault["loc"]) - 1):
            place, data = step, data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and step < len(left := _left(data)):
            place = left[step]
            data = data[place]
        else:
            continue
        steps.append(place)
    return tuple(step for step in steps if step != "[key]")


def _stand_in(data: Any, path: Path) -> None:  # noqa: ANN401 - what YAML may hold
    """Put something harmless where a required key is missing."""
    for step in path[:-1]:
        data = data[step]
    data[path[-1]] = STAND_INS[str(path[-1])]


def _leave_out(data: Any, path: Path) -> None:  # noqa: ANN401 - what YAML may hold
    """Take the value at the path away; when it is not there (a key is missing), take away the nearest thing around it."""
    holders: list[tuple[Any, str | int]] = []
    for step in path:
        try:
            below = data[step]
        except (KeyError, IndexError, TypeError):
            break
        holders.append((data, step))
        data = below
    if holders:
        holder, step = holders[-1]
        if isinstance(holder, list):
            holder[int(step)] = GONE
        else:
            holder.pop(step)


def _left(items: list[Any]) -> list[int]:
    return [number for number, each in enumerate(items) if each is not GONE]


def _swept(data: Any) -> Any:  # noqa: ANN401 - as above
    """Return it without what is gone."""
    if isinstance(data, dict):
        return {key: _swept(value) for key, value in data.items()}
    return [_swept(each) for each in data if each is not GONE] if isinstance(data, list) else data


def _prune(tree: Tree, data: Any) -> None:  # noqa: ANN401 - as above
    """Take out of the lists of the tree what is gone from the data."""
    if isinstance(tree, Branch) and isinstance(data, dict):
        for key in tree.items.keys() & data.keys():
            _prune(tree.items[key], data[key])
    elif isinstance(tree, Row) and isinstance(data, list):
        for item, each in zip(tree.items, data, strict=True):
            _prune(item, each)
        if len(left := _left(data)) < len(data):
            tree.items, tree.numbers = [tree.items[number] for number in left], left


def _keys(shape: Any, path: Path) -> Iterable[str]:  # noqa: ANN401 - an annotation
    """Return the keys that the shape has at the path."""
    for step in path:
        shape = _further(shape, step)
    found = next((one for one in _members(shape) if isinstance(one, type) and issubclass(one, BaseModel)), None)
    return found.model_fields if found else ()


def _further(shape: Any, step: str | int) -> Any:  # noqa: ANN401 - as above
    for one in _members(shape):
        if isinstance(one, type) and issubclass(one, BaseModel) and step in one.model_fields:
            return one.model_fields[str(step)].annotation
        if get_origin(one) in {dict, tuple}:
            arguments = get_args(one)
            return arguments[1] if get_origin(one) is dict else arguments[0]
    return None


def _members(shape: Any) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    """Return the members of a union without their annotations."""
    if hasattr(shape, "__metadata__"):
        return _members(shape.__origin__)
    if isinstance(shape, types.UnionType) or str(get_origin(shape)) == "typing.Union":
        return tuple(member for each in get_args(shape) for member in _members(each))
    return (shape,)
