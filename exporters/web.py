"""The one HTTP address: the status page, its events, metrics, health and JSON. All is read only, but a push with its token.

`application(view, take_call)` is all the daemon needs. Only GET (and HEAD) is answered, and calls (`exporters/push.py`). Addresses
and names without a dot may call; a name with a dot must be that of the inventory's `city.page`, so that a page elsewhere cannot
read the city by pointing its own name here (DNS rebinding).
"""

import asyncio
import ipaddress
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from exporters.explain import explain
from exporters.files import Files
from exporters.live import Live
from exporters.metrics import CONTENT_TYPE, exposition
from exporters.push import Calls, TakeCall, nobody_waits
from exporters.status import status
from exporters.view import View

WATCHERS = 64
SCRAPE = 120.0
"""Seconds in which a scrape must have been read; Prometheus itself gives up after 10 unless told otherwise."""
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def application(view: View, take_call: TakeCall = nobody_waits, *, pace: float = 1.0) -> web.Application:
    """Return the application; `pace` is the least number of seconds between two drawings of an open page."""
    pages = _Pages(view, Live(view, pace))
    app = web.Application(middlewares=[_known_host(view)], client_max_size=1024)
    app.add_routes(
        [
            web.get("/", pages.page),
            web.get("/events", pages.events, allow_head=False),
            web.get("/metrics", pages.metrics),
            web.get("/-/healthy", pages.healthy),
            web.get("/-/ready", pages.ready),
            web.get("/api/v1/status", pages.status),
            web.get("/api/v1/explain", pages.explain),
            web.get("/static/{name}", Files().file),
            *Calls(take_call).routes(),
        ]
    )
    app.on_response_prepare.append(_secure)
    app.cleanup_ctx.append(pages.drawing)
    app.on_shutdown.append(pages.end_events)
    return app


class _Pages:
    """The handlers, over one view."""

    def __init__(self, view: View, live: Live) -> None:
        self._view, self._live = view, live
        self._open: set[asyncio.Task[None]] = set()

    async def page(self, request: web.Request) -> web.Response:
        html = await self._live.page(_language(request))
        response = web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-store"})
        response.enable_compression()
        return response

    async def events(self, request: web.Request) -> web.StreamResponse:
        if self._live.watching >= WATCHERS:
            return web.Response(
                status=503, text=f"{WATCHERS} browsers watch already; load the page anew instead\n", headers={"Retry-After": "30"}
            )
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        await response.prepare(request)
        seen = request.headers.get("Last-Event-ID") or request.query.get("seen", "")
        sending = asyncio.create_task(self._send(response, self._live.events(_language(request), seen)))
        self._open.add(sending)
        try:
            await sending
        except asyncio.CancelledError:
            sending.cancel()
        finally:
            self._open.discard(sending)
        return response

    async def _send(self, response: web.StreamResponse, events: AsyncGenerator[str, None]) -> None:
        with suppress(ConnectionError):
            async with aclosing(events) as news:
                async for event in news:
                    await response.write(event.encode())

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Send piece by piece: of 100,000 targets it is 150 MB. Whoever reads too slowly gets no end, so that it is not taken for whole."""
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
        if request.method == hdrs.METH_HEAD:
            return response
        response.enable_compression()
        await response.prepare(request)
        try:
            async with asyncio.timeout(SCRAPE):
                async for piece in exposition(self._view):
                    await response.write(piece)
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()
        return response

    async def healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="healthy\n")

    async def ready(self, _request: web.Request) -> web.Response:
        why_not = self._view.ready()
        return web.Response(status=503 if why_not else 200, text=f"{why_not or 'ready'}\n")

    async def status(self, _request: web.Request) -> web.Response:
        return _json(status(self._view.engine(), self._view.now(), self._view.control, self._view.ready()))

    async def explain(self, request: web.Request) -> web.Response:
        subject = request.query.get("id", "")
        found = explain(self._view, subject)
        if found is None:
            return _json({"message": f"nothing is known by the id {subject[:80]!r}; `pantau status` lists the nodes"}, status=404)
        return _json(found)

    async def drawing(self, _app: web.Application) -> AsyncIterator[None]:
        """Draw for the open pages as long as the application lives."""
        task = asyncio.create_task(self._live.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def end_events(self, _app: web.Application) -> None:
        """End the open event streams: otherwise they hold the shutdown for twice its time-out."""
        for sending in self._open:
            sending.cancel()


def _json(content: Mapping[str, object], status: int = 200) -> web.Response:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n"
    return web.Response(status=status, text=text, content_type="application/json", headers={"Cache-Control": "no-store"})


def _language(request: web.Request) -> str:
    """The language of `?lang=`, else the first of the browser's that we speak, else Indonesian."""
    wanted = [request.query.get("lang", ""), *request.headers.get("Accept-Language", "")[:200].split(",")]
    return next((word.strip()[:2].lower() for word in wanted if word.strip()[:2].lower() in ("id", "en")), "id")


async def _secure(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers["Server"] = "pantau"


def _known_host(view: View) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _may_call(request.headers.get("Host", ""), view.engine().state.city.page):
            return await handler(request)
        return web.Response(
            status=421, text="this name is not Pantau's: call it by its address, or name it in the inventory (city: page)\n"
        )

    return check


def _may_call(host: str, page: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    with suppress(ValueError):
        ipaddress.ip_address(name.strip("[]"))
        return True
    return "." not in name or name.lower() == urlsplit(page).hostname
