"""The little of BER that SNMP needs (X.690; RFC 3416, 3417): read and write tag, length, value.

A library's codec costs 0.08 ms a variable, and refuses what careless devices write. Malformed input raises ValueError and nothing else.
"""

import functools
from collections.abc import Iterator

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30

Oid = tuple[int, ...]


def tlv(tag: int, content: bytes) -> bytes:
    """Return a tag, the length and the content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Return a whole number in two's complement, of any tag that is written so (counters, gauges, ticks)."""
    return tlv(tag, value.to_bytes((value if value >= 0 else ~value).bit_length() // 8 + 1, "big", signed=True))


@functools.lru_cache(4096)
def oid(value: Oid) -> bytes:
    """Return an object identifier; those that are asked again and again are kept."""
    parts = (value[0] * 40 + value[1], *value[2:]) if len(value) > 1 else (value[0] * 40,)
    return tlv(OID, bytes(parts) if max(parts) < 0x80 else b"".join(_base128(part) for part in parts))


def _base128(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | value & 0x7F)
    return bytes(reversed(out))


def items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the (tag, content) pairs that follow each other in `data`."""
    at = 0
    while at < len(data):
        tag, content, at = item(data, at)
        yield tag, content


def first(data: bytes, count: int) -> list[tuple[int, bytes]]:
    """Return the first so many (tag, content) pairs in `data`; what follows them is not looked at."""
    found: list[tuple[int, bytes]] = []
    at = 0
    for _ in range(count):
        tag, content, at = item(data, at)
        found.append((tag, content))
    return found


def item(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Return tag and content of the item at this place, and the place of the next."""
    try:
        tag, size = data[at], data[at + 1]
    except IndexError:
        raise ValueError("ends within a tag") from None
    at += 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4 or at + count > len(data):
            raise ValueError("a length of no use")
        size = int.from_bytes(data[at : at + count], "big")
        at += count
    end = at + size
    if end > len(data):
        raise ValueError("ends within a value")
    return tag, data[at:end], end


def sole(data: bytes, tag: int) -> bytes:
    """Return the content of the only item in `data`, which has this tag."""
    found = list(items(data))
    if len(found) != 1 or found[0][0] != tag:
        raise ValueError(f"not one item of tag {tag:#x}")
    return found[0][1]


def read_integer(content: bytes, *, signed: bool = True) -> int:
    """Return a whole number of at most 64 bits."""
    if not 1 <= len(content) <= 8 and not (len(content) == 9 and content[0] == 0):
        raise ValueError("a number of no use")
    return int.from_bytes(content, "big", signed=signed)


@functools.lru_cache(16_384)
def read_oid(content: bytes) -> Oid:
    """Return an object identifier; at most 128 parts of 32 bits each. Those that are told again and again are kept."""
    if not content or content[-1] & 0x80 or len(content) > 640:
        raise ValueError("an identifier of no use")
    parts = content if content.isascii() else _parts(content)
    if len(parts) > 128:
        raise ValueError("an identifier of no use")
    first = min(parts[0] // 40, 2)
    return (first, parts[0] - 40 * first, *parts[1:])


def _parts(content: bytes) -> list[int]:
    parts: list[int] = []
    value = 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if value >> 32:
            raise ValueError("an identifier of no use")
        if not byte & 0x80:
            parts.append(value)
            value = 0
    return parts
