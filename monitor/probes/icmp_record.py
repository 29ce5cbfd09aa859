"""What became of each packet of a look, for a person who asks: told when all have ended, since the shared socket keeps no account."""

import socket
from collections.abc import Sequence

from monitor.probes.icmp_socket import PingSocket, Shot
from monitor.probes.wiretap import Tape


def record(tape: Tape, shots: Sequence[Shot], used: Sequence[tuple[PingSocket, Sequence[Shot]]]) -> None:
    """Keep the packets and what came back; `used` are the sockets by which they left."""
    left_by = {shot: pinger for pinger, those in used for shot in those}
    for shot in shots:
        _keep(tape, shot, left_by.get(shot))


def _keep(tape: Tape, shot: Shot, pinger: PingSocket | None) -> None:
    peer = socket.inet_ntop(socket.AF_INET if len(shot.address) == 4 else socket.AF_INET6, shot.address), 0
    name = f"{_identity(pinger)}seq {int.from_bytes(shot.token[:2])}"
    if shot.sent and pinger is not None:
        tape.keep(">", "icmp", peer, f"ICMP echo request, {name}, {pinger.manner.size} bytes of data", shot.sent)
    if shot.fault is not None:
        tape.keep("<" if shot.sent else "·", "icmp", peer, f"ICMP for {name}: {shot.fault.detail}")
    elif shot.seconds is not None:
        tape.keep("<", "icmp", peer, f"ICMP echo reply, {name}, after {shot.seconds * 1000:.3f} ms", shot.sent + shot.seconds)


def _identity(pinger: PingSocket | None) -> str:
    """The id of a raw socket's packets, or of a ping socket's: the kernel makes it of its port."""
    if pinger is None:
        return ""
    return f"id {pinger.identity if pinger.identity is not None else pinger.socket.getsockname()[1]}, "
