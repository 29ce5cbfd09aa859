"""A real daemon process over a folder, a city of a few checks for it to watch, and the phone that hears of it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from pydantic import TypeAdapter

from monitor import control
from monitor.core.city import Check, City, Kind, Node, Receiver, Route
from monitor.core.rules import Grade

CITY = TypeAdapter(City)
DAEMON = """
import asyncio, pathlib, sys
from pydantic import TypeAdapter
from monitor.core.city import City
from monitor.core.errors import Exit, PantauError
from monitor.daemon import life
from monitor.daemon.settings import Settings

def load(path):
    try:
        return TypeAdapter(City).validate_json(path.read_bytes())
    except ValueError as error:
        raise PantauError(f"{path}: is no city", status=Exit.BAD_INVENTORY) from error

try:
    sys.exit(asyncio.run(life.run(Settings(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]), load)))
except PantauError as error:
    print(error, file=sys.stderr)
    sys.exit(error.status)
"""


def tcp(node: str, port: int, interval: float = 1.0) -> Check:
    return Check(f"{node}/tcp", node, "tcp", "127.0.0.1", Grade.RADIO, interval, 0.5, {"port": port})


def city(checks: list[Check], phone: str = "") -> City:
    """A city without parents: every check is a kecamatan of its own, and one webhook hears of everything."""
    nodes = {check.node: Node(check.node, Kind.KECAMATAN, check.node.title(), checks=(check.id,)) for check in checks}
    receivers = {"tim": Receiver("tim", "webhook", "Tim", options={"url": phone or "http://127.0.0.1:9/"})}
    return City("Uji", "f1", nodes=nodes, checks={check.id: check for check in checks}, receivers=receivers, routes=(Route(("tim",)),))


@dataclass
class Phone:
    """A webhook that keeps what it is told; while `mute` it takes the message and never answers."""

    mute: bool = False
    shows: str = "Layanan"
    pages: list[dict[str, object]] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        self.pages.append(await request.json())
        self.heard.set()
        if self.mute:
            await asyncio.Event().wait()
        return web.json_response({"ok": True})

    async def until(self, test: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not test():
                self.heard.clear()
                await self.heard.wait()

    async def page(self, _request: web.Request) -> web.Response:
        return web.Response(text=self.shows)

    def told(self) -> list[object]:
        return [page["key"] for page in self.pages]


@pytest.fixture(name="phone")
async def phone_fixture() -> AsyncIterator[Phone]:
    phone = Phone()
    app = web.Application()
    app.router.add_post("/", phone.take)
    app.router.add_get("/page", phone.page)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    sock = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, sock).start()
    phone.url = f"http://127.0.0.1:{sock.getsockname()[1]}/"
    yield phone
    await runner.cleanup()


@contextlib.asynccontextmanager
async def answering(port: int = 0) -> AsyncIterator[int]:
    """A target that lets us connect."""
    with socket.create_server(("127.0.0.1", port), backlog=1024) as sock:
        sock.setblocking(False)  # noqa: FBT003 - the name of the function says what is false
        loop = asyncio.get_running_loop()
        loop.add_reader(sock, _hang_up, sock)
        try:
            yield sock.getsockname()[1]
        finally:
            loop.remove_reader(sock)


def _hang_up(sock: socket.socket) -> None:
    """Take all that have connected, and close: at once, so that none is left when the loop ends."""
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.accept()[0].close()


class Daemon:
    """A real daemon process over a folder; `lines` is what it has said so far."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "city.json"
        self.lines: list[str] = []
        self.url = ""

    def write(self, of: City) -> None:
        self.config.write_bytes(CITY.dump_json(of))

    async def start(self, listen: str = "127.0.0.1:0", *under: str) -> None:
        """Start it and wait until it says so or ends."""
        await self.launch(listen, *under)
        line = await self.said("event=started")
        self.url = "http://" + line.partition("listen=")[2].split()[0] if line else ""

    async def launch(self, listen: str, *under: str, pass_fds: tuple[int, ...] = ()) -> None:
        """Start it, as the child of a command when one is given."""
        command = (*under, sys.executable, "-c", DAEMON, str(self.config), str(self.folder / "data"), listen)
        self.process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, pass_fds=pass_fds)

    async def launch_listening(self, *under: str) -> None:
        """Start it on a socket that listens already, so that it can be asked from its first moment on."""
        with socket.create_server(("127.0.0.1", 0)) as sock:
            os.set_inheritable(sock.fileno(), True)  # noqa: FBT003 - the name of the function says what is true
            await self.launch(f"fd:{sock.fileno()}", *under, pass_fds=(sock.fileno(),))
            self.url = f"http://127.0.0.1:{sock.getsockname()[1]}"

    async def said(self, what: str) -> str:
        """Read on until a line holds the words; empty when it ended before."""
        assert self.process.stderr is not None
        async with asyncio.timeout(20):
            while line := (await self.process.stderr.readline()).decode():
                self.lines.append(line)
                if what in line:
                    return line
        return ""

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        assert self.process.stderr is not None
        self.lines += (await self.process.stderr.read()).decode().splitlines()
        return await self.process.wait()

    async def ended(self) -> int:
        """Return the exit status of one that ends by itself."""
        return await self.process.wait()

    async def ask(self, **request: object) -> dict[str, object]:
        return await asyncio.to_thread(control.ask, str(self.folder / "data" / "control"), request)

    async def get(self, path: str, **headers: str) -> str:
        async with aiohttp.ClientSession() as session, session.get(self.url + path, headers=headers) as answer:
            return await answer.text()


@pytest.fixture(name="daemon")
async def daemon_fixture(tmp_path: Path) -> AsyncIterator[Daemon]:
    daemon = Daemon(tmp_path)
    yield daemon
    if hasattr(daemon, "process") and daemon.process.returncode is None:
        await daemon.end(signal.SIGKILL)
