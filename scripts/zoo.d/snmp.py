"""The devices of tests/zoo_snmp.py and zoo_snmp_v3.py beside bare pysnmp, net-snmp's commands and snmp_exporter.

Everybody asks for the same: three names of the system by GET and, where Pantau reads interfaces, ifTable by GETBULK, ten rows at a time
(by GETNEXT in version 1); after a second of silence once more. The agents live in this process, whoever looks in one of its own.
"""

import contextlib
import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bench_peers
import zoo_peers as peers
from zoo_peers import Case, Said, Well

from monitor.core.verdict import Outcome, Verdict
from monitor.probes import Vantage
from monitor.probes.deadline import look_at
from tests.agents import agent
from tests.agents_v3 import agent3
from tests.test_probes_snmp_zoo import TIMEOUT
from tests.zoo_snmp import DEVICES, LIARS, RECORDINGS, WELL, Animal, recordings
from tests.zoo_snmp_v3 import MAMMALS, Mammal

PAGE, CASE = "docs/zoo-snmp.md", "device"
PEERS = ("pysnmp", "net-snmp", "snmp_exporter")
SILENCE = 1
PATIENCE = 2.0 * SILENCE
SYSTEM = [f"1.3.6.1.2.1.1.{number}.0" for number in (1, 3, 5)]
TABLE, OPER = "1.3.6.1.2.1.2.2.1", 8
HEAD = """# The zoo of SNMP: what others say of the same devices

`tests/zoo_snmp.py` and `tests/zoo_snmp_v3.py` keep {count} devices as they are and as they must not be, three of them recordings of real
ones. `tests/test_probes_snmp_zoo.py` holds Pantau to the verdict, the reason, the values and the time of each, by both of its back ends.
Here the same devices were asked by bare pysnmp {pysnmp} (`get_cmd`, `bulk_walk_cmd`, `walk_cmd`), by net-snmp {netsnmp} (`snmpget`,
`snmpbulkwalk`, `snmpwalk`) and by snmp_exporter {exporter} too: three names of the system and, where Pantau reads interfaces, ifTable, ten
rows at a time; after {silence} s of silence once more. Pantau has the time that its test gives it, and asks as its users let it: version 2c
first, then 1, unless that is said. OK is whoever tells values and no error; **bold**: its OK or FAIL is not ours. Told besides: memory
that grew by more than {worth} MiB, time over {long:g} s, and who did not end within {longest:g} s.

Not ours is not always wrong: who never tries version 1 cannot hear a device that speaks nothing else, and who reports what came until then
from a table without end has not lied. Made anew by `scripts/zoo snmp`.
"""


@dataclass(frozen=True)
class Being:
    """A device of either file, with the case that it is."""

    case: Case
    who: Animal | Mammal

    @property
    def keys(self) -> dict[str, object]:
        """The keys of Pantau's look but for the port."""
        usual = {"read": "system"} if isinstance(self.who, Animal) else {"read": "system, interfaces", "user": "aman"}
        return {key: value for key, value in (usual | self.who.options).items() if key != "timeout"}

    @property
    def timeout(self) -> float:
        """What Pantau is given."""
        return float(str(self.who.options.get("timeout", TIMEOUT))) if isinstance(self.who, Animal) else self.who.timeout

    @property
    def version(self) -> str:
        """What the others speak: "1", "2c" or "3"."""
        return "3" if "user" in self.keys else str(self.keys.get("version", "2c"))

    @property
    def table(self) -> bool:
        """Whether interfaces are read."""
        return "interfaces" in str(self.keys["read"])

    @contextlib.asynccontextmanager
    async def awake(self) -> AsyncIterator[int]:
        """Let it listen; yields its port."""
        if isinstance(self.who, Mammal):
            async with agent3(WELL, self.who.who, self.who.twist) as (port, _):
                yield port
        else:
            async with agent(self.who.told(), self.who.answer, self.who.via) as (port, _):
                yield port


def case_of(who: Animal | Mammal) -> Case:
    """What the tests hold us to, by the back end `fast` where the two differ."""
    if isinstance(who, Mammal):
        return Case(f"v3: {who.name}", who.fast or who.verdict, None if who.fast else who.reason, PATIENCE)
    return Case(who.name, who.verdict, who.reason, PATIENCE)


def _beings(some: Sequence[Animal] | Sequence[Mammal]) -> list[Being]:
    return [Being(case_of(each), each) for each in some]


BEINGS = {
    "Recorded": _beings(recordings(RECORDINGS)),
    "Careless, and well": _beings(DEVICES),
    "Mute, lying, endless": _beings(LIARS),
    "Version 3": _beings(MAMMALS),
}
HOUSES = {house: [being.case for being in beings] for house, beings in BEINGS.items()}


def head() -> str:
    """What stands above the tables."""
    return HEAD.format(
        count=sum(map(len, HOUSES.values())),
        pysnmp=importlib.metadata.version("pysnmp"),
        netsnmp=peers.version("snmpget", "-V"),
        exporter=peers.version("prometheus-snmp-exporter"),
        silence=SILENCE,
        worth=peers.WORTH_SAYING,
        long=2 * PATIENCE,
        longest=peers.LONGEST_LOOK,
    )


async def as_pantau(asked: Mapping[str, object]) -> Well:
    """Look as the daemon does, by the reader that a city has which says nothing of it."""
    async with Vantage.of() as vantage:
        outcome = Outcome(Verdict.UNSURE)
        for _ in range(int(str(asked["looks"]))):
            outcome = await look_at("snmp", "127.0.0.1", dict(asked["keys"]), float(str(asked["timeout"])), vantage)  # type: ignore[call-overload]
        return peers.said_by_us(outcome)


async def as_pysnmp(asked: Mapping[str, object]) -> Well:
    """Ask as its documentation does."""
    from pyasn1.error import PyAsn1Error  # noqa: PLC0415 - only in its own process
    from pysnmp.error import PySnmpError  # noqa: PLC0415 - the same
    from pysnmp.hlapi.v3arch import asyncio as hlapi  # noqa: PLC0415 - the same

    try:
        return await _by_pysnmp(hlapi, asked)
    except (PySnmpError, PyAsn1Error, ValueError, TypeError) as error:
        return False, f"{type(error).__name__}: {error}"


async def _by_pysnmp(hlapi: ModuleType, asked: Mapping[str, object]) -> Well:
    version = str(asked["version"])
    who = _pysnmp_user(hlapi, asked["keys"]) if version == "3" else hlapi.CommunityData("public", mpModel=0 if version == "1" else 1)  # type: ignore[arg-type]
    target = await hlapi.UdpTransportTarget.create(("127.0.0.1", int(str(asked["port"]))), timeout=SILENCE, retries=1)
    way = (hlapi.SnmpEngine(), who, target, hlapi.ContextData())
    names = [hlapi.ObjectType(hlapi.ObjectIdentity(name)) for name in SYSTEM]
    trouble, status, _, rows = await hlapi.get_cmd(*way, *names, lookupMib=False)
    if trouble or status:
        return False, str(trouble or status.prettyPrint())
    told, root = len(rows), hlapi.ObjectType(hlapi.ObjectIdentity(TABLE))
    if asked["table"]:
        more = {"lexicographicMode": False, "lookupMib": False}
        walk = hlapi.walk_cmd(*way, root, **more) if version == "1" else hlapi.bulk_walk_cmd(*way, 0, 10, root, **more)
        async for trouble, status, _, rows in walk:
            if trouble or status:
                return False, str(trouble or status.prettyPrint())
            told += len(rows)
    return True, f"{told} values"


def _pysnmp_user(hlapi: ModuleType, keys: Mapping[str, object]) -> object:
    signed = {"authKey": keys["auth"], "authProtocol": hlapi.USM_AUTH_HMAC96_SHA} if "auth" in keys else {}
    return hlapi.UsmUserData(keys["user"], **signed)


async def as_netsnmp(being: Being, port: int) -> Said:
    """Ask as its commands do."""
    keys = being.keys
    signed = ["-lauthNoPriv", "-aSHA", f"-A{keys['auth']}"] if "auth" in keys else ["-lnoAuthNoPriv"]
    who = ["-v3", f"-u{keys['user']}", *signed] if being.version == "3" else [f"-v{being.version}", "-cpublic"]
    usual = [*who, f"-t{SILENCE}", "-r1", "-m", "", "-On", f"127.0.0.1:{port}"]
    commands = [[bench_peers.need("snmpget"), *usual, *SYSTEM]]
    if being.table:
        walk = ["snmpwalk"] if being.version == "1" else ["snmpbulkwalk", "-Cr10"]
        commands.append([bench_peers.need(walk[0]), *walk[1:], *usual, TABLE])
    spent, values = 0.0, 0
    for command in commands:
        code, told, seconds = await peers.command(command)
        spent += seconds
        values += len(re.findall(r"^\.1\.3\.[\d.]+ = ", told, re.MULTILINE))
        if code:
            return Said(well=False, words=_last(told), seconds=spent, patience=PATIENCE)
        if code is None:
            return Said(well=False, words=f"no end within {peers.LONGEST_LOOK:.0f} s", seconds=spent, patience=PATIENCE)
    return Said(well=True, words=f"{values} values", seconds=spent, patience=PATIENCE)


def _last(told: str) -> str:
    """The line that says why a command failed: the first that speaks of an error, or the last."""
    lines = [re.sub(r"( from)? ?127\.0\.0\.1:\d+", "", line).strip(" :.") for line in told.splitlines() if line.strip()]
    lines = [line for line in lines if not re.match(r"1\.3\.|Failed object|Error in packet", line)]
    return next((line for line in lines if re.search("error|reason|not increasing", line, re.IGNORECASE)), lines[-1] if lines else "died")


def module_of(being: Being) -> str:
    """The name of its module in snmp_exporter: by all that differs."""
    return re.sub(r"\W", "_", f"v{being.version}_{being.table}_{being.keys.get('user', '')}_{being.keys.get('auth', '')}")


def _module(being: Being) -> dict[str, object]:
    keys, metric = being.keys, {"type": "gauge", "help": "A value."}
    auth: dict[str, object] = {"community": "public"}
    if being.version == "3":
        signed = {"security_level": "authNoPriv", "password": keys["auth"], "auth_protocol": "SHA"} if "auth" in keys else {}
        auth = {"username": keys["user"], "security_level": "noAuthNoPriv", **signed}
    rows = {"name": "oper", "oid": f"{TABLE}.{OPER}", "indexes": [{"labelname": "row", "type": "gauge"}], **metric}
    return {
        "version": {"1": 1, "2c": 2, "3": 3}[being.version],
        "auth": auth,
        "get": SYSTEM,
        "timeout": f"{SILENCE}s",
        "retries": 1,
        "max_repetitions": 10,
        "metrics": [{"name": "uptime", "oid": SYSTEM[1].removesuffix(".0"), **metric}, *([rows] if being.table else [])],
        **({"walk": [TABLE]} if being.table else {}),
    }


@contextlib.contextmanager
def exporter(folder: Path) -> Iterator[tuple[int, int]]:
    """Run snmp_exporter; yields its process and its port."""
    config, port = folder / "snmp.yml", bench_peers.free_port()
    modules = {module_of(being): _module(being) for beings in BEINGS.values() for being in beings}
    config.write_text(json.dumps(modules), encoding="utf-8")  # JSON is YAML
    command = [bench_peers.need("prometheus-snmp-exporter"), f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    with subprocess.Popen([*command, "--log.level=error"], stderr=subprocess.DEVNULL) as process:
        try:
            bench_peers.await_port(port, process)
            yield process.pid, port
        finally:
            process.kill()


async def as_exporter(running: tuple[int, int], being: Being, port: int) -> Said:
    """Ask as Prometheus does."""
    told, seconds, memory = await peers.exporter(*running, "/snmp", module=module_of(being), target=f"127.0.0.1:{port}")
    values = len(re.findall(r"^(?:uptime|oper\{.*\}) ", told, re.MULTILINE))
    wrong = re.search(r"variableLabels: \[\]\}: (.*)|(no end within .*|Unknown module.*)", told)
    words = re.sub(r" ?(target )?127\.0\.0\.1:\d+", "", wrong[1] or wrong[2]) if wrong else f"{values} values"
    return Said(wrong is None and "snmp_scrape_duration_seconds" in told, words, seconds, PATIENCE, memory)


async def looks(folder: Path) -> AsyncIterator[tuple[Case, Sequence[Said]]]:
    """Yield each device with what each program said of it."""
    pantau, bare = (peers.Child(__file__, name) for name in ("pantau", "pysnmp"))
    with exporter(folder) as running:
        for being in (being for beings in BEINGS.values() for being in beings):
            asked = {"keys": being.keys, "version": being.version, "table": being.table}
            async with being.awake() as port:
                looks_of_ours = getattr(being.who, "looks", 1)
                ours = await pantau.look(being.timeout, keys={**being.keys, "port": port}, timeout=being.timeout, looks=looks_of_ours)
            async with being.awake() as port:
                by_pysnmp = await bare.look(PATIENCE, port=port, **asked)
            async with being.awake() as port:
                by_netsnmp = await as_netsnmp(being, port)
            async with being.awake() as port:
                yield being.case, (ours, by_pysnmp, by_netsnmp, await as_exporter(running, being, port))
    await pantau.end()
    await bare.end()


if __name__ == "__main__":
    peers.serve({"pantau": as_pantau, "pysnmp": as_pysnmp}[sys.argv[1]])
