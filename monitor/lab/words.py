"""The words that a running city takes over its control socket; each is one method, found by its name in `WORDS`."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from alerts.words import clock
from monitor.core.city import City
from monitor.core.errors import PantauError
from monitor.lab.faults import Faults
from monitor.lab.namespaces import Namespaces
from monitor.lab.plan import Plan
from monitor.lab.services import Services

Answer = Mapping[str, object]


_TOLD = ("PANTAU_CITY", "PANTAU_CITY_CA", "CREDENTIALS_DIRECTORY")


class Words:
    """Answers one request of `monitor.lab.client`."""

    def __init__(self, city: City, plan: Plan, faults: Faults, services: Services, spaces: Namespaces, pid: int) -> None:
        self._city = city
        self._plan = plan
        self._faults = faults
        self._services = services
        self._spaces = spaces
        self._pid = pid

    async def answer(self, request: dict[str, Any]) -> Answer:
        """Do what the request says; raises PantauError when it cannot be done."""
        word = request.get("word")
        do = WORDS.get(word) if isinstance(word, str) else None
        if do is None:
            raise PantauError(f"{word}: no such word; there are {', '.join(WORDS)}")
        try:
            return await do(self, request)
        except (KeyError, TypeError, ValueError) as error:
            raise PantauError(f"{word}: the request is not complete: {error}") from error
        except OSError as error:
            raise PantauError(f"{word}: the kernel refuses: {error.strerror or error}") from error

    async def cut(self, request: Mapping[str, Any]) -> Answer:
        """Cut `id`."""
        return _done(await self._faults.cut(request["id"]))

    async def restore(self, request: Mapping[str, Any]) -> Answer:
        """Restore `id`."""
        return _done(await self._faults.restore(request["id"]))

    async def reboot(self, request: Mapping[str, Any]) -> Answer:
        """Reboot `id`, down for `seconds`."""
        return _done(await self._faults.reboot(request["id"], float(request["seconds"])))

    async def loss(self, request: Mapping[str, Any]) -> Answer:
        """Lose `percent` on `id` in bursts of `burst` seconds."""
        return _done(await self._faults.loss(request["id"], float(request["percent"]), float(request["burst"])))

    async def delay(self, request: Mapping[str, Any]) -> Answer:
        """Make `id` late by `milliseconds`."""
        return _done(await self._faults.delay(request["id"], float(request["milliseconds"])))

    async def power(self, request: Mapping[str, Any]) -> Answer:
        """Switch feeder `id` on or off."""
        return _done(await self._faults.power(request["id"], float(request["speed"]), on=request["on"] is True))

    async def scenario(self, request: Mapping[str, Any]) -> Answer:
        """Play scenario `name` on `risk`."""
        return _done(await self._faults.scenario(request["name"], str(request["risk"]), float(request["speed"])))

    async def app(self, request: Mapping[str, Any]) -> Answer:
        """Put application `id` into a mode."""
        return _done(self._services.apps.set_mode(request["id"], request["mode"]))

    async def phone(self, request: Mapping[str, Any]) -> Answer:
        """All messages from number `after` on; waits up to `wait` seconds for the first."""
        messages = await self._services.phones.since(int(request.get("after", 0)), float(request.get("wait", 0)))
        return {"ok": True, "messages": [{**message, "when": self._when(message)} for message in messages]}

    def _when(self, message: Mapping[str, Any]) -> str:
        """The time of a message as the city reads it: its person may look from elsewhere."""
        return clock(message["at"], self._city.utc_offset, "id")

    async def where(self, request: Mapping[str, Any]) -> Answer:
        """Where the namespaces of station `id` are found from outside."""
        station = request["id"]
        if station not in self._plan.stations:
            raise PantauError(f"{station}: no such station; `pantau lab list` has the names")
        return {
            "ok": True,
            "pid": self._pid,
            "net": self._spaces.descriptor(station),
            "environment": {name: os.environ[name] for name in _TOLD if name in os.environ},
        }

    async def list(self, _request: Mapping[str, Any]) -> Answer:
        """Everything that has a name."""
        names = [
            _row(station.id, self._kind(station.id), station.name, self._faults.state(station.id))
            for station in self._plan.stations.values()
        ]
        names += [
            _row(cable.id, "backup link" if cable.backup else "link", f"{cable.child} - {cable.parent}", self._faults.state(cable.id))
            for cable in self._plan.cables.values()
        ]
        names += [_row(risk.id, risk.kind, risk.name, "") for risk in self._city.risks.values()]
        names += [
            _row(name, "app", self._city.nodes[name].name, self._services.apps.mode(name))
            for name in self._city.applications
            if name in self._city.nodes
        ]
        return {"ok": True, "names": names}

    def _kind(self, station: str) -> str:
        return self._city.nodes[station].kind.value if station in self._city.nodes else "prober"


def _done(line: str) -> Answer:
    return {"ok": True, "message": line}


def _row(name: str, kind: str, title: str, state: str) -> dict[str, str]:
    return {"id": name, "kind": kind, "name": title, "state": state}


WORDS: Mapping[str, Callable[[Words, dict[str, Any]], Awaitable[Answer]]] = {
    "cut": Words.cut,
    "restore": Words.restore,
    "reboot": Words.reboot,
    "loss": Words.loss,
    "delay": Words.delay,
    "power": Words.power,
    "app": Words.app,
    "scenario": Words.scenario,
    "phone": Words.phone,
    "where": Words.where,
    "list": Words.list,
}
