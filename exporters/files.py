"""The few files of the page (its looks, its script, its signs), read once: no descriptor is needed to hand them out, nor left open."""

import hashlib
import mimetypes
from pathlib import Path

from aiohttp import web

STATIC = Path(__file__).parent / "static"


class Files:
    """Hands out what lies in the folder of the page; a browser asks each time whether it still has the right one (RFC 9110, 13.1.2)."""

    def __init__(self) -> None:
        self._kept = {path.name: (path.read_bytes(), mimetypes.guess_type(path.name)[0] or "") for path in STATIC.iterdir()}
        self._tags = {name: f'"{hashlib.sha256(body).hexdigest()[:16]}"' for name, (body, _) in self._kept.items()}

    async def file(self, request: web.Request) -> web.Response:
        """Answer with the file, or that it is still the same."""
        name = request.match_info["name"]
        if name not in self._kept:
            return web.Response(status=404, text="there is no such file\n")
        body, kind = self._kept[name]
        headers = {"ETag": self._tags[name], "Cache-Control": "no-cache"}
        if self._tags[name] in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type=kind, headers=headers)
