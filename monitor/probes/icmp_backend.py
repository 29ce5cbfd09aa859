"""The portable way to ping, by icmplib: where the kernel is not Linux, and by setting (`backend: icmplib`).

Its traps are walked around: one socket a look, closed with it; only the address that was asked may answer; time on
the monotonic clock; what it could not send is our own fault and not silence of the target. One packet is in flight at a
time, in a thread: for thousands of targets use the shared sockets.
"""

import asyncio
import socket
import sys
import time

import icmplib
from icmplib.utils import unique_identifier

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault, NoPingSocketsError, local_fault, verdict_of
from monitor.probes.icmp_judge import figures
from monitor.probes.icmp_manner import IcmpOptions

_LONGEST = 60.0
_REPLIES = (0, 129)


def wants_icmplib(backend: str) -> bool:
    """Tell whether icmplib is to be used: by setting, or because ping sockets are Linux'."""
    return backend == "icmplib" or sys.platform != "linux"


async def probe_by_icmplib(address: bytes, options: IcmpOptions, attempt: Attempt) -> Outcome:
    """Send the packets one after the other and judge them, as over the shared sockets, but each has its share of the time only; no `df`."""
    if options.df:
        raise Fault(Reason.INTERNAL, "df: icmplib does not know it")
    count, interval = options.count, options.packet_interval
    each = max(0.05, attempt.left / count - interval * (count - 1) / count) * 0.95
    numeric = socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)
    replies = await asyncio.to_thread(_ping, numeric, options, min(each, _LONGEST))
    answered = [seconds for seconds in replies if isinstance(seconds, float)]
    faults = [fault for fault in replies if isinstance(fault, Fault)]
    values: dict[str, object] = {"sent": count, "received": len(answered)}
    if not answered:
        fault = faults[0] if faults else Fault(Reason.TIMEOUT, f"no reply within {each:.3g} s")
        return Outcome(verdict_of(fault.reason), fault.reason, fault.detail, None, attempt.phases, values)
    mean = sum(answered) / len(answered)
    if count > 1:
        values |= figures(answered)
    if len(answered) == count:
        return Outcome(Verdict.OK, None, "", mean, attempt.phases, values)
    return Outcome(Verdict.WARN, Reason.PACKET_LOSS, f"{len(answered)} of {count} answered", mean, attempt.phases, values)


def _ping(address: str, options: IcmpOptions, timeout: float) -> list[float | Fault]:
    kind = icmplib.ICMPv6Socket if ":" in address else icmplib.ICMPv4Socket
    identity = unique_identifier()
    replies: list[float | Fault] = []
    try:
        with kind(options.source or None, privileged=False) as link:
            for sequence in range(options.count):
                if sequence:
                    time.sleep(options.packet_interval)
                request = icmplib.ICMPRequest(address, identity, sequence, payload_size=options.size, ttl=options.ttl or 64)
                replies.append(_once(link, request, timeout))
    except icmplib.SocketPermissionError:
        raise NoPingSocketsError from None
    return replies


def _once(link: "icmplib.ICMPv4Socket", request: "icmplib.ICMPRequest", timeout: float) -> float | Fault:
    start = time.monotonic()
    try:
        link.send(request)
        while (left := start + timeout - time.monotonic()) > 0:
            reply = _receive(link, request, left)
            if reply is not None:
                return time.monotonic() - start
    except icmplib.ICMPError as error:
        return Fault(Reason.UNREACHABLE, f"{error.reply.source} says: {str(error).lower()}")
    except icmplib.ICMPSocketError as error:
        cause = error.__context__  # icmplib keeps the number of the error only here
        return local_fault(cause) if isinstance(cause, OSError) else Fault(Reason.INTERNAL, str(error))
    return Fault(Reason.TIMEOUT, f"no reply within {timeout:.3g} s")


def _receive(link: "icmplib.ICMPv4Socket", request: "icmplib.ICMPRequest", timeout: float) -> "icmplib.ICMPReply | None":
    """Return the reply of the address that was asked, None for anything else. icmplib measures `timeout` on the wall clock."""
    try:
        reply = link.receive(request, timeout)
    except icmplib.TimeoutExceeded:
        return None
    if reply.source == request.destination:
        reply.raise_for_status()
        return reply
    if reply.type not in _REPLIES:
        reply.raise_for_status()
    return None
