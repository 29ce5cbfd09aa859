"""The way to an address, router by router, as traceroute(8) shows it: evidence of where a way ends, never a verdict.

Packets leave one by one, each allowed to pass one router more than the one before, and whoever has not answered is asked again until
the time is over: a router says only so many times a second that there is no way (RFC 1812, section 4.3.2.8), and in an outage everybody
asks it.
"""

import asyncio
import itertools
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from monitor.probes.faults import RouterFault
from monitor.probes.icmp_echoes import Echoes
from monitor.probes.icmp_family import FAMILIES
from monitor.probes.icmp_manner import Manner
from monitor.probes.icmp_socket import PingSocket, Shot

FARTHEST = 24
PACE = 0.04


@dataclass(frozen=True, slots=True)
class Way:
    """How far it goes: who answered at each step (empty: nobody), up to the last that did, the target itself where it was `reached`.

    `end` says in words why it goes no farther, where somebody said so.
    """

    routers: tuple[str, ...]
    reached: bool
    end: str = ""


async def trace(address: bytes, timeout: float, pace: float = PACE) -> Way:
    """Return the way to a packed address as far as it is known after `timeout` seconds; a packet leaves every `pace` seconds.

    Raises OSError and NoPingSocketsError.
    """
    loop, family = asyncio.get_running_loop(), FAMILIES[len(address)]
    steps: list[Shot | None] = [None] * FARTHEST
    pinger = PingSocket(family, lambda _: None, Echoes(), Manner(ttl=1))
    loop.add_reader(pinger.socket, pinger.receive)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                for place in itertools.cycle(range(FARTHEST)):
                    if _is_known(steps):
                        break
                    if steps[place] is None and not any(map(_is_end, steps[:place])):
                        pinger.socket.setsockopt(family.level, family.hops, place + 1)
                        shot = Shot(address, os.urandom(8), _Step(steps, place))
                        pinger.send([shot])
                        if not shot.sent:  # there was no room for it, and later it would leave as another step
                            pinger.forget([shot])
                        await asyncio.sleep(pace)
    finally:
        loop.remove_reader(pinger.socket)
        pinger.close()
    return _way(steps)


@dataclass(frozen=True, slots=True)
class _Step:
    """Keeps what comes back for one step, whichever of its packets it answers."""

    steps: list[Shot | None]
    place: int

    def __call__(self, shot: Shot) -> None:
        self.steps[self.place] = shot


def _is_end(shot: Shot | None) -> bool:
    """Whether a packet came to an end, not only to one of the routers on its way."""
    return shot is not None and not (isinstance(shot.fault, RouterFault) and shot.fault.passing)


def _is_known(steps: Sequence[Shot | None]) -> bool:
    """Whether everybody up to the end has answered."""
    answered = list(itertools.takewhile(lambda shot: shot is not None, steps))
    return len(answered) == len(steps) or any(map(_is_end, answered))


def _way(steps: Sequence[Shot | None]) -> Way:
    passed = list(itertools.takewhile(lambda shot: not _is_end(shot), steps))
    last = steps[len(passed)] if len(passed) < len(steps) else None
    routers = [shot.fault.router if shot and isinstance(shot.fault, RouterFault) else "" for shot in passed]
    if last is not None and last.seconds is not None:
        return Way((*routers, socket.inet_ntop(FAMILIES[len(last.address)].number, last.address)), reached=True)
    while routers and not routers[-1]:
        routers.pop()
    return Way(tuple(routers), reached=False, end=last.fault.detail if last is not None and last.fault is not None else "")
