"""Process 1 of the city: builds the network, serves everything in it, keeps the daemon running, takes words, ends in order."""

import asyncio
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from monitor.control import serve
from monitor.core.city import City
from monitor.core.errors import Exit, PantauError
from monitor.lab import kernel
from monitor.lab.faults import Faults
from monitor.lab.namespaces import Namespaces
from monitor.lab.network import Network
from monitor.lab.plan import NAME_SERVER, Plan
from monitor.lab.services import Services
from monitor.lab.supervisor import Supervisor
from monitor.lab.words import Words

_ROOMS = ("/mnt", "/media", "/srv", "/opt")
_BOT = "123456789:{}"


@dataclass(frozen=True, slots=True)
class Order:
    """What to build, and the descriptors that were opened outside: the page's and the control socket, a pipe to report by.

    `url` is where people find the page.
    """

    city: City
    plan: Plan
    config: Path
    data_dir: Path
    daemon: tuple[str, ...]
    page: socket.socket
    url: str
    control: socket.socket
    report: int


def main(order: Order) -> int:
    """Be the city until a signal or the daemon ends it; returns the exit status."""
    outer_pid = int(Path("/proc/self").readlink().name)  # before /proc becomes our own
    try:
        return asyncio.run(_live(order, outer_pid))
    except PantauError as error:
        _report(order, error=str(error))
        return error.status
    except OSError as error:
        _report(order, error=f"the city cannot be built: {error.filename or 'the kernel'}: {error.strerror}")
        return Exit.MISSING


def _report(order: Order, **word: str) -> None:
    with suppress(OSError):  # nobody reads any more: the end is near
        os.write(order.report, json.dumps(word).encode() + b"\n")


async def _live(order: Order, outer_pid: int) -> int:
    begun = time.monotonic()
    ended = _signals()
    room = _make_room(order)
    os.environ.update(_environment(room, order.url))
    _use_own_names(room)
    spaces = Namespaces()
    network = Network(order.plan, spaces)
    _report(order, step=f"{len(order.plan.stations)} namespaces, {len(order.plan.cables)} cables")
    await network.build()
    keys = _credentials(order.city, room)
    services = Services(order.city, order.plan, spaces, keys, room)
    faults = Faults(order.city, network, spaces, services.died, services.moved)
    await services.start(faults.booted)
    words = Words(order.city, order.plan, faults, services, spaces, outer_pid)
    server = await serve(order.control, words.answer)
    supervisor = Supervisor(
        spaces, _command(order), os.environ, [order.page.fileno()], lambda line: _report(order, step=line)
    )  # fmt: skip
    keeping = asyncio.create_task(supervisor.keep())
    _report(order, ready=f"{len(order.plan.stations)} stasiun · stations, {time.monotonic() - begun:.1f} s")
    keeping.add_done_callback(lambda _task: ended.set())
    await ended.wait()
    asked = not keeping.done()
    await supervisor.end()
    server.close()
    return Exit.OK if asked else await keeping


def _signals() -> asyncio.Event:
    """Return what is set when somebody asks us to end."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    return ended


def _make_room(order: Order) -> Path:
    """Mount a /proc of our own and a folder in memory that only the city sees; nothing of it is ever on the disk."""
    kernel.keep_mounts_to_ourselves()
    with suppress(OSError):  # refused where parts of /proc are masked; then ps shows the machine's processes, no more
        kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    needed = [Path(path).resolve() for path in (order.config, order.data_dir, sys.executable, sys.prefix, __file__, ".")]
    for name in _ROOMS:
        room = Path(name)
        if room.is_dir() and not any(path.is_relative_to(room.resolve()) for path in needed):
            kernel.mount("tmpfs", name, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=700,size=16m")
            return room
    raise PantauError(f"none of {', '.join(_ROOMS)} is free to hold the city's keys in memory: make one of them", status=Exit.MISSING)


def _command(order: Order) -> list[str]:
    daemon = order.daemon or (str(Path(sys.executable).with_name("pantau")),)
    listen = f"fd:{order.page.fileno()}"
    return [*daemon, "serve", "--config", str(order.config), "--data-dir", str(order.data_dir), "--listen", listen]


def _environment(room: Path, page: str) -> dict[str, str]:
    """What tells a program that it is inside the city, where its page is, and where the city's authority and keys are."""
    return {
        "PANTAU_CITY": "1",
        "PANTAU_CITY_PAGE": page,
        "PANTAU_CITY_CA": str(room / "ca.pem"),
        "CREDENTIALS_DIRECTORY": str(room / "credentials"),
    }


def _use_own_names(room: Path) -> None:
    """Let every program inside ask the city's name server; where /etc/resolv.conf cannot be covered, they ask in vain."""
    own = room / "resolv.conf"
    own.write_text(f"nameserver {NAME_SERVER}\n", encoding="ascii")
    with suppress(OSError):
        kernel.mount(str(own), "/etc/resolv.conf", "", kernel.MS_BIND)


def _credentials(city: City, room: Path) -> Mapping[str, str]:
    """Make up what the city's `!credential`s hold, fit for the key that names them; written where the daemon looks."""
    folder = room / "credentials"
    folder.mkdir(mode=0o700)
    made: dict[str, str] = {}
    named = [options for check in city.checks.values() for options in check.options.items()]
    named += [options for receiver in city.receivers.values() for options in receiver.options.items()]
    named += [("community", reference) for reference in city.traps.communities]
    named += [contact for person in city.people.values() for contact in person.contacts.items()]
    for key, value in named:
        if isinstance(value, str) and value.startswith("!credential "):
            name = value.split(None, 1)[1].strip()
            made.setdefault(name, _made_up(key, name, len(made)))
    for name, value in made.items():
        (folder / name).write_text(value)
    return made


def _made_up(key: str, name: str, number: int) -> str:
    if key == "chat":
        return str(-1_001_000_000_000 - number)
    if key == "url":
        return f"https://layar.pantau.test/{name}"
    return _BOT.format(secrets.token_hex(17)) if key == "token" else secrets.token_hex(12)
