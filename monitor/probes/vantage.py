"""Where we look from: the settings that all looks share, and the things they share, opened when first used and closed once."""

import os
import ssl
from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar

from monitor.core.errors import PantauError
from monitor.secret import reveal


class Closable(Protocol):
    """Something that is shared by looks and closed with the vantage."""

    def close(self) -> None:
        """Let go of sockets and the like."""


T = TypeVar("T", bound=Closable)


class Vantage:
    """One place to look from, in one event loop: `async with Vantage.of(city.resolver, city.ca) as vantage`.

    `resolver` are addresses of name servers (empty: those of the system), `ca` the path of a file of certificates that
    are trusted beside those of the system, or a reference to one. `icmp_backend` is `shared` or `icmplib`, `snmp_backend` is `auto`, `fast`
    or `pysnmp`.
    """

    def __init__(self, resolver: Sequence[str] = (), ca: str = "", icmp_backend: str = "shared", snmp_backend: str = "auto") -> None:
        self.resolver = tuple(resolver)
        self.ca = ca
        self.icmp_backend = icmp_backend
        self.snmp_backend = snmp_backend
        self._shelf: dict[object, Closable] = {}
        self._contexts: dict[tuple[str, bool, bool, str], tuple[tuple[float, int], ssl.SSLContext]] = {}

    @classmethod
    def of(cls, resolver: Sequence[str] = (), ca: str = "", icmp_backend: str = "shared", snmp_backend: str = "auto") -> Self:
        """Make a vantage; nothing is opened yet."""
        return cls(resolver, ca, icmp_backend, snmp_backend)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close everything that looks opened; may be called twice."""
        while self._shelf:
            self._shelf.popitem()[1].close()
        self._contexts.clear()

    def share(self, make: Callable[["Vantage"], T]) -> T:
        """Return the one thing that `make` makes here, made at the first call."""
        thing = self._shelf.get(make)
        if thing is None:
            thing = self._shelf[make] = make(self)
        return thing  # type: ignore[return-value]  # what `make` made under its own name

    def tls(self, ca: str = "", *, verify: bool = True, legacy: bool = False, certificate: str = "") -> ssl.SSLContext:
        """Return the TLS settings for a CA file (default: the vantage's), read anew when the file changed.

        Without `verify` any certificate will do; then, and with `legacy`, any age of the protocol and of its ciphers, too.
        `certificate` names (`monitor.secret`) a PEM with our own certificate and its key.
        Raises PantauError when a file cannot be read.
        """
        path, own = reveal(ca or self.ca), reveal(certificate)
        changed = (_changed(path), hash(own))
        key = (path, verify, legacy, certificate)
        kept = self._contexts.get(key)
        if kept is None or kept[0] != changed:
            context = _context(path, verify=verify, legacy=legacy)
            if own:
                _show(context, own, certificate)
            kept = self._contexts[key] = (changed, context)
        return kept[1]


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime if path else 0.0  # noqa: PTH116 - the same, without a Path a look
    except OSError as error:
        raise PantauError(f"ca {path}: {error.strerror}; name a file of PEM certificates") from None


def _context(path: str, *, verify: bool, legacy: bool) -> ssl.SSLContext:
    context = ssl.create_default_context() if verify else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if legacy or not verify:
        # Whoever does not care for certificates does not care for the age of the protocol; browsers (and the default) do.
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT@SECLEVEL=0")
    if path and verify:
        try:
            context.load_verify_locations(cafile=path)
        except (ssl.SSLError, OSError):
            raise PantauError(f"ca {path}: holds no certificate in PEM form; name a file of PEM certificates") from None
    return context


def _show(context: ssl.SSLContext, own: str, reference: str) -> None:
    """Have a certificate shown to who asks; OpenSSL reads it from a file, so it gets one that no disk ever sees."""
    file = os.memfd_create("certificate")
    try:
        os.write(file, own.encode())
        context.load_cert_chain(f"/proc/self/fd/{file}", password="")  # or OpenSSL would ask at the terminal
    except (ssl.SSLError, ValueError):
        raise PantauError(
            f"{reference}: holds no certificate with its key in PEM form, both without a passphrase; write both into it"
        ) from None
    finally:
        os.close(file)
