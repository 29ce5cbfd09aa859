"""From the log to the tape: nothing is lost or doubled on the way, wherever it is cut off."""

import asyncio
import sqlite3
from contextlib import closing
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.city import City
from monitor.core.events import Decision, InventoryLoaded, ProbeResult, Tick, Why, quantise
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.engine import State
from monitor.journal import Journal, Keep, Recorded, codec, compaction, row_of
from monitor.journal.folder import Ballast
from monitor.journal.store import Store

HOUR = 3600
START = 1_795_503_600.0  # a full hour
CHECKS = ("app-portal/http", "kec-a/icmp", "kec-b/icmp")
FOREVER = (0.0, float("inf"))


@pytest.fixture(autouse=True)
def _small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "SLICE", 100)


def looks(hours: float, every: float = 20.0) -> list[ProbeResult]:
    found = []
    for number in range(int(hours * HOUR / every)):
        sent, check = START + number * every + 0.0123, CHECKS[number % len(CHECKS)]
        lost = number % 97 == 0
        outcome = Outcome(Verdict.FAIL, Reason.TIMEOUT, "2 s") if lost else Outcome(Verdict.OK, seconds=0.00123, values={"sent": 2})
        found.append(quantise(check, sent, sent + (2 if lost else 0.002), outcome))
    return found


def store_of(folder: Path, kept: list[ProbeResult], keep: Keep | None = None, *, snapshot: bool = True) -> Store:
    """Write looks with ticks and decisions among them; a snapshot stands for all."""
    store = Store(folder / "journal.db", Ballast(folder, 4096), keep or Keep())
    rows = []
    for look in kept:
        rows.append(row_of(look))
        if look.verdict is Verdict.FAIL:
            rows += [row_of(Tick(look.at)), row_of(Decision(look.at, look.check, "up", Why.FIRST_OK))]
    store.append(rows)
    if snapshot:
        store.keep_snapshot(store.last, kept[-1].at, codec.pack(State(City(""))))
    return store


def remembered(folder: Path) -> list[ProbeResult]:
    with closing(Recorded(folder)) as recorded:
        found = list(recorded.looks(*FOREVER))
        assert recorded.lost == 0
        return found


def kinds(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "journal.db")) as db:
        found = dict(db.execute("SELECT kind, count(*) FROM log GROUP BY kind").fetchall())
        return found | {"blocks": db.execute("SELECT count(*) FROM tape").fetchone()[0]}


def test_after_every_slice_each_look_is_there_once_and_in_the_end_old_ones_are_on_the_tape_and_decisions_in_the_log(tmp_path: Path) -> None:
    written = looks(4.5)
    store = store_of(tmp_path, written)
    slices = 0
    while store.tidy():
        slices += 1
        assert remembered(tmp_path) == written
    assert slices > 20
    assert kinds(tmp_path) == {"looked": 270, "tick": 3, "decision": 9, "blocks": 9}
    store.close()


@pytest.mark.parametrize("after", range(0, 40, 3))
def test_cut_off_after_any_slice_it_goes_on_where_it_was(tmp_path: Path, after: int) -> None:
    written = looks(4.5)
    store = store_of(tmp_path, written)
    for _ in range(after):
        store.tidy()
    store.close()
    again = Store(tmp_path / "journal.db", Ballast(tmp_path, 4096), Keep())
    again.append([row_of(Tick(written[-1].at))])
    while again.tidy():
        pass
    assert remembered(tmp_path) == written
    assert kinds(tmp_path)["blocks"] == 9
    again.close()


def test_what_no_snapshot_stands_for_stays_in_the_log_for_recovery_and_is_read_once(tmp_path: Path) -> None:
    written = looks(4.5)
    store = store_of(tmp_path, written, snapshot=False)
    while store.tidy():
        pass
    assert len(store.recover().tail) == len(written) + kinds(tmp_path)["tick"]
    assert kinds(tmp_path)["blocks"] == 9
    assert remembered(tmp_path) == written
    store.close()


def test_a_damaged_block_loses_its_own_looks_only_and_is_counted(tmp_path: Path) -> None:
    written = looks(4.5)
    store = store_of(tmp_path, written)
    while store.tidy():
        pass
    store.close()
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        number, hour, check, body = db.execute(
            "SELECT tape.id, hour, tape_check.id, looks FROM tape JOIN tape_check ON number = look_of ORDER BY tape.id LIMIT 1 OFFSET 4"
        ).fetchone()
        broken = bytearray(body)
        broken[len(body) // 2] ^= 0x10
        db.execute("UPDATE tape SET looks = ? WHERE id = ?", (bytes(broken), number))
        db.commit()
    with closing(Recorded(tmp_path)) as recorded:
        assert list(recorded.looks(*FOREVER)) == [look for look in written if (int(look.at // HOUR), look.check) != (hour, check)]
        assert recorded.lost == 1


@pytest.mark.parametrize("keep", [Keep(days=2 / 24), Keep(bytes=1500)], ids=["age", "size"])
def test_the_tape_is_kept_by_age_and_by_size_and_the_oldest_goes_first(tmp_path: Path, keep: Keep) -> None:
    written = looks(6)
    store = store_of(tmp_path, written, keep)
    while store.tidy():
        pass
    kept = remembered(tmp_path)
    assert 0 < len(kept) < len(written)
    assert kept[-1] == written[-1]
    assert keep.days > 1 or kept == written[-len(kept) :]
    with closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        size, counted = db.execute(
            "SELECT (SELECT sum(length(looks)) FROM tape) + (SELECT sum(length(body)) FROM tape_beside), bytes FROM taped"
        ).fetchone()
    assert size == counted <= keep.bytes
    store.close()


def test_looks_of_some_checks_and_of_a_time_are_read_from_tape_and_log_and_the_inventory_that_held(tmp_path: Path) -> None:
    written = looks(4.5)
    store = store_of(tmp_path, written)
    store.append([row_of(InventoryLoaded(START + 100, City("A"))), row_of(InventoryLoaded(START + 200, City("B")))])
    while store.tidy():
        pass
    store.close()
    with closing(Recorded(tmp_path)) as recorded:
        some = list(recorded.looks(START + 1800, START + 4 * HOUR, {"kec-a/icmp"}))
        assert some == [look for look in written if look.check == "kec-a/icmp" and START + 1800 <= look.at < START + 4 * HOUR]
        assert [city and city.name for city in map(recorded.city_at, (START, START + 150, START + 999))] == [None, "A", "B"]
        came = list(recorded.events(START + 50, START + 300))
        assert [event.at for event in came] == sorted(event.at for event in came)
        assert sum(isinstance(event, InventoryLoaded) for event in came) == 2
        assert recorded.span() == (START, written[-1].at)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6 * HOUR), st.sampled_from(CHECKS), st.sampled_from(Verdict)), min_size=1, max_size=60))
def test_looks_that_come_in_no_order_are_all_kept(drawn: list[tuple[int, str, Verdict]]) -> None:
    written = [ProbeResult(check, START + at - 1.0, START + at, verdict) for at, check, verdict in drawn]
    written.append(ProbeResult(CHECKS[0], START + 9 * HOUR, START + 9 * HOUR, Verdict.OK))
    with TemporaryDirectory() as name:
        store = store_of(Path(name), written)
        while store.tidy():
            pass
        store.close()
        assert kinds(Path(name))["looked"] == 1
        key = attrgetter("at", "check", "verdict")
        assert sorted(remembered(Path(name)), key=key) == sorted(written, key=key)


async def test_the_journal_moves_old_looks_between_commits_and_every_commit_is_kept(tmp_path: Path) -> None:
    written, journal = looks(4.5), await Journal.open(tmp_path)
    await journal.commit([row_of(look) for look in written])
    await journal.snapshot(journal.last, written[-1].at, State(City("")))
    commits = 0
    while kinds(tmp_path)["looked"] > 270:
        await asyncio.gather(*(journal.commit([row_of(Tick(written[-1].at))] * 20) for _ in range(3)))
        commits += 3
        assert commits < 300
    await journal.close()
    assert remembered(tmp_path) == written
    assert kinds(tmp_path) == {"looked": 270, "tick": 20 * commits, "blocks": 9}


def test_the_first_snapshot_of_each_day_is_kept_as_long_as_the_tape(tmp_path: Path) -> None:
    store = store_of(tmp_path, looks(4.5), snapshot=False)
    for day in range(5):
        store.keep_snapshot(store.last, START + day * 86400, codec.pack(State(City(f"day {day}"))))
        store.keep_snapshot(store.last, START + day * 86400 + 3600, codec.pack(State(City("later"))))
    with closing(Recorded(tmp_path)) as recorded:
        kept = [recorded.learned_before(START + hour * 3600) for hour in (-1, 2, 30, 200)]
        assert [state and state.city.name for state in kept] == [None, "day 0", "day 1", "later"]
    store.append([row_of(ProbeResult(CHECKS[0], START + at * 86400, START + at * 86400, Verdict.OK)) for at in (400, 403, 404)])
    while store.tidy():
        pass
    with closing(Recorded(tmp_path)) as recorded:
        assert recorded.learned_before(START + 3 * 86400) is None
    store.close()


def test_on_a_full_disk_the_oldest_looks_go_first(tmp_path: Path) -> None:
    store = store_of(tmp_path, looks(4.5))
    while store.tidy():
        pass
    store._compaction.relieve()  # noqa: SLF001 - what a full disk calls
    assert kinds(tmp_path)["blocks"] == 0
    assert kinds(tmp_path)["decision"] == 9
    store.close()
