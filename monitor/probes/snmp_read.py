"""What is read from a device, group by group: the system, its neighbours and single values here, the rest in files of their own.

Sources: SNMPv2-MIB (RFC 3418), LLDP-MIB (IEEE 802.1AB).
"""

from collections.abc import Awaitable, Callable, Mapping

from monitor.probes.ber import Oid
from monitor.probes.snmp_agent import Agent
from monitor.probes.snmp_health import read_health
from monitor.probes.snmp_interfaces import read_interfaces
from monitor.probes.snmp_radio import read_radio
from monitor.probes.snmp_ups import read_ups
from monitor.probes.snmp_value import get, text
from monitor.probes.snmp_walk import walk

SYSTEM: dict[str, Oid] = {
    "descr": (1, 3, 6, 1, 2, 1, 1, 1, 0),
    "uptime": (1, 3, 6, 1, 2, 1, 1, 3, 0),
    "name": (1, 3, 6, 1, 2, 1, 1, 5, 0),
}
LLDP_NAME = (1, 0, 8802, 1, 1, 2, 1, 4, 1, 1, 9)


async def read_system(agent: Agent, _: int) -> dict[str, object]:
    """Return `sysName`, `sysDescr` and `uptime` in seconds, each where the device has it."""
    got = await get(agent, SYSTEM)
    uptime, descr = got["uptime"], got["descr"]
    if isinstance(descr, bytes):
        agent.memory.recognise("sysDescr", descr)
    found: dict[str, object] = {"sysName": text(got["name"]), "sysDescr": text(descr)}
    if isinstance(uptime, int) and uptime >= 0:
        found["uptime"] = uptime / 100
    return found


async def read_lldp(agent: Agent, limit: int) -> dict[str, object]:
    """Return `neighbours`: the names of the systems at the other ends, by local port."""
    names = await walk(agent, LLDP_NAME, limit)
    return {"neighbours": [{"port": index[1], "name": text(value)} for index, value in names.items() if len(index) == 3]}


async def read_oids(agent: Agent, oids: Mapping[str, Oid]) -> dict[str, object]:
    """Return `oids`: values by the OID as it was written; numbers, or text."""
    got = await get(agent, oids)
    return {"oids": {word: _shown(value) for word, value in got.items() if value is not None}}


GROUPS: Mapping[str, Callable[[Agent, int], Awaitable[dict[str, object]]]] = {
    "system": read_system,
    "interfaces": read_interfaces,
    "ups": read_ups,
    "radio": read_radio,
    "health": read_health,
    "lldp": read_lldp,
}


def _shown(value: object) -> object:
    if isinstance(value, int):
        return value
    return text(value) if isinstance(value, bytes) else ".".join(map(str, value)) if isinstance(value, tuple) else value
