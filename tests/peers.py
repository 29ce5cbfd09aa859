"""Real peers on loopback for what people are told through: HTTP servers with a script of answers, an SMTP server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Phone:
    """What arrived over HTTP: path, headers and JSON of each request.

    Answers are `(status, fields or bytes, headers)` in turn, the last for ever.
    """

    answers: list[tuple[int, object, dict[str, str]]] = field(default_factory=lambda: [(200, {"ok": True}, {})])
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[dict[str, object]] = field(default_factory=list)
    url: str = ""
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    mute: bool = False

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path)
        self.headers.append(dict(request.headers))
        self.bodies.append(await request.json())
        self.arrived.set()
        if self.mute:
            await self.hold.wait()
        status, body, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode(), headers=headers)


@asynccontextmanager
async def phone(*answers: tuple[int, object, dict[str, str]], mute: bool = False) -> AsyncIterator[Phone]:
    """Run an HTTP peer on a free port."""
    peer = Phone(list(answers), mute=mute) if answers else Phone(mute=mute)
    app = web.Application()
    app.router.add_post("/{path:.*}", peer.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    peer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield peer
    finally:
        peer.hold.set()
        await runner.cleanup()


@asynccontextmanager
async def tcp(answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]) -> AsyncIterator[int]:
    """Run a peer that misbehaves as `answer` says; yields its port."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)  # type: ignore[arg-type]
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@dataclass
class Mailbox:
    """The handler of a real SMTP server: what it took, and what it answers to a recipient and to the data."""

    rcpt: dict[str, str] = field(default_factory=dict)
    data: str = "250 2.0.0 taken"
    envelopes: list[Envelope] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self.rcpt.get(address, "250 ok")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.envelopes.append(envelope)
        return self.data


@asynccontextmanager
async def mailbox(box: Mailbox | None = None, **settings: Any) -> AsyncIterator[Mailbox]:  # noqa: ANN401 - whatever aiosmtpd takes
    """Run an SMTP peer on a free port."""
    taken = box or Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(taken, hostname="surel.pantau.test", **settings), "127.0.0.1", 0)
    taken.port = server.sockets[0].getsockname()[1]
    try:
        yield taken
    finally:
        server.close()
