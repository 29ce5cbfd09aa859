"""What is learned of a device holds as long as it is true: how much it bears at once, and how fast it may be asked."""

import asyncio

import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.lab.snmp_agent import Question, View
from monitor.probes import Vantage, ber, read_options
from monitor.probes.deadline import look_at
from monitor.probes.snmp import Devices
from monitor.probes.snmp_memory import CALM, MOST, PATIENCE, PAUSE, REPETITIONS, Memory
from tests.agents import BULK, TICKS, Ordered, Peer, Row, agent, honest, system
from tests.agents_v3 import AUTH, Self, agent3, other
from tests.zoo_snmp import WELL, interfaces, sized

BACKENDS = ["pysnmp", "fast"]
LARGE = interfaces(range(1, 41))


def keys(port: int, backend: str, **others: object) -> dict[str, object]:
    return {"port": port, "backend": backend, "read": "system, interfaces", **others}


async def look(vantage: Vantage, asked: dict[str, object], timeout: float = 5.0) -> Outcome:
    return await look_at("snmp", "127.0.0.1", asked, timeout, vantage)


def memory_of(vantage: Vantage, asked: dict[str, object]) -> Memory:
    return vantage.share(Devices).of("127.0.0.1", read_options("snmp", asked))


def largest(peer: Peer) -> int:
    found = max((each.second for each in peer.heard if each.kind == BULK), default=0)
    peer.heard.clear()
    return found


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_device_that_gets_better_is_asked_for_more_again(backend: str) -> None:
    async with agent([*system(), *LARGE], sized(4)) as (port, peer), Vantage.of() as vantage:
        asked = keys(port, backend)
        outcomes = [await look(vantage, asked)]
        peer.heard.clear()
        outcomes.append(await look(vantage, asked))
        learned = largest(peer)
        peer.answer = honest
        outcomes += [await look(vantage, asked) for _ in range(PATIENCE)]
    assert {(outcome.verdict, len(str(outcome.values["interfaces"]))) for outcome in outcomes} == {
        (Verdict.OK, len(str(outcomes[0].values["interfaces"])))
    }
    assert (learned, largest(peer)) == (2, 32)


def test_one_that_does_not_get_better_is_tried_more_and_more_seldom() -> None:
    memory, tries, walks = Memory(), 0, 20_000
    for _ in range(walks):
        while memory.repetitions > 4:
            tries += 1
            memory.less(memory.repetitions, 2)
        memory.answered(memory.repetitions, memory.repetitions, 100)
        memory.walked()
    assert memory.repetitions == 4
    assert tries < 16


def test_nothing_is_tried_where_more_at_once_would_be_of_no_use_or_no_more_fit_into_a_packet() -> None:
    memory = Memory()
    memory.less(10, 2)
    for _ in range(10 * PATIENCE):
        memory.answered(5, 3, 100)
        memory.answered(5, 5, 1000)
        memory.walked()
    assert (memory.repetitions, memory.most) == (5, 5)


async def test_another_program_in_a_device_is_met_as_a_stranger() -> None:
    async with agent([*system(), *LARGE], sized(4)) as (port, peer), Vantage.of() as vantage:
        asked = keys(port, "fast")
        for _ in range(2):
            await look(vantage, asked)
        peer.heard.clear()
        peer.view, peer.answer = Ordered([*system(descr="RouterOS CHR 7.20"), *LARGE]), honest
        assert (await look(vantage, asked)).verdict is Verdict.OK
    assert largest(peer) >= REPETITIONS


async def test_so_is_one_that_restarted() -> None:
    def rows(seconds: int) -> list[Row]:
        return [*system(uptime=ber.integer(100 * seconds, TICKS)), *LARGE]

    async with agent(rows(9000)) as (port, peer), Vantage.of() as vantage:
        asked = keys(port, "fast")
        await look(vantage, asked)
        memory_of(vantage, asked).less(4, 2)
        await look(vantage, asked)
        assert memory_of(vantage, asked).most == 2
        peer.view = Ordered(rows(5))
        await look(vantage, asked)
        assert memory_of(vantage, asked).most == MOST


@pytest.mark.parametrize("now", [Self(boots=9, time=5), other(Self(), b"pantau-b")], ids=["boots", "engine"])
async def test_so_is_another_engine_or_one_that_was_started_again(now: Self) -> None:
    async with agent3(WELL) as (port, peer), Vantage.of() as vantage:
        asked = keys(port, "fast", user="aman", auth=AUTH)
        await look(vantage, asked)
        memory_of(vantage, asked).less(4, 2)
        await look(vantage, asked)
        assert memory_of(vantage, asked).most == 2
        peer.who = now
        for _ in range(2):
            await look(vantage, asked)
        assert memory_of(vantage, asked).most == MOST


class Breathless:
    """An agent that does not hear a question that follows its last answer at once."""

    def __init__(self, needs: float) -> None:
        self.needs = needs
        self.answered = 0.0

    def __call__(self, question: Question, view: View) -> bytes | None:
        now = asyncio.get_running_loop().time()
        if now - self.answered < self.needs:
            return None
        self.answered = now
        return honest(question, view)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_device_that_must_take_breath_is_asked_with_pauses_from_the_next_look_on(backend: str) -> None:
    async with agent(interfaces(range(1, 10)), Breathless(0.6 * PAUSE)) as (port, _), Vantage.of() as vantage:
        asked = keys(port, backend, version="2c", read="interfaces, health")
        first, second = [await look(vantage, asked, timeout=0.8) for _ in range(2)]
        assert (first.verdict, first.reason) == (Verdict.FAIL, Reason.SNMP_TIMEOUT)
        assert (second.verdict, memory_of(vantage, asked).pause) == (Verdict.OK, PAUSE)


def test_pauses_take_half_of_a_look_at_most_and_end_when_all_is_calm_or_they_are_of_no_use() -> None:
    def fell_silent(memory: Memory, *, late: bool = False) -> None:
        memory.begin(5.0)
        memory.answered(0, 1, 100)
        memory.silent(4.0)
        if late:
            memory.late()
        memory.broken_off()

    memory, slow = Memory(), Memory()
    fell_silent(slow, late=True)
    assert slow.pause == 0
    pauses = []
    for _ in range(6):
        fell_silent(memory)
        pauses.append(memory.pause)
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0, 0.05]
    memory.begin(5.0)
    assert sum(memory.rest() for _ in range(1000)) == pytest.approx(2.5)
    for _ in range(CALM):
        memory.ended()
    assert memory.pause == 0


@pytest.mark.parametrize("backend", BACKENDS)
async def test_an_agent_is_never_asked_a_second_thing_before_it_answered_the_first(backend: str) -> None:
    waiting: list[int] = []
    most = 0

    def slowly(question: Question, view: View) -> None:
        nonlocal most
        waiting.append(question.number)
        most = max(most, len(waiting))
        asyncio.get_running_loop().call_later(0.005, answer, question, view)

    def answer(question: Question, view: View) -> None:
        waiting.remove(question.number)
        assert peer.transport is not None
        peer.transport.sendto(honest(question, view), peer.askers[-1])

    async with agent([*system(), *LARGE], slowly) as (port, peer), Vantage.of() as vantage:
        outcome = await look(vantage, keys(port, backend, version="2c"))
    assert (outcome.verdict, most) == (Verdict.OK, 1)
