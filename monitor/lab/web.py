"""Everything of the city that speaks HTTPS: one server process, a listener a host, told apart by name (SNI and Host)."""

import json
import ssl
from collections.abc import Iterable

from aiohttp import web

from monitor.lab.apps import Apps
from monitor.lab.certificates import Authority
from monitor.lab.namespaces import Namespaces, listener
from monitor.lab.phones import Phones
from monitor.lab.plan import Plan
from monitor.lab.telegram import Telegram

WEBHOOK = "layar.pantau.test"
TELEGRAM = "telegram.pantau.test"
_LARGEST = 256 * 1024


class Web:
    """Serves applications, the webhook screen and the Telegram double."""

    def __init__(self, apps: Apps, phones: Phones, telegram: Telegram, authority: Authority) -> None:
        self._apps = apps
        self._phones = phones
        self._telegram = telegram
        names = [*apps.hosts, WEBHOOK, TELEGRAM]
        self._contexts = {name: authority.context(name) for name in names}
        self._expired = {name: authority.context(name, expired=True) for name in apps.hosts}
        self._runner: web.AppRunner | None = None

    async def start(self, plan: Plan, spaces: Namespaces, hosts: Iterable[str]) -> None:
        """Listen at the HTTPS port of every address of these stations."""
        application = web.Application(client_max_size=_LARGEST)
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
        await runner.setup()
        context = self._contexts[WEBHOOK]
        context.sni_callback = self._choose
        for station in dict.fromkeys(hosts):
            for address in plan.stations[station].addresses:
                sock = await spaces.within(station, listener, address, 443)
                await web.SockSite(runner, sock, ssl_context=context).start()
        self._runner = runner

    def died(self, addresses: Iterable[str]) -> None:
        """Forget the connections of a station that lost its power."""
        gone = set(addresses)
        server = self._runner.server if self._runner else None
        for connection in list(server.connections) if server else []:
            transport = connection.transport
            if transport is not None and transport.get_extra_info("sockname", ("",))[0] in gone:
                transport.abort()

    def _choose(self, connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        """Present the certificate of the name that was asked for (RFC 6066, 3), worn out when the application is told so."""
        app = self._apps.hosts.get(name or "")
        if app is not None and self._apps.mode(app) == "expired":
            connection.context = self._expired[name or ""]
        elif name in self._contexts:
            connection.context = self._contexts[name]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        host = request.host.rpartition(":")[0] if ":" in request.host else request.host
        if host == TELEGRAM:
            return await self._telegram.answer(request)
        if host == WEBHOOK:
            return await self._screen(request)
        if host in self._apps.hosts:
            return await self._apps.answer(self._apps.hosts[host], request)
        return web.Response(status=404, text="tidak ada di sini")

    async def _screen(self, request: web.Request) -> web.Response:
        """Take a page as the wall screen does: JSON with `text`, for the receiver that it names (else the last part of the path)."""
        try:
            given = json.loads(await request.text())
        except ValueError:
            return web.json_response({"status": False, "reason": "JSON tidak terbaca"}, status=400)
        if not isinstance(given, dict) or not isinstance(given.get("text"), str):
            return web.json_response({"status": False, "reason": "tanpa text"}, status=422)
        to = str(given.get("receiver") or request.path.rpartition("/")[2])
        await self._phones.arrive("webhook", to, given["text"])
        return web.json_response({"status": True})
