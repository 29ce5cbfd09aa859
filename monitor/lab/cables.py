"""Cables and routes in the kernel, by pyroute2; everything here runs on the walking thread of `Namespaces`.

Both ends of a veth pair have the same hardware address and no ARP: a packet that leaves by a port arrives at the other end
without a question first. The kernel's neighbour table is one for all namespaces and would overflow at 512 cables.
"""

from collections.abc import Iterable

from pyroute2 import IPRoute

from monitor.lab.namespaces import Namespaces
from monitor.lab.plan import EVERYTHING, HUB, Cable, Plan, Station, port_name
from monitor.lab.roads import MAIN, Route, link_table

_LINK_SCOPE = 253
_RULES_FROM = 1000

Port = tuple[str, int]


class Cables:
    """Lays the cables of a plan, sets their ends up and down, and changes routes."""

    def __init__(self, plan: Plan, spaces: Namespaces) -> None:
        self._plan = plan
        self._spaces = spaces
        self._index: dict[Port, int] = {}

    def lay(self) -> None:
        """Make every veth pair, both ends up and addressed."""
        for number, cable in enumerate(self._plan.cables.values(), start=1):
            self._spaces.step(cable.child, _pair, cable, self._spaces.descriptor(cable.parent), _hardware(number))
        watched: dict[str, list[Cable]] = {}
        for cable in self._plan.cables.values():
            if cable.address:
                watched.setdefault(cable.child, []).append(cable)
        for station in self._plan.stations.values():
            ports = self._spaces.step(station.id, _switch_on, station, watched.get(station.id, []))
            self._index.update({(station.id, port): index for port, index in ports.items()})

    def set_ends(self, ends: Iterable[tuple[Port, bool]]) -> None:
        """Set ends of cables up or down; the kernel drops the routes that leave by an end that goes down."""
        for (station, port), up in ends:
            self._spaces.step(station, _set_end, self._index[station, port], up=up)

    def change_routes(self, station: str, add: Iterable[Route], remove: Iterable[Route]) -> None:
        """Put `add` in (in the place of what leads to the same address), then take `remove` out."""
        self._spaces.step(station, self._change_routes, station, list(add), list(remove))

    def _change_routes(self, station: str, add: list[Route], remove: list[Route]) -> None:
        with IPRoute() as kernel:
            for route in add:
                kernel.route("replace", **self._as_kernel(station, route))
            for route in remove:
                kernel.route("del", **self._as_kernel(station, route))

    def _as_kernel(self, station: str, route: Route) -> dict[str, object]:
        return {
            "dst": route.to,
            "oif": self._index[station, route.port],
            "scope": _LINK_SCOPE,
            "prefsrc": route.source,
            "table": route.table,
        }


def _hardware(number: int) -> str:
    return f"02:19:8a:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def _pair(cable: Cable, parent: int, hardware: str) -> None:
    with IPRoute() as kernel:
        kernel.link(
            "add",
            ifname=port_name(cable.child_port),
            kind="veth",
            address=hardware,
            peer={"ifname": port_name(cable.parent_port), "net_ns_fd": parent, "address": hardware},
        )


def _switch_on(station: Station, watched: list[Cable]) -> dict[int, int]:
    """Set a station's interfaces up, give it its addresses and rules; returns interface index by port."""
    with IPRoute() as kernel:
        kernel.link("set", index=1, state="up")
        for address in station.addresses:
            kernel.addr("add", index=1, address=address, prefixlen=32)
        names = {link.get_attr("IFLA_IFNAME"): int(link["index"]) for link in kernel.get_links()}
        ports = {int(name.removeprefix("ether")): index for name, index in names.items() if name.startswith("ether")}
        for index in ports.values():
            kernel.link("set", index=index, state="up", arp=False)
        for cable in watched:
            kernel.addr("add", index=ports[cable.child_port], address=cable.address, prefixlen=32)
            kernel.rule("add", src=cable.address, src_len=32, table=link_table(cable), priority=_RULES_FROM + cable.child_port)
        if station.id == HUB:  # what hangs on no way in use: the hub says so
            kernel.route("add", dst=EVERYTHING, type="unreachable", table=MAIN, priority=1_000_000)
    return ports


def _set_end(index: int, *, up: bool) -> None:
    with IPRoute() as kernel:
        kernel.link("set", index=index, state="up" if up else "down")
