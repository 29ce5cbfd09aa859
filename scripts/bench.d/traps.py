"""A storm of SNMP traps upon a running receiver and schedule, and whether the looks stay on time and what should be seen is seen.

PER_SECOND traps a second for SECONDS (`PANTAU_BENCH_SECONDS` shortens it) come from another process over loopback: half from one device
of the city, the rest from fifty others and from strangers, all with the right community. Meanwhile the daemon's own road (`Schedule`
with its timeline and limits, `look_many`, a receiver as the daemon has it) pings 500 addresses once a second each, and once a second a
device that is looked at by the hour sends one trap. The goal itself stands in the peer's place: ratios at most 1 hold.

`traps-late`: how late the looks in their turn were sent, the 99th of a hundred; `quiet` is the same before the storm, which is what
others on the machine do. `traps-cpu`: CPU of our process in the storm beyond what the looks alone cost before it, in percent of a core
(the kernel's part of receiving with it). `traps-missed`: lone traps whose device was not looked at within SOON, and looks that failed.
"""

import asyncio
import gc
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import bench_peers as peers  # noqa: E402 - beside bench.py, found by the line above

from monitor.core.city import Check, City, Kind, Node  # noqa: E402
from monitor.core.events import ProbeResult  # noqa: E402
from monitor.core.rules import Grade  # noqa: E402
from monitor.core.traps import Fate, Traps  # noqa: E402
from monitor.core.verdict import Verdict  # noqa: E402
from monitor.daemon.timeline import Timeline  # noqa: E402
from monitor.probes import Vantage, ber  # noqa: E402
from monitor.probes.deadline import look, look_many  # noqa: E402
from monitor.schedule import Schedule  # noqa: E402
from monitor.schedule.agenda import next_phase  # noqa: E402
from monitor.traps import Receiver  # noqa: E402
from monitor.traps.message import TRAP_OID  # noqa: E402

SECONDS = float(os.environ.get("PANTAU_BENCH_SECONDS", "60"))
PER_SECOND, QUIET = 10_000, 5.0
LOOKED_AT = [f"127.1.{number // 250}.{1 + number % 250}" for number in range(500)]
STORMING = [f"127.2.0.{1 + number}" for number in range(51)]
STRANGERS = [f"127.3.0.{1 + number}" for number in range(9)]
LONE = [f"127.4.0.{1 + number % 250}" for number in range(max(1, int(SECONDS) - 1))]
LATE, SHARE, SOON = 50.0, 25.0, 0.2
UPTIME, LINK_DOWN = (1, 3, 6, 1, 2, 1, 1, 3, 0), (1, 3, 6, 1, 6, 3, 1, 1, 5, 3)


def bench() -> Iterator[dict[str, object]]:
    """Run the storm once and yield what it did."""
    gc.collect()
    storm = Storm()
    asyncio.run(storm.run())
    late, quiet = storm.late[True], storm.late[False]
    counts = {fate.value: storm.counts[fate] for fate in Fate if storm.counts[fate]}
    yield _row("traps-late", _at(late, 0.99), LATE, "ms", quiet=_at(quiet, 0.99), looks=len(late), median=_at(late, 0.5), worst=max(late))
    yield _row("traps-cpu", storm.share, SHARE, "percent of a core", sent=storm.sent, heard=sum(counts.values()), **counts)
    missed = len(LONE) - storm.seen + storm.failed
    yield _row("traps-missed", missed, len(LONE), "traps and looks", lone=len(LONE), failed=storm.failed) | {"goal": 0.0}


def _row(name: str, ours: float, goal: float, unit: str, **more: object) -> dict[str, object]:
    return {"bench": name, "ours": round(ours, 2), "peer": "the goal", "theirs": goal, "unit": unit, "goal": 1.0} | more


def _at(late: list[float], share: float) -> float:
    return sorted(late)[int(share * len(late))]


def _trap() -> bytes:
    names = [(UPTIME, ber.integer(5, 0x43)), (TRAP_OID, ber.oid(LINK_DOWN))]
    values = ber.tlv(ber.SEQUENCE, b"".join(ber.tlv(ber.SEQUENCE, ber.oid(name) + value) for name, value in names))
    pdu = ber.tlv(0xA7, ber.integer(1) + ber.integer(0) + ber.integer(0) + values)
    return ber.tlv(ber.SEQUENCE, ber.integer(1) + ber.tlv(ber.OCTETS, b"kota") + pdu)


def _city() -> City:
    checks = [_check(address, 1.0) for address in (*LOOKED_AT, *STORMING)] + [_check(address, 3600.0) for address in LONE]
    nodes = {check.node: Node(check.node, Kind.KELURAHAN, check.node, checks=(check.id,), address=check.node) for check in checks}
    traps = Traps(("127.0.0.1:0",), ("!env PANTAU_BENCH_COMMUNITY",))
    return City("", nodes=nodes, checks={check.id: check for check in checks}, traps=traps)


def _check(address: str, interval: float) -> Check:
    return Check(f"{address}/icmp", address, "icmp", address, Grade.FIBRE, interval, 1.0)


class Storm:
    """One run: what was sent, how late looks in their turn were, and which lone traps were acted upon."""

    def __init__(self) -> None:
        os.environ["PANTAU_BENCH_COMMUNITY"] = "kota"
        self._clock, self._city = Timeline(), _city()
        self._regular = {f"{address}/icmp": self._city.checks[f"{address}/icmp"] for address in LOOKED_AT}
        self._told: dict[str, float] = {}
        self._storming = False
        self.late: dict[bool, list[float]] = {True: [], False: []}
        self.seen = self.failed = self.sent = 0
        self.share = 0.0

    async def run(self) -> None:
        """Be quiet for a while, storm, and count."""
        async with Vantage.of() as vantage:
            schedule = Schedule(
                self._clock, lambda check: look(check, vantage), self._looked, many=lambda some, told: look_many(some, vantage, told)
            )
            receiver = Receiver(self._clock, schedule.verify)
            schedule.start(self._city.checks.values())
            receiver.change(self._city)
            gc.freeze()  # as the daemon does
            await asyncio.sleep(2)  # the first looks read their options
            self.late[False].clear()
            quiet = await self._cpu(QUIET)
            self._storming = True
            storm = await asyncio.create_subprocess_exec(
                sys.executable, "-P", __file__, str(receiver.ears[0].port), str(SECONDS), stdout=subprocess.PIPE, cwd=ROOT
            )
            lone = asyncio.create_task(self._lone(receiver.ears[0].port))
            self.share = 100 * (await self._cpu(SECONDS) - quiet)
            self.sent = int((await storm.communicate())[0]) + await lone
            await asyncio.sleep(2)  # the last words are heard
            receiver.close()
            await schedule.stop()
        self.counts = receiver.counts

    async def _cpu(self, seconds: float) -> float:
        before, began = peers.own_cpu(), time.monotonic()
        await asyncio.sleep(seconds)
        return (peers.own_cpu() - before) / (time.monotonic() - began)

    async def _lone(self, port: int) -> int:
        for address in LONE:
            await asyncio.sleep(1)
            self._told[f"{address}/icmp"] = self._clock.now()
            _send([address], port, 1)
        return len(LONE)

    def _looked(self, result: ProbeResult) -> None:
        self.failed += result.verdict is not Verdict.OK
        told = self._told.get(result.check)
        if told is not None and -0.001 <= result.sent - told <= SOON:
            self.seen += 1
        check = self._regular.get(result.check)
        if check is not None:
            due = next_phase(check, result.sent - check.interval + 0.001)
            self.late[self._storming].append(round(1000 * max(0.0, result.sent - due), 1))


def _send(sources: Sequence[str], port: int, number: int) -> None:
    trap = _trap()
    for source in sources:
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.bind((source, 0))
            for _ in range(number):
                sock.sendto(trap, ("127.0.0.1", port))


def _storm(port: int, seconds: float) -> int:
    """Send from one device every second trap, from all others in turn the rest; return how many."""
    trap, sent, began = _trap(), 0, time.monotonic()
    made = [socket.socket(type=socket.SOCK_DGRAM) for _ in (*STORMING, *STRANGERS)]
    for sock, source in zip(made, (*STORMING, *STRANGERS), strict=True):
        sock.bind((source, 0))
    while (passed := time.monotonic() - began) < seconds:
        while sent < passed * PER_SECOND:
            sock = made[0] if sent % 2 else made[1 + sent // 2 % (len(made) - 1)]
            sock.sendto(trap, ("127.0.0.1", port))
            sent += 1
        time.sleep(0.001)
    return sent


if __name__ == "__main__":
    print(_storm(int(sys.argv[1]), float(sys.argv[2])))
