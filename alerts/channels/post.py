"""One bounded HTTP POST of JSON, for the channels that speak HTTP. Errors never carry the address: it may hold a token."""

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from alerts.channels.channel import ChannelError, Trouble, shown
from alerts.channels.context import Context

LONGEST_ANSWER = 64 * 1024
PASSING = frozenset({408, 425, 429})
UNFIT = frozenset({400, 413, 414, 415, 422, 431})
EXPLAINS = ("description", "reason", "message", "error", "detail")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the peer said: status, the JSON object of its body (empty when it is none), the pause it asks for in seconds."""

    status: int
    fields: Mapping[str, object]
    retry_after: float | None = None

    def explanation(self, secrets: tuple[str, ...]) -> str:
        """The peer's own words, bounded and without secrets."""
        words = next((self.fields[key] for key in EXPLAINS if isinstance(self.fields.get(key), str)), "")
        return shown(str(words), secrets)


async def post(
    context: Context, url: str, payload: Mapping[str, object], headers: Mapping[str, str], secrets: tuple[str, ...] = ()
) -> Answer:
    """Send and return the answer of a peer that took it (2xx); raises ChannelError for anything else."""
    try:
        async with asyncio.timeout(context.timeout):
            answer = await _exchange(context, url, payload, headers)
    except TimeoutError:
        raise ChannelError(f"no answer within {context.timeout:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise ChannelError(_named(error)) from None
    if 200 <= answer.status < 300:
        return answer
    line = f"answered {answer.status} {answer.explanation(secrets)}".rstrip()
    raise RefusedError(line, answer, _trouble(answer.status), retry_after=answer.retry_after)


class RefusedError(ChannelError):
    """The peer answered, but not with 2xx; `answer` is what it said."""

    def __init__(self, line: str, answer: Answer, trouble: Trouble, *, retry_after: float | None) -> None:
        super().__init__(line, trouble, retry_after=retry_after)
        self.answer = answer


def _trouble(status: int) -> Trouble:
    """What a status that is not 2xx is about: the message, the moment, or (401, 403, 404, a redirect, ...) our token or address."""
    if status in UNFIT:
        return Trouble.UNFIT
    return Trouble.PASSING if status >= 500 or status in PASSING else Trouble.REFUSED


async def _exchange(context: Context, url: str, payload: Mapping[str, object], headers: Mapping[str, str]) -> Answer:
    sending = context.session().post(url, json=payload, headers=headers, ssl=context.tls(), allow_redirects=False)
    async with sending as response:
        fields = _fields(await _body(response.content))
        return Answer(response.status, fields, _pause(response.headers.get("Retry-After", "")))


async def _body(stream: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    while len(body) < LONGEST_ANSWER and (chunk := await stream.read(LONGEST_ANSWER - len(body))):
        body += chunk
    return bytes(body)


def _fields(body: bytes) -> Mapping[str, object]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _pause(header: str) -> float | None:
    return float(header) if header.isascii() and header.isdigit() and len(header) < 10 else None


def _named(error: Exception) -> str:
    """What went wrong in words of ours: the text of a client error carries the address, and with it a token."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not found in DNS"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return f"the connection failed ({type(error).__name__})"
