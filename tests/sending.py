"""How a test sends one page by a channel, and the certificate and names of the peer it goes to."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from alerts.channels import CHANNELS, ChannelError, Context, Receipt, read_options
from alerts.message import compose
from monitor.core.events import Page
from tests.pages import city, page

TOKEN = "123456:AA-very-secret_token"


async def send(channel: str, options: dict[str, object], told: Page | None = None, context: Context | None = None) -> Receipt:
    told = told or page()
    async with context or Context(timeout=5) as surroundings:
        return await CHANNELS[channel].send(compose(told, city()), told, read_options(channel, options), surroundings)


async def failure(channel: str, options: dict[str, object], context: Context | None = None) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await send(channel, options, context=context)
    return caught.value


def certificate(folder: Path) -> Path:
    """Make a certificate for layar.pantau.test, its own authority, with its key, in one PEM file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "layar.pantau.test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("layar.pantau.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


class Loopback(AbstractResolver):
    """The city's own names: layar.pantau.test is here, everything else is unknown."""

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        if host != "layar.pantau.test" or family == socket.AF_INET6:
            raise OSError("no such name")
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        pass
