"""Moves old looks from the log to the tape and lets the oldest go, a slice at a time, so that no commit waits long for it.

An hour is gathered from the log, made into blocks and put on the tape in one transaction with the mark of how far that reaches:
what lies before the mark is read from the tape, what lies after it from the log, so nothing is lost or doubled wherever a kill
comes. The looks before the mark leave the log when no snapshot needs them any more. Lives in the writer's thread.
"""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass

from monitor.core.events import ProbeResult
from monitor.journal.codec import read_event
from monitor.journal.tape import Block, encode

HOUR, DAY = 3600, 86400
RESTS = HOUR
"""Seconds that the looks of an hour stay in the log after it has ended."""
SLICE = 1000
"""Rows of the log that are read or deleted in one slice; half as many looks are made into blocks."""
GATHERED = 200_000
DROPPED = 200
OLDEST = """
    SELECT tape.id, hour, length(looks) + coalesce(length(body), 0) FROM tape LEFT JOIN tape_beside ON tape_beside.id = tape.id
    ORDER BY hour LIMIT ?
"""

Transaction = Callable[[], AbstractContextManager[None]]
Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Keep:
    """How long looks are kept: as long as the tape is neither older than `days` nor larger than `bytes`."""

    days: float = 400.0
    bytes: float = 4 * 1024.0**3


class Compaction:
    """The way of the looks of `db` from its log to its tape, and off it. `lost` counts rows that held no look when they were read."""

    def __init__(self, db: sqlite3.Connection, transaction: Transaction, keep: Keep) -> None:
        self._db, self._transaction, self._keep = db, transaction, keep
        reached, size = db.execute("SELECT seq, bytes FROM taped").fetchone()
        self._reached, self._upto, self._bytes = int(reached), int(reached), int(size)
        self._gathered: dict[Key, list[str]] = {}
        self._count, self._whole = 0, False
        self._made: list[tuple[Key, Block]] = []
        self.lost = 0

    def slice(self, last: int, now: float) -> bool:
        """Do a little of what is to be done at `now`, in a log that ends at `last`; tell whether something was done."""
        return (
            self._forget(self._reached) or self._move(last, now) or self._drop(int((now - self._keep.days * DAY) // HOUR), self._keep.bytes)
        )

    def relieve(self) -> None:
        """Let the oldest looks go, so that a full disk takes what must be told."""
        self._drop(1 << 40, 0)
        self._forget(1 << 60)

    def _move(self, last: int, now: float) -> bool:
        if not self._whole:
            return self._gather(min(last, self._upto + SLICE), (now - RESTS) // HOUR)
        if self._gathered:
            self._encode()
        else:
            self._put()
        return True

    def _gather(self, end: int, open_hour: float) -> bool:
        """Read on in the log until an hour is whole; tell whether anything was read. `open_hour` is the first that may not be moved yet."""
        query = "SELECT seq, at, subject, body FROM log WHERE seq > ? AND seq <= ? AND kind = 'looked' ORDER BY seq"
        before = self._upto
        with closing(self._db.execute(query, (before, end))) as rows:
            for seq, at, check, body in rows:
                hour = int(at // HOUR)
                if hour >= open_hour or (self._gathered and hour > next(iter(self._gathered))[0]) or self._count >= GATHERED:
                    self._upto = seq - 1
                    self._whole = bool(self._gathered)
                    return self._whole
                self._gathered.setdefault((hour, check), []).append(body)
                self._count += 1
        self._upto = max(before, end)
        return self._upto > before

    def _encode(self) -> None:
        """Make blocks of some of what was gathered."""
        taken = 0
        while self._gathered and taken < SLICE // 2:
            key = next(iter(self._gathered))
            bodies = self._gathered.pop(key)
            taken += len(bodies)
            if looks := self._looks(bodies):
                self._made.append((key, encode(looks)))

    def _looks(self, bodies: list[str]) -> list[ProbeResult]:
        looks = []
        for body in bodies:
            try:
                look = read_event("looked", body)
            except ValueError:
                self.lost += 1
            else:
                looks += [look] if isinstance(look, ProbeResult) else []
        return looks

    def _put(self) -> None:
        """Put the blocks of an hour on the tape, and the mark."""
        with self._transaction():
            self._db.executemany("INSERT OR IGNORE INTO tape_check (id) VALUES (?)", [(check,) for (_, check), _ in self._made])
            for (hour, check), block in self._made:
                self._insert(hour, check, block)
            size = sum(len(block.looks) + len(block.beside) for _, block in self._made)
            self._db.execute("UPDATE taped SET seq = ?, bytes = bytes + ?", (self._upto, size))
        self._reached, self._bytes = self._upto, self._bytes + size
        self._made, self._count, self._whole = [], 0, False

    def _insert(self, hour: int, check: str, block: Block) -> None:
        part = "SELECT coalesce(max(part) + 1, 0) FROM tape WHERE hour = ?1 AND look_of = number"
        query = f"INSERT INTO tape (hour, look_of, part, looks) SELECT ?1, number, ({part}), ?3 FROM tape_check WHERE id = ?2"  # noqa: S608 - our own words
        placed = self._db.execute(query, (hour, check, block.looks))
        if block.beside:
            self._db.execute("INSERT INTO tape_beside VALUES (?, ?)", (placed.lastrowid, block.beside))

    def _forget(self, most: int) -> bool:
        """Delete some looks and ticks from the log that every kept snapshot stands for, none later than `most`."""
        done = int(self._db.execute("SELECT seq FROM pruned").fetchone()[0])
        covered = int(self._db.execute("SELECT coalesce(min(seq), 0) FROM snapshot").fetchone()[0])
        upto = min(covered, most, done + SLICE)
        if upto <= done:
            return False
        with self._transaction():
            self._db.execute("DELETE FROM log WHERE seq > ? AND seq <= ? AND kind IN ('looked', 'tick')", (done, upto))
            self._db.execute("UPDATE pruned SET seq = ?", (upto,))
        return True

    def _drop(self, before: int, largest: float) -> bool:
        """Let some of the oldest blocks go when they are of an hour before this one, or while the tape is larger than that."""
        gone, size = [], 0
        with closing(self._db.execute(OLDEST, (DROPPED,))) as rows:
            for number, hour, length in rows:
                if hour >= before and self._bytes - size <= largest:
                    break
                gone.append((number,))
                size += length
        if gone:
            with self._transaction():
                self._db.executemany("DELETE FROM tape WHERE id = ?", gone)
                self._db.executemany("DELETE FROM tape_beside WHERE id = ?", gone)
                self._db.execute("DELETE FROM daily WHERE day < (SELECT min(hour) FROM tape) * ? / ? - 1", (HOUR, DAY))
                self._db.execute("UPDATE taped SET bytes = bytes - ?", (size,))
            self._bytes -= size
        return bool(gone)
