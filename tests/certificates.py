"""Certificates made for the test, and the TLS settings of servers that present them, rightly and wrongly."""

import ssl
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Manner = Callable[[Path], ssl.SSLContext]
"""How a server does TLS, given a folder for its files."""
ROOT, BETWEEN, STRANGER, PORTAL = "Otoritas Uji", "Otoritas Antara", "Otoritas Lain", "portal.pantau.test"
_LASTING = (-1.0, 90.0)


@cache
def _key(_: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def certificate(name: str, issuer: str, days: tuple[float, float] = _LASTING, *, authority: bool = False) -> bytes:
    """Make a certificate for `name`, signed by `issuer`, valid from and to `days` from now; PEM."""
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
    return builder.sign(_key(issuer), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def key_of(name: str) -> bytes:
    """Return the private key of a name; PEM."""
    return _key(name).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def authority(folder: Path, name: str = ROOT, days: tuple[float, float] = (-10, 365)) -> Path:
    """Write the certificate of an authority made for the test; return its file."""
    path, made = folder / f"{name}.pem", certificate(name, name, days, authority=True)
    if not path.exists() or path.read_bytes() != made:
        path.write_bytes(made)
    return path


def server_tls(folder: Path, name: str, days: tuple[float, float] = _LASTING, issuer: str = ROOT, extra: bytes = b"") -> ssl.SSLContext:
    """Settings of a server with a certificate for `name`, valid from and to `days` from now; `extra` is sent beside it."""
    path = folder / f"{name}.server.pem"
    path.write_bytes(key_of(name) + certificate(name, issuer, days) + extra)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def holding(name: str = PORTAL, days: tuple[float, float] = _LASTING, issuer: str = ROOT) -> Manner:
    """A server whose certificate is for `name`, of that time and by that issuer; nothing is sent beside it."""
    return lambda folder: server_tls(folder, name, days, issuer)


def behind_another(*, sent: bool) -> Manner:
    """A server whose certificate was signed by an intermediate, which it sends or forgets."""
    between = certificate(BETWEEN, ROOT, authority=True)
    return lambda folder: server_tls(folder, PORTAL, issuer=BETWEEN, extra=between if sent else b"")


def only(version: ssl.TLSVersion) -> Manner:
    """A server that speaks one version of TLS."""

    def manner(folder: Path) -> ssl.SSLContext:
        context = server_tls(folder, PORTAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        return context

    return manner


def asking_for_a_certificate(newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Manner:
    """A server that wants a certificate of its clients, too."""

    def manner(folder: Path) -> ssl.SSLContext:
        context = server_tls(folder, PORTAL)
        context.maximum_version = newest
        context.load_verify_locations(authority(folder))
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    return manner


def speaking(protocols: Sequence[str]) -> Manner:
    """A server that takes one of these protocols only (ALPN)."""

    def manner(folder: Path) -> ssl.SSLContext:
        context = server_tls(folder, PORTAL)
        context.set_alpn_protocols(list(protocols))
        return context

    return manner


def needing_a_name(folder: Path) -> ssl.SSLContext:
    """A server that shakes hands only with who says which name is wanted (SNI)."""
    context = server_tls(folder, PORTAL)

    def choose(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> int | None:
        return None if name else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sni_callback = choose
    return context
