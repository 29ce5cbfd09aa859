"""A double of the Telegram Bot API (core.telegram.org/bots/api): sendMessage and getMe, with its limits.

At most 30 messages a second over all, one a second a chat (bursts of a few pass, as with the real one), 20 a minute a group;
beyond that 429 with `retry_after`. HTML that Telegram would not parse is refused with its own words.
"""

import html
import json
import re
import time
from collections import deque
from collections.abc import Mapping
from html.parser import HTMLParser

from aiohttp import web

from monitor.lab.phones import Phones

_TAGS = frozenset({"b", "strong", "i", "em", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"})
_LONGEST = 4096
_A_MINUTE_A_GROUP = 20
_A_SECOND = 30
_PATH = re.compile(r"^/bot(?P<token>[0-9]+:[A-Za-z0-9_-]+)/(?P<method>[A-Za-z]+)$")


class Telegram:
    """Answers as the Bot API does and hands what was sent to the phones; `tokens` are the bots there are (none given: any)."""

    def __init__(self, phones: Phones, tokens: frozenset[str]) -> None:
        self._phones = phones
        self._tokens = tokens
        self._all: deque[float] = deque()
        self._chats: dict[str, deque[float]] = {}

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one call of the API."""
        match = _PATH.match(request.path)
        if match is None:
            return _refuse(404, "Not Found")
        if self._tokens and match["token"] not in self._tokens:
            return _refuse(401, "Unauthorized")
        if match["method"] == "getMe":
            return _accept({"id": int(match["token"].split(":")[0]), "is_bot": True, "first_name": "Pantau", "username": "pantau_bot"})
        if match["method"] != "sendMessage":
            return _refuse(404, "Not Found: method not found")
        return await self._send(await _parameters(request))

    async def _send(self, given: Mapping[str, object]) -> web.Response:
        chat, text = str(given.get("chat_id", "")), str(given.get("text", ""))
        if not chat:
            return _refuse(400, "Bad Request: chat_id is empty")
        if not text.strip():
            return _refuse(400, "Bad Request: message text is empty")
        trouble = unparsed(text) if given.get("parse_mode") == "HTML" else ""
        if trouble:
            return _refuse(400, f"Bad Request: can't parse entities: {trouble}")
        plain = _plain(text) if given.get("parse_mode") == "HTML" else text
        if len(plain.encode("utf-16-le")) // 2 > _LONGEST:
            return _refuse(400, "Bad Request: message is too long")
        pause = self._pause(chat, time.monotonic())
        if pause:
            return _refuse(429, f"Too Many Requests: retry after {pause}", {"retry_after": pause})
        number = await self._phones.arrive("telegram", chat, plain)
        return _accept({"message_id": number, "date": int(time.time()), "chat": {"id": chat, "type": "supergroup"}, "text": plain})

    def _pause(self, chat: str, now: float) -> int:
        """Return for how many seconds the chat must wait, 0 when the message may pass (and counts)."""
        group = self._chats.setdefault(chat, deque())
        for sent, window in ((self._all, 1.0), (group, 60.0)):
            while sent and sent[0] <= now - window:
                sent.popleft()
        if len(self._all) >= _A_SECOND:
            return 1
        if len(group) >= _A_MINUTE_A_GROUP:
            return max(1, int(group[0] + 60.0 - now) + 1)
        self._all.append(now)
        group.append(now)
        return 0


async def _parameters(request: web.Request) -> Mapping[str, object]:
    if request.content_type == "application/json":
        try:
            given = json.loads(await request.text())
        except ValueError:
            return {}
        return given if isinstance(given, dict) else {}
    return {**request.query, **{key: str(value) for key, value in (await request.post()).items()}}


def _accept(result: Mapping[str, object]) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _refuse(code: int, description: str, parameters: Mapping[str, object] | None = None) -> web.Response:
    body: dict[str, object] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return web.json_response(body, status=code)


class _Entities(HTMLParser):
    """Reads Telegram's HTML: only its tags, each closed by its own end."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.trouble = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's signature
        if tag not in _TAGS:
            self.trouble = self.trouble or f'Unsupported start tag "{tag}"'
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.trouble = self.trouble or f'Unmatched end tag "{tag}"'


def unparsed(text: str) -> str:
    """Say what Telegram's parser would refuse in this HTML; empty when nothing."""
    reader = _Entities()
    reader.feed(text)
    reader.close()
    return reader.trouble or (f'Can\'t find end tag corresponding to start tag "{reader.open[-1]}"' if reader.open else "")


def _plain(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", text))
