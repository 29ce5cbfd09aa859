"""A real nginx on loopback, for those that stand behind it or look at it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.conftest import need

_CONFIG = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr warn; events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    {servers}
}}
"""


@asynccontextmanager
async def nginx(folder: Path, *servers: str, tls: bool = False) -> AsyncIterator[list[int]]:
    """Yield a port for each of these server blocks; they serve sockets that listen already, so nobody waits for them."""
    with contextlib.ExitStack() as open_here:
        sockets = [open_here.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in servers]
        ports = [int(each.getsockname()[1]) for each in sockets]
        secure = " ssl" if tls else ""
        blocks = [f"server {{ listen 127.0.0.1:{port}{secure}; {words} }}" for port, words in zip(ports, servers, strict=True)]
        config = folder / "nginx.conf"
        config.write_text(_CONFIG.format(folder=folder, servers="\n".join(blocks)), encoding="utf-8")
        inherited = [each.fileno() for each in sockets]
        process = await asyncio.create_subprocess_exec(
            need("nginx"),
            "-c",
            str(config),
            "-p",
            str(folder),
            env={"NGINX": "".join(f"{each};" for each in inherited)},
            pass_fds=inherited,
        )
        try:
            yield ports
        finally:
            process.terminate()
            await process.wait()
