"""What channels are handed: a session, a way to find addresses, whom to trust, and a deadline."""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver

from monitor.core.errors import PantauError
from monitor.secret import reveal

DEADLINE = 20.0


class Context:
    """The surroundings of every sending; used within `async with` or ended with `close`.

    `resolver` finds names (the system's, when None); `timeout` bounds one sending in seconds. Whom to trust
    beside the system's authorities is set by `trust`.
    """

    def __init__(self, resolver: AbstractResolver | None = None, *, timeout: float = DEADLINE) -> None:
        self.resolver = resolver
        self.timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._ca = ""
        self._tls: ssl.SSLContext | None = None

    def trust(self, ca: str) -> None:
        """Trust this authority too: a path or PEM text, or a reference to one of them (City.ca)."""
        if ca != self._ca:
            self._ca, self._tls = ca, None

    def tls(self) -> ssl.SSLContext:
        """Return the TLS context; raises PantauError when the city's authority cannot be read."""
        if self._tls is None:
            self._tls = _tls(self._ca)
        return self._tls

    def session(self) -> aiohttp.ClientSession:
        """Return the one HTTP session: no cookies, no kept connections, no proxies, no decompression."""
        if self._session is None or self._session.closed:
            # Names are looked up each time: a page is rare, and a stale address would lose it.
            connector = aiohttp.TCPConnector(resolver=self.resolver, use_dns_cache=False, force_close=True)
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"User-Agent": "pantau", "Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(total=None),
            )
        return self._session

    async def connect(self, host: str, port: int) -> socket.socket:
        """Return a connected socket to the first address of `host` that takes one; raises OSError."""
        failure = OSError("no address")
        for family, address in await self._addresses(host, port):
            with contextlib.ExitStack() as unless_connected:
                sock = unless_connected.enter_context(socket.socket(family, socket.SOCK_STREAM))
                sock.settimeout(0)
                try:
                    await asyncio.get_running_loop().sock_connect(sock, (address, port))
                except OSError as error:
                    failure = error
                else:
                    unless_connected.pop_all()
                    return sock
        raise failure

    async def _addresses(self, host: str, port: int) -> list[tuple[int, str]]:
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            pass
        else:
            return [(socket.AF_INET6 if literal.version == 6 else socket.AF_INET, host)]
        if self.resolver is not None:
            return [(found["family"], found["host"]) for found in await self.resolver.resolve(host, port, socket.AF_UNSPEC)]
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [(family, str(address[0])) for family, _, _, _, address in infos]

    async def close(self) -> None:
        """End the session; the resolver belongs to whoever handed it in."""
        if self._session is not None:
            await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()


def _tls(ca: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not ca:
        return context
    authority = reveal(ca)
    try:
        if authority.startswith("-----BEGIN"):
            context.load_verify_locations(cadata=authority)
        else:
            context.load_verify_locations(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise PantauError(f"ca {ca}: cannot be read as certificates ({type(error).__name__}); name a PEM file") from None
    return context
