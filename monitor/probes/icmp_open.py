"""Opens the socket that pings leave by: a ping socket; where the kernel refuses those, a raw one, if this process may have it.

Linux only (icmp(7), raw(7)). A raw socket would be handed every ICMP packet of the machine: a filter in the kernel (BPF) lets through
the echo replies to our own id only. Replies that carry IP options, which nobody asked for, do not pass it.
"""

import ctypes
import os
import socket
import struct
from dataclasses import dataclass

from monitor.probes.faults import NoPingSocketsError
from monitor.probes.icmp_family import Family
from monitor.probes.icmp_manner import PLAIN, USUAL_SIZE, Manner

BUFFER = 4 * 1024 * 1024
SO_TIMESTAMPNS = 35
SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE = 33
SO_SNDBUFFORCE = 32
LEAST_MTU_V6 = 1280
_NEVER, _PROBE = 0, 3
"""Of IP_MTU_DISCOVER: never DF; DF on every packet, and what was learned of the way is not held against it."""
_IP_HEADER = 20
_LOAD_BYTE, _LOAD_HALF, _EQUAL, _RETURN = 0x30, 0x28, 0x15, 0x06


@dataclass(frozen=True, slots=True)
class Opened:
    """A socket, the ICMP id that was chosen for it (None: the kernel chooses), and how many bytes stand before the ICMP header."""

    socket: socket.socket
    identity: int | None
    header: int


def open_socket(family: Family, manner: Manner) -> Opened:
    """Open a socket for packets of this manner. Raises NoPingSocketsError where the kernel refuses both kinds, OSError otherwise."""
    made, raw = _made(family)
    try:
        _set(made, family, manner)
        if not raw:
            return Opened(made, None, 0)
        identity = int.from_bytes(os.urandom(2))
        header = _IP_HEADER if family.number == socket.AF_INET else 0
        _filter(made, family.reply, identity, header)
    except OSError:
        made.close()
        raise
    return Opened(made, identity, header)


def _made(family: Family) -> tuple[socket.socket, bool]:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(family.number, kind | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, family.protocol), kind == socket.SOCK_RAW
        except PermissionError:
            continue
    raise NoPingSocketsError


def _set(made: socket.socket, family: Family, manner: Manner) -> None:
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    made.setsockopt(family.level, family.receive_errors, 1)
    for force, polite in ((SO_RCVBUFFORCE, socket.SO_RCVBUF), (SO_SNDBUFFORCE, socket.SO_SNDBUF)):
        try:
            made.setsockopt(socket.SOL_SOCKET, force, BUFFER)
        except OSError:
            made.setsockopt(socket.SOL_SOCKET, polite, BUFFER)
    if manner == PLAIN:
        # So small that no link divides it. The kernel then looks up no id for the pieces, which is a twentieth of what an echo costs it.
        made.setsockopt(family.level, family.discover, _PROBE)
        return
    made.setsockopt(family.level, family.discover, _PROBE if manner.df else _NEVER)
    if manner.ttl:
        made.setsockopt(family.level, family.hops, manner.ttl)
    if family.mtu and manner.size > USUAL_SIZE and not manner.df:
        made.setsockopt(family.level, family.mtu, LEAST_MTU_V6)  # no router divides them: so we do, small enough for every link
    if manner.source:
        made.bind((manner.source, 0))


def _filter(made: socket.socket, reply: int, identity: int, header: int) -> None:
    """Let echo replies to `identity` pass, after an IP header without options where one stands before them; nothing else."""
    wanted = [(_LOAD_BYTE, header, reply), (_LOAD_HALF, header + 4, identity)]
    if header:
        wanted.insert(0, (_LOAD_BYTE, 0, 0x45))
    program = []
    for number, (load, offset, value) in enumerate(wanted):
        to_refusal = 2 * (len(wanted) - number) - 1
        program += [struct.pack("=HBBI", load, 0, 0, offset), struct.pack("=HBBI", _EQUAL, 0, to_refusal, value)]
    program += [struct.pack("=HBBI", _RETURN, 0, 0, 0xFFFF), struct.pack("=HBBI", _RETURN, 0, 0, 0)]
    code = ctypes.create_string_buffer(b"".join(program))
    made.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(code)))
