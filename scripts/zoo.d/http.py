"""The servers of tests/zoo_http.py beside bare aiohttp and blackbox_exporter.

Each looks from a process of its own, with the same time-out and as a careful person would set it up: the authority of the zoo, the name
of the server, the word that the page must hold. What it takes of memory is the growth of its peak (VmHWM, proc(5)).
"""

import importlib.metadata
import json
import re
import ssl
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bench_peers
import zoo_peers as peers
from zoo_peers import Case, Said, Well

from monitor.core.verdict import Verdict
from monitor.probes import Vantage
from monitor.probes.deadline import look_at
from monitor.probes.faults import verdict_of
from tests import zoo_http as zoo
from tests.certificates import PORTAL
from tests.certificates import ROOT as AUTHORITY
from tests.zoo_http import FEW_SECONDS, ZOO, Animal, settings

PAGE, CASE = "docs/zoo.md", "server"
PEERS = ("aiohttp", "blackbox_exporter")
HEAD = """# The zoo: what others say of the same servers

`tests/zoo_http.py` keeps {count} servers that do HTTP and TLS in every way that was ever seen. `tests/test_probes_http_zoo.py` holds
Pantau to the verdict, the reason and the bounds of each. Here the same servers were looked at by bare aiohttp {aiohttp} (`session.get`,
`raise_for_status`, `text`) and by blackbox_exporter {blackbox} too, each with a time-out of {timeout:g} s, the zoo's authority, the
server's name, and the word that the page must hold where there is one; blackbox_exporter is told which packing to expect. **Bold**: its
OK or FAIL is not ours. Told besides: memory that grew by more than {worth} MiB, and time over twice the time-out.

Not ours is not always wrong. A server of TLS 1.0 is FAIL to those who refuse to speak it, and WARN here; a redirect to a stranger is OK to
those who were not asked to mind; a bomb is OK to those who unpack it, or who were not asked for a word and throw it away.
Made anew by `scripts/zoo http`. Devices that speak SNMP: [zoo-snmp.md](zoo-snmp.md), pings: [zoo-icmp.md](zoo-icmp.md), name servers:
[zoo-dns.md](zoo-dns.md).
"""


def case_of(animal: Animal) -> Case:
    """What the tests hold us to."""
    return Case(animal.name, verdict_of(animal.reason) if animal.reason else Verdict.OK, animal.reason, FEW_SECONDS)


HOUSES = {house: [case_of(animal) for animal in animals] for house, animals in zoo.HOUSES.items()}


def head() -> str:
    """What stands above the tables."""
    return HEAD.format(
        count=len(ZOO),
        aiohttp=importlib.metadata.version("aiohttp"),
        blackbox=peers.version("prometheus-blackbox-exporter"),
        timeout=FEW_SECONDS,
        worth=peers.WORTH_SAYING,
    )


async def as_pantau(asked: Mapping[str, object]) -> Well:
    """Look as the daemon does."""
    async with Vantage.of() as vantage:
        return peers.said_by_us(await look_at("http", str(asked["url"]), dict(asked["options"]), FEW_SECONDS, vantage))  # type: ignore[call-overload]


async def as_aiohttp(asked: Mapping[str, object]) -> Well:
    """Look as a few lines of aiohttp do."""
    url, options = str(asked["url"]), dict(asked["options"])  # type: ignore[call-overload]
    context = ssl.create_default_context(cafile=str(options["ca"])) if "ca" in options else True
    name = str(options.get("server_name", PORTAL)) if "ca" in options else None
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=FEW_SECONDS)) as session,
            session.request(
                str(options.get("method", "GET")), url.replace(PORTAL, "127.0.0.1"), ssl=context, server_hostname=name
            ) as answer,
        ):
            answer.raise_for_status()
            text = await answer.text()
    except (aiohttp.ClientError, TimeoutError, ValueError, MemoryError) as error:
        return False, type(error).__name__
    word = str(options.get("expect_text", ""))
    return word in text, "" if word in text else "word missing"


def modules(folder: Path) -> str:
    """The modules of blackbox_exporter: one for each animal, whose options differ."""
    tls = {"ca_file": str(folder / f"{AUTHORITY}.pem")}
    found = {}
    for number, animal in enumerate(ZOO):
        asked: dict[str, object] = {"preferred_ip_protocol": "ip4", "method": animal.options.get("method", "GET")}
        if animal.scheme == "https":
            asked["tls_config"] = {**tls, "server_name": animal.options.get("server_name", PORTAL)}
        if packing := re.search(r"gzip|deflate", animal.name):
            asked["compression"] = packing[0]
        if "expect_text" in animal.options:
            asked["fail_if_body_not_matches_regexp"] = [animal.options["expect_text"]]
        found[f"a{number}"] = {"prober": "http", "timeout": f"{FEW_SECONDS}s", "http": asked}
    return json.dumps({"modules": found})


async def looks(folder: Path) -> AsyncIterator[tuple[Case, Sequence[Said]]]:
    """Yield each animal with what each program said of it."""
    settings(next(animal for animal in ZOO if animal.scheme == "https"), folder)
    children = [peers.Child(__file__, name) for name in ("pantau", "aiohttp")]
    with bench_peers.blackbox(modules(folder), folder) as blackbox:
        for number, animal in enumerate(ZOO):
            said = []
            for child in children:
                async with animal.awake(folder) as port:
                    said.append(await child.look(FEW_SECONDS, url=animal.url.format(port=port), options=settings(animal, folder)))
            async with animal.awake(folder) as port:
                target = animal.url.format(port=port).replace(PORTAL, "127.0.0.1")
                said.append(await peers.ask_blackbox(blackbox, f"a{number}", target, FEW_SECONDS))
            yield case_of(animal), said
    for child in children:
        await child.end()


if __name__ == "__main__":
    peers.serve({"pantau": as_pantau, "aiohttp": as_aiohttp}[sys.argv[1]])
