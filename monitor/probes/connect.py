"""One TCP connection within a look: what the kernel refuses at once is ours, what comes back from the way is the target's.

Of several addresses the first that lets us is taken, as browsers do it (RFC 8305): the next is tried when one failed, or has not let us
after `DELAY`; those that are on their way go on meanwhile.
"""

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections.abc import Sequence

from monitor.core.verdict import Reason
from monitor.probes.attempt import Attempt
from monitor.probes.faults import OURS, Fault, fault_of, local_fault, way_fault
from monitor.probes.wiretap import noted, sent

DELAY = 0.25


async def connect(addresses: Sequence[str], port: int, attempt: Attempt, *, speaks: bool = False) -> socket.socket:
    """Connect to the first of the addresses that lets us; the socket is the caller's. Raises Fault.

    Of several addresses the values say which it was (`address`), and which did not let us before (`passed_over`). Who `speaks` at once has
    the last packet of the handshake leave with the first word: a packet less for all, and the server wakes once instead of twice.
    """
    with attempt.phase("connect", Reason.TIMEOUT):
        if len(addresses) == 1:
            return await _connect(addresses[0], port, speaks=speaks)
        race = _Race(addresses, port, attempt, speaks=speaks)
        try:
            return await race.run()
        finally:
            race.end()


class _Race:
    """Attempts to connect to several addresses, in their order, each in a task of its own."""

    def __init__(self, addresses: Sequence[str], port: int, attempt: Attempt, *, speaks: bool) -> None:
        self._waiting, self._port, self._attempt, self._speaks = list(addresses), port, attempt, speaks
        self._running: dict[asyncio.Task[socket.socket], tuple[str, float]] = {}
        self._passed: dict[str, str] = {}
        self._faults: list[Fault] = []
        self._before = attempt.found

    async def run(self) -> socket.socket:
        """Return the first connection. Raises Fault: one of ours where there was one, for that address may have let us."""
        while self._waiting or self._running:
            if self._waiting:
                address = self._waiting.pop(0)
                self._running[asyncio.create_task(_connect(address, self._port, speaks=self._speaks))] = address, time.monotonic()
            done, _ = await asyncio.wait(self._running, timeout=DELAY if self._waiting else None, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in self._running if task in done]:
                error = task.exception()
                if error is None:
                    return self._won(task)
                address, _ = self._running.pop(task)
                self._lost(address, error)
        self._attempt.found = self._before
        ours = (fault for fault in self._faults if fault.reason in OURS)
        raise next(ours, self._faults[-1]) if self._faults else Fault(Reason.NO_ROUTE, "no route from here to any of its addresses")

    def _won(self, task: asyncio.Task[socket.socket]) -> socket.socket:
        address, _ = self._running.pop(task)
        now = time.monotonic()
        late = {other: f"no answer in {now - began:.2f} s" for other, began in self._running.values()}
        self._attempt.found = self._before
        self._attempt.values["address"] = address
        if passed := self._passed | late:
            self._attempt.values["passed_over"] = [f"{other}: {why}" for other, why in passed.items()]
        return task.result()

    def _lost(self, address: str, error: BaseException) -> None:
        """Note why an address did not let us. That we have no IPv6 is usual and says nothing; another fault of ours leaves us unsure."""
        if not isinstance(error, (Fault, OSError)):
            raise error
        fault = fault_of(error)
        if fault.reason is Reason.NO_ROUTE and ":" in address:
            return
        self._faults.append(fault)
        self._passed[address] = fault.detail
        if fault.reason in OURS:
            self._attempt.found = fault

    def end(self) -> None:
        """Break off what is still on its way."""
        for task in self._running:
            if not task.cancel() and task.exception() is None:
                task.result().close()


async def _connect(address: str, port: int, *, speaks: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.ExitStack() as unless_connected:
        made = unless_connected.enter_context(socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if speaks:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        sent("tcp", (address, port), b"")
        try:
            await _await_connection(made, (address, port))
        except Fault as fault:
            noted("tcp", (address, port), f"TCP: {fault.detail}")
            raise
        noted("tcp", (address, port), "TCP: connected")
        unless_connected.pop_all()
    return made


async def _await_connection(made: socket.socket, where: tuple[str, int]) -> None:
    failed = made.connect_ex(where)
    if failed == errno.EINPROGRESS:
        failed = made.connect_ex(where)  # of loopback the answer is there by now
        if failed == errno.EALREADY:
            failed = await _writable(made)
        if failed:
            raise way_fault(OSError(failed, ""))
    elif failed:
        # On loopback a refusal comes back before connect() returns; no route does so everywhere.
        raise local_fault(OSError(failed, os.strerror(failed)))


async def _writable(made: socket.socket) -> int:
    """Wait until a connection stands or has failed; return the number of its error, 0 when it stands."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    loop.add_writer(made.fileno(), _settle, ended)
    try:
        await ended
    finally:
        loop.remove_writer(made.fileno())
    return made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _settle(ended: "asyncio.Future[None]") -> None:
    if not ended.done():
        ended.set_result(None)
