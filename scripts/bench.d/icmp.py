"""ICMP beside fping and blackbox_exporter, over the same addresses of 127.0.0.0/8, in a network namespace of its own.

What is measured is CPU (user and system) a look, and in it what the kernel does to answer: on loopback that is charged
to whoever sends. `icmp-flood`: one packet to each of 10,000 addresses, `ping_many` in a running process beside the
whole process of `fping -q -c1 -i0` (its start costs 0.1 us a look); `command` is ours as a whole process, interpreter and
output included. `icmp-blackbox`: the same flood beside blackbox_exporter asked by its HTTP API over one connection,
its own CPU from /proc. `icmp-look` and `icmp-look-blackbox`: what the daemon does, one `look` after the other with its task,
options and verdict, held to the same goals as the flood. All figures are the least of ROUNDS rounds.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import bench_peers as peers  # noqa: E402 - beside bench.py, found by the line above

MANY = 10_000
SOME = 2_000
ROUNDS = 3
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


def _flood() -> float:
    from monitor.probes.icmp_many import ping_many  # noqa: PLC0415 - inside the namespace only
    from monitor.probes.icmp_pool import PingSockets  # noqa: PLC0415

    async def run() -> float:
        pingers = PingSockets()
        await ping_many(["127.0.0.1"], 1, 0, 1, pingers)
        before = peers.own_cpu()
        found = await ping_many(_addresses(MANY), 1, 0, 2, pingers)
        spent = peers.own_cpu() - before
        pingers.close()
        lost = sum(not pinged.received for pinged in found.values())
        if lost:
            raise SystemExit(f"bench icmp: {lost} of our packets were lost; the figure would not be comparable")
        return spent / MANY

    return min(asyncio.run(run()) for _ in range(ROUNDS))


def _looks() -> float:
    from monitor.core.city import Check, Grade  # noqa: PLC0415
    from monitor.probes import Vantage, look  # noqa: PLC0415

    checks = [Check(f"{address}/icmp", address, "icmp", address, Grade.FIBRE, 10, 2) for address in _addresses(SOME)]

    async def run() -> float:
        async with Vantage.of() as vantage:
            await look(checks[0], vantage)
            before = peers.own_cpu()
            for check in checks:
                await look(check, vantage)
            return (peers.own_cpu() - before) / SOME

    return min(asyncio.run(run()) for _ in range(ROUNDS))


def _child(command: list[str], listed: Path) -> float:
    """CPU a look of a whole process that reads the list from standard input."""
    with listed.open() as lines, open(os.devnull, "w") as nothing:  # noqa: PTH123 - devnull
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdin=lines, stdout=nothing, stderr=nothing, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / MANY


def _inside() -> None:
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "addresses"
        listed.write_text("\n".join(_addresses(MANY)) + "\n")
        fping = min(_child(["fping", "-q", "-c1", "-i0"], listed) for _ in range(ROUNDS))
        ours, look = _flood(), _looks()
        command = min(_child([str(ROOT / ".venv/bin/pantau"), "ping", "-", "--count", "1"], listed) for _ in range(ROUNDS))
        with peers.blackbox("modules: {icmp: {prober: icmp}}", Path(folder)) as exporter:
            theirs = min(exporter.cost("icmp", _addresses(500)) for _ in range(ROUNDS))
    _say("icmp-flood", ours, "fping -q -c1 -i0", fping, 1.5, command=round(1e6 * command, 2))
    _say("icmp-blackbox", ours, "blackbox_exporter", theirs, 0.05)
    _say("icmp-look", look, "fping -q -c1 -i0", fping, 1.5)
    _say("icmp-look-blackbox", look, "blackbox_exporter", theirs, 0.05)


def _say(bench: str, ours: float, peer: str, theirs: float, goal: float, **more: float) -> None:
    row = {"bench": bench, "ours": round(1e6 * ours, 2), "peer": peer, "theirs": round(1e6 * theirs, 2), "unit": "us/look", "goal": goal}
    print(json.dumps(row | more))


if __name__ == "__main__":
    _inside()
