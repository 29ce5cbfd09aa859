"""Lets Pantau and other programs look at every case of a zoo, and writes what each of them said: one page a zoo.

A zoo is a file of zoo.d with

    PAGE, CASE: str             the page, as a path from the root; what a case is called
    PEERS: Sequence[str]        who looks besides us, as the head of the table calls them
    HOUSES: Mapping[str, Sequence[Case]]                    the cases, with what the tests hold us to
    def head() -> str                                       what stands above the tables: who looked how
    async def looks(folder: Path) -> AsyncIterator[tuple[Case, Sequence[Said]]]     what was said of each: ours first, then the peers'

and looks on its own as `zoo.d/NAME.py PROGRAM`, when `zoo_peers.Child` runs it. How long a look may take, and what each program is told,
is the zoo's to say; whoever does not end is ended, and that is told.
"""

import asyncio
import importlib.util
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

from zoo_peers import Case, Said

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "scripts/zoo.d"
MARK = "<!-- scripts/zoo writes this file: it is measured, not thought -->"


def load(name: str) -> ModuleType:
    """Load `zoo.d/NAME.py`."""
    spec = importlib.util.spec_from_file_location(f"zoo_{name}", FOLDER / f"{name}.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"scripts/zoo: {name}: cannot be loaded")
    module = sys.modules[f"zoo_{name}"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(zoo: ModuleType, found: Mapping[str, Sequence[Said]]) -> Iterator[str]:
    """Yield the lines of a page."""
    title, rest = zoo.head().split("\n", 1)
    yield f"{title}\n\n{MARK}\n{rest}"
    cases: list[Case] = [case for cases in zoo.HOUSES.values() for case in cases]
    bold = [sum(found[case.name][place].well != case.well for case in cases) for place in range(1, len(zoo.PEERS) + 1)]
    yield f"Bold: {', '.join(f'{count} of {peer}' for count, peer in zip(bold, zoo.PEERS, strict=True))}, of {len(cases)}.\n"
    for house, some in zoo.HOUSES.items():
        yield f"## {house}\n\n| {zoo.CASE} | Pantau | {' | '.join(zoo.PEERS)} |\n|---|---|{'---|' * len(zoo.PEERS)}"
        for case in some:
            others = (said.shown(wanted=case.well) for said in found[case.name][1:])
            yield f"| {case.name} | {case.shown()} | {' | '.join(others)} |"
        yield ""


async def look(zoo: ModuleType) -> Mapping[str, Sequence[Said]]:
    """Let everybody look at everything."""
    with tempfile.TemporaryDirectory() as name:
        return {case.name: said async for case, said in zoo.looks(Path(name))}


def main(names: list[str]) -> int:
    """Write the pages of the zoos named, or of all: 1 where Pantau did not say what its tests hold it to."""
    known = sorted(path.stem for path in FOLDER.glob("*.py"))
    if unknown := sorted(set(names) - set(known)):
        print(f"scripts/zoo: no zoo named {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 3
    for name in names or known:
        zoo = load(name)
        found = asyncio.run(look(zoo))
        cases: list[Case] = [case for cases in zoo.HOUSES.values() for case in cases]
        if wrong := [f"{case.name} ({found[case.name][0].words})" for case in cases if found[case.name][0].words != case.shown()]:
            print(
                f"scripts/zoo: {name}: Pantau said something else than its tests hold it to: {', '.join(wrong)}; is this machine too busy?"
            )
            return 1
        (ROOT / zoo.PAGE).write_text("\n".join(page(zoo, found)).rstrip() + "\n", encoding="utf-8")
        print(f"{zoo.PAGE}: {len(cases)} cases")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
