"""Recorded devices (snmprec: OID|tag|value) that the agents speak as; recordings/NOTICE says where they come from."""

import functools
import zlib
from importlib.resources import files

from monitor.core.city import Kind, Node
from monitor.probes import ber
from monitor.probes.ber import Oid

Row = tuple[Oid, bytes]

_LIVE = ((1, 3, 6, 1, 2, 1, 2), (1, 3, 6, 1, 2, 1, 31, 1, 1))
SYS_UPTIME, SYS_NAME, SYS_LOCATION = ((1, 3, 6, 1, 2, 1, 1, part, 0) for part in (3, 5, 6))
_OURS = frozenset({SYS_UPTIME, SYS_NAME, SYS_LOCATION})
_CORE = "ruijie-s5750"
_EDGE = ("mikrotik-chr", "airos-m5")


def recording(node: Node) -> tuple[Row, ...]:
    """Return the recording that a station speaks as: a core switch for hub and kecamatan, else one chosen by its id."""
    core = node.kind in {Kind.HUB, Kind.KECAMATAN, Kind.ISP, Kind.INTERNET}
    return load(_CORE if core else _EDGE[zlib.crc32(node.id.encode()) % len(_EDGE)])


@functools.cache
def load(name: str) -> tuple[Row, ...]:
    """Return a recording in order, without what the agent says itself (interfaces, name, place, uptime)."""
    rows: dict[Oid, bytes] = {}
    for line in (files("monitor.lab") / "recordings" / f"{name}.snmprec").read_text(encoding="utf-8").splitlines():
        dotted, tag, value = line.split("|", 2)
        key = tuple(int(part) for part in dotted.split("."))
        plays = ":" not in tag  # a value that snmpsim would make up at each request
        if plays and key not in _OURS and not any(key[: len(tree)] == tree for tree in _LIVE):
            rows[key] = encoded(tag, value)
    return tuple(sorted(rows.items()))


def encoded(tag: str, value: str) -> bytes:
    """One value in BER; the tags are those of snmpsim: the BER tag in decimal, `x` when the value is in hexadecimal."""
    number = int(tag.removesuffix("x"))
    if tag.endswith("x"):
        return ber.tlv(number, bytes.fromhex(value))
    if number == ber.OID:
        return ber.oid(tuple(int(part) for part in value.split(".")))
    if number == ber.OCTETS:
        return ber.tlv(number, value.encode())
    if number == 64:
        return ber.tlv(number, bytes(int(part) for part in value.split(".")))
    return ber.tlv(number, b"") if number == ber.NULL else ber.integer(int(value), number)
