"""The life of a daemon: what is opened in which order, what it does on which signal, and how it ends.

Everything that may refuse is asked before the first look is sent: inventory (78), listening socket, journal, ping sockets (69).
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

from aiohttp import web

from exporters.web import application
from monitor import control
from monitor.core.city import City
from monitor.daemon import descriptors, logs
from monitor.daemon.listen import listener
from monitor.daemon.logs import log
from monitor.daemon.reload import Inventory, Load
from monitor.daemon.settings import Settings
from monitor.daemon.shell import Shell
from monitor.daemon.words import Words
from monitor.garbage import quieten
from monitor.journal import Journal
from monitor.probes.room import claim

SOON = 2.0


async def run(settings: Settings, load: Load) -> int:
    """Run until SIGTERM or SIGINT; return 0. Raises PantauError: the line to print and the exit status."""
    logs.configure()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(logs.unexpected)
    stopping = asyncio.Event()
    with _signals(loop, {signal.SIGTERM: stopping.set, signal.SIGINT: stopping.set}):
        await _run(settings, load, stopping)
    log.info("stopped")
    return 0


async def _run(settings: Settings, load: Load, stopping: asyncio.Event) -> None:
    inventory = Inventory(settings, load)
    city = await inventory.read()
    limits = descriptors.shares(claim())
    with contextlib.closing(listener(settings.listen)) as sock:
        journal = await Journal.open(settings.data_dir, settings.keep)
        try:
            recovery = await journal.recover()
            shell = Shell(settings, journal, recovery, inventory, limits)
            async with shell.living(city):
                await _serve(settings, shell, city, sock, stopping)
        finally:
            await journal.close()


async def _serve(settings: Settings, shell: Shell, city: City, sock: socket.socket, stopping: asyncio.Event) -> None:
    """Answer people until it is time to stop, or until the road breaks."""
    words = Words(shell.reload, shell.delivery)
    hang_up = _signals(asyncio.get_running_loop(), {signal.SIGHUP: shell.reload_soon})
    beginning = asyncio.create_task(shell.begin(city))
    try:
        # A page without a city would tell nothing; but when the disk does not take the city, people must be able to ask why.
        await asyncio.wait({beginning}, timeout=SOON)
        async with _answering(settings, words), _pages(shell, sock):
            with hang_up:
                await _any(stopping, shell.road, beginning)
                if beginning.done():
                    _say_started(settings, sock)
                    await _any(stopping, shell.road)
    finally:
        beginning.cancel()
    log.info("stopping")


def _say_started(settings: Settings, sock: socket.socket) -> None:
    address = sock.getsockname()
    log.info("started", listen=f"{address[0]}:{address[1]}", config=str(settings.config), data=str(settings.data_dir))
    quieten()


async def _any(stopping: asyncio.Event, *tasks: "asyncio.Task[None]") -> None:
    """Wait for the word to stop or the end of a task; raise what broke it."""
    told = asyncio.create_task(stopping.wait())
    await asyncio.wait({told, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    for task in tasks:
        if task.done():
            task.result()


@contextlib.asynccontextmanager
async def _answering(settings: Settings, words: Words) -> AsyncIterator[None]:
    server = await control.serve(settings.control, words.answer)
    try:
        yield
    finally:
        server.close()
        await asyncio.to_thread(Path(settings.control).unlink, missing_ok=True)


@contextlib.asynccontextmanager
async def _pages(shell: Shell, sock: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(application(shell.view(), shell.take_call), access_log=None, handle_signals=False, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.SockSite(runner, sock).start()
        yield
    finally:
        await runner.cleanup()


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop, acts: Mapping[signal.Signals, Callable[[], object]]) -> Iterator[None]:
    """Act on these signals within the block."""
    for number, act in acts.items():
        loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        for number in acts:
            loop.remove_signal_handler(number)
