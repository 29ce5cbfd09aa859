"""Whether the daemon stays what it was: MINUTES of real running in the rehearsal city at 415 sites, in which something fails all the time.

The whole of it runs: kernel networks, agents, applications, journal, receivers. Every `EVERY` seconds one thing more is broken and what
was broken before is mended, by a seeded choice. Sampled are the daemon's own metrics and /proc. In the peer's place stands what it was
before: memory, descriptors and threads are the middle of the last quarter beside that of the second (the first is its youth). `soak-late`
is the 99th percentile of how late looks were sent, `soak-missed` the number of checks that were looked at less often than their interval
says, with one look of grace. Half an hour, unless BENCH_MINUTES says otherwise.
"""

import contextlib
import math
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from monitor import inventory
from monitor.core.city import City
from monitor.lab import client

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import bench_peers as peers  # noqa: E402 - beside bench.py, found by the line above

MINUTES = float(os.environ.get("BENCH_MINUTES", "30"))
SITES = 415
EVERY, PAUSE = 60.0, 10.0
READY = 180.0
LATE, LEAST = 50.0, 4
KINDS = {"kelurahan", "puskesmas", "opd", "app"}
GROWTH = (
    ("memory", "process_resident_memory_bytes", "bytes", 1.05),
    ("descriptors", "process_open_fds", "", 1.1),
    ("threads", "threads", "", 1.0),
)


@dataclass(frozen=True)
class Sample:
    """What the daemon says of itself, by the name of the sample, and when."""

    at: float
    said: dict[str, float]

    def looks(self) -> Counter[str]:
        """Return the looks by check."""
        found: Counter[str] = Counter()
        for name, value in self.said.items():
            if known := re.match(r'pantau_check_looks_total\{check="([^"]+)"', name):
                found[known[1]] += int(value)
        return found

    def late(self) -> dict[float, float]:
        """Return how many looks were no later than each bound."""
        bounds = {name: re.match(r'pantau_look_delay_seconds_bucket\{le="([^"]+)"', name) for name in self.said}
        return {float(bound[1]): self.said[name] for name, bound in bounds.items() if bound}


def bench() -> Iterator[dict[str, object]]:
    """Live through it, then compare."""
    with tempfile.TemporaryDirectory(prefix="pantau-soak-") as name:
        folder = Path(name)
        config = inventory.write_larger(ROOT / "inventory.yaml", SITES, folder / "inventory")
        city = inventory.load(config)
        with _town(folder, config) as daemon:
            samples = list(_live(daemon, city))
    if len(samples) < LEAST:
        raise SystemExit(f"bench soak: {len(samples)} samples are too few to compare: BENCH_MINUTES of 1 at least")
    quarter = len(samples) // 4
    for what, key, unit, goal in GROWTH:
        before, after = (
            statistics.median(each.said[key] for each in part) for part in (samples[quarter : 2 * quarter], samples[-quarter:])
        )
        yield {"bench": f"soak-{what}", "ours": after, "peer": "before", "theirs": before, "unit": unit, "goal": goal}
    late = 1000 * _percentile(samples[0].late(), samples[-1].late(), 0.99)
    yield {"bench": "soak-late", "ours": late, "peer": "the goal", "theirs": LATE, "unit": "ms at most", "goal": 1.0}
    yield {
        "bench": "soak-missed",
        "ours": len(_missed(samples[0], samples[-1], city)),
        "peer": "all",
        "theirs": len(city.checks),
        "unit": "checks",
        "goal": 0.0,
    }


@contextlib.contextmanager
def _town(folder: Path, config: Path) -> Iterator["Daemon"]:
    """Bring the city up, and down in the end."""
    os.environ |= {"XDG_RUNTIME_DIR": str(folder), "XDG_STATE_HOME": str(folder)}
    port, words = peers.free_port(), [str(Path(sys.executable).with_name("pantau")), "lab", "up", "--config", str(config)]
    with (folder / "log").open("wb") as log:
        city = subprocess.Popen([*words, "--listen", f"127.0.0.1:{port}", "--data-dir", str(folder / "data")], stdout=log, stderr=log)
    try:
        ends = time.monotonic() + READY
        while not _get(port, "/-/ready"):
            if city.poll() is not None or time.monotonic() > ends:
                raise SystemExit(f"bench soak: the city did not come up: {(folder / 'log').read_text()[-300:]}")
            time.sleep(1)
        yield Daemon(port, _serving(city.pid))
    finally:
        city.send_signal(signal.SIGINT)
        city.wait(60)


@dataclass(frozen=True)
class Daemon:
    """The daemon in the city."""

    port: int
    pid: int

    def sample(self) -> Sample:
        """Return what it says and how many threads it has."""
        text = _get(self.port, "/metrics")
        if not text:
            raise SystemExit("bench soak: the daemon does not answer any more")
        rows = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        threads = len(list(Path(f"/proc/{self.pid}/task").iterdir()))
        return Sample(time.monotonic(), {name: float(value) for name, _, value in rows} | {"threads": float(threads)})


def _live(daemon: Daemon, city: City) -> Iterator[Sample]:
    """Break and mend until the time is over, and tell what is seen."""
    chance, broken = random.Random(1), ""  # noqa: S311 - the same faults every time
    names = [node.id for node in city.nodes.values() if node.kind in KINDS]
    began = turn = time.monotonic()
    while (now := time.monotonic()) < began + 60 * MINUTES:
        if now >= turn:
            turn += EVERY
            _mend(broken, city)
            broken = chance.choice(names)
            client.app(broken, chance.choice(("slow", "500", "hang"))) if broken in city.applications else client.cut(broken)
        time.sleep(PAUSE)
        yield (seen := daemon.sample())
        said, looks, memory = seen.said, seen.looks().total(), seen.said["process_resident_memory_bytes"] / 2**20
        print(
            f"{(now - began) / 60:5.1f} min {memory:6.1f} MiB {said['process_open_fds']:4.0f} descriptors "
            f"{said['threads']:2.0f} threads {said['process_cpu_seconds_total']:6.1f} s CPU {looks:8} looks, broken: {broken}",
            file=sys.stderr,
        )
    _mend(broken, city)


def _mend(name: str, city: City) -> None:
    if name:
        (client.app if name in city.applications else client.restore)(name)


def _missed(first: Sample, last: Sample, city: City) -> list[str]:
    """Return the checks that were looked at less often than their interval says."""
    before, after, took = first.looks(), last.looks(), last.at - first.at
    return [check.id for check in city.checks.values() if after[check.id] - before[check.id] < math.floor(took / check.interval) - 1]


def _percentile(before: dict[float, float], after: dict[float, float], share: float) -> float:
    """Return the least bound below which at least this share of the looks since `before` is."""
    all_looks = after[math.inf] - before[math.inf]
    return next(bound for bound in sorted(after) if after[bound] - before[bound] >= share * all_looks)


def _get(port: int, path: str) -> str:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return str(answer.read().decode())
    return ""


def _serving(city: int) -> int:
    """Return the process of the daemon among those that a city started."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    family = {city}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return next(pid for pid in family if b"\0serve\0" in Path(f"/proc/{pid}/cmdline").read_bytes())
