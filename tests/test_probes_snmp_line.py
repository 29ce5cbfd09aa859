"""A socket to an agent is kept from look to look, and only as long as it is good for one."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage
from monitor.probes.deadline import look_at
from monitor.probes.faults import Fault
from monitor.probes.snmp_idle import Idle
from monitor.probes.snmp_line import MOST_LATE, Line, Lines
from tests.agents import Answer, Peer, agent, honest, system
from tests.agents_v3 import AUTH, agent3
from tests.ground import free_port

BACKENDS = ["pysnmp", "fast"]
AGENT, FIRST, SECOND = "192.0.2.9", "192.0.2.1", "192.0.2.2"


async def look(port: int, vantage: Vantage, timeout: float = 5.0, address: str = "127.0.0.1", **keys: object) -> Outcome:
    return await look_at("snmp", address, {"port": port, "version": "2c", "read": "system", **keys}, timeout, vantage)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_one_socket_serves_all_looks_and_is_closed_with_the_vantage(backend: str) -> None:
    async with agent(system()) as (port, peer):
        before = len(list(Path("/proc/self/fd").iterdir()))
        async with Vantage.of() as vantage:
            assert {(await look(port, vantage, backend=backend)).verdict for _ in range(3)} == {Verdict.OK}
        assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert (len(peer.askers), len(set(peer.askers))) == (3, 1)


async def test_so_it_is_by_version_3() -> None:
    async with agent3(system()) as (port, peer), Vantage.of() as vantage:
        for _ in range(3):
            outcome = await look_at("snmp", "127.0.0.1", {"port": port, "user": "aman", "auth": AUTH, "backend": "fast"}, 5.0, vantage)
            assert outcome.verdict is Verdict.OK
    assert len(set(peer.askers)) == 1


async def test_a_socket_to_which_an_answer_may_still_come_is_not_kept() -> None:
    """What comes to the question of an earlier look is never heard by a later one."""
    async with agent(system(), lambda *_: None) as (port, peer), Vantage.of() as vantage:
        mute = await look(port, vantage, timeout=0.3)
        peer.answer = honest
        well = [await look(port, vantage) for _ in range(2)]
    assert (mute.reason, [outcome.verdict for outcome in well]) == (Reason.SNMP_TIMEOUT, [Verdict.OK] * 2)
    assert len(set(peer.askers)) == 2


async def test_who_speaks_without_end_to_a_socket_at_rest_is_not_listened_to() -> None:
    async with agent(system()) as (port, peer), Vantage.of() as vantage:
        await look(port, vantage)
        (line,) = (each for kept in vantage.share(Lines)._idle.values() for _, each in kept)  # noqa: SLF001 - nobody else has it
        assert peer.transport is not None
        for _ in range(MOST_LATE + 1):
            peer.transport.sendto(b"x", peer.askers[0])
        for _ in range(MOST_LATE + 4):
            await asyncio.sleep(0)  # a turn of the loop, in which it hears one
        assert line.closed
        assert (await look(port, vantage)).verdict is Verdict.OK
    assert len(set(peer.askers)) == 2


class Thing:
    """Something that is kept."""

    closed = False

    def close(self) -> None:
        self.closed = True


async def test_what_nobody_uses_is_closed_after_a_while_and_when_there_is_too_much_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("monitor.probes.snmp_idle.time.monotonic", lambda: now)
    idle: Idle[Thing] = Idle(Vantage.of())
    idle.most = 2
    old, new, newer = Thing(), Thing(), Thing()
    idle.give("a", old)
    now += 600
    idle.give("b", new)
    now += 400
    idle._sweep()  # noqa: SLF001 - its timer's call, at the time that we say
    assert (old.closed, new.closed) == (True, False)
    for thing in (old, newer):
        idle.give("b", thing)
    assert (new.closed, newer.closed) == (True, False)
    assert (idle.take("a"), idle.take("b")) == (None, newer)
    idle.close()
    idle.close()


@asynccontextmanager
async def elsewhere(answer: Answer = honest) -> AsyncIterator[tuple[int, Peer]]:
    """An agent to which the way begins at the first of two addresses of ours."""
    ip("addr", "add", f"{FIRST}/32", "dev", "lo")
    ip("addr", "add", f"{SECOND}/32", "dev", "lo")
    begin_at(FIRST)
    async with agent(system(), answer, address=AGENT) as found:
        yield found


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def begin_at(address: str) -> None:
    ip("route", "replace", "local", f"{AGENT}/32", "dev", "lo", "src", address, "table", "local")


@pytest.mark.usefixtures("ground")
async def test_an_address_of_ours_that_is_gone_is_no_fault_of_the_agent() -> None:
    async with elsewhere() as (port, peer), Vantage.of() as vantage:
        outcomes = [await look(port, vantage, address=AGENT)]
        begin_at(SECOND)
        ip("addr", "del", f"{FIRST}/32", "dev", "lo")
        outcomes.append(await look(port, vantage, address=AGENT))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.OK] * 2
    assert [address for address, _ in peer.askers] == [FIRST, SECOND]


@pytest.mark.usefixtures("ground")
async def test_a_way_that_begins_elsewhere_by_now_is_taken_within_the_look() -> None:
    async with elsewhere() as (port, peer), Vantage.of() as vantage:
        await look(port, vantage, address=AGENT)
        begin_at(SECOND)
        peer.answer = lambda question, view: honest(question, view) if peer.askers[-1][0] == SECOND else None
        outcome = await look(port, vantage, timeout=1.0, address=AGENT)
    assert outcome.verdict is Verdict.OK
    assert [address for address, _ in peer.askers] == [FIRST, FIRST, SECOND]


@pytest.mark.usefixtures("ground")
async def test_a_way_that_is_gone_is_ours_also_on_a_socket_that_knew_it() -> None:
    async with elsewhere() as (port, _), Vantage.of() as vantage:
        await look(port, vantage, address=AGENT)
        ip("route", "del", "local", f"{AGENT}/32", "dev", "lo", "table", "local")
        outcome = await look(port, vantage, timeout=1.0, address=AGENT)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.NO_ROUTE)


async def test_a_line_tells_what_the_kernel_says_and_can_be_closed_twice() -> None:
    told: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()
    line = Line("127.0.0.1", free_port())
    line.use(lambda _: None, told.set_result)
    line.send(b"x")
    assert (await told).reason is Reason.REFUSED
    line.close()
    line.close()
