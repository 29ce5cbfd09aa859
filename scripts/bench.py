"""Runs the comparisons in bench.d: each file has `bench()`, an iterator of comparisons, both sides measured in the same run.

A comparison is a mapping with the keys bench, ours, peer, theirs, unit, goal; ratio (ours to theirs) and holds (ratio at most goal)
are added here. What cannot be measured on this machine raises `SystemExit` with one line that says what is missing.
"""

import importlib.util
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
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


def table(rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Yield the lines of a table in Markdown: what was measured several times stands there with its spread."""
    by_name: dict[tuple[object, object], list[Mapping[str, object]]] = {}
    for row in rows:
        by_name.setdefault((row["bench"], row["peer"]), []).append(row)
    yield "| what | Pantau | beside | it | Pantau / it | goal | |"
    yield "|---|---|---|---|---|---|---|"
    for (name, _), same in by_name.items():
        first, held = same[0], sum(bool(row["holds"]) for row in same)
        figures = [_spread(float(str(row[key])) for row in same) for key in ("ours", "theirs", "ratio")]
        mark = "holds" if held == len(same) else "**missed**" if not held else f"holds {held} of {len(same)}"
        yield f"| {name} | {figures[0]} {first['unit']} | {first['peer']} | {figures[1]} | {figures[2]} | {first['goal']} | {mark} |"


def _spread(values: Iterable[float]) -> str:
    low, *_, high = sorted([*values] * 2)
    texts = dict.fromkeys(f"{value:,.3g}" if value < 1000 else f"{value:,.0f}" for value in (low, high))
    return " – ".join(texts)


def main(words: list[str]) -> int:
    """Run the benches named, or all but the long ones; `--runs N`: so many times, with a table in the end. 1 when one does not hold."""
    runs = 1
    if words[:1] == ["--runs"]:
        runs, words = int(words[1]), words[2:]
    known = sorted(path.stem for path in FOLDER.glob("*.py"))
    if unknown := sorted(set(words) - set(known)):
        print(f"scripts/bench: no bench named {', '.join(unknown)}; there are: {', '.join(known) or 'none yet'}", file=sys.stderr)
        return 3
    rows = []
    for name in (words or [each for each in known if each not in LONG]) * runs:
        for row in map(judged, comparisons(name)):
            print(json.dumps(row), flush=True)
            rows.append(row)
    if runs > 1:
        print("\n".join(table(rows)))
    return 0 if all(row["holds"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
