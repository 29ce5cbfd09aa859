"""How pings are sent: as the keys of the check say, paced by one timer, over raw sockets too; and what if our own end changes."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from monitor.core.verdict import Outcome, Reason, Verdict
from monitor.probes import Vantage
from monitor.probes.deadline import look, look_many
from monitor.probes.icmp_many import ping_many
from monitor.probes.icmp_pool import PingSockets
from tests.conftest import need
from tests.ground import MUTE, PING_GROUPS, check, forge_reply
from tests.liars import OURS, OURS_6, ROUTER, Habit, Liars, Packet, dwell, elsewhere, honest, ip, liars, with_token

PEER, PEER_6 = "198.18.0.9", "2001:db8::9"
own_ground = pytest.mark.usefixtures("ground")


@pytest.fixture(name="network")
async def network_fixture(ground: None) -> AsyncIterator[Liars]:
    """A network where two addresses answer."""
    del ground
    with liars() as made:
        made.live(PEER, honest)
        made.live(PEER_6, honest)
        yield made


async def ping(vantage: Vantage, target: str, timeout: float = 1.0, /, **options: object) -> Outcome:
    return await look(check(target, timeout, **options), vantage)


@pytest.mark.parametrize("sockets", ["ping sockets", "raw sockets"])
@pytest.mark.parametrize(("target", "ours", "largest"), [(PEER, OURS, 1472), (PEER_6, OURS_6, 1452)])
async def test_a_packet_leaves_as_the_keys_say(network: Liars, sockets: str, target: str, ours: str, largest: int) -> None:
    if sockets == "raw sockets":
        PING_GROUPS.write_text("1 0")
    dwell(f"{ours[:-1]}7")
    async with Vantage.of() as vantage:
        for size in (8, 9, 56, 57, largest):
            keys: dict[str, object] = {"size": size, "df": True, "ttl": 17, "source": f"{ours[:-1]}7"}
            assert (await ping(vantage, target, **keys)).verdict is Verdict.OK
            heard = network.heard[-1]
            assert (len(heard.body) - 8, heard.ttl, heard.df or not heard.old, heard.source[-1]) == (size, 17, True, 7)
        assert (await ping(vantage, target)).verdict is Verdict.OK
        plain = network.heard[-1]
        assert (len(plain.body), plain.ttl) == (64, 64)
        assert (await ping(vantage, target, size=largest + 1, df=True)).reason is Reason.NO_ROUTE


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(
    ("source", "reason", "words"),
    [
        ("198.18.0.77", Reason.NO_ROUTE, ""),
        ("2001:db8::1", Reason.INTERNAL, "not of the family of the target"),
        ("eth0", Reason.INTERNAL, "is no address"),
    ],
)
async def test_a_source_that_is_not_ours_is_our_own_fault(vantage: Vantage, source: str, reason: Reason, words: str) -> None:
    outcome = await ping(vantage, PEER, source=source)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, reason)
    assert words in outcome.detail


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("options", [{}, {"source": OURS}, {"count": 3, "packet_interval": 0.01}])
async def test_while_our_own_link_is_away_a_look_is_unsure_and_then_well_again(vantage: Vantage, options: dict[str, object]) -> None:
    assert (await ping(vantage, PEER, **options)).verdict is Verdict.OK
    ip("link set liars down")
    away = await ping(vantage, PEER, **options)
    assert (away.verdict, away.reason) == (Verdict.UNSURE, Reason.NO_ROUTE), away
    ip("link set liars up")
    assert (await ping(vantage, PEER, **options)).verdict is Verdict.OK


async def test_a_link_that_goes_away_in_the_midst_of_a_look_is_no_loss_of_the_target(network: Liars, vantage: Vantage) -> None:
    def leave(_: Packet) -> list[Packet]:
        ip("link set liars down")
        return []

    network.live(PEER, leave)
    outcome = await ping(vantage, PEER, count=3, packet_interval=0.01)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.NO_ROUTE), outcome


async def test_an_address_of_ours_that_changes_costs_only_who_asked_for_it(network: Liars, vantage: Vantage) -> None:
    ip("addr add 198.18.0.7/16 dev liars")
    for source in ("", OURS):
        assert (await ping(vantage, PEER, source=source)).verdict is Verdict.OK
    ip("addr del 198.18.0.1/16 dev liars")
    ip("addr replace 198.18.0.8/16 dev liars")
    outcome = await ping(vantage, PEER, source=OURS)
    assert (outcome.verdict, outcome.reason) == (Verdict.UNSURE, Reason.NO_ROUTE), outcome
    assert (await ping(vantage, PEER)).verdict is Verdict.OK
    assert network.heard[-1].source[-1] in {7, 8}


@pytest.mark.usefixtures("network")
async def test_packets_for_which_our_own_card_has_no_room_are_no_loss_and_cost_little(vantage: Vantage) -> None:
    queue = ("root", "tbf", "rate", "1kbit", "burst", "200", "limit", "200")
    subprocess.run([need("tc"), "qdisc", "replace", "dev", "liars", *queue], check=True)
    spent = time.process_time()
    found = await asyncio.gather(*(ping(vantage, f"198.18.5.{at}") for at in range(1, 40)))
    spent = time.process_time() - spent
    assert {(outcome.verdict, outcome.reason) for outcome in found[9:]} == {(Verdict.UNSURE, Reason.LOOP_LATE)}, found
    assert spent < 0.5, "our own loop went round and round"


async def test_a_reply_after_the_time_out_is_told_with_the_next_look(network: Liars, vantage: Vantage) -> None:
    kept: list[Packet] = []

    def late(asked: Packet) -> list[Packet]:
        kept.append(asked.reply())
        return kept if len(kept) > 1 else []

    network.live(PEER, late)
    first = await ping(vantage, PEER, 0.1)
    second = await ping(vantage, PEER)
    third = await ping(vantage, PEER)
    assert (first.verdict, first.reason) == (Verdict.FAIL, Reason.TIMEOUT)
    assert [(each.verdict, each.values.get("late")) for each in (second, third)] == [(Verdict.OK, 1), (Verdict.OK, None)]


async def test_the_second_reply_to_the_last_packet_is_told_with_the_next_look(network: Liars, vantage: Vantage) -> None:
    network.live(PEER, lambda asked: [asked.reply()] * 2)
    found = [await ping(vantage, PEER, count=2, packet_interval=0.01) for _ in range(2)]
    assert [each.values.get("duplicates") for each in found] == [1, 2]


async def test_a_ping_of_many_counts_what_came_twice_or_too_late(network: Liars, vantage: Vantage) -> None:
    kept: list[Packet] = []

    def one_behind(asked: Packet) -> list[Packet]:
        kept.append(asked.reply())
        return [kept.pop(0)] if len(kept) > 1 else []

    network.live("198.18.0.10", one_behind)
    network.live("198.18.0.11", lambda asked: [asked.reply()] * 2)
    found = await ping_many([PEER, "198.18.0.10", "198.18.0.11"], 2, 0.25, 0.2, vantage.share(PingSockets))
    said = {address: pinged.as_json() for address, pinged in found.items()}
    assert [(row["received"], row.get("late"), row.get("duplicates")) for row in said.values()] == [
        (2, None, None),
        (0, 1, None),
        (2, None, 2),
    ]


def _redirecting(quote: Callable[[Packet], bytes]) -> Habit:
    return lambda asked: [asked.error(5, 1, 0xC6120004, quote(asked)), asked.reply()]


async def test_a_redirect_is_heard_when_it_quotes_our_packet_and_from_nobody_else(network: Liars, vantage: Vantage) -> None:
    quotes: list[tuple[Callable[[Packet], bytes], bool]] = [
        (lambda asked: asked.wire(), True),
        (lambda asked: asked.wire()[:28], True),
        (lambda asked: replace(asked, body=with_token(asked, bytes(8))).wire(), False),
        (lambda asked: elsewhere(asked).wire(), False),
        (lambda _: b"", False),
    ]
    for quote, heard in quotes:
        network.live(PEER, _redirecting(quote))
        outcome = await ping(vantage, PEER)
        assert outcome.verdict is Verdict.OK
        assert outcome.values.get("redirect") == (f"{ROUTER} says: a better way is 198.18.0.4" if heard else None)
    assert "redirect" not in (await ping(vantage, PEER)).values


async def test_of_a_ping_of_many_the_last_redirect_is_told(network: Liars, vantage: Vantage) -> None:
    network.live(PEER, lambda asked: [asked.error(5, 1, 0xC6120000 + len(network.heard)), asked.reply(), asked.reply()])
    found = (await ping_many([PEER], 2, 0.01, 1.0, vantage.share(PingSockets)))[PEER].as_json()
    assert (found["received"], found["duplicates"], found["redirect"]) == (2, 2, f"{ROUTER} says: a better way is 198.18.0.2")


async def test_the_figures_of_a_look_are_of_its_round_trips(vantage: Vantage) -> None:
    values = (await ping(vantage, "127.0.0.1", count=5, packet_interval=0.01)).values
    low, middle, high, jitter = (float(str(values[f"rtt_{name}"])) for name in ("min", "median", "max", "jitter"))
    assert 0 < low <= middle <= high
    assert 0 <= jitter <= high - low


async def test_packets_that_had_not_left_when_the_look_ended_are_no_loss(vantage: Vantage) -> None:
    outcome = await ping(vantage, "127.0.0.1", 0.3, count=10, packet_interval=0.2)
    assert (outcome.verdict, outcome.values["sent"], outcome.values["received"]) == (Verdict.OK, 2, 2)


class Timers(asyncio.SelectorEventLoop):
    """A loop that counts the timers that are set."""

    set = 0

    def call_at(self, *args: object, **kwargs: object) -> asyncio.TimerHandle:
        self.set += 1
        return super().call_at(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they come


@own_ground
def test_looks_of_several_packets_that_begin_together_share_their_timers() -> None:
    checks = [check(f"127.3.0.{at}", 5.0, count=3, packet_interval=0.01) for at in range(1, 201)]
    outcomes: list[Outcome] = []

    async def run() -> None:
        finished = asyncio.get_running_loop().create_future()

        def told(some: object) -> None:
            outcomes.extend(outcome for _, outcome in some)  # type: ignore[attr-defined]  # pairs of check and outcome
            if len(outcomes) == len(checks):
                finished.set_result(None)

        async with Vantage.of() as vantage:
            assert look_many(checks, vantage, told) == []
            await finished

    loop = Timers()
    loop.run_until_complete(run())
    loop.close()
    assert {(outcome.verdict, outcome.values["received"]) for outcome in outcomes} == {(Verdict.OK, 3)}
    assert loop.set == 3, "the time-out, and one for each packet after the first"


@own_ground
async def test_a_raw_socket_is_handed_the_replies_to_its_own_id_only() -> None:
    MUTE.write_text("1")
    PING_GROUPS.write_text("1 0")
    pingers = PingSockets()
    shot = pingers.shots([b"\x7f\0\0\1"], lambda _: None)[0]
    pinger = pingers.send([shot])
    identity = pinger.identity
    assert identity is not None
    forge_reply(identity ^ 1, shot.token[:2], shot.token, "127.0.0.1", "127.0.0.1")
    forge_reply(identity, shot.token[:2], bytes(8), "127.0.0.1", "127.0.0.1")
    pinger.receive()
    assert (shot.seconds, pinger.strays) == (None, 1), "that for another id was not even seen"
    forge_reply(identity, shot.token[:2], shot.token, "127.0.0.1", "127.0.0.1")
    pinger.receive()
    assert shot.seconds is not None
    pingers.close()


@own_ground
@pytest.mark.parametrize("targets", [[f"127.4.0.{at}" for at in range(1, 250)], ["::1"] * 200])
async def test_many_looks_over_raw_sockets_lose_nothing(vantage: Vantage, targets: list[str]) -> None:
    PING_GROUPS.write_text("1 0")
    outcomes = await asyncio.gather(*(ping(vantage, target, size=500) for target in targets))
    assert {outcome.verdict for outcome in outcomes} == {Verdict.OK}
