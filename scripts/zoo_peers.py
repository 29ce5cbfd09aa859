"""What every zoo needs: a case and what was said of it, programs that look from a process of their own, and how they are ended."""

import asyncio
import contextlib
import json
import re
import resource
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import bench_peers

sys.path.append(str(Path(__file__).resolve().parent.parent))

from monitor.core.verdict import Outcome, Reason, Verdict

LONGEST = 90
MEMORY = 4 << 30
LONGEST_LOOK = 20.0
"""Seconds after which a look that does not end is ended."""
WORTH_SAYING = 16
"""MiB of growth that are told."""
Well = tuple[bool, str]
"""Whether a program found it well, and its words."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case, and what the tests hold Pantau to; `patience`: seconds that everybody is given."""

    name: str
    verdict: Verdict
    reason: Reason | None
    patience: float

    @property
    def well(self) -> bool:
        """Whether there is an answer that one can use."""
        return self.verdict in {Verdict.OK, Verdict.WARN, Verdict.SLOW}

    def shown(self) -> str:
        """Return the cell of the table."""
        return f"{self.verdict} `{self.reason}`" if self.reason else self.verdict.value


@dataclass(frozen=True, slots=True)
class Said:
    """What one program said: well or not, its own words, seconds and how many were allowed, and MiB of memory that it took."""

    well: bool
    words: str
    seconds: float
    patience: float
    memory: float = 0.0

    def shown(self, *, wanted: bool) -> str:
        """Return the cell of the table."""
        more = f", {self.memory:.0f} MiB" * (self.memory > WORTH_SAYING) + f", {self.seconds:.1f} s" * (self.seconds > 2 * self.patience)
        text = f"{'OK' if self.well else 'FAIL'}{more}"
        return (text if self.well == wanted else f"**{text}**") + (f": {short(self.words)}" if self.words else "")


def short(words: str) -> str:
    """Words as they fit into a cell."""
    text = " ".join(words.replace("|", "/").split())
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def said_by_us(outcome: Outcome) -> Well:
    """What Pantau said, as `Case.shown` tells it."""
    case = Case("", outcome.verdict, outcome.reason, 0.0)
    return case.well, case.shown()


# -- memory


def peak(pid: int | str) -> float:
    """MiB of the most memory that a process had since `forget_peak`."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def forget_peak(pid: int | str) -> float:
    """Begin to measure anew; return where it begins."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak(pid)


# -- programs in Python, in a process of their own: asked by a line of JSON each


Look = Callable[[Mapping[str, object]], Awaitable[Well]]


def serve(look: Look) -> None:
    """Look as each line of standard input says, until there are no more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with contextlib.suppress(KeyboardInterrupt):
        for line in sys.stdin:
            before, start = forget_peak("self"), time.monotonic()
            well, words = asyncio.run(_ended(look(json.loads(line))))
            print(json.dumps([well, words, time.monotonic() - start, peak("self") - before]), flush=True)


async def _ended(looking: Awaitable[Well]) -> Well:
    try:
        async with asyncio.timeout(LONGEST_LOOK):
            return await looking
    except TimeoutError:
        return False, f"no end within {LONGEST_LOOK:.0f} s"


class Child:
    """`file PROGRAM` in a process of its own; begun anew when it died of a look, or did not end it."""

    def __init__(self, file: str, program: str) -> None:
        self._command = (sys.executable, "-P", file, program)  # or `http.py` there would hide the module of that name
        self._process: asyncio.subprocess.Process | None = None

    async def look(self, patience: float, **asked: object) -> Said:
        """Ask for one look."""
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise SystemExit("scripts/zoo: a child without pipes")
        process.stdin.write(json.dumps(asked).encode() + b"\n")
        start, line = time.monotonic(), b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * LONGEST_LOOK):
                line = await process.stdout.readline()
        if line:
            well, words, seconds, memory = json.loads(line)
            return Said(well, words, seconds, patience, memory)
        words = "died" if process.stdout.at_eof() else "no end: it held its whole process"
        await self._kill(process)
        return Said(well=False, words=words, seconds=time.monotonic() - start, patience=patience)

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        self._process = None

    async def end(self) -> None:
        """Let it go."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()


# -- programs as they are


async def command(words: Sequence[str]) -> tuple[int | None, str, float]:
    """Run a command; return its exit (None: it did not end), what it said, and its seconds."""
    start = time.monotonic()
    process = await asyncio.create_subprocess_exec(*words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        async with asyncio.timeout(LONGEST_LOOK):
            told, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        told, _ = await process.communicate()
        return None, told.decode(errors="replace"), time.monotonic() - start
    return process.returncode, told.decode(errors="replace"), time.monotonic() - start


async def exporter(pid: int, port: int, path: str, **query: str) -> tuple[str, float, float]:
    """Ask an exporter; return what it said, its seconds, and the MiB that it took."""
    before, start = forget_peak(pid), time.monotonic()
    told = await asyncio.to_thread(_fetch, f"http://127.0.0.1:{port}{path}?{urlencode(query)}")
    return told, time.monotonic() - start, peak(pid) - before


def _fetch(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=LONGEST_LOOK) as answer:
            return str(answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return str(error.read().decode(errors="replace"))
    except TimeoutError:
        return f"no end within {LONGEST_LOOK:.0f} s"


async def ask_blackbox(blackbox: bench_peers.Blackbox, module: str, target: str, patience: float) -> Said:
    """Ask blackbox_exporter for one probe, and for its log."""
    told, seconds, memory = await exporter(blackbox.pid, blackbox.port, "/probe", module=module, target=target, debug="true")
    well = "\nprobe_success 1" in told
    return Said(well, "" if well else why(told), seconds, patience, memory)


def why(log: str) -> str:
    """What its log says of the failure: the error without the URL, or the message."""
    told = re.search(r'msg="((?:Error|Invalid|Failed|Body|Missing|Timeout|no RRs)[^"]*)"(?:.*? err="((?:[^"\\]|\\.)*)")?', log)
    words = (told[2] or told[1]).replace('\\"', "'") if told else ""
    return re.sub(r"^\w+ '[^']*': |(read|dial|write) (tcp|udp)\w* \S+: |: current time.*", "", words)


def version(program: str, option: str = "--version") -> str:
    """The version that a program says it is."""
    told = subprocess.run([bench_peers.need(program), option], capture_output=True, text=True, check=False)
    found = re.search(r"[Vv]ersion:? (\d[\d.]*)", told.stdout + told.stderr)
    return found[1] if found else ""
