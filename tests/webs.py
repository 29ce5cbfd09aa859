"""Web and name servers that do anything but behave, on loopback; their certificates: certificates.py, what they do: zoo.py."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from monitor.core.verdict import Outcome, Reason
from monitor.probes import Vantage
from monitor.probes.deadline import look_at

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(
    talk: Talk, *, read: bool = True, tls: ssl.SSLContext | None = None, at: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[int]:
    """Run a TCP peer that reads one request head (unless told not to) and then talks; yields its port."""
    talking: list[tuple[asyncio.Task[None], asyncio.StreamWriter]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            if read:
                await reader.readuntil(b"\r\n\r\n")
            await talk(reader, writer)
        writer.transport.abort()

    def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talking.append((asyncio.create_task(serve(reader, writer)), writer))

    server = await asyncio.start_server(welcome, at, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for door in server.sockets:
            asyncio.get_running_loop().remove_reader(door)  # nobody is let in any more
        for _ in range(5):  # who was let in just now gets a transport first: a closing server would forget him
            await asyncio.sleep(0)
        server.close()
        for task, writer in talking:
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*(task for task, _ in talking), return_exceptions=True)


@asynccontextmanager
async def shaking(context: ssl.SSLContext, said: bytes) -> AsyncIterator[int]:
    """A TLS peer as most are: it says an alert before it hangs up, which a server of asyncio does not; yields its port."""

    def serve(peer: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(peer, server_side=True, do_handshake_on_connect=False) as shaken:
            try:
                shaken.do_handshake()
                shaken.recv(65536)
                shaken.sendall(said)
                shaken.unwrap()
            except ssl.SSLError:
                shaken.shutdown(socket.SHUT_WR)
                while socket.socket.recv(shaken, 65536):  # or the kernel resets, and the alert is lost
                    pass

    async def accept(listener: socket.socket) -> None:
        while True:
            peer, _ = await loop.sock_accept(listener)
            peer.settimeout(5)
            talking.append(loop.run_in_executor(None, serve, peer))

    loop, talking = asyncio.get_running_loop(), list[asyncio.Future[None]]()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)  # noqa: FBT003 - the library's
        accepting = asyncio.create_task(accept(listener))
        yield listener.getsockname()[1]
        accepting.cancel()
        await asyncio.gather(accepting, *talking, return_exceptions=True)


def saying(*pieces: bytes) -> Talk:
    """Say these bytes and hang up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
            await mute(reader, writer)
        else:
            writer.close()
            await writer.wait_closed()

    return talk


def saying_on(first: bytes, again: bytes) -> Talk:
    """Say something, then the same for ever."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(0)

    return talk


async def look_in_time(kind: str, target: str, options: dict[str, object], timeout: float, vantage: Vantage) -> Outcome:
    """Look; and again when our own loop was late on a busy machine, for then the look says nothing of the peer."""
    for _ in range(9):
        outcome = await look_at(kind, target, options, timeout, vantage)
        if outcome.reason is not Reason.LOOP_LATE:
            return outcome
    raise AssertionError("this machine is too busy to look")


def saying_apart(*pieces: bytes) -> Talk:
    """Say each piece when the one before was heard by who listens in the same loop."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            for _ in range(4):
                await asyncio.sleep(0)
        await saying()(reader, writer)

    return talk


def drip(first: bytes, pieces: Iterable[bytes]) -> Talk:
    """Say something, then a piece every 20 ms, as a slow-loris does."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        for piece in pieces:
            writer.write(piece)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    if not await reader.read(65536):
                        return

    return talk


def by_path(ways: Mapping[str, bytes | Talk], heads: list[bytes] | None = None) -> Talk:
    """Answer each path its own way, 404 without one; `heads` gets what was asked. To be used with `read=False`."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if heads is not None:
            heads.append(head)
        way = ways.get(head.split(b" ")[1].decode(), b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
        if isinstance(way, bytes):
            way = saying(way.replace(b"{port}", str(writer.get_extra_info("sockname")[1]).encode()))
        await way(reader, writer)

    return talk


def by_cookie(cookie: bytes, with_it: bytes, without: bytes) -> Talk:
    """Answer one thing to who brings the cookie, another to who does not. To be used with `read=False`."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await saying(with_it if b"Cookie: " + cookie in head else without)(reader, writer)

    return talk


async def mute(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Listen and say nothing."""
    while await reader.read(65536):
        pass


async def hanging_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close without a word."""
    writer.close()


async def resetting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Throw the connection away."""
    writer.get_extra_info("socket").setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER 0: close with a reset
    writer.transport.abort()


def resetting_after(said: bytes) -> Talk:
    """Say something, then throw the connection away."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.02):
                await reader.read(1)
        await resetting(reader, writer)

    return talk


@asynccontextmanager
async def nobody() -> AsyncIterator[int]:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@asynccontextmanager
async def crowded(at: str = "127.0.0.1") -> AsyncIterator[int]:
    """A port whose queue is full: who connects hears nothing."""
    family = socket.AF_INET6 if ":" in at else socket.AF_INET
    with socket.socket(family) as full, socket.socket(family) as first, socket.socket(family) as second:
        full.bind((at, 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)  # noqa: FBT003 - the library's
            waiting.connect_ex(full.getsockname())
        yield full.getsockname()[1]


class Names(asyncio.DatagramProtocol):
    """A name server of a few names: addresses with blanks between, response codes, or silence (None)."""

    def __init__(self, names: dict[str, str | dns.rcode.Rcode | None]) -> None:
        self.names = names

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        asked = dns.message.from_wire(data)
        name, kind = asked.question[0].name, asked.question[0].rdtype
        found = self.names.get(name.to_text(omit_final_dot=True), dns.rcode.NXDOMAIN)
        if found is None:
            return
        answer = dns.message.make_response(asked)
        if isinstance(found, dns.rcode.Rcode):
            answer.set_rcode(found)
        elif addresses := [each for each in found.split() if kind == (dns.rdatatype.AAAA if ":" in each else dns.rdatatype.A)]:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *addresses))
        self.transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def naming(**names: str | dns.rcode.Rcode | None) -> AsyncIterator[str]:
    """Run a name server for `<word>.pantau.test` (and `root` for the root); yields `address:port`."""
    async with naming_as({"." if word == "root" else f"{word}.pantau.test": value for word, value in names.items()}) as (server, _):
        yield server


@asynccontextmanager
async def naming_as(known: dict[str, str | dns.rcode.Rcode | None]) -> AsyncIterator[tuple[str, dict[str, str | dns.rcode.Rcode | None]]]:
    """Run a name server of these names, which may be changed while it runs; yields `address:port`, and them."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Names(known), local_addr=("127.0.0.1", 0))
    try:
        yield "127.0.0.1:{}".format(transport.get_extra_info("sockname")[1]), known
    finally:
        transport.close()
