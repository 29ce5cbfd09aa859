"""A station's interfaces as its kernel sees them: ifTable and the useful columns of ifXTable (RFC 2863), live."""

import time
from typing import Any

from pyroute2 import IPRoute

from monitor.lab.namespaces import Namespaces
from monitor.lab.plan import Plan, port_name
from monitor.lab.snmp_recording import Row
from monitor.probes import ber

_COUNTER32, _GAUGE32, _TICKS, _COUNTER64 = 65, 66, 67, 70
_WRAP = 1 << 32
_FRESH = 1.0
_MTU, _GIGABIT = 1500, 1_000_000_000
_UP, _DOWN = 1, 2
_ETHERNET, _LOOPBACK = 6, 24
_TABLE = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_EXTENDED = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
_COUNT = (1, 3, 6, 1, 2, 1, 2, 1, 0)


class Interfaces:
    """Reads one station's interfaces, at most once a second."""

    def __init__(self, plan: Plan, station: str, spaces: Namespaces) -> None:
        self._station = station
        self._spaces = spaces
        self._aliases = {port_name(cable.child_port): cable.id for cable in plan.cables.values() if cable.child == station}
        self._aliases |= {port_name(cable.parent_port): cable.id for cable in plan.cables.values() if cable.parent == station}
        self._rows: list[Row] = []
        self._read = -_FRESH

    async def rows(self) -> list[Row]:
        """Return their rows in order."""
        if time.monotonic() - self._read >= _FRESH:
            links = await self._spaces.within(self._station, _links)
            rows = [row for link in links for row in _rows(link, self._aliases.get(link.get_attr("IFLA_IFNAME"), ""))]
            self._rows = sorted([*rows, (_COUNT, ber.integer(len(links)))])
            self._read = time.monotonic()
        return self._rows

    async def index(self, port: str) -> int:
        """Return the ifIndex of a port, 0 when there is none."""
        named, column = ber.tlv(ber.OCTETS, port.encode()), (*_EXTENDED, 1)
        return next((name[-1] for name, value in await self.rows() if name[:-1] == column and value == named), 0)


def _links() -> list[Any]:
    with IPRoute() as kernel:
        return list(kernel.get_links())


def _rows(link: Any, alias: str) -> list[Row]:  # noqa: ANN401 - pyroute2 has no types
    index = int(link["index"])
    columns = [(*_TABLE, part, index) for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 16, 17, 19, 20)]
    extended = [(*_EXTENDED, part, index) for part in (1, 6, 7, 10, 11, 15, 18)]
    return [*zip(columns, _table(link), strict=True), *zip(extended, _extended(link, alias), strict=True)]


def _table(link: Any) -> list[bytes]:  # noqa: ANN401 - pyroute2 has no types
    """The columns ifIndex to ifOutErrors."""
    stats = link.get_attr("IFLA_STATS64")
    name = link.get_attr("IFLA_IFNAME")
    hardware = bytes.fromhex((link.get_attr("IFLA_ADDRESS") or "").replace(":", ""))
    counters = ["rx_bytes", "rx_packets", "rx_dropped", "rx_errors", "tx_bytes", "tx_packets", "tx_dropped", "tx_errors"]
    return [
        ber.integer(int(link["index"])),
        ber.tlv(ber.OCTETS, name.encode()),
        ber.integer(_LOOPBACK if name == "lo" else _ETHERNET),
        ber.integer(link.get_attr("IFLA_MTU") or _MTU),
        ber.integer(_GIGABIT, _GAUGE32),
        ber.tlv(ber.OCTETS, b"" if name == "lo" else hardware),
        ber.integer(_UP if link["flags"] & 0x1 else _DOWN),
        ber.integer(_UP if link["flags"] & 0x40 else _DOWN),  # IFF_RUNNING: there is a carrier
        ber.integer(0, _TICKS),
        *(ber.integer(stats[counter] % _WRAP, _COUNTER32) for counter in counters),
    ]


def _extended(link: Any, alias: str) -> list[bytes]:  # noqa: ANN401 - pyroute2 has no types
    """The columns ifName, ifHCInOctets, ifHCInUcastPkts, ifHCOutOctets, ifHCOutUcastPkts, ifHighSpeed, ifAlias."""
    stats = link.get_attr("IFLA_STATS64")
    return [
        ber.tlv(ber.OCTETS, link.get_attr("IFLA_IFNAME").encode()),
        *(ber.integer(stats[counter], _COUNTER64) for counter in ("rx_bytes", "rx_packets", "tx_bytes", "tx_packets")),
        ber.integer(_GIGABIT // 1_000_000, _GAUGE32),
        ber.tlv(ber.OCTETS, alias.encode()),
    ]
