"""What one can do to the city's network: cut, restore, reboot, loss, delay, power, scenario. Each returns a line for people."""

import asyncio
import difflib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from monitor.core.city import City
from monitor.core.errors import PantauError
from monitor.lab.cables import Port
from monitor.lab.delay import Delays
from monitor.lab.loss import Losses
from monitor.lab.namespaces import Namespaces
from monitor.lab.network import Network
from monitor.lab.plan import HUB, NOC, NOC_CABLE, Cable
from monitor.lab.scenario import Change, blackout, flood, return_of_power

Moved = Callable[[Sequence[tuple[Port, bool]]], Awaitable[None]]
"""Hears which ends of cables went down (False) or up."""


class Faults:
    """Does it to a network; `died` hears of every station that loses its power, `moved` of the ends of cables that went down or up."""

    def __init__(self, city: City, network: Network, spaces: Namespaces, died: Callable[[str], None], moved: Moved) -> None:
        self._city = city
        self._network = network
        self._died, self._moved = died, moved
        self._losses = Losses(spaces)
        self._delays = Delays(spaces)
        self._plays: dict[str, asyncio.Task[None]] = {}
        self._silent = False
        self.booted = dict.fromkeys(network.plan.stations, time.monotonic())

    async def cut(self, name: str) -> str:
        """Cut a cable, or all of a station's towards the hub."""
        cables = self._cables(name)
        self._network.cut |= {cable.id for cable in cables}
        await self._settle()
        return f"{name}: terputus · cut ({_listed(cables)})"

    async def restore(self, name: str) -> str:
        """Mend everything that was done to a station or cable."""
        cables = [] if name == HUB else self._cables(name)
        for cable in cables:
            self._network.cut.discard(cable.id)
            await self._losses.set(cable, 0)
            await self._delays.set(cable, 0)
        await self._switch([name] if name in self._network.plan.stations else [], on=True)
        return f"{name}: pulih · restored ({_listed(cables) or 'power'})"

    async def reboot(self, name: str, seconds: float) -> str:
        """Take a station down and bring it back after `seconds`."""
        if name not in self._network.plan.stations or name == NOC:
            raise PantauError(f"{name}: only a station can be rebooted{self._meant(name)}")
        self._play(name, [Change(0.0, name, on=False), Change(seconds, name, on=True)], 1.0)
        return f"{name}: dinyalakan ulang · reboots, back in {seconds:g} s"

    async def loss(self, name: str, percent: float, burst: float) -> str:
        """Lose packets on a cable, or on all of a station's towards the hub."""
        if not 0 <= percent <= 100 or burst < 0:
            raise PantauError(f"loss {percent:g} --burst {burst:g}: percent is 0 to 100, a burst is in seconds and not negative")
        cables = self._cables(name)
        for cable in cables:
            await self._losses.set(cable, percent, burst)
        if not percent:
            return f"{name}: tidak kehilangan paket lagi · no loss any more ({_listed(cables)})"
        kind = f" in bursts of {burst:g} s" if burst else ""
        return f"{name}: kehilangan paket · loses {percent:g} % of the round trips{kind} ({_listed(cables)})"

    async def delay(self, name: str, milliseconds: float) -> str:
        """Make a cable late, or all of a station's towards the hub."""
        if not 0 <= milliseconds <= 60_000:
            raise PantauError(f"delay {milliseconds:g}: milliseconds are 0 to 60000")
        cables = self._cables(name)
        for cable in cables:
            await self._delays.set(cable, milliseconds)
        if not milliseconds:
            return f"{name}: tidak terlambat lagi · no delay any more ({_listed(cables)})"
        return f"{name}: terlambat · round trips take {milliseconds:g} ms more ({_listed(cables)})"

    async def power(self, name: str, speed: float, *, on: bool) -> str:
        """Switch a feeder: its members die after their batteries, or start again."""
        risk = self._city.risks.get(name)
        if risk is None:
            raise PantauError(f"{name}: no such feeder{self._meant(name)}")
        members = self._members(name)
        self._play(name, return_of_power(members) if on else blackout(members, risk.battery), speed)
        word = "menyala · on" if on else f"padam · off, batteries last {risk.battery / speed:g} s"
        return f"{name}: {word} ({len(members)} stations)"

    async def scenario(self, name: str, risk: str, speed: float) -> str:
        """Play a scenario on a river (the first one, unless named)."""
        if name != "flood":
            raise PantauError(f"{name}: no such scenario; there is: flood")
        rivers = [river.id for river in self._city.risks.values() if "river" in river.kind or "sungai" in river.id]
        river = risk or next(iter(rivers), "")
        if river not in self._city.risks:
            raise PantauError(f"{river or 'flood'}: no such river; there are: {', '.join(rivers) or 'none'}")
        changes = flood(self._members(river))
        self._play(river, changes, speed)
        return f"banjir · flood of {river}: {len(self._members(river))} stations, over in {changes[-1].at / speed:.0f} s"

    def state(self, name: str) -> str:
        """What was done to a station or cable, in a few words; empty when nothing."""
        words = ["off"] if name in self._network.off else []
        cables = self._network.plan.up_from(name) if name in self._network.plan.stations else [self._network.plan.cables[name]]
        cut = [cable for cable in cables if cable.id in self._network.cut]
        if cut:
            words.append("cut" if len(cut) == len(cables) else "cut in part")
        words += [f"loss {self._losses.percent[cable.id]:g} %" for cable in set(cables) - set(cut) if cable.id in self._losses.percent]
        words += [f"delay {self._delays.milliseconds(cable.id):g} ms" for cable in cables if self._delays.milliseconds(cable.id)]
        return ", ".join(words)

    def _cables(self, name: str) -> list[Cable]:
        plan = self._network.plan
        if name in plan.cables:
            return [plan.cables[name]]
        if name == HUB:
            raise PantauError("hub: has no link towards the hub; `reboot hub` takes it down, `cut noc` cuts the prober off")
        if name in plan.stations:
            return plan.up_from(name)
        raise PantauError(f"{name}: no such station or link{self._meant(name)}")

    def _members(self, risk: str) -> list[str]:
        return [member for member in self._city.risks[risk].members if member in self._network.plan.stations and member != NOC]

    def _meant(self, name: str) -> str:
        known = [*self._network.plan.stations, *self._network.plan.cables, *self._city.risks, *self._city.applications]
        if what := self._what(name):
            return f"; it is {what}"
        near = difflib.get_close_matches(name, known, n=1)
        return f"; did you mean {near[0]!r}?" if near else "; `pantau lab list` has the names"

    def _what(self, name: str) -> str:
        """What has this id, and what can be done to it; empty when nothing has."""
        if name in self._network.plan.stations:
            return f"a station: `pantau lab cut {name}`"
        if name in self._network.plan.cables:
            return f"a link: `pantau lab cut {name}`"
        if name in self._city.applications:
            return f"an application: `pantau lab app {name} hang`"
        risk = self._city.risks.get(name)
        if risk is None:
            return ""
        return (
            f"a river: `pantau lab scenario flood {name}`" if risk.kind == "river" else f"a {risk.kind}: `pantau lab power {name} off|on`"
        )

    async def _switch(self, stations: Iterable[str], *, on: bool) -> None:
        for station in stations:
            if on and station in self._network.off:
                self._network.off.discard(station)
                self.booted[station] = time.monotonic()
            elif not on:
                self._network.off.add(station)
                self._died(station)
        await self._settle()

    async def _settle(self) -> None:
        """Have it done, and let those who see it say so."""
        moved = await self._network.settle()
        await self._silence_prober()
        await self._moved(moved)

    async def _silence_prober(self) -> None:
        """Let the prober hear nothing when its cable is cut or the hub is dead, as behind a switch that still has power."""
        silent = NOC_CABLE in self._network.cut or HUB in self._network.off
        if silent != self._silent:
            self._silent = silent
            await self._losses.set(self._network.plan.cables[NOC_CABLE], 100 if silent else 0)

    def _play(self, name: str, changes: Sequence[Change], speed: float) -> None:
        """Play changes in the background; a new play on the same thing ends the old one."""
        if speed <= 0:
            raise PantauError(f"--speed {speed:g}: must be more than 0")
        running = self._plays.pop(name, None)
        if running:
            running.cancel()
        self._plays[name] = asyncio.create_task(self._perform(changes, speed))

    async def _perform(self, changes: Sequence[Change], speed: float) -> None:
        begun = time.monotonic()
        for change in changes:
            await asyncio.sleep(max(0.0, begun + change.at / speed - time.monotonic()))
            await self._switch([change.station], on=change.on)


def _listed(cables: Sequence[Cable]) -> str:
    return ", ".join(cable.id for cable in cables)
