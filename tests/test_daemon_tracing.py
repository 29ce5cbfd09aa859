"""When an incident is opened the daemon asks how far the way to its cause goes, once, and tells the engine."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from monitor.core.city import Check, City, Kind, Node
from monitor.core.events import Step, Traced
from monitor.core.rules import Grade
from monitor.daemon.tracing import AT_ONCE, Tracer
from monitor.probes import Vantage
from monitor.probes.icmp_trace import FARTHEST
from tests.ground import own_network
from tests.liars import ROUTER, Liars, Packet, liars
from tests.pages import AT, page
from tests.virtual import settle

TARGET = "198.18.9.9"


def _city(target: str, kind: str = "icmp") -> City:
    check = Check("kec/x", "kec", kind, target, Grade.CORE, 3, 2)
    nodes = {"kec": Node("kec", Kind.KECAMATAN, "Kec", checks=("kec/x",)), "link": Node("link", Kind.LINK, "Jalur")}
    return City("Uji", nodes=nodes, checks={check.id: check})


class Heard:
    """What the engine is told."""

    def __init__(self, city: City) -> None:
        self.told: asyncio.Queue[Traced] = asyncio.Queue()
        self.vantage = Vantage.of(["127.0.0.1:9"])
        self.tracer = Tracer(lambda: city, lambda: self.vantage, self.told.put_nowait, lambda: AT)

    async def next(self) -> Traced:
        async with asyncio.timeout(30):
            return await self.told.get()


@pytest.fixture(name="net")
async def _net() -> AsyncIterator[Liars]:
    with own_network(), liars() as made:
        yield made


def _dead(asked: Packet) -> list[Packet]:
    return [asked.error(11, 0) if asked.ttl == 1 else asked.error(3, 1)]


FOUND = Traced(AT, "g17", "kec", (ROUTER,), reached=False, end=f"{ROUTER} says: host unreachable")


async def test_the_way_is_traced_once_whoever_else_is_told(net: Liars) -> None:
    net.live(TARGET, _dead)
    heard = Heard(_city(TARGET))
    for receiver in ("piket", "layar"):
        heard.tracer.heed(page(cause="kec", receiver=receiver))
    heard.tracer.heed(page(Step.UPDATE, cause="kec", incident="g18"))
    heard.tracer.heed(page(Step.END, cause="kec", incident="g19"))
    assert await heard.next() == FOUND
    assert heard.told.empty()


async def test_of_a_shared_risk_or_a_line_that_is_not_looked_at_the_first_member_that_is_shows_it(net: Liars) -> None:
    net.live(TARGET, _dead)
    heard = Heard(_city(f"https://{TARGET}/masuk", "http"))
    heard.tracer.heed(page(cause="pln-timur", members=("link", "kec")))
    assert await heard.next() == FOUND


@pytest.mark.parametrize("target", ["portal.pantau.test", "a" * 300, ""])
async def test_what_has_no_address_just_now_is_left_out_and_the_next_is_traced(net: Liars, target: str) -> None:
    net.live(TARGET, _dead)
    heard = Heard(_city(target))
    heard.tracer.heed(page(cause="kec"))
    heard.tracer.heed(page(cause="nobody", incident="g18"))
    await asyncio.sleep(0)
    after = Heard(_city(TARGET))
    after.tracer.heed(page(cause="kec"))
    assert await after.next() == FOUND
    await heard.tracer.stop()
    assert heard.told.empty()


async def test_of_a_hundred_incidents_at_once_the_first_few_are_traced_and_the_end_waits_for_none(net: Liars) -> None:
    heard = Heard(_city(TARGET))
    for number in range(100):
        heard.tracer.heed(replace(page(cause="kec"), incident=f"g{number}"))
    await settle()
    async with asyncio.timeout(2):
        await heard.tracer.stop()
    assert 0 < len(net.heard) <= AT_ONCE * FARTHEST
    assert heard.told.empty()
