"""What we know of the first host and say to no other: its headers, and how we are known there (RFC 7617, 6750, 7616)."""

import base64
from collections.abc import Mapping

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, DigestAuthMiddleware, hdrs

from monitor.probes.http_options import HttpOptions
from monitor.probes.http_wire import Wire
from monitor.secret import reveal

Middlewares = tuple[aiohttp.ClientMiddlewareType, ...]


def own_headers(options: HttpOptions) -> Mapping[str, str]:
    """Return the headers for the first host. Raises PantauError when a secret cannot be read."""
    own = {name: reveal(value) for name, value in options.headers.items()}
    if options.basic is not None:
        pair = f"{options.basic.user}:{reveal(options.basic.password)}"
        own[hdrs.AUTHORIZATION] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    if options.bearer:
        own[hdrs.AUTHORIZATION] = f"Bearer {reveal(options.bearer)}"
    return own


def middlewares(options: HttpOptions, wire: Wire) -> Middlewares:
    """Return what answers a challenge of the first host."""
    if options.digest is None:
        return ()
    return DigestAuthMiddleware(options.digest.user, reveal(options.digest.password)), _Anew(wire)


class _Anew:
    """Every question has a connection of its own, also the one that answers a challenge."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._last: ClientResponse | None = None

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if self._last is not None:
            self._last.close()
        self._wire.hang_up()
        self._last = await handler(request)
        return self._last
