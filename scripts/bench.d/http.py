"""HTTP and HTTPS beside blackbox_exporter and curl: the same page of one nginx, over and over, a new connection and handshake each time.

What is measured is CPU (user and system) a look: ours is `look` with its task and verdict in this process, as the daemon looks;
theirs is the exporter's from /proc, asked by its HTTP API over kept connections, its serving of the answer included
(that is how it is used); curl's is one process that fetches them all (`--parallel`). nginx' own CPU counts for nobody.
`burst`: `AT_ONCE` looks at any time. `paced`: `RATE` looks a second, one by one, as a daemon does it.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parents[2]))

import bench_peers as peers

from tests.certificates import PORTAL, authority, certificate, key_of
from tests.certificates import ROOT as AUTHORITY

T = TypeVar("T")
LOOKS = 1_000
AT_ONCE = 100
RATE = 200.0
PACED = 600
ROUNDS = 5
GOALS = {("http", "burst"): 0.4, ("https", "burst"): 0.8, ("http", "paced"): 0.6, ("https", "paced"): 0.9}
NGINX = """daemon off; pid {folder}/pid; error_log stderr crit; worker_processes 1;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
scgi_temp_path {folder}; ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem; ssl_protocols TLSv1.2 TLSv1.3;
server {{ listen 127.0.0.1:{plain} backlog=1024; listen 127.0.0.1:{tls} ssl backlog=1024;
location / {{ return 200 "Portal layanan kota"; }} }} }}
"""


@dataclass(frozen=True)
class Site:
    """The page by one scheme: where it is, and the file of its authority."""

    scheme: str
    port: int
    ca: Path

    def options(self) -> Mapping[str, object]:
        """Options of our look."""
        tls = {"ca": str(self.ca)} if self.scheme == "https" else {}
        return {"expect_status": 200, "address": "127.0.0.1", **tls}


def bench() -> Iterator[dict[str, object]]:
    """Measure all sides against one nginx, in turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        modules = (
            "modules: {http: {prober: http, http: {preferred_ip_protocol: ip4}}, https: {prober: http, http: {preferred_ip_protocol: ip4, "
            f'tls_config: {{ca_file: "{folder / AUTHORITY}.pem", server_name: {PORTAL}}}}}}}}}'
        )
        with _nginx(folder) as sites, peers.blackbox(modules, folder) as exporter:
            for (scheme, way), goal in GOALS.items():
                site = sites[scheme]
                rounds = [(asyncio.run(_ours(site, way)), _theirs(exporter, site, way), _curl(site, way, folder)) for _ in range(ROUNDS)]
                ours, theirs, curl = (round(1e6 * min(side), 1) for side in zip(*rounds, strict=True))
                row = {"bench": f"{scheme}-{way}", "ours": ours, "peer": "blackbox_exporter", "theirs": theirs, "curl": curl}
                yield {**row, "unit": "us/look", "goal": goal}


@contextmanager
def _nginx(folder: Path) -> Iterator[Mapping[str, Site]]:
    plain, tls, config = peers.free_port(), peers.free_port(), folder / "nginx.conf"
    ca = authority(folder)
    (folder / "server.pem").write_bytes(key_of(PORTAL) + certificate(PORTAL, AUTHORITY))
    config.write_text(NGINX.format(folder=folder, plain=plain, tls=tls))
    with subprocess.Popen([peers.need("nginx"), "-c", str(config), "-p", str(folder)], stderr=subprocess.DEVNULL) as server:
        try:
            peers.await_port(plain, server)
            yield {"http": Site("http", plain, ca), "https": Site("https", tls, ca)}
        finally:
            server.terminate()


async def _ours(site: Site, way: str) -> float:
    from monitor.core.city import Check  # noqa: PLC0415 - a bench loads what it measures
    from monitor.core.rules import Grade  # noqa: PLC0415
    from monitor.garbage import quieten  # noqa: PLC0415
    from monitor.probes import Vantage  # noqa: PLC0415
    from monitor.probes.deadline import look  # noqa: PLC0415

    check = Check("bench/http", "bench", "http", f"{site.scheme}://{PORTAL}:{site.port}/", Grade.FIBRE, 60.0, 5.0, site.options())
    async with Vantage.of() as vantage:
        room = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with room:
                outcome = await look(check, vantage)
            if outcome.verdict != "OK":
                raise SystemExit(f"bench http: {outcome}")

        await one()
        quieten()  # as the daemon does
        before = peers.own_cpu()
        if way == "burst":
            await asyncio.gather(*(one() for _ in range(LOOKS)))
            return (peers.own_cpu() - before) / LOOKS
        loop, looks = asyncio.get_running_loop(), []
        start = loop.time()
        for number in range(PACED):
            await asyncio.sleep(max(0.0, start + number / RATE - loop.time()))
            looks.append(asyncio.create_task(one()))
        await asyncio.gather(*looks)
        return (peers.own_cpu() - before) / PACED


def _theirs(exporter: peers.Blackbox, site: Site, way: str) -> float:
    target = f"{site.scheme}://127.0.0.1:{site.port}/"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: exporter.ask(site.scheme, target), range(AT_ONCE)))
        before = peers.cpu_of(exporter.pid)
        count = LOOKS if way == "burst" else PACED
        asked = _paced(lambda: pool.submit(exporter.ask, site.scheme, target), count, 0.0 if way == "burst" else 1 / RATE)
        for each in asked:
            each.result()
        return (peers.cpu_of(exporter.pid) - before) / count


def _paced(act: Callable[[], T], count: int, apart: float) -> list[T]:
    start, done = time.monotonic(), []
    for number in range(count):
        time.sleep(max(0.0, start + number * apart - time.monotonic()))
        done.append(act())
    return done


def _curl(site: Site, way: str, folder: Path) -> float:
    """CPU of curl a page: all of them in one process at once, or one process each when paced (as a check in a shell does)."""
    page = f"{site.scheme}://{PORTAL}:{site.port}/"
    usual = [peers.need("curl"), "-sf", "-H", "Connection: close", "--cacert", str(site.ca), "--connect-to", f"::127.0.0.1:{site.port}"]
    before = os.times()
    if way == "burst":
        config = folder / "curl"
        config.write_text(f'url = "{page}"\noutput = /dev/null\n' * LOOKS)
        subprocess.run([*usual, "--no-progress-meter", "--parallel", "--parallel-max", str(AT_ONCE), "-K", str(config)], check=True)
        count = LOOKS
    else:
        count = PACED // 6
        _paced(lambda: subprocess.run([*usual, "-o", "/dev/null", page], check=True), count, 1 / RATE)
    after = os.times()
    return (after.children_user + after.children_system - before.children_user - before.children_system) / count
