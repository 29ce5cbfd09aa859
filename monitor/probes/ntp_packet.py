"""What an NTP server says of the time, and what it is worth (RFC 5905): the packet, its sanity, offset and delay. Reads no clock.

Times of NTP count 2**-32 s since 1900 and run over in 2036: only differences are taken, each as the nearest of the two there may be.
"""

import ipaddress
import struct
from dataclasses import dataclass

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault

SIZE = 48
_PACKET = struct.Struct("!BBbbII4sQQQQ")
_CLIENT, _SERVER, _VERSION = 3, 4, 4
_ERA = 1 << 64
_SECOND = 1 << 32
UNIX = 2208988800
_NEVER = 3
_STRATA = 16
_FARTHEST = 16.0
"""MAXDISP of RFC 5905: a clock whose root may be so far off follows nothing."""
REST = 300.0
"""Seconds for which a server is left alone that was asked too often: it does not say for how long itself (RFC 5905, 7.4)."""
_STARTING = frozenset({b"INIT", b"STEP"})


@dataclass(frozen=True, slots=True)
class Said:
    """What a server said: `leap` 3 means that it follows no clock; `received` and `sent` are its times in NTP's own units."""

    leap: int
    stratum: int
    reference: bytes
    root_distance: float
    received: int
    sent: int


def question(token: bytes) -> bytes:
    """Return a client's packet; `token` (8 random bytes) stands where the time of sending would, and must come back as the origin."""
    return bytes([_VERSION << 3 | _CLIENT]).ljust(SIZE - 8, b"\0") + token


def read(packet: bytes, token: bytes) -> Said | None:
    """Return what the server said in answer to the question with this token; None when it is no answer to that."""
    if len(packet) < SIZE or packet[0] & 7 != _SERVER or packet[24:32] != token:
        return None
    head, stratum, _, _, delay, dispersion, reference, _, _, received, sent = _PACKET.unpack_from(packet)
    return Said(head >> 6, stratum, reference, delay / 65536 / 2 + dispersion / 65536, received, sent)


def trust(said: Said) -> None:
    """Raise Fault when the server sends us away or says that it does not know the time itself."""
    if said.stratum == 0 and said.reference.isalnum() and said.reference.isascii() and said.reference not in _STARTING:
        code = said.reference.decode()
        if code == "RATE":
            said_so = "it asks us to come less often (kiss code RATE): give the check a longer interval"
            raise Fault(Reason.TOO_OFTEN, said_so, {"retry_after": REST})
        raise Fault(Reason.NTP_DENIED, f"it does not serve us (kiss code {code})")
    if said.leap == _NEVER or said.stratum == 0 or said.stratum >= _STRATA:
        raise Fault(Reason.NTP_UNSYNCHRONISED, f"it says itself that it follows no clock (leap {said.leap}, stratum {said.stratum})")
    if said.root_distance >= _FARTHEST:
        raise Fault(Reason.NTP_UNSYNCHRONISED, f"it says itself that it may be {said.root_distance:.0f} s off")
    if not said.sent or not said.received:
        raise Fault(Reason.NTP_UNSYNCHRONISED, "it gives no time")


def measure(said: Said, before: float, after: float) -> tuple[float, float]:
    """Return offset (how far its clock is ahead of ours) and delay in seconds; `before` and `after` are ours in epoch seconds.

    Raises Fault when its two times cannot both lie between ours.
    """
    held = _difference(said.sent, said.received)
    delay = (after - before) - held
    if held < 0 or delay < -0.001:
        raise Fault(
            Reason.NTP_UNSYNCHRONISED, f"its own two times contradict each other: {held:.3f} s within {after - before:.3f} s of ours"
        )
    ahead = _difference(said.received, stamp(before))  # one difference: two, half an era off, would make up for each other
    return ahead - delay / 2, max(0.0, delay)


def stamp(epoch: float) -> int:
    """Return epoch seconds in NTP's units."""
    return int((epoch + UNIX) * _SECOND) % _ERA


def name_of(said: Said) -> str:
    """Return what it follows: the name of a reference clock, or the IPv4 address of a server (of an IPv6 server only a digest)."""
    if said.stratum > 1:
        return str(ipaddress.IPv4Address(said.reference))
    return said.reference.rstrip(b"\0").decode("ascii", "replace")


def _difference(one: int, other: int) -> float:
    return ((one - other + _ERA // 2) % _ERA - _ERA // 2) / _SECOND
