"""SNMP looks at devices as they are and as they must not be: each says what it must, in time, and leaves nothing behind."""

import asyncio
import gc
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage
from monitor.probes.deadline import look_at
from tests.agents import agent, system
from tests.agents_v3 import AUTH, Self, agent3, other
from tests.zoo_snmp import DEVICES, LIARS, RECORDINGS, WELL, Animal, indices, recordings
from tests.zoo_snmp_v3 import MAMMALS, Mammal

SHARED = Path(os.environ.get("PANTAU_TEST_SNMPREC", Path(__file__).resolve().parents[2] / "shared" / "snmprec"))
BACKENDS = ["pysnmp", "fast"]
ANIMALS = [*recordings(RECORDINGS), *recordings(SHARED), *DEVICES, *LIARS]
TIMEOUT = 10.0


async def timely(port: int, keys: dict[str, object], timeout: float, vantage: Vantage) -> Outcome:
    """Look; it must end in time. A look that our own loop slept through (a busy machine) says nothing, so another one is made."""
    outcome = Outcome(Verdict.UNSURE)
    for _ in range(3):
        start = time.monotonic()
        outcome = await look_at("snmp", "127.0.0.1", {**keys, "port": port}, timeout, vantage)
        assert time.monotonic() - start < timeout + 5
        if outcome.reason is not Reason.LOOP_LATE:
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


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("animal", ANIMALS, ids=lambda animal: animal.name)
async def test_a_look_at_any_device_says_what_it_must_in_time_and_leaves_nothing_behind(animal: Animal, backend: str) -> None:
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    gc.collect()
    before, tasks = open_files(), asyncio.all_tasks()
    async with Vantage.of() as vantage:
        outcome = await visit(animal, backend, vantage)
    await asyncio.sleep(0)
    assert (outcome.verdict, outcome.reason) == (animal.verdict, animal.reason), outcome
    assert outcome.verdict is not Verdict.OK or animal.holds(dict(outcome.values)), outcome.values
    gc.collect()
    assert (open_files(), asyncio.all_tasks(), heard) == (before, tasks, [])


def test_the_zoo_is_large_enough() -> None:
    assert len(DEVICES) + len(LIARS) + len(recordings(RECORDINGS)) >= 40


def test_the_recordings_that_may_not_be_shipped_are_there() -> None:
    if not SHARED.is_dir():
        pytest.skip("no folder of recorded devices that may not be shipped")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mammal", MAMMALS, ids=lambda mammal: mammal.name)
async def test_a_look_by_version_3_says_what_it_must_in_time_and_leaves_nothing_behind(mammal: Mammal, backend: str) -> None:
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    async with Vantage.of() as vantage, agent3(WELL, mammal.who, mammal.twist) as (port, _):
        keys = {"read": "system, interfaces", "user": "aman", **mammal.options, "backend": backend}
        outcome = await timely(port, keys, mammal.timeout, vantage)
    await asyncio.sleep(0)
    meant = (mammal.fast, None) if mammal.fast and backend == "fast" else (mammal.verdict, mammal.reason)
    assert (outcome.verdict, outcome.reason) == meant, outcome
    assert outcome.verdict is not Verdict.OK or indices(dict(outcome.values)) == [1, 2, 3]
    assert heard == []


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("keys", [{}, {"auth": AUTH}], ids=["noauth", "sha"])
async def test_another_device_at_the_same_address_is_understood_by_the_second_look(keys: dict[str, object], backend: str) -> None:
    outcomes = []
    async with Vantage.of() as vantage, agent3(system("lama"), Self()) as (port, peer):
        options = {"read": "system", "user": "aman", **keys, "backend": backend, "port": port}
        outcomes.append(await look_at("snmp", "127.0.0.1", options, TIMEOUT, vantage))
        for name in (b"baru", b"lagi"):
            peer.who = other(peer.who, name)
            outcomes += [await look_at("snmp", "127.0.0.1", options, 4.0, vantage) for _ in range(2)]
        peer.who = replace(peer.who, boots=peer.who.boots + 1, time=1)
        outcomes += [await look_at("snmp", "127.0.0.1", options, 4.0, vantage) for _ in range(2)]
    assert [outcome.verdict for outcome in outcomes[::2]] == [Verdict.OK] * 4
    assert {outcome.verdict for outcome in outcomes[1::2]} <= {Verdict.OK, Verdict.UNSURE}
