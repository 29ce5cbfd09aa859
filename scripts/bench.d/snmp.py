"""SNMP beside snmp_exporter and net-snmp's own commands: GET of 10 values and a walk of 1,000, of one snmpd, by 2c and by 3 (SHA, AES).

What is measured is CPU (user and system) a look. Ours is that of this process: `look` with its verdict for GET, as the daemon looks;
for the walk, which no look makes of one column alone, the sockets, the walk and its checks. `ours` is `fast`, `pysnmp` is told beside it.
snmp_exporter's is from /proc, asked by its HTTP API over one kept connection, its serving of the answer included (that is how it is
used; max_repetitions 25, its default). net-snmp's is a command a look, its start included (`snmpget`, `snmpbulkwalk -Cr25`, no MIBs).
snmpd's own CPU counts for none.

`snmp-hold-3` is how long `pysnmp` holds the loop at most (version 3; the first look at a device, those that follow, and a walk): the worst
turn of the loop, by its own CPU, the goal of 5 ms in the peer's place.
"""

import asyncio
import http.client
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bench_peers as peers
from bench_turns import Watch

ROUNDS = 3
GETS, WALKS, COMMANDS = 1500, 60, 8
SLOWLY = 10
"""A tenth of that for pysnmp, which takes so much longer. The others' need their number: the kernel counts their CPU by 10 ms."""
HELD_GETS = 20
ROWS, VALUES = 1000, 10
COLUMN = (1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 1)
AUTH, PRIV = "rahasia-otentikasi", "rahasia-penyandian"
KEYS: dict[str, dict[str, object]] = {"2c": {"community": "kota", "version": "2c"}, "3": {"user": "aman", "auth": AUTH, "priv": PRIV}}
COMMAND = {
    "2c": ["-v2c", "-ckota"],
    "3": ["-v3", "-uaman", "-lauthPriv", "-aSHA", f"-A{AUTH}", "-xAES", f"-X{PRIV}"],
}
EXPORTER = {
    "2c": {"version": 2, "auth": {"community": "kota"}},
    "3": {
        "version": 3,
        "auth": {
            "security_level": "authPriv",
            "username": "aman",
            "password": AUTH,
            "auth_protocol": "SHA",
            "priv_protocol": "AES",
            "priv_password": PRIV,
        },
    },
}
GOALS = {"get": 0.25, "walk": 0.55}
HOLD = 5.0
"""Milliseconds."""


def bench() -> Iterator[dict[str, object]]:
    """Measure all sides against one snmpd, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _snmpd(folder) as port, _exporter(folder) as exporter:
            held = round(min(_held({**KEYS["3"], "port": port, "backend": "pysnmp"}) for _ in range(ROUNDS)), 1)
            yield {"bench": "snmp-hold-3", "ours": held, "unit": "ms", "peer": "goal", "theirs": HOLD, "goal": 1.0}
            for what in ("get", "walk"):
                for version in KEYS:
                    rounds = [_round(what, version, port, exporter) for _ in range(ROUNDS)]
                    fast, plain, theirs, command = (round(1e6 * min(side), 1) for side in zip(*rounds, strict=True))
                    row = {"bench": f"snmp-{what}-{version}", "ours": fast, "pysnmp": plain, "unit": "us/look"}
                    yield row | {"peer": "snmp_exporter", "theirs": theirs, "goal": GOALS[what]}
                    yield row | {"peer": "net-snmp", "theirs": command, "goal": 1.0}


def _round(what: str, version: str, port: int, exporter: "Exporter") -> tuple[float, float, float, float]:
    from monitor.garbage import quieten  # noqa: PLC0415 - a bench loads what it measures

    ours, count = (_get, GETS) if what == "get" else (_walk, WALKS)
    quieten()  # as the daemon does
    fast = asyncio.run(ours({**KEYS[version], "port": port, "backend": "fast"}, count))
    plain = asyncio.run(ours({**KEYS[version], "port": port, "backend": "pysnmp"}, count // SLOWLY))
    return fast, plain, exporter.cost(f"{what}{version}", port, count), _command(what, version, port)


async def _get(keys: dict[str, object], looks: int) -> float:
    from monitor.core.city import Check  # noqa: PLC0415 - a bench loads what it measures
    from monitor.core.rules import Grade  # noqa: PLC0415
    from monitor.probes import Vantage  # noqa: PLC0415
    from monitor.probes.deadline import look  # noqa: PLC0415

    keys = {**keys, "read": [_dotted(number) for number in range(1, VALUES + 1)]}
    check = Check("bench/snmp", "bench", "snmp", "127.0.0.1", Grade.FIBRE, 60.0, 5.0, keys)
    async with Vantage.of() as vantage:

        async def one() -> None:
            outcome = await look(check, vantage)
            read = outcome.values.get("oids")
            if outcome.verdict != "OK" or not isinstance(read, dict) or len(read) != VALUES:
                raise SystemExit(f"bench snmp: {outcome}")

        await one()
        before = peers.own_cpu()
        for _ in range(looks):
            await one()
        return (peers.own_cpu() - before) / looks


async def _walk(keys: dict[str, object], walks: int) -> float:
    from monitor.probes import Vantage, read_options  # noqa: PLC0415 - a bench loads what it measures
    from monitor.probes.attempt import Attempt  # noqa: PLC0415
    from monitor.probes.snmp import Devices, agent_of  # noqa: PLC0415
    from monitor.probes.snmp_walk import walk  # noqa: PLC0415

    options = read_options("snmp", keys)
    async with Vantage.of() as vantage:
        memory = vantage.share(Devices).of("127.0.0.1", options)

        async def one() -> None:
            agent = agent_of(options, memory, vantage, Attempt(30.0))
            await agent.open("127.0.0.1", options.port)
            found = await walk(agent, COLUMN)
            agent.close()
            if len(found) != ROWS:
                raise SystemExit(f"bench snmp: {len(found)} of {ROWS} rows")

        await one()
        before = peers.own_cpu()
        for _ in range(walks):
            await one()
        return (peers.own_cpu() - before) / walks


def _held(keys: dict[str, object]) -> float:
    """The worst turn of the loop in milliseconds, in a few looks and a walk; what Python collects of garbage in between is not told."""
    watch = Watch()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(watch)) as runner:
        runner.run(_get(keys, HELD_GETS))
        runner.run(_walk(keys, 1))
    return watch.taken()


def _command(what: str, version: str, port: int) -> float:
    target = [f"127.0.0.1:{port}"]
    names = [_dotted(number) for number in range(1, VALUES + 1)] if what == "get" else [".".join(map(str, COLUMN))]
    program = [peers.need("snmpget")] if what == "get" else [peers.need("snmpbulkwalk"), "-Cr25"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(COMMANDS):
        told = subprocess.run([*program, *COMMAND[version], "-m", "", *target, *names], capture_output=True, check=True).stdout
        if len(told.splitlines()) != (VALUES if what == "get" else ROWS):
            raise SystemExit(f"bench snmp: {program[0]} reads {len(told.splitlines())} values")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / COMMANDS


def _dotted(number: int) -> str:
    return ".".join(map(str, (*COLUMN, number)))


@contextmanager
def _snmpd(folder: Path) -> Iterator[int]:
    """Run net-snmp's agent with one column of 1,000 rows."""
    port, config = peers.free_port(), folder / "snmpd.conf"
    rows = [f"override {_dotted(number)} integer {number}" for number in range(1, ROWS + 1)]
    user = f'createUser aman SHA "{AUTH}" AES "{PRIV}"\nrouser aman priv'
    config.write_text("\n".join(["dontLogTCPWrappersConnects yes", "rocommunity kota 127.0.0.1", user, *rows, ""]), encoding="utf-8")
    command = [peers.need("snmpd"), "-f", "-C", "-c", str(config), "-Le", "-I", "-smux", f"udp:127.0.0.1:{port}"]
    surroundings = {**os.environ, "SNMP_PERSISTENT_DIR": str(folder / "memory"), "MIBS": ""}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=surroundings) as process:
        try:
            while process.stderr is not None and b"NET-SNMP version" not in (line := process.stderr.readline()):
                if not line:
                    raise SystemExit("bench snmp: snmpd ended")
            yield port
        finally:
            process.kill()


@dataclass(frozen=True)
class Exporter:
    """A running snmp_exporter, asked by its HTTP API over one kept connection."""

    pid: int
    port: int

    def cost(self, module: str, agent: int, looks: int) -> float:
        """Seconds of its CPU a look; every one must tell all values."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        self._look(connection, module, agent)
        before = peers.cpu_of(self.pid)
        for _ in range(looks):
            self._look(connection, module, agent)
        spent = peers.cpu_of(self.pid) - before
        connection.close()
        return spent / looks

    def _look(self, connection: http.client.HTTPConnection, module: str, agent: int) -> None:
        connection.request("GET", "/snmp?" + urlencode({"module": module, "target": f"127.0.0.1:{agent}"}))
        told = connection.getresponse().read()
        if told.count(b"\nvalue{") != (VALUES if module.startswith("get") else ROWS):
            raise SystemExit(f"bench snmp: snmp_exporter tells {told[-300:]!r}")


@contextmanager
def _exporter(folder: Path) -> Iterator[Exporter]:
    """Run snmp_exporter with a module for each of what is measured."""
    metric = {
        "name": "value",
        "oid": ".".join(map(str, COLUMN)),
        "type": "gauge",
        "help": "A value.",
        "indexes": [{"labelname": "row", "type": "gauge"}],
    }
    asked: dict[str, dict[str, Sequence[str]]] = {
        "get": {"get": [_dotted(number) for number in range(1, VALUES + 1)]},
        "walk": {"walk": [".".join(map(str, COLUMN))]},
    }
    modules = {what + version: {**asked[what], **EXPORTER[version], "metrics": [metric]} for what in asked for version in EXPORTER}
    config, port = folder / "snmp.yml", peers.free_port()
    config.write_text(json.dumps(modules), encoding="utf-8")  # JSON is YAML
    command = [
        peers.need("prometheus-snmp-exporter"),
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            peers.await_port(port, process)
            yield Exporter(process.pid, port)
        finally:
            process.kill()
