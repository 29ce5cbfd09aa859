"""The journal as the daemon holds it: commits grouped, in one thread of their own, so that the loop never waits for a disk."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from monitor.engine import State
from monitor.journal.codec import Recovery, Row, pieces
from monitor.journal.compaction import Keep
from monitor.journal.errors import JournalError
from monitor.journal.folder import Ballast, Lock, make
from monitor.journal.reader import Reader
from monitor.journal.store import Store

T = TypeVar("T")
SLICES = 4
"""Slices of tidying after a commit, at most; they give way to the next one."""


class Journal:
    """A data folder that is ours alone. What `commit` has returned for is on disk; what it raised for is not."""

    def __init__(self, store: Store, reader: Reader, lock: Lock, thread: ThreadPoolExecutor) -> None:
        self._store, self._lock, self._thread = store, lock, thread
        self.reader = reader
        self._waiting: list[tuple[Sequence[Row], asyncio.Future[int]]] = []
        self._writing: asyncio.Task[None] | None = None

    @property
    def last(self) -> int:
        """The seq of the newest row on disk."""
        return self._store.last

    @classmethod
    async def open(cls, folder: Path, keep: Keep | None = None) -> "Journal":
        """Lock the folder and open the journal in it; looks are kept as `keep` says.

        Raises PantauError (69): another daemon works there, the folder cannot be had, the file is damaged or too new.
        """
        make(folder)
        lock = Lock(folder)
        thread = ThreadPoolExecutor(1, "journal")
        path = folder / "journal.db"
        try:
            store = await asyncio.get_running_loop().run_in_executor(thread, Store, path, Ballast(folder), keep or Keep())
            reader = Reader(path)
        except JournalError:
            thread.shutdown()
            lock.release()
            raise
        return cls(store, reader, lock, thread)

    async def recover(self) -> Recovery:
        """Read what the disk holds: the newest snapshot and the events after it."""
        return await self._run(self._store.recover)

    async def commit(self, rows: Sequence[Row]) -> int:
        """Put rows on disk, with all others that wait in one transaction; return the seq of the last of that transaction.

        When it raises JournalError, whoever waited meanwhile gets the same: what they would write followed from what is lost.
        """
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return await future

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                seq = await self._run(self._store.append, [row for rows, _ in group for row in rows])
            except JournalError as error:
                group, self._waiting = group + self._waiting, []
                for future in _waited_for(group):
                    future.set_exception(error)
            else:
                for future in _waited_for(group):
                    future.set_result(seq)
                await self._tidy()
        self._writing = None

    async def _tidy(self) -> None:
        """Move some old looks to the tape while nobody waits."""
        if self._store.untidy:
            for _ in range(SLICES):
                if self._waiting or not await self._run(self._store.tidy):
                    break

    async def snapshot(self, seq: int, at: float, state: State) -> None:
        """Keep the state as it is now, which stands for everything up to `seq`; it must stand still until this is done."""
        packed = []
        for piece in pieces(state):
            packed.append(piece)
            await asyncio.sleep(0)  # all at once it would hold the loop for more than half a second in a city of 100,000 targets
        await self._run(self._store.keep_snapshot, seq, at, *packed)

    async def close(self) -> None:
        """Wait for what is being written, close the files and let go of the folder."""
        if self._writing is not None:
            await self._writing
        self.reader.close()
        await self._run(self._store.close)
        self._thread.shutdown()
        self._lock.release()

    async def _run(self, act: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, act, *arguments)


def _waited_for(group: Sequence[tuple[Sequence[Row], asyncio.Future[int]]]) -> list[asyncio.Future[int]]:
    """Return the futures of those who still wait; some may have been cancelled."""
    return [future for _, future in group if not future.done()]
