"""Messages of SNMP version 1 and 2c (RFC 1157, 3416): a question to bytes, bytes to an answer.

Generous where devices are careless, and nobody can be misled by it: counters without the zero byte before a high bit, counters
over 2^32, lengths longer than need be, bytes after the message. Anything else that does not fit raises ValueError.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from monitor.probes import ber
from monitor.probes.ber import Oid

Value = int | bytes | Oid | None
Rows = list[tuple[Oid, Value]]
Kind = Literal["get", "next", "bulk"]
VERSIONS = {"1": 0, "2c": 1}
_WORDS = {code: word for word, code in VERSIONS.items()}
STATUSES = (
    "noError", "tooBig", "noSuchName", "badValue", "readOnly", "genErr", "noAccess", "wrongType", "wrongLength", "wrongEncoding",
    "wrongValue", "noCreation", "inconsistentValue", "resourceUnavailable", "commitFailed", "undoFailed", "authorizationError",
    "notWritable", "inconsistentName",
)  # fmt: skip
"""The error statuses by their numbers (RFC 3416, 3)."""
TOO_BIG, NO_SUCH_NAME = STATUSES.index("tooBig"), STATUSES.index("noSuchName")
_REQUEST = {"get": 0xA0, "next": 0xA1, "bulk": 0xA5}
_RESPONSE = 0xA2
_ADDRESS, _COUNTER32, _NUMBERS = 0x40, 0x41, frozenset({0x41, 0x42, 0x43, 0x46, 0x47})
_ABSENT = frozenset({ber.NULL, 0x80, 0x81, 0x82})
_LONG = 0x80
_NOTHING = ber.tlv(ber.NULL, b"")
MAX_ROWS = 1024


@dataclass(slots=True)
class Answer:
    """An answer as it came: `status` is the error status (0: none), `size` the bytes of its message."""

    version: str
    number: int
    status: int
    rows: Rows
    size: int


def question(version: str, community: str, kind: Kind, oids: Sequence[Oid], repetitions: int, number: int) -> bytes:
    """Return a question in wire form; `number` is the request id."""
    written = ber.integer(number)
    before, after = _around(version, community, kind, tuple(oids), repetitions, len(written))
    return before + written + after


@functools.lru_cache(1024)
def _around(version: str, community: str, kind: Kind, oids: tuple[Oid, ...], repetitions: int, size: int) -> tuple[bytes, bytes]:
    """What stands before and after a request id of so many bytes: the same whenever the same is asked."""
    names = b"".join(ber.tlv(ber.SEQUENCE, ber.oid(oid) + _NOTHING) for oid in oids)
    after = ber.integer(0) + ber.integer(repetitions if kind == "bulk" else 0) + ber.tlv(ber.SEQUENCE, names)
    pdu = ber.tlv(_REQUEST[kind], bytes(size) + after)
    body = ber.integer(VERSIONS[version]) + ber.tlv(ber.OCTETS, community.encode()) + pdu
    return ber.tlv(ber.SEQUENCE, body)[: -size - len(after)], after


def answer(data: bytes) -> Answer:
    """Read an answer. Raises ValueError for anything else."""
    _, message = _begin(data, ber.SEQUENCE)
    (_, version), _, (kind, pdu) = ber.first(message, 3)
    said = ber.read_integer(version)
    if said not in _WORDS:
        raise ValueError("another version")
    return response(_WORDS[said], kind, pdu, len(data))


def response(version: str, kind: int, pdu: bytes, size: int) -> Answer:
    """Read what stands within an answer of any version. Raises ValueError for anything else."""
    if kind != _RESPONSE:
        raise ValueError("not an answer")
    (_, number), (_, status), _, (_, names) = ber.first(pdu, 4)
    return Answer(version, ber.read_integer(number), ber.read_integer(status), rows(names), size)


def pdu_of(data: bytes) -> bytes:
    """What stands within a question or an answer. Raises ValueError."""
    _, message = _begin(data, ber.SEQUENCE)
    return ber.first(message, 3)[2][1]


def number_of(data: bytes) -> int:
    """The request id of a question or an answer. Raises ValueError."""
    tag, content, _ = ber.item(pdu_of(data), 0)
    if tag != ber.INTEGER:
        raise ValueError("no request id")
    return ber.read_integer(content)


def refuses(pdu: bytes) -> bool:
    """Tell whether an answer carries an error. Raises ValueError."""
    _, (_, status), *_ = ber.items(pdu)
    return any(status)


def rows(names: bytes) -> Rows:
    """Read a list of names with their values. Raises ValueError."""
    found: Rows = []
    at, last = 0, len(names) - 6
    while at < len(names):
        if at <= last:
            _, size, kind, part = names[at : at + 4]
            middle, after = at + 4 + part, at + 2 + size
            if kind == ber.OID and part + 4 <= size < _LONG and after <= len(names) and names[middle + 1] == after - middle - 2:
                # as is usual: all lengths take a byte, and nothing is left over
                found.append((ber.read_oid(names[at + 4 : middle]), value(names[middle], names[middle + 2 : after])))
                at = after
                continue
        name, tag, content, at = _binding(names, at)
        found.append((ber.read_oid(name), value(tag, content)))
    if len(found) > MAX_ROWS:
        raise ValueError("more values than anybody asks for")
    return found


def _binding(names: bytes, at: int) -> tuple[bytes, int, bytes, int]:
    """Name, tag and content of the value at this place, and the place of the next. Raises ValueError."""
    _, binding, after = ber.item(names, at)
    kind, name, middle = ber.item(binding, 0)
    tag, content, _ = ber.item(binding, middle)
    if kind != ber.OID:
        raise ValueError("no list of values")
    return name, tag, content, after


def value(tag: int, content: bytes) -> Value:
    """Return a value as a number, bytes or an OID (an address is told like one); None for "no such object". Raises ValueError."""
    if tag == ber.INTEGER:
        return ber.read_integer(content)
    if tag in _NUMBERS:
        number = ber.read_integer(content, signed=False)
        return number & 0xFFFFFFFF if tag == _COUNTER32 else number
    if tag == ber.OID:
        return ber.read_oid(content)
    if tag == _ADDRESS:
        return tuple(content)
    return None if tag in _ABSENT else content


def _begin(data: bytes, tag: int) -> tuple[int, bytes]:
    """The first item of `data`; what follows it is the sender's carelessness."""
    found, content, _ = ber.item(data, 0)
    if found != tag:
        raise ValueError("no message")
    return found, content
