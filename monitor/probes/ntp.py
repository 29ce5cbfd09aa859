"""NTP: does a time server serve the right time. By hand: `pantau probe ntp 198.18.0.2`, beside it `chronyd -Q 'server 198.18.0.2'`.

One packet a look, for servers send away who asks more often than every few seconds. The reference is the clock of our own machine.
"""

import asyncio
import os
import socket
import struct
import time

from pydantic import Field

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault, local_fault, way_fault
from monitor.probes.keys import Keys
from monitor.probes.names import Names
from monitor.probes.ntp_packet import Said, measure, name_of, question, read, trust
from monitor.probes.vantage import Vantage
from monitor.probes.wiretap import heard, sent

SO_TIMESTAMPNS = 35
MOST_DATAGRAMS = 64
LARGEST = 1024
STEP = 0.05
"""Seconds by which our own clock may seem to move against the monotonic one within a look; more, and somebody set it."""
_STAMP = struct.Struct("=qq")


class NtpOptions(Keys):
    """Keys of an `ntp` check: the `port`, and `max_offset`: seconds that its clock may surely be off ours."""

    port: int = Field(123, ge=1, le=65535)
    max_offset: float = Field(1.0, gt=0)


SECRETS: frozenset[str] = frozenset()


async def probe(target: str, options: NtpOptions, vantage: Vantage, attempt: Attempt) -> Outcome:
    """Ask once; it must follow a clock, and be off ours by `max_offset` at most: half of the delay is granted to it as doubt."""
    address = (await vantage.share(Names).resolve(target, attempt))[0]
    with attempt.phase("ask", Reason.TIMEOUT):
        said, before, seconds = await _ask(address, options.port)
    attempt.values.update(stratum=said.stratum, leap=said.leap)
    trust(said)
    offset, delay = measure(said, before, before + seconds)
    attempt.values.update(offset=offset, delay=delay, root_distance=said.root_distance, reference=name_of(said))
    if abs(offset) - delay / 2 <= options.max_offset:
        return Outcome(Verdict.OK, seconds=seconds, phases=attempt.phases, values=attempt.values)
    detail = f"its clock is {abs(offset):.3f} s {'ahead of' if offset > 0 else 'behind'} ours; at most {options.max_offset:g} s are allowed"
    return Outcome(Verdict.WARN, Reason.NTP_OFFSET, detail, seconds, attempt.phases, attempt.values)


async def _ask(address: str, port: int) -> tuple[Said, float, float]:
    """Return what the server said, when on our own clock it was asked, and how many seconds that took; waits for ever.

    Raises Fault; `own_clock` when our clock was set meanwhile, for then nothing was measured.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    token = os.urandom(8)
    with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as link:
        link.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        start, before = time.monotonic(), time.time()
        try:
            link.connect((address, port))  # from now on the kernel hands us nothing from anybody else
            link.send(asked := question(token))
            sent("ntp", (address, port), asked)
        except OSError as error:
            raise local_fault(error) from None
        for _ in range(MOST_DATAGRAMS):
            packet, lay = await _receive(link)
            seconds = time.monotonic() - start
            heard("ntp", (address, port), packet)
            moved = time.time() - before - seconds
            if abs(moved) > STEP:
                raise Fault(Reason.OWN_CLOCK, f"somebody set our own clock by {moved:.3f} s during the look")
            if (said := read(packet, token)) is not None:
                return said, before, max(0.0, seconds - lay)
    raise Fault(Reason.TIMEOUT, "what it sends is no answer to our question")


async def _receive(link: socket.socket) -> tuple[bytes, float]:
    """Return the next datagram, and for how many seconds it lay in the socket, by the kernel's stamp: a loop that stalls bends nothing."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def readable() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(link, readable)
    try:
        await ready
        packet, control, _, _ = link.recvmsg(LARGEST, 64)
    except OSError as error:
        raise way_fault(error) from None
    finally:
        loop.remove_reader(link)
    stamps = [_STAMP.unpack_from(data) for level, kind, data in control if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)]
    return packet, max(0.0, *(time.time() - seconds - nanoseconds * 1e-9 for seconds, nanoseconds in stamps), 0.0)
