"""Runs the comparisons in bench.d: each file has `bench()`, an iterator of comparisons, both sides measured in the same run.

A comparison is a mapping with the keys bench, ours, peer, theirs, unit, goal; ratio (ours to theirs) and holds (ratio at most goal)
are added here. What cannot be measured on this machine raises `SystemExit` with one line that says what is missing.
"""

import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

LONG = {"soak"}
"""What takes so long that it is run only when it is named."""
FOLDER = Path(__file__).resolve().parent / "bench.d"


def comparisons(name: str) -> Iterator[Mapping[str, object]]:
    """Load `bench.d/NAME.py` and yield what its `bench()` measures."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", FOLDER / f"{name}.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"scripts/bench: {name}: cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield from module.bench()


def judged(row: Mapping[str, object]) -> dict[str, object]:
    """Add ratio and holds to a comparison; keys that it has already stay as they are."""
    ours, theirs, goal = (float(str(row[key])) for key in ("ours", "theirs", "goal"))
    ratio = round(ours / theirs, 3)
    return {"ratio": ratio, "holds": ratio <= goal} | dict(row)


def main(names: list[str]) -> int:
    """Run the benches named, or all: 1 when a comparison does not hold."""
    known = sorted(path.stem for path in FOLDER.glob("*.py"))
    if unknown := sorted(set(names) - set(known)):
        print(f"scripts/bench: no bench named {', '.join(unknown)}; there are: {', '.join(known) or 'none yet'}", file=sys.stderr)
        return 3
    held = True
    for name in names or [each for each in known if each not in LONG]:
        for row in map(judged, comparisons(name)):
            print(json.dumps(row), flush=True)
            held &= bool(row["holds"])
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
