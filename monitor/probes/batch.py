"""Looks that a person asks for: one, many from JSON lines, or a ping of many addresses. The daemon's own looking code."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.core.errors import PantauError
from monitor.core.verdict import ANSWERED, Outcome, Reason, Verdict
from monitor.probes import PROBES, Vantage, look_at

TIMEOUT = 5.0
AT_ONCE = 200
OWN = ("id", "kind", "target", "timeout")


def as_json(outcome: Outcome) -> dict[str, object]:
    """Return an outcome in the shape of commands.md."""
    return {
        "verdict": outcome.verdict.value,
        "reason": outcome.reason.value if outcome.reason else None,
        "detail": outcome.detail,
        "seconds": outcome.seconds,
        "phases": dict(outcome.phases),
        "values": dict(outcome.values),
    }


async def probe_once(kind: str, target: str, options: Mapping[str, object]) -> Outcome:
    """Look once at a target; `timeout` among the options is the deadline in seconds. Raises PantauError for an unknown kind."""
    if kind not in PROBES:
        raise PantauError(f"probe {kind!r}: there is no such kind; there are {', '.join(PROBES)}")
    async with Vantage.of() as vantage:
        return await _look(vantage, kind, target, options)


async def _look(vantage: Vantage, kind: str, target: str, options: Mapping[str, object]) -> Outcome:
    timeout = options.get("timeout", TIMEOUT)
    if not isinstance(timeout, int | float) or not 0 < timeout <= 3600:
        return Outcome(Verdict.UNSURE, Reason.INTERNAL, f"timeout {timeout!r}: not a number of seconds")
    return await look_at(kind, target, {key: value for key, value in options.items() if key not in OWN}, float(timeout), vantage)


async def probe_batch(lines: Iterable[str], write: Callable[[str], None]) -> bool:
    """Look at every line at once and write its answer when it is there; True when all could be looked at."""
    room = asyncio.Semaphore(AT_ONCE)
    async with Vantage.of() as vantage, asyncio.TaskGroup() as group:
        tasks = [group.create_task(_line(vantage, line, room, write)) for line in lines if line.strip()]
    return all(task.result() for task in tasks)


async def _line(vantage: Vantage, line: str, room: asyncio.Semaphore, write: Callable[[str], None]) -> bool:
    try:
        asked = json.loads(line)
    except ValueError:
        asked = None
    if not isinstance(asked, dict) or asked.get("kind") not in PROBES:
        wrong = Outcome(Verdict.UNSURE, Reason.INTERNAL, f"not a JSON object with a kind of {', '.join(PROBES)}")
        write(json.dumps({"id": asked.get("id") if isinstance(asked, dict) else None, **as_json(wrong)}))
        return False
    async with room:
        outcome = await _look(vantage, str(asked["kind"]), str(asked.get("target") or asked.get("url") or ""), asked)
    write(json.dumps({"id": asked.get("id"), **as_json(outcome)}, ensure_ascii=False))
    return outcome.verdict is not Verdict.UNSURE


@dataclass(slots=True)
class Pinged:
    """What came back from one address: round trips in seconds."""

    address: str
    sent: int = 0
    times: list[float] = field(default_factory=list)
    last: str = ""

    @property
    def received(self) -> int:
        """How many answers there were."""
        return len(self.times)

    def summary(self) -> str:
        """Return the line that fping prints, with the last reason."""
        loss = 100 * (self.sent - self.received) // self.sent if self.sent else 0
        text = f"{self.address} : xmt/rcv/%loss = {self.sent}/{self.received}/{loss}%"
        if self.times:
            low, mean, high = (1000 * each for each in (min(self.times), sum(self.times) / len(self.times), max(self.times)))
            return f"{text}, min/avg/max = {low:.3g}/{mean:.3g}/{high:.3g}"
        return f"{text} ({self.last})" if self.last else text


async def ping(addresses: Sequence[str], count: int, interval: float, timeout: float) -> dict[str, Pinged]:
    """Ping all addresses `count` times, `interval` seconds apart, each waiting `timeout` seconds."""
    found = {address: Pinged(address) for address in addresses}
    room = asyncio.Semaphore(1000)
    async with Vantage.of() as vantage:
        for number in range(count):
            async with asyncio.TaskGroup() as group:
                for pinged in found.values():
                    group.create_task(_ping(vantage, pinged, room, timeout))
                if number + 1 < count:
                    group.create_task(asyncio.sleep(interval))
    return found


async def _ping(vantage: Vantage, pinged: Pinged, room: asyncio.Semaphore, timeout: float) -> None:
    async with room:
        outcome = await look_at("icmp", pinged.address, {}, timeout, vantage)
    pinged.sent += 1
    if outcome.verdict in ANSWERED and outcome.seconds is not None:
        pinged.times.append(outcome.seconds)
    else:
        pinged.last = outcome.detail or (outcome.reason.value if outcome.reason else "")
