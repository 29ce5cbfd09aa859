"""One YAML file -> tree with places. Built from parser events: nothing is constructed, nothing recurses, everything is bounded.

Refused, each with a line: more than `MAX_SIZE` bytes, `MAX_DEPTH` levels or `MAX_NODES` values, what is not UTF-8 text, aliases,
merge keys, tags other than `!env`, `!file`, `!credential`, double keys, scalars that YAML 1.1 misreads, a second document.
"""

import errno
import re
from pathlib import Path
from typing import Any

import yaml

from monitor.inventory.problems import Problems, Spot, dotted
from monitor.inventory.scalars import REFERENCES, Trap, meaning
from monitor.inventory.tree import Branch, Leaf, Row, Scalar, Tree

MAX_SIZE = 16 * 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 1_000_000
MAX_KEY = 100
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def read(path: Path, name: str, problems: Problems) -> Branch | None:
    """Return what the file says, None when it cannot be read at all; `name` is how problems call it."""
    text = _text(path, name, problems)
    if text is None:
        return None
    tree = _Builder(name, problems).build(text)
    if tree is None or isinstance(tree, Branch):
        return tree
    if isinstance(tree, Leaf) and tree.value is None:
        problems.say(Spot(name), "", "the file is empty; an inventory begins with city:")
    else:
        problems.say(tree.spot, "", "the file must be a mapping of sections such as city: and sites:")
    return None


def _text(path: Path, name: str, problems: Problems) -> str | None:
    try:
        raw = _bytes(path)
    except OSError as error:
        problems.say(Spot(name), "", f"cannot be read: {error.strerror or error}")
        return None
    if len(raw) > MAX_SIZE:
        problems.say(Spot(name), "", f"the file is larger than {MAX_SIZE // 1024**2} MiB; divide it with include:")
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.say(_place(name, raw[: error.start].decode("utf-8", "replace")), "", "the file is not UTF-8 text; save it as UTF-8")
        return None
    if control := _CONTROL.search(text):
        problems.say(_place(name, text[: control.start()]), "", f"a control character (U+{ord(control.group()):04X}): is this a text file?")
        return None
    return text


def _bytes(path: Path) -> bytes:
    if path.is_fifo():
        raise OSError(errno.ESPIPE, "it is a pipe, which might be waited for without end; name a file")
    with path.open("rb") as file:
        return file.read(MAX_SIZE + 1)


def _place(name: str, before: str) -> Spot:
    return Spot(name, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _tag(loader: Any, text: str) -> str:  # noqa: ANN401 - PyYAML's types stop here
    """Return the YAML 1.1 tag of a scalar without quotes."""
    tag: str = loader.resolve(yaml.ScalarNode, text, (True, False))
    return tag


class _StopError(Exception):
    """The rest of the file cannot be made sense of; the problem is already told."""


class _Builder:
    """Stacks the open mappings and lists; `_key` waits for its value."""

    def __init__(self, name: str, problems: Problems) -> None:
        self._name, self._problems = name, problems
        self._open: list[Branch | Row] = []
        self._keys: list[tuple[str, Spot] | None] = []
        self._root: Tree | None = None
        self._nodes = 0

    def build(self, text: str) -> Tree | None:
        loader = yaml.CSafeLoader(text)
        try:
            while loader.check_event():
                if not self._take(loader, loader.get_event()):
                    break
        except yaml.MarkedYAMLError as error:
            self._syntax(error, text)
            return None
        except (yaml.YAMLError, UnicodeError) as error:
            self._problems.say(Spot(self._name), "", f"is not YAML: {' '.join(str(error).split())[:200]}")
            return None
        except _StopError:
            return None
        finally:
            loader.dispose()
        return self._root or Leaf(None, Spot(self._name))

    def _take(self, loader: yaml.CSafeLoader, event: Any) -> bool:  # noqa: ANN401 - PyYAML's events have no common type with marks
        """Take one event; False at the end of what is read."""
        if isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
            self._say(self._spot(event), "a second document begins here; one file is one document, use include:")
            return False
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._begin(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, yaml.AliasEvent):
            self._say(self._spot(event), "aliases (*) are not read here; write it out, or put it under kinds: or defaults:")
            self._put(Leaf(f"*{event.anchor}", self._spot(event)))
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(loader, event)
        return True

    def _begin(self, event: Any) -> None:  # noqa: ANN401 - as above
        spot = self._spot(event)
        tree: Branch | Row = Branch({}, spot) if isinstance(event, yaml.MappingStartEvent) else Row([], spot)
        if event.tag is not None:
            self._say(spot, f"the tag {event.tag} is not known here; there are {', '.join(REFERENCES)}, before a single word")
        if self._wants_key():
            self._say(spot, "a key must be a single word")
            raise _StopError
        self._put(tree)
        self._open.append(tree)
        self._keys.append(None)
        if len(self._open) > MAX_DEPTH:
            self._say(spot, f"nested deeper than {MAX_DEPTH} levels")
            raise _StopError

    def _scalar(self, loader: yaml.CSafeLoader, event: Any) -> None:  # noqa: ANN401 - as above
        spot, value = self._spot(event), self._value(loader, event)
        if not self._wants_key():
            self._put(Leaf(value, spot))
            return
        if value == "<<" and not event.style:
            self._say(spot, "merge keys (<<) are not read here; put what is shared under kinds:, classes: or defaults:")
        elif not isinstance(value, str) or not 0 < len(value) <= MAX_KEY:
            self._say(spot, f"a key must be text of 1 to {MAX_KEY} characters")
        self._keys[-1] = (str(value)[:MAX_KEY], spot)

    def _value(self, loader: yaml.CSafeLoader, event: Any) -> Scalar:  # noqa: ANN401 - as above
        spot, text = self._spot(event), str(event.value)
        if event.tag in REFERENCES:
            if not text.strip():
                self._say(spot, f"{event.tag} wants a name after it")
            return f"{event.tag} {text.strip()}"
        if event.tag is not None:
            self._say(spot, f"the tag {event.tag} is not known here; there are {', '.join(REFERENCES)}")
            return text
        if event.style:  # a plain scalar has the style '' here
            return text
        found = meaning(text, _tag(loader, text))
        if isinstance(found, Trap):
            self._say(spot, f"YAML reads {text[:40]} as {found.reads_as}: {found.advice}", found.hint)
            return text
        return found

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], Branch) and self._keys[-1] is None

    def _put(self, tree: Tree) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._say(tree.spot, f"more than {MAX_NODES} values; divide the inventory")
            raise _StopError
        if not self._open:
            self._root = tree
            return
        around = self._open[-1]
        if isinstance(around, Row):
            around.items.append(tree)
            return
        key, spot = self._keys[-1] or ("", tree.spot)
        self._keys[-1] = None
        if key in around.items:
            self._problems.say(spot, dotted((*self._path(), key)), f"stands here twice; first on line {around.keys[key].line}")
            return
        around.items[key], around.keys[key] = tree, spot

    def _path(self) -> list[str | int]:
        """The way to what is open now: of each mapping the last key, of each list the last number."""
        steps: list[str | int] = []
        for tree, inner in zip(self._open, self._open[1:], strict=False):
            if isinstance(tree, Row):
                steps.append(len(tree.items) - 1)
            else:
                steps.append(next((key for key in reversed(tree.items) if tree.items[key] is inner), ""))
        return steps

    def _here(self) -> list[str | int]:
        """The way to the value that is being read."""
        if not self._open:
            return []
        around, key = self._open[-1], self._keys[-1]
        last: list[str | int] = [len(around.items)] if isinstance(around, Row) else [key[0]] if key else []
        return self._path() + last

    def _say(self, spot: Spot, message: str, hint: str = "") -> None:
        self._problems.say(spot, dotted(self._here()), message, hint)

    def _spot(self, event: Any) -> Spot:  # noqa: ANN401 - as above
        return Spot(self._name, event.start_mark.line + 1, event.start_mark.column + 1)

    def _syntax(self, error: yaml.MarkedYAMLError, text: str) -> None:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        lines = text.splitlines()
        before = lines[line][: column + 1] if line < len(lines) else ""
        if "\t" in before and not before.strip():
            message = "a tab: YAML is indented with spaces"
        else:
            context = f" ({error.context}{f', line {error.context_mark.line + 1}' if error.context_mark else ''})" if error.context else ""
            message = f"is not YAML: {error.problem}{context}"
        self._problems.say(Spot(self._name, line + 1, column + 1), "", message)
