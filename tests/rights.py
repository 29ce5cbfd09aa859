"""What of a spoilt answer may be believed: each kind read anew in the fewest words, generously, and not by the code that is on trial."""

import re
import struct
import time
import zlib
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from io import BytesIO
from typing import cast

from monitor.core.verdict import Outcome
from tests.spoiling import Mouth

Fields = list[tuple[int, bytes]]
COLUMN = "1.0.8802.1.1.2.1.4.1.1.9."
"""LLDP: the names of the neighbours; an index has three parts, of which the second is the port."""
_NUMBERS = frozenset({0x02, 0x41, 0x42, 0x43, 0x46, 0x47})
"""INTEGER, Counter32 (which runs over), Gauge32, TimeTicks, Counter64, and what some have for unsigned numbers of 64 bits."""


def fields(data: bytes) -> Fields:
    """Tags and values of BER that follow each other, as far as they go."""
    found, at = Fields(), 0
    while at + 2 <= len(data):
        long = max(0, data[at + 1] - 0x80)
        begin = at + 2 + long
        size = int.from_bytes(data[at + 2 : begin]) if long else data[at + 1]
        if begin + size > len(data):
            break
        found.append((data[at], data[begin : begin + size]))
        at = begin + size
    return found


def dotted(content: bytes) -> str:
    """An object identifier as people write it."""
    parts, value = list[int](), 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            parts.append(value)
            value = 0
    first = min(parts[0] // 40, 2) if parts else 0
    return ".".join(map(str, (first, parts[0] - 40 * first, *parts[1:]))) if parts else ""


def meant(tag: int, content: bytes) -> tuple[object, ...]:
    """As what a value may be shown: not at all for what is not there; `...`, as anything, for a text that is not plain, or no type."""
    if tag in _NUMBERS:
        number = int.from_bytes(content, signed=tag == 0x02)
        return (number % 2**32 if tag == 0x41 else number,)
    if tag == 0x06:
        return (dotted(content),)
    if tag == 0x40:
        return (".".join(map(str, content)),)
    if tag in {0x05, 0x80, 0x81, 0x82}:
        return ()
    plain = tag == 0x04 and re.fullmatch(rb"[!#-~]([ -~]?[!#-~])*", content) and len(content) <= 120
    return (content.decode() if plain else ...,)


def answered(pdu: bytes, good: bytes) -> list[tuple[str, tuple[object, ...]]] | None:
    """What a response says, by name; None where it is none to the question that `good` answers, or carries an error."""
    said, right = fields(pdu), fields(good)
    if len(said) < 4 or int.from_bytes(said[0][1], signed=True) != int.from_bytes(right[0][1], signed=True) or any(said[1][1]):
        return None
    rows = [fields(binding) for _, binding in fields(said[3][1])]
    return [(dotted(row[0][1]), meant(*row[1])) for row in rows] if all(len(row) > 1 for row in rows) else None


def as_told(outcome: Outcome, said: Fields, good: Fields) -> bool:
    """Whether a response has the names that were asked for, in their order, and what is shown is what it says of them."""
    rows = answered(said[-1][1], good[-1][1]) if said and said[-1][0] == 0xA2 else None
    right, shown = answered(good[-1][1], good[-1][1]) or [], cast("Mapping[str, object]", outcome.values["oids"])
    if rows is None or [name for name, _ in rows] != [name for name, _ in right]:
        return False
    return all({value, ...} & set(dict(rows)[name]) for name, value in shown.items())


def body(message: bytes) -> Fields:
    """What stands within a message of version 1 or 2c."""
    whole = fields(message)
    return fields(whole[0][1])[:3] if whole else []


def snmp(outcome: Outcome, mouth: Mouth) -> bool:
    """SNMP 1, 2c: a response to our request id, without error, with our names in our order; and shown is what it says."""
    return as_told(outcome, body(mouth.said or b""), body(mouth.good))


def snmp_table(outcome: Outcome, mouth: Mouth) -> bool:
    """A column that was walked: a response to our request id, without error; and every row that is shown stands in it.

    What is no text is shown as none. Or noSuchName, which careless devices say in version 2c, too: then nothing is shown.
    """
    said, good = body(mouth.said or b""), body(mouth.good)
    rows = answered(said[-1][1], good[-1][1]) if said and said[-1][0] == 0xA2 else None
    told = {(name.split(".")[-2], value) for name, values in rows or () for value in (*values, "") if name.startswith(COLUMN)}
    shown = cast("list[Mapping[str, object]]", outcome.values["neighbours"])
    if said and rows is None:
        pdu, right = fields(said[-1][1]), fields(good[-1][1])
        return len(pdu) > 1 and pdu[0][1] == right[0][1] and int.from_bytes(pdu[1][1]) == 2 and not shown
    return rows is not None and all({(str(row["port"]), row["name"]), (str(row["port"]), ...)} & told for row in shown)


def scoped(message: bytes) -> Fields:
    """What stands within a message of version 3: its last sequence. The envelope says nothing that a stranger could not say, too."""
    whole = fields(message)
    inner = [content for tag, content in fields(whole[0][1]) if tag & 0x1F == 0x10] if whole else []
    return fields(inner[-1])[:3] if inner else []


def snmp3(outcome: Outcome, mouth: Mouth) -> bool:
    """SNMP 3 without a key: the same, within."""
    return as_told(outcome, scoped(mouth.said or b""), scoped(mouth.good))


def snmp3_signed(outcome: Outcome, mouth: Mouth) -> bool:
    """SNMP 3 with a key: nothing but the values that were signed."""
    good = scoped(mouth.good)
    return as_told(outcome, good, good)


def dns(outcome: Outcome, mouth: Mouth) -> bool:
    """DNS: our id, an answer, no error, our question alone; and the record that was expected, as an address of the internet."""
    said, good = mouth.said or b"", mouth.good
    end = good.index(b"\0\0\1\0\1") + 5  # of the question
    if said[:2] != good[:2] or len(said) < end or not said[2] & 0x80 or said[3] & 0xF:
        return False
    asked = said[4:6] == b"\0\1" and said[6:8] != b"\0\0" and said[12:end].lower() == good[12:end].lower()
    return (
        asked
        and re.search(rb"\x00\x01\x00\x01....\x00\x04\xc6\x12\x00\x09", said[end:], re.DOTALL) is not None
        and bool(outcome.values["answers"])
    )


def dns_by_stream(outcome: Outcome, mouth: Mouth) -> bool:
    """DNS over TCP: so much of it as the length before it says, which is all there."""
    said = mouth.said or b""
    size = int.from_bytes(said[:2])
    return len(said) >= 2 + size and dns(outcome, Mouth(mouth.marks, 0, good=mouth.good[2:], said=said[2 : 2 + size]))


def ntp(outcome: Outcome, mouth: Mouth) -> bool:
    """NTP (RFC 5905): a server's answer to our packet, that follows a clock; its times are ours, and so is what is shown of them."""
    said, good = mouth.said or b"", mouth.good
    if len(said) < 48 or said[0] & 7 != 4 or said[24:32] != good[24:32] or said[0] >> 6 == 3 or not 1 <= said[1] <= 15:
        return False
    received, sent = (seconds + part / 2**32 - 2_208_988_800 for seconds, part in struct.iter_unpack("!II", said[32:48]))
    delay, dispersion = struct.unpack("!II", said[4:12])
    sane = delay / 131_072 + dispersion / 65_536 < 16 and received <= sent
    return sane and all(abs(each - time.time()) < 1.5 for each in (received, sent)) and outcome.values["stratum"] == said[1]


def carried(wire: bytes) -> tuple[bytes, bytes]:
    """The addresses of an IP packet, and the ICMP message in it; nothing where its sum is wrong."""
    old = wire[:1] < b"\x50"
    begin, end = (4 * (wire[0] & 15), int.from_bytes(wire[2:4])) if old and wire else (40, 40 + int.from_bytes(wire[4:6]))
    addresses, body = wire[12:20] if old else wire[8:40], wire[begin:end]
    summed = body if old else addresses + struct.pack("!II", len(body), 58) + body
    total = sum(int.from_bytes(summed[at : at + 2].ljust(2, b"\0")) for at in range(0, len(summed), 2))
    return addresses, body if total % 0xFFFF == 0 else b""


def icmp_reply(_: Outcome, mouth: Mouth) -> bool:
    """A ping's reply: from whom we asked, to us, a reply to our id, our token in it."""
    (addresses, body), (right, good) = carried(mouth.said or b""), carried(mouth.good)
    return addresses == right and (body[:1], body[4:6], body[8:16]) == (good[:1], good[4:6], good[8:16])


def icmp_error(_: Outcome, mouth: Mouth) -> bool:
    """An error of a router: to us, of a type that ends a packet, quoting ours: whom it went to, its id, its token or its number."""
    (addresses, body), (right, good) = carried(mouth.said or b""), carried(mouth.good)
    old = len(right) == 8
    quoted, ours = (each[8 + (4 * (each[8] & 15) if old else 40) :] if len(each) > 8 else b"" for each in (body, good))
    went, going = (each[8 + (16 if old else 24) :][: len(right) // 2] for each in (body, good))
    token = (quoted[8:16] == ours[8:16]) if len(quoted) >= 16 else quoted[6:8] == ours[6:8]
    ends = body[:1] in ({b"\3", b"\x0b", b"\x0c"} if old else {b"\1", b"\3", b"\4"})
    return ends and addresses[len(right) // 2 :] == right[len(right) // 2 :] and went == going and quoted[4:6] == ours[4:6] and token


class _Socket(BytesIO):
    """What the library's own client takes for a socket."""

    def makefile(self, *_: object) -> BytesIO:
        return self


_INTERIM = re.compile(rb"\A\s*(HTTP/1\.[01] +1\d\d[^\n]*\n([^\r\n][^\n]*\n)*\r?\n\s*)*")
"""Interim answers, which Python's own client does not pass over, and blank lines between."""


def http(_: Outcome, mouth: Mouth) -> bool:
    """HTTP: Python's own client reads a status 2xx; and in the whole body, unpacked as it says, is the word."""
    said = _Socket(_INTERIM.sub(b"", mouth.said or b""))
    answer = HTTPResponse(said)  # type: ignore[arg-type]  # it only reads
    try:
        answer.begin()
        codings = ",".join(answer.headers.get_all("Transfer-Encoding", ())).rpartition(",")
        body = _dechunked(said.read()) if codings[2].strip(" \t").lower() == "chunked" else answer.read()
        packed = (answer.headers.get("Content-Encoding") or "").strip().lower()
        plain = zlib.decompressobj(47).decompress(body) if packed in {"gzip", "x-gzip", "deflate"} else body
    except (HTTPException, ValueError, zlib.error):
        return False
    return 200 <= answer.status < 300 and b"silakan masuk" in plain.lower()


def _dechunked(body: bytes) -> bytes:
    """Chunks put together (RFC 9112, 7.1), lines that end in LF only allowed. Raises ValueError where there is no last one."""
    at, found = 0, b""
    while True:
        head = re.compile(rb"([0-9a-fA-F]+)[^\n]*\n").match(body, at)
        if head is None or len(body) < head.end() + int(head[1], 16):
            raise ValueError
        if not int(head[1], 16):
            return found
        found += body[head.end() : head.end() + int(head[1], 16)]
        at = head.end() + int(head[1], 16)
        at += 2 if body[at : at + 2] == b"\r\n" else 1
