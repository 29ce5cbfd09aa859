"""What we know of the first host and say to no other: its headers, and how we are known there (RFC 7617, 6750, 7616)."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from aiohttp import DigestAuthMiddleware, hdrs
from yarl import URL

from monitor.core.errors import PantauError
from monitor.probes.http_head import Head, Request
from monitor.probes.http_options import HttpOptions
from monitor.secret import is_reference, reveal

Ask = Callable[[Request], Awaitable[Head]]


def own_headers(options: HttpOptions, url: URL) -> Mapping[str, str]:
    """Return the headers for the first host, whose URL may name us. Raises PantauError when a secret cannot be read."""
    own: dict[str, str] = {}
    if url.raw_user or url.raw_password:
        own[hdrs.AUTHORIZATION] = _basic(url.user or "", url.password or "")
    own.update((name, _line(value)) for name, value in options.headers.items())
    if options.basic is not None:
        own[hdrs.AUTHORIZATION] = _basic(options.basic.user, reveal(options.basic.password))
    if options.bearer:
        own[hdrs.AUTHORIZATION] = f"Bearer {_line(options.bearer)}"
    return own


def _line(reference: str) -> str:
    secret = reveal(reference)
    if any(sign in secret for sign in "\r\n\0"):
        raise PantauError(f"secret {reference if is_reference(reference) else 'in a header'}: has several lines; a header has one")
    return secret


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def answering(options: HttpOptions, ask: Ask) -> Ask:
    """Return `ask`, where a digest is wanted with an answer to the challenge of the first host."""
    if options.digest is None:
        return ask
    digest: Any = DigestAuthMiddleware(options.digest.user, reveal(options.digest.password))  # which knows aiohttp's own requests

    async def answer(request: Request) -> Head:
        return cast("Head", await digest(request, ask))

    return answer
