"""What a data folder remembers, in the order in which it came: for `replay` and `explain`, also while a daemon works on it.

One pass reads in one transaction, so looks that go from the log to the tape meanwhile are neither missed nor read twice. Looks from the
tape that came within the same millisecond come in the order of their checks.
"""

import heapq
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from monitor.core.city import City
from monitor.core.events import Delivered, Event, InventoryLoaded, Page, ProbeResult
from monitor.engine import State
from monitor.journal.codec import Recovery, read_event, read_page, unpack
from monitor.journal.compaction import HOUR
from monitor.journal.errors import DamagedError, JournalError, read_error
from monitor.journal.tape import Block, BlockError, decode

TOLD = "kind NOT IN ('looked', 'tick')"  # as in the index `log_told`


class Recorded:
    """The journal of a folder, read only. Methods raise JournalError. `lost` counts blocks of the tape that are damaged."""

    def __init__(self, folder: Path) -> None:
        self.path, self.lost = folder / "journal.db", 0
        with self._reading():
            self._db = sqlite3.connect(f"{self.path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
            self._db.execute("PRAGMA query_only=ON")
            version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version < 3:
            raise JournalError(f"{self.path}: was written by an older pantau; start this one's daemon once, it brings the file up to date")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def span(self) -> tuple[float, float]:
        """Return the times of the oldest and the newest look, 0 where there is none."""
        with self._reading():
            hour = self._db.execute("SELECT min(hour) FROM tape").fetchone()[0]
            first = self._db.execute("SELECT at FROM log WHERE kind = 'looked' ORDER BY seq LIMIT 1").fetchone()
            newest = self._db.execute("SELECT at FROM log WHERE kind = 'looked' ORDER BY seq DESC LIMIT 1").fetchone()
            last = self._db.execute("SELECT max(hour) FROM tape").fetchone()[0]
        oldest = float(hour * HOUR) if hour is not None else first[0] if first else 0.0
        return oldest, newest[0] if newest else float((last + 1) * HOUR) if last is not None else 0.0

    def events(self, begin: float, end: float) -> Iterator[Event]:
        """Yield looks, inventories and steps of the clock from `begin` to before `end`, by time."""
        kinds = ("inventory", "clock")
        others = ((at, kind, body) for kind in kinds for at, body in self._told(kind, begin, end))
        loaded = (read_event(kind, body) for _, kind, body in sorted(others))
        return heapq.merge(loaded, self.looks(begin, end), key=lambda event: event.at)

    def city_at(self, at: float) -> City | None:
        """Return the inventory that held at this time; None when there was none yet."""
        loaded = self.inventory_at(at)
        return loaded.city if loaded else None

    def inventory_at(self, at: float) -> InventoryLoaded | None:
        """Return when the inventory that held at this time was taken up, and it; None when there was none yet."""
        query = f"SELECT body FROM log WHERE {TOLD} AND kind = 'inventory' AND at <= ? ORDER BY seq DESC LIMIT 1"  # noqa: S608 - our own words
        with self._reading():
            found = self._db.execute(query, (at,)).fetchone()
        event = read_event("inventory", found[0]) if found else None
        return event if isinstance(event, InventoryLoaded) else None

    def pages(self, begin: float, end: float) -> list[Page]:
        """Return the pages that were decided from `begin` to before `end`, in order."""
        return [read_page(body) for _, body in self._told("page", begin, end)]

    def pages_of(self, incident: str) -> list[Page]:
        """Return the pages of an incident, in order."""
        query = f"SELECT body FROM log WHERE {TOLD} AND kind = 'page' AND subject = ? ORDER BY seq"  # noqa: S608 - our own words
        with self._reading():
            return [read_page(body) for (body,) in self._db.execute(query, (incident,)).fetchall()]

    def reports(self, begin: float, end: float) -> dict[str, Delivered]:
        """Return what channels reported from `begin` to before `end`, by the key of the page."""
        events = (read_event("delivered", body) for _, body in self._told("delivered", begin, end))
        return {event.key: event for event in events if isinstance(event, Delivered)}

    def learned_before(self, at: float) -> State | None:
        """Return the newest state of before a time that is kept, at most about a day old: what had been learned of each target by then."""
        query = (
            "SELECT body FROM (SELECT at, body FROM snapshot UNION ALL SELECT at, body FROM daily) WHERE at <= ? ORDER BY at DESC LIMIT 1"
        )
        with self._reading():
            found = self._db.execute(query, (at,)).fetchone()
        try:
            return unpack(found[0]) if found else None
        except ValueError:  # of an older shape: then nothing had been learned
            return None

    def kept_before(self, at: float) -> Recovery | None:
        """Return the newest snapshot before a time and the events after it up to then; None when the log no longer holds them."""
        tail = "SELECT kind, body FROM log WHERE seq > ? AND at <= ? AND kind NOT IN ('decision', 'page') ORDER BY seq"
        with self._reading():
            found = self._db.execute("SELECT seq, body FROM snapshot WHERE at <= ? ORDER BY seq DESC LIMIT 1", (at,)).fetchone()
            pruned = int(self._db.execute("SELECT seq FROM pruned").fetchone()[0])
            if found is None and pruned:
                return None
            seq, body = found or (0, None)
            events = tuple(read_event(kind, row) for kind, row in self._db.execute(tail, (seq, at)).fetchall())
            return Recovery(unpack(body) if body else None, events, seq, at)

    def looks(self, begin: float, end: float, checks: Collection[str] | None = None) -> Iterator[ProbeResult]:
        """Yield looks (of these checks only, if any are named) from `begin` to before `end`, by time."""
        with self._reading():
            self._db.execute("BEGIN")
            try:
                hours = "SELECT DISTINCT hour FROM tape WHERE hour BETWEEN ? AND ? ORDER BY hour"
                for (hour,) in self._db.execute(hours, (int(begin // HOUR), int(min(end, 1e12) // HOUR))).fetchall():
                    yield from (look for look in self._hour(hour, checks) if begin <= look.at < end)
                yield from self._log(begin, end, checks)
            finally:
                self._db.execute("ROLLBACK")

    def _hour(self, hour: int, checks: Collection[str] | None) -> list[ProbeResult]:
        """Return the looks of an hour of the tape by time; what is damaged is counted and left out."""
        query = (
            "SELECT tape_check.id, looks, coalesce(body, x'') FROM tape JOIN tape_check ON number = look_of "
            "LEFT JOIN tape_beside ON tape_beside.id = tape.id WHERE hour = ?"
        )
        if checks is not None:
            query += f" AND tape_check.id IN ({', '.join('?' * len(checks))})"
        looks: list[ProbeResult] = []
        try:
            for check, columns, beside in self._db.execute(f"{query} ORDER BY tape_check.id, part", (hour, *(checks or ()))):
                try:
                    looks += decode(check, Block(columns, beside))
                except BlockError:
                    self.lost += 1
        except sqlite3.DatabaseError:
            self.lost += 1
        return sorted(looks, key=lambda look: look.at)

    def _log(self, begin: float, end: float, checks: Collection[str] | None) -> Iterator[ProbeResult]:
        query = "SELECT subject, body FROM log WHERE seq > (SELECT seq FROM taped) AND kind = 'looked' AND at >= ? AND at < ? ORDER BY seq"
        for check, body in self._db.execute(query, (begin, end)):
            if checks is None or check in checks:
                look = read_event("looked", body)
                if isinstance(look, ProbeResult):
                    yield look

    def _told(self, kind: str, begin: float, end: float) -> Sequence[tuple[float, str]]:
        query = f"SELECT at, body FROM log WHERE {TOLD} AND kind = ? AND at >= ? AND at < ? ORDER BY seq"  # noqa: S608 - our own words
        with self._reading():
            return self._db.execute(query, (kind, begin, end)).fetchall()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise read_error(self.path, error) from error
        except ValueError as error:
            raise DamagedError(self.path, str(error).splitlines()[0]) from error
