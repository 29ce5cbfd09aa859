"""However the rehearsal city ends, nothing of it is left; and two of them stand side by side."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from monitor import cli
from monitor.core.errors import PantauError
from monitor.lab import client
from tests.conftest import lack
from tests.rehearsal import PATIENCE, Rehearsal, rehearsal


def gone(pid: int) -> bool:
    """Wait until a process has ended: process 1 of a PID namespace ends after all others of it."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], PATIENCE)[0])
    finally:
        os.close(descriptor)


def started(town: Rehearsal) -> None:
    try:
        town.wait("Kota hidup")
    except AssertionError:
        if "the kernel refuses the namespaces" in town.said:
            lack(town.said)
        raise


def test_kill_9_of_the_parent_leaves_no_process_behind(tmp_path: Path) -> None:
    """In a user namespace, as for anybody who is not root."""
    with rehearsal(tmp_path, plain="user") as town:
        started(town)
        assert isinstance(town.ask("ping", "198.18.0.6"), list)
        first = int(str(client.tell("where", id="hub")["pid"]))
        town.process.send_signal(signal.SIGKILL)
        assert gone(first)
        with pytest.raises(PantauError, match="no city is running here"):
            client.cut("hub")


def test_two_cities_stand_side_by_side_and_end_without_a_trace(tmp_path: Path) -> None:
    homes = [tmp_path / name for name in ("satu", "dua")]
    for home in homes:
        home.mkdir()
    with rehearsal(homes[0]) as one, rehearsal(homes[1]) as other:
        started(one)
        started(other)
        again = Rehearsal(homes[1])
        again.wait("a city of yours is running already: end it, or give this one a place of its own, as in `XDG_RUNTIME_DIR=")
        again.process.wait(PATIENCE)
        assert again.end() == 69
        client.cut("kec-timur")
        assert not isinstance(other.ask("ping", "198.18.0.5"), list)
        assert other.end() == 0
    assert one.process.returncode == 0
    assert [path for home in homes for path in home.rglob("*")] == []


CITY_OF_ONE_WORD = """
import asyncio
from monitor import control
from monitor.lab.client import control_address

async def live():
    asked = asyncio.Event()

    async def answer(request):
        if "wait" in request:
            asked.set()
            await asyncio.Event().wait()
        return {"ok": True, "messages": []}

    server = await control.serve(control_address(), answer)
    print("ready", flush=True)
    await asked.wait()
    server.close()

asyncio.run(live())
"""


def test_whoever_follows_the_phones_hears_in_one_line_that_the_city_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    ending = subprocess.Popen([sys.executable, "-c", CITY_OF_ONE_WORD], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert ending.stdout is not None
    assert ending.stdout.readline() == b"ready\n"
    assert cli.run(["lab", "phone", "--follow"]) == 0
    assert capsys.readouterr() == ("kota berakhir · the city has ended\n", "")
    assert ending.communicate(timeout=PATIENCE)[1] == b""
