"""The trap of a line that went dark or came back (linkDown, linkUp: RFC 2863), as a device of version 2c sends it."""

from monitor.probes import ber
from monitor.probes.ber import Oid

TRAP_PORT = 162
_TRAP, _TICKS = 0xA7, 67
_UPTIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
_NAME: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
_LINK_DOWN, _LINK_UP = (1, 3, 6, 1, 6, 3, 1, 1, 5, 3), (1, 3, 6, 1, 6, 3, 1, 1, 5, 4)
_ENTRY: Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_UP, _DOWN = 1, 2


def link_trap(community: str, index: int, ticks: int, *, up: bool) -> bytes:
    """Return it in wire form; its port is set up by its people, and whether it works is what the trap is about."""
    rows = [
        (_UPTIME, ber.integer(ticks, _TICKS)),
        (_NAME, ber.oid(_LINK_UP if up else _LINK_DOWN)),
        ((*_ENTRY, 1, index), ber.integer(index)),
        ((*_ENTRY, 7, index), ber.integer(_UP)),
        ((*_ENTRY, 8, index), ber.integer(_UP if up else _DOWN)),
    ]
    bindings = b"".join(ber.tlv(ber.SEQUENCE, ber.oid(name) + value) for name, value in rows)
    fields = ber.integer(ticks) + ber.integer(0) + ber.integer(0) + ber.tlv(ber.SEQUENCE, bindings)
    return ber.tlv(ber.SEQUENCE, ber.integer(1) + ber.tlv(ber.OCTETS, community.encode()) + ber.tlv(_TRAP, fields))
