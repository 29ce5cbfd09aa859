"""Calls of those whom we cannot reach, by `/push/TOKEN` or as Uptime Kuma's clients call: the one way in that changes anything.

A token is the whole key: it stands in no log, and the answer to a wrong one says nothing else.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from monitor.probes.push import WORDS, Answer, Call

TakeCall = Callable[[str, Call], Answer]
WELL = frozenset({"", "up", "ok"})
"""What a caller says who is well; whoever says anything else is not."""
LATEST_PING = 3_600_000.0
"""Milliseconds: nobody measured more."""
_STATUS = {Answer.TAKEN: 200, Answer.UNKNOWN: 404, Answer.TOO_OFTEN: 429}
_WORDS = {
    Answer.TAKEN: "diterima / taken",
    Answer.UNKNOWN: "tidak ada yang menunggu panggilan ini / nobody waits for this call",
    Answer.TOO_OFTEN: "terlalu sering / too often",
}


def nobody_waits(_token: str, _call: Call) -> Answer:
    """Take no call: for a daemon to which nobody calls."""
    return Answer.UNKNOWN


@dataclass(frozen=True, slots=True)
class Calls:
    """The handlers, over what takes a call."""

    take: TakeCall

    def routes(self) -> list[web.RouteDef]:
        """Return where one may call; whatever is sent as a body is not read, and to ask for the head only is no call."""
        ways = (("/push/{token}", self.plain), ("/api/push/{token}", self.as_json))
        return [way for path, handler in ways for way in (web.get(path, handler, allow_head=False), web.post(path, handler))]

    async def plain(self, request: web.Request) -> web.Response:
        """Answer in words."""
        answer = self._taken(request)
        return web.Response(status=_STATUS[answer], text=f"{_WORDS[answer]}\n")

    async def as_json(self, request: web.Request) -> web.Response:
        """Answer as Uptime Kuma does."""
        answer = self._taken(request)
        said = {"ok": True} if answer is Answer.TAKEN else {"ok": False, "msg": _WORDS[answer]}
        return web.Response(status=_STATUS[answer], text=json.dumps(said), content_type="application/json")

    def _taken(self, request: web.Request) -> Answer:
        asked = request.query
        words = "".join(letter for letter in asked.get("msg", "")[:WORDS] if letter.isprintable())
        return self.take(request.match_info["token"], Call(asked.get("status", "").lower() in WELL, words, _seconds(asked.get("ping", ""))))


def _seconds(ping: str) -> float | None:
    """Read milliseconds; what is no number, or no sensible one, is nothing."""
    try:
        found = float(ping[:20])
    except ValueError:
        return None
    return found / 1000 if math.isfinite(found) and 0 <= found <= LATEST_PING else None
