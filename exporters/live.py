"""The page while it is open: whoever watches is sent the parts that changed, by server-sent events.

One feed a language keeps the parts as they were last seen, each with the version at which it changed; so a hundred browsers
cost one drawing. A browser says which version it has (in the page, later by Last-Event-ID) and gets what is newer.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator

from exporters.page import parts, steady, whole
from exporters.view import Bell, View

HEARTBEAT = 10.0


class Feed:
    """The page in one language, as it was when it was last drawn."""

    def __init__(self, view: View, language: str) -> None:
        self._view, self.language = view, language
        self._era = ""
        self._version = 0
        self._html: dict[str, str] = {}
        self._steady: dict[str, tuple[int, str]] = {}
        self._figures: dict[str, tuple[int, str]] = {}
        self._drawing = asyncio.Lock()

    @property
    def seen(self) -> str:
        """The version of what is kept: `era.number`; another era is another city or another daemon."""
        return f"{self._era}.{self._version}"

    async def draw(self) -> None:
        """Look at the city and keep what changed; gives way to other work between the parts."""
        async with self._drawing:
            html: dict[str, str] = {}
            for part, text in parts(self._view, self.language):
                html[part] = text
                await asyncio.sleep(0)
            self._keep(html)

    def _keep(self, html: dict[str, str]) -> None:
        if html.keys() != self._html.keys():
            self._era, self._version, self._steady, self._figures = secrets.token_hex(4), 0, {}, {}
        self._version += 1
        for part, text in html.items():
            still, figures = steady(text)
            if self._steady.get(part, (0, None))[1] != still:
                self._steady[part] = (self._version, still)
            for name, value in figures.items():
                if self._figures.get(name, (0, None))[1] != value:
                    self._figures[name] = (self._version, value)
        self._html = html

    def page(self) -> str:
        """Return the whole page as last drawn."""
        return whole(self._html, self.language, self.seen, self._view.engine().state.city.name)

    def since(self, seen: str) -> str | None:
        """Return the event that brings a browser from `seen` up to date, or nothing when it must load the page anew."""
        era, _, number = seen.partition(".")
        if era != self._era or not number.isdecimal():
            return None
        have = int(number)
        news = {
            "parts": {part: self._html[part] for part, (version, _) in self._steady.items() if version > have},
            "figures": {name: value for name, (version, value) in self._figures.items() if version > have},
        }
        return f"event: city\nid: {self.seen}\ndata: {json.dumps(news, ensure_ascii=False)}\n\n"


class Live:
    """Draws the feeds that somebody watches, at most once in `pace` seconds, and whenever the clock alone may have changed something."""

    def __init__(self, view: View, pace: float = 1.0) -> None:
        self._view, self._pace = view, pace
        self._feeds = {language: Feed(view, language) for language in ("id", "en")}
        self._watching: dict[str, int] = dict.fromkeys(self._feeds, 0)
        self._somebody = asyncio.Event()
        self._drawn = Bell()

    @property
    def watching(self) -> int:
        """How many browsers watch."""
        return sum(self._watching.values())

    async def page(self, language: str) -> str:
        """Draw the page now and return it."""
        feed = self._feeds[language]
        await feed.draw()
        return feed.page()

    async def run(self) -> None:
        """Draw for ever, while somebody watches."""
        heard = self._view.bell.rings
        while True:
            await self._somebody.wait()
            try:
                async with asyncio.timeout(HEARTBEAT):
                    heard = await self._view.bell.after(heard)
            except TimeoutError:
                heard = self._view.bell.rings
            for language, number in self._watching.items():
                if number:
                    await self._feeds[language].draw()
            self._drawn.ring()
            await asyncio.sleep(self._pace)

    async def events(self, language: str, seen: str) -> AsyncGenerator[str, None]:
        """Yield what is newer than `seen`, then everything that changes, until the browser goes or must load the page anew."""
        feed = self._feeds[language]
        self._watching[language] += 1
        self._somebody.set()
        try:
            await feed.draw()
            while (event := feed.since(seen)) is not None:
                yield event
                seen = feed.seen
                await self._drawn.after(self._drawn.rings)
            yield "event: reload\ndata: {}\n\n"
        finally:
            self._watching[language] -= 1
            if not self.watching:
                self._somebody.clear()
