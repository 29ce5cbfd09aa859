"""Room for looks: each holds so many file descriptors while it is in flight, and a process has only so many."""

import asyncio
import resource
from collections.abc import Mapping

HOLDS: Mapping[str, int] = (
    dict.fromkeys(("icmp", "push"), 0) | dict.fromkeys(("dns", "ntp"), 2) | dict.fromkeys(("tcp", "http", "domain"), 4) | {"snmp": 6}
)
"""What a look in flight holds at most: its socket, and a question to the name server beside it, or one for each of several addresses, or
the codecs of two versions of SNMP with one that is just made. Pings share their sockets."""
HOLDS_AT_ADDRESS: Mapping[str, int] = dict.fromkeys(HOLDS, 1) | {"snmp": 5}
"""The same where the target is an address: no name server is asked, and there is no second address."""

MOST = 65536
RESERVE, ENOUGH = 48, 4096
"""Kept of a command's descriptors for all but its looks; and room for a thousand looks of any kinds: more would only wait for our loop."""


def claim() -> int:
    """Raise this process's limit of descriptors as far as it may be raised and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST if hard == resource.RLIM_INFINITY else min(MOST, hard)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return most
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


class Room:
    """The descriptors that the looks of one command share: whoever begins the next look waits until what it holds is free."""

    def __init__(self, have: int) -> None:
        self._free = min(ENOUGH, max(have - RESERVE, *HOLDS.values()))
        self._left = asyncio.Event()

    async def take(self, holds: int) -> None:
        """Wait until so many are free. One waits at a time: the looks begin in their order."""
        while self._free < holds:
            self._left.clear()
            await self._left.wait()
        self._free -= holds

    def give(self, holds: int) -> None:
        """Hear that a look ended which held so many."""
        self._free += holds
        self._left.set()
