"""How long a turn of the loop takes: the CPU time of its thread from one waiting to the next, so that others on the machine count less."""

import selectors
import time


class Watch(selectors.DefaultSelector):
    """Where the loop waits; what it did since it waited last is one turn."""

    def __init__(self) -> None:
        super().__init__()
        self.worst, self._since = 0.0, time.thread_time()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.worst = max(self.worst, time.thread_time() - self._since)
        events = super().select(timeout)
        self._since = time.thread_time()
        return events

    def taken(self) -> float:
        """Return the worst turn since it was asked last, in milliseconds, and begin anew."""
        worst, self.worst = self.worst, 0.0
        return 1000 * worst
