"""What happened, on disk: one append-only log of what came and what was decided, a tape of old looks, and snapshots to start from.

The files of a data folder: `journal.db` (SQLite, WAL), `lock` (held while a daemon runs), `ballast` (freed on a full disk).
"""

from monitor.journal.codec import Recovery, Row, row_of
from monitor.journal.compaction import Keep
from monitor.journal.errors import DamagedError, DiskFullError, JournalError
from monitor.journal.reader import Reader
from monitor.journal.recorded import Recorded
from monitor.journal.writer import Journal

__all__ = ["DamagedError", "DiskFullError", "Journal", "JournalError", "Keep", "Reader", "Recorded", "Recovery", "Row", "row_of"]
