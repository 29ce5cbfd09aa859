"""What comes back besides the replies: those that come twice, too late or lack some of their data, and words of a router on the way.

Counted by address and told with the next look there. Bounded: of the packets that ended, only the last `MOST` are known.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

MOST = 4096
_NOTHING: Mapping[str, int | str] = {}


class Ended(Protocol):
    """A packet of which no more is expected."""

    address: bytes
    token: bytes
    seconds: float | None


class Echoes:
    """Knows packets that ended, and counts what comes back for them."""

    def __init__(self) -> None:
        self._ended: OrderedDict[bytes, Ended] = OrderedDict()
        self._told: dict[bytes, dict[str, int | str]] = {}

    def keep(self, shot: Ended) -> None:
        """Remember a packet, so that what still comes back for it is known."""
        self._ended[shot.token] = shot
        self._ended.move_to_end(shot.token)
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
        of_address = self._of(address)
        of_address[what] = int(of_address.get(what, 0)) + 1

    def hint(self, address: bytes, words: str) -> None:
        """Keep the last words of a router that knows a better way to an address."""
        self._of(address)["redirect"] = words

    def _of(self, address: bytes) -> dict[str, int | str]:
        """What is told of an address; of one too many, nothing is kept."""
        return self._told.setdefault(address, {}) if address in self._told or len(self._told) < MOST else {}

    @property
    def any(self) -> bool:
        """Whether there is anything that nobody has asked for yet."""
        return bool(self._told)

    def take(self, address: bytes) -> Mapping[str, int | str]:
        """Return what came back from an address since this was asked last; only what there was."""
        return self._told.pop(address, _NOTHING) if self._told else _NOTHING
