"""ICMP echo: does the target answer, how fast, and how much is lost.

By hand: `pantau probe icmp 198.18.0.1 count=3`, beside it `fping -c3 198.18.0.1`.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from pydantic import Field

from monitor.core.city import Check
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes.attempt import Attempt
from monitor.probes.faults import OURS, Fault, verdict_of
from monitor.probes.icmp_backend import probe_by_icmplib, wants_icmplib
from monitor.probes.icmp_pool import PingSockets, pack
from monitor.probes.icmp_socket import Shot
from monitor.probes.keys import Keys
from monitor.probes.names import Names
from monitor.probes.vantage import Vantage


class IcmpOptions(Keys):
    """Keys of an `icmp` check: `count` packets, `packet_interval` seconds apart; `backend` if not that of the city."""

    count: int = Field(1, ge=1, le=100)
    packet_interval: float = Field(0.1, ge=0.01, le=60)
    backend: Literal["", "shared", "icmplib"] = ""


SECRETS: frozenset[str] = frozenset()


async def probe(target: str, options: IcmpOptions, vantage: Vantage, attempt: Attempt) -> Outcome:
    """Send the packets and judge the replies; a name as target is resolved first."""
    address = pack(target) or await _resolve(target, vantage, attempt)
    if wants_icmplib(options.backend or vantage.icmp_backend):
        return await probe_by_icmplib(address, options.count, options.packet_interval, attempt)
    return await _exchange(address, options, vantage.share(PingSockets), attempt)


async def _resolve(target: str, vantage: Vantage, attempt: Attempt) -> bytes:
    addresses = await vantage.share(Names).resolve(target, attempt)
    packed = pack(addresses[0])
    if packed is None:
        raise Fault(Reason.INTERNAL, "the resolver gave something that is no address")
    return packed


async def _exchange(address: bytes, options: IcmpOptions, pingers: PingSockets, attempt: Attempt) -> Outcome:
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[None] = loop.create_future()

    def done(_: Shot) -> None:
        if all(shot.seconds is not None or shot.fault is not None for shot in shots) and not finished.done():
            finished.set_result(None)

    shots = pingers.shots([address] * options.count, done)
    attempt.partial = lambda: judge(shots, attempt.timeout, attempt.phases)
    used = []
    try:
        for index, shot in enumerate(shots):
            if index:
                await asyncio.sleep(options.packet_interval)
            used.append((pingers.send([shot]), shot))
        await finished
    finally:
        for pinger, shot in used:
            pingers.settle(pinger, [shot])
    return judge(shots, attempt.timeout, attempt.phases)


def aim(target: str, options: IcmpOptions, vantage: Vantage) -> tuple[int, bytes] | None:
    """Return family and address where one packet to a literal address is the whole look."""
    address = pack(target)
    if address is None or options.count > 1 or wants_icmplib(options.backend or vantage.icmp_backend):
        return None
    return len(address), address


def probe_many(aims: Sequence[bytes], vantage: Vantage, attempt: Attempt, tell: Callable[[int, Outcome], None]) -> Callable[[], None]:
    """Send one packet to each address of a family, all at once."""
    pingers = vantage.share(PingSockets)

    def done(shot: Shot) -> None:
        tell(places.pop(shot), judge((shot,), attempt.timeout, {}))

    def rest() -> None:
        pingers.settle(pinger, list(places))
        for shot in list(places):
            done(shot)

    shots = pingers.shots(aims, done)
    places = {shot: place for place, shot in enumerate(shots)}
    pinger = pingers.send(shots)
    return rest


def judge(shots: Sequence[Shot], timeout: float, phases: dict[str, float]) -> Outcome:
    """Turn shots into an outcome: the mean round trip of those answered; loss of some is WARN, of all FAIL."""
    answered = [shot.seconds for shot in shots if shot.seconds is not None and shot.seconds <= timeout]
    values: dict[str, object] = {"sent": len(shots), "received": len(answered)}
    if len(shots) > 1 and answered:
        values |= {"rtt_min": min(answered), "rtt_max": max(answered)}
    mean = sum(answered) / len(answered) if answered else None
    if len(answered) == len(shots):
        return Outcome(Verdict.OK, None, "", mean, phases, values)
    fault = next((shot.fault for shot in shots if shot.fault is not None), None)
    if not answered:
        fault = fault or Fault(Reason.TIMEOUT, f"no reply within {timeout:g} s")
        return Outcome(verdict_of(fault.reason), fault.reason, fault.detail, None, phases, values)
    if fault is not None and fault.reason in OURS:
        return Outcome(Verdict.OK, None, "", mean, phases, values)
    return Outcome(Verdict.WARN, Reason.PACKET_LOSS, f"{len(answered)} of {len(shots)} answered", mean, phases, values)


def ready(vantage: Vantage, _checks: Sequence[Check]) -> None:
    """Open the ping socket now. Raises NoPingSocketsError: one line that says which sysctl."""
    if not wants_icmplib(vantage.icmp_backend):
        vantage.share(PingSockets).open()
