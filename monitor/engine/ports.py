"""FACTS: what a device says of its own ports. One that is down is evidence for the line plugged into it: beside an own loss, never alone.

The line is named where it is looked at; else the site that has no other. A device is asked when such a one loses a look.
"""

from collections.abc import Iterator

from monitor.core.city import Check, City
from monitor.core.events import ProbeResult

DEAD = frozenset({"down", "not_present", "lower_layer_down"})
"""The operational states (IF-MIB: ifOperStatus) of a port through which nothing can come; others leave it open."""


class Ports:
    """Which port of which device leads to whom; derived from the city."""

    def __init__(self, city: City) -> None:
        """Build the index; a line whose port nobody reads is left out."""
        ways: dict[str, int] = {}
        for link in city.links.values():
            ways[link.child] = ways.get(link.child, 0) + 1
        self._reader: dict[str, Check] = {}
        self._plugged: dict[str, dict[str, str]] = {}
        for link in city.links.values():
            reader = _reader(city, link.parent) if link.port else None
            node = link.id if link.id in city.nodes else link.child if ways[link.child] == 1 else None
            if reader and node and city.decider(node):
                self._reader[node] = reader
                self._plugged.setdefault(reader.id, {})[link.port] = node

    def readers(self, node: str) -> list[Check]:
        """Return the check that reads the port which leads to a node, where there is one."""
        return [self._reader[node]] if node in self._reader else []

    def said(self, look: ProbeResult) -> Iterator[tuple[str, bool]]:
        """Return of whom a look says whether nothing can come through the port that leads there."""
        plugged, rows = self._plugged.get(look.check, {}), look.values.get("interfaces")
        for row in rows if plugged and isinstance(rows, list) else ():
            if isinstance(row, dict) and (node := plugged.get(str(row.get("name")))):
                yield node, row.get("oper") in DEAD

    def missing(self, look: ProbeResult) -> bool:
        """Tell whether a device has not every port that the inventory names of it: one is mistyped, or not all are read."""
        rows = look.values.get("interfaces")
        named = {str(row.get("name")) for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set()
        return not self._plugged.get(look.check, {}).keys() <= named


def _reader(city: City, device: str) -> Check | None:
    found = (city.checks[check] for check in (city.nodes[device].checks if device in city.nodes else ()))
    return next((check for check in found if check.kind == "snmp"), None)
