"""What comes back though nobody waits for it any more: replies that come twice or too late, and replies that lack some of their data.

Counted by address and told with the next look there. Bounded: of the packets that ended, only the last `MOST` are known.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

MOST = 4096
_NOTHING: Mapping[str, int] = {}


class Ended(Protocol):
    """A packet of which no more is expected."""

    address: bytes
    token: bytes
    seconds: float | None


class Echoes:
    """Knows packets that ended, and counts what comes back for them."""

    def __init__(self) -> None:
        self._ended: OrderedDict[bytes, Ended] = OrderedDict()
        self._counts: dict[bytes, dict[str, int]] = {}

    def keep(self, shot: Ended) -> None:
        """Remember a packet, so that what still comes back for it is known."""
        self._ended[shot.token] = shot
        if len(self._ended) > MOST:
            self._ended.popitem(last=False)

    def heard(self, address: bytes, token: bytes) -> None:
        """Count a reply for which nobody waits: from another address than was asked it is nobody's."""
        shot = self._ended.get(token)
        if shot is None or shot.address != address:
            return
        if shot.seconds is None:
            self._ended.pop(token)  # what comes after that is no news
            self.count(address, "late")
        else:
            self.count(address, "duplicates")

    def count(self, address: bytes, what: str) -> None:
        """Count one of `late`, `duplicates`, `truncated` for an address."""
        if address not in self._counts and len(self._counts) >= MOST:
            return
        of_address = self._counts.setdefault(address, {})
        of_address[what] = of_address.get(what, 0) + 1

    @property
    def any(self) -> bool:
        """Whether anything was counted that nobody has asked for yet."""
        return bool(self._counts)

    def take(self, address: bytes) -> Mapping[str, int]:
        """Return what was counted for an address since this was asked last; only what there was."""
        return self._counts.pop(address, _NOTHING) if self._counts else _NOTHING
