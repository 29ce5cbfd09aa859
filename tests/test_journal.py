import asyncio
import math
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from monitor.core.city import City
from monitor.core.errors import Exit, PantauError
from monitor.core.events import ClockStepped, Decision, Delivered, Event, InventoryLoaded, Page, ProbeResult, Tick, Traced, Why
from monitor.core.verdict import Reason, Verdict
from monitor.engine import Engine, State
from monitor.journal import DamagedError, DiskFullError, Journal, JournalError, Keep, Reader, Row, codec, row_of
from monitor.journal.errors import read_error
from monitor.journal.folder import Ballast
from monitor.journal.store import Store
from tests.conftest import lack
from tests.town import town

START = 1_795_000_000.0


def look(number: int, at: float, *, ok: bool = True) -> ProbeResult:
    check = "kec-gadingrejo/icmp" if number % 2 else "kec-purworejo/icmp"
    if ok:
        return ProbeResult(check, round(at - 0.01, 3), at, Verdict.OK, seconds=0.00123)
    return ProbeResult(check, round(at - 2, 3), at, Verdict.FAIL, Reason.TIMEOUT, detail="2 s")


def story(looks: int = 60) -> list[Event]:
    """An inventory, answers, losses that last, a tick, a delivery, a step of the clock, and answers again."""
    events: list[Event] = [InventoryLoaded(START, town())]
    for number in range(looks):
        at = START + 5.0 * (number + 1)
        events.append(look(number, at, ok=not looks // 3 < number < looks * 2 // 3))
    events.insert(looks // 2, Tick(START + 5.0 * looks // 2))
    events += [Delivered(START + 6.0 * looks, "g1/1/nobody", ok=True), ClockStepped(START + 6.0 * looks, -3600.0)]
    return events


def step(engine: Engine, event: Event) -> list[Row]:
    """What the journal keeps of one step: what came, and what was decided."""
    effects = engine.apply(event)
    return [row_of(event), *(row_of(effect) for effect in effects if isinstance(effect, Decision | Page))]


def fresh() -> Engine:
    return Engine(State(City("")))


def replayed(state: State | None, events: Iterable[Event]) -> bytes:
    engine = Engine(state) if state else fresh()
    for event in events:
        engine.apply(event)
    return codec.pack(engine.state)


async def test_a_snapshot_and_its_tail_give_the_same_state_as_everything_from_the_start_byte_for_byte(tmp_path: Path) -> None:
    engine = fresh()
    events = story()
    for cut in (0, 1, 20, 33, 45, len(events)):
        folder = tmp_path / str(cut)
        journal, engine = await Journal.open(folder), fresh()
        for count, event in enumerate(events):
            if count == cut:
                await journal.snapshot(journal.last, event.at, engine.state)
            await journal.commit(step(engine, event))
        await journal.close()
        again = await Journal.open(folder)
        found = await again.recover()
        await again.close()
        assert (found.state is None) == (cut == len(events))
        assert replayed(found.state, found.tail) == codec.pack(engine.state)
        assert replayed(None, events) == codec.pack(engine.state)
        assert found.at == max(event.at for event in events)


EVENTS: tuple[Event, ...] = (
    look(1, START + 0.123),
    look(2, START + 1 / 3, ok=False),
    ProbeResult(
        "a/snmp", 1.0, 2.0, Verdict.WARN, Reason.PACKET_LOSS, 0.1, "Jalan Pahlawan №1", {"in": 2**63, "name": "é", "rates": [1.5, None]}
    ),
    Tick(START),
    Delivered(START, "g1/1/tim", ok=False, detail="given up"),
    InventoryLoaded(START, town()),
    ClockStepped(START, -0.1),
    Traced(START, "g1", "kec-a", ("198.18.0.1", "", "198.18.1.1"), reached=False, end="198.18.1.1 says: host unreachable"),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_every_event_comes_back_as_it_went(event: Event) -> None:
    row = row_of(event)
    back = codec.read_event(row.kind, row.body)
    assert row_of(back) == row
    assert TypeAdapter(Event).dump_json(back) == TypeAdapter(Event).dump_json(event)


def test_a_float_comes_back_to_its_last_bit() -> None:
    for number in (0.1, 1 / 3, math.pi * 1e9, 1_795_503_900.123, 5e-324):
        back = codec.read_event("tick", row_of(Tick(number)).body)
        assert back.at.hex() == number.hex()


async def test_a_second_daemon_on_one_folder_says_which_folder(tmp_path: Path) -> None:
    first = await Journal.open(tmp_path)
    with pytest.raises(PantauError, match=rf"{tmp_path}: another pantau works on this data folder") as caught:
        await Journal.open(tmp_path)
    assert caught.value.status is Exit.MISSING
    await first.close()
    await (await Journal.open(tmp_path)).close()


def test_a_disk_without_room_for_the_shared_index_has_no_room() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"
    assert "no room on the disk" in str(read_error(Path("journal.db"), error))


def damage(path: Path, begin: int, end: int) -> None:
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(b"\xff" * (end - begin))


@pytest.mark.parametrize("where", [(0, 100), (4096, 12288), (100, 4000)])
async def test_a_damaged_journal_is_one_line_and_nothing_is_overwritten(tmp_path: Path, where: tuple[int, int]) -> None:
    journal, engine = await Journal.open(tmp_path), fresh()
    for event in story():
        await journal.commit(step(engine, event))
    await journal.close()
    path = tmp_path / "journal.db"
    damage(path, *where)
    broken = path.read_bytes()
    with pytest.raises(DamagedError, match=r"journal\.db: the journal is damaged \(.*mkdir .*/damaged && mv .*") as caught:
        await Journal.open(tmp_path)
    assert "\n" not in str(caught.value)
    assert caught.value.status is Exit.MISSING
    assert path.read_bytes() == broken


async def test_a_damaged_snapshot_or_event_is_found_when_it_is_read(tmp_path: Path) -> None:
    journal, engine = await Journal.open(tmp_path), fresh()
    for event in story():
        await journal.commit(step(engine, event))
    await journal.snapshot(journal.last, START, engine.state)
    await journal.close()
    for change in ("UPDATE snapshot SET body = zeroblob(100)", "DELETE FROM snapshot", "UPDATE log SET body = '{}' WHERE kind = 'looked'"):
        with sqlite3.connect(tmp_path / "journal.db") as db:
            db.execute(change)
        db.close()
        again = await Journal.open(tmp_path)
        if not change.startswith("DELETE"):
            with pytest.raises(DamagedError):
                await again.recover()
        await again.close()


async def test_a_journal_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    await (await Journal.open(tmp_path)).close()
    with sqlite3.connect(tmp_path / "journal.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(JournalError, match="was written by a newer pantau"):
        await Journal.open(tmp_path)


async def test_a_folder_that_cannot_be_had_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="the data folder cannot be made"):
        await Journal.open(tmp_path / "file" / "data")


def ticks(count: int, at: float = START) -> list[Row]:
    return [row_of(Tick(at + number)) for number in range(count)]


class Guarded:
    """Runs a piece with files limited to a size, as if the disk were full; SIGXFSZ is ignored by Python."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __enter__(self) -> None:
        self.before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.size, self.before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self.before)


async def test_a_commit_that_finds_no_room_fails_whole_and_the_journal_goes_on_when_there_is_room(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path)
    await journal.commit(ticks(3))
    with Guarded(64 * 1024), pytest.raises(DiskFullError, match="no room on the disk"):
        await journal.commit(ticks(20_000))
    assert len((await journal.recover()).tail) == 3
    await journal.commit(ticks(2))
    assert len((await journal.recover()).tail) == 5
    await journal.close()


FULL_DISK = """
import pathlib, sys
from monitor.core.events import Delivered, Tick
from monitor.journal import DiskFullError, Keep, row_of
from monitor.journal.folder import Ballast
from monitor.journal.store import Store
folder = pathlib.Path(sys.argv[1])
ballast = Ballast(folder, 1024 * 1024)
store = Store(folder / "journal.db", ballast, Keep())
(folder / "filler").write_bytes(b"x" * int(sys.argv[2]))
written = 0
while (folder / "ballast").exists():
    written += 1
    store.append([row_of(Tick(float(written)))] * 50)
store.append([row_of(Delivered(1.0, "g1/1/tim", True))])
print("relieved", len(store.recover().tail) == written * 50 + 1)
try:
    while True:
        store.append([row_of(Tick(1.0))] * 500)
        written += 10
except DiskFullError as error:
    print("full", len(store.recover().tail) == written * 50 + 1)
(folder / "filler").unlink()
store.append([row_of(Tick(2.0))])
print("room", len(store.recover().tail) == written * 50 + 2)
store.close()
"""


def test_on_a_really_full_disk_the_ballast_keeps_what_must_be_told(tmp_path: Path) -> None:
    """On a file system of 4 MiB: the ballast goes, the page's report is kept; later commits fail whole; with room all goes on."""
    mounted = f'mount -t tmpfs -o size=4m tmpfs {tmp_path} && exec {sys.executable} -c "$0" {tmp_path} 2000000'
    ran = subprocess.run(["unshare", "-rm", "sh", "-c", mounted, FULL_DISK], capture_output=True, text=True, timeout=60, check=False)
    if "unshare" in ran.stderr or "mount" in ran.stderr:
        lack(f"needs a mount namespace: {ran.stderr.strip()}")
    assert (ran.stdout.split("\n")[:3], ran.stderr) == (["relieved True", "full True", "room True"], "")


KILLED = """
import asyncio, pathlib, sys
from monitor.core.events import Tick
from monitor.journal import Journal, row_of

async def main():
    journal = await Journal.open(pathlib.Path(sys.argv[1]))
    count = 0
    while True:
        await journal.commit([row_of(Tick(float(count * 10 + n))) for n in range(10)])
        count += 1
        print(count, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 7, 40])
async def test_what_was_committed_before_a_kill_is_there_and_no_half_step_is(tmp_path: Path, after: int) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for _ in range(after):
        told = int(child.stdout.readline())
    child.kill()
    told = max(told, *map(int, child.stdout.read().split()), 0)
    child.wait()
    child.stdout.close()
    journal = await Journal.open(tmp_path)
    found = await journal.recover()
    await journal.close()
    assert len(found.tail) % 10 == 0
    assert told <= len(found.tail) // 10 <= told + 1
    assert [event.at for event in found.tail] == [float(number) for number in range(len(found.tail))]


async def test_all_that_waits_goes_into_one_transaction(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path)
    gate = threading.Event()
    blocked = asyncio.get_running_loop().run_in_executor(journal._thread, gate.wait)  # noqa: SLF001 - the disk is slow
    commits = [asyncio.create_task(journal.commit(ticks(2))) for _ in range(5)]
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(*commits) == [10] * 5
    await blocked
    await journal.close()


async def test_decisions_are_read_beside_the_writer_newest_first_of_one_subject_and_of_a_time(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path)
    made = [
        Decision(START + number, ("kec-a", "kec-b")[number % 2], "down", Why.ODDS_REACHED, {"nats": 0.1 + number}) for number in range(6)
    ]
    await journal.commit([row_of(decision) for decision in made])
    reader = journal.reader
    assert reader.decisions("kec-b", 2) == [made[5], made[3]]
    assert reader.decisions("", 10) == made[::-1]
    assert reader.decisions("kec-a", 10, at=START + 3) == [made[2], made[0]]
    assert reader.decisions("kec-x", 10) == []
    await journal.commit(ticks(3))
    assert [row.kind for row in reader.recent(2)] == ["decision", "decision"]
    assert reader.rows() == {"log": 9, "snapshot": 0}
    assert reader.size() > 4096
    await journal.close()


def test_a_reader_without_a_journal_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be opened"):
        Reader(tmp_path / "journal.db")


def test_the_readers_questions_use_an_index(tmp_path: Path) -> None:
    """So that they cost the same after a year."""
    Store(tmp_path / "journal.db", Ballast(tmp_path, 4096), Keep()).close()
    db = sqlite3.connect(tmp_path / "journal.db")
    for query, index in (
        ("SELECT body FROM log WHERE kind = 'decision' AND subject = 'a' AND at <= 1 ORDER BY seq DESC LIMIT 1", "log_decisions"),
        ("SELECT body FROM log WHERE kind NOT IN ('looked', 'tick') ORDER BY seq DESC LIMIT 1", "log_told"),
    ):
        plan = str(db.execute(f"EXPLAIN QUERY PLAN {query}").fetchall())
        assert index in plan
        assert "TEMP B-TREE" not in plan
    db.close()
