"""The data folder: one daemon at a time, and some ballast to throw off when the disk is full."""

import fcntl
import os
from pathlib import Path

from monitor.core.errors import Exit, PantauError
from monitor.journal.errors import JournalError

BALLAST = 4 * 1024 * 1024


def make(folder: Path) -> None:
    """Make the folder, for our user only; JournalError when it cannot be had."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(f"{folder}: the data folder cannot be made ({error.strerror}); choose another --data-dir") from error


class Lock:
    """Held as long as a daemon works on the folder; the kernel lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock; PantauError (69) that names the folder when another daemon has it."""
        path = folder / "lock"
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise JournalError(f"{path}: {error.strerror}; the data folder must be ours to write") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._fd)
            raise PantauError(
                f"{folder}: another pantau works on this data folder; stop it or choose another --data-dir", status=Exit.MISSING
            ) from error

    def release(self) -> None:
        """Let another daemon have the folder."""
        os.close(self._fd)


class Ballast:
    """Some MiB of nothing: on a full disk it is thrown off, so that what must be told can still be written."""

    def __init__(self, folder: Path, size: int = BALLAST) -> None:
        self._path, self._size = folder / "ballast", size

    def load(self) -> bool:
        """Take the ballast on board where there is room; tell whether it is there."""
        try:
            with self._path.open("ab") as file:
                if os.fstat(file.fileno()).st_size < self._size:
                    os.posix_fallocate(file.fileno(), 0, self._size)
        except OSError:
            self.drop()
            return False
        return True

    def drop(self) -> bool:
        """Throw it off; tell whether there was any."""
        try:
            there = self._path.stat().st_size > 0
            self._path.unlink()
        except OSError:
            return False
        return there
