"""The interfaces of a device (IF-MIB, RFC 2863), joined by index, and how fast their counters ran since the look before.

A rate is told only where it is sure: never across a restart of the device or a discontinuity that it tells of, and of a 32-bit counter only
when it cannot have run over more than once. Names, not indices, say what is the same interface: indices change when a device restarts.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from monitor.probes.ber import Oid
from monitor.probes.snmp_agent import Agent
from monitor.probes.snmp_message import Value
from monitor.probes.snmp_value import get, number, text
from monitor.probes.snmp_walk import walk

_IF, _IFX = (1, 3, 6, 1, 2, 1, 2, 2, 1), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
DESCR, SPEED, OPER, IN32, OUT32 = (*_IF, 2), (*_IF, 5), (*_IF, 8), (*_IF, 10), (*_IF, 16)
NAME, IN64, OUT64, ALIAS, SINCE = (*_IFX, 1), (*_IFX, 6), (*_IFX, 10), (*_IFX, 18), (*_IFX, 19)
UPTIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
OPER_WORDS = {1: "up", 2: "down", 3: "testing", 4: "unknown", 5: "dormant", 6: "not_present", 7: "lower_layer_down"}
FASTEST = 1_000_000_000
"""Bits a second that an interface is taken for when it tells no speed of its own."""
SHORTEST = 1.0
"""Seconds between two readings, below which no rate is told."""
SLACK = 5.0
"""Seconds by which the clocks of a device and of ours may differ between two readings."""
_UPTIME_WRAP = 2**32 / 100


class Counters(NamedTuple):
    """Octets of an interface, the width of these counters, and ifCounterDiscontinuityTime: the uptime at which they last began anew."""

    received: int
    sent: int
    bits: int
    since: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of a device at one moment: `at` on our monotonic clock, `uptime` in seconds, counters by the interface's name."""

    at: float
    uptime: float | None
    counters: Mapping[str, Counters]


async def read_interfaces(agent: Agent, limit: int) -> dict[str, object]:
    """Return `interfaces`: index, name, alias, oper, octets in and out, their width and rates; and how many are up and down."""
    uptime = number((await get(agent, {"uptime": UPTIME}))["uptime"])
    oper = await walk(agent, OPER, limit)
    names = await walk(agent, NAME, limit)
    aliases = await walk(agent, ALIAS, limit) if names else {}
    descriptions = {} if set(oper) <= set(names) else await walk(agent, DESCR, limit)
    indices = sorted({index for index in (*oper, *names, *descriptions) if len(index) == 1})[:limit]
    at = time.monotonic()
    counters, speeds = await _counters(agent, indices, limit)
    rows: list[dict[str, object]] = []
    for index in indices:
        row: dict[str, object] = {"index": index[0], "name": text(names.get(index)) or text(descriptions.get(index))}
        if alias := text(aliases.get(index)):
            row["alias"] = alias
        row["oper"] = OPER_WORDS.get(number(oper.get(index)) or 0, "unknown")
        rows.append(row | counters.get(index, {}))
    since = await walk(agent, SINCE, limit) if counters else {}
    now = Reading(at, None if uptime is None or uptime < 0 else uptime / 100, _by_name(rows, since))
    before = agent.memory.reading
    _tell_rates(rows, before, now, speeds)
    if before is not None and fell(before, now):
        agent.memory.forget()
    if before is None or at - before.at >= SHORTEST:
        agent.memory.reading = now
    up = sum(row["oper"] == "up" for row in rows)
    return {"interfaces": rows, "interfaces_up": up, "interfaces_down": sum(row["oper"] == "down" for row in rows)}


async def _counters(agent: Agent, indices: Sequence[Oid], limit: int) -> tuple[dict[Oid, dict[str, object]], dict[str, int]]:
    """Octets in and out of each interface and their width: 64 bits where there are such, else 32; speeds where there are 32."""
    wide = (await walk(agent, IN64, limit), await walk(agent, OUT64, limit))
    narrow: tuple[dict[Oid, Value], ...] = ({}, {})
    speeds: dict[Oid, Value] = {}
    if any(index not in wide[0] for index in indices):
        narrow = (await walk(agent, IN32, limit), await walk(agent, OUT32, limit))
        speeds = await walk(agent, SPEED, limit)
    found: dict[Oid, dict[str, object]] = {}
    for index in indices:
        (received, sent), bits = (wide, 64) if index in wide[0] else (narrow, 32)
        if index in received:
            found[index] = {"in": number(received[index]), "out": number(sent.get(index)), "bits": bits}
    return found, {str(index[0]): speed for index, value in speeds.items() if len(index) == 1 and (speed := number(value))}


def _by_name(rows: Sequence[Mapping[str, Any]], since: Mapping[Oid, Value]) -> dict[str, Counters]:
    """Counters by name and alias; a name that two interfaces share names neither."""
    found: dict[str, Counters | None] = {}
    for row in rows:
        if isinstance(row.get("in"), int) and isinstance(row.get("out"), int):
            name = _identity(row)
            counters = Counters(row["in"], row["out"], row["bits"], number(since.get((row["index"],))))
            found[name] = None if name in found else counters
    return {name: counters for name, counters in found.items() if counters is not None}


def _identity(row: Mapping[str, Any]) -> str:
    return f"{row['name']}\n{row.get('alias', '')}" if row["name"] else f"#{row['index']}"


def _tell_rates(rows: list[dict[str, object]], before: Reading | None, now: Reading, speeds: Mapping[str, int]) -> None:
    """Add `in_rate` and `out_rate`, in bits a second, to the rows of which they are sure."""
    if before is None or now.at - before.at < SHORTEST or restarted(before, now):
        return
    for row in rows:
        old, new = before.counters.get(_identity(row)), now.counters.get(_identity(row))
        if old is None or new is None or old.bits != new.bits or began_anew(old, new, before, now):
            continue
        speed = speeds.get(str(row["index"]), 0) or FASTEST
        sure = now.uptime is not None and before.uptime is not None
        for word, first, last in (("in_rate", old.received, new.received), ("out_rate", old.sent, new.sent)):
            rate = rate_of(first, last, now.at - before.at, bits=new.bits, speed=speed, sure=sure)
            if rate is not None:
                row[word] = rate


def restarted(before: Reading, now: Reading) -> bool:
    """Tell whether the device restarted between two readings: its uptime did not go on as time did, nor run over (497 days)."""
    if before.uptime is None or now.uptime is None:
        return (before.uptime is None) != (now.uptime is None)
    drift = (now.uptime - before.uptime - (now.at - before.at)) % _UPTIME_WRAP
    allowed = SLACK + 0.01 * (now.at - before.at)
    return min(drift, _UPTIME_WRAP - drift) > allowed


def began_anew(old: Counters, new: Counters, before: Reading, now: Reading) -> bool:
    """Tell whether the device says (RFC 2863, 3.1.5) that counters began anew between two readings, or while the first of them went on.

    That is told after the counters themselves, and the uptime before them: what began anew in between shows as a time in between.
    """
    if old.since != new.since:
        return True
    if not new.since or before.uptime is None:
        return False
    return (new.since / 100 - before.uptime) % _UPTIME_WRAP <= now.at - before.at + SLACK


def fell(before: Reading, now: Reading) -> bool:
    """Tell whether a device was started in between: its uptime fell, and did not run over."""
    return None not in (before.uptime, now.uptime) and restarted(before, now) and (now.uptime or 0) < (before.uptime or 0)


def rate_of(first: int, last: int, seconds: float, *, bits: int, speed: int, sure: bool) -> float | None:
    """Return bits a second; None where a counter fell for another reason than running over once, or may have run over more often.

    `sure` says that the device told its uptime, and did not restart; without it a counter that fell may have begun anew.
    """
    if bits == 32 and seconds >= 2**32 * 8 / speed:
        return None
    if last < first and not (bits == 32 and sure):
        return None
    rate = 8 * ((last - first) % 2**bits) / seconds
    return round(rate, 1) if bits == 64 or rate <= 1.1 * speed else None
