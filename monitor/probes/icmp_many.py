"""Pinging very many addresses at once, over the same sockets as every look: no task and no timer a packet."""

import asyncio
from collections import deque
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

AT_ONCE = 16 * SIZE
"""Packets of a flood in one turn of the loop: 13 ms of it. Floods are for people at a terminal; no daemon waits behind them."""

HELD = 500_000
"""Packets of rounds that are not over; where there are more, the next round waits for the oldest."""


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
        """Return the line that fping prints, with what came besides, or the last reason."""
        loss = 100 * (self.sent - self.received) // self.sent if self.sent else 100
        text = f"{self.address} : xmt/rcv/%loss = {self.sent}/{self.received}/{loss}%"
        if self.times:
            low, mean, high = (1000 * each for each in (min(self.times), sum(self.times) / len(self.times), max(self.times)))
            besides = ", ".join(f"{times} {what}" for what, times in (self.echoes or {}).items())
            return f"{text}, min/avg/max = {low:.3g}/{mean:.3g}/{high:.3g}" + (f" ({besides})" if besides else "")
        return f"{text} ({self.last})" if self.last else text


class _Volley:
    """One packet to each address. It leaves by `fire`; `end` waits for the answers."""

    def __init__(self, aims: Sequence[bytes], pingers: PingSockets, manner: Manner) -> None:
        self._pingers, self._manner = pingers, manner
        self._fired, self._back = (asyncio.get_running_loop().create_future() for _ in range(2))
        self._used: list[tuple[PingSocket, Sequence[Shot]]] = []
        self._left = len(aims)
        self.shots = pingers.shots(aims, self._came)
        for shot in self.shots if len(aims) <= MOST else ():
            pingers.echoes.keep(shot)  # so that a second reply is known

    async def fire(self, spacing: float) -> None:
        """Send all, those of a family together."""
        step = AT_ONCE if spacing <= 0 else max(1, min(SIZE, int(0.01 / spacing)))
        for size in sorted({len(shot.address) for shot in self.shots}):
            shots = [shot for shot in self.shots if len(shot.address) == size]
            for start in range(0, len(shots), step):
                some = shots[start : start + step]
                send = self._pingers.send if spacing > 0 else self._pingers.flood
                self._used.append((send(some, self._manner), some))
                await asyncio.sleep(spacing * len(some))  # with 0, too, others have their turn
        self._fired.set_result(None)

    async def end(self, timeout: float, before: "asyncio.Task[None] | None", count: Callable[[Sequence[Shot], bool], None]) -> None:
        """Count what came within the time-out, after the volley before; broken off, what came so far."""
        whole = False
        try:
            await self._fired
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await (self._back if self.shots else self._fired)
            whole = True
            if before is not None:
                await before
        finally:
            for pinger, some in self._used:
                self._pingers.settle(pinger, some)
            count(self.shots, whole)

    def _came(self, _: Shot) -> None:
        self._left -= 1
        if not self._left and not self._back.done():
            self._back.set_result(None)


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
    """Ping every literal address `count` times, `interval` seconds apart, and wait `timeout` seconds for each answer.

    Nobody waits for who is silent: the next round leaves meanwhile, while not more than `HELD` packets are on their way. `spacing`
    seconds lie between two packets to different addresses (0: as fast as the kernel takes them); `heard` is called with what there is
    after each round. Cancelled, it returns what came back so far. Raises OSError and NoPingSocketsError as opening the sockets does;
    everything else is told by address.
    """
    found = {address: Pinged(address) for address in addresses}
    aims, aimed = _aimed(found.values(), manner)

    def counted(shots: Sequence[Shot], whole: bool) -> None:  # noqa: FBT001 - how a volley tells it
        _count(aimed, shots, timeout, whole=whole)
        _count_echoes(aimed, aims, pingers)
        heard(found)

    loop, rounds = asyncio.get_running_loop(), deque[asyncio.Task[None]]()
    try:
        for number in range(count):
            due = loop.time() + interval
            while rounds and (rounds[0].done() or (len(rounds) + 1) * len(aims) > HELD):
                await rounds[0]
                rounds.popleft()
            volley = _Volley(aims, pingers, manner)
            rounds.append(asyncio.create_task(volley.end(timeout, rounds[-1] if rounds else None, counted)))
            await volley.fire(spacing)
            if number + 1 < count:
                await asyncio.sleep(max(0.0, due - loop.time()))
        for each in rounds:
            await each
    except asyncio.CancelledError:
        pass  # somebody has seen enough
    finally:
        for each in rounds:
            each.cancel()
        await asyncio.gather(*rounds, return_exceptions=True)
    return found


def _aimed(wanted: Iterable[Pinged], manner: Manner) -> tuple[list[bytes], list[Pinged]]:
    """Return the addresses that can be aimed at in this manner, and whose each is; the others are told why not."""
    aims: list[bytes] = []
    aimed: list[Pinged] = []
    for pinged in wanted:
        aim = pack(pinged.address)
        if aim is None:
            pinged.last = "is not an address"
        elif manner.source and not manner.suits(aim):
            pinged.last = f"source {manner.source} is not of its family"
        else:
            aims.append(aim)
            aimed.append(pinged)
    return aims, aimed


def _count(aimed: Sequence[Pinged], shots: Sequence[Shot], timeout: float, *, whole: bool) -> None:
    """Add up a round; of one that was broken off, only what is known: a packet on its way is not lost yet."""
    for pinged, shot in zip(aimed, shots, strict=True):
        seconds = shot.seconds
        if seconds is not None and seconds <= timeout:
            pinged.sent += 1
            pinged.times.append(seconds)
        elif shot.fault is None and not (whole and shot.sent):
            pinged.last = "our own socket took no packet" if whole else pinged.last or "no reply yet"
        else:
            pinged.sent += 1
            fault = shot.fault or Fault(Reason.TIMEOUT, f"no reply within {timeout:g} s")
            pinged.last = fault.detail or fault.reason.value


def _count_echoes(aimed: Sequence[Pinged], aims: Sequence[bytes], pingers: PingSockets) -> None:
    """Add up what came besides the replies."""
    for pinged, aim in zip(aimed, aims, strict=True) if pingers.echoes.any else ():
        before = dict(pinged.echoes or {})
        more = {key: what + int(before.get(key, 0)) if isinstance(what, int) else what for key, what in pingers.echoes.take(aim).items()}
        pinged.echoes = before | more
