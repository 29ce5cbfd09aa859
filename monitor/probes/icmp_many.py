"""Pinging very many addresses at once, over the same sockets as every look: no task and no timer a packet."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault
from monitor.probes.icmp_echoes import MOST
from monitor.probes.icmp_judge import figures
from monitor.probes.icmp_manner import PLAIN, Manner
from monitor.probes.icmp_pool import PingSockets, pack
from monitor.probes.icmp_ring import SIZE
from monitor.probes.icmp_socket import PingSocket, Shot


@dataclass(slots=True)
class Pinged:
    """What came back from one address: round trips in seconds, why the last was lost, and what came besides."""

    address: str
    sent: int = 0
    times: list[float] = field(default_factory=list)
    last: str = ""
    echoes: Mapping[str, int | str] | None = None

    @property
    def received(self) -> int:
        """How many answers there were."""
        return len(self.times)

    @property
    def loss(self) -> float:
        """The share of packets that were not answered; all of none is 1."""
        return 1 - self.received / self.sent if self.sent else 1.0

    def as_json(self) -> dict[str, object]:
        """Return all that is known of it; times in seconds, `last` is the reason of the last loss."""
        found: dict[str, object] = {"address": self.address, "sent": self.sent, "received": self.received, "loss": round(self.loss, 6)}
        if self.times:
            found |= figures(self.times) | {"rtt_mean": sum(self.times) / len(self.times)}
        return found | dict(self.echoes or {}) | {"last": self.last or None}

    def summary(self) -> str:
        """Return the line that fping prints, with the last reason."""
        loss = 100 * (self.sent - self.received) // self.sent if self.sent else 100
        text = f"{self.address} : xmt/rcv/%loss = {self.sent}/{self.received}/{loss}%"
        if self.times:
            low, mean, high = (1000 * each for each in (min(self.times), sum(self.times) / len(self.times), max(self.times)))
            return f"{text}, min/avg/max = {low:.3g}/{mean:.3g}/{high:.3g}"
        return f"{text} ({self.last})" if self.last else text


class _Volley:
    """Counts shots until all have come back."""

    __slots__ = ("finished", "left")

    def __init__(self, left: int) -> None:
        self.left = left
        self.finished = asyncio.get_running_loop().create_future()

    def done(self, _: Shot) -> None:
        self.left -= 1
        if not self.left and not self.finished.done():
            self.finished.set_result(None)


async def ping_many(
    addresses: Iterable[str],
    count: int,
    interval: float,
    timeout: float,
    pingers: PingSockets,
    spacing: float = 0.0,
    heard: Callable[[Mapping[str, Pinged]], None] = lambda _: None,
    manner: Manner = PLAIN,
) -> dict[str, Pinged]:
    """Ping every literal address `count` times, `interval` seconds apart, and wait `timeout` seconds for the last answer.

    `spacing` seconds lie between two packets to different addresses (0: as fast as the kernel takes them); `heard` is called with
    what there is after each round. Cancelled, it returns what came back so far. Raises OSError and NoPingSocketsError as opening the
    sockets does; everything else is told by address.
    """
    found = {address: Pinged(address) for address in addresses}
    packed = {address: pack(address) for address in found}
    for address in [address for address, aim in packed.items() if aim is None]:
        found[address].last = "is not an address"
    aims = [(found[address], aim) for address, aim in packed.items() if aim is not None]
    if manner.source:
        for pinged in [pinged for pinged, aim in aims if not manner.suits(aim)]:
            pinged.last = f"source {manner.source} is not of its family"
        aims = [(pinged, aim) for pinged, aim in aims if manner.suits(aim)]
    with suppress(asyncio.CancelledError):  # somebody has seen enough
        for number in range(count):
            pause = asyncio.ensure_future(asyncio.sleep(interval if number + 1 < count else 0))
            await _volley(aims, timeout, pingers, spacing, manner)
            heard(found)
            await pause
    return found


async def _volley(aims: Sequence[tuple[Pinged, bytes]], timeout: float, pingers: PingSockets, spacing: float, manner: Manner) -> None:
    volley = _Volley(len(aims))
    shots = pingers.shots([aim for _, aim in aims], volley.done)
    used: list[tuple[PingSocket, Sequence[Shot]]] = []
    for shot in shots if len(shots) <= MOST else ():
        pingers.echoes.keep(shot)  # so that a second reply is known
    try:
        for size in (4, 16):
            await _fire([shot for shot in shots if len(shot.address) == size], pingers, spacing, manner, used)
        async with asyncio.timeout(timeout):
            if shots:
                await volley.finished
    except TimeoutError:
        pass
    finally:
        for pinger, some in used:
            pingers.settle(pinger, some)
    for (pinged, _), shot in zip(aims, shots, strict=True):
        _count(pinged, shot, timeout)
    if pingers.echoes.any:
        for pinged, aim in aims:
            before = dict(pinged.echoes or {})
            more = {
                key: what + int(before.get(key, 0)) if isinstance(what, int) else what for key, what in pingers.echoes.take(aim).items()
            }
            pinged.echoes = before | more


async def _fire(
    shots: Sequence[Shot], pingers: PingSockets, spacing: float, manner: Manner, used: list[tuple[PingSocket, Sequence[Shot]]]
) -> None:
    step = SIZE if spacing <= 0 else max(1, min(SIZE, int(0.01 / spacing)))
    for start in range(0, len(shots), step):
        some = shots[start : start + step]
        used.append((pingers.send(some, manner), some))
        await asyncio.sleep(spacing * len(some))  # with 0, too, the loop takes the replies now


def _count(pinged: Pinged, shot: Shot, timeout: float) -> None:
    pinged.sent += 1
    if shot.seconds is not None and shot.seconds <= timeout:
        pinged.times.append(shot.seconds)
        return
    if not shot.sent and shot.fault is None:
        pinged.sent -= 1
        pinged.last = "our own socket took no packet"
        return
    fault = shot.fault or Fault(Reason.TIMEOUT, f"no reply within {timeout:g} s")
    pinged.last = fault.detail or fault.reason.value
