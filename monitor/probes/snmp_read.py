"""What is read from a device: the system, its interfaces, a UPS, its neighbours, single values.

Sources: SNMPv2-MIB and IF-MIB (RFC 3418, 2863), UPS-MIB (RFC 1628), LLDP-MIB (IEEE 802.1AB). Devices leave holes: rows are
joined by index, and whatever is missing is left out.
"""

import codecs
from collections.abc import Awaitable, Callable, Mapping, Sequence

from monitor.probes.ber import Oid
from monitor.probes.snmp_agent import Agent, TooBigError
from monitor.probes.snmp_message import Value
from monitor.probes.snmp_walk import walk

MAX_TEXT = 120
SYSTEM: dict[str, Oid] = {
    "descr": (1, 3, 6, 1, 2, 1, 1, 1, 0),
    "uptime": (1, 3, 6, 1, 2, 1, 1, 3, 0),
    "name": (1, 3, 6, 1, 2, 1, 1, 5, 0),
}
UPS: dict[str, Oid] = {
    "battery": (1, 3, 6, 1, 2, 1, 33, 1, 2, 1, 0),
    "minutes_left": (1, 3, 6, 1, 2, 1, 33, 1, 2, 3, 0),
    "charge": (1, 3, 6, 1, 2, 1, 33, 1, 2, 4, 0),
    "source": (1, 3, 6, 1, 2, 1, 33, 1, 4, 1, 0),
}
_IF, _IFX = (1, 3, 6, 1, 2, 1, 2, 2, 1), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
DESCR, OPER, IN32, OUT32 = (*_IF, 2), (*_IF, 8), (*_IF, 10), (*_IF, 16)
NAME, IN64, OUT64 = (*_IFX, 1), (*_IFX, 6), (*_IFX, 10)
LLDP_NAME = (1, 0, 8802, 1, 1, 2, 1, 4, 1, 1, 9)
OPER_WORDS = {1: "up", 2: "down", 3: "testing", 4: "unknown", 5: "dormant", 6: "not_present", 7: "lower_layer_down"}


async def read_system(agent: Agent, _: int) -> dict[str, object]:
    """Return `sysName`, `sysDescr` and `uptime` in seconds, each where the device has it."""
    got = await get(agent, list(SYSTEM.values()))
    uptime = got.get(SYSTEM["uptime"])
    found: dict[str, object] = {"sysName": text(got.get(SYSTEM["name"])), "sysDescr": text(got.get(SYSTEM["descr"]))}
    if isinstance(uptime, int) and uptime >= 0:
        found["uptime"] = uptime / 100
    return found


async def read_interfaces(agent: Agent, limit: int) -> dict[str, object]:
    """Return `interfaces`: index, name, oper, octets in and out and their width; and how many are up and down."""
    oper = await walk(agent, OPER, limit)
    names = await walk(agent, NAME, limit)
    descriptions = {} if set(oper) <= set(names) else await walk(agent, DESCR, limit)
    wide = (await walk(agent, IN64, limit), await walk(agent, OUT64, limit))
    indices = sorted({index for index in (*oper, *names, *descriptions) if len(index) == 1})[:limit]
    narrow: tuple[dict[Oid, Value], ...] = ({}, {})
    if any(index not in wide[0] for index in indices):
        narrow = (await walk(agent, IN32, limit), await walk(agent, OUT32, limit))
    rows = []
    for index in indices:
        row: dict[str, object] = {"index": index[0], "name": text(names.get(index)) or text(descriptions.get(index))}
        row["oper"] = OPER_WORDS.get(_number(oper.get(index)) or 0, "unknown")
        received, sent, bits = (wide[0], wide[1], 64) if index in wide[0] else (narrow[0], narrow[1], 32)
        if index in received:
            row |= {"in": _number(received[index]), "out": _number(sent.get(index)), "bits": bits}
        rows.append(row)
    up = sum(row["oper"] == "up" for row in rows)
    return {"interfaces": rows, "interfaces_up": up, "interfaces_down": sum(row["oper"] == "down" for row in rows)}


async def read_ups(agent: Agent, _: int) -> dict[str, object]:
    """Return `ups`: battery (2 normal, 3 low, 4 empty), minutes_left, charge in percent, source (3 normal, 5 battery)."""
    got = await get(agent, list(UPS.values()))
    return {"ups": {word: number for word, oid in UPS.items() if (number := _number(got.get(oid))) is not None}}


async def read_lldp(agent: Agent, limit: int) -> dict[str, object]:
    """Return `neighbours`: the names of the systems at the other ends, by local port."""
    names = await walk(agent, LLDP_NAME, limit)
    return {"neighbours": [{"port": index[1], "name": text(value)} for index, value in names.items() if len(index) == 3]}


async def read_oids(agent: Agent, words: Sequence[str]) -> dict[str, object]:
    """Return `oids`: values by the OID as it was written; numbers, or text."""
    oids = {word: tuple(int(part) for part in word.strip(".").split(".")) for word in words}
    got = await get(agent, list(oids.values()))
    return {"oids": {word: _shown(got[oid]) for word, oid in oids.items() if got.get(oid) is not None}}


GROUPS: Mapping[str, Callable[..., Awaitable[dict[str, object]]]] = {
    "system": read_system,
    "interfaces": read_interfaces,
    "ups": read_ups,
    "lldp": read_lldp,
}


async def get(agent: Agent, oids: Sequence[Oid]) -> dict[Oid, Value]:
    """Get several values; where that is too much, or version 1 stumbles over one that is missing, one by one."""
    try:
        rows = await agent.request("get", oids)
    except TooBigError:
        rows = []
    if not rows and len(oids) > 1:
        rows = [row for oid in oids for row in await agent.request("get", [oid])]
    return dict(rows)


def text(value: Value) -> str:
    """Return text of a device as one short line: UTF-8, else GB 18030 (GB 2312 within it), else Latin-1."""
    if not isinstance(value, bytes):
        return ""
    for encoding in ("utf-8", "gb18030"):
        try:
            decoded = codecs.getincrementaldecoder(encoding)().decode(value[: 8 * MAX_TEXT])  # which may cut a sign in two
            break
        except UnicodeDecodeError:
            continue
    else:
        decoded = value[: 8 * MAX_TEXT].decode("latin-1")
    return " ".join("".join(sign if sign.isprintable() else " " for sign in decoded).split()).strip('"')[:MAX_TEXT]


def _number(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def _shown(value: Value) -> object:
    return text(value) if isinstance(value, bytes) else ".".join(map(str, value)) if isinstance(value, tuple) else value
