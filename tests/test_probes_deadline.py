"""The end of a look's time: it ends the look and nothing else, as `asyncio.timeout` would."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress

import pytest

from monitor.probes.deadline import _Alarm


class _Own(AbstractAsyncContextManager[None]):
    """Ours, in the form of the one that it stands beside."""

    def __init__(self, seconds: float) -> None:
        self._alarm = _Alarm(seconds)

    async def __aenter__(self) -> None:
        self._alarm.__enter__()

    async def __aexit__(self, *told: object) -> None:
        self._alarm.__exit__(*told)  # type: ignore[arg-type]


BOTH = pytest.mark.parametrize("limit", [_Own, asyncio.timeout])


@BOTH
async def test_time_that_is_up_is_a_time_out_and_the_task_goes_on(limit: type[_Own]) -> None:
    with pytest.raises(TimeoutError):
        async with limit(0):
            await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


@BOTH
@pytest.mark.parametrize("seconds", [0.0, 3600.0])
async def test_whoever_cancels_the_task_ends_it_even_when_time_is_up_as_well(limit: type[_Own], seconds: float) -> None:
    async def look() -> None:
        async with limit(seconds):
            asyncio.get_running_loop().call_soon(task.cancel)
            await asyncio.Event().wait()

    task = asyncio.create_task(look())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def _raising(limit: type[_Own]) -> None:
    async with limit(0):
        try:
            await asyncio.Event().wait()
        finally:
            raise KeyError


@BOTH
async def test_what_ends_in_spite_of_it_leaves_no_trace(limit: type[_Own]) -> None:
    async with limit(0):
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    with pytest.raises(KeyError):
        await _raising(limit)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@BOTH
async def test_what_is_done_in_time_hears_of_it_no_more(limit: type[_Own]) -> None:
    async with limit(0):
        pass
    for _ in range(3):
        await asyncio.sleep(0)
