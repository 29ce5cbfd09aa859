"""However the rehearsal city ends, nothing of it is left; and two of them stand side by side."""

import os
import select
import signal
from pathlib import Path

import pytest

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
        again.wait("another one is running there")
        again.process.wait(PATIENCE)
        assert again.end() == 69
        client.cut("kec-timur")
        assert not isinstance(other.ask("ping", "198.18.0.5"), list)
        assert other.end() == 0
    assert one.process.returncode == 0
    assert [path for home in homes for path in home.rglob("*")] == []
