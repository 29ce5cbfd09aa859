"""Ground of one's own to look on: a network namespace for this thread (`ground`, `vantage`), or one a script builds for a child."""

import ctypes
import json
import os
import random
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from monitor.core.city import Check
from monitor.core.rules import Grade
from monitor.probes import Vantage
from tests.conftest import lack, need

CLONE_NEWNET = 0x40000000
CAP_NET_RAW = 13
MUTE = Path("/proc/sys/net/ipv4/icmp_echo_ignore_all")
PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
PING_GROUPS = Path("/proc/sys/net/ipv4/ping_group_range")
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def own_network() -> Iterator[None]:
    """Put this thread into a fresh network namespace with `lo` up and ping sockets allowed; needs root."""
    if os.geteuid():
        lack("a network namespace for the test itself needs root")
    need("ip")
    with Path("/proc/thread-self/ns/net").open() as before:
        if _libc.unshare(CLONE_NEWNET):
            lack("this root may make no network namespaces")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            PING_GROUPS.write_text("0 2147483647")
            yield
        finally:
            _libc.setns(before.fileno(), CLONE_NEWNET)


@contextmanager
def without_raw_sockets() -> Iterator[None]:
    """Lay down the capability to open raw sockets for a while, as a daemon that is not root has none."""
    head, before = struct.pack("=Ii", 0x20080522, 0), ctypes.create_string_buffer(24)
    _libc.capget(head, before)
    words = list(struct.unpack("=6I", before.raw))
    words[0] &= ~(1 << CAP_NET_RAW)
    _libc.capset(head, struct.pack("=6I", *words))
    try:
        yield
    finally:
        _libc.capset(head, before)


def look_inside(script: str, *looks: dict[str, object]) -> dict[str, dict[str, object]]:
    """Build a network with `ip` in namespaces of our own, look there with `pantau probe --batch`; answers by id."""
    need("unshare")
    need("ip")
    head = "set -e; mount -t tmpfs none /run; ip link set lo up; echo 0 0 >/proc/sys/net/ipv4/ping_group_range\n"
    ran = subprocess.run(
        [
            "unshare",
            "-rnm",
            "sh",
            "-c",
            head + script + '\nset +e; exec "$0" probe --batch -',
            str(Path(sys.executable).with_name("pantau")),
        ],
        input="".join(json.dumps({"id": str(number), **look}) + "\n" for number, look in enumerate(looks)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if not ran.stdout:
        lack(f"no namespaces of our own can be had here: {ran.stderr.strip()[-200:]}")
    return {answer["id"]: answer for answer in map(json.loads, ran.stdout.splitlines())}


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """Return a port of 127.0.0.1 that nobody has, and that the kernel hands to nobody else: other tests run at the same time."""
    lowest = int(PORTS.read_text().split()[0])
    while True:
        with socket.socket(type=kind) as taken, suppress(OSError):
            taken.bind(("127.0.0.1", random.randrange(10_000, lowest)))
            return int(taken.getsockname()[1])


def forge_reply(to: int, sequence: bytes, token: bytes, source: str, destination: str) -> None:
    """Send an ICMP echo reply to a ping socket's id as if `source` had answered."""
    packet = bytearray(b"\0\0\0\0" + to.to_bytes(2) + sequence + token + bytes(48))
    total = sum(int.from_bytes(packet[at : at + 2]) for at in range(0, len(packet), 2))
    total = (total & 0xFFFF) + (total >> 16)
    packet[2:4] = (~(total + (total >> 16)) & 0xFFFF).to_bytes(2)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.bind((source, 0))
        raw.sendto(bytes(packet), (destination, 0))


@pytest.fixture(name="ground")
def ground_fixture() -> Iterator[None]:
    with own_network():
        yield


@pytest.fixture(name="vantage")
async def vantage_fixture(ground: None) -> AsyncIterator[Vantage]:
    del ground
    async with Vantage.of() as made:
        yield made


def check(target: str, timeout: float = 2.0, **options: object) -> Check:
    """Return an ICMP check with the id `TARGET/icmp`."""
    return Check(f"{target}/icmp", target, "icmp", target, Grade.CORE, 3, timeout, options)


def stand_still(seconds: float) -> None:
    """Hold the loop as a bug of ours would."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
