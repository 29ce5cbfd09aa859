"""Lost packets on a link: nftables at the child's end, since the kernels we meet have no netem.

At random: each way loses so many that of the round trips `percent` are lost. In bursts: a seeded toggler drops everything for
a while (Gilbert's model, exponential sojourns of mean `burst` seconds), so that again `percent` of the time is bad.
"""

import asyncio
import os
import random
import shutil
import subprocess

from monitor.core.errors import Exit, PantauError
from monitor.lab.namespaces import Namespaces
from monitor.lab.plan import NOC, Cable, port_name

_SCALE = 100_000
_SBIN = ":/usr/sbin:/sbin"  # Debian leaves these out of the PATH of who is not root


class Losses:
    """The lossy links; `set` again changes one, 0 percent mends it."""

    def __init__(self, spaces: Namespaces, seed: int = 0) -> None:
        self._spaces = spaces
        self._seed = seed
        self._togglers: dict[str, asyncio.Task[None]] = {}
        self.percent: dict[str, float] = {}

    async def set(self, cable: Cable, percent: float, burst: float = 0.0) -> None:
        """Lose `percent` of the round trips on a cable, in bursts of `burst` seconds on average (0: each packet for itself)."""
        toggler = self._togglers.pop(cable.id, None)
        if toggler:
            toggler.cancel()
        self.percent.pop(cable.id, None)
        await self._drop(cable, 0.0 if burst else percent)
        if percent:
            self.percent[cable.id] = percent
        if burst and percent:
            chance = random.Random(f"{self._seed}/{cable.id}")  # noqa: S311 - seeded, so that a rehearsal can be repeated
            self._togglers[cable.id] = asyncio.create_task(self._toggle(cable, percent / 100, burst, chance))

    async def _toggle(self, cable: Cable, share: float, burst: float, chance: random.Random) -> None:
        good = burst * (1 - share) / share
        while True:
            if good > 0:
                await asyncio.sleep(chance.expovariate(1 / good))
            await self._drop(cable, 100.0)
            await asyncio.sleep(chance.expovariate(1 / burst))
            await self._drop(cable, 0.0)

    async def _drop(self, cable: Cable, percent: float) -> None:
        station, port = _place(cable)
        await self._spaces.within(station, _nft, rules(port, percent))


def _place(cable: Cable) -> tuple[str, int]:
    """The end at which packets are lost: the child's; never the prober's, whose own kernel would say so (EPERM)."""
    return (cable.parent, cable.parent_port) if cable.child == NOC else (cable.child, cable.child_port)


def rules(port: int, percent: float) -> str:
    """Return nft's words for losing `percent` of the round trips over a port."""
    table, name = f"inet loss_{port}", port_name(port)
    words = f"add table {table}\ndelete table {table}\n"
    if percent <= 0:
        return words
    each_way = round((1 - (1 - min(percent, 100.0) / 100) ** 0.5) * _SCALE)
    drop = f"numgen random mod {_SCALE} < {each_way} drop" if each_way < _SCALE else "drop"
    return words + (
        f"table {table} {{\n"
        f" chain down {{ type filter hook prerouting priority -300; iifname {name} {drop}; }}\n"
        f" chain up {{ type filter hook postrouting priority 300; oifname {name} {drop}; }}\n"
        f"}}\n"
    )


def _nft(words: str) -> None:
    nft = shutil.which("nft", path=os.environ.get("PATH", os.defpath) + _SBIN)
    if nft is None:
        raise PantauError("nft is missing: apt install nftables", status=Exit.MISSING)
    done = subprocess.run([nft, "-f", "-"], input=words, capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        raise PantauError(f"nft refuses: {done.stderr.strip().splitlines()[0][:200]}", status=Exit.MISSING)
