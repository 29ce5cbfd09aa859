"""Words to a running daemon (or city) over a Unix socket: one JSON object a line there, one back.

An address is a path, or an abstract name that begins with a zero byte. The kernel says who asks (SO_PEERCRED): the same
user or root, nobody else. A request is at most `LIMIT` bytes and must be there within `PATIENCE` seconds. Every answer
holds `ok` and, for people, `message`; a handler refuses by raising PantauError.
"""

import errno
import json
import os
import socket
import stat
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.core.errors import Exit, PantauError

if TYPE_CHECKING:
    import asyncio  # at run time only the serving side needs it: a command that asks starts 30 ms sooner without

LIMIT = 64 * 1024
ANSWER_LIMIT = 16 * 1024 * 1024
PATIENCE = 5.0
LONGEST_PATH = 107


class EndedError(PantauError):
    """Whoever was asked went away before it answered."""


Handler = Callable[[dict[str, object]], Awaitable[Mapping[str, object]]]


def ask(address: str, request: Mapping[str, object], timeout: float = 10.0) -> dict[str, object]:
    """Send one request and return its answer; PantauError when nobody answers there within `timeout` seconds."""
    ends = time.monotonic() + timeout
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(timeout)
            peer.connect(address)
            with suppress(BrokenPipeError):  # who refuses us says why and hangs up before we have spoken
                peer.sendall(json.dumps(request).encode() + b"\n")
            line = _read_line(peer, ends)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise PantauError(f"{_shown(address)}: nobody answers there; is it running?") from error
    except PermissionError as error:
        raise PantauError(f"{_shown(address)}: belongs to another user; ask as that user or as root") from error
    except ConnectionResetError as error:
        raise EndedError(f"{_shown(address)}: ended without an answer") from error
    except TimeoutError as error:
        raise PantauError(f"{_shown(address)}: no answer within {timeout:g} s") from error
    except OSError as error:
        raise PantauError(f"{_shown(address)}: {error.strerror or error}") from error
    answer = _object(line)
    if answer is None:
        raise EndedError(f"{_shown(address)}: ended without an answer")
    return answer


def _read_line(peer: socket.socket, ends: float) -> bytes:
    """Read up to the end of a line, of the stream or of `ANSWER_LIMIT`; the deadline counts for all of it."""
    parts: list[bytes] = []
    size = 0
    while size < ANSWER_LIMIT:
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        peer.settimeout(left)
        part = peer.recv(65536)
        parts.append(part)
        size += len(part)
        if not part or part.endswith(b"\n"):
            break
    return b"".join(parts)


def _object(line: bytes) -> dict[str, object] | None:
    """Read a JSON object; None for anything else, however deep or long it is."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _shown(address: str) -> str:
    return "@" + address[1:] if address.startswith("\0") else address


async def serve(where: str | socket.socket, handler: Handler) -> "asyncio.Server":
    """Answer requests with `handler` at an address or on a bound socket; a stale socket file is replaced, a live one refused.

    Raises PantauError (69) when somebody answers there already or the address cannot be had.
    """
    import asyncio  # noqa: PLC0415 - see the head of the file

    async def converse(reader: "asyncio.StreamReader", writer: "asyncio.StreamWriter") -> None:
        try:
            await _converse(reader, writer, handler)
        except OSError:
            pass  # the peer went away: nobody is left to be told
        except asyncio.CancelledError:
            pass  # our loop ends: before 3.12 asyncio tells of it with a stack trace
        finally:
            writer.close()

    bound = bind(where) if isinstance(where, str) else where
    return await asyncio.start_unix_server(converse, sock=bound, limit=LIMIT)


def bind(address: str) -> socket.socket:
    """Return a socket bound to the address that only our user may open; PantauError (69) when it cannot be had."""
    if len(os.fsencode(address)) > LONGEST_PATH:
        raise PantauError(f"{address}: a Unix socket's path takes {LONGEST_PATH} bytes; choose a shorter data folder", status=Exit.MISSING)
    ours = socket.socket(socket.AF_UNIX)
    try:
        os.fchmod(ours.fileno(), 0o600)  # Linux makes the file with the socket's own mode: no moment at which others may open it
        if not address.startswith("\0"):
            _clear(address)
        ours.bind(address)
    except OSError as error:
        ours.close()
        what = "another one is running there" if error.errno == errno.EADDRINUSE else error.strerror
        raise PantauError(f"{_shown(address)}: cannot serve there: {what}", status=Exit.MISSING) from error
    return ours


def _clear(path: str) -> None:
    """Remove a socket file at which nobody answers; EADDRINUSE when somebody does, or when it is no socket."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(errno.EEXIST, "a file that is no socket lies there")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(1.0)
        try:
            peer.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
            return
        except TimeoutError:
            pass  # too busy to take one more is alive too
    raise OSError(errno.EADDRINUSE, "in use")


async def _converse(reader: "asyncio.StreamReader", writer: "asyncio.StreamWriter", handler: Handler) -> None:
    """Answer one peer's requests until it ends, says nonsense or keeps us waiting."""
    if not _trusted(writer.get_extra_info("socket")):
        await _answer(writer, {"ok": False, "message": "only the same user or root may ask here"})
        return
    while line := await _request(reader):
        request = _object(line)
        if request is None:
            await _answer(writer, {"ok": False, "message": f"a request is one JSON object on a line of at most {LIMIT} bytes"})
            return
        try:
            answer = await handler(request)
        except PantauError as error:
            answer = {"ok": False, "message": str(error)}
        await _answer(writer, answer)


async def _request(reader: "asyncio.StreamReader") -> bytes:
    """Read one request; empty at the end of the stream or of our patience, a lone zero byte when it is too long."""
    import asyncio  # noqa: PLC0415 - see the head of the file

    try:
        async with asyncio.timeout(PATIENCE):
            return await reader.readline()
    except TimeoutError:
        return b""
    except ValueError:
        return b"\0"


async def _answer(writer: "asyncio.StreamWriter", answer: Mapping[str, object]) -> None:
    """Send an answer; a peer that does not take it within our patience is left."""
    import asyncio  # noqa: PLC0415 - see the head of the file

    writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
    async with asyncio.timeout(PATIENCE):  # TimeoutError is an OSError: the caller closes
        await writer.drain()


def _trusted(peer: socket.socket) -> bool:
    """Tell whether the kernel names our user or root at the other end."""
    _pid, uid, _gid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return uid in {0, os.geteuid()}
