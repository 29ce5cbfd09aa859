"""The one connection that only reads: for the pages, for `explain`, for replay of what is on disk."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monitor.core.events import Decision
from monitor.journal.codec import Row, read_decision
from monitor.journal.errors import DamagedError, read_error


class Reader:
    """Reads a journal beside its writer; it sees what is committed. Methods raise JournalError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
            self._db.execute("PRAGMA query_only=ON")
        except sqlite3.Error as error:
            raise read_error(path, error) from error

    def decisions(self, subject: str, limit: int, at: float | None = None) -> Sequence[Decision]:
        """Return decisions about a subject (about all when it is empty), the newest first, none later than `at`."""
        about = "AND subject = ?" if subject else ""
        query = f"SELECT body FROM log WHERE kind = 'decision' {about} AND at <= ? ORDER BY seq DESC LIMIT ?"  # noqa: S608 - our own words
        until = float("inf") if at is None else at
        rows = self._read(query, (subject, until, limit) if subject else (until, limit))
        try:
            return [read_decision(body) for (body,) in rows]
        except ValueError as error:
            raise DamagedError(self.path, str(error).splitlines()[0]) from error

    def recent(self, limit: int) -> Sequence[Row]:
        """Return the newest rows that are neither looks nor ticks, the newest first."""
        query = "SELECT at, kind, subject, body FROM log WHERE kind NOT IN ('looked', 'tick') ORDER BY seq DESC LIMIT ?"
        return [Row(at, kind, subject, body.encode()) for at, kind, subject, body in self._read(query, (limit,))]

    def rows(self) -> Mapping[str, int]:
        """Return how many rows were ever written to the log and how many snapshots are kept; costs the same at any size."""
        (log,) = self._read("SELECT coalesce(max(seq), 0) FROM log", ())[0]
        (snapshots,) = self._read("SELECT count(*) FROM snapshot", ())[0]
        return {"log": log, "snapshot": snapshots}

    def size(self) -> int:
        """Return the bytes of the file and its write-ahead log."""
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())

    def _read(self, query: str, values: tuple[object, ...]) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise read_error(self.path, error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
