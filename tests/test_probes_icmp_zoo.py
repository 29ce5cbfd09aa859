"""What a ping may meet: each situation with its verdict, its reason and who said it, over ping sockets and over raw ones.

They are played on a TUN device (`tests/liars.py`) and all looked at together; real routers and filters: test_probes_icmp_ways.py.
"""

import asyncio
import functools
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage
from monitor.probes.deadline import look
from tests.ground import PING_GROUPS, check, own_network
from tests.liars import ROUTER, STRANGER, STRANGER_6, Habit, Packet, elsewhere, honest, liars, silent, with_token

ROOM = {True: "198.18.1.{}", False: "2001:db8::1:{}"}
BOTH, OLD, NEW = (True, False), (True,), (False,)


@dataclass(frozen=True)
class Lie:
    """A situation: what the machine there does, with which keys it is looked at, and what must come of it."""

    name: str
    habit: Callable[[], Habit]
    verdict: Verdict
    reason: Reason | None = None
    detail: str = ""
    values: dict[str, int] = field(default_factory=dict)
    families: tuple[bool, ...] = BOTH
    options: dict[str, object] = field(default_factory=dict)


def plainly(habit: Habit) -> Callable[[], Habit]:
    return lambda: habit


def taking_turns(*habits: Habit) -> Callable[[], Habit]:
    """One habit for each request, the first again after the last."""

    def make() -> Habit:
        turns = itertools.cycle(habits)

        def habit(asked: Packet) -> Iterable[Packet | bytes]:
            return next(turns)(asked)

        return habit

    return make


def keeping_back() -> Habit:
    """Answer each request when the next comes."""
    kept: list[Packet] = []

    def habit(asked: Packet) -> list[Packet]:
        kept.append(asked.reply())
        return [kept.pop(0)] if len(kept) > 1 else []

    return habit


def saying(kind: int, code: int, information: int = 0) -> Callable[[], Habit]:
    return plainly(lambda asked: [asked.error(kind, code, information)])


def spoilt(asked: Packet) -> list[bytes]:
    wire = asked.reply().wire()
    return [wire[:-1] + b"\1"]


def refused(kind: int, code: int, words: str, families: tuple[bool, ...], information: int = 0, **options: object) -> Lie:
    detail = f"{ROUTER if families == OLD else '2001:db8::2'} says: {words}"
    name = f"a router says {kind}/{code}{' with ' if options else ''}{' '.join(options)}"
    return Lie(name, saying(kind, code, information), Verdict.FAIL, Reason.UNREACHABLE, detail, families=families, options=options)


def silence(name: str, habit: Habit, **options: object) -> Lie:
    """Whatever comes is no answer."""
    return Lie(name, plainly(habit), Verdict.FAIL, Reason.TIMEOUT, "no reply within 1 s", options=options)


FOUR: dict[str, object] = {"count": 4, "packet_interval": 0.01}
LIES = [
    Lie("it answers", plainly(honest), Verdict.OK, values={"sent": 1, "received": 1}),
    Lie("it answers four times", plainly(honest), Verdict.OK, values={"sent": 4, "received": 4}, options=FOUR),
    silence("nobody is there", silent),
    silence("another address answers", lambda asked: [asked.reply(by=STRANGER if asked.old else STRANGER_6)]),
    silence("another token comes back", lambda asked: [asked.reply(body=with_token(asked, bytes(8)))]),
    silence("the reply is for another's id", lambda asked: [asked.reply(body=asked.body[:4] + b"\xff\xfe" + asked.body[6:])]),
    silence("the sum of the reply is wrong", spoilt),  # but see SUMS
    silence("the reply is a header only", lambda asked: [asked.reply(body=asked.body[:8])]),
    silence("the reply ends within the token", lambda asked: [asked.reply(body=asked.body[:15])]),
    silence("our own request comes back", lambda asked: [Packet(asked.destination, asked.source, asked.body)]),
    silence("a router quotes another token", lambda asked: [asked.error(*_unreachable(asked), quoted=_forged(asked, bytes(8)))]),
    silence("a router quotes another target", lambda asked: [asked.error(*_unreachable(asked), quoted=elsewhere(asked).wire())]),
    silence("a router quotes nothing", lambda asked: [asked.error(*_unreachable(asked), quoted=b"")]),
    silence("too big, it says, for what may be divided", lambda asked: [asked.error(*((3, 4) if asked.old else (2, 0)), 1400)]),
    Lie(
        "the reply lacks half of the data",
        plainly(lambda asked: [asked.reply(body=asked.body[: len(asked.body) // 2])]),
        Verdict.OK,
        values={"received": 1, "truncated": 1},
        options={"size": 1000},
    ),
    Lie("the reply is longer than the request", plainly(lambda asked: [asked.reply(body=asked.body + bytes(900))]), Verdict.OK),
    Lie(
        "noise, then the reply", plainly(lambda asked: [*[asked.reply(body=with_token(asked, bytes(8)))] * 300, asked.reply()]), Verdict.OK
    ),
    Lie(
        "a router refuses it, yet the reply comes",
        plainly(lambda asked: [asked.error(*_unreachable(asked)), asked.reply()]),
        Verdict.OK,
        values={"received": 1},
    ),
    Lie(
        "each reply comes twice",
        plainly(lambda asked: [asked.reply()] * 2),
        Verdict.OK,
        values={"received": 4, "duplicates": 3},  # that of the last comes when the look is over, and is told with the next
        options=FOUR,
    ),
    Lie(
        "each reply comes with the next request",
        keeping_back,
        Verdict.WARN,
        Reason.PACKET_LOSS,
        "3 of 4 answered",
        {"received": 3},
        BOTH,
        FOUR,
    ),
    Lie(
        "every second packet is lost",
        taking_turns(honest, silent),
        Verdict.WARN,
        Reason.PACKET_LOSS,
        "2 of 4 answered",
        {"sent": 4, "received": 2},
        BOTH,
        FOUR,
    ),
    Lie(
        "a router refuses one, the others come through",
        taking_turns(lambda asked: [asked.error(*_unreachable(asked))], honest, honest, honest),
        Verdict.WARN,
        Reason.PACKET_LOSS,
        "3 of 4 answered",
        {"sent": 4, "received": 3},
        BOTH,
        FOUR,
    ),
    Lie("a redirect, then the reply", plainly(lambda asked: [asked.error(5, 1), asked.reply()]), Verdict.OK, families=OLD),
    Lie(
        "a router quotes no more than the header",
        plainly(lambda asked: [asked.error(3, 1, quoted=asked.wire()[:28])]),
        Verdict.FAIL,
        Reason.UNREACHABLE,
        f"{ROUTER} says: host unreachable",
        families=OLD,
    ),
    Lie(
        "a router quotes no more than the header, of each of four",
        plainly(lambda asked: [asked.error(3, 1, quoted=asked.wire()[:28])] * 2),
        Verdict.FAIL,
        Reason.UNREACHABLE,
        f"{ROUTER} says: host unreachable",
        values={"sent": 4, "received": 0},
        families=OLD,
        options=FOUR,
    ),
    refused(3, 0, "network unreachable", OLD),
    refused(3, 1, "host unreachable", OLD),
    refused(3, 2, "protocol unreachable", OLD),
    refused(3, 3, "port unreachable", OLD),
    refused(3, 9, "network prohibited", OLD),
    refused(3, 10, "host prohibited", OLD),
    refused(3, 13, "prohibited by a filter", OLD),
    refused(3, 14, "destination unreachable", OLD),
    refused(3, 4, "packet too big, at most 1400 bytes pass", OLD, 1400, df=True, size=1472),
    refused(11, 0, "time to live ended on the way (a loop of routes?)", OLD),
    refused(11, 0, "time to live ended on the way", OLD, ttl=3),
    refused(12, 0, "parameter problem", OLD),
    refused(1, 0, "no route to the destination", NEW),
    refused(1, 1, "prohibited by a filter", NEW),
    refused(1, 3, "address unreachable", NEW),
    refused(1, 4, "port unreachable", NEW),
    refused(1, 6, "route rejects", NEW),
    refused(2, 0, "packet too big, at most 1400 bytes pass", NEW, 1400, df=True, size=1452),
    refused(3, 0, "hop limit ended on the way (a loop of routes?)", NEW),
    refused(3, 0, "hop limit ended on the way", NEW, ttl=3),
    refused(4, 0, "parameter problem", NEW),
]


def _unreachable(asked: Packet) -> tuple[int, int]:
    return (3, 1) if asked.old else (1, 3)


def _forged(asked: Packet, token: bytes) -> bytes:
    return Packet(asked.source, asked.destination, with_token(asked, token)).wire()


SUMS = [("raw sockets", True)]
"""Where nobody checks the sum of what comes: there a spoilt reply with the right token is an answer (see docs/probes.md)."""

CASES = [(lie, old) for lie in LIES for old in lie.families]


def target_of(number: int) -> str:
    return ROOM[CASES[number][1]].format(1 + number)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def _look_at_all() -> tuple[list[Outcome], int]:
    """Look at all liars together; the outcomes by case, and how many descriptors stayed open."""
    with liars() as network:
        for number, (lie, _) in enumerate(CASES):
            network.live(target_of(number), lie.habit())
        before = descriptors()
        async with Vantage.of() as vantage:
            checks = [check(target_of(number), 1.0, **lie.options) for number, (lie, _) in enumerate(CASES)]
            found = await asyncio.gather(*(look(one, vantage) for one in checks))
        return found, descriptors() - before


@functools.cache
def outcomes(sockets: str) -> tuple[list[Outcome], int]:
    for _ in range(9):
        with own_network():
            if sockets == "raw sockets":
                PING_GROUPS.write_text("1 0")
            found, leaked = asyncio.run(_look_at_all())
        if Reason.LOOP_LATE not in {outcome.reason for outcome in found}:  # a busy machine: then they say nothing
            return found, leaked
    raise AssertionError("this machine is too busy to look")


@pytest.mark.parametrize("sockets", ["ping sockets", "raw sockets"])
@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: f"{CASES[number][0].name}, IPv{4 if CASES[number][1] else 6}")
def test_who_lies_is_not_believed_and_who_speaks_is_named(sockets: str, number: int) -> None:
    (lie, old), outcome = CASES[number], outcomes(sockets)[0][number]
    if lie.habit() is spoilt and (sockets, old) in SUMS:
        assert outcome.verdict is Verdict.OK
        return
    assert (outcome.verdict, outcome.reason, outcome.detail) == (lie.verdict, lie.reason, lie.detail), outcome
    assert {key: outcome.values.get(key) for key in lie.values} == lie.values


@pytest.mark.parametrize("sockets", ["ping sockets", "raw sockets"])
def test_whatever_comes_back_no_descriptor_stays_open(sockets: str) -> None:
    assert outcomes(sockets)[1] == 0
