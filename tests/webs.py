"""Web and name servers that do anything but behave, on loopback, and certificates made for the test."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from monitor.core.verdict import Outcome, Reason
from monitor.probes import Vantage
from monitor.probes.deadline import look_at

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(talk: Talk, *, read: bool = True, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
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

    server = await asyncio.start_server(welcome, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for _ in range(5):  # who was let in just now gets a transport first: a closing server would forget him
            await asyncio.sleep(0)
        server.close()
        for task, writer in talking:
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*(task for task, _ in talking), return_exceptions=True)


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


async def mute(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Listen and say nothing."""
    while await reader.read(65536):
        pass


async def resetting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Throw the connection away."""
    writer.get_extra_info("socket").setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER 0: close with a reset
    writer.transport.abort()


class Names(asyncio.DatagramProtocol):
    """A name server of a few names: addresses, response codes, or silence (None)."""

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
        elif kind == (dns.rdatatype.AAAA if ":" in found else dns.rdatatype.A):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, found))
        self.transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def naming(**names: str | dns.rcode.Rcode | None) -> AsyncIterator[str]:
    """Run a name server for `<word>.pantau.test` (and `root` for the root); yields `address:port`."""
    known = {"." if word == "root" else f"{word}.pantau.test": value for word, value in names.items()}
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Names(known), local_addr=("127.0.0.1", 0))
    try:
        yield "127.0.0.1:{}".format(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()


@cache
def _key(_: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(name: str, issuer: str, days: tuple[float, float], *, authority: bool) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(_key(name).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return builder.sign(_key(issuer), hashes.SHA256())


def authority(folder: Path, name: str = "Otoritas Uji", days: tuple[float, float] = (-10, 365)) -> Path:
    """Write the certificate of an authority made for the test; return its file."""
    path = folder / f"{name}.pem"
    path.write_bytes(_certificate(name, name, days, authority=True).public_bytes(serialization.Encoding.PEM))
    return path


def server_tls(
    folder: Path, name: str, days: tuple[float, float] = (-1, 90), issuer: str = "Otoritas Uji", extra: bytes = b""
) -> ssl.SSLContext:
    """Settings of a server with a certificate for `name`, valid from and to `days` from now; `extra` is sent beside it."""
    path = folder / f"{name}.server.pem"
    key = _key(name).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    made = _certificate(name, issuer, days, authority=False).public_bytes(serialization.Encoding.PEM)
    path.write_bytes(key + made + extra)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
