"""Address families: which nodes are looked at over IPv4 and which over IPv6, and who falls first when one of the two is lost from here.

The target of the check that decides a node says it; a name says nothing, for it may be looked up as either. The hub
counts for neither: its address is next to us, and answers when no way leads on from it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from urllib.parse import urlsplit

from monitor.core.city import City, Kind
from monitor.core.topology import Topology

NAMES = {"ipv4": "IPv4 dari sini", "ipv6": "IPv6 dari sini"}
DOTTED = re.compile(r"\d+(\.\d+){3}")
WITNESSES = 3
"""Fewer of a family prove nothing of it as a whole."""


def family(target: str) -> str:
    """Return "ipv4" or "ipv6" for a literal address or a URL with one, "" for a name."""
    host = urlsplit(target).hostname or "" if "://" in target else target
    if ":" in host:
        return "ipv6"
    return "ipv4" if DOTTED.fullmatch(host) else ""


@dataclass(frozen=True, slots=True)
class Family:
    """The nodes of a family, and the `first` of them: those that are seen to fall by themselves when the family is lost.

    `leading` are the members behind which nodes of the other family lie, with those.
    """

    members: tuple[str, ...]
    first: tuple[str, ...]
    leading: Mapping[str, tuple[str, ...]]


def families(city: City) -> dict[str, Family]:
    """Return both families by name; nothing when one of them has too few witnesses."""
    found: dict[str, list[str]] = {name: [] for name in NAMES}
    for node, name in _literal(city):
        if city.nodes[node].kind is not Kind.HUB:
            found[name].append(node)
    if min(map(len, found.values())) < WITNESSES:
        return {}
    pairs = zip(found.items(), reversed(found.values()), strict=True)
    both = {name: _family(city, nodes, set(others)) for (name, nodes), others in pairs}
    return both if all(len(each.first) >= WITNESSES for each in both.values()) else {}


def mixed(city: City) -> bool:
    """Tell whether some nodes are decided over IPv4 and others over IPv6, the hub among them."""
    return len({name for _, name in _literal(city)}) > 1


def _literal(city: City) -> Iterator[tuple[str, str]]:
    if not any(check.target.count(":") > 1 for check in city.checks.values()):
        return  # not one of IPv6: most cities, and cheap to see
    for node in city.nodes:
        decider = city.decider(node)
        if decider is not None and (name := family(decider.target)):
            yield node, name


def _family(city: City, nodes: Sequence[str], others: AbstractSet[str]) -> Family:
    """Those that lie behind others of their family do not fall first, unless something of the other family lies behind those, too.

    For its answers say that what is above it only does not answer.
    """
    topology = Topology(city.nodes)
    behind = {node: tuple(each for each in _takes(topology, node) if each in others) for node in nodes if node not in city.applications}
    leading = {node: others for node, others in behind.items() if others}
    for node in nodes:
        if node not in leading:
            topology.set_down(node, down=True)
    return Family(tuple(nodes), tuple(node for node in nodes if topology.reachable(node)), leading)


def _takes(topology: Topology, node: str) -> list[str]:
    """What cannot be reached without this node."""
    gone = topology.set_down(node, down=True)
    topology.set_down(node, down=False)
    return gone
