"""A city in virtual time whose journal is kept, for questions about the past."""

from pathlib import Path

from monitor.core.city import City
from monitor.core.events import Decision, Delivered, Effect, Event, Page
from monitor.journal import Keep, Row, codec, row_of
from monitor.journal.folder import Ballast
from monitor.journal.store import Store
from tests.play import Play


class Tape(Play):
    """A play that keeps what the journal would keep, with snapshots."""

    def __init__(self, city: City) -> None:
        self.rows: list[Row] = []
        self.saved: list[tuple[int, float, bytes]] = []
        super().__init__(city)

    def take(self, event: Event) -> list[Effect]:
        effects = super().take(event)
        self.rows += [row_of(event), *(row_of(effect) for effect in effects if isinstance(effect, Page | Decision))]
        return effects

    def receipts(self, detail: str) -> None:
        """Report every page owed: those by mail could not be sent."""
        for page in self.engine.owed():
            self.take(Delivered(self.at + 1, page.key, ok="surel" not in page.receiver, detail=detail))

    def save(self) -> None:
        """Keep a snapshot."""
        self.saved.append((len(self.rows), self.at, codec.pack(self.engine.state)))

    def folder(self, folder: Path) -> Path:
        """Write it all into a data folder."""
        store = Store(folder / "journal.db", Ballast(folder, 4096), Keep())
        store.append(self.rows)
        for saved in self.saved:
            store.keep_snapshot(*saved)
        store.close()
        return folder
