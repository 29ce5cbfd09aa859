"""Whom a trap makes us look at, and when: a pure function of the city, of who sent it and of the time.

A trap is a reason to look now and nothing else. Who asks often is looked at every `HOLD` seconds, and once more after the last word.
"""

import socket
from collections.abc import Iterable, Iterator

from monitor.core.city import Check, City
from monitor.core.events import Verify

HOLD = 5.0
"""Seconds between two looks at a node because of traps."""
MOST_LINES = 64
"""Lines of a device that are looked at because of one trap; those whose `port` is known come first."""
OF_THE_DEVICE = frozenset({"snmp", "icmp", "tcp"})
"""Kinds of checks that ask the device itself; others (a log-in, a time server) have a pace of their own, and wait for their turn."""


class Asking:
    """Who stands at which address, what to look at there, and what was asked for already."""

    def __init__(self, city: City) -> None:
        """Build the index; addresses are packed, as they come with a datagram."""
        self._city = city
        self._last: dict[str, float] = {}
        self.owners: dict[bytes, tuple[str, ...]] = {}
        """The nodes at an address: those whose own it is, else those that are looked at there."""
        own = [(node.address, node.id) for node in city.nodes.values() if node.checks]
        own += [(link.address, link.child) for link in city.links.values()]
        aimed = ((check.target, check.node) for check in city.checks.values())
        for pairs in (own, aimed):
            found: dict[bytes, dict[str, None]] = {}
            for text, node in pairs:
                if packed := _packed(text):
                    found.setdefault(packed, {})[node] = None
            self.owners = {address: tuple(nodes) for address, nodes in found.items()} | self.owners
        self._lines: dict[str, tuple[str, ...]] = {}
        for link in sorted(city.links.values(), key=lambda link: not link.port):
            end = link.id if link.id in city.nodes else link.child
            self._lines[link.parent] = (*self._lines.get(link.parent, ()), end)[:MOST_LINES]

    def of(self, text: str) -> tuple[str, ...]:
        """Return the nodes at an address."""
        return self.owners.get(_packed(text), ())

    def looks(self, nodes: Iterable[str], at: float, *, lines: bool) -> list[Verify]:
        """Return the looks that a trap from these nodes is a reason for: their SNMP first, and with `lines` the ends of their lines.

        At such an end only the check that decides is asked: what its agent would say of fifty ports is no evidence on this line.
        """
        asked = dict.fromkeys(nodes)
        ends = dict.fromkeys(end for node in asked if lines for end in self._lines.get(node, ()) if end not in asked)
        words = [Verify(check.id, when) for node in asked for when in [self._due(node, at)] for check in self._asked(node)]
        return words + [Verify(check.id, self._due(end, at)) for end in ends for check in self._checks(end)[:1]]

    def _due(self, node: str, at: float) -> float:
        """Return when a node may be looked at because of a trap that came at `at`."""
        last = self._last.get(node, 0.0)
        if last <= at:
            last = self._last[node] = max(at, last + HOLD)
        return last

    def _asked(self, node: str) -> Iterator[Check]:
        checks = self._checks(node)
        yield from (check for check in checks if check.kind == "snmp")
        yield from (check for check in checks if check.kind != "snmp" and (check.kind in OF_THE_DEVICE or check is checks[0]))

    def _checks(self, node: str) -> list[Check]:
        found = self._city.nodes.get(node)
        return [self._city.checks[check] for check in (found.checks if found else ())]


def _packed(text: str) -> bytes:
    """An address as it comes with a datagram; empty for a name."""
    try:
        return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except OSError:
        return b""
