"""What is shipped beside the program is judged by the programs that will read it."""

import asyncio
import contextlib
import json
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

from exporters.metrics import METRICS
from exporters.view import Figures
from exporters.web import application
from tests.conftest import need
from tests.ground import free_port
from tests.town import NOW, cut_engine, view_of

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
RULES = DEPLOY / "prometheus/pantau.rules.yml"


def said(*command: str) -> str:
    """Return what the command says; it must say that all is well."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def queries() -> Iterator[str]:
    """Return every query of the dashboard."""
    for panel in json.loads((DEPLOY / "grafana/city.json").read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


def test_the_unit_exposes_little() -> None:
    judged = said(need("systemd-analyze"), "security", "--offline=true", "--no-pager", str(DEPLOY / "pantau.service"))
    score = re.search(r"exposure level for pantau.service: ([0-9.]+)", judged)
    assert score
    assert float(score[1]) <= 1.5


def test_the_unit_that_may_hear_traps_exposes_hardly_more(tmp_path: Path) -> None:
    whole = tmp_path / "pantau.service"
    whole.write_text("".join((DEPLOY / part).read_text(encoding="utf-8") for part in ("pantau.service", "traps.conf")), encoding="utf-8")
    judged = said(need("systemd-analyze"), "security", "--offline=true", "--no-pager", str(whole))
    score = re.search(r"exposure level for pantau.service: ([0-9.]+)", judged)
    assert score
    assert float(score[1]) <= 2.0


def test_the_unit_starts_what_the_operating_guide_installs() -> None:
    unit = (DEPLOY / "pantau.service").read_text(encoding="utf-8")
    assert "ExecStart=/opt/pantau/.venv/bin/pantau serve --config /etc/pantau/inventory.yaml" in unit
    assert "RestartPreventExitStatus=69 78" in unit


def test_ping_sockets_are_opened_for_any_group() -> None:
    lines = (DEPLOY / "sysctl.d/60-pantau.conf").read_text(encoding="utf-8").splitlines()
    assert "net.ipv4.ping_group_range = 0 2147483647" in lines


def test_prometheus_takes_the_scrape_examples_and_the_rules() -> None:
    promtool = need("promtool")
    for example in ("prometheus.yml", "compose.yml"):
        said(promtool, "check", "config", str(DEPLOY / "prometheus" / example))
    assert "SUCCESS" in said(promtool, "test", "rules", str(DEPLOY / "prometheus/pantau.rules.test.yml"))


def test_rules_and_dashboard_ask_only_for_metrics_that_exist() -> None:
    rules = [rule["expr"] for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    asked = {name.removesuffix("_bucket") for text in (*rules, *queries()) for name in re.findall(r"\bpantau_\w+", text)}
    assert asked <= METRICS.keys() | {"pantau_"}


def test_compose_and_provisioning_name_files_that_are_there() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    mounts = [mount.split(":")[0] for service in services.values() for mount in service.get("volumes", ())]
    assert all((DEPLOY / mount).exists() for mount in mounts if mount.startswith("./") and mount != "./city")
    assert (DEPLOY / services["pantau"]["build"]["context"] / services["pantau"]["build"]["dockerfile"]).exists()
    for file in (DEPLOY / "grafana/provisioning").rglob("*.yaml"):
        assert yaml.safe_load(file.read_text(encoding="utf-8"))["apiVersion"] == 1


class Scraped:
    """A served town that tells when it was scraped."""

    def __init__(self) -> None:
        figures = Figures(NOW - 60, {("telegram", "ok"): 3}, 0.004, NOW - 60, 0, "", 4096, {"events": 9})
        self._scrapes: asyncio.Queue[str] = asyncio.Queue()
        app = application(view_of(cut_engine(), figures=lambda: figures))
        app.middlewares.append(self._note)
        self.server = TestServer(app)

    @property
    def _note(self) -> web.middleware:  # type: ignore[valid-type]
        @web.middleware
        async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
            answer = await handler(request)
            if request.path == "/metrics":
                self._scrapes.put_nowait(request.path)
            return answer

        return note

    async def times(self, number: int) -> None:
        """Wait for so many scrapes; all but the last are in Prometheus then."""
        for _ in range(number):
            await self._scrapes.get()


@contextlib.asynccontextmanager
async def prometheus(folder: Path, target: str) -> AsyncIterator[str]:
    """Run a real Prometheus that scrapes the target every second and judges our rules; give its address."""
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(RULES)]
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    address = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    process = await asyncio.create_subprocess_exec(
        need("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://{address}/api/v1"
    finally:
        process.kill()
        await process.wait()


async def test_a_real_prometheus_scrapes_us_and_answers_every_query_of_the_dashboard(tmp_path: Path) -> None:
    scraped = Scraped()
    async with (
        asyncio.timeout(60),
        scraped.server,
        prometheus(tmp_path, f"127.0.0.1:{scraped.server.port}") as api,
        aiohttp.ClientSession() as asking,
    ):
        await scraped.times(4)
        for query in (*queries(), 'up{job="pantau"} == 1'):
            async with asking.get(f"{api}/query", params={"query": query}) as answer:
                found = await answer.json()
            assert found["status"] == "success", (query, found)
            assert found["data"]["result"], f"nothing answers {query}"
        async with asking.get(f"{api}/rules") as answer:
            rules = (await answer.json())["data"]["groups"][0]["rules"]
        assert [rule["lastError"] for rule in rules if rule.get("lastError")] == []
