"""What was found last under a name, for the time when nobody can be asked for it: bounded in number and in age."""

import math
import time
from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

MOST = 4096
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """What was kept, the oldest first; it is forgotten after `lasting` seconds, and when there is more than `MOST`."""

    def __init__(self, lasting: float = math.inf, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing."""
        self._lasting, self._clock = lasting, clock
        self._known: dict[K, tuple[float, V]] = {}

    def keep(self, key: K, found: V) -> None:
        """Remember what was found now."""
        self._known.pop(key, None)
        self._known[key] = self._clock(), found
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def last(self, key: K) -> V | None:
        """Return what was found last, if that was not too long ago."""
        at, found = self._known.get(key, (-math.inf, None))
        return found if self._clock() - at <= self._lasting else None

    def only(self, keys: Collection[K]) -> None:
        """Forget all others."""
        self._known = {key: known for key, known in self._known.items() if key in keys}

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
