"""What can be wrong with the journal, said in one line: damaged, full, or not to be had."""

import sqlite3
from pathlib import Path

from monitor.core.errors import Exit, PantauError


class JournalError(PantauError):
    """The journal cannot be read or written; what was asked did not happen."""

    def __init__(self, line: str) -> None:
        super().__init__(line, status=Exit.MISSING)


class DiskFullError(JournalError):
    """There is no room for what should be written, even without the ballast."""


class DamagedError(JournalError):
    """The file is not what was written; nothing in it is touched until a person decides."""

    def __init__(self, path: Path, what: str) -> None:
        folder = path.parent
        super().__init__(
            f"{path}: the journal is damaged ({what}); nothing was thrown away. Restore a backup, or start with an empty one: "
            f"mkdir {folder}/damaged && mv {path}* {folder}/damaged/"
        )


_DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE")


def read_error(path: Path, error: sqlite3.Error) -> JournalError:
    """Say in one line what SQLite's error means for the person who runs the daemon."""
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    if name.startswith(_DAMAGE):
        return DamagedError(path, str(error))
    if name.startswith(_FULL):
        return DiskFullError(f"{path}: no room on the disk ({error}); free some space, judging goes on as soon as there is")
    if name == "SQLITE_CANTOPEN":
        return JournalError(f"{path}: cannot be opened; is the folder there and ours to write?")
    return JournalError(f"{path}: {error} ({name})")
