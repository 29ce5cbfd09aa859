"""Writes every generated file from the code that knows it best; `--check` only compares.

Adding one: a function without arguments that returns the whole text, and one line in GENERATED.
"""

import difflib
import importlib
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import cast

ROOT = Path(__file__).resolve().parent.parent

GENERATED = {
    "docs/commands.md": "commands:reference",
    "docs/inventory.schema.json": "monitor.inventory.schema:json_schema",
    "docs/inventory.md": "monitor.inventory.reference:reference",
    "docs/metrics.md": "exporters.metrics:reference",
    "deploy/grafana/city.json": "dashboard:dashboard_json",
}


def text_of(source: str) -> str:
    """Return what the function `module:function` writes, ending in one newline."""
    module, function = source.split(":")
    write = cast("Callable[[], str]", getattr(importlib.import_module(module), function))
    return write().rstrip("\n") + "\n"


def difference(path: str, now: str, wanted: str) -> list[str]:
    """Return the first lines in which the file differs from what the code would write."""
    lines = difflib.unified_diff(now.splitlines(), wanted.splitlines(), path, "what the code writes", n=0, lineterm="")
    return list(islice(lines, 12))


def stale(path: str, source: str) -> list[str]:
    """Return why the file is not what the code would write: no lines when it is."""
    file, wanted = ROOT / path, text_of(source)
    if not file.exists():
        return [f"{path}: is not there"]
    return difference(path, file.read_text(encoding="utf-8"), wanted)


def main(words: list[str]) -> int:
    """Write all files, or compare all: 1 when one differs."""
    if words not in ([], ["--check"]):
        print("scripts/generate: knows only --check", file=sys.stderr)
        return 3
    wrong = 0
    for path, source in GENERATED.items():
        if found := stale(path, source):
            wrong += 1
            print("\n".join(found))
            if not words:
                (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
                (ROOT / path).write_text(text_of(source), encoding="utf-8")
    if wrong and words:
        print(f"{wrong} generated files are stale: run scripts/generate and commit them")
    return int(bool(wrong and words))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
