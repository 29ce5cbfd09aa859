"""The state of the city's network: which cables are cut, which stations are without power; and the kernel made to agree."""

from collections.abc import Iterable

from monitor.lab.cables import Cables, Port
from monitor.lab.namespaces import Namespaces
from monitor.lab.plan import NOC_CABLE, Plan
from monitor.lab.roads import Route, routes


class Network:
    """The network as it stands; `build` once, then change `cut` and `off` and `settle`."""

    def __init__(self, plan: Plan, spaces: Namespaces) -> None:
        self.plan = plan
        self.cut: set[str] = set()
        self.off: set[str] = set()
        self._spaces = spaces
        self._cables = Cables(plan, spaces)
        self._down: set[Port] = set()
        self._laid: dict[str, set[Route]] = {station: set() for station in plan.stations}

    async def build(self) -> None:
        """Make namespaces, cables and routes."""
        await self._spaces.make(self.plan.stations)
        await self._spaces.walk(self._cables.lay)
        await self.settle()

    async def settle(self) -> list[tuple[Port, bool]]:
        """Make the kernel agree with `cut` and `off`: ends of cables first, then the routes; return which ends went down (False) or up."""
        return await self._spaces.walk(self._settle)

    def usable(self) -> list[str]:
        """The cables that carry packets."""
        down = self._wanted_down()
        return [
            cable.id
            for cable in self.plan.cables.values()
            if (cable.child, cable.child_port) not in down and (cable.parent, cable.parent_port) not in down
        ]

    def _wanted_down(self) -> set[Port]:
        """A cut takes the child's end, so that the parent sees no carrier; a station without power all of its own ends.

        Never the prober's own cable: with no carrier its kernel would know better than to ask. `faults` silences it instead.
        """
        down: set[Port] = set()
        for cable in self.plan.cables.values():
            if cable.id == NOC_CABLE:
                continue
            if cable.id in self.cut or cable.child in self.off:
                down.add((cable.child, cable.child_port))
            if cable.parent in self.off:
                down.add((cable.parent, cable.parent_port))
        return down

    def _settle(self) -> list[tuple[Port, bool]]:
        down = self._wanted_down()
        changed = self._down ^ down
        moved = [(end, end not in down) for end in sorted(changed)]
        self._cables.set_ends(moved)
        for station, port in changed & down:
            self._laid[station] = {route for route in self._laid[station] if route.port != port}
        self._down = down
        for station, wanted in routes(self.plan, self.usable()).items():
            self._change(station, wanted)
        return moved

    def _change(self, station: str, wanted: set[Route]) -> None:
        laid = self._laid[station]
        if laid != wanted:
            places = _places(wanted)
            gone = [route for route in laid - wanted if (route.to, route.table) not in places]
            self._cables.change_routes(station, wanted - laid, gone)
            self._laid[station] = wanted


def _places(routes_: Iterable[Route]) -> set[tuple[str, int]]:
    return {(route.to, route.table) for route in routes_}
