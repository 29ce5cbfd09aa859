"""What a daemon needs before it can work, and how it says what is missing: room on the disk, descriptors, looks that come back."""

import asyncio
import io
import os
import resource
import signal
import socket
import sys
from pathlib import Path

import pytest
import structlog

from monitor.core.city import Check, City
from monitor.core.errors import Exit, PantauError
from monitor.core.rules import Grade
from monitor.daemon import descriptors, logs
from monitor.daemon.readiness import PATIENCE, Readiness
from monitor.daemon.reload import Inventory
from monitor.daemon.settings import Settings
from monitor.probes.room import HOLDS
from monitor.schedule import LIMITS
from tests.daemons import Daemon, Phone, answering, city, tcp


@pytest.mark.parametrize(
    ("began", "looked", "at", "journal", "line"),
    [
        (None, 0, 1000, "", "the inventory is not taken up yet"),
        (None, 0, 1000, "no room", "nothing can be journaled: no room"),
        (1000, 1001, 1002, "no room", "nothing can be journaled: no room"),
        (1000, 0, 1000 + 30 + PATIENCE, "", ""),
        (1000, 0, 1000 + 31 + PATIENCE, "", "the schedule does not run: no look came back for 91 s"),
        (1000, 5000, 5000 + 30 + PATIENCE, "", ""),
        (1000, 5000, 5000 + 31 + PATIENCE, "", "the schedule does not run: no look came back for 91 s"),
    ],
)
def test_ready_means_that_the_inventory_is_taken_up_the_journal_writes_and_looks_come_back(
    began: float | None, looked: float, at: float, journal: str, line: str
) -> None:
    readiness = Readiness()
    if began is not None:
        readiness.began(began)
    readiness.looked(looked)
    assert readiness.trouble(city([tcp("kec-a", 80, interval=30), tcp("kec-b", 80, interval=3600)]), journal, at) == line


def test_what_the_reading_of_an_inventory_took_goes_back_to_the_machine(tmp_path: Path) -> None:
    def load(_: Path) -> City:
        held.append([bytes(2000) for _ in range(50_000)])
        del held[0][:-1]  # what stays lies above the holes
        return City("Kota")

    held: list[list[bytes]] = []
    before = _resident()
    assert asyncio.run(Inventory(Settings(tmp_path, tmp_path), load).read()).name == "Kota"
    assert _resident() - before < 20, "of 100 MiB"


def _resident() -> float:
    """MiB of this process in memory (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1024**2


def test_a_city_without_checks_waits_for_no_look() -> None:
    readiness = Readiness()
    readiness.began(0.0)
    assert readiness.trouble(City("Kosong"), "", 1e9) == ""


async def test_a_daemon_that_cannot_write_its_inventory_down_says_so_on_its_page_and_begins_when_there_is_room(daemon: Daemon) -> None:
    async with answering() as port:
        daemon.write(city([tcp(f"kec-{number}", port) for number in range(1500)]))
        await daemon.launch_listening("prlimit", "--fsize=300000:unlimited")
        assert "nothing can be journaled: " in (said := await daemon.get("/-/ready"))
        assert "journal.db: no room on the disk" in said
        assert "Pantau belum siap" in await daemon.get("/")
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert await daemon.said("event=started")
        assert await daemon.get("/-/ready") == "ready\n"
    assert await daemon.end() == 0


async def test_a_daemon_that_cannot_begin_ends_when_it_is_told_to(daemon: Daemon) -> None:
    daemon.write(city([tcp(f"kec-{number}", 9) for number in range(1500)]))
    await daemon.launch_listening("prlimit", "--fsize=300000")
    assert await daemon.said("commit failed")
    assert await daemon.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("have", [descriptors.LEAST, 256, 400, descriptors.ENOUGH - 1])
def test_looks_never_take_the_descriptors_of_all_the_rest(have: int) -> None:
    limits = descriptors.shares(have)
    assert limits.keys() == LIMITS.keys()
    assert min(limits.values()) >= 1
    assert descriptors.RESERVE + sum(HOLDS[kind] * most for kind, most in limits.items()) <= have


def test_with_enough_descriptors_every_kind_has_its_full_share_and_with_too_few_nothing_starts() -> None:
    assert descriptors.shares(descriptors.ENOUGH) == LIMITS
    with pytest.raises(PantauError, match=r"may open 159 files: too few, it needs 160 at least; raise LimitNOFILE .* to \d+") as caught:
        descriptors.shares(159)
    assert caught.value.status is Exit.MISSING


def hanging(server: str) -> list[Check]:
    """Looks at a server that takes what it is sent and never answers, many more than a daemon may have in flight."""
    keys: dict[str, dict[str, object]] = {"http": {}, "tcp": {"port": int(server.rpartition(":")[2])}, "dns": {"name": "a.example"}}
    targets = {"http": f"http://{server}/", "tcp": "127.0.0.1", "dns": server}
    names = [(kind, f"kec-{kind}-{number}") for kind in keys for number in range(150)]
    return [Check(f"{node}/{kind}", node, kind, targets[kind], Grade.APP, 1, 1, keys[kind]) for kind, node in names]


async def test_a_flood_of_hanging_looks_leaves_the_journal_the_pages_and_the_channels_alone(daemon: Daemon, phone: Phone) -> None:
    """With 160 descriptors and as many looks that hang as may: words, pages and messages go on, and no look misses a descriptor."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as mute, socket.socket(type=socket.SOCK_DGRAM) as deaf:
        deaf.bind(mute.getsockname())
        daemon.write(city(hanging(f"127.0.0.1:{mute.getsockname()[1]}"), phone.url))
        await daemon.start("127.0.0.1:0", "prlimit", "--nofile=160:160")
        looks = 0.0
        async with asyncio.timeout(30):
            while looks < 50:
                assert (await daemon.ask(do="notify-test", receiver="tim"))["ok"]
                lines = (await daemon.get("/metrics")).splitlines()
                looks = sum(float(line.split()[-1]) for line in lines if line.startswith("pantau_check_looks_total{"))
        assert await daemon.end() == 0
    assert "few descriptors" in daemon.lines[0]
    assert not [line for line in daemon.lines if "oo many" in line]
    assert b"no_descriptor" not in (daemon.folder / "data/journal.db").read_bytes()


def test_words_of_a_peer_give_who_reads_the_log_no_commands(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    structlog.get_logger("somebody").error("page given up", detail="550 \x1b[2J\r\nlevel=info")
    structlog.reset_defaults()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert r"\u001b[2J" in line


def test_a_log_that_nobody_reads_any_more_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as pipe:
        monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(pipe, write_through=True))
        logs.configure()
        structlog.get_logger("nobody").error("page given up", key="g1/1/piket")
    structlog.reset_defaults()
