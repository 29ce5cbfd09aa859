"""Which way the packets go: the tree of cables in use, and the routes that make the kernel use it. Pure.

Traffic climbs towards the hub and descends from it, never through a site that has two uplinks to the other side. So the ways
in use are a tree: the main lines first, then the fewest steps. Backup lines carry nothing until they are needed, but the
address of a link's far end is always reached through that link itself.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.lab.plan import HUB, Cable, Plan

MAIN = 254
FIRST_TABLE = 100


@dataclass(frozen=True, slots=True)
class Route:
    """Packets to `to` leave by `port`; `table` 254 is for all packets, others for those sent from a link's own address."""

    to: str
    port: int
    source: str
    table: int = MAIN


def link_table(cable: Cable) -> int:
    """The routing table for what is sent from the far end of a watched link."""
    return FIRST_TABLE + cable.child_port


def ways(plan: Plan, usable: Iterable[str]) -> dict[str, Cable]:
    """Return for every station that the hub reaches the cable by which it hangs on the tree."""
    below: dict[str, list[Cable]] = {}
    for name in usable:
        cable = plan.cables[name]
        below.setdefault(cable.parent, []).append(cable)
    tree: dict[str, Cable] = {}
    reached = {HUB}
    waiting = [(int(cable.backup), 1, number, cable) for number, cable in enumerate(below.get(HUB, []))]
    heapq.heapify(waiting)
    turn = len(waiting)
    while waiting:
        backups, steps, _turn, cable = heapq.heappop(waiting)
        if cable.child in reached:
            continue
        reached.add(cable.child)
        tree[cable.child] = cable
        for onward in below.get(cable.child, []):
            turn += 1
            heapq.heappush(waiting, (backups + onward.backup, steps + 1, turn, onward))
    return tree


def routes(plan: Plan, usable: Iterable[str]) -> dict[str, set[Route]]:
    """Return every station's routes when only the `usable` cables carry anything."""
    alive = list(usable)
    tree = ways(plan, alive)
    wanted: dict[str, set[Route]] = {station: set() for station in plan.stations}
    own = {station.id: station.addresses[0] for station in plan.stations.values()}
    for station, cable in tree.items():
        wanted[station].add(Route("0.0.0.0/0", cable.child_port, own[station]))
    for station, cable in tree.items():
        for address in plan.stations[station].addresses:
            _descend(wanted, tree, own, cable, f"{address}/32")
    for name in alive:
        cable = plan.cables[name]
        if cable.address:
            wanted[cable.child].add(Route("0.0.0.0/0", cable.child_port, cable.address, link_table(cable)))
            _descend(wanted, tree, own, cable, f"{cable.address}/32")
    return wanted


def _descend(wanted: dict[str, set[Route]], tree: Mapping[str, Cable], own: Mapping[str, str], cable: Cable | None, to: str) -> None:
    """Give every station from the cable up to the hub its route down to the address."""
    while cable is not None:
        wanted[cable.parent].add(Route(to, cable.parent_port, own[cable.parent]))
        cable = tree.get(cable.parent)
