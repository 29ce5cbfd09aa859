"""The whole daemon, as `pantau serve` runs it, in a network namespace of its own: what it costs beside the goals of its makers.

Inventory from a file, judge, journal on disk and pages, nothing left out; nobody asks for a page while it is measured. Counted is what
/proc says of that process and its threads from one moment to the other, WARM_UP seconds after it says that it has started, a look
(`us_look`), times the looks that the inventory asks for a second: so a machine that is busy with others, where fewer are made (`made`, of
those due), does not flatter us. Its peers' CPU counts for nothing, but what the kernel does to answer a ping does: on loopback that is
charged to whoever sends. Loss and lateness (sent, after the phase of the check) are read from its own journal; the latter needs a machine
that is left in peace. The goal itself stands in the peer's place: ratios at most 1 hold.

`daemon-icmp`: 100,000 addresses of 127.0.0.0/8 behind ten routers, one packet to each every 10 s. `scrape` beside it is the CPU of one
scrape of its metrics, looks meanwhile included, `scraped` the memory that it took at most.

`daemon-city`: the rehearsal city with 500 sites, all of its checks at their usual intervals, SNMP by `fast` every 60 s; all addresses are
of this one machine, where net-snmp's agent (nine ports), pages as the lab's applications have them, over TLS, and a name server answer.

Not in it: the moving of looks to the tape, which begins after an hour. `daemon-tape` tells it apart: CPU a look, an hour of 360 looks a
check, from the log to the tape and off the log, in this process: at 10,000 looks a second, 10 us are a tenth of a core. Its goal is ours:
about what `daemon-icmp` leaves of half a core.
"""

import asyncio
import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import bench_peers as peers  # noqa: E402 - beside bench.py, found by the line above

from monitor.core.city import City  # noqa: E402
from monitor.core.events import ProbeResult  # noqa: E402
from monitor.core.verdict import ANSWERED, Verdict  # noqa: E402
from monitor.inventory import load, write_larger  # noqa: E402
from monitor.journal.codec import row_of  # noqa: E402
from monitor.journal.compaction import HOUR, Keep  # noqa: E402
from monitor.journal.folder import Ballast, make  # noqa: E402
from monitor.journal.store import Store  # noqa: E402
from monitor.lab.apps import Apps  # noqa: E402
from monitor.lab.certificates import Authority  # noqa: E402
from monitor.lab.names import Names  # noqa: E402
from monitor.schedule.agenda import next_phase  # noqa: E402

TARGETS, SITES, ROUTERS = 100_000, 500, 10
WARM_UP, MEASURED = {"icmp": 20.0, "city": 65.0}, {"icmp": 60.0, "city": 60.0}
CORES, MEMORY, LATE, TAPE = {"icmp": 0.5, "city": 0.08}, 1024.0, 50.0, 12.0
CHECKS, LOOKS = 50, 360
RESOLVER, HUB, NETWORK = "198.18.0.53", "198.18.0.1", "198.18.0.0/15"
PORTS = 9
INSIDE = f"""
ip link set lo up && sysctl -qw net.ipv4.ping_group_range='0 0' net.ipv4.ip_unprivileged_port_start=0 && ip route add local {NETWORK} dev lo
for port in $(seq {PORTS}); do
    ip link add ether$port type veth peer name other$port && ip link set ether$port up && ip link set other$port up
done
exec "$0" "$@"
"""
CREDENTIALS = {"snmp": "kota", "telegram": "123456789:0", "telegram-chat": "-1"}


def bench() -> Iterator[dict[str, object]]:
    """Measure in a namespace where all addresses are ours, and yield the comparisons."""
    for program in ("snmpd", "unshare", "ip"):
        peers.need(program)
    command = ["unshare", "-rn", "sh", "-c", INSIDE, sys.executable, "-P", __file__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as inside:
        for line in inside.stdout or ():
            yield json.loads(line)
    if inside.returncode:
        raise SystemExit("bench daemon: it broke off, or no network namespace of our own can be had here (unshare -rn)")
    yield _row("daemon-tape", _tape(), TAPE, "us/look")


def _row(bench: str, ours: float, goal: float, unit: str, **more: object) -> dict[str, object]:
    return {"bench": bench, "ours": round(ours, 4), "peer": "the goal", "theirs": goal, "unit": unit, "goal": 1.0} | more


# -- the cities


def _many(folder: Path) -> Path:
    """An inventory of very many sites that only answer pings."""
    lines = [
        "city: {name: Besar, utc_offset: 7}",
        "classes: {fibre: {interval: 10s, timeout: 2s}, core: {interval: 10s, timeout: 2s}}",
        "hub: {name: Hub, address: 127.0.0.2}",
        "receivers: {layar: {channel: webhook, name: Layar, url: 'http://127.0.0.1:9/'}}",
        "routes: [{to: layar}]",
        "sites:",
        *(
            f"  kec-{number}: {{name: Kecamatan {number}, via: hub, link: fibre, address: 127.0.1.{number + 1}}}"
            for number in range(ROUTERS)
        ),
    ]
    for number in range(TARGETS):
        address = f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"
        lines.append(f"  kel-{number}: {{name: K{number}, via: kec-{number * ROUTERS // TARGETS}, link: fibre, address: {address}}}")
    path = folder / "inventory.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@contextlib.asynccontextmanager
async def _city(folder: Path) -> AsyncIterator[Path]:
    """The rehearsal city with more sites, and all that answers in it, at all of its addresses at once."""
    os.environ.update(PANTAU_CITY="1", PANTAU_CITY_CA=str(folder / "ca.pem"), CREDENTIALS_DIRECTORY=str(folder))
    for name, secret in CREDENTIALS.items():
        (folder / name).write_text(secret, encoding="utf-8")
    config = write_larger(ROOT / "inventory.yaml", SITES, folder / "larger")
    city = load(config)
    with _snmpd(folder):
        async with _pages(city, Authority(folder)):
            await _names(city)
            yield config


@contextlib.contextmanager
def _snmpd(folder: Path) -> Iterator[None]:
    """Run net-snmp's agent at every address: it answers from the one that was asked."""
    config = folder / "snmpd.conf"
    config.write_text(f"dontLogTCPWrappersConnects yes\nrocommunity {CREDENTIALS['snmp']}\n", encoding="utf-8")
    command = [peers.need("snmpd"), "-f", "-C", "-c", str(config), "-Le", "-I", "-smux", "udp:161"]
    surroundings = {**os.environ, "SNMP_PERSISTENT_DIR": str(folder / "memory"), "MIBS": ""}
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=surroundings) as process:
        try:
            yield
        finally:
            process.kill()


@contextlib.asynccontextmanager
async def _pages(city: City, authority: Authority) -> AsyncIterator[None]:
    """Serve the pages of the applications over TLS, each with a certificate of its name."""
    apps = Apps(city)
    contexts = {name: authority.context(name) for name in apps.hosts}
    first = next(iter(contexts.values()))
    first.sni_callback = lambda connection, name, _: setattr(connection, "context", contexts.get(name, first))

    async def answer(request: web.Request) -> web.StreamResponse:
        return await apps.answer(apps.hosts[request.host], request)

    pages = web.Application()
    pages.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(pages, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 443, ssl_context=first).start()  # noqa: S104 - the namespace is ours alone
    try:
        yield
    finally:
        await runner.cleanup()


async def _names(city: City) -> None:
    """Answer for the names of the applications; those of the receivers, to whom nothing is sent, are the hub's."""
    names = dict.fromkeys(("layar.pantau.test", "telegram.pantau.test", "surel.pantau.test"), HUB)
    for host, app in Apps(city).hosts.items():
        names[host] = city.nodes[app].address or HUB
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: Names(names), local_addr=(RESOLVER, 53))


# -- the daemon, and what is known of it


@dataclass(frozen=True)
class Measured:
    """A stretch of a daemon's life: seconds, of CPU too, looks due a second and made, p99 of lateness, MiB at its end and at most.

    `scrape` is the CPU of one scrape after it, and `scraped` the MiB at most since then.
    """

    seconds: float
    cpu: float
    due: float
    verdicts: Counter[str]
    late: float
    memory: float
    most: float
    scrape: float
    scraped: float

    @property
    def a_look(self) -> float:
        """Seconds of CPU a look."""
        return self.cpu / max(1, self.verdicts.total())


async def _measure(name: str, config: Path, data: Path) -> Measured:
    port = peers.free_port()
    async with _daemon(config, data, port) as pid:
        await asyncio.sleep(WARM_UP[name])
        before, since = peers.cpu_of(pid), time.time()
        await asyncio.sleep(MEASURED[name])
        spent, until = peers.cpu_of(pid) - before, time.time()
        memory, most = _memory(pid)
        scrape = await asyncio.to_thread(_scrape, pid, port)
        _, scraped = _memory(pid)
    city = load(config)
    due = sum(1 / check.interval for check in city.checks.values())
    return Measured(until - since, spent, due, *_looked(data, city, since, until), memory, most, scrape, scraped)


@contextlib.asynccontextmanager
async def _daemon(config: Path, data: Path, port: int) -> AsyncIterator[int]:
    """Run it, from when it says that it has started to the end of the block, where it ends in order."""
    command = [str(ROOT / ".venv/bin/pantau"), "serve", "--config", str(config), "--data-dir", str(data), "--listen", f"127.0.0.1:{port}"]
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
    try:
        await _started(process)
        reading = asyncio.create_task(process.communicate())  # who writes a log must have a reader
        yield process.pid
        process.terminate()
        await reading
    finally:
        if process.returncode is None:
            process.kill()


async def _started(process: asyncio.subprocess.Process) -> None:
    """Return when it says that it has started; what it says after that is nobody's."""
    while process.stderr and (line := (await process.stderr.readline()).decode()):
        print(line, end="", file=sys.stderr)
        if "event=started" in line:
            return
    raise SystemExit("bench daemon: it ended before it had started")


def _memory(pid: int) -> tuple[float, float]:
    """MiB of memory of a process, now and at most (proc(5), VmRSS and VmHWM)."""
    said = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    now, most = (int(found.group(1)) / 1024 for found in (re.search(rf"{name}:\s+(\d+) kB", said) for name in ("VmRSS", "VmHWM")) if found)
    return now, most


def _scrape(pid: int, port: int) -> float:
    """Seconds of the daemon's CPU that one scrape costs, with what it does besides meanwhile."""
    before = peers.cpu_of(pid)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=120) as answer:
        answer.read()
    return peers.cpu_of(pid) - before


def _looked(data: Path, city: City, since: float, until: float) -> tuple[Counter[str], float]:
    """What the journal holds of that time: looks by verdict, and the p99 of how long after its phase each was sent."""
    verdicts: Counter[str] = Counter()
    late: list[float] = []
    with contextlib.closing(sqlite3.connect(f"file:{data}/journal.db?mode=ro", uri=True)) as db:
        for subject, body in db.execute("SELECT subject, body FROM log WHERE kind = 'looked' AND at BETWEEN ? AND ?", (since, until)):
            look, check = json.loads(body), city.checks[subject]
            verdicts[look["verdict"]] += 1
            late.append((look["sent"] - next_phase(check, 0.0) + 0.001) % check.interval)
    return verdicts, sorted(late)[int(0.99 * len(late))] if late else 0.0


def _rows(name: str, found: Measured) -> Iterator[dict[str, object]]:
    made = found.verdicts.total() / found.due / found.seconds
    lost = found.verdicts.total() - sum(found.verdicts[verdict] for verdict in ANSWERED)
    beside = {"us_look": round(1e6 * found.a_look, 2), "made": round(made, 3), "scrape": round(found.scrape, 2)}
    yield _row(f"daemon-{name}", found.a_look * found.due, CORES[name], "core", **beside)
    yield _row(f"daemon-{name}-memory", found.memory, MEMORY, "MiB", most=round(found.most), scraped=round(found.scraped))
    yield _row(f"daemon-{name}-late", 1000 * found.late, LATE, "ms")
    yield _row(f"daemon-{name}-loss", lost, 1.0, "looks", **dict(found.verdicts)) | {"goal": 0.0}


def _tape() -> float:
    """Seconds of CPU that one look costs on its way from the log to the tape, and off the log."""
    with tempfile.TemporaryDirectory(prefix="pantau-bench-") as name:
        folder = Path(name)
        make(folder)
        store = Store(folder / "journal.db", Ballast(folder), Keep())
        for number in range(LOOKS):
            looks = [
                ProbeResult(f"kel-{check}/icmp", at, round(at + 0.004, 3), Verdict.OK, None, 0.00384, "", {"sent": 1, "received": 1})
                for check in range(CHECKS)
                for at in (round(HOUR * 497_000 + number * 10.0 + check / 100, 3),)
            ]
            store.append([row_of(look) for look in looks])
        store.append([row_of(ProbeResult("kel-0/icmp", HOUR * 497_003.0, HOUR * 497_003.0, Verdict.OK))])
        store.keep_snapshot(store.last, HOUR * 497_003.0, b"")
        before = time.process_time()
        while store.tidy():
            pass
        spent = time.process_time() - before
        store.close()
    return 1e6 * spent / (CHECKS * LOOKS)


async def _inside() -> None:
    with tempfile.TemporaryDirectory(prefix="pantau-bench-") as name:
        folder = Path(name)
        for row in _rows("icmp", await _measure("icmp", _many(folder), folder / "many")):
            print(json.dumps(row), flush=True)
        async with _city(folder) as config:
            for row in _rows("city", await _measure("city", config, folder / "city")):
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    asyncio.run(_inside())
