"""A name server on loopback, over UDP and TCP at one port, that says whatever a test wants: see `Voice`."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

NAME = "portal.pantau.test."
Voice = Callable[[dns.message.Message], Iterable[bytes]]
"""What is said to a question, in that order."""


def reply(
    asked: dns.message.Message, *records: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR, authority: str = "", cut: bool = False
) -> bytes:
    """Return an answer with these records (`NAME TTL IN TYPE DATA`)."""
    made = dns.message.make_response(asked)
    made.set_rcode(rcode)
    made.answer = _sets(*records)
    made.authority = _sets(authority) if authority else []
    if cut:
        made.flags |= dns.flags.TC
    return made.to_wire(max_size=65535)


def _sets(*records: str) -> list[dns.rrset.RRset]:
    found: dict[tuple[str, str], dns.rrset.RRset] = {}
    for record in records:
        name, ttl, _, kind, data = record.split(" ", 4)
        if (name, kind) in found:
            found[name, kind].add(dns.rrset.from_text(name, int(ttl), "IN", kind, data)[0])
        else:
            found[name, kind] = dns.rrset.from_text(name, int(ttl), "IN", kind, data)
    return list(found.values())


def saying(*records: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR, authority: str = "") -> Voice:
    return lambda asked: [reply(asked, *records, rcode=rcode, authority=authority)]


def cut(asked: dns.message.Message) -> list[bytes]:
    """Say that the answer is too long for UDP."""
    return [reply(asked, cut=True)]


def silent(_: dns.message.Message) -> list[bytes]:
    return []


def framed(wire: bytes, length: int | None = None) -> bytes:
    """Return a message as it goes over TCP, with its length (or a wrong one) before it."""
    return (len(wire) if length is None else length).to_bytes(2) + wire


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, voice: Voice, other: socket.socket | None) -> None:
        self._voice, self._other = voice, other

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for said in self._voice(dns.message.from_wire(data)):
            if self._other is None:
                self._transport.sendto(said, addr)
            else:
                self._other.sendto(said, addr)


def _doors() -> tuple[socket.socket, socket.socket]:
    """A socket for TCP and one for UDP, at a port that is free for both: others open theirs at the same time."""
    while True:
        stream, datagram = (socket.socket(socket.AF_INET, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))
        stream.bind(("127.0.0.1", 0))
        try:
            datagram.bind(stream.getsockname())
        except OSError:
            stream.close()
            datagram.close()
        else:
            return stream, datagram


@asynccontextmanager
async def serving(udp: Voice, tcp: Voice | None = None, mouth: str = "") -> AsyncIterator[str]:
    """Run it; yields `address:port`. Without `tcp` nobody listens there. Its UDP comes from the address `mouth`, another port, if given."""
    loop = asyncio.get_running_loop()
    talking: list[asyncio.Task[None]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking.append(cast("asyncio.Task[None]", asyncio.current_task()))
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            asked = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
            said = list(tcp(dns.message.from_wire(asked))) if tcp else []
            for piece in said:
                writer.write(piece)
            await writer.drain()
            if not said:
                await reader.read()  # silent, until the other has enough
        writer.close()

    stream, datagram = _doors()
    with stream, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        if mouth:
            other.bind((mouth, 0))
        server = await asyncio.start_server(talk, sock=stream) if tcp else None
        transport, _ = await loop.create_datagram_endpoint(lambda: _Udp(udp, other if mouth else None), sock=datagram)
        try:
            yield f"127.0.0.1:{datagram.getsockname()[1]}"
        finally:
            transport.close()
            if server is not None:
                server.close()
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
