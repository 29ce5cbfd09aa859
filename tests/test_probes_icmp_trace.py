"""The way to an address: who answers at each step, where it ends, and who says so."""

import asyncio
import ipaddress
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from monitor.probes.icmp_pool import pack
from monitor.probes.icmp_trace import FARTHEST, Way, trace
from tests.ground import own_network
from tests.liars import Habit, Liars, Packet, honest, liars, silent

TARGET, TARGET_6 = "198.18.9.9", "2001:db8::9:9"


@pytest.fixture(name="net")
async def _net() -> AsyncIterator[Liars]:
    with own_network(), liars() as made:
        yield made


def routers(*steps: str, then: Habit) -> Habit:
    """Who lets packets die, step by step (empty: somebody who says nothing); farther on it goes as `then` will."""

    def habit(asked: Packet) -> list[Packet | bytes]:
        if asked.ttl > len(steps):
            return list(then(asked))
        router = steps[asked.ttl - 1]
        kind = 11 if asked.old else 3
        return [replace(asked.error(kind, 0), source=ipaddress.ip_address(router).packed)] if router else []

    return habit


def unreachable(asked: Packet) -> list[Packet]:
    """What the last router says when nobody is behind it."""
    return [asked.error(3, 1) if asked.old else asked.error(1, 3)]


async def way(net: Liars, target: str, habit: Habit, timeout: float) -> Way:
    net.live(target, habit)
    address = pack(target)
    assert address
    return await trace(address, timeout, 0.001)


async def test_every_router_on_the_way_is_named_and_the_target(net: Liars) -> None:
    steps = "198.18.0.2", "198.18.0.5", "198.18.0.6"
    assert await way(net, TARGET, routers(*steps, then=honest), 60) == Way((*steps, TARGET), reached=True)


async def test_the_way_ends_at_the_router_that_says_so(net: Liars) -> None:
    found = await way(net, TARGET, routers("198.18.0.2", then=unreachable), 60)
    assert found == Way(("198.18.0.2",), reached=False, end="198.18.0.2 says: host unreachable")


async def test_so_it_is_over_ipv6(net: Liars) -> None:
    steps = "2001:db8::2", "2001:db8::3"
    assert await way(net, TARGET_6, routers(*steps, then=honest), 60) == Way((*steps, TARGET_6), reached=True)
    found = await way(net, "2001:db8::9:8", routers(*steps, then=unreachable), 60)
    assert (found.routers, found.end) == (steps, "2001:db8::2 says: address unreachable")


async def test_who_is_silent_leaves_a_gap_and_what_follows_the_last_answer_is_left_out(net: Liars) -> None:
    assert await way(net, TARGET, routers("198.18.0.2", "", "198.18.0.6", then=silent), 0.1) == Way(
        ("198.18.0.2", "", "198.18.0.6"), reached=False
    )


async def test_where_nobody_answers_nothing_is_known(net: Liars) -> None:
    assert await way(net, TARGET, silent, 0.05) == Way((), reached=False)
    assert {asked.ttl for asked in net.heard} == set(range(1, FARTHEST + 1)), "each may pass one router more"


async def test_whoever_says_it_only_so_often_is_asked_again(net: Liars) -> None:
    refusals = itertools.count()

    def seldom(asked: Packet) -> list[Packet]:
        return [asked.error(3, 1)] if next(refusals) >= 100 else []

    assert await way(net, TARGET, seldom, 60) == Way((), reached=False, end="198.18.0.2 says: host unreachable")


async def test_a_loop_of_routes_shows_itself(net: Liars) -> None:
    found = await way(net, TARGET, routers(*["198.18.0.2", "198.18.0.5"] * (FARTHEST // 2), then=silent), 0.2)
    assert found.routers == ("198.18.0.2", "198.18.0.5") * (FARTHEST // 2)


async def test_our_own_kernel_says_that_there_is_no_way() -> None:
    with own_network():
        found = await asyncio.wait_for(trace(pack(TARGET) or b"", 60), 10)
    assert not found.routers
    assert "unreachable" in found.end.lower()
