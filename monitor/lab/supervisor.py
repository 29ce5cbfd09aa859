"""Keeps the daemon running in the prober's namespace: killed, it is started again at once; failing fast, with growing pauses."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from monitor.core.errors import Exit
from monitor.lab.namespaces import Namespaces
from monitor.lab.plan import NOC

_LONG_ENOUGH = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_FAREWELL = 10.0
HOPELESS = frozenset({Exit.BAD_INVENTORY, Exit.MISSING})


class Supervisor:
    """Runs `command` with `environment` and the descriptors of `passed`; `report` hears what happens to it."""

    def __init__(
        self,
        spaces: Namespaces,
        command: Sequence[str],
        environment: Mapping[str, str],
        passed: Sequence[int],
        report: Callable[[str], None],
    ) -> None:
        self._spaces = spaces
        self._command = list(command)
        self._environment = dict(environment)
        self._passed = tuple(passed)
        self._report = report
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = False

    async def keep(self) -> int:
        """Run until `end`, or until the daemon says that trying again is no use; returns its last exit status."""
        pause = 0.0
        while True:
            begun = time.monotonic()
            status = await self._once()
            if self._ending or status in HOPELESS:
                return status
            pause = 0.0 if time.monotonic() - begun > _LONG_ENOUGH else min(max(_FIRST_PAUSE, 2 * pause), _LONGEST_PAUSE)
            self._report(f"pantau serve: ended ({_shown(status)}), started again" + (f" in {pause:.1f} s" if pause else ""))
            await asyncio.sleep(pause)

    async def end(self) -> None:
        """End the daemon: asked first, then made to."""
        self._ending = True
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        ended = await _gone(process, _FAREWELL)
        if not ended:
            process.kill()

    async def _once(self) -> int:
        self._process = process = await self._spaces.within(NOC, self._start)
        if self._ending:
            process.terminate()
        await _gone(process)
        return process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: the Ctrl-C of a terminal reaches the city, which ends the daemon in order.
        return subprocess.Popen(
            self._command, env=self._environment, pass_fds=self._passed, stdin=subprocess.DEVNULL, start_new_session=True
        )


async def _gone(process: subprocess.Popen[bytes], timeout: float | None = None) -> bool:
    """Wait until a process has ended, without taking its exit status; False when it has not within `timeout`."""
    loop = asyncio.get_running_loop()
    descriptor = os.pidfd_open(process.pid)
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        async with asyncio.timeout(timeout):
            await gone.wait()
    except TimeoutError:
        return False
    else:
        return True
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _shown(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit {status}"
