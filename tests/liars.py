"""A network on a TUN device of which a test plays every machine: whoever is pinged there answers as its habit says."""

import asyncio
import fcntl
import ipaddress
import os
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tests.conftest import lack

OURS, OURS_6 = "198.18.0.1", "2001:db8::1"
ROUTER, ROUTER_6 = "198.18.0.2", "2001:db8::2"
STRANGER, STRANGER_6 = "198.18.0.3", "2001:db8::3"
_TUNSETIFF, _TUN_WITHOUT_HEAD = 0x400454CA, 0x1001
_ECHO, _ECHO_6 = 8, 128


@dataclass(frozen=True, slots=True)
class Packet:
    """An ICMP packet of either family: addresses as bytes, `body` from the ICMP header on."""

    source: bytes
    destination: bytes
    body: bytes
    ttl: int = 64
    df: bool = False

    @property
    def old(self) -> bool:
        """Whether it is IPv4."""
        return len(self.source) == 4

    @property
    def token(self) -> bytes:
        return self.body[8:16]

    def wire(self) -> bytes:
        """Return it with its IP header, all sums right."""
        pseudo = b"" if self.old else self.source + self.destination + struct.pack("!II", len(self.body), 58)
        body = self.body[:2] + _sum(pseudo + self.body[:2] + b"\0\0" + self.body[4:]) + self.body[4:]
        if not self.old:
            return struct.pack("!IHBB", 0x60000000, len(body), 58, self.ttl) + self.source + self.destination + body
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0x4000 if self.df else 0, self.ttl, 1, 0)
        head += self.source + self.destination
        return head[:10] + _sum(head) + head[12:] + body

    def reply(self, *, by: str = "", body: bytes = b"") -> "Packet":
        """Return the echo reply to it, with other bytes after the header's type where they are given."""
        source = ipaddress.ip_address(by).packed if by else self.destination
        return Packet(source, self.source, bytes([0 if self.old else 129]) + (body or self.body)[1:])

    def error(self, kind: int, code: int, information: int = 0, quoted: bytes | None = None) -> "Packet":
        """Return what a router says of it; `quoted` is what it quotes instead of this."""
        source = ipaddress.ip_address(ROUTER if self.old else ROUTER_6).packed
        return Packet(source, self.source, struct.pack("!BBHI", kind, code, 0, information) + (self.wire() if quoted is None else quoted))


Habit = Callable[[Packet], Iterable[Packet | bytes]]
"""What comes back for an echo request, in that order: packets, or bytes as they are."""


def read(wire: bytes) -> Packet | None:
    """Return an echo request as it came out of our kernel, None for anything else and for pieces."""
    if wire[0] >> 4 == 4 and wire[9] == 1 and not struct.unpack("!H", wire[6:8])[0] & 0x3FFF:
        found = Packet(wire[12:16], wire[16:20], wire[20:], wire[8], bool(wire[6] & 0x40))
        return found if found.body[0] == _ECHO else None
    if wire[0] >> 4 == 6 and wire[6] == 58:
        found = Packet(wire[8:24], wire[24:40], wire[40:], wire[7])
        return found if found.body[0] == _ECHO_6 else None
    return None


class Liars:
    """The machines of the network by address; `heard` are the echo requests that came."""

    def __init__(self, device: int) -> None:
        self._device = device
        self._habits: dict[bytes, Habit] = {}
        self.heard: list[Packet] = []

    def live(self, address: str, habit: Habit) -> None:
        """Let somebody live at an address."""
        self._habits[ipaddress.ip_address(address).packed] = habit

    def answer(self) -> None:
        """Answer what has come; to be called when the device is readable."""
        while True:
            try:
                asked = read(os.read(self._device, 65536))
            except OSError:
                return  # nothing more, or the device is down
            if asked is None:
                continue
            self.heard.append(asked)
            for said in self._habits.get(asked.destination, silent)(asked):
                self.say(said)

    def say(self, said: Packet | bytes) -> None:
        """Say something unasked; what does not begin as a packet of IP does is not carried."""
        with suppress(OSError):
            os.write(self._device, said if isinstance(said, bytes) else said.wire())


@contextmanager
def liars() -> Iterator[Liars]:
    """Make the network in the namespace of this thread; within a running loop."""
    Path("/proc/sys/net/ipv6/conf/default/accept_dad").write_text("0")  # an address is ours at once
    try:
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH14x", b"liars", _TUN_WITHOUT_HEAD))
    except OSError as error:
        lack(f"no TUN device can be had here: {error.strerror}")
    ip("link set liars up")
    dwell(f"{OURS}/16")
    dwell(f"{OURS_6}/64")
    made = Liars(device)
    asyncio.get_running_loop().add_reader(device, made.answer)
    try:
        yield made
    finally:
        asyncio.get_running_loop().remove_reader(device)
        os.close(device)


def ip(words: str) -> None:
    """Run `ip` with these words."""
    subprocess.run(["ip", *words.split()], check=True)


def dwell(address: str) -> None:
    """Take one more address of ours there; when this returns, what is said to it is heard.

    Linux lets IPv6 speak from an address at once, but routes answers to it only when a worker of its own has had the lock of all
    networks: while many are taken down, that is later than `ip addr add` returns.
    """
    old = ":" not in address
    ip(f"addr add {address} dev liars{'' if old else ' nodad'}")
    asked = ["ip", "-4" if old else "-6", "route", "show", "table", "local", address.partition("/")[0]]
    for _ in range(10_000):
        if subprocess.run(asked, check=True, capture_output=True).stdout:
            return
    raise TimeoutError(address)


def silent(_: Packet) -> Sequence[Packet]:
    """Say nothing."""
    return []


def honest(asked: Packet) -> Sequence[Packet]:
    """Answer as one should."""
    return [asked.reply()]


def with_token(asked: Packet, token: bytes) -> bytes:
    """Return the body of a request with another token."""
    return asked.body[:8] + token + asked.body[16:]


def elsewhere(asked: Packet) -> Packet:
    """Return the request as if it had been sent to a stranger."""
    return replace(asked, destination=ipaddress.ip_address(STRANGER if asked.old else STRANGER_6).packed)


def _sum(data: bytes) -> bytes:
    data += bytes(len(data) % 2)
    total = sum(int.from_bytes(data[at : at + 2]) for at in range(0, len(data), 2))
    total = (total & 0xFFFF) + (total >> 16)
    return (~(total + (total >> 16)) & 0xFFFF).to_bytes(2)
