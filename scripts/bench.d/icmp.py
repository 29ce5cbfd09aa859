"""ICMP beside fping and blackbox_exporter, over the same addresses of 127.0.0.0/8, in a network namespace of its own.

What is measured is CPU (user and system) a look, and in it what the kernel does to answer: on loopback that is charged
to whoever sends. `icmp-flood`: one packet to each of 10,000 addresses, `ping_many` in a running process (as `pantau ping
--spacing 0` does it) beside the whole process of `fping -q -c1 -i0` (its start costs 0.1 us a look);
`command` is ours as a whole process, interpreter and
output included, its modules compiled as those of an installed program are. `icmp-blackbox`: the same flood beside
blackbox_exporter asked by its HTTP API over one connection, its own CPU from /proc. `icmp-paced`: to the same addresses at 5,000 a second
(`spacing`, `-i0.2`): fping wakes up for each packet, we every 10 ms for 50 of them. `look` is the daemon's road, as below, at that pace.

`icmp-look` and `icmp-look-blackbox`: the daemon's own road over the same 10,000 addresses, each looked at once a second, so at the
pace of 100,000 targets every 10 s: `Schedule` with its timeline, heartbeat, agenda and limits, `look_many` with options, time-outs and
verdicts, to the ProbeResult that its sink is given. All CPU of the process from one 10,000th result to the next counts; not in it:
the start and the first look of each (which reads its options), and what is done with a result after that (engine and journal).
`paced` beside it is the same at 1,000 looks a second (every 2 s at 2,000 addresses), `fping_paced` what `fping -q -c1 -i1` takes to
send as many: there both wake up cold for a few packets, which is most of what they cost. It is told, not held to a goal. On
loopback the replies to what is sent together come together; where they come one by one, a waking each comes on top.

`icmp-three`: the same road where a look is three packets 50 ms apart, 2,000 addresses every second; CPU a packet.

`icmp-rtt`: how far our round trips are from those that fping finds at rest (its median), at the 99th percentile, while our loop stands
still for 100 ms every second, each time just after packets were sent: a tenth of all replies lies there until the end. fping sends one
by one, each over a way that sleeps (35 us), we 20 at once, of which only the first wakes it (3 us). Not CPU but time,
so it needs a machine that is left in peace; the goal itself stands in the peer's place, and `fping` beside it is its own p99, `worst` our
worst.

All figures are the least of ROUNDS rounds, of FEW_ROUNDS where a round takes seconds; a flood of ours and one of fping take turns
on one processor, so that a machine that becomes slower does so for both.
"""

import asyncio
import gc
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import bench_peers as peers  # noqa: E402 - beside bench.py, found by the line above

MANY = 10_000
FEW = 2_000
VOLLEY, VOLLEYS = 20, 50
ROUNDS, FEW_ROUNDS = 9, 3
PACE = 5000
INSIDE = 'ip link set lo up && sysctl -qw net.ipv4.ping_group_range=\'0 0\' && exec "$0" "$@"'


def bench() -> Iterator[dict[str, object]]:
    """Measure in a namespace where ping sockets are allowed, and yield the comparisons."""
    for program in ("fping", "prometheus-blackbox-exporter", "unshare", "ip"):
        peers.need(program)
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", INSIDE, sys.executable, "-P", __file__], stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT
    )
    if done.returncode:
        raise SystemExit("bench icmp: no network namespace of our own can be had here (unshare -rn)")
    for line in done.stdout.splitlines():
        yield json.loads(line)


def _addresses(count: int) -> list[str]:
    return [f"127.{1 + at // 62_500}.{at // 250 % 250}.{1 + at % 250}" for at in range(count)]


def _volley(spacing: float) -> float:
    """CPU a packet of `ping_many`, with so many seconds between two."""
    from monitor.garbage import put_off  # noqa: PLC0415 - inside the namespace only
    from monitor.probes.icmp_many import ping_many  # noqa: PLC0415
    from monitor.probes.icmp_pool import PingSockets  # noqa: PLC0415

    addresses = _addresses(MANY)

    async def run() -> float:
        pingers = PingSockets()
        await ping_many(["127.0.0.1"], 1, 0, 1, pingers)
        put_off()  # as `pantau ping` does
        before = peers.own_cpu()
        found = await ping_many(addresses, 1, 0, 2, pingers, spacing)
        spent = peers.own_cpu() - before
        pingers.close()
        lost = sum(not pinged.received for pinged in found.values())
        if lost:
            raise SystemExit(f"bench icmp: {lost} of our packets were lost; the figure would not be comparable")
        return spent / MANY

    usual = gc.get_threshold()
    try:
        return asyncio.run(run())
    finally:
        gc.set_threshold(*usual)


def _looks(count: int, interval: float, options: Mapping[str, object] = MappingProxyType({})) -> float:
    """CPU a look over that many addresses, each looked at every `interval` seconds with these keys."""
    from monitor.core.city import Check  # noqa: PLC0415
    from monitor.core.events import ProbeResult  # noqa: PLC0415
    from monitor.core.rules import Grade  # noqa: PLC0415
    from monitor.daemon.timeline import Timeline  # noqa: PLC0415
    from monitor.garbage import quieten  # noqa: PLC0415
    from monitor.probes import Vantage  # noqa: PLC0415
    from monitor.probes.deadline import look, look_many  # noqa: PLC0415
    from monitor.schedule import Schedule  # noqa: PLC0415

    checks = [Check(f"{address}/icmp", address, "icmp", address, Grade.FIBRE, interval, 1, options) for address in _addresses(count)]
    marks: list[float] = []
    results = itertools.count(1)

    async def run() -> None:
        enough = asyncio.get_running_loop().create_future()

        def sink(result: ProbeResult) -> None:
            if result.verdict != "OK":
                raise SystemExit(f"bench icmp: {result}")
            if next(results) % count == 0:
                marks.append(peers.own_cpu())
                if len(marks) == ROUNDS + 1:
                    enough.set_result(None)

        async with Vantage.of() as vantage:
            schedule = Schedule(
                Timeline(), lambda check: look(check, vantage), sink, many=lambda some, told: look_many(some, vantage, told)
            )
            schedule.start(checks)
            quieten()  # as the daemon does
            await enough
            await schedule.stop()

    asyncio.run(run())
    return min(after - before for before, after in itertools.pairwise(marks)) / count


async def _round_trips() -> list[float]:
    """Round trips in seconds of VOLLEYS volleys, ten a second, of which every tenth finds the loop standing still."""
    from monitor.probes.icmp_pool import PingSockets, pack  # noqa: PLC0415

    pingers, times = PingSockets(), list[float]()
    aims = [aim for aim in map(pack, _addresses(VOLLEY)) if aim is not None]
    for number in range(VOLLEYS):
        shots = pingers.shots(aims, lambda shot: times.append(shot.seconds or 0.0))
        pingers.send(shots)
        if number % 10 == 0:
            end = time.monotonic() + 0.1
            while time.monotonic() < end:
                pass
        await asyncio.sleep(0.1)
    pingers.close()
    if len(times) < VOLLEY * VOLLEYS:
        raise SystemExit("bench icmp: some of our packets were lost; the figure would not be comparable")
    return times


def _trips_of_fping() -> list[float]:
    command = ["fping", "-q", "-C", str(VOLLEYS), "-p100", *_addresses(VOLLEY)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return [float(trip) / 1000 for line in said.splitlines() for trip in line.partition(" : ")[2].split()]


def _rtt() -> dict[str, object]:
    """How far ours, while the loop stands still now and then, and fping's own are from fping's median."""
    theirs = _trips_of_fping()
    middle = statistics.median(theirs)
    (ours, worst), (own, _) = min(_off(asyncio.run(_round_trips()), middle) for _ in range(FEW_ROUNDS)), _off(theirs, middle)
    row = {"bench": "icmp-rtt", "ours": ours, "peer": "the goal", "theirs": 50.0, "unit": "us off", "goal": 1.0}
    return row | {"fping": own, "worst": worst}


def _off(times: Sequence[float], middle: float) -> tuple[float, float]:
    """How far times are from the middle, in microseconds: the 99th percentile, and the worst."""
    off = sorted(round(1e6 * abs(each - middle), 1) for each in times)
    return off[int(0.99 * len(off))], off[-1]


def _child(command: list[str], listed: Path, count: int = MANY) -> float:
    """CPU a look of a whole process that reads the list from standard input."""
    usual = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    usual["PYTHONPYCACHEPREFIX"] = str(listed.parent)
    with listed.open() as lines:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdin=lines, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=usual, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / count


def _in_turns(spacing: float, command: list[str], listed: Path, rounds: int) -> tuple[float, float]:
    """CPU a packet, of ours with so many seconds between two and of a command to the same addresses: the least of each.

    Both on one processor: to be moved from one to the other costs whom it hits a tenth or more, and that is not theirs.
    """
    free = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(free)})
    took = [(_volley(spacing), _child(command, listed)) for _ in range(rounds)]
    os.sched_setaffinity(0, free)
    return min(ours for ours, _ in took), min(theirs for _, theirs in took)


def _inside() -> None:
    with tempfile.TemporaryDirectory() as folder:
        listed, few = Path(folder) / "addresses", Path(folder) / "few"
        listed.write_text("\n".join(_addresses(MANY)) + "\n")
        few.write_text("\n".join(_addresses(FEW)) + "\n")
        flood, fping = _in_turns(0, ["fping", "-q", "-c1", "-i0"], listed, ROUNDS)
        evenly, evenly_by_fping = _in_turns(1 / PACE, ["fping", "-q", "-c1", f"-i{1000 / PACE:g}"], listed, FEW_ROUNDS)
        looks, evenly_looks = _looks(MANY, 1), _looks(MANY, MANY / PACE)
        command = min(
            _child([str(ROOT / ".venv/bin/pantau"), "ping", "-", "--count", "1", "--spacing", "0"], listed) for _ in range(ROUNDS)
        )
        paced = min(_child(["fping", "-q", "-c1", "-i1"], few, FEW) for _ in range(ROUNDS))
        looks_paced = _looks(FEW, FEW / 1000)
        three = _looks(FEW, 1, {"count": 3, "packet_interval": 0.05}) / 3
        three_by_fping = min(_child(["fping", "-q", "-c3", "-i0", "-p50"], few, 3 * FEW) for _ in range(ROUNDS))
        with peers.blackbox("modules: {icmp: {prober: icmp}}", Path(folder)) as exporter:
            theirs = min(exporter.cost("icmp", _addresses(500)) for _ in range(ROUNDS))
    print(json.dumps(_rtt()), flush=True)
    _say("icmp-flood", flood, "fping -q -c1 -i0", fping, 0.6, command=round(1e6 * command, 2))
    _say("icmp-paced", evenly, f"fping -q -c1 -i{1000 / PACE:g}", evenly_by_fping, 0.8, look=round(1e6 * evenly_looks, 2))
    _say("icmp-blackbox", flood, "blackbox_exporter", theirs, 0.05)
    _say("icmp-look", looks, "fping -q -c1 -i0", fping, 1.5, paced=round(1e6 * looks_paced, 2), fping_paced=round(1e6 * paced, 2))
    _say("icmp-look-blackbox", looks, "blackbox_exporter", theirs, 0.05)
    _say("icmp-three", three, "fping -q -c3 -i0 -p50", three_by_fping, 3)


def _say(bench: str, ours: float, peer: str, theirs: float, goal: float, **more: float) -> None:
    row = {"bench": bench, "ours": round(1e6 * ours, 2), "peer": peer, "theirs": round(1e6 * theirs, 2), "unit": "us/look", "goal": goal}
    print(json.dumps(row | more))


if __name__ == "__main__":
    _inside()
