"""A connected socket as the transport of one question and its answer.

asyncio's own asks the kernel for names, keeps lists and waits a turn of the loop for each step; a look needs none of it, and half of what
a page costs would be that.
"""

import asyncio
import contextlib
import socket

LARGEST = 64 * 1024
"""Bytes that are taken at once; for more, the C library would ask the kernel for memory each time."""


class Stream(asyncio.Transport):
    """Talks at once to the protocol that it is made for; what the kernel does not take now it sends when there is room.

    The socket is closed when either side ends; of that, the protocol hears in the next turn of the loop.
    """

    def __init__(self, connected: socket.socket, protocol: asyncio.Protocol) -> None:
        """Take over the socket, which does not block."""
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._socket, self._protocol = connected, protocol
        self._unsent = bytearray()
        self._closed = False
        self._peer = None
        with contextlib.suppress(OSError):  # it has gone already
            self._peer = connected.getpeername()
        self._loop.add_reader(connected.fileno(), self._readable)
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send it, or as soon as there is room."""
        if self._closed:
            return
        gone = 0 if self._unsent else self._send(data)
        if gone < len(data) and not self._closed:
            if not self._unsent:
                self._loop.add_writer(self._socket.fileno(), self._writable)
            self._unsent += data[gone:]

    def abort(self) -> None:
        """End the connection now; what was not sent is lost."""
        self._end(None)

    close = abort

    def is_closing(self) -> bool:
        """Tell whether nothing more can be said."""
        return self._closed

    def pause_reading(self) -> None:
        """Leave what comes in the socket for now."""
        if not self._closed:
            self._loop.remove_reader(self._socket.fileno())

    def resume_reading(self) -> None:
        """Hear again."""
        if not self._closed:
            self._loop.add_reader(self._socket.fileno(), self._readable)

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return `peername`, the address and port of the other side; nothing else is known."""
        return self._peer if name == "peername" else default

    def _send(self, data: bytes | bytearray | memoryview) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._end(error)
            return 0

    def _writable(self) -> None:
        del self._unsent[: self._send(self._unsent)]
        if not self._unsent and not self._closed:
            self._loop.remove_writer(self._socket.fileno())

    def _readable(self) -> None:
        try:
            data = self._socket.recv(LARGEST)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._end(None)

    def _end(self, error: OSError | None) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._socket.fileno())
        if self._unsent:
            self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        self._loop.call_soon(self._protocol.connection_lost, error)
