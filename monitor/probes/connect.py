"""One TCP connection within a look: what the kernel refuses at once is ours, what comes back from the way is the target's."""

import asyncio
import contextlib
import socket
from collections.abc import Sequence

from monitor.core.verdict import Reason
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault, fault_of, local_fault
from monitor.probes.wiretap import noted, sent


async def connect(addresses: Sequence[str], port: int, attempt: Attempt) -> socket.socket:
    """Connect to the first of the addresses that lets us; the socket is the caller's. Raises Fault of the last one."""
    with attempt.phase("connect", Reason.TIMEOUT):
        fault = Fault(Reason.INTERNAL, "no address to connect to")
        for address in addresses:
            sent("tcp", (address, port), b"")
            try:
                made = await _connect(address, port)
            except Fault as error:
                fault = error
                noted("tcp", (address, port), f"TCP: {error.detail}")
            else:
                noted("tcp", (address, port), "TCP: connected")
                return made
        raise fault


async def _connect(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.ExitStack() as unless_connected:
        made = unless_connected.enter_context(socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await _await_connection(made, (address, port))
        unless_connected.pop_all()
    return made


async def _await_connection(made: socket.socket, where: tuple[str, int]) -> None:
    try:
        made.connect(where)
    except BlockingIOError:
        pass
    except OSError as error:
        # On loopback a refusal comes back before connect() returns; no route does so everywhere.
        raise local_fault(error) from None
    else:
        return
    try:
        await asyncio.get_running_loop().sock_connect(made, where)
    except OSError as error:
        raise fault_of(error) from None
