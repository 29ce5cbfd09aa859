"""The map of the city's network: stations (a network namespace each) and the cables between them. Pure.

A station is what has an address of its own and forwards: hub, uplinks, the internet, sites; and `noc`, where the prober
stands. A cable goes from a child up to a parent: the inventory's links, and one for every parent that needs no link in it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

from monitor.core.city import City, Kind, Node
from monitor.core.errors import Exit, PantauError

NOC = "noc"
HUB = "hub"
NOC_CABLE = "noc--hub"
NOC_ADDRESS = "198.18.255.254"
HUB_ADDRESS = "198.18.0.1"
NAME_SERVER = "198.18.0.53"
EVERYTHING = "198.18.0.0/15"
PORT = "ether"


@dataclass(frozen=True, slots=True)
class Station:
    """A network namespace: `addresses` on its loopback, the first is its own."""

    id: str
    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cable:
    """A veth pair: `child_port` and `parent_port` are its ends; `address` is that of the child's end, when it has one."""

    id: str
    child: str
    parent: str
    backup: bool
    address: str
    child_port: int
    parent_port: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All stations and cables by id."""

    stations: Mapping[str, Station]
    cables: Mapping[str, Cable]

    def up_from(self, station: str) -> list[Cable]:
        """The cables of a station towards the hub."""
        return [cable for cable in self.cables.values() if cable.child == station]

    def other_end(self, end: tuple[str, int]) -> tuple[str, int]:
        """The station and port at the other end of a cable."""
        for cable in self.cables.values():
            ends = (cable.child, cable.child_port), (cable.parent, cable.parent_port)
            if end in ends:
                return ends[1 - ends.index(end)]
        raise LookupError(end)


def port_name(port: int) -> str:
    """The interface of a port, named as the city's MikroTiks name theirs."""
    return f"{PORT}{port}"


def draw(city: City) -> Plan:
    """Return the map; raises PantauError (69) when there is no hub or two stations would share an address."""
    if HUB not in city.nodes:
        raise PantauError("the city has no node 'hub': the lab cannot tell where its network begins", status=Exit.MISSING)
    stations = {station.id: station for station in _stations(city)}
    _refuse_doubles(stations)
    lines = list(_lines(city, stations))
    given = {cable: _number(city.links[cable].port) for cable, *_ in lines if cable in city.links}
    taken = {(parent, given[cable]) for cable, _, parent, *_ in lines if given.get(cable)}
    cables: dict[str, Cable] = {}
    for cable, child, parent, backup, address in lines:
        ends = _free(taken, child), given.get(cable) or _free(taken, parent)
        cables[cable] = Cable(cable, child, parent, backup, address, *ends)
    return Plan(stations, cables)


def _number(port: str) -> int:
    """Return the number of a port that the inventory names as ours are; 0 for another."""
    number = port.removeprefix(PORT)
    return int(number) if number != port and number.isascii() and number.isdigit() and len(number) < 6 else 0


def _free(taken: set[tuple[str, int]], station: str) -> int:
    """Take the first free port of a station."""
    port = next(number for number in count(1) if (station, number) not in taken)
    taken.add((station, port))
    return port


def _stations(city: City) -> Iterator[Station]:
    yield Station(NOC, "Ruang pantau", (NOC_ADDRESS,))
    for node in city.nodes.values():
        if node.kind in {Kind.LINK, Kind.APP, Kind.RESOLVER}:
            continue
        own = node.address or (HUB_ADDRESS if node.id == HUB else "")
        if not own:
            raise PantauError(f"{node.where or node.id}: {node.id}: has no address; the lab gives each site one", status=Exit.MISSING)
        more = [NAME_SERVER] if node.id == HUB else []
        more += [app.address for app in _hosted(city, node.id) if app.address]
        yield Station(node.id, node.name, tuple(dict.fromkeys([own, *more])))


def _hosted(city: City, host: str) -> Iterator[Node]:
    for application in city.applications.values():
        if application.host == host and application.id in city.nodes:
            yield city.nodes[application.id]


def _refuse_doubles(stations: Mapping[str, Station]) -> None:
    seen: dict[str, str] = {}
    for station in stations.values():
        for address in station.addresses:
            if address in seen:
                raise PantauError(f"{station.id}: address {address} is that of {seen[address]} too; choose another", status=Exit.MISSING)
            seen[address] = station.id


def _lines(city: City, stations: Mapping[str, Station]) -> Iterator[tuple[str, str, str, bool, str]]:
    """Every line as (id, child, parent, backup, address of the child's end); those that the inventory does not name last."""
    yield NOC_CABLE, NOC, HUB, False, ""
    named = set()
    for link in city.links.values():
        if link.child in stations and link.parent in stations:
            named.add((link.child, link.parent))
            yield link.id, link.child, link.parent, link.backup, link.address
    for node in city.nodes.values():
        parents = [parent for group in node.groups for parent in group] if node.id in stations else []
        for number, parent in enumerate(parents):
            if parent in stations and (node.id, parent) not in named:
                yield f"{node.id}--{parent}", node.id, parent, number > 0, ""
