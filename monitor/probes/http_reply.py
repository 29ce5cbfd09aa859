"""What a server says to one request, handed to aiohttp's parser only as far as it belongs to the answer.

aiohttp keeps connections, so to it a byte too many is the broken head of a next answer. We ask once: what comes after the end of an
answer is nobody's (browsers and RFC 9112, 6.3, see a page there), and what comes without end is cut off by count.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import cast

from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import set_exception
from aiohttp.http import RawResponseMessage
from aiohttp.streams import StreamReader

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault
from monitor.probes.http_body import BODILESS
from monitor.probes.wiretap import BODY, HEAD, heard, tapped

MOST_HEADS = 2 * 1024 * 1024
MOST_INTERIM = 100
MAX_LINE, MAX_LINES = 8190, 128
BUFFERED = 65536
"""Bytes of all heads, interim answers (1xx), bytes of a line and lines of each head; and bytes of a body that wait for who reads it."""
OVERHEAD = 8
"""Bytes on the wire for one of the body: chunked by single bytes takes six, and what takes more carries no page."""
_END_OF_HEAD = re.compile(rb"\n\r?\n")


def is_interim(status: int) -> bool:
    """Tell whether another head follows this one (RFC 9110, 15.2); after a 101 something else than HTTP does."""
    return 100 <= status < 200 and status != 101


class Reply(ResponseHandler):
    """The protocol of one connection; at most `OVERHEAD` times `max_body` bytes are heard after the head."""

    def __init__(self, loop: asyncio.AbstractEventLoop, max_body: int) -> None:
        super().__init__(loop)
        self._room_of_body = OVERHEAD * max_body + MOST_HEADS
        self._room_of_heads = MOST_HEADS
        self.ended_by: BaseException | None = None
        self._in_head = True
        self._interim = 0
        self._last = b""
        self._left: int | None = None  # bytes of the body that are to come; None: the parser finds its end

    async def hear(self, question: bytes, *, bodiless: bool) -> tuple[RawResponseMessage, StreamReader]:
        """Say the question and return the head that counts, and the body to come (with `bodiless` there is none, whatever the head says).

        Raises HttpProcessingError for what cannot be read, aiohttp.ClientConnectionError when the connection ends before.
        """
        self.set_response_params(
            skip_payload=bodiless,
            read_until_eof=True,
            auto_decompress=False,
            read_bufsize=BUFFERED,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_LINES,
        )
        if self.transport is not None:
            self.transport.write(question)
        while True:
            message, content = await self.read()
            if not is_interim(message.code):
                return message, content

    def close(self) -> None:
        """End the connection without a farewell of TLS, which costs a packet and which nobody reads."""
        self.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to talk."""
        super().connection_made(tapped(cast("asyncio.Transport", transport)))

    def connection_lost(self, exc: BaseException | None) -> None:
        """Remember how it ended: aiohttp forgets it when it would rather ask again."""
        self.ended_by = exc
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came: heads up to the one that counts, its body up to its end, and no more."""
        if data and self.transport is not None:
            heard(HEAD if self._in_head else BODY, self.transport, data)
        if self._parser is None or not data:
            super().data_received(data)
            return
        while data and self._in_head and self._exception is None:
            data = self._hear_head(data)
        if data and self._exception is None:
            self._hear_body(data)
        if self._is_whole() and self.transport is not None:
            self.transport.abort()  # at once, or TLS would answer the server's farewell by one of its own

    def _is_whole(self) -> bool:
        return not self._in_head and (self._left == 0 or (self._payload is not None and self._payload.is_eof()))

    def _hear_head(self, data: bytes) -> bytes:
        """Hand on what belongs to a head; return what comes after it."""
        heard = self._last + data
        end = _END_OF_HEAD.search(heard)
        cut = len(data) if end is None else end.end() - len(self._last)
        self._last = heard[-3:] if end is None else b""
        self._room_of_heads -= cut
        self._interim += end is not None
        if self._room_of_heads < 0 or self._interim > MOST_INTERIM:
            self._give_up(Fault(Reason.HEADER_TOO_LARGE, "heads come without end"))
            return b""
        super().data_received(data[:cut])
        message = self._message()
        if message is not None:
            self._in_head, self._left = False, self._length(message)
        return data[cut:]

    def _message(self) -> RawResponseMessage | None:
        """Return the head that counts, once it is whole: an interim answer (1xx) is followed by another."""
        message = self._buffer[-1][0][0] if self._buffer else None
        return None if message is None or is_interim(message.code) else message

    def _length(self, message: RawResponseMessage) -> int | None:
        if self._skip_payload or message.code in BODILESS:
            return 0
        headers: Mapping[str, str] = message.headers
        return None if message.chunked or "Content-Length" not in headers else int(headers["Content-Length"])

    def _hear_body(self, data: bytes) -> None:
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        self._room_of_body -= len(data)
        if self._room_of_body < 0:
            self._give_up(Fault(Reason.BODY_TOO_LARGE, "far more comes than a page of max_body takes"))
        elif data:
            payload = self._payload
            super().data_received(data)
            if payload is not None and self._exception is not None and not payload.is_eof():  # aiohttp tells only who waits for a head
                set_exception(payload, Fault(Reason.HTTP_PROTOCOL, "the body is not framed as HTTP wants it"))

    def _give_up(self, fault: Fault) -> None:
        payload = self._payload
        self.set_exception(fault)
        if payload is not None:
            set_exception(payload, fault)
        if self.transport is not None:
            self.transport.abort()
