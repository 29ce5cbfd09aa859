"""SNMP looks at devices as they are and as they must not be: each says what it must, in time, and leaves nothing behind."""

import asyncio
import gc
import time
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage
from monitor.probes.deadline import look_at
from tests.agents import agent, system
from tests.agents_v3 import AUTH, Self, agent3, other, warm
from tests.zoo_snmp import DEVICES, LIARS, RECORDINGS, SHARED, WELL, Animal, indices, recordings
from tests.zoo_snmp_v3 import MAMMALS, Mammal

BACKENDS = ["pysnmp", "fast"]
ANIMALS = [*recordings(RECORDINGS), *recordings(SHARED), *DEVICES, *LIARS]
TIMEOUT, AT_ONCE, WAITING_AT_ONCE = 10.0, 6, 12


async def timely(port: int, keys: dict[str, object], timeout: float, vantage: Vantage) -> Outcome:
    """Look; it must end in time. A look that our own loop slept through (a busy machine) says nothing, so another one is made."""
    outcome = Outcome(Verdict.UNSURE)
    for _ in range(3):
        start = time.monotonic()
        outcome = await look_at("snmp", "127.0.0.1", {**keys, "port": port}, timeout, vantage)
        if outcome.reason is not Reason.LOOP_LATE:
            assert time.monotonic() - start < timeout + 5
            break
    return outcome


async def visit(animal: Animal, backend: str, vantage: Vantage) -> Outcome:
    """Look as often as the animal needs."""
    options = {"read": "system", **animal.options, "backend": backend}
    timeout = float(str(options.pop("timeout", TIMEOUT)))
    async with agent(animal.told(), animal.answer, animal.via) as (port, _):
        for _ in range(animal.looks - 1):
            await timely(port, options, timeout, vantage)
        return await timely(port, options, timeout, vantage)


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@dataclass
class Tour:
    """What came of a look at everybody, many at the same time as the daemon looks, and what was left behind."""

    outcomes: dict[tuple[str, str], Outcome] = field(default_factory=dict)
    heard: list[object] = field(default_factory=list)
    left: tuple[int, int] = (0, 0)

    async def go(self) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.heard.append(context))
        gc.collect()
        before, room, waiting_room = open_files(), asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(WAITING_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for animal, backend in product(ANIMALS, BACKENDS):
                group.create_task(self._see(animal, backend, room))
        async with asyncio.TaskGroup() as group:
            for mammal, backend in product(MAMMALS, BACKENDS):
                group.create_task(self._see_mammal(mammal, backend, waiting_room))
        await asyncio.sleep(0)
        gc.collect()
        self.left = open_files() - before, len(asyncio.all_tasks()) - 1

    async def _see(self, animal: Animal, backend: str, room: asyncio.Semaphore) -> None:
        async with room, Vantage.of() as vantage:
            self.outcomes[animal.name, backend] = await visit(animal, backend, vantage)

    async def _see_mammal(self, mammal: Mammal, backend: str, room: asyncio.Semaphore) -> None:
        async with room, Vantage.of() as vantage, agent3(WELL, mammal.who, mammal.twist) as (port, _):
            keys = {"read": "system, interfaces", "user": "aman", **mammal.options, "backend": backend}
            await warm(keys, port, vantage)
            self.outcomes[f"v3: {mammal.name}", backend] = await timely(port, keys, mammal.timeout, vantage)


@pytest.fixture(scope="module")
def tour() -> Tour:
    found = Tour()
    asyncio.run(found.go())
    return found


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("animal", ANIMALS, ids=lambda animal: animal.name)
def test_a_look_at_any_device_says_what_it_must_in_time(tour: Tour, animal: Animal, backend: str) -> None:
    outcome = tour.outcomes[animal.name, backend]
    assert (outcome.verdict, outcome.reason) == (animal.verdict, animal.reason), outcome
    assert outcome.verdict is not Verdict.OK or animal.holds(dict(outcome.values)), outcome.values


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mammal", MAMMALS, ids=lambda mammal: mammal.name)
def test_a_look_by_version_3_says_what_it_must_in_time(tour: Tour, mammal: Mammal, backend: str) -> None:
    outcome = tour.outcomes[f"v3: {mammal.name}", backend]
    meant = (mammal.fast, None) if mammal.fast and backend == "fast" else (mammal.verdict, mammal.reason)
    assert (outcome.verdict, outcome.reason) == meant, outcome
    assert outcome.verdict is not Verdict.OK or indices(dict(outcome.values)) == [1, 2, 3]


def test_nobody_leaves_a_descriptor_a_task_or_an_error_behind(tour: Tour) -> None:
    assert (tour.left, tour.heard) == ((0, 0), [])


def test_the_zoo_is_large_enough() -> None:
    assert len(DEVICES) + len(LIARS) + len(recordings(RECORDINGS)) >= 40


def test_the_recordings_that_may_not_be_shipped_are_there() -> None:
    if not SHARED.is_dir():
        pytest.skip("no folder of recorded devices that may not be shipped")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("keys", [{}, {"auth": AUTH}], ids=["noauth", "sha"])
async def test_another_device_at_the_same_address_is_understood_by_the_second_look(keys: dict[str, object], backend: str) -> None:
    outcomes = []
    async with Vantage.of() as vantage, agent3(system("lama"), Self()) as (port, peer):
        options = {"read": "system", "user": "aman", **keys, "backend": backend, "port": port}
        outcomes.append(await look_at("snmp", "127.0.0.1", options, TIMEOUT, vantage))
        for name in (b"baru", b"lagi"):
            peer.who = other(peer.who, name)
            outcomes += [await look_at("snmp", "127.0.0.1", options, 6.0, vantage) for _ in range(2)]
        peer.who = replace(peer.who, boots=peer.who.boots + 1, time=1)
        outcomes += [await look_at("snmp", "127.0.0.1", options, 6.0, vantage) for _ in range(2)]
    assert [outcome.verdict for outcome in outcomes[::2]] == [Verdict.OK] * 4
    assert {outcome.verdict for outcome in outcomes[1::2]} <= {Verdict.OK, Verdict.UNSURE}
