"""The running daemon hears traps, shows what became of them, and goes on where it cannot listen."""

import asyncio
import socket
from dataclasses import replace

import pytest

from monitor.core.traps import Traps
from tests.daemons import Daemon, answering, city, tcp
from tests.ground import free_port
from tests.test_traps import COLD_START, second


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UJI_TRAP", "kota")


def value(metrics: str, name: str) -> float:
    return next(float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(name + " "))


async def test_a_trap_is_looked_into_at_once_and_the_metrics_say_so(daemon: Daemon) -> None:
    """The inform is answered when the look was asked for, and the look comes an hour before its turn."""
    async with answering() as port:
        listen = f"127.0.0.1:{free_port()}"
        traps = Traps((listen,), ("!env UJI_TRAP",))
        daemon.write(replace(city([tcp("kec-a", port, interval=3600)]), traps=traps))
        await daemon.start()
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)  # noqa: FBT003 - the name of the function says what is false
            loop = asyncio.get_running_loop()
            await loop.sock_sendto(sock, second(COLD_START, 0xA6), ("127.0.0.1", int(listen.rpartition(":")[2])))
            async with asyncio.timeout(10):
                assert await loop.sock_recv(sock, 4096)
                looks = 'pantau_check_looks_total{check="kec-a/tcp",kind="tcp",node="kec-a",verdict="OK"}'
                while value(metrics := await daemon.get("/metrics"), looks) < 1:
                    pass
        assert value(metrics, 'pantau_traps_total{fate="looked"}') == 1
        assert value(metrics, 'pantau_traps_total{fate="limited"}') == 0
        assert await daemon.end() == 0


async def test_where_the_port_of_traps_is_taken_one_line_says_so_and_the_daemon_looks_on(daemon: Daemon) -> None:
    async with answering() as port:
        with socket.socket(type=socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            listen = f"127.0.0.1:{taken.getsockname()[1]}"
            daemon.write(replace(city([tcp("kec-a", port)]), traps=Traps((listen,))))
            await daemon.start()
        assert [line for line in daemon.lines if "not heard" in line and listen in line and "the port is taken" in line]
        assert await daemon.get("/-/healthy")
        assert await daemon.end() == 0
