"""The page behind the web server that an office has: nginx, configured by the committed example."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from exporters.web import application
from tests.conftest import need
from tests.town import cut_engine, town, view_of

EXAMPLE = (Path(__file__).resolve().parent.parent / "deploy/nginx/pantau.conf").read_text(encoding="utf-8")
NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr warn; events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{ server_name pantau.example; {example} }}
}}
"""


@asynccontextmanager
async def nginx(folder: Path, behind: int) -> AsyncIterator[str]:
    """Yield the address of an nginx that passes on what it gets; it serves a socket that listens already, so nobody waits for it."""
    config = folder / "nginx.conf"
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        example = f"listen 127.0.0.1:{port};" + EXAMPLE.replace("127.0.0.1:9475", f"127.0.0.1:{behind}")
        config.write_text(NGINX.format(folder=folder, example=example), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            need("nginx"), "-c", str(config), "-p", str(folder), env={"NGINX": f"{sock.fileno()};"}, pass_fds=[sock.fileno()]
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            await process.wait()


async def test_behind_nginx_the_page_answers_by_the_name_that_the_inventory_gives_it_and_news_arrive_at_once(tmp_path: Path) -> None:
    view = view_of(cut_engine(replace(town(), page="https://pantau.example")))
    named = {"Host": "pantau.example"}
    async with TestServer(application(view)) as server, nginx(tmp_path, server.port or 0) as url, ClientSession() as session:
        async with session.get(url, headers=named) as answer:
            assert answer.status == 200
            assert 'id="incident-g17"' in await answer.text()
        async with session.get(f"{url}/events", headers=named) as stream, asyncio.timeout(10):
            assert (await stream.content.readline()).startswith(b"event:")
        async with session.get(url, headers={"Host": "elsewhere.example"}) as answer:
            assert answer.status == 421
