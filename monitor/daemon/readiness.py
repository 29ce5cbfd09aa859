"""Whether the daemon does its work: one line that says what it does not."""

from monitor.core.city import City

PATIENCE = 60.0


class Readiness:
    """Knows when the inventory was taken up and when the last look came back; times are those of the timeline."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._looked = 0.0

    def began(self, at: float) -> None:
        """The inventory is on disk, and the schedule was told to look."""
        self._began = at

    def looked(self, at: float) -> None:
        """A look came back, whatever it found."""
        self._looked = at

    def trouble(self, city: City, journal: str, at: float) -> str:
        """Return what is not as it must be, or nothing; `journal` says why nothing can be written."""
        if journal:
            return f"nothing can be journaled: {journal}"
        if self._began is None:
            return "the inventory is not taken up yet"
        longest = min((check.interval + check.timeout for check in city.checks.values()), default=float("inf"))
        silent = at - max(self._looked, self._began)
        if silent > longest + PATIENCE:
            return f"the schedule does not run: no look came back for {silent:.0f} s"
        return ""
