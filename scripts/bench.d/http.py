"""Plain HTTP beside blackbox_exporter: the same page of one nginx, fetched over and over, a new connection each time.

What is measured is CPU (user and system) a look: ours is `look_at` with its task, options and verdict in this process;
theirs is the exporter's from /proc, asked by its HTTP API over one kept connection, its serving of the answer included
(that is how it is used). nginx' own CPU counts for neither.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bench_peers as peers

LOOKS = 1_500
AT_ONCE = 8
ROUNDS = 3
NGINX = """daemon off; pid {folder}/pid; error_log stderr crit; worker_processes 1;
events {{}}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
scgi_temp_path {folder}; server {{ listen 127.0.0.1:{port}; location / {{ return 200 "Portal layanan kota"; }} }} }}
"""


def bench() -> Iterator[dict[str, object]]:
    """Measure both sides against one nginx, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        modules = "modules: {http: {prober: http, http: {preferred_ip_protocol: ip4}}}"
        with _nginx(folder) as url, peers.blackbox(modules, folder) as exporter:
            rounds = [(asyncio.run(_ours(url)), exporter.cost("http", [url] * LOOKS)) for _ in range(ROUNDS)]
    ours, theirs = (round(1e6 * min(side), 1) for side in zip(*rounds, strict=True))
    yield {"bench": "http-plain", "ours": ours, "peer": "blackbox_exporter", "theirs": theirs, "unit": "us/look", "goal": 0.8}


@contextmanager
def _nginx(folder: Path) -> Iterator[str]:
    port, config = peers.free_port(), folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port))
    with subprocess.Popen([peers.need("nginx"), "-c", str(config), "-p", str(folder)], stderr=subprocess.DEVNULL) as server:
        try:
            peers.await_port(port, server)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()


async def _ours(url: str) -> float:
    from monitor.probes import Vantage  # noqa: PLC0415 - a bench loads what it measures
    from monitor.probes.deadline import look_at  # noqa: PLC0415

    async with Vantage.of() as vantage:
        room = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with room:
                outcome = await look_at("http", url, {"expect_status": 200}, 5.0, vantage)
            if outcome.verdict != "OK":
                raise SystemExit(f"bench http: {outcome}")

        await one()
        before = peers.own_cpu()
        await asyncio.gather(*(one() for _ in range(LOOKS)))
        return (peers.own_cpu() - before) / LOOKS
