"""ICMP looks: matched, timed and judged by what the kernel really does."""

import asyncio
import os
import resource
import select
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.core.city import Check
from monitor.core.errors import Exit, PantauError
from monitor.core.rules import Grade
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage, batch, look, look_many, ready
from monitor.probes.faults import Fault
from monitor.probes.icmp import judge
from monitor.probes.icmp_many import ping_many
from monitor.probes.icmp_pool import PingSockets, pack
from monitor.probes.icmp_socket import PingSocket, Shot
from tests.ground import PING_GROUPS, forge_reply, look_inside, own_network

HERE = b"\x7f\0\0\1"
MUTE = Path("/proc/sys/net/ipv4/icmp_echo_ignore_all")


@pytest.fixture(name="ground")
def ground_fixture() -> Iterator[None]:
    with own_network():
        yield


own_ground = pytest.mark.usefixtures("ground")


@pytest.fixture(name="vantage")
async def vantage_fixture(ground: None) -> AsyncIterator[Vantage]:
    del ground
    async with Vantage.of() as made:
        yield made


def check(target: str, timeout: float = 2.0, **options: object) -> Check:
    return Check(f"{target}/icmp", target, "icmp", target, Grade.CORE, 3, timeout, options)


async def ping(vantage: Vantage, target: str, timeout: float = 2.0, **options: object) -> Outcome:
    return await look(check(target, timeout, **options), vantage)


class Together:
    """Looks that begin together, `found` by target when all are there."""

    def __init__(self, vantage: Vantage, *checks: Check) -> None:
        self._left = len(checks)
        self._outcomes: dict[str, Outcome] = {}
        self.found: asyncio.Future[dict[str, Outcome]] = asyncio.get_running_loop().create_future()
        self.alone = look_many(checks, vantage, self._told)
        self._left -= len(self.alone)

    def _told(self, found: Sequence[tuple[Check, Outcome]]) -> None:
        self._outcomes.update((one.target, outcome) for one, outcome in found)
        self._left -= len(found)
        if not self._left:
            self.found.set_result(self._outcomes)


def shot_at(pingers: PingSockets, address: bytes) -> Shot:
    return pingers.shots([address], lambda _: None)[0]


@pytest.mark.parametrize("target", ["127.0.0.1", "127.9.8.7", "::1", "localhost"])
async def test_an_address_that_answers_is_ok_with_its_round_trip(vantage: Vantage, target: str) -> None:
    outcome = await ping(vantage, target, count=2, packet_interval=0.01)
    assert (outcome.verdict, outcome.reason, outcome.values["received"]) == (Verdict.OK, None, 2)
    assert outcome.seconds is not None
    assert 0 < outcome.seconds < 0.5


async def test_two_thousand_at_once_over_one_socket_lose_nothing(vantage: Vantage) -> None:
    addresses = [f"127.1.{at // 250}.{1 + at % 250}" for at in range(2000)]
    found = await ping_many(addresses, 2, 0.0, 2.0, vantage.share(PingSockets))
    assert [each.address for each in found.values() if each.received != 2] == []


class Volleys(PingSockets):
    """Ping sockets that say when a volley has come back."""

    def __init__(self, vantage: Vantage) -> None:
        super().__init__(vantage)
        self.back = asyncio.Event()

    def settle(self, pinger: PingSocket, shots: Sequence[Shot]) -> None:
        super().settle(pinger, shots)
        self.back.set()


async def test_who_has_seen_enough_of_a_ping_gets_the_sums_of_what_came(vantage: Vantage) -> None:
    volleys = vantage.share(Volleys)
    pinging = asyncio.create_task(ping_many(["127.0.0.1"], 1000, 60.0, 2.0, volleys))
    await volleys.back.wait()
    pinging.cancel()
    found = (await pinging)["127.0.0.1"]
    assert found.summary().startswith("127.0.0.1 : xmt/rcv/%loss = 1/1/0%, min/avg/max = ")


@own_ground
async def test_a_mistyped_address_is_no_name_and_lost_all_of_its_packets() -> None:
    line = (await batch.ping(["300.1.1.1"], 1, 0.0, 1.0))["300.1.1.1"].summary()
    assert line == "300.1.1.1 : xmt/rcv/%loss = 0/0/100% ('300.1.1.1' is no address, and no host name ends with a number)"


async def test_many_looks_at_once_share_the_socket_and_lose_nothing(vantage: Vantage) -> None:
    outcomes = await asyncio.gather(*(ping(vantage, f"127.2.0.{at}") for at in range(1, 200)))
    assert {outcome.verdict for outcome in outcomes} == {Verdict.OK}


async def test_silence_is_a_timeout_at_the_deadline(vantage: Vantage) -> None:
    MUTE.write_text("1")
    start = time.monotonic()
    outcome = await ping(vantage, "127.0.0.1", 0.2)
    assert (outcome.verdict, outcome.reason, outcome.seconds) == (Verdict.FAIL, Reason.TIMEOUT, None)
    assert 0.2 <= time.monotonic() - start < 1


@own_ground
async def test_only_the_address_that_was_asked_with_the_token_that_was_sent_is_a_reply() -> None:
    MUTE.write_text("1")
    pingers = PingSockets()
    shot = shot_at(pingers, HERE)
    pinger = pingers.send([shot])
    identity = pinger.socket.getsockname()[1]
    forge_reply(identity, shot.token[:2], shot.token, "127.0.0.9", "127.0.0.1")
    forge_reply(identity, shot.token[:2], bytes(8), "127.0.0.1", "127.0.0.1")
    pinger.receive()
    assert (shot.seconds, pinger.strays) == (None, 2)
    forge_reply(identity, shot.token[:2], shot.token, "127.0.0.1", "127.0.0.1")
    pinger.receive()
    first = shot.seconds
    assert first is not None
    forge_reply(identity, shot.token[:2], shot.token, "127.0.0.1", "127.0.0.1")
    pinger.receive()
    assert (shot.seconds, pinger.strays) == (first, 3), "a duplicate changes nothing"
    late = shot_at(pingers, HERE)
    pingers.settle(pingers.send([late]), [late])
    forge_reply(identity, late.token[:2], late.token, "127.0.0.1", "127.0.0.1")
    pinger.receive()
    assert (late.seconds, pinger.strays) == (None, 4), "a late reply changes nothing"
    pingers.close()


def stand_still(seconds: float) -> None:
    """Hold the loop as a bug of ours would."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@own_ground
async def test_a_loop_that_stands_still_does_not_lengthen_the_round_trip() -> None:
    pingers = PingSockets()
    shot = shot_at(pingers, HERE)
    pinger = pingers.send([shot])
    stand_still(0.1)
    pinger.receive()
    assert shot.seconds is not None
    assert shot.seconds < 0.05
    pingers.close()


@own_ground
@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_a_clock_that_is_set_does_not_bend_the_round_trip(monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    pingers = PingSockets()
    shot = shot_at(pingers, HERE)
    pinger = pingers.send([shot])
    wall = time.time
    monkeypatch.setattr(time, "time", lambda: wall() + step)
    pinger.receive()
    assert shot.seconds is not None
    assert 0 < shot.seconds < 0.5
    pingers.close()


async def test_a_reply_that_came_in_time_counts_though_our_loop_read_it_late(vantage: Vantage) -> None:
    looking = asyncio.create_task(ping(vantage, "127.0.0.1", 0.05))
    await asyncio.sleep(0)
    stand_still(0.2)
    assert (await looking).verdict is Verdict.OK


async def test_silence_while_our_loop_stood_still_is_no_evidence(vantage: Vantage) -> None:
    MUTE.write_text("1")
    looking = asyncio.create_task(ping(vantage, "127.0.0.1", 0.05))
    await asyncio.sleep(0)
    stand_still(0.3)
    outcome = await looking
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.LOOP_LATE)


async def test_looks_that_begin_together_find_what_each_would_find_alone(vantage: Vantage) -> None:
    checks = [check(target) for target in ("127.0.0.1", "127.9.8.7", "::1", "198.18.0.1")]
    together = await Together(vantage, *checks, check("127.0.0.2", slow=1e-9)).found
    alone = {one.target: await look(one, vantage) for one in checks}
    assert {key: replace(together[key], seconds=None) for key in alone} == {key: replace(one, seconds=None) for key, one in alone.items()}
    assert [together[target].verdict for target in ("127.0.0.1", "::1", "198.18.0.1")] == [Verdict.OK, Verdict.OK, Verdict.UNSURE]
    assert 0 < (together["127.0.0.1"].seconds or 0) < 0.5
    assert (together["127.0.0.2"].verdict, together["127.0.0.2"].reason) == (Verdict.SLOW, Reason.SLOW_ANSWER)


async def test_what_is_more_than_one_packet_to_an_address_is_not_looked_at_together_with_others(vantage: Vantage) -> None:
    alone = [check("localhost"), check("127.0.0.1", count=2), check("127.0.0.2", backend="icmplib"), check("127.0.0.3", nonsense=1)]
    together = Together(vantage, check("127.0.0.4"), *alone)
    assert list(together.alone) == alone
    assert list(await together.found) == ["127.0.0.4"]
    other = [Check("one/tcp", "one", "tcp", "127.0.0.1", Grade.CORE, 3, 1, {"port": 9})]
    assert list(Together(vantage, *other).alone) == other


async def test_silence_ends_at_the_deadline_of_each_look_that_began_together(vantage: Vantage) -> None:
    MUTE.write_text("1")
    start = time.monotonic()
    found = await Together(vantage, check("127.0.0.1", 0.1), check("127.0.0.2", 0.2)).found
    assert 0.2 <= time.monotonic() - start < 1
    for outcome in found.values():
        assert (outcome.verdict, outcome.reason, outcome.seconds) == (Verdict.FAIL, Reason.TIMEOUT, None)
    assert [outcome.detail for outcome in found.values()] == ["no reply within 0.1 s", "no reply within 0.2 s"]


@pytest.mark.parametrize(("mute", "verdict", "reason"), [("0", Verdict.OK, None), ("1", Verdict.UNSURE, Reason.LOOP_LATE)])
async def test_after_our_loop_stood_still_a_reply_in_time_counts_and_silence_says_nothing(
    vantage: Vantage, mute: str, verdict: Verdict, reason: Reason | None
) -> None:
    MUTE.write_text(mute)
    together = Together(vantage, check("127.0.0.1", 0.05))
    stand_still(0.3)
    outcome = (await together.found)["127.0.0.1"]
    assert (outcome.verdict, outcome.reason) == (verdict, reason)


@own_ground
async def test_the_id_changes_with_age_and_after_a_loss_but_not_without_cause() -> None:
    MUTE.write_text("1")
    steady, ageing, hurt = PingSockets(), PingSockets(fresh=0.0), PingSockets(calm=0.0)

    def ids(pingers: PingSockets) -> list[int]:
        found = []
        for _ in range(3):
            shot = shot_at(pingers, HERE)
            pinger = pingers.send([shot])
            found.append(pinger.socket.getsockname()[1])
            pingers.settle(pinger, [shot])
        return found

    assert [len(set(ids(pingers))) for pingers in (steady, ageing, hurt)] == [1, 3, 3]
    for pingers in (steady, ageing, hurt):
        pingers.close()


async def test_no_way_from_here_is_our_own_fault(vantage: Vantage) -> None:
    outcome = await ping(vantage, "198.18.0.1")
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.NO_ROUTE)
    outcome = await ping(vantage, "198.18.0.1", backend="icmplib")
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.NO_ROUTE)


async def test_without_descriptors_a_look_is_unsure(vantage: Vantage) -> None:
    await ping(vantage, "127.0.0.1")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        outcome = await ping(vantage, "::1")
        kept = await ping(vantage, "127.0.0.1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.NO_DESCRIPTOR)
    assert kept.verdict is Verdict.OK


async def test_a_kernel_that_refuses_ping_sockets_is_told_in_one_line_at_start(vantage: Vantage) -> None:
    PING_GROUPS.write_text("1 0")
    with pytest.raises(PantauError, match=r"sysctl -w net\.ipv4\.ping_group_range") as caught:
        ready(vantage, frozenset({"icmp", "tcp"}))
    assert caught.value.status is Exit.MISSING
    for backend in ("shared", "icmplib"):
        outcome = await ping(vantage, "127.0.0.1", backend=backend)
        assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.NO_PERMISSION)
    together = await Together(vantage, check("127.0.0.1"), check("::1")).found
    assert {(outcome.verdict, outcome.reason) for outcome in together.values()} == {(Verdict.UNSURE, Reason.NO_PERMISSION)}


async def test_icmplib_gives_the_same_outcomes(vantage: Vantage) -> None:
    outcome = await ping(vantage, "127.0.0.1", backend="icmplib", count=2, packet_interval=0.01)
    assert (outcome.verdict, outcome.values["received"]) == (Verdict.OK, 2)
    MUTE.write_text("1")
    outcome = await ping(vantage, "127.0.0.1", 0.3, backend="icmplib")
    assert (outcome.verdict, outcome.reason) == (Verdict.FAIL, Reason.TIMEOUT)


@own_ground
async def test_packets_that_a_full_socket_would_not_take_leave_later() -> None:
    pingers = PingSockets()
    shots = pingers.shots([HERE] * 600, lambda _: None)
    pinger = pingers.send(shots[:1])
    pinger.socket.setsockopt(1, 32, 1)  # SO_SNDBUFFORCE: room for one packet at a time
    pinger.send(shots[1:])
    while any(shot.seconds is None for shot in shots):
        assert select.select([pinger.socket], [], [], 5)[0]
        pinger.receive()
        pinger.flush()
    assert sum(shot.seconds is not None for shot in shots) == 600
    pingers.close()


ROUTERS = """
ip netns add router; ip netns add other; ip netns add dead
ip link add up0 type veth peer name up1 netns router; ip link add off0 type veth peer name off1 netns dead
ip -n router link add to0 type veth peer name to1 netns other
ip addr add 198.18.0.1/30 dev up0; ip link set up0 up; ip -n router addr add 198.18.0.2/30 dev up1; ip -n router link set up1 up
ip -n router addr add 198.18.8.1/30 dev to0; ip -n router link set to0 up
ip -n other addr add 198.18.8.2/30 dev to1; ip -n other link set to1 up; ip -n other route add default via 198.18.8.1
ip addr add 198.19.0.1/30 dev off0; ip -n dead link set off1 up; ip route add 198.18.0.0/16 via 198.18.0.2
ip -n router link set lo up; ip -n router addr add 198.18.9.9/32 dev lo
for each in router other; do ip netns exec $each sh -c 'cd /proc/sys/net/ipv4; echo 1 >ip_forward; echo 0 >icmp_ratelimit'; done
ip -n router route add unreachable 198.18.1.0/24; ip -n router route add prohibit 198.18.2.0/24
ip -n router route add blackhole 198.18.3.0/24; ip -n router route add 198.18.4.0/24 via 198.18.8.2
ip -n router route add 198.18.5.0/24 via 198.18.0.1
"""


def test_what_routers_say_is_the_reason_and_names_the_router() -> None:
    targets = ("198.18.9.9", "198.18.1.1", "198.18.2.1", "198.18.3.1", "198.18.4.1", "198.18.5.1", "198.19.0.2")
    icmp: list[dict[str, object]] = [{"kind": "icmp", "target": target, "timeout": 0.5} for target in targets]
    tcp: list[dict[str, object]] = [
        {"kind": "tcp", "target": target, "timeout": 0.5, "port": 80} for target in ("198.18.1.1", "198.18.9.9", "198.19.0.2")
    ]
    found = look_inside(ROUTERS, *icmp, *tcp)
    said = [(each["verdict"], each["reason"]) for each in (found[str(number)] for number in range(len(found)))]
    assert said == [
        ("OK", None),
        ("FAIL", "unreachable"),
        ("FAIL", "unreachable"),
        ("FAIL", "timeout"),
        ("FAIL", "unreachable"),
        ("FAIL", "timeout"),  # the router said "redirect", which is a hint and no error
        ("UNSURE", "no_route"),
        ("FAIL", "unreachable"),
        ("FAIL", "refused"),
        ("UNSURE", "no_route"),
    ]
    assert found["1"]["detail"] == "198.18.0.2 says: host unreachable"
    assert found["2"]["detail"] == "198.18.0.2 says: prohibited by a filter"
    assert "a loop of routes?" in str(found["4"]["detail"])


def shots(*seconds: float | Reason | None) -> list[Shot]:
    made = []
    for each in seconds:
        shot = Shot(HERE, bytes(8), lambda _: None)
        if isinstance(each, Reason):
            shot.fault = Fault(each, "said so")
        else:
            shot.seconds = each
        made.append(shot)
    return made


@pytest.mark.parametrize(
    ("found", "verdict", "reason"),
    [
        ([0.1, 0.3], Verdict.OK, None),
        ([0.1, None], Verdict.WARN, Reason.PACKET_LOSS),
        ([0.1, 2.5], Verdict.WARN, Reason.PACKET_LOSS),
        ([None, None], Verdict.FAIL, Reason.TIMEOUT),
        ([Reason.UNREACHABLE, None], Verdict.FAIL, Reason.UNREACHABLE),
        ([Reason.NO_ROUTE, None], Verdict.UNSURE, Reason.NO_ROUTE),
        ([0.1, Reason.NO_ROUTE], Verdict.OK, None),
    ],
)
def test_some_lost_is_a_warning_all_lost_a_failure_and_ours_is_neither(
    found: list[float | Reason | None], verdict: Verdict, reason: Reason | None
) -> None:
    outcome = judge(shots(*found), 2.0, {})
    assert (outcome.verdict, outcome.reason) == (verdict, reason)


def test_an_address_is_packed_and_anything_else_is_a_name() -> None:
    assert pack("127.0.0.1") == HERE
    assert pack("::1") == bytes(15) + b"\1"
    assert pack("portal.pantau.test") is None


async def test_a_bug_of_ours_in_looks_that_begin_together_ends_them_unsure_at_their_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("monitor.probes.icmp.probe_many", broken)
    loop = asyncio.get_running_loop()
    heard: list[type[BaseException]] = []
    loop.set_exception_handler(lambda _, context: heard.append(type(context["exception"])))
    told: asyncio.Future[Sequence[tuple[Check, Outcome]]] = loop.create_future()
    vantage = Vantage()
    assert list(look_many([Check("x/icmp", "x", "icmp", "127.0.0.1", Grade.CORE, 3, 0.01)], vantage, told.set_result)) == []
    ((check, outcome),) = await told
    vantage.close()
    assert (check.id, outcome.verdict, outcome.reason, heard) == ("x/icmp", Verdict.UNSURE, Reason.INTERNAL, [ZeroDivisionError])
