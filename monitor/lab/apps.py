"""The applications of the OPD: small login pages as such portals have, and the faults they fall ill with."""

import asyncio
import datetime as dt
import html
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web

from monitor.core.city import City
from monitor.core.errors import PantauError

MODES = ("ok", "slow", "500", "hang", "defaced", "expired", "stale")
_HANGS = 120.0
_SLOWNESS = 0.6  # of the check's time-out: late, but it answers
_DEFACEMENT = '<div style="position:absolute;left:-9999px"><a href="#">SLOT GACOR hari ini maxwin togel 4D</a></div>'
_WORDS = "slot gacor hari ini situs maxwin togel"

_PAGE = """<!doctype html>
<html lang="id"><head><meta charset="utf-8"><title>{title} - Pemerintah Kota Pasuruan</title></head>
<body><header><h1>{title}</h1><p>{owner}</p></header>
<main><form method="post" action="/login"><h2>Masuk</h2>
<label>Nama pengguna <input name="username" autocomplete="username"></label>
<label>Kata sandi <input name="password" type="password" autocomplete="current-password"></label>
<button>Masuk</button></form><p>{expected}</p>{more}</main>
<footer>Data diperbarui {updated} WIB. Hak cipta {year} Pemerintah Kota Pasuruan.</footer></body></html>
"""


class Apps:
    """Serves the applications of a city by their host names; each has a mode of `MODES`."""

    def __init__(self, city: City) -> None:
        self._city = city
        self.hosts = {urlsplit(app.url).hostname or "": app.id for app in city.applications.values()}
        self._modes = dict.fromkeys(city.applications, "ok")
        self._checks = {
            app: [check for check in city.checks.values() if check.node == app and check.kind == "http"] for app in city.applications
        }

    def mode(self, app: str) -> str:
        """The mode an application is in."""
        return self._modes[app]

    def set_mode(self, app: str, mode: str) -> str:
        """Put an application into a mode; returns a line for people, raises PantauError for what there is not."""
        if app not in self._modes:
            raise PantauError(f"{app}: no such application; there are {', '.join(self._modes)}")
        if mode not in MODES:
            raise PantauError(f"{app}: no such mode {mode!r}; there are {', '.join(MODES)}")
        self._modes[app] = mode
        return f"{app}: {mode}"

    async def answer(self, app: str, request: web.Request) -> web.StreamResponse:
        """Answer as the application does in its mode."""
        mode = self._modes[app]
        if mode == "hang":
            await asyncio.sleep(_HANGS)
        elif mode == "slow":
            await asyncio.sleep(_SLOWNESS * min((check.timeout for check in self._checks[app]), default=5.0))
        elif mode == "500":
            return web.Response(status=500, text="<h1>500 Internal Server Error</h1>", content_type="text/html")
        now = dt.datetime.now(dt.UTC) + dt.timedelta(hours=self._city.utc_offset)
        updated = now - dt.timedelta(days=90 if mode == "stale" else 0)
        expected = self._expected_json(app)
        if expected is not None and ("json" in request.path or "api" in request.path):
            return web.json_response({**expected, "diperbarui": updated.isoformat(timespec="seconds")})
        return web.Response(text=self._page(app, updated, defaced=mode == "defaced"), content_type="text/html")

    def _page(self, app: str, updated: dt.datetime, *, defaced: bool) -> str:
        node = self._city.nodes.get(app)
        owner = self._city.nodes.get(node.owner) if node else None
        wanted = [str(text) for check in self._checks[app] for text in _texts(check.options.get("expect_text"))]
        return _PAGE.format(
            title=html.escape(node.name if node else app) + (f" | {_WORDS}" if defaced else ""),
            owner=html.escape(owner.name if owner else "Pemerintah Kota"),
            expected=" ".join(html.escape(text, quote=False) for text in wanted),
            more=_DEFACEMENT if defaced else "",
            updated=updated.strftime("%d-%m-%Y %H.%M"),
            year=updated.year,
        )

    def _expected_json(self, app: str) -> Mapping[str, object] | None:
        for check in self._checks[app]:
            wanted = check.options.get("expect_json")
            if isinstance(wanted, Mapping):
                return {str(key): value for key, value in wanted.items()}
        return None


def _texts(wanted: object) -> list[object]:
    return list(wanted) if isinstance(wanted, list | tuple) else [] if wanted is None else [wanted]
