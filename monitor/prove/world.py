"""The true city: what a look at each node would see while these faults are active. By search along the lines, nothing kept.

A fault is a word: `node:ID` (dead), `link:ID` (cut), `silent:APP`, `500:APP`, `mute:ID` (carries, but does not answer),
`own:gateway` (nothing beyond our own cable answers), `own:cable` (we cannot send), `own:resolver` (no name is found),
`own:dark` (all that hangs on the hub is cut off), `own:ipv4` and `own:ipv6` (nothing answers at such an address).
`risk:ID` is no fault of its own: the timeline spells it out as nodes.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from monitor.core.city import City, Kind, Link
from monitor.core.verdict import Reason

REMEMBERED = 2000
"""Sights that are kept: those of single faults are wanted again and again, those of pairs hardly; all of them would fill the memory."""


class Manner(StrEnum):
    """What becomes of an application when one that it needs has failed: fails alike, answers wrongly, or does not mind."""

    ALIKE = "alike"
    WRONG = "wrong"
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Sight:
    """What looks would see: the nodes that fail and how, and the lines whose ports are down (`unplugged`).

    `blind`: we cannot look at all; `deaf`: we find no names.
    """

    failing: Mapping[str, Reason]
    blind: bool = False
    deaf: bool = False
    unplugged: frozenset[str] = frozenset()


class World:
    """The lines and hosts of a city as cables and machines, with the faults that may befall them."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.top = next(node.id for node in city.nodes.values() if node.kind is Kind.HUB)
        self._ups: dict[str, list[tuple[str, str]]] = {}
        self.plugged: dict[str, list[Link]] = {}
        for link in city.links.values():
            self._ups.setdefault(link.child, []).append((link.id, link.parent))
            if link.port:
                self.plugged.setdefault(link.parent, []).append(link)
        for node in city.nodes.values():  # what has no line stands beside what it needs
            if node.id not in self._ups and node.groups and node.id not in city.links and node.id not in city.applications:
                self._ups[node.id] = [("", parent) for parent in node.groups[0]]
        self.resolvers = [node.id for node in city.nodes.values() if node.kind is Kind.RESOLVER]
        self.families = _families(city)
        self._needs = {app.id: self._needed(app.id, app.host) for app in city.applications.values()}
        self._seen: dict[tuple[frozenset[str], Manner], Sight] = {}

    def _needed(self, app: str, host: str) -> tuple[str, ...]:
        """Return the applications that one needs: what else stands alone in a group."""
        return tuple(group[0] for group in self.city.nodes[app].groups if group[0] != host)

    def judge(self, faults: Iterable[str]) -> None:
        """Raise ValueError for a fault that this city cannot meet with."""
        city = self.city
        known: dict[str, Container[str]] = {
            "node": city.nodes, "link": city.links, "risk": city.risks, "mute": city.nodes,
            "silent": city.applications, "500": city.applications, "own": ("gateway", "cable", "resolver", "dark", *self.families),
        }  # fmt: skip
        for fault in faults:
            kind, _, name = fault.partition(":")
            if name not in known.get(kind, ()):
                raise ValueError(f"{fault}: no such fault; they are written KIND:ID, KIND one of {', '.join(known)}")

    def single(self, fault: str) -> frozenset[str]:
        """Return a fault as single faults: a risk takes all its members."""
        kind, _, name = fault.partition(":")
        return frozenset(f"node:{member}" for member in self.city.risks[name].members) if kind == "risk" else frozenset({fault})

    def sight(self, active: frozenset[str], manner: Manner) -> Sight:
        """Return what looks would see while these faults are active."""
        key = (active, manner)
        if key not in self._seen:
            if len(self._seen) >= REMEMBERED:
                self._seen.clear()
            self._seen[key] = self._look(active, manner)
        return self._seen[key]

    def _look(self, active: frozenset[str], manner: Manner) -> Sight:
        if "own:gateway" in active:
            return Sight(dict.fromkeys(self.city.nodes, Reason.TIMEOUT))
        dead = self._dead(active)
        failing = {}
        for node in self.city.nodes:
            reason = self._fails(node, dead, active, manner)
            if reason is not None:
                failing[node] = reason
        for name, nodes in self.families.items():
            if f"own:{name}" in active:
                failing = dict.fromkeys(nodes, Reason.TIMEOUT) | failing
        deaf = "own:resolver" in active or (bool(self.resolvers) and dead.issuperset(self.resolvers))
        if blind := "own:cable" in active:
            failing[self.top] = Reason.NO_ROUTE  # the one thing that we know then: there is no way out
        unplugged = frozenset(link.id for link in self.city.links.values() if dead.intersection((link.id, link.child)))
        return Sight(failing, blind=blind, deaf=deaf, unplugged=unplugged)

    def _dead(self, active: frozenset[str]) -> frozenset[str]:
        """Return the ids of the nodes and lines that do not carry."""
        dead = {fault.partition(":")[2] for fault in active if fault.startswith(("node:", "link:"))}
        if "own:resolver" in active:
            dead |= set(self.resolvers)
        if "own:dark" in active:
            dead |= {link.id for link in self.city.links.values() if link.parent == self.top}
            dead |= {app.id for app in self.city.applications.values() if app.host == self.top}
        return frozenset(dead)

    def carries(self, node: str, dead: frozenset[str]) -> bool:
        """Tell whether packets reach a node: it lives, and some line up leads to one that packets reach."""
        if node in dead:
            return False
        return node == self.top or any(line not in dead and self.carries(above, dead) for line, above in self._ups.get(node, ()))

    def _fails(self, node: str, dead: frozenset[str], active: frozenset[str], manner: Manner) -> Reason | None:
        """Return how a look at a node would fail, or None when it would be answered."""
        if node in self.city.applications:
            return self._application(node, dead, active, manner)
        link = self.city.links.get(node)
        if link is not None:
            answers = link.id not in dead and link.child not in dead and self.carries(link.parent, dead)
        else:
            answers = self.carries(node, dead) and f"mute:{node}" not in active
        return None if answers else Reason.TIMEOUT

    def _application(self, app: str, dead: frozenset[str], active: frozenset[str], manner: Manner) -> Reason | None:
        if app in dead or f"silent:{app}" in active or not self.carries(self.city.applications[app].host, dead):
            return Reason.TIMEOUT
        if f"500:{app}" in active:
            return Reason.HTTP_STATUS
        if manner is Manner.WELL:
            return None
        found = [reason for other in self._needs[app] if (reason := self._application(other, dead, active, manner)) is not None]
        if found and manner is Manner.WRONG:
            return Reason.HTTP_STATUS
        return found[0] if found else None


def _families(city: City) -> dict[str, frozenset[str]]:
    """Return who is looked at by an address of which version, when there are both."""
    found: dict[str, set[str]] = {}
    for node in city.nodes.values():
        try:
            version = ip_address(city.checks[node.checks[0]].target).version
        except ValueError:
            continue
        found.setdefault(f"ipv{version}", set()).add(node.id)
    return {name: frozenset(nodes) for name, nodes in found.items()} if len(found) > 1 else {}
