"""The page in a real browser: phone width, live without loading anew, plain without scripts, and never a request to anywhere else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from exporters.view import Bell, View
from exporters.web import application
from monitor.engine import Engine
from tests.conftest import need
from tests.town import NOW, cut_engine, engine_of, town

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE: ViewportSize = {"width": 390, "height": 844}


class Stage:
    """A served view whose engine can be exchanged."""

    def __init__(self) -> None:
        self.engine, self.bell = engine_of(town()), Bell()
        self.server = TestServer(application(View(engine=lambda: self.engine, now=lambda: NOW, bell=self.bell), pace=0))

    def play(self, engine: Engine) -> None:
        self.engine = engine
        self.bell.ring()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    program = need("chromium")
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=program, args=CHROMIUM)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(browser: Browser, stage: Stage, *, scripts: bool = True, scheme: Literal["dark", "light"] = "dark") -> AsyncIterator[Page]:
    """Open the page in a context of its own; any complaint of the browser fails the test."""
    context = await browser.new_context(viewport=PHONE, java_script_enabled=scripts, color_scheme=scheme)
    page, complaints = await context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if str(stage.server.make_url("/")) not in request.url else None)
    await page.goto(str(stage.server.make_url("/?lang=id")), wait_until="load")
    yield page
    assert complaints == []
    await context.close()


async def test_the_page_in_a_real_browser() -> None:
    """One browser for all promises of the page, since its start is what costs."""
    async with asyncio.timeout(60), chromium() as browser:
        for promise in (changes_without_loading_anew, fits_a_phone, reads_without_scripts, dark_and_light, keeps_what_is_opened):
            stage = Stage()
            async with stage.server:
                await promise(browser, stage)
        await says_when_it_is_blind(browser)


async def changes_without_loading_anew(browser: Browser, stage: Stage) -> None:
    """A cut appears on the open page by itself, and goes again."""
    async with opened(browser, stage) as page:
        await page.evaluate("window.same = true")
        assert await page.title() == "Pantau · Kota Pasuruan"
        stage.play(cut_engine())
        await page.wait_for_selector("#headline h1:has-text('1 gangguan: Kecamatan Gadingrejo')")
        await page.wait_for_selector("#incident-g17:has-text('Kabid (belum sampai)')")
        assert await page.locator(".dot.down").count() == 1
        assert await page.locator(".dot.shadowed").count() == 4
        assert await page.title() == "(1) Pantau · Kota Pasuruan"
        stage.play(engine_of(town()))
        await page.wait_for_selector("#headline h1:has-text('Semua normal')")
        assert await page.locator(".card").count() == 0
        assert await page.evaluate("window.same") is True


async def fits_a_phone(browser: Browser, stage: Stage) -> None:
    """Nothing is wider than the phone, the sentence is on the first screen, and no sign is only a colour."""
    stage.play(cut_engine())
    async with opened(browser, stage) as page:
        await page.evaluate("document.querySelectorAll('details').forEach((list) => list.open = true)")
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        names = await page.evaluate("[...document.querySelectorAll('.row .name')].map((name) => name.scrollWidth <= name.clientWidth)")
        assert all(names), "no name is cut"
        box = await page.locator("#headline h1").bounding_box()
        assert box
        assert box["y"] + box["height"] < PHONE["height"] / 2
        shapes = await page.evaluate(
            "[...new Set([...document.querySelectorAll('.city .dot use')].map((use) => use.getAttribute('href')))]"
        )
        assert {"#sign-up", "#sign-down", "#sign-shadowed"} <= set(shapes)


async def reads_without_scripts(browser: Browser, stage: Stage) -> None:
    """Without scripts everything is on the page, the round trips too."""
    stage.play(cut_engine())
    async with opened(browser, stage, scripts=False) as page:
        text = await page.inner_text("body")
        assert "1 gangguan: Kecamatan Gadingrejo, 4 situs di belakangnya, sejak 13.54 WIB" in text
        assert "4 ms" in text


async def dark_and_light(browser: Browser, stage: Stage) -> None:
    """Dark and light follow the system's wish."""
    grounds = set()
    schemes: tuple[Literal["dark", "light"], ...] = ("dark", "light")
    for scheme in schemes:
        async with opened(browser, stage, scheme=scheme) as page:
            grounds.add(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == {"rgb(10, 16, 23)", "rgb(245, 243, 238)"}


async def keeps_what_is_opened(browser: Browser, stage: Stage) -> None:
    """A list that somebody opened stays open when it changes under him."""
    async with opened(browser, stage) as page:
        await page.click("#group-kec-gadingrejo summary")
        stage.play(cut_engine())
        await page.wait_for_selector("#row-kel-a0.shadowed")
        stage.play(engine_of(town()))
        await page.wait_for_selector("#row-kel-a0.up")
        assert await page.locator("#group-kec-gadingrejo details").evaluate("(group) => group.open") is True


async def says_when_it_is_blind(browser: Browser) -> None:
    """When the daemon is gone the page says that it may be wrong."""
    stage = Stage()
    await stage.server.start_server()
    context = await browser.new_context(viewport=PHONE)
    page = await context.new_page()
    await page.goto(str(stage.server.make_url("/?lang=id")), wait_until="load")
    assert not await page.is_visible("#lost")
    await stage.server.close()
    await page.wait_for_selector("#lost:visible", timeout=20_000)
    assert "mungkin sudah tidak berlaku" in await page.inner_text("#lost")
    await context.close()
