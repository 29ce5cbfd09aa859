"""A time server on loopback, in a thread of its own, that says whatever a test wants: see `Voice`."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from monitor.probes.ntp_packet import stamp

Voice = Callable[[bytes], Iterable[bytes]]
"""What is said to a packet of a client, in that order."""


@contextmanager
def serving(voice: Voice, address: str = "127.0.0.1", mouth: str = "") -> Iterator[int]:
    """Run a time server in a thread of its own; yields its port. With `mouth` it answers from that address and another port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as ear, socket.socket(family, socket.SOCK_DGRAM) as other:
        ear.bind((address, 0))
        if mouth:
            other.bind((mouth, 0))

        def serve() -> None:
            while True:
                asked, client = ear.recvfrom(1024)
                if not asked:
                    return
                for said in voice(asked):
                    (other if mouth else ear).sendto(said, client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield ear.getsockname()[1]
        finally:
            other.sendto(b"", ear.getsockname())
            thread.join()


def answer(
    asked: bytes,
    *,
    ahead: float = 0.0,
    leap: int = 0,
    stratum: int = 2,
    reference: bytes = b"\xc6\x12\0\x02",
    dispersion: float = 0.01,
    held: float = 0.0,
    origin: bytes | None = None,
) -> bytes:
    """Return a server's packet: its clock is `ahead`, and it says to have held the question for `held` seconds."""
    received = time.time() + ahead
    head = struct.pack("!BBbbII4s", leap << 6 | 4 << 3 | 4, stratum, 6, -20, 0, int(dispersion * 65536), reference)
    times = struct.pack("!QQ", stamp(received), stamp(received + held))
    return head + struct.pack("!Q", stamp(received - 10)) + (asked[40:48] if origin is None else origin) + times


def saying(**keys: object) -> Voice:
    return lambda asked: [answer(asked, **keys)]  # type: ignore[arg-type]  # those of `answer`
