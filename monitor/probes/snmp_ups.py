"""A UPS: UPS-MIB (RFC 1628), or APC's PowerNet-MIB in the same words."""

from collections.abc import Mapping

from monitor.probes.ber import Oid
from monitor.probes.snmp_agent import Agent
from monitor.probes.snmp_message import Value
from monitor.probes.snmp_value import get

_STANDARD, _APC = (1, 3, 6, 1, 2, 1, 33, 1), (1, 3, 6, 1, 4, 1, 318, 1, 1, 1)
UPS: Mapping[str, Oid] = {
    "battery": (*_STANDARD, 2, 1, 0),
    "minutes_left": (*_STANDARD, 2, 3, 0),
    "charge": (*_STANDARD, 2, 4, 0),
    "source": (*_STANDARD, 4, 1, 0),
}
APC: Mapping[str, Oid] = {
    "battery": (*_APC, 2, 1, 1, 0),
    "ticks_left": (*_APC, 2, 2, 3, 0),
    "charge": (*_APC, 2, 2, 1, 0),
    "tenths": (*_APC, 2, 3, 1, 0),
    "status": (*_APC, 4, 1, 1, 0),
}
NONE, NORMAL, BYPASS, BATTERY, BOOSTER, REDUCER = 2, 3, 4, 5, 6, 7
# upsBasicOutputStatus; a test of the battery (15) is no failure of the mains, and what is not here is "other".
_SOURCES = {2: NORMAL, 3: BATTERY, 4: BOOSTER, 6: BYPASS, 7: NONE, 9: BYPASS, 10: BYPASS, 12: REDUCER, 13: NORMAL}
_TICKS_A_MINUTE = 6000


async def read_ups(agent: Agent, _: int) -> dict[str, object]:
    """Return `ups`: battery (2 normal, 3 low, 4 empty), minutes_left, charge in percent, source (3 normal, 5 battery), on_battery."""
    found = _numbers(await get(agent, UPS)) or _in_standard_words(_numbers(await get(agent, APC)))
    shown: dict[str, object] = dict(found)
    if "source" in found:
        shown["on_battery"] = found["source"] == BATTERY
    return {"ups": shown}


def _numbers(words: Mapping[str, Value]) -> dict[str, int]:
    return {word: value for word, value in words.items() if isinstance(value, int)}


def _in_standard_words(apc: dict[str, int]) -> dict[str, int]:
    """What APC says, as RFC 1628 would."""
    found: dict[str, int] = {word: apc[word] for word in ("battery", "charge") if word in apc}
    if "charge" not in found and "tenths" in apc:
        found["charge"] = apc["tenths"] // 10
    if "ticks_left" in apc:
        found["minutes_left"] = apc["ticks_left"] // _TICKS_A_MINUTE
    if "status" in apc:
        found["source"] = _SOURCES.get(apc["status"], 1)
    return found
