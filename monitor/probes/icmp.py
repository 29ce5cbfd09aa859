"""ICMP echo: does the target answer, how fast, and how much is lost.

By hand: `pantau probe icmp 198.18.0.1 count=3`, beside it `fping -c3 198.18.0.1`.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import cast

from monitor.core.city import Check
from monitor.core.verdict import Outcome, Reason
from monitor.probes.attempt import Attempt
from monitor.probes.faults import Fault
from monitor.probes.icmp_backend import probe_by_icmplib, wants_icmplib
from monitor.probes.icmp_judge import judge
from monitor.probes.icmp_manner import PLAIN, IcmpOptions, Manner
from monitor.probes.icmp_pool import PingSockets, pack
from monitor.probes.icmp_record import record
from monitor.probes.icmp_socket import Shot
from monitor.probes.icmp_train import Train
from monitor.probes.names import Names
from monitor.probes.vantage import Vantage
from monitor.probes.wiretap import TAPE, noted

__all__ = ["SECRETS", "IcmpOptions", "aim", "probe", "probe_many", "ready"]

SECRETS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Paced:
    """The aim of a look that is more than one plain packet; those of a lane have the same keys."""

    address: bytes
    options: IcmpOptions


async def probe(target: str, options: IcmpOptions, vantage: Vantage, attempt: Attempt) -> Outcome:
    """Send the packets and judge the replies; a name as target is resolved first."""
    address = pack(target) or await _resolve(target, vantage, attempt)
    if not Manner.of(options).suits(address):
        raise Fault(Reason.INTERNAL, f"source {options.source}: not of the family of the target")
    if wants_icmplib(options.backend or vantage.icmp_backend):
        noted("icmp", (target, 0), "ICMP by icmplib, which tells of no single packet")
        return await probe_by_icmplib(address, options, attempt)
    return await _exchange(address, options, vantage.share(PingSockets), attempt)


async def _resolve(target: str, vantage: Vantage, attempt: Attempt) -> bytes:
    addresses = await vantage.share(Names).resolve(target, attempt)
    packed = pack(addresses[0])
    if packed is None:
        raise Fault(Reason.INTERNAL, "the resolver gave something that is no address")
    return packed


async def _exchange(address: bytes, options: IcmpOptions, pingers: PingSockets, attempt: Attempt) -> Outcome:
    finished: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def ended(_: int, shots: Sequence[Shot]) -> None:
        if tape is not None:
            record(tape, shots, train.used)
        outcome = judge(shots, attempt.timeout, attempt.phases, pingers.echoes.take(address))
        attempt.partial = lambda: outcome
        if not finished.done():
            finished.set_result(outcome)

    train, tape = Train([address], options, pingers, ended), TAPE.get()
    try:
        train.go()
        return await finished
    finally:
        train.stop()


def aim(target: str, options: IcmpOptions, vantage: Vantage) -> tuple[Hashable, bytes | Paced] | None:
    """Return the lane and the aim of a look at a literal address: one plain packet needs no more than the address."""
    address = pack(target)
    manner = Manner.of(options)
    if address is None or wants_icmplib(options.backend or vantage.icmp_backend) or not manner.suits(address):
        return None
    if options.count == 1 and manner == PLAIN:
        return len(address), address
    return (len(address), options), Paced(address, options)


def probe_many(
    aims: Sequence[bytes] | Sequence[Paced], vantage: Vantage, attempt: Attempt, tell: Callable[[int, Outcome], None]
) -> Callable[[], None]:
    """Begin the looks of a lane at once: one packet to each address, or as many as their keys say, in time."""
    pingers = vantage.share(PingSockets)
    if isinstance(aims[0], Paced):
        return _send_paced(cast("Sequence[Paced]", aims), pingers, attempt, tell)
    return _send_plain(cast("Sequence[bytes]", aims), pingers, attempt, tell)


def _send_plain(aims: Sequence[bytes], pingers: PingSockets, attempt: Attempt, tell: Callable[[int, Outcome], None]) -> Callable[[], None]:
    def done(shot: Shot) -> None:
        tell(places.pop(shot), judge((shot,), attempt.timeout, {}, pingers.echoes.take(shot.address)))

    def rest() -> None:
        pingers.settle(pinger, list(places))
        for shot in list(places):
            done(shot)

    shots = pingers.shots(aims, done)
    places = {shot: place for place, shot in enumerate(shots)}
    pinger = pingers.send(shots)
    return rest


def _send_paced(aims: Sequence[Paced], pingers: PingSockets, attempt: Attempt, tell: Callable[[int, Outcome], None]) -> Callable[[], None]:
    def ended(place: int, shots: Sequence[Shot]) -> None:
        tell(place, judge(shots, attempt.timeout, {}, pingers.echoes.take(aims[place].address)))

    train = Train([each.address for each in aims], aims[0].options, pingers, ended)
    train.go()
    return train.stop


def ready(vantage: Vantage, _checks: Sequence[Check]) -> None:
    """Open the ping socket now. Raises NoPingSocketsError: one line that says which sysctl."""
    if not wants_icmplib(vantage.icmp_backend):
        vantage.share(PingSockets).open()
