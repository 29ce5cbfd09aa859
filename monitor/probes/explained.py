"""What was on the wire, in the words of its protocol: one line an exchange. What must stay secret is never told.

Of HTTP only what cannot hold a secret is told with its value: see `discreet.py`. Of SNMP the community is not, of no protocol a body is.
"""

import ssl
import struct
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import dns.exception
import dns.flags
import dns.message
import dns.rcode

from monitor.probes import ber
from monitor.probes.discreet import BLOT, head
from monitor.probes.http_certificate import chain_names
from monitor.probes.ntp_packet import UNIX
from monitor.probes.snmp_message import STATUSES
from monitor.probes.wiretap import HEAD, Exchange, Tape

WIDEST, FEW = 600, 8
"""Signs of a line, and of what comes in numbers as many as are told."""
UNREADABLE = "cannot be read"
WAYS = {">": "sent", "<": "received", "·": "noted"}
_VERSIONS = {0: "v1", 1: "v2c"}
_PDUS = {0xA0: "GetRequest", 0xA1: "GetNextRequest", 0xA2: "Response", 0xA5: "GetBulkRequest", 0xA8: "Report"}
_NTP = struct.Struct("!BBbbII4sQQQQ")


@dataclass(frozen=True, slots=True)
class Told:
    """One line: seconds since the look began, `sent`, `received` or `noted`, with whom, bytes, and what it means."""

    at: float
    way: str
    peer: str
    size: int
    what: str

    def as_json(self) -> Mapping[str, object]:
        """Return the line for a program."""
        return {"at": self.at, "way": WAYS[self.way], "peer": self.peer, "bytes": self.size, "what": self.what}

    def __str__(self) -> str:
        size = f" {self.size} bytes" if self.size else ""
        return f"{self.at * 1000:9.2f} ms {self.way} {self.peer}{size}: {self.what}"


def told(tape: Tape, secrets: Collection[str] = ()) -> Iterator[Told]:
    """Yield the lines of a look in their order; `secrets` are blotted out wherever they stand."""
    hidden = sorted({word for secret in secrets for word in (secret, quote(secret), quote(secret, safe=""))}, key=len, reverse=True)
    for exchange in sorted(tape.exchanges, key=lambda each: each.at):
        what = _WORDS[exchange.protocol](_blotted(exchange, hidden))
        for word in hidden:
            what = what.replace(word, BLOT)
        yield Told(round(exchange.at - tape.began, 6), exchange.way, _peer(exchange), exchange.size, what[:WIDEST])
    if tape.left_out:
        yield Told(round(time.monotonic() - tape.began, 6), "·", "-", 0, f"{tape.left_out} more exchanges are left out")


def _blotted(exchange: Exchange, hidden: Collection[str]) -> object:
    """Return what is to be told; of a text before any of it is cut off, or the half of a secret would stay."""
    what = exchange.what
    if exchange.protocol != HEAD or not isinstance(what, bytes):
        return what
    for word in hidden:
        what = what.replace(word.encode(), BLOT.encode())
    return what


def _peer(exchange: Exchange) -> str:
    host, port = exchange.peer[:2]
    literal = f"[{host}]" if ":" in host and port else host
    return f"{literal}:{port}" if port else literal


def _some(words: Collection[str]) -> str:
    more = f" and {len(words) - FEW} more" if len(words) > FEW else ""
    return ", ".join(list(words)[:FEW]) + more


# -- DNS


def _dns(data: object) -> str:
    try:
        return _dns_words(dns.message.from_wire(cast("bytes", data), ignore_trailing=True))
    except (dns.exception.DNSException, ValueError):
        return f"DNS: {UNREADABLE}"


def _dns_words(message: dns.message.Message) -> str:
    asked = _some([each.to_text() for each in message.question])
    if not message.flags & dns.flags.QR:
        return f"DNS question {message.id}: {asked}"
    records = [f"{each.name} {each.ttl} {record.to_text()}" for each in message.answer for record in each]
    flags = dns.flags.to_text(message.flags).lower()
    return f"DNS answer {message.id}, {dns.rcode.to_text(message.rcode())}, {flags}: {asked}: {_some(records) or 'no records'}"


def _dns_tcp(data: object) -> str:
    return f"{_dns(data)} (over TCP)"


# -- NTP


def _ntp(data: object) -> str:
    packet = cast("bytes", data)
    if len(packet) < _NTP.size:
        return f"NTP: {UNREADABLE}"
    first, stratum, poll, precision, delay, dispersion, reference, _, origin, received, transmitted = _NTP.unpack_from(packet)
    shown = f"NTP version {first >> 3 & 7}, mode {first & 7} ({'client' if first & 7 == 3 else 'server' if first & 7 == 4 else 'other'})"
    if first & 7 == 3:
        return f"{shown}, token {transmitted:016x}"
    root = f"root delay {delay / 65536:.6f} s, dispersion {dispersion / 65536:.6f} s, reference {reference.hex()}"
    clock = f"origin {origin:016x}, received {_moment(received)}, sent {_moment(transmitted)}"
    return f"{shown}, leap {first >> 6}, stratum {stratum}, poll 2^{poll} s, precision 2^{precision} s, {root}, {clock}"


def _moment(stamp: int) -> str:
    seconds = stamp / 2**32 - UNIX
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1e6):06d}Z" if stamp else "never"


# -- SNMP


def _snmp(data: object) -> str:
    try:
        fields = list(ber.items(ber.item(cast("bytes", data), 0)[1]))
        version = ber.read_integer(fields[0][1])
        return _snmp_3(fields) if version == 3 else f"SNMP {_VERSIONS[version]} {_pdu(*fields[2])}"
    except (ValueError, LookupError):
        return f"SNMP: {UNREADABLE}"


def _snmp_3(fields: list[tuple[int, bytes]]) -> str:
    (_, number), _, (_, flags), *_ = ber.items(fields[1][1])
    (_, engine), (_, boots), (_, clock), (_, user), *_ = ber.items(ber.sole(fields[2][1], ber.SEQUENCE))
    manner = " ".join(word for bit, word in ((1, "signed"), (2, "encrypted")) if flags and flags[0] & bit) or "in clear"
    shown = f"SNMP v3 message {ber.read_integer(number)} of {user.decode('utf-8', 'replace')!r}, {manner}"
    shown += f", engine {engine.hex() or 'unknown'}, boots {ber.read_integer(boots)}, time {ber.read_integer(clock)}"
    tag, scoped = fields[3]
    return f"{shown}: {_pdu(*list(ber.items(scoped))[2])}" if tag == ber.SEQUENCE else shown


def _pdu(kind: int, content: bytes) -> str:
    (_, number), (_, second), (_, third), (_, names) = list(ber.items(content))[:4]
    rows = [list(ber.items(row)) for _, row in ber.items(names)]
    oids = [".".join(map(str, ber.read_oid(row[0][1]))) for row in rows]
    shown = f"{_PDUS.get(kind, f'PDU {kind:#x}')} {ber.read_integer(number)}"
    status, index = ber.read_integer(second), ber.read_integer(third)
    if kind == 0xA5:
        return f"{shown}, max-repetitions {index}: {_some(oids)}"
    if kind in {0xA0, 0xA1}:
        return f"{shown}: {_some(oids)}"
    word = STATUSES[status] if 0 <= status < len(STATUSES) else "error"
    values = sum(row[1][0] not in {ber.NULL, 0x80, 0x81, 0x82} for row in rows)
    return f"{shown}, error-status {status} ({word}): {len(oids)} names -> {values} values: {_some(oids)}"


# -- connections, TLS, HTTP, ICMP


def _tls(shaken: object) -> str:
    if isinstance(shaken, str):
        return shaken
    session = cast("ssl.SSLObject", shaken)
    cipher = (session.cipher() or ("no cipher",))[0]
    trust, names = chain_names(session)
    return f"{session.version()}, {cipher}; {trust}: {' <- '.join(names) or 'none'}"


def _http(data: object) -> str:
    return head(cast("bytes", data))


def _body(_: object) -> str:
    return "of the body, which is not told"


def _tcp(what: object) -> str:
    return str(what or "TCP: connect")


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "dns": _dns,
    "dns/tcp": _dns_tcp,
    "ntp": _ntp,
    "snmp": _snmp,
    "tls": _tls,
    "http": _http,
    "http/body": _body,
    "icmp": str,
    "tcp": _tcp,
}
