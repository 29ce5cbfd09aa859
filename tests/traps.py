"""A receiver on loopback for tests, with a real schedule behind it that looks at nobody, and net-snmp's senders of traps."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from monitor.core.city import Check, City, Kind, Link, Node
from monitor.core.rules import Grade
from monitor.core.traps import Fate, Traps, TrapUser
from monitor.core.verdict import Outcome, Verdict
from monitor.schedule import Schedule
from monitor.traps import Receiver
from tests.conftest import need
from tests.virtual import VirtualClock, settle

COMMUNITY, AUTH, PRIV = "kota", "rahasia-otentikasi", "rahasia-penyandian"
SECRETS = {"UJI_TRAP": COMMUNITY, "UJI_AUTH": AUTH, "UJI_PRIV": PRIV}
ROUTER, SITE, OTHER, STRANGER = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.99"
LINK_DOWN = "1.3.6.1.6.3.1.1.5.3"
USERS = (
    TrapUser("aman", "!env UJI_AUTH", "sha", "!env UJI_PRIV", "aes"),
    TrapUser("baru", "!env UJI_AUTH", "sha256", "!env UJI_PRIV", "aes"),
    TrapUser("setengah", "!env UJI_AUTH", "sha512"),
    TrapUser("buka"),
)


def town(listen: Sequence[str] = ("127.0.0.1:0",), users: Sequence[TrapUser] = ()) -> City:
    """A router that is asked by SNMP, with a site plugged into its port ether3, and another site that stands alone; one look an hour."""
    checks = [
        Check(f"{node}/{kind}", node, kind, address, Grade.FIBRE, 3600.0, 2.0)
        for node, address, kinds in (("kec-a", ROUTER, "icmp http snmp"), ("kel-b", SITE, "icmp"), ("opd-c", OTHER, "icmp"))
        for kind in kinds.split()
    ]
    names = dict.fromkeys(check.node for check in checks)
    nodes = {
        node: Node(node, Kind.KECAMATAN, node, checks=tuple(check.id for check in checks if check.node == node), address=address)
        for node, address in zip(names, (ROUTER, SITE, OTHER), strict=True)
    }
    links = {"link-kel-b": Link("link-kel-b", "kel-b", "kec-a", Grade.FIBRE, port="ether3")}
    traps = Traps(tuple(listen), ("!env UJI_TRAP",), tuple(users))
    return City("Uji", nodes=nodes, checks={check.id: check for check in checks}, links=links, traps=traps)


class Noted(Counter[Fate]):
    """Counts that say when one of them changes."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Event()

    def __setitem__(self, fate: Fate, number: int) -> None:
        super().__setitem__(fate, number)
        self.changed.set()


@dataclass
class Ground:
    """A receiver in front of a schedule on a virtual clock; `looked` are the looks in order, with their times from the beginning."""

    city: City
    clock: VirtualClock = field(default_factory=VirtualClock)
    looked: list[tuple[float, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    counts: Noted = field(default_factory=Noted)

    def __post_init__(self) -> None:
        self.began = self.clock.now()
        self.schedule = Schedule(self.clock, self._look, lambda _: None)
        self.receiver = Receiver(self.clock, self.schedule.verify, self.refused.append)
        self.receiver.counts = self.counts

    async def _look(self, check: Check) -> Outcome:
        self.looked.append((round(self.clock.now() - self.began, 3), check.id))
        return Outcome(Verdict.OK)

    @property
    def port(self) -> int:
        return self.receiver.ears[0].port

    def names(self) -> list[str]:
        return [check for _, check in self.looked]

    async def heard(self, number: int) -> None:
        """Wait until so many datagrams have their fate, and let what is due now be sent."""
        async with asyncio.timeout(20):
            while self.counts.total() < number:
                self.counts.changed.clear()
                await self.counts.changed.wait()
        await settle()
        await self.clock.go(0)


@asynccontextmanager
async def ground(city: City) -> AsyncIterator[Ground]:
    """Let a receiver listen."""
    here = Ground(city)
    here.schedule.start(city.checks.values())
    here.receiver.change(city)
    await here.receiver.prepared()
    try:
        yield here
    finally:
        here.receiver.close()
        await here.schedule.stop()


async def send(
    folder: Path, here: Ground, who: Sequence[str], *, what: Sequence[str] = ("", LINK_DOWN), program: str = "snmptrap", port: int = 0
) -> int:
    """Send a trap or inform by net-snmp from the router's address; return its exit status."""
    to = f"udp:127.0.0.1:{port or here.port}"
    (folder / "snmp.conf").write_text(f"clientaddr {ROUTER}\n", encoding="utf-8")
    around = {**os.environ, "SNMPCONFPATH": str(folder), "SNMP_PERSISTENT_DIR": str(folder / "memory"), "MIBS": ""}
    command = (need(program), *who, to, *what)
    process = await asyncio.create_subprocess_exec(*command, env=around, stderr=asyncio.subprocess.DEVNULL)
    return await process.wait()


def community(version: str, word: str = COMMUNITY) -> tuple[str, ...]:
    """Words of net-snmp."""
    return "-v", version, "-c", word


def user(name: str, *keys: str, level: str = "authPriv") -> tuple[str, ...]:
    """The same for a user of version 3."""
    return "-v", "3", "-u", name, "-l", level, *keys
