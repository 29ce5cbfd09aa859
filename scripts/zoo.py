"""Lets Pantau, bare aiohttp and blackbox_exporter look at every server of the zoo, one after the other, and writes what each said.

Each looks from a process of its own, with the same time-out and as a careful person would set it up: the authority of the zoo, the name
of the server, the word that the page must hold. What it takes of memory is the growth of its peak (VmHWM, proc(5)).
"""

import asyncio
import contextlib
import importlib.metadata
import json
import re
import resource
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import bench_peers as peers

sys.path.append(str(Path(__file__).resolve().parent.parent))

from monitor.core.verdict import Verdict
from monitor.probes import Vantage
from monitor.probes.deadline import look_at
from monitor.probes.faults import verdict_of
from tests.certificates import PORTAL
from tests.certificates import ROOT as AUTHORITY
from tests.zoo_http import FEW_SECONDS, HOUSES, ZOO, Animal, settings

LONGEST = 90
PAGE = Path(__file__).resolve().parent.parent / "docs/zoo.md"
MEMORY = 4 << 30
WORTH_SAYING = 16
"""MiB of growth that are told."""
HEAD = """# The zoo: what others say of the same servers

<!-- scripts/zoo writes this file: it is measured, not thought -->

`tests/zoo_http.py` keeps {count} servers that do HTTP and TLS in every way that was ever seen. `tests/test_probes_http_zoo.py` holds
Pantau to the verdict, the reason and the bounds of each. Here the same servers were looked at by bare aiohttp {aiohttp} (`session.get`,
`raise_for_status`, `text`) and by blackbox_exporter {blackbox} too, each with a time-out of {timeout:g} s, the zoo's authority, the
server's name, and the word that the page must hold where there is one; blackbox_exporter is told which packing to expect. **Bold**: its
OK or FAIL is not ours. Told besides: memory that grew by more than {worth} MiB, and time over twice the time-out.

Not ours is not always wrong. A server of TLS 1.0 is FAIL to those who refuse to speak it, and WARN here; a redirect to a stranger is OK to
those who were not asked to mind; a bomb is OK to those who unpack it, or who were not asked for a word and throw it away.
Made anew by `scripts/zoo`.

Bold: {aiohttp_bold} of aiohttp, {blackbox_bold} of blackbox_exporter, of {count}.
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What one program said of a server: well or not, its own words, seconds, and MiB of memory that it took."""

    well: bool
    words: str
    seconds: float
    memory: float

    def shown(self, *, wanted: bool) -> str:
        """Return the cell of the table."""
        more = f", {self.memory:.0f} MiB" * (self.memory > WORTH_SAYING) + f", {self.seconds:.1f} s" * (self.seconds > 2 * FEW_SECONDS)
        text = f"{'OK' if self.well else 'FAIL'}{more}"
        return (text if self.well == wanted else f"**{text}**") + (f": {self.words}" if self.words else "")


def peak(pid: int | str) -> float:
    """MiB of the most memory that a process had since `forget_peak`."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def forget_peak(pid: int | str) -> float:
    """Begin to measure anew; return where it begins."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak(pid)


# -- the two that run in a process of their own, asked by a line of JSON each


async def as_pantau(url: str, options: Mapping[str, object]) -> tuple[bool, str]:
    """Look as the daemon does."""
    async with Vantage.of() as vantage:
        outcome = await look_at("http", url, options, FEW_SECONDS, vantage)
    return outcome.verdict in {Verdict.OK, Verdict.WARN}, outcome.reason.value if outcome.reason else ""


async def as_aiohttp(url: str, options: Mapping[str, object]) -> tuple[bool, str]:
    """Look as a few lines of aiohttp do."""
    context = ssl.create_default_context(cafile=str(options["ca"])) if "ca" in options else True
    name = str(options.get("server_name", PORTAL)) if "ca" in options else None
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=FEW_SECONDS)) as session,
            session.request(
                str(options.get("method", "GET")), url.replace(PORTAL, "127.0.0.1"), ssl=context, server_hostname=name
            ) as answer,
        ):
            answer.raise_for_status()
            text = await answer.text()
    except (aiohttp.ClientError, TimeoutError, ValueError, MemoryError) as error:
        return False, type(error).__name__
    word = str(options.get("expect_text", ""))
    return word in text, "" if word in text else "word missing"


def serve(look: Callable[[str, Mapping[str, object]], Awaitable[tuple[bool, str]]]) -> None:
    """Answer lines of JSON until there are no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for line in sys.stdin:
        asked = json.loads(line)
        before, start = forget_peak("self"), time.monotonic()
        well, words = asyncio.run(timed(look(asked["url"], asked["options"])))
        print(json.dumps([well, words, time.monotonic() - start, peak("self") - before]), flush=True)


async def timed(looking: Awaitable[tuple[bool, str]]) -> tuple[bool, str]:
    """End a look that does not end by itself."""
    try:
        async with asyncio.timeout(20):
            return await looking
    except TimeoutError:
        return False, "no end"


class Child:
    """A program that looks, in a process of its own; one that dies of a look is begun anew."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._process: asyncio.subprocess.Process | None = None

    async def look(self, animal: Animal, port: int, folder: Path) -> Said:
        """Ask for one look."""
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, __file__, self._name, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise SystemExit("scripts/zoo: a child without pipes")
        process.stdin.write(json.dumps({"url": animal.url.format(port=port), "options": settings(animal, folder)}).encode() + b"\n")
        line = await process.stdout.readline()
        if not line:
            self._process = None
            return Said(well=False, words="died", seconds=0.0, memory=0.0)
        return Said(*json.loads(line))

    async def end(self) -> None:
        """Let it go."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()


# -- blackbox_exporter


def modules(folder: Path) -> str:
    """Its modules: one for each animal whose options differ."""
    tls = {"ca_file": str(folder / f"{AUTHORITY}.pem")}
    found = {}
    for animal in ZOO:
        asked: dict[str, object] = {"preferred_ip_protocol": "ip4", "method": animal.options.get("method", "GET")}
        if animal.scheme == "https":
            asked["tls_config"] = {**tls, "server_name": animal.options.get("server_name", PORTAL)}
        if packing := re.search(r"gzip|deflate", animal.name):
            asked["compression"] = packing[0]
        if "expect_text" in animal.options:
            asked["fail_if_body_not_matches_regexp"] = [animal.options["expect_text"]]
        found[module_of(animal)] = {"prober": "http", "timeout": f"{FEW_SECONDS}s", "http": asked}
    return json.dumps({"modules": found})


def module_of(animal: Animal) -> str:
    """The name of the module for an animal."""
    return f"a{ZOO.index(animal)}"


def ask_blackbox(exporter: peers.Blackbox, animal: Animal, port: int) -> Said:
    """Ask for one probe, and for its log."""
    target = animal.url.format(port=port).replace(PORTAL, "127.0.0.1")
    query = urlencode({"module": module_of(animal), "target": target, "debug": "true"})
    before, start = forget_peak(exporter.pid), time.monotonic()
    with urllib.request.urlopen(f"http://127.0.0.1:{exporter.port}/probe?{query}", timeout=20) as answer:
        text = answer.read().decode(errors="replace")
    took, grown = time.monotonic() - start, peak(exporter.pid) - before
    well = "\nprobe_success 1" in text
    return Said(well, "" if well else reason(text), took, grown)


def reason(log: str) -> str:
    """What its log says of the failure: the error without the URL, or the message."""
    told = re.search(r'msg="((?:Error|Invalid|Failed|Body|Missing)[^"]*)"(?:.*? err="((?:[^"\\]|\\.)*)")?', log)
    words = (told[2] or told[1]).replace('\\"', "'").replace("|", "/") if told else ""
    words = re.sub(r"^\w+ '[^']*': |(read|dial|write) tcp [^ ]+: |: current time.*", "", words)
    return words if len(words) <= LONGEST else words[:LONGEST] + "..."


# -- the table


async def looks(folder: Path, exporter: peers.Blackbox) -> AsyncIterator[tuple[Animal, tuple[Said, ...]]]:
    """Yield each animal with what each program said of it."""
    pantau, bare = Child("pantau"), Child("aiohttp")
    for animal in ZOO:
        said = []
        for look in (pantau.look, bare.look):
            async with animal.awake(folder) as port:
                said.append(await look(animal, port, folder))
        async with animal.awake(folder) as port:
            said.append(await asyncio.to_thread(ask_blackbox, exporter, animal, port))
        yield animal, tuple(said)
    await pantau.end()
    await bare.end()


def is_well(animal: Animal) -> bool:
    """Tell whether the page of this animal comes, by what the tests hold Pantau to."""
    return animal.reason is None or verdict_of(animal.reason) is Verdict.WARN


def table(found: Mapping[str, tuple[Said, ...]], blackbox: str) -> Iterator[str]:
    """Yield the page."""
    bold = [sum(found[animal.name][place].well != is_well(animal) for animal in ZOO) for place in (1, 2)]
    yield HEAD.format(
        count=len(ZOO),
        aiohttp=importlib.metadata.version("aiohttp"),
        blackbox=blackbox,
        timeout=FEW_SECONDS,
        worth=WORTH_SAYING,
        aiohttp_bold=bold[0],
        blackbox_bold=bold[1],
    )
    for house, animals in HOUSES.items():
        yield f"## {house}\n\n| server | Pantau | aiohttp | blackbox_exporter |\n|---|---|---|---|"
        for animal in animals:
            pantau, *others = found[animal.name]
            ours = f"{verdict_of(animal.reason) if animal.reason else 'OK'}{f' `{pantau.words}`' if pantau.words else ''}"
            yield f"| {animal.name} | {ours} | {' | '.join(each.shown(wanted=is_well(animal)) for each in others)} |"
        yield ""


async def main() -> None:
    """Look at all, say where Pantau did not say what the tests hold it to, and write the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings(next(animal for animal in ZOO if animal.scheme == "https"), folder)
        with peers.blackbox(modules(folder), folder) as exporter:
            found = {animal.name: said async for animal, said in looks(folder, exporter)}
    wrong = [animal.name for animal in ZOO if found[animal.name][0].words != (animal.reason.value if animal.reason else "")]
    if wrong:
        raise SystemExit(
            f"scripts/zoo: Pantau said something else than its tests hold it to: {', '.join(wrong)}; is this machine too busy?"
        )
    PAGE.write_text("\n".join(table(found, version())).rstrip() + "\n")


def version() -> str:
    """The version of blackbox_exporter."""
    told = subprocess.run([peers.need("prometheus-blackbox-exporter"), "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"version (\S+?)[+ ,]", told.stdout + told.stderr)
    return found[1] if found else ""


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        kinds = {"pantau": as_pantau, "aiohttp": as_aiohttp}
        serve(kinds[sys.argv[1]]) if sys.argv[1:] else asyncio.run(main())
