"""A connected socket as a transport: all that is said goes out and all that comes is heard, in turn, and each end is told once."""

import asyncio
import socket
import struct

import pytest

from monitor.probes.stream import LARGEST, Stream

MUCH = bytes(range(256)) * 32 * 1024


class Ear(asyncio.Protocol):
    """Keeps what it hears, and how it ended."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.ends: list[Exception | None] = []
        self.more, self.over = asyncio.Event(), asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.heard += data
        self.more.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ends.append(exc)
        self.over.set()


def connected() -> tuple[Stream, Ear, socket.socket]:
    """A stream, who listens to it, and the other side."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    for each in (ours, theirs):
        each.settimeout(0)
    ear = Ear()
    return Stream(ours, ear), ear, theirs


async def test_what_the_kernel_has_no_room_for_goes_out_when_it_has_in_its_order() -> None:
    stream, ear, other = connected()
    with other:
        for piece in (MUCH, b"", b"and this", MUCH):
            stream.write(piece)
        loop, heard = asyncio.get_running_loop(), bytearray()
        while len(heard) < 2 * len(MUCH) + 8:
            heard += await loop.sock_recv(other, LARGEST)
        assert heard == MUCH + b"and this" + MUCH
        await loop.sock_sendall(other, b"thanks")
        await ear.more.wait()
    await ear.over.wait()
    assert (bytes(ear.heard), ear.ends, stream.is_closing()) == (b"thanks", [None], True)


async def test_who_pauses_hears_nothing_until_it_resumes() -> None:
    stream, ear, other = connected()
    with other:
        stream.pause_reading()
        other.send(b"wait")
        for _ in range(5):
            await asyncio.sleep(0)
        assert not ear.heard
        stream.resume_reading()
        await ear.more.wait()
        assert ear.heard == b"wait"
        assert stream.get_extra_info("peername") == other.getsockname()
        stream.abort()


async def test_it_ends_once_whatever_happens_then_and_says_nothing_more() -> None:
    stream, ear, other = connected()
    with other:
        stream.write(MUCH)  # more than fits: it waits for room
        stream.abort()
        assert ear.ends == []  # not before the caller is done
        for _ in range(2):
            stream.abort()
            stream.write(b"nobody hears this")
            stream.pause_reading()
            stream.resume_reading()
            await asyncio.sleep(0)
    assert ear.ends == [None]


@pytest.mark.parametrize("speaking", [True, False])
async def test_a_reset_is_told_as_such_to_who_speaks_and_to_who_listens(*, speaking: bool) -> None:
    stream, ear, other = connected()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    other.close()
    if speaking:
        stream.write(b"hello")
    await ear.over.wait()
    assert [type(end) for end in ear.ends] == [ConnectionResetError]
