"""ICMP looks: matched, timed and judged by what the kernel really does."""

import asyncio
import os
import resource
import select
import time

import pytest

from monitor.core.city import Check
from monitor.core.errors import Exit, PantauError
from monitor.core.rules import Grade
from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage, ready
from monitor.probes.deadline import look
from monitor.probes.faults import Fault
from monitor.probes.icmp_judge import figures, judge
from monitor.probes.icmp_pool import PingSockets, pack
from monitor.probes.icmp_ring import SIZE
from monitor.probes.icmp_socket import Shot
from tests.ground import MUTE, PING_GROUPS, check, forge_reply, look_inside, stand_still, without_raw_sockets

HERE = b"\x7f\0\0\1"
own_ground = pytest.mark.usefixtures("ground")


async def ping(vantage: Vantage, target: str, timeout: float = 2.0, **options: object) -> Outcome:
    return await look(check(target, timeout, **options), vantage)


def shot_at(pingers: PingSockets, address: bytes) -> Shot:
    return pingers.shots([address], lambda _: None)[0]


@pytest.mark.parametrize("target", ["127.0.0.1", "127.9.8.7", "::1", "localhost"])
async def test_an_address_that_answers_is_ok_with_its_round_trip(vantage: Vantage, target: str) -> None:
    outcome = await ping(vantage, target, count=2, packet_interval=0.01)
    assert (outcome.verdict, outcome.reason, outcome.values["received"]) == (Verdict.OK, None, 2)
    assert outcome.seconds is not None
    assert 0 < outcome.seconds < 0.5


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
async def test_a_packet_that_left_before_the_time_that_we_guessed_is_no_slow_one_though_the_loop_stood_still() -> None:
    pingers = PingSockets()
    shot = shot_at(pingers, HERE)
    pinger = pingers.send([shot])
    shot.sent += 0.02  # as of the last of many that one call sends, when the machine takes us away in the midst of it
    stand_still(0.1)
    pinger.receive()
    assert shot.seconds == 0.0
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
    with without_raw_sockets():
        with pytest.raises(PantauError, match=r"sysctl -w net\.ipv4\.ping_group_range") as caught:
            ready(vantage, [Check("x/icmp", "x", "icmp", "127.0.0.1", Grade.FIBRE, 10, 2)])
        assert caught.value.status is Exit.MISSING
        for backend in ("shared", "icmplib"):
            outcome = await ping(vantage, "127.0.0.1", backend=backend)
            assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.NO_PERMISSION)


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


@own_ground
async def test_a_flood_takes_a_ring_full_of_replies_at_a_time_and_leaves_the_rest_for_later() -> None:
    pingers = PingSockets()
    shots = pingers.shots([HERE] * 300, lambda _: None)
    pinger = pingers.send(shots)
    left = []
    for _ in range(3):
        pinger.receive(most=SIZE)
        left.append(len(pinger.waiting))
    assert left == [300 - SIZE, 300 - 2 * SIZE, 0]
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
        shot.sent = 1.0
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
        ([0.1, None, Reason.NO_ROUTE], Verdict.WARN, Reason.PACKET_LOSS),
    ],
)
def test_some_lost_is_a_warning_all_lost_a_failure_and_ours_is_neither(
    found: list[float | Reason | None], verdict: Verdict, reason: Reason | None
) -> None:
    outcome = judge(shots(*found), 2.0, {}, {})
    assert (outcome.verdict, outcome.reason) == (verdict, reason)


@pytest.mark.parametrize(("left", "verdict", "sent"), [(2.91, Verdict.OK, 2), (2.89, Verdict.WARN, 3)])
def test_a_packet_that_had_less_time_than_an_answer_took_is_not_lost(left: float, verdict: Verdict, sent: int) -> None:
    found = shots(0.02, 0.1, None)
    found[-1].sent = left
    outcome = judge(found, 2.0, {}, {})
    assert (outcome.verdict, outcome.values["sent"], outcome.values["received"]) == (verdict, sent, 2)


def test_a_first_packet_that_was_refused_here_hides_no_silence() -> None:
    found = shots(Reason.NO_ROUTE, 0.1, None)
    found[0].sent = 0.0
    assert judge(found, 2.0, {}, {}).reason == Reason.PACKET_LOSS


def test_a_packet_that_could_not_leave_is_no_silence_of_the_target() -> None:
    outcome = judge([Shot(HERE, bytes(8), lambda _: None)], 2.0, {}, {})
    assert (outcome.verdict, outcome.reason, outcome.values["sent"]) == (Verdict.UNSURE, Reason.LOOP_LATE, 0)


@pytest.mark.parametrize(
    ("seconds", "median", "jitter"),
    [((0.1,), 0.1, None), ((0.1, 0.4), 0.25, 0.3), ((0.1, 0.1, 0.4), 0.1, 0.15), ((0.3, 0.1, 0.3, 0.1), 0.2, 0.2)],
)
def test_the_jitter_is_the_mean_difference_of_one_round_trip_from_the_next(
    seconds: tuple[float, ...], median: float, jitter: float | None
) -> None:
    found = figures(seconds)
    assert found["rtt_median"] == pytest.approx(median)
    assert found.get("rtt_jitter") == pytest.approx(jitter)


def test_an_address_is_packed_and_anything_else_is_a_name() -> None:
    assert pack("127.0.0.1") == HERE
    assert pack("::1") == bytes(15) + b"\1"
    assert pack("portal.pantau.test") is None
