"""TLS between a connection and its `Reply`, by OpenSSL's own buffers.

asyncio's layer keeps a buffer of 256 KiB a connection, timers and a second transport, and sends a packet for each word. A look asks
once: here the last word of our handshake waits for the question and leaves in one packet with it, and nobody says farewell.
"""

import asyncio
import ssl

from aiohttp.client_proto import ResponseHandler

LARGEST = 16 * 1024
"""Bytes of a record of TLS, which is read at once (RFC 8446, 5.1)."""


class Tls(asyncio.Protocol, asyncio.Transport):
    """A protocol to the connection below, a transport to the reply above; made for one name, shaken by `await shake(...)`."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        super().__init__()
        self._heard, self._said = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self._heard, self._said, server_hostname=name)
        self._shaken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._below: asyncio.Transport | None = None
        self._above: ResponseHandler | None = None
        self._error: Exception | None = None
        self._over = False

    async def shake(self, above: ResponseHandler) -> None:
        """Wait until hands are shaken, then let `above` talk. Raises ssl.SSLError, or ConnectionError when it ended before."""
        await self._shaken
        if self._over:
            raise self._error or ConnectionResetError
        self._above = above
        above.connection_made(self)
        if self._heard.pending:  # else our last word waits for the question
            self._hear()

    # -- from below

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello."""
        if isinstance(transport, asyncio.Transport):
            self._below = transport
            self._step()

    def data_received(self, data: bytes) -> None:
        """Take what came: of the handshake first, then of the answer."""
        self._heard.write(data)
        if self._above is not None:
            self._hear()
        elif not self._shaken.done():
            self._step()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits: for the handshake, or for the answer."""
        self._over = True
        if not self._shaken.done():
            self._shaken.set_exception(self._error or exc or ConnectionResetError())
            self._shaken.exception()  # nobody may be waiting any more, and that is no error of the loop
        if self._above is not None:
            above, self._above = self._above, None
            above.connection_lost(self._error or exc)

    def _step(self) -> None:
        try:
            self.object.do_handshake()
        except ssl.SSLWantReadError:
            self._send()
        except ssl.SSLError as error:
            self._fail(error)
        else:
            self._shaken.set_result(None)

    def _hear(self) -> None:
        """Hand on what can be read, until more has to come, or the other side has said its last."""
        chunks: list[bytes] = []
        ended = False
        try:
            while not ended:
                chunk = self.object.read(LARGEST)
                ended = not chunk
                chunks.append(chunk)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._error = error
            ended = True
        self._send()
        if self._above is not None and (data := b"".join(chunks)):
            self._above.data_received(data)
        if ended:
            self.abort()

    def _send(self) -> None:
        if self._below is not None and (data := self._said.read()):
            self._below.write(data)

    def _fail(self, error: ssl.SSLError) -> None:
        """Keep the error, let the other side have its alert, and end."""
        self._error = error
        self._send()
        self.abort()

    # -- from above

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Say something, with whatever of the handshake is still to be said."""
        try:
            self.object.write(data)
        except ssl.SSLError as error:
            self._fail(error)
        else:
            self._send()

    def is_closing(self) -> bool:
        """Tell whether nothing more can be said."""
        return self._below is None or self._below.is_closing()

    def close(self) -> None:
        """End it at once: there is nothing left to be sent."""
        self.abort()

    def abort(self) -> None:
        """End the connection."""
        if self._below is not None:
            self._below.abort()

    def pause_reading(self) -> None:
        """Hear no more for now."""
        if self._below is not None:
            self._below.pause_reading()

    def resume_reading(self) -> None:
        """Hear again."""
        if self._below is not None:
            self._below.resume_reading()

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Ask the connection below; of TLS there is `ssl_object`."""
        if name == "ssl_object":
            return self.object
        return default if self._below is None else self._below.get_extra_info(name, default)
