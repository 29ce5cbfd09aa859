"""The way to an address, router by router, as traceroute(8) shows it: evidence of where a way ends, never a verdict.

All packets leave together by a socket of their own, each allowed to pass one router more than the one before: every router is asked
once, so none has a reason to keep its answer back (RFC 1812, section 4.3.2.8), and it takes no longer than the slowest answer.
"""

import asyncio
import itertools
import os
import socket
from contextlib import suppress
from dataclasses import dataclass

from monitor.probes.faults import RouterFault
from monitor.probes.icmp_echoes import Echoes
from monitor.probes.icmp_family import FAMILIES
from monitor.probes.icmp_manner import Manner
from monitor.probes.icmp_socket import PingSocket, Shot

FARTHEST = 24


@dataclass(frozen=True, slots=True)
class Way:
    """How far it goes: who answered at each step (empty: nobody), up to the last that did, the target itself where it was `reached`.

    `end` says in words why it goes no farther, where somebody said so.
    """

    routers: tuple[str, ...]
    reached: bool
    end: str = ""


async def trace(address: bytes, timeout: float) -> Way:
    """Return the way to a packed address as far as it is known after `timeout` seconds. Raises OSError and NoPingSocketsError."""
    loop, family, known = asyncio.get_running_loop(), FAMILIES[len(address)], asyncio.Event()

    def back(_: Shot) -> None:
        if _is_known(shots):
            known.set()

    shots = [Shot(address, os.urandom(8), back) for _ in range(FARTHEST)]
    pinger = PingSocket(family, lambda _: None, Echoes(), Manner(ttl=1))
    loop.add_reader(pinger.socket, pinger.receive)
    try:
        for routers, shot in enumerate(shots, 1):
            pinger.socket.setsockopt(family.level, family.hops, routers)
            pinger.send([shot])
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await known.wait()
    finally:
        loop.remove_reader(pinger.socket)
        pinger.close()
    return _way(shots)


def _is_known(shots: list[Shot]) -> bool:
    """Whether somebody said that the way ends there, and everybody before it answered."""
    before = itertools.takewhile(lambda shot: not _is_end(shot), shots)
    passed = sum(1 for _ in itertools.takewhile(lambda shot: shot.fault is not None, before))
    return passed < len(shots) and _is_end(shots[passed])


def _is_end(shot: Shot) -> bool:
    """Whether a packet came to an end, not only to one of the routers on its way."""
    return shot.seconds is not None or (shot.fault is not None and not (isinstance(shot.fault, RouterFault) and shot.fault.passing))


def _way(shots: list[Shot]) -> Way:
    passed = list(itertools.takewhile(lambda shot: not _is_end(shot), shots))
    last = shots[len(passed)] if len(passed) < len(shots) else None
    steps = [shot.fault.router if isinstance(shot.fault, RouterFault) else "" for shot in passed]
    if last is not None and last.seconds is not None:
        family = FAMILIES[len(last.address)].number
        return Way((*steps, socket.inet_ntop(family, last.address)), reached=True)
    while steps and not steps[-1]:
        steps.pop()
    return Way(tuple(steps), reached=False, end=last.fault.detail if last is not None and last.fault is not None else "")
