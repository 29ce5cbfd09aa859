"""A socket that is connected to one agent: it hears nobody else. A transport of asyncio's would cost as much as all the rest of a look."""

import asyncio
import socket
from collections.abc import Callable

from monitor.probes import wiretap
from monitor.probes.faults import local_fault

LARGEST = 65_535
AT_ONCE = 16


class Line:
    """Open from the start; `heard` gets each datagram, `failed` what the kernel says (nobody listens, no way). Raises Fault `no_route`."""

    def __init__(self, address: str, port: int, heard: Callable[[bytes], None], failed: Callable[[OSError], None]) -> None:
        self._heard, self._failed, self._agent = heard, failed, (address, port)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            self._socket.connect((address, port))
        except OSError as error:
            self._socket.close()
            raise local_fault(error) from None
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)

    def send(self, data: bytes) -> None:
        """Send a datagram; when the kernel has no room for it, it is lost as on any line."""
        try:
            self._socket.send(data)
            wiretap.sent("snmp", self._agent, data)
        except BlockingIOError:
            return
        except OSError as error:
            self._failed(error)

    def close(self) -> None:
        """Close the socket."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(AT_ONCE):
            try:
                data = self._socket.recv(LARGEST)
            except BlockingIOError:
                return
            except OSError as error:
                self._failed(error)
                return
            wiretap.heard("snmp", self._agent, data)
            self._heard(data)
            if self._socket.fileno() < 0:
                return
