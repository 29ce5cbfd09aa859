"""Network namespaces without names or processes: one thread that steps into them.

A socket or process belongs to the namespace in which its thread stood when it was made. So this process serves the agents and
applications of hundreds of stations: `await spaces.within("kel-ngemplakrejo", function)` and the socket it returns is theirs.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from monitor.lab.kernel import CLONE_NEWNET, enter, thread_namespace, unshare

_SETTINGS = {
    "ipv4/ip_forward": "1",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv4/ping_group_range": "0 0",
    "ipv6/conf/default/disable_ipv6": "1",
    "ipv6/conf/all/disable_ipv6": "1",
}

P = ParamSpec("P")
T = TypeVar("T")


class Namespaces:
    """The city's network namespaces by the id of their station; within reach of this process only, gone when it ends."""

    def __init__(self) -> None:
        self._walker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="walker")
        self._known: dict[str, int] = {}

    def descriptor(self, station: str) -> int:
        """Return the file descriptor that holds a station's namespace."""
        return self._known[station]

    async def make(self, stations: Iterable[str]) -> None:
        """Make one for each; raises OSError when the kernel refuses."""
        await asyncio.get_running_loop().run_in_executor(self._walker, self._make, list(stations))

    async def within(self, station: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` while standing in the namespace of `station`."""
        return await self.walk(lambda: self.step(station, function, *args, **kwargs))

    async def walk(self, function: Callable[[], T]) -> T:
        """Call `function` on the thread that may step into many namespaces, one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._walker, function)

    def step(self, station: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Step into a namespace and call `function` there; on the walking thread only."""
        enter(self._known[station])
        return function(*args, **kwargs)

    def _make(self, stations: list[str]) -> None:
        for station in stations:
            unshare(CLONE_NEWNET)
            self._known[station] = thread_namespace()
            for name, value in _SETTINGS.items():
                _set(name, value)


def _set(name: str, value: str) -> None:
    path = Path("/proc/sys/net") / name
    if path.exists():  # a kernel without IPv6 has nothing to switch off
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.write(descriptor, value.encode())
        finally:
            os.close(descriptor)


def listener(address: str, port: int) -> socket.socket:
    """Return a listening TCP socket of the namespace one stands in."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.listen(256)
    return sock


def datagrams(address: str, port: int) -> socket.socket:
    """Return a UDP socket of the namespace one stands in."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.bind((address, port))
    return sock
