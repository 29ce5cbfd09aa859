"""The one connection that writes: whole transactions, on disk before they count. Lives in one thread.

Every method raises JournalError (DiskFullError, DamagedError) and then nothing of what was asked is in the file.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from monitor.core.events import Event
from monitor.journal.codec import Recovery, Row, read_event, squeeze, unpack
from monitor.journal.compaction import DAY, Compaction, Keep
from monitor.journal.errors import DamagedError, DiskFullError, JournalError, read_error
from monitor.journal.folder import Ballast
from monitor.journal.schema import migrate

CHECKED_WHOLE = 64 * 1024 * 1024
KEPT_SNAPSHOTS = 2
TIDY_EVERY = 500


class Store:
    """The journal's file, open for writing; `last` is the newest seq."""

    def __init__(self, path: Path, ballast: Ballast, keep: Keep) -> None:
        self.path, self.last = path, 0
        self._ballast, self._untidy, self._now = ballast, 0, 0.0
        self._damage: DamagedError | None = None
        with self._reading():
            self._db = sqlite3.connect(path, isolation_level=None)
            self._prepare()
            self._compaction = Compaction(self._db, self._transaction, keep)
        self._ballast.load()

    def _prepare(self) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "journal_size_limit=8388608", "busy_timeout=5000"):
            self._db.execute(f"PRAGMA {pragma}")
        if self.path.stat().st_size <= CHECKED_WHOLE:  # a big one is checked as it is read: starting takes less than 2 s
            found = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise DamagedError(self.path, " ".join(str(found).split()))
        migrate(self._db, self.path)
        self.last = int(self._db.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()[0])

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise read_error(self.path, error) from error

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what is done inside, or nothing of it."""
        with self._reading():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:  # it failed, and a full disk has not ended it already
                    self._db.execute("ROLLBACK")

    def append(self, rows: Sequence[Row]) -> int:
        """Put rows on disk and return the seq of the last one; on a full disk the ballast goes and it is tried once more."""
        if self._damage:
            raise self._damage
        try:
            self._append(rows)
        except DiskFullError:
            if not self._relieve():
                raise
            self._append(rows)
        self._untidy, self._now = self._untidy + len(rows), max([self._now, *(row.at for row in rows)])
        return self.last

    @property
    def untidy(self) -> bool:
        """Whether so much came that some tidying is due."""
        return self._untidy >= TIDY_EVERY

    def tidy(self) -> bool:
        """Move some old looks on; tell whether there may be more to do.

        A disk that is full or busy may keep us from it: the next round tries again. A damaged one is said at the next `append`.
        """
        try:
            with self._reading():
                if self._compaction.slice(self.last, self._now):
                    return True
        except DamagedError as error:
            self._damage = error
        except JournalError:
            pass
        self._untidy = 0
        return False

    def _append(self, rows: Sequence[Row]) -> None:
        numbered = ((seq, row.at, row.kind, row.subject, row.body.decode()) for seq, row in enumerate(rows, start=self.last + 1))
        with self._transaction():
            self._db.executemany("INSERT INTO log VALUES (?, ?, ?, ?, ?)", numbered)
        self.last += len(rows)

    def keep_snapshot(self, seq: int, at: float, *packed: bytes) -> None:
        """Keep a packed state that stands for everything up to `seq`, the one before it, and the first one of each day."""
        body = squeeze(*packed)
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?)", (seq, at, body))
            self._db.execute("INSERT OR IGNORE INTO daily VALUES (?, ?, ?)", (at // DAY, at, body))
            self._db.execute(
                "DELETE FROM snapshot WHERE seq NOT IN (SELECT seq FROM snapshot ORDER BY seq DESC LIMIT ?)", (KEPT_SNAPSHOTS,)
            )
        self._ballast.load()

    def recover(self) -> Recovery:
        """Read the newest snapshot and every event after it."""
        with self._reading():
            found = self._db.execute("SELECT seq, body FROM snapshot ORDER BY seq DESC LIMIT 1").fetchone()
            start = found[0] if found else 0
            came = "SELECT kind, body FROM log WHERE seq > ? AND kind NOT IN ('decision', 'page') ORDER BY seq"
            kept = self._db.execute(came, (start,)).fetchall()
            at = self._db.execute("SELECT max(at) FROM (SELECT at FROM log ORDER BY seq DESC LIMIT 1000)").fetchone()[0]
            snapshot_at = self._db.execute("SELECT max(at) FROM snapshot").fetchone()[0]
        try:
            state = unpack(found[1]) if found else None
            tail: tuple[Event, ...] = tuple(read_event(kind, body) for kind, body in kept)
        except ValueError as error:
            raise DamagedError(self.path, str(error).splitlines()[0]) from error
        return Recovery(state, tail, self.last, max(at or 0.0, snapshot_at or 0.0))

    def _relieve(self) -> bool:
        """Make room on a full disk: throw off the ballast, and free the oldest looks for new rows to use their pages."""
        if not self._ballast.drop():
            return False
        with contextlib.suppress(DiskFullError):
            self._compaction.relieve()
        return True

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        with self._reading():
            self._db.close()
