"""Traps and informs of version 1 and 2c as they come (RFC 1157, 4.1.6; RFC 3416, 4.2.6 and 4.2.7), and the answer to an inform.

What a trap is about has one name in all versions: that of RFC 3584, 3.1. Anything that is no notification raises ValueError.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address

from monitor.probes import ber
from monitor.probes.ber import Oid
from monitor.probes.snmp_message import Rows, rows

_GENERIC: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5)
LINK = frozenset({(*_GENERIC, 3), (*_GENERIC, 4)})
AUTHENTICATION_FAILURE: Oid = (*_GENERIC, 5)
TRAP_OID: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
TRAP_ADDRESS: Oid = (1, 3, 6, 1, 6, 3, 18, 1, 3, 0)
V2C, V3 = 1, 3
MESSAGE = bytes([ber.SEQUENCE])
"""How every message begins."""
_RESPONSE, _INFORM, _ADDRESS = 0xA2, 0xA6, 0x40
_ENTERPRISE = 6


@dataclass(frozen=True, slots=True)
class Notice:
    """A trap or inform: `what` it is about, and the `agent` that it is of when it says so (a proxy passes on those of others).

    `answer` is what its sender waits for; empty for a trap.
    """

    community: bytes
    what: Oid
    agent: str = ""
    answer: bytes = b""


def version_of(data: bytes) -> int:
    """Return the version of a message. Raises ValueError."""
    kind, message, _ = ber.item(data, 0)
    number, version, _ = ber.item(message, 0)
    if kind != ber.SEQUENCE or number != ber.INTEGER:
        raise ValueError("no message")
    return ber.read_integer(version)


def read(data: bytes) -> Notice:
    """Read a trap or inform of version 1 or 2c; bytes after it are its sender's carelessness. Raises ValueError."""
    _, message, _ = ber.item(data, 0)
    _, version, at = ber.item(message, 0)
    named, community, at = ber.item(message, at)
    kind, pdu, _ = ber.item(message, at)
    if named != ber.OCTETS:
        raise ValueError("no community")
    match ber.read_integer(version), kind:
        case 0, 0xA4:
            return _first(community, pdu)
        case 1, 0xA6 | 0xA7:
            return _second(community, pdu, answered=kind == _INFORM)
    raise ValueError("no notification")


def _first(community: bytes, pdu: bytes) -> Notice:
    (named, enterprise), (of, agent), (_, generic), (_, specific), _, (_, names) = _fields(pdu, 6)
    number = ber.read_integer(generic)
    if named != ber.OID or of != _ADDRESS or len(agent) != 4 or not 0 <= number <= _ENTERPRISE:
        raise ValueError("no trap")
    rows(names)
    what = (*_GENERIC, number + 1) if number < _ENTERPRISE else (*ber.read_oid(enterprise), 0, ber.read_integer(specific))
    return Notice(community, what, str(IPv4Address(agent)))


def _second(community: bytes, pdu: bytes, *, answered: bool) -> Notice:
    (numbered, number), _, _, (_, names) = _fields(pdu, 4)
    if numbered != ber.INTEGER:
        raise ValueError("no request id")
    ber.read_integer(number)
    what, agent = about(rows(names))
    return Notice(community, what, agent, _answer(community, number, names) if answered else b"")


def about(said: Rows) -> tuple[Oid, str]:
    """Return what a trap of version 2c or 3 is about, and the agent that it names. Raises ValueError."""
    found = dict(said)
    match found.get(TRAP_OID), found.get(TRAP_ADDRESS):
        case tuple(what), (_, _, _, _) as agent:
            return what, ".".join(map(str, agent))
        case tuple(what), _:
            return what, ""
    raise ValueError("a trap without its name")


def _answer(community: bytes, number: bytes, names: bytes) -> bytes:
    """What RFC 3416, 4.2.7 wants: the same number and the same values, without an error."""
    fields = ber.tlv(ber.INTEGER, number) + ber.integer(0) + ber.integer(0) + ber.tlv(ber.SEQUENCE, names)
    return ber.tlv(ber.SEQUENCE, ber.integer(V2C) + ber.tlv(ber.OCTETS, community) + ber.tlv(_RESPONSE, fields))


def _fields(pdu: bytes, count: int) -> list[tuple[int, bytes]]:
    found = list(ber.items(pdu))
    if len(found) < count:
        raise ValueError("too short")
    return found[:count]
