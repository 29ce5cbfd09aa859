"""The pages of the zoos show every case as the tests hold us to it; what others said of them was measured, and is not measured here."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.core.verdict import Reason, Verdict
from monitor.probes.faults import verdict_of
from tests import test_probes_dns, test_probes_icmp_zoo
from tests.zoo_http import ZOO
from tests.zoo_snmp import DEVICES, LIARS, RECORDINGS, recordings
from tests.zoo_snmp_v3 import MAMMALS

DOCS = Path(__file__).resolve().parent.parent / "docs"
Case = tuple[str, Verdict, Reason | None]


def web_servers() -> Iterator[Case]:
    for animal in ZOO:
        yield animal.name, verdict_of(animal.reason) if animal.reason else Verdict.OK, animal.reason


def devices() -> Iterator[Case]:
    """By the back end `fast`, where the two differ."""
    for animal in (*recordings(RECORDINGS), *DEVICES, *LIARS):
        yield animal.name, animal.verdict, animal.reason
    for mammal in MAMMALS:
        yield f"v3: {mammal.name}", mammal.fast or mammal.verdict, None if mammal.fast else mammal.reason


def pings() -> Iterator[Case]:
    for lie, old in test_probes_icmp_zoo.CASES:
        yield f"{lie.name}, IPv{4 if old else 6}", lie.verdict, lie.reason


def name_servers() -> Iterator[Case]:
    for case in test_probes_dns.CASES:
        yield case.name, case.verdict, case.reason


PAGES = {"zoo.md": web_servers, "zoo-snmp.md": devices, "zoo-icmp.md": pings, "zoo-dns.md": name_servers}


@pytest.mark.parametrize("page", PAGES)
def test_the_page_of_a_zoo_shows_every_case_as_it_is(page: str) -> None:
    rows = re.findall(r"^\| ([^|]+) \| (\w+)(?: `(\w+)`)? \|", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
    shown = [(name, Verdict(verdict), Reason(reason) if reason else None) for name, verdict, reason in rows if verdict in set(Verdict)]
    assert shown == list(PAGES[page]()), f"scripts/zoo writes docs/{page}"
