"""Every animal of the zoo is seen for what it is: in time, in bounded memory, no socket left behind, the others on time."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from monitor.core.verdict import Outcome, Verdict
from monitor.probes import Vantage
from monitor.probes.faults import verdict_of
from tests.webs import listening, look_in_time, saying
from tests.zoo_http import FEW_SECONDS, FULL, ZOO, Animal, settings

MOST = 24 * 1024
"""KiB by which memory may grow for a moment: the body of 1 MiB that a look may keep, in some copies, and what the server sends."""


async def look(animal: Animal, folder: Path, vantage: Vantage) -> Outcome:
    async with animal.awake(folder) as port:
        return await look_in_time("http", animal.url.format(port=port), settings(animal, folder), FEW_SECONDS, vantage)


def peak() -> int:
    """Return the most memory that this process ever had since `forget_peak`, in KiB (proc(5))."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


@pytest.mark.parametrize("animal", ZOO, ids=lambda animal: animal.name)
async def test_every_animal_is_seen_for_what_it_is(animal: Animal, tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - only counted
    async with Vantage.of() as vantage:
        forget_peak()
        memory = peak()
        outcome = await look(animal, tmp_path, vantage)
        grown = peak() - memory
    wanted = verdict_of(animal.reason) if animal.reason else Verdict.OK
    assert (outcome.verdict, outcome.reason) == (wanted, animal.reason), outcome.detail
    assert (outcome.seconds or 0) < FEW_SECONDS * 1.2
    assert grown < MOST
    await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - the same


async def test_all_of_them_at_once_leave_the_others_on_time(tmp_path: Path) -> None:
    async with Vantage.of() as vantage, listening(saying(FULL)) as port:
        looks = [asyncio.create_task(look(animal, tmp_path, vantage)) for animal in ZOO]
        healthy = []
        while not all(each.done() for each in looks):
            healthy.append(await look_in_time("http", f"http://127.0.0.1:{port}/", {}, 5.0, vantage))
        await asyncio.gather(*looks)
    assert {outcome.verdict for outcome in healthy} == {Verdict.OK}
    assert max(outcome.seconds or 9 for outcome in healthy) < 2
