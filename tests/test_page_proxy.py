"""The page behind the web server that an office has: nginx, configured by the committed example."""

import asyncio
from dataclasses import replace
from pathlib import Path

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from exporters.web import application
from tests.nginx import nginx
from tests.town import cut_engine, town, view_of

EXAMPLE = (Path(__file__).resolve().parent.parent / "deploy/nginx/pantau.conf").read_text(encoding="utf-8")


async def test_behind_nginx_the_page_answers_by_the_name_that_the_inventory_gives_it_and_news_arrive_at_once(tmp_path: Path) -> None:
    view = view_of(cut_engine(replace(town(), page="https://pantau.example")))
    named = {"Host": "pantau.example"}
    async with TestServer(application(view)) as server, ClientSession() as session:
        proxy = "server_name pantau.example; " + EXAMPLE.replace("127.0.0.1:9475", f"127.0.0.1:{server.port}")
        async with nginx(tmp_path, proxy) as (port,):
            await _ask(session, f"http://127.0.0.1:{port}", named)


async def _ask(session: ClientSession, url: str, named: dict[str, str]) -> None:
    async with session.get(url, headers=named) as answer:
        assert answer.status == 200
        assert 'id="incident-g17"' in await answer.text()
    async with session.get(f"{url}/events", headers=named) as stream, asyncio.timeout(10):
        assert (await stream.content.readline()).startswith(b"event:")
    async with session.get(url, headers={"Host": "elsewhere.example"}) as answer:
        assert answer.status == 421
