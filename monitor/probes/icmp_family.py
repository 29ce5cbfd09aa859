"""What differs between ICMP (RFC 792) and ICMPv6 (RFC 4443) on a ping (or raw) socket of Linux, as one table."""

import socket
import struct
from dataclasses import dataclass

RECORD = 192
NAME = (0, 32)
CONTROL = (32, 64)
PACKET = (96, 64)


@dataclass(frozen=True, slots=True)
class Family:
    """Numbers of one address family.

    `record` unpacks (source address, seconds, nanoseconds, type, token) from a received record, `raw_record` from one of a raw
    socket; `errors` are texts of the error messages by (type, code), and `error_types` those by type alone; `redirect` is a
    type, too, but no error (0: no socket hears of it). `hops`, `discover` and `mtu` (0: there is none) are options of the socket.
    """

    number: socket.AddressFamily
    protocol: int
    name_size: int
    address_at: int
    address_size: int
    echo: int
    reply: int
    level: int
    receive_errors: int
    hops: int
    discover: int
    mtu: int
    record: struct.Struct
    raw_record: struct.Struct
    too_big: tuple[int, int]
    ended: int
    redirect: int
    errors: dict[tuple[int, int], str]
    error_types: dict[int, str]

    def say(self, kind: int, code: int, information: int, *, few_hops: bool) -> str:
        """What an ICMP error means, in words; `information` is the MTU of a link that was too narrow."""
        if (kind, code) == self.too_big:
            return f"packet too big, at most {information} bytes pass"
        if kind == self.ended and code == 0 and not few_hops:
            return f"{self.errors[kind, code]} (a loop of routes?)"
        return self.errors.get((kind, code)) or self.error_types.get(kind) or f"ICMP error {kind}/{code}"


# struct sockaddr_in(6) | cmsghdr + timespec of SO_TIMESTAMPNS | ICMP header + token
V4 = Family(
    number=socket.AF_INET,
    protocol=socket.IPPROTO_ICMP,
    name_size=16,
    address_at=4,
    address_size=4,
    echo=8,
    reply=0,
    level=socket.IPPROTO_IP,
    receive_errors=11,
    hops=2,
    discover=10,
    mtu=0,
    record=struct.Struct("=4x4s24x 16xqq32x B7x8s80x"),
    raw_record=struct.Struct("=4x4s24x 16xqq32x 20xB7x8s60x"),
    too_big=(3, 4),
    ended=11,
    redirect=5,
    errors={
        (3, 0): "network unreachable",
        (3, 1): "host unreachable",
        (3, 2): "protocol unreachable",
        (3, 3): "port unreachable",
        (3, 5): "source route failed",
        (3, 6): "network unknown",
        (3, 7): "host unknown",
        (3, 9): "network prohibited",
        (3, 10): "host prohibited",
        (3, 13): "prohibited by a filter",
        (11, 0): "time to live ended on the way",
        (11, 1): "pieces of the packet were lost on the way",
    },
    error_types={3: "destination unreachable", 11: "time exceeded", 12: "parameter problem"},
)
V6 = Family(
    number=socket.AF_INET6,
    protocol=socket.IPPROTO_ICMPV6,
    name_size=28,
    address_at=8,
    address_size=16,
    echo=128,
    reply=129,
    level=socket.IPPROTO_IPV6,
    receive_errors=25,
    hops=16,
    discover=23,
    mtu=24,
    record=struct.Struct("=8x16s8x 16xqq32x B7x8s80x"),
    raw_record=struct.Struct("=8x16s8x 16xqq32x B7x8s80x"),
    too_big=(2, 0),
    ended=3,
    redirect=0,
    errors={
        (1, 0): "no route to the destination",
        (1, 1): "prohibited by a filter",
        (1, 2): "beyond the scope of our address",
        (1, 3): "address unreachable",
        (1, 4): "port unreachable",
        (1, 5): "prohibited by a filter on the source",
        (1, 6): "route rejects",
        (3, 0): "hop limit ended on the way",
        (3, 1): "pieces of the packet were lost on the way",
    },
    error_types={1: "destination unreachable", 3: "time exceeded", 4: "parameter problem"},
)
FAMILIES = {4: V4, 16: V6}
