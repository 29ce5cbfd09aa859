"""A body within bounds: never more than `max_body` bytes kept or unpacked, whatever the server sends or says."""

import contextlib
import zlib

from monitor.core.verdict import Reason
from monitor.probes.faults import Fault
from monitor.probes.http_head import Head

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""`wbits` of zlib: gzip, and zlib or gzip by its header."""
_MEMBERS = 1000
BODILESS = frozenset({204, 304})
"""What has these has no body, whatever its header says (RFC 9110, 6.4.1)."""


async def read_body(response: Head, limit: int, *, keep: bool) -> tuple[bytes, int]:
    """Read and unpack the body; return it (empty unless `keep`) and its length in bytes.

    Raises Fault `body_too_large` beyond `limit`, `decode_error` when it cannot be unpacked.
    """
    if response.content_length > limit and response.method != "HEAD" and response.status not in BODILESS:
        raise _too_large(limit)
    unpack = _unpacker(response.headers.get("Content-Encoding", ""), limit, wanted=keep)
    kept: list[bytes] = []
    length = 0
    async for chunk in response.content.iter_any():
        plain = unpack(chunk)
        length += len(plain)
        if length > limit:
            raise _too_large(limit)
        if keep:
            kept.append(plain)
    unpack.finish()
    return b"".join(kept), length


class _Plain:
    """A body that is not packed."""

    def __call__(self, chunk: bytes) -> bytes:
        return chunk

    def finish(self) -> None:
        """Nothing to check."""


class _Packed:
    """A body packed by zlib, unpacked by no more than a byte over the limit at a time."""

    def __init__(self, window: int, limit: int) -> None:
        self._window = window
        self._limit = limit
        self._zlib = zlib.decompressobj(wbits=window)
        self._members = 0
        self._begun = self._over = False

    def __call__(self, chunk: bytes) -> bytes:
        found: list[bytes] = []
        room = self._limit + 1
        while chunk and not self._over:
            if self._zlib.eof and not self._next_member(chunk):
                break
            found.append(self._unpack(chunk, room))
            room -= len(found[-1])
            if self._zlib.unconsumed_tail or room <= 0:
                raise _too_large(self._limit)
            chunk = self._zlib.unused_data
        return b"".join(found)

    def _next_member(self, rest: bytes) -> bool:
        """A gzip body may have several members, all of which are the page (RFC 1952, 2.2); what begins like none is padding."""
        self._over = self._window == _WINDOWS["deflate"] or not rest.startswith(b"\x1f")
        self._members += 1
        if self._members > _MEMBERS:
            raise Fault(Reason.DECODE_ERROR, f"the body is packed in more than {_MEMBERS} pieces")
        if not self._over:
            self._zlib = zlib.decompressobj(wbits=self._window)
        return not self._over

    def _unpack(self, chunk: bytes, room: int) -> bytes:
        begun, self._begun = self._begun, True
        with contextlib.suppress(zlib.error):
            return self._zlib.decompress(chunk, room)
        if self._window == _WINDOWS["deflate"] and not begun:  # some servers say deflate and send it bare (RFC 9110, 8.4.1.2)
            self._zlib = zlib.decompressobj(wbits=-15)
            with contextlib.suppress(zlib.error):
                return self._zlib.decompress(chunk, room)
        raise Fault(Reason.DECODE_ERROR, "the body is not packed as the header says")

    def finish(self) -> None:
        """A packed body has an end of its own."""
        if self._begun and not self._zlib.eof:
            raise Fault(Reason.DECODE_ERROR, "the packed body is cut off")


def _unpacker(encoding: str, limit: int, *, wanted: bool) -> _Plain | _Packed:
    word = encoding.strip().lower()
    if word in _WINDOWS:
        return _Packed(_WINDOWS[word], limit)
    if word not in {"", "identity"} and wanted:
        raise Fault(Reason.DECODE_ERROR, f"the body is packed as {word[:40]!r}, which was not asked for")
    return _Plain()


def _too_large(limit: int) -> Fault:
    return Fault(Reason.BODY_TOO_LARGE, f"the body is larger than {limit} bytes (max_body)")
