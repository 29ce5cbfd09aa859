"""All that answers in the city: names, applications, phones and SNMP agents, each with sockets of its own station."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from monitor.core.city import City
from monitor.core.errors import Exit, PantauError
from monitor.lab.apps import Apps
from monitor.lab.cables import Port
from monitor.lab.certificates import Authority
from monitor.lab.mail import Mail
from monitor.lab.names import Names
from monitor.lab.namespaces import Namespaces, datagrams, listener
from monitor.lab.phones import Phones
from monitor.lab.plan import HUB, NAME_SERVER, NOC, NOC_ADDRESS, Plan, port_name
from monitor.lab.snmp_agent import Agent
from monitor.lab.snmp_mib import Interfaces
from monitor.lab.snmp_recording import recording
from monitor.lab.telegram import Telegram
from monitor.lab.web import TELEGRAM, WEBHOOK, Web

MAIL = "surel.pantau.test"
_INTERNET = "internet"
_CREDENTIAL = "!credential "


class Services:
    """Starts them all; they run until the city's process ends. `keys` are its credentials, `room` a folder in memory."""

    def __init__(self, city: City, plan: Plan, spaces: Namespaces, keys: Mapping[str, str], room: Path) -> None:
        self._city = city
        self._plan = plan
        self._spaces = spaces
        self._keys = keys
        self._agents: dict[str, Agent] = {}
        self.phones = Phones()
        self.apps = Apps(city)
        tokens = frozenset(self._revealed(receiver.options.get("token")) for receiver in city.receivers.values()) - {""}
        self._web = Web(self.apps, self.phones, Telegram(self.phones, tokens), Authority(room))
        for app in city.applications.values():
            if app.host not in plan.stations:
                raise PantauError(f"{app.where or app.id}: {app.id}: its host {app.host!r} is no station", status=Exit.MISSING)

    async def start(self, booted: Mapping[str, float]) -> None:
        """Open every socket in its station; `booted` says when each station last started (monotonic)."""
        beyond = _INTERNET if _INTERNET in self._plan.stations else HUB
        await self._web.start(self._plan, self._spaces, [NOC, HUB, beyond, *(app.host for app in self._city.applications.values())])
        await self._start_names(beyond)
        mail = await self._spaces.within(HUB, listener, self._plan.stations[HUB].addresses[0], 25)
        await asyncio.start_server(Mail(self.phones).converse, sock=mail)
        for station in self._plan.stations:
            if station != NOC:
                await self._start_agent(station, booted)

    def died(self, station: str) -> None:
        """Let a station that lost its power forget its connections."""
        self._web.died(self._plan.stations[station].addresses)

    async def moved(self, ends: Sequence[tuple[Port, bool]]) -> None:
        """Let the devices at the other ends say by traps what they see of their ports, where the city listens for traps."""
        community = next(map(self._revealed, self._city.traps.communities), "")
        for end, up in ends if community else ():
            station, port = self._plan.other_end(end)
            if station in self._agents:
                await self._agents[station].moved(port_name(port), community, NOC_ADDRESS, up=up)

    async def _start_names(self, beyond: str) -> None:
        own = {station.id: station.addresses[0] for station in self._plan.stations.values()}
        addresses = {WEBHOOK: own[NOC], MAIL: own[HUB], TELEGRAM: own[beyond]}
        for host, app in self.apps.hosts.items():
            node = self._city.nodes.get(app)
            addresses[host] = (node.address if node else "") or own[self._city.applications[app].host]
        names = Names(addresses)
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: names, sock=await self._spaces.within(HUB, datagrams, NAME_SERVER, 53))
        await asyncio.start_server(names.converse, sock=await self._spaces.within(HUB, listener, NAME_SERVER, 53))

    async def _start_agent(self, station: str, booted: Mapping[str, float]) -> None:
        """One agent a station; it knows the communities that the inventory asks it with."""
        checks = [check for check in self._city.checks.values() if check.node == station and check.kind == "snmp"]
        communities = {self._revealed(check.options.get("community")) for check in checks} - {""} or {"public"}
        node = self._city.nodes[station]
        live = Interfaces(self._plan, station, self._spaces)
        agent = self._agents[station] = Agent(communities, recording(node), live, lambda: booted[station], (station, node.name))
        sock = await self._spaces.within(station, datagrams, self._plan.stations[station].addresses[0], 161)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: agent, sock=sock)

    def _revealed(self, value: object) -> str:
        text = value if isinstance(value, str) else ""
        return self._keys.get(text.removeprefix(_CREDENTIAL).strip(), "") if text.startswith(_CREDENTIAL) else text
