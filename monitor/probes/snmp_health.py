"""How a device is: processors and memory (HOST-RESOURCES-MIB, RFC 2790), temperatures (ENTITY-SENSOR-MIB, RFC 3433)."""

from collections.abc import Mapping

from monitor.probes.snmp_agent import Agent
from monitor.probes.snmp_message import Value
from monitor.probes.snmp_value import number, table, text
from monitor.probes.snmp_walk import walk

_HOST = (1, 3, 6, 1, 2, 1, 25)
LOAD, STORAGE = (*_HOST, 3, 3, 1, 2), (*_HOST, 2, 3, 1)
RAM = (*_HOST, 2, 1, 2)
SENSOR, ENTITY_NAME = (1, 3, 6, 1, 2, 1, 99, 1, 1, 1), (1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, 7)
_CELSIUS, _UNITS, _WORKS = 8, 9, 1


async def read_health(agent: Agent, limit: int) -> dict[str, object]:
    """Return `cpu` (mean of the processors) and `memory` in percent, `storage` and `temperatures`, each where the device has it."""
    loads = [load for value in (await walk(agent, LOAD, limit)).values() if (load := number(value)) is not None and 0 <= load <= 100]
    stores = await table(agent, STORAGE, {"kind": 2, "name": 3, "size": 5, "used": 6}, limit)
    found: dict[str, object] = {"cpu": round(sum(loads) / len(loads), 1)} if loads else {}
    filled = [(row.get("kind"), text(row.get("name")), share) for row in stores.values() if (share := _filled(row)) is not None]
    if memory := [share for kind, _, share in filled if kind == RAM]:
        found["memory"] = memory[0]
    if filled:
        found["storage"] = [{"name": name, "used": share} for _, name, share in filled]
    return found | await _temperatures(agent, limit)


async def _temperatures(agent: Agent, limit: int) -> dict[str, object]:
    sensors = await table(agent, SENSOR, {"kind": 1, "scale": 2, "precision": 3, "value": 4, "works": 5}, limit)
    warm = {index: celsius for index, row in sensors.items() if (celsius := _celsius(row)) is not None}
    names = await walk(agent, ENTITY_NAME, limit) if warm else {}
    return {"temperatures": [{"name": text(names.get(index)), "celsius": celsius} for index, celsius in warm.items()]} if warm else {}


def _filled(row: Mapping[str, Value]) -> float | None:
    size, used = number(row.get("size")), number(row.get("used"))
    return round(100 * used / size, 1) if size is not None and used is not None and size > 0 and 0 <= used <= size else None


def _celsius(row: Mapping[str, Value]) -> float | None:
    """RFC 3433: a sensor that works tells its value times ten to the precision, in units of a thousand to the scale."""
    scale, precision, value = (number(row.get(word)) for word in ("scale", "precision", "value"))
    if row.get("kind") != _CELSIUS or row.get("works", _WORKS) != _WORKS or value is None:
        return None
    power = 3 * ((scale or _UNITS) - _UNITS) - (precision or 0)
    return round(value * 10.0**power, 3) if -30 <= power <= 24 and abs(value) < 10**9 else None
