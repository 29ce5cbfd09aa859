"""Questions of the command line to a daemon that shows one moment."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from alerts.words import clock
from exporters.view import View
from exporters.web import application
from monitor import cli
from monitor.core.errors import Exit
from monitor.core.events import InventoryLoaded, ProbeResult
from monitor.core.verdict import Verdict
from monitor.journal import Keep, row_of
from monitor.journal.folder import Ballast
from monitor.journal.store import Store
from tests.town import NOW, cut_engine, engine_of, town, unheard, view_of

ROOT = Path(__file__).resolve().parent.parent
MAIN = "from monitor.cli import main; main()"


async def said(*words: str, stderr: int = subprocess.STDOUT) -> tuple[int, str]:
    """Return the exit status of one command line and what it printed."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", MAIN, *words, stdout=subprocess.PIPE, stderr=stderr, cwd=ROOT)
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


@asynccontextmanager
async def shown(view: View) -> AsyncIterator[str]:
    """Serve one moment; yields its address."""
    async with TestServer(application(view)) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.mark.parametrize(
    ("view", "why"),
    [
        (view_of(engine_of(town()), ready=lambda: "no room on the disk"), "Pantau belum siap / is not ready: no room on the disk"),
        (view_of(unheard(NOW - 70)), "12 situs tidak diketahui: Pantau tidak dapat melihatnya / 12 sites unknown: Pantau cannot see them"),
    ],
)
async def test_a_daemon_that_cannot_see_or_judge_is_never_calm(view: View, why: str) -> None:
    async with shown(view) as url:
        status, line = await said("check", "--url", url)
        table = (await said("status", "--url", url))[1]
    assert status == Exit.UNKNOWN
    assert line.startswith(f"UNKNOWN - {why}; 0 gangguan/incidents;")
    assert why in table.splitlines()
    assert "tidak ada gangguan" not in table


async def test_an_open_outage_weighs_more_than_blindness() -> None:
    async with shown(view_of(cut_engine(), ready=lambda: "no room")) as url:
        assert (await said("check", "--url", url))[0] == Exit.CRITICAL


async def test_status_counts_the_parts_with_what_they_are_part_of() -> None:
    async with shown(view_of(cut_engine())) as url:
        assert (await said("status", "--url", url))[1].startswith("situs/sites    7 up, 5 down (4 shadowed), 0 unknown\n")


async def test_a_plug_in_says_on_its_standard_output_why_it_knows_nothing() -> None:
    nobody = await said("check", "--url", "http://127.0.0.1:9", stderr=subprocess.DEVNULL)
    assert nobody[0] == Exit.UNKNOWN
    assert nobody[1].startswith("UNKNOWN - http://127.0.0.1:9: no daemon answers there")
    async with shown(view_of(engine_of(town()))) as url:
        assert (await said("check", "kel-tiada", "--url", url, stderr=subprocess.DEVNULL))[1].startswith(
            "UNKNOWN - kel-tiada: nothing has this id"
        )


async def test_replay_reads_the_journal_of_the_daemon_that_runs_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "none"))
    Store(tmp_path / "journal.db", Ballast(tmp_path, 4096), Keep()).close()
    async with shown(view_of(engine_of(town()), control=str(tmp_path / "control"))) as url:
        assert (await said("replay", "--url", url))[0] == Exit.OK
    assert (await said("replay", "--url", url))[0] == Exit.MISSING


def test_what_a_reload_has_just_brought_is_new_and_not_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small, store = town(kelurahan=1), Store(tmp_path / "journal.db", Ballast(tmp_path, 4096), Keep())
    look = ProbeResult("hub/icmp", NOW - 10, NOW - 9, Verdict.OK)
    store.append([row_of(event) for event in (InventoryLoaded(NOW - 20, small), look, InventoryLoaded(NOW, town()))])
    store.close()
    assert cli.run(["explain", "kel-c1", "--data-dir", str(tmp_path)]) == 3
    said = f"pantau: kel-c1: is new in the inventory since {clock(NOW, 7.0, 'id')}, and has not been looked at yet\n"
    assert capsys.readouterr().err == said
