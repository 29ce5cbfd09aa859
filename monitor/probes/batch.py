"""Looks that a person asks for: one, many from JSON lines, or a ping of many addresses. The daemon's own looking code."""

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from pydantic import ValidationError

from monitor.core.errors import Exit, PantauError
from monitor.core.verdict import ANSWERED, Outcome, Reason, Verdict
from monitor.probes import PROBES, Vantage, read_options
from monitor.probes.attempt import Attempt
from monitor.probes.deadline import look_at
from monitor.probes.faults import Fault, fault_of, wrong_keys
from monitor.probes.http_options import read_url
from monitor.probes.icmp_backend import wants_icmplib
from monitor.probes.icmp_manner import IcmpOptions, Manner
from monitor.probes.icmp_many import Pinged, ping_many
from monitor.probes.icmp_pool import PingSockets, pack
from monitor.probes.icmp_ring import SIZE
from monitor.probes.names import Names

TIMEOUT, LONGEST = 5.0, 3600.0
NO_TIMEOUT = f"must be a number of seconds, more than 0 and at most {LONGEST:g}"
AT_ONCE = 200
SPACING = 20e-6
"""Seconds between two packets when there are very many: 50,000 a second, so that no queue of a network card runs over."""
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
    """Look once at a target; `timeout` among the options is the deadline in seconds.

    Raises PantauError for a wrong kind, key or time-out, and for what is no URL.
    """
    try:
        keys = read_options(kind, _keys(options))
        if kind == "http":
            read_url(keys.url or target)
    except ValidationError as error:
        raise PantauError(f"probe {kind}: {wrong_keys(error)}", status=Exit.UNKNOWN) from None
    except ValueError as error:
        raise PantauError(f"probe {kind}: {target}: {error}", status=Exit.UNKNOWN) from None
    if _timeout(options) is None:
        raise PantauError(f"probe {kind}: timeout: {NO_TIMEOUT}", status=Exit.UNKNOWN)
    async with _vantage() as vantage:
        return await _look(vantage, kind, target, options)


async def _look(vantage: Vantage, kind: str, target: str, options: Mapping[str, object]) -> Outcome:
    timeout = _timeout(options)
    if timeout is None:
        return Outcome(Verdict.UNSURE, Reason.INTERNAL, f"timeout {NO_TIMEOUT}")
    return await look_at(kind, target, _keys(options), timeout, vantage)


def _timeout(options: Mapping[str, object]) -> float | None:
    found = options.get("timeout", TIMEOUT)
    return float(found) if isinstance(found, int | float) and 0 < found <= LONGEST else None


def _keys(options: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in options.items() if key not in OWN}


async def probe_batch(lines: Iterable[str], write: Callable[[str], None]) -> bool:
    """Look at every line at once and write its answer when it is there; True when all could be looked at."""
    room = asyncio.Semaphore(AT_ONCE)
    async with _vantage() as vantage, asyncio.TaskGroup() as group:
        tasks = [group.create_task(_line(vantage, line, room, write)) for line in lines if line.strip()]
    return all(task.result() for task in tasks)


async def _line(vantage: Vantage, line: str, room: asyncio.Semaphore, write: Callable[[str], None]) -> bool:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict) or asked.get("kind") not in PROBES:
        wrong = Outcome(Verdict.UNSURE, Reason.INTERNAL, f"not a JSON object with a kind of {', '.join(PROBES)}")
        write(json.dumps({"id": asked.get("id") if isinstance(asked, dict) else None, **as_json(wrong)}))
        return False
    async with room:
        outcome = await _look(vantage, str(asked["kind"]), str(asked.get("target") or asked.get("url") or ""), asked)
    write(json.dumps({"id": asked.get("id"), **as_json(outcome)}, ensure_ascii=False))
    return outcome.verdict is not Verdict.UNSURE


Heard = Callable[[Mapping[str, Pinged]], None]


async def ping(
    addresses: Sequence[str],
    count: int,
    interval: float,
    timeout: float,
    heard: Heard | None = None,
    keys: Mapping[str, object] = MappingProxyType({}),
) -> Mapping[str, Pinged]:
    """Ping all addresses and names `count` times, `interval` seconds apart, and wait `timeout` seconds for the last answer.

    `heard` is called with what there is after each round; `keys` are those of an `icmp` check that say how each packet is sent.
    Raises PantauError for wrong keys, and where no socket can be had.
    """
    manner = _manner(keys)
    found = {address: Pinged(address) for address in addresses}
    async with _vantage() as vantage:
        if wants_icmplib(vantage.icmp_backend):
            await _ping_by_looks(found.values(), count, interval, timeout, vantage, keys)
            return found
        aims = await _aims(found, timeout, vantage)
        spacing = SPACING if len(aims) > SIZE else 0.0

        def told(answers: Mapping[str, Pinged]) -> None:
            if heard is not None:
                heard(_named(found, aims, answers))

        try:
            answers = await ping_many(aims, count, interval, timeout, vantage.share(PingSockets), spacing, told, manner)
        except OSError as error:
            raise PantauError(f"ping: {fault_of(error).detail}", status=Exit.UNKNOWN) from None
    return _named(found, aims, answers)


def _manner(keys: Mapping[str, object]) -> Manner:
    try:
        return Manner.of(IcmpOptions.model_validate(keys))
    except ValidationError as error:
        raise PantauError(f"ping: {wrong_keys(error)}", status=Exit.UNKNOWN) from None


def _named(found: Mapping[str, Pinged], aims: Mapping[str, Sequence[str]], answers: Mapping[str, Pinged]) -> Mapping[str, Pinged]:
    """Return what came back by what was asked for, in that order: names stand for their addresses."""
    by_name = {
        name: answers[literal] if name == literal else replace(answers[literal], address=name)
        for literal, names in aims.items()
        for name in names
    }
    return {name: by_name.get(name, pinged) for name, pinged in found.items()}


def _vantage() -> Vantage:
    """Where a person looks from: the system's name servers, and in the rehearsal city its own authority too."""
    return Vantage.of(ca="!env PANTAU_CITY_CA" if os.environ.get("PANTAU_CITY_CA") else "")


async def _aims(found: Mapping[str, Pinged], timeout: float, vantage: Vantage) -> dict[str, list[str]]:
    """Map literal addresses to what was asked for; who has no address is told so."""
    names = [pinged for address, pinged in found.items() if pack(address) is None]
    resolved = await asyncio.gather(*(_resolve(pinged, timeout, vantage) for pinged in names))
    literals = dict(zip((pinged.address for pinged in names), resolved, strict=True))
    aims: dict[str, list[str]] = {}
    for name in found:
        if literal := literals.get(name, name):
            aims.setdefault(literal, []).append(name)
    return aims


async def _resolve(pinged: Pinged, timeout: float, vantage: Vantage) -> str:
    attempt = Attempt(timeout)
    try:
        async with asyncio.timeout(timeout):
            return (await vantage.share(Names).resolve(pinged.address, attempt))[0]
    except TimeoutError:
        pinged.last = attempt.late.value
    except Fault as fault:
        pinged.last = fault.detail
    return ""


async def _ping_by_looks(
    found: Iterable[Pinged], count: int, interval: float, timeout: float, vantage: Vantage, keys: Mapping[str, object]
) -> None:
    """Where there are no shared sockets: look after look."""
    for pinged in found:
        for number in range(count):
            outcome = await look_at("icmp", pinged.address, keys, timeout, vantage)
            pinged.sent += 1
            if outcome.verdict in ANSWERED and outcome.seconds is not None:
                pinged.times.append(outcome.seconds)
            else:
                pinged.last = outcome.detail
            await asyncio.sleep(interval if number + 1 < count else 0)
