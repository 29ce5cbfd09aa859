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
from monitor.probes import Vantage
from monitor.probes.asked import Asked, read_asked, read_line
from monitor.probes.attempt import Attempt
from monitor.probes.deadline import look_at
from monitor.probes.discreet import secrets
from monitor.probes.explained import Told
from monitor.probes.explained import told as lines_of
from monitor.probes.faults import Fault, fault_of, wrong_keys
from monitor.probes.icmp_backend import wants_icmplib
from monitor.probes.icmp_manner import IcmpOptions, Manner
from monitor.probes.icmp_many import Pinged, ping_many
from monitor.probes.icmp_pool import PingSockets, pack
from monitor.probes.icmp_ring import SIZE
from monitor.probes.names import Names
from monitor.probes.room import Room
from monitor.probes.wiretap import TAPE, Tape

SPACING = 20e-6
"""Seconds between two packets when there are very many: 50,000 a second, so that no queue of a network card runs over."""


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


async def probe_once(kind: str, target: str, options: Mapping[str, object], told: Callable[[Told], None] | None = None) -> Outcome:
    """Look once at a target; `timeout` among the options is the deadline in seconds. Raises PantauError for what cannot be looked at.

    `told` hears afterwards what was sent and what came, line by line.
    """
    asked = read_asked(kind, target, options)
    tape = Tape() if told else None
    before = TAPE.set(tape)
    try:
        async with _vantage() as vantage:
            outcome = await _look(vantage, asked)
    finally:
        TAPE.reset(before)
    if told and tape:
        for line in lines_of(tape, secrets(asked.kind, asked.keys)):
            told(line)
    return outcome


async def _look(vantage: Vantage, asked: Asked) -> Outcome:
    return await look_at(asked.kind, asked.target, asked.keys, asked.timeout, vantage)


async def probe_batch(lines: Iterable[str], write: Callable[[str], None], descriptors: int = 1024) -> bool:
    """Look at every line at once, as far as so many descriptors reach; write each answer when it is there.

    True when all could be looked at.
    """
    wanted = [read_line(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    room = Room(descriptors)
    answered = [_answer(write, line.name, Outcome(Verdict.UNSURE, Reason.INTERNAL, line.wrong)) for line in wanted if line.wrong]
    tasks: list[asyncio.Task[bool]] = []
    try:
        async with _vantage() as vantage, asyncio.TaskGroup() as group:
            for name, asked in ((line.name, line.asked) for line in wanted if line.asked):
                await room.take(asked.holds)
                tasks.append(group.create_task(_one(vantage, name, asked, room, write)))
                await asyncio.sleep(0)  # those that were begun go on: an answer is heard while the next are begun
    except ExceptionGroup as group_of_errors:
        raise group_of_errors.exceptions[0] from None  # whoever reads the answers has gone, or there is no room for them
    return all((*answered, *(task.result() for task in tasks)))


async def _one(vantage: Vantage, name: object, asked: Asked, room: Room, write: Callable[[str], None]) -> bool:
    try:
        outcome = await _look(vantage, asked)
    finally:
        room.give(asked.holds)
    return _answer(write, name, outcome)


def _answer(write: Callable[[str], None], name: object, outcome: Outcome) -> bool:
    write(json.dumps({"id": name, **as_json(outcome)}, ensure_ascii=False))
    return outcome.verdict is not Verdict.UNSURE


Heard = Callable[[Mapping[str, Pinged]], None]


async def ping(
    addresses: Sequence[str],
    count: int,
    interval: float,
    timeout: float,
    heard: Heard | None = None,
    keys: Mapping[str, object] = MappingProxyType({}),
    spacing: float | None = None,
) -> Mapping[str, Pinged]:
    """Ping all addresses and names `count` times, `interval` seconds apart, and wait `timeout` seconds for each answer.

    `heard` is called with what there is after each round; `keys` are those of an `icmp` check that say how each packet is sent.
    `spacing` seconds lie between packets to different addresses; not said, none between few, and `SPACING` between many.
    Raises PantauError for wrong keys, and where no socket can be had.
    """
    manner = _manner(keys)
    found = {address: Pinged(address) for address in addresses}
    async with _vantage() as vantage:
        if wants_icmplib(vantage.icmp_backend):
            await _ping_by_looks(found.values(), count, interval, timeout, vantage, keys)
            return found
        aims = await _aims(found, timeout, vantage)
        if spacing is None:
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
