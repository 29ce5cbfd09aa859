"""Late packets on a link: what comes down it takes a way through a TUN device, where this process keeps it for a while.

In the child's namespace a rule sends what arrives on the port to the device before the kernel looks whether it is for us; after
the delay it is written back and goes its way. The port itself stays: cuts, losses and counters are as before. See
docs/decisions/0011-delay.md.
"""

import asyncio
import fcntl
import os
import struct
from contextlib import suppress

from pyroute2 import IPRoute

from monitor.core.errors import Exit, PantauError
from monitor.lab.namespaces import Namespaces
from monitor.lab.plan import Cable, port_name

_TUNSETIFF = 0x4004_54CA
_IFF_TUN, _IFF_NO_PI = 0x1, 0x1000
_LOCAL = 255
_FIRST_TABLE = 200
_LARGEST = 65535
_KEPT = 1000  # packets on the way at once; what comes on top is lost, as in a router's full queue


class Delays:
    """The late links; `set` again changes one, 0 milliseconds mends it."""

    def __init__(self, spaces: Namespaces) -> None:
        self._spaces = spaces
        self._devices: dict[str, _Device] = {}

    def milliseconds(self, cable: str) -> float:
        """How late a cable is."""
        return self._devices[cable].seconds * 1000 if cable in self._devices else 0.0

    async def set(self, cable: Cable, milliseconds: float) -> None:
        """Make every round trip over a cable longer by `milliseconds`."""
        known = self._devices.get(cable.id)
        if known and milliseconds:
            known.seconds = milliseconds / 1000
        elif known:
            await self._spaces.within(cable.child, _lead_past, cable)
            self._devices.pop(cable.id).close()
        elif milliseconds:
            device = _Device(await self._spaces.within(cable.child, _lead_through, cable), milliseconds / 1000)
            self._devices[cable.id] = device


class _Device:
    """The TUN device of one late cable."""

    def __init__(self, descriptor: int, seconds: float) -> None:
        self.seconds = seconds
        self._descriptor = descriptor
        self._kept = 0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._take)

    def close(self) -> None:
        """Remove the device; what is on the way is lost."""
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1

    def _take(self) -> None:
        with suppress(BlockingIOError):
            while True:
                packet = os.read(self._descriptor, _LARGEST)
                if self._kept < _KEPT:
                    self._kept += 1
                    self._loop.call_later(self.seconds, self._give, packet)

    def _give(self, packet: bytes) -> None:
        self._kept -= 1
        if self._descriptor >= 0:
            with suppress(OSError):  # the station went down meanwhile: the packet is lost
                os.write(self._descriptor, packet)


def _device(cable: Cable) -> str:
    return f"late{cable.child_port}"


def _lead_through(cable: Cable) -> int:
    """Make the device and the rules of one cable; returns its descriptor."""
    try:
        descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise PantauError(f"/dev/net/tun: {error.strerror}: delay needs it (modprobe tun)", status=Exit.MISSING) from error
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH22x", _device(cable).encode(), _IFF_TUN | _IFF_NO_PI))
    with IPRoute() as kernel:
        index = kernel.link_lookup(ifname=_device(cable))[0]
        kernel.link("set", index=index, state="up")
        table = _FIRST_TABLE + cable.child_port
        kernel.route("replace", dst="0.0.0.0/0", oif=index, scope=253, table=table)
        kernel.rule("add", iifname=port_name(cable.child_port), table=table, priority=cable.child_port)
        if not any(rule.get_attr("FRA_PRIORITY") == _FIRST_TABLE for rule in kernel.get_rules(family=2)):
            # The table of our own addresses comes first by default: behind the rule, or nothing would be late.
            kernel.rule("add", table=_LOCAL, priority=_FIRST_TABLE)
            kernel.rule("del", table=_LOCAL, priority=0)
    return descriptor


def _lead_past(cable: Cable) -> None:
    with IPRoute() as kernel:
        kernel.rule("del", iifname=port_name(cable.child_port), table=_FIRST_TABLE + cable.child_port, priority=cable.child_port)
